//! `Idempotency-Key`: the same key with the same request is answered as it was the first time, and
//! the act is done once.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use xxhash_rust::xxh3::xxh3_128;

use crate::access::Who;
use crate::app::App;
use crate::problem::{Kind, Problem};

/// How many keys are remembered.
const KEYS: usize = 10_000;
/// The longest key, in bytes.
const KEY_BYTES: usize = 200;
/// The largest answer that is remembered, in bytes; one that is larger is given once.
const ANSWER_BYTES: usize = 64 << 10;

/// The answers that keys have got.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    places: HashMap<u128, Arc<Place>>,
    order: VecDeque<u128>,
}

/// The place of one key; held by the request that is worked on.
#[derive(Debug, Default)]
struct Place(tokio::sync::Mutex<Option<Saved>>);

#[derive(Debug)]
struct Saved {
    request: u128,
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Answers {
    fn place(&self, key: u128) -> Arc<Place> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = known.places.get(&key) {
            return Arc::clone(place);
        }
        let place = Arc::new(Place::default());
        known.places.insert(key, Arc::clone(&place));
        known.order.push_back(key);
        while known.order.len() > KEYS {
            if let Some(oldest) = known.order.pop_front() {
                known.places.remove(&oldest);
            }
        }
        place
    }
}

/// Answers a request with a key that was answered before as it was.
pub(super) async fn once(
    State(app): State<App>,
    who: Who,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let key = request.headers().get("idempotency-key").map(|key| key.as_bytes().to_vec());
    let Some(key) = key.filter(|_| *request.method() != Method::GET) else {
        return Ok(next.run(request).await);
    };
    if key.is_empty() || key.len() > KEY_BYTES || std::str::from_utf8(&key).is_err() {
        let detail = format!("a key is 1 to {KEY_BYTES} bytes of text");
        return Err(Problem::new(Kind::BadRequest, detail));
    }
    let name = [who.name.as_bytes(), &[0], &key].concat();
    let (parts, body) = request.into_parts();
    let most = app.options().limits.body_bytes;
    let body = super::asked::body_of(Request::from_parts(parts.clone(), body), most).await?;
    let path = parts.uri.path().as_bytes();
    let asked = xxh3_128(&[parts.method.as_str().as_bytes(), &[0], path, &[0], &body].concat());
    let place = app.answers().place(xxh3_128(&name));
    let mut saved = place.0.lock().await;
    if let Some(saved) = &*saved {
        if saved.request != asked {
            let detail = "the key belongs to another request of this user";
            return Err(Problem::new(Kind::KeyReused, detail));
        }
        let mut response = (saved.status, saved.body.clone()).into_response();
        *response.headers_mut() = saved.headers.clone();
        return Ok(response);
    }
    let response = next.run(Request::from_parts(parts, Body::from(body))).await;
    let status = response.status();
    // What may go better the next time is tried again.
    if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
        return Ok(response);
    }
    let (parts, body) = response.into_parts();
    let Ok(body) = to_bytes(body, most).await else {
        return Err(Problem::new(Kind::Defect, "an answer broke off"));
    };
    if body.len() <= ANSWER_BYTES {
        let headers = parts.headers.clone();
        *saved = Some(Saved { request: asked, status, headers, body: body.clone() });
    }
    Ok(Response::from_parts(parts, Body::from(body)))
}
