//! Before anything else is done: is the request addressed to this server, who sends it, and does a
//! page of this server send it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::{Request, State};
use axum::http::{Extensions, HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use shelf_domain::Actor;
use subtle::ConstantTimeEq;

use super::users::{User, hashed};
use super::{By, Role, Who};
use crate::app::App;
use crate::problem::{Kind, Problem};
use crate::serve::Peer;

/// The cookie of a session.
pub(super) const COOKIE: &str = "shelf_session";
/// What anybody may see: what a probe and the page of the login need.
const OPEN: [&str; 6] =
    ["/livez", "/readyz", "/version", "/login", "/api/reader.css", "/favicon.ico"];
/// Whose folder anybody may see: style and script of the pages.
const OPEN_BELOW: [&str; 2] = ["/assets/", "/problems/"];

/// The address at the other end.
pub(super) fn peer_of(extensions: &Extensions) -> IpAddr {
    let peer = extensions.get::<Peer>().map(|peer| peer.0.ip());
    peer.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
}

/// What the cookie of the session holds.
pub(super) fn cookie_of(headers: &HeaderMap) -> Option<&str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut cookies = lines.flat_map(|line| line.split(';'));
    cookies.find_map(|cookie| cookie.trim().strip_prefix(COOKIE)?.strip_prefix('='))
}

/// Lets a request through that may be answered, with who sends it.
pub(crate) async fn guard(State(app): State<App>, mut request: Request, next: Next) -> Response {
    match admit(&app, &request) {
        Ok(who) => {
            request.extensions_mut().insert(who.clone());
            let mut response = next.run(request).await;
            response.extensions_mut().insert(who);
            response
        }
        Err(problem) => refuse(&request, problem),
    }
}

fn refuse(request: &Request, problem: Problem) -> Response {
    let accept = request.headers().get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    let page = *request.method() == Method::GET
        && accept.is_some_and(|accept| accept.contains("text/html"))
        && !request.uri().path().starts_with("/api/v1");
    if page && problem.status() == StatusCode::UNAUTHORIZED {
        let next = request.uri().path_and_query().map_or("/", |place| place.as_str());
        let next = utf8_percent_encode(next, NON_ALPHANUMERIC).to_string();
        if let Ok(place) = HeaderValue::try_from(format!("/login?next={next}")) {
            return (StatusCode::SEE_OTHER, [(header::LOCATION, place)]).into_response();
        }
    }
    let unknown = problem.status() == StatusCode::UNAUTHORIZED;
    let mut response = problem.into_response();
    if unknown {
        let scheme = HeaderValue::from_static("Bearer realm=\"shelf\"");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
    }
    response
}

fn admit(app: &App, request: &Request) -> Result<Who, Problem> {
    let headers = request.headers();
    addressed_to_us(app, request)?;
    let writes = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if let Some(token) = bearer(headers) {
        return of_token(app, hashed(token)).ok_or_else(|| {
            let peer = peer_of(request.extensions());
            tracing::warn!(%peer, "a token is unknown or has expired");
            Problem::new(Kind::Unauthorized, "the token is unknown or has expired")
        });
    }
    if writes {
        from_our_pages(headers)?;
    }
    let path = request.uri().path();
    if let Some(cookie) = cookie_of(headers).filter(|cookie| !cookie.is_empty()) {
        match of_session(app, hashed(cookie)) {
            Some(who) => {
                if writes && path.starts_with("/api/") {
                    let sent = headers.get("x-csrf-token").map_or(&b""[..], HeaderValue::as_bytes);
                    if !bool::from(who.csrf.as_bytes().ct_eq(sent)) {
                        let detail = "the header X-CSRF-Token is missing or of another session";
                        return Err(Problem::new(Kind::BadCsrf, detail));
                    }
                }
                return Ok(who);
            }
            // A cookie of yesterday is no reason to keep anybody from logging in.
            None if !is_open(path) && app.local().is_none() => {
                return Err(Problem::new(
                    Kind::Unauthorized,
                    "the session has ended, or never was",
                ));
            }
            None => {}
        }
    }
    match app.local() {
        Some(who) => Ok(who),
        None if is_open(path) => Ok(Who::nobody()),
        None => Err(Problem::new(Kind::Unauthorized, "nobody is logged in")),
    }
}

fn is_open(path: &str) -> bool {
    OPEN.contains(&path) || OPEN_BELOW.iter().any(|below| path.starts_with(below))
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().unwrap_or_default();
    let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
    Some(if scheme.eq_ignore_ascii_case("bearer") { token.trim() } else { "" })
}

/// Whether somebody who was let in would be let in again, with the same role and stores. Who
/// follows a stream uses their session.
pub(super) fn still(app: &App, who: &Who) -> bool {
    let again = match &who.by {
        By::Place => app.local(),
        By::Token(hash) => of_token(app, hash.clone()),
        By::Session(hash) => of_session(app, hash.clone()),
    };
    again.is_some_and(|again| again.role == who.role && again.stores == who.stores)
}

fn of_token(app: &App, hash: String) -> Option<Who> {
    let users = app.users();
    known(users.of_token(&hash)?, String::new(), By::Token(hash))
}

fn of_session(app: &App, hash: String) -> Option<Who> {
    let session = app.sessions().get(&hash)?;
    let users = app.users();
    let user = users.get(&session.user)?;
    // Another password ends what has begun with the one before.
    if users.password_of(&session.user) != session.password {
        app.sessions().end(&hash);
        return None;
    }
    known(user, session.csrf, By::Session(hash))
}

fn known(user: &User, csrf: String, by: By) -> Option<Who> {
    let (name, role, stores) = (Actor::cut(&user.name), user.role()?, user.scope());
    Some(Who { name, role, stores, csrf, by })
}

impl Who {
    /// Somebody who is not known, at what anybody may see.
    fn nobody() -> Self {
        let (name, stores) = (Actor::cut("nobody"), Some(Vec::new()));
        let (role, csrf) = (Role::Viewer, String::new());
        Self { name, role, stores, csrf, by: By::Place }
    }
}

/// A page of another site whose name is made to point here must not read what is here.
fn addressed_to_us(app: &App, request: &Request) -> Result<(), Problem> {
    let listen = app.options().listen;
    let hosts = &app.options().hosts;
    if !listen.ip().is_loopback() && hosts.is_empty() {
        return Ok(());
    }
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let host = host.or(request.uri().host()).unwrap_or_default();
    let ours = |name: &str| {
        name.eq_ignore_ascii_case("localhost") || hosts.iter().any(|host| host == name)
    };
    let name = host.rsplit_once(':').map_or(host, |(name, port)| {
        if port.bytes().all(|byte| byte.is_ascii_digit()) { name } else { host }
    });
    let of_address = |text: &str| {
        let bare = text.trim_start_matches('[').trim_end_matches(']');
        bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback() || ip == listen.ip())
    };
    let whole = host.parse::<SocketAddr>().is_ok_and(|address| address.ip().is_loopback());
    if ours(name) || of_address(name) || whole {
        return Ok(());
    }
    Err(Problem::new(Kind::BadHost, "the request is addressed to another server"))
}

/// A page of another site must not act here: browsers say where a request comes from.
fn from_our_pages(headers: &HeaderMap) -> Result<(), Problem> {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let refused = || Problem::new(Kind::BadCsrf, "the request comes from a page of another site");
    if text("sec-fetch-site").is_some_and(|site| !matches!(site, "same-origin" | "none")) {
        return Err(refused());
    }
    match (text("origin"), text("host")) {
        (Some(origin), Some(host)) => {
            let of = origin.split_once("://").map(|(_, host)| host);
            if of == Some(host) { Ok(()) } else { Err(refused()) }
        }
        _ => Ok(()),
    }
}
