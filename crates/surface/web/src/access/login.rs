//! Logging in and out.

use std::sync::Arc;

use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{FromRequest, Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Form, Router};
use serde::Deserialize;

use super::Who;
use super::guard::{COOKIE, cookie_of, peer_of};
use super::users::{hashed, is_password};
use crate::app::App;
use crate::noted;
use crate::problem::{Kind, Problem};

/// Where a login leads to.
const HOME: &str = "/";

pub(crate) fn routes() -> Router<App> {
    Router::new().route("/login", get(form).post(login)).route("/logout", post(logout))
}

#[derive(Template)]
#[template(path = "access/login.html")]
struct LoginPage {
    next: String,
    wrong: bool,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LoginForm {
    name: String,
    password: String,
    #[serde(default)]
    next: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct Next {
    #[serde(default)]
    next: String,
}

/// A place of this server, and of no other.
fn own(next: &str) -> String {
    let plain = next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let own = next.starts_with('/') && !next.starts_with("//") && plain;
    if own { next.to_owned() } else { HOME.to_owned() }
}

fn page(next: &str, wrong: bool, status: StatusCode) -> Response {
    match (LoginPage { next: own(next), wrong }).render() {
        Ok(text) => (status, Html(text)).into_response(),
        Err(_) => Problem::new(Kind::Defect, "a page cannot be written").into_response(),
    }
}

async fn form(next: Result<Query<Next>, QueryRejection>) -> Response {
    page(&next.map(|next| next.0.next).unwrap_or_default(), false, StatusCode::OK)
}

async fn login(State(app): State<App>, request: Request) -> Result<Response, Problem> {
    let (peer, html) = (peer_of(request.extensions()), wants_html(request.headers()));
    let Form(form) = Form::<LoginForm>::from_request(request, &app)
        .await
        .map_err(|_| Problem::new(Kind::BadBody, "send name and password as a form"))?;
    let sessions = app.sessions();
    let (by_name, by_peer) = (format!("name {}", form.name), format!("peer {peer}"));
    let throttled = || Problem::new(Kind::Throttled, "this name or address has failed too often");
    if sessions.must_wait(&by_name) || sessions.must_wait(&by_peer) {
        return Err(throttled());
    }
    // One after another: hashing takes memory.
    let Ok(turn) = Arc::clone(app.hashing()).acquire_owned().await else {
        return Err(Problem::new(Kind::Busy, "the server stops"));
    };
    // Others of this name or address may have failed since.
    let Some(tried) = sessions.may_try(&by_name, &by_peer) else { return Err(throttled()) };
    let password = app.users().password_of(&form.name);
    let known = app.users().get(&form.name).is_some_and(|user| user.role().is_some());
    let (given, hash) = (form.password, password.clone());
    // The turn and the try last as long as the hashing, also where the client does not wait for it.
    let hashing = app.blocking(move || {
        let fits = is_password(&given, hash.as_deref());
        if fits && known {
            tried.succeeded();
        }
        (fits, turn)
    });
    let (fits, _turn) = hashing.await?;
    if !fits || !known {
        // Some people type their password where their name belongs: only names of users are noted.
        let name = app.users().get(&form.name).map_or("", |_| form.name.as_str()).to_owned();
        tracing::warn!(user = %name, %peer, "a login has failed");
        noted::note(&app, &name, "login_failed", peer.to_string()).await;
        if html {
            return Ok(page(&form.next, true, StatusCode::UNAUTHORIZED));
        }
        return Err(Problem::new(Kind::BadLogin, "the login has failed"));
    }
    let cookie = sessions
        .begin(&form.name, password)
        .map_err(|_| Problem::new(Kind::Defect, "the system gives no random bytes"))?;
    tracing::info!(user = %form.name, %peer, "logged in");
    noted::note(&app, &form.name, "login", peer.to_string()).await;
    Ok(to(&own(&form.next), Some(&cookie_line(&app, &cookie, ""))))
}

fn wants_html(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}

fn cookie_line(app: &App, cookie: &str, more: &str) -> String {
    let secure = if app.options().tls.is_some() { "; Secure" } else { "" };
    format!("{COOKIE}={cookie}; HttpOnly; SameSite=Strict; Path=/{secure}{more}")
}

fn to(place: &str, cookie: Option<&str>) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    if let Ok(place) = HeaderValue::try_from(place) {
        response.headers_mut().insert(header::LOCATION, place);
    }
    if let Some(Ok(cookie)) = cookie.map(HeaderValue::try_from) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

#[derive(Clone, Debug, Deserialize)]
struct LogoutForm {
    #[serde(default)]
    csrf: String,
}

async fn logout(
    State(app): State<App>,
    who: Who,
    headers: HeaderMap,
    Form(form): Form<LogoutForm>,
) -> Result<Response, Problem> {
    who.check_csrf(&form.csrf)?;
    if let Some(cookie) = cookie_of(&headers) {
        app.sessions().end(&hashed(cookie));
        noted::note(&app, who.name.as_str(), "logout", String::new()).await;
    }
    Ok(to("/login", Some(&cookie_line(&app, "", "; Max-Age=0"))))
}
