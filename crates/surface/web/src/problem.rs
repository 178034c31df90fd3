//! Problem documents (RFC 9457): what a client sees when a request is not answered as it was meant.
//! The codes are those of `docs/errors.md`, and each has a page at `/problems/<code>`.

mod documented;
mod kinds;

use std::borrow::Cow;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use shelf_domain::Reason;
use shelf_host::{Ack, HostError};
use utoipa::ToSchema;

use crate::door::DoorError;
pub(crate) use documented::{Documented, all_documented, documented};
pub(crate) use kinds::{KINDS, Kind};

/// The media type of a problem document.
const MEDIA_TYPE: HeaderValue = HeaderValue::from_static("application/problem+json");
/// In how many seconds to try again where there was no room.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("1");

/// What is wrong with a request, or with answering it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Problem {
    /// Where the page of this code is.
    #[serde(rename = "type")]
    #[schema(value_type = String)]
    pub kind: Box<str>,
    /// The sentence of the code.
    #[schema(value_type = String)]
    pub title: &'static str,
    /// The status of the answer.
    pub status: u16,
    /// What is wrong here.
    #[schema(value_type = String)]
    pub detail: Box<str>,
    /// The stable code.
    #[schema(value_type = String)]
    pub code: Cow<'static, str>,
    /// What to do next.
    #[schema(value_type = String)]
    pub hint: Cow<'static, str>,
    /// What became of each event, where a request had many and not all were taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Object>>)]
    pub results: Option<Box<[Ack]>>,
}

impl Problem {
    /// A problem of a kind that is known when the program is written.
    pub(crate) fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self::of_code(kind.status(), kind.code(), kind.title(), kind.hint(), detail)
    }

    fn of_code(
        status: StatusCode,
        code: impl Into<Cow<'static, str>>,
        title: &'static str,
        hint: impl Into<Cow<'static, str>>,
        detail: impl Into<String>,
    ) -> Self {
        let code = code.into();
        Self {
            kind: format!("/problems/{code}").into(),
            title,
            status: status.as_u16(),
            detail: detail.into().into(),
            code,
            hint: hint.into(),
            results: None,
        }
    }

    /// A problem with a code of another part of the program.
    pub(crate) fn coded(
        status: StatusCode,
        code: &str,
        detail: impl Into<String>,
        hint: &str,
    ) -> Self {
        let when = || documented(code).map(|known| known.when.as_str());
        let title = kinds::title_of(code).or_else(when).unwrap_or("it was not carried out");
        Self::of_code(status, code.to_owned(), title, hint.to_owned(), detail)
    }

    /// The answer to an event that the core did not accept.
    pub(crate) fn of_ack(ack: &Ack) -> Self {
        let code = ack.code.as_deref().unwrap_or("wrong_state");
        let status = match code {
            "unknown_alert" | "unknown_task" | "unknown_order" | "unknown_store"
            | "unknown_product" => StatusCode::NOT_FOUND,
            "wrong_state" => StatusCode::CONFLICT,
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        };
        let hint = ack.hint.as_deref().unwrap_or("look at its present state");
        Self::coded(status, code, "the event is in quarantine, with this reason", hint)
    }

    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

/// The sentence of a reason of the core.
pub(crate) fn reason_of(code: &str) -> Option<Reason> {
    Reason::ALL.into_iter().find(|reason| reason.code() == code)
}

impl From<HostError> for Problem {
    fn from(error: HostError) -> Self {
        tracing::error!(code = error.code(), error = %error, "the data folder cannot be read");
        // Paths of this machine are nobody else's business: they are in the log of the server.
        let detail = "the data folder cannot be read; the log of the server says why";
        let status = StatusCode::SERVICE_UNAVAILABLE;
        Self::coded(status, error.code(), detail, error.hint())
    }
}

impl From<shelf_ports::LogError> for Problem {
    fn from(error: shelf_ports::LogError) -> Self {
        HostError::from(error).into()
    }
}

impl From<DoorError> for Problem {
    fn from(error: DoorError) -> Self {
        match error {
            DoorError::Full { taken } => {
                let detail = format!("{} events were taken and are on disk, no more", taken.len());
                Self { results: Some(taken.into()), ..Self::new(Kind::Full, detail) }
            }
            DoorError::Closed => Self::new(Kind::NotRunning, error.to_string()),
            DoorError::NoAnswer => Self::new(Kind::NoAnswer, error.to_string()),
            DoorError::Host(error) => error.into(),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.status();
        let mut response = (status, Json(&self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, MEDIA_TYPE);
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
            headers.insert(header::RETRY_AFTER, RETRY_AFTER);
        }
        response.extensions_mut().insert(self);
        response
    }
}
