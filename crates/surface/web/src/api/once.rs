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

/// The most bytes of all answers that are remembered.
const ALL_BYTES: usize = 16 << 20;

/// The answers that keys have got.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// Each with the bytes of its answer; none of one that is worked on.
    places: HashMap<u128, (Arc<Place>, usize)>,
    order: VecDeque<u128>,
    /// The bytes of all answers.
    bytes: usize,
}

impl Known {
    /// Forgets the oldest as long as there is more than may be. One that is still worked on, or
    /// asked for, stays where there are not too many keys: its act must not be done twice.
    fn shrink(&mut self) {
        let mut left = self.order.len();
        while self.order.len() > KEYS || (self.bytes > ALL_BYTES && left > 0) {
            let Some(oldest) = self.order.pop_front() else { return };
            left = left.saturating_sub(1);
            let held = |(place, _): &(Arc<Place>, usize)| Arc::strong_count(place) > 1;
            if self.order.len() < KEYS && self.places.get(&oldest).is_some_and(held) {
                self.order.push_back(oldest);
                continue;
            }
            if let Some((_, bytes)) = self.places.remove(&oldest) {
                self.bytes -= bytes;
            }
        }
    }
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

impl Saved {
    /// What of it takes room.
    fn bytes(&self) -> usize {
        let headers = self.headers.iter().map(|(name, value)| name.as_str().len() + value.len());
        self.body.len() + headers.sum::<usize>()
    }
}

impl Answers {
    fn place(&self, key: u128) -> Arc<Place> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((place, _)) = known.places.get(&key) {
            return Arc::clone(place);
        }
        let place = Arc::new(Place::default());
        known.places.insert(key, (Arc::clone(&place), 0));
        known.order.push_back(key);
        known.shrink();
        place
    }

    /// Counts the answer that a key has got.
    fn count(&self, key: u128, answer: usize) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let known = &mut *known;
        if let Some((_, bytes)) = known.places.get_mut(&key) {
            known.bytes = known.bytes - *bytes + answer;
            *bytes = answer;
        }
        known.shrink();
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
    let name = xxh3_128(&name);
    let place = app.answers().place(name);
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
        let answer = Saved { request: asked, status, headers, body: body.clone() };
        app.answers().count(name, answer.bytes());
        *saved = Some(answer);
    }
    Ok(Response::from_parts(parts, Body::from(body)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keep(answers: &Answers, key: u128) {
        let place = answers.place(key);
        let (body, headers) = (Bytes::from(vec![b'x'; ANSWER_BYTES]), HeaderMap::new());
        let answer = Saved { request: key, status: StatusCode::OK, headers, body };
        answers.count(key, answer.bytes());
        *place.0.blocking_lock() = Some(answer);
    }

    fn known(answers: &Answers, key: u128) -> bool {
        answers.place(key).0.blocking_lock().is_some()
    }

    #[test]
    fn the_oldest_answers_go_where_all_are_too_large() {
        let answers = Answers::default();
        let fit = (ALL_BYTES / ANSWER_BYTES) as u128;
        (0..fit).for_each(|key| keep(&answers, key));
        assert!(known(&answers, 0) && known(&answers, fit - 1));
        (fit..fit + 10).for_each(|key| keep(&answers, key));
        let held = answers.known.lock().unwrap().bytes;
        assert_eq!(held, ALL_BYTES);
        assert!(!known(&answers, 0) && !known(&answers, 9));
        assert!(known(&answers, 10) && known(&answers, fit + 9));
        // One that is answered anew is counted once.
        answers.count(fit + 9, 1);
        assert!(answers.known.lock().unwrap().bytes < held);
    }

    #[test]
    fn a_key_that_is_worked_on_stays_while_answers_go() {
        let answers = Answers::default();
        let worked_on = answers.place(1_000_000);
        let fit = (ALL_BYTES / ANSWER_BYTES) as u128;
        (0..fit + 10).for_each(|key| keep(&answers, key));
        assert!(Arc::ptr_eq(&worked_on, &answers.place(1_000_000)));
        assert!(!known(&answers, 0) && known(&answers, fit + 9));
        assert_eq!(answers.known.lock().unwrap().bytes, ALL_BYTES);
        // Where all are worked on, there is more for a while.
        let held: Vec<_> = (10..fit + 10).map(|key| answers.place(key)).collect();
        keep(&answers, fit + 10);
        assert_eq!(answers.known.lock().unwrap().bytes, ALL_BYTES + ANSWER_BYTES);
        drop(held);
        keep(&answers, fit + 11);
        assert!(answers.known.lock().unwrap().bytes <= ALL_BYTES);
    }

    #[test]
    fn no_more_keys_are_known_than_may_be() {
        let answers = Answers::default();
        (0..2 * KEYS as u128).for_each(|key| drop(answers.place(key)));
        let known = answers.known.lock().unwrap();
        assert_eq!((known.places.len(), known.order.len(), known.bytes), (KEYS, KEYS, 0));
    }
}
