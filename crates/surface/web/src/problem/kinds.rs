//! The problems that the server itself finds, with their codes, statuses, sentences and hints.

use axum::http::StatusCode;

macro_rules! kinds {
    ($($name:ident $status:ident $code:literal $title:literal $hint:literal;)*) => {
        /// A problem that the server itself finds.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Kind {
            $(#[doc = $title] $name,)*
        }

        /// All of them.
        pub(crate) const KINDS: &[Kind] = &[$(Kind::$name),*];

        impl Kind {
            /// Its stable code.
            pub(crate) fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// The status of the answer.
            pub(crate) fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status,)* }
            }

            /// What it means.
            pub(crate) fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }

            /// What to do next.
            pub(crate) fn hint(self) -> &'static str {
                match self { $(Self::$name => $hint,)* }
            }
        }
    };
}

kinds! {
    BadRequest BAD_REQUEST "bad_request"
        "the request cannot be understood"
        "compare it with /api/openapi.json";
    BadPage BAD_REQUEST "bad_page"
        "the page token is not one of this list"
        "begin at the first page; tokens belong to one list and its filters";
    BadTime BAD_REQUEST "bad_time"
        "a time that is not RFC 3339 with an offset, or lies where there is nothing"
        "write 2026-01-31T08:00:00Z";
    NoPast BAD_REQUEST "no_past"
        "only the present of this is known"
        "leave as_of out";
    BadBody BAD_REQUEST "bad_body"
        "the body is not what it must be"
        "send the JSON that /api/openapi.json describes";
    Unauthorized UNAUTHORIZED "unauthorized"
        "nobody is logged in"
        "log in at /login, or send a token as `Authorization: Bearer ...`";
    BadLogin UNAUTHORIZED "bad_login"
        "no user has this name and password"
        "check both; `shelf user list` shows who there is";
    Forbidden FORBIDDEN "forbidden"
        "the role of this user does not allow it"
        "ask somebody with a role that does";
    OtherStore FORBIDDEN "other_store"
        "this user has other stores"
        "name one of your own stores";
    BadCsrf FORBIDDEN "bad_csrf"
        "the form does not come from a page of this session"
        "load the page again and send the form from there";
    BadHost FORBIDDEN "bad_host"
        "the request is addressed to another name than this server's"
        "use the address that the server printed, or add the name to http.hosts";
    NotFound NOT_FOUND "not_found"
        "there is nothing here"
        "see /api for what there is";
    UnknownStore NOT_FOUND "unknown_store"
        "there is no such store"
        "list them at /api/v1/stores";
    UnknownAlert NOT_FOUND "unknown_alert"
        "no such alert stands"
        "it has ended or never was; list the open ones at /api/v1/alerts";
    UnknownTask NOT_FOUND "unknown_task"
        "no such task stands"
        "it has ended or never was; list the open ones at /api/v1/tasks";
    UnknownOrder NOT_FOUND "unknown_order"
        "no such order stands"
        "it has ended or never was; list the open ones at /api/v1/orders";
    UnknownProduct NOT_FOUND "unknown_product"
        "there is no such product in the store"
        "list them at /api/v1/products";
    UnknownWindow NOT_FOUND "unknown_window"
        "there is no such window"
        "list them at /api/v1/windows";
    UnknownLot NOT_FOUND "unknown_lot"
        "the log knows no such lot, as far back as it is read"
        "list those that have units at /api/v1/lots";
    MethodNotAllowed METHOD_NOT_ALLOWED "method_not_allowed"
        "this path does not take this method"
        "see /api for what it takes";
    TooSlow REQUEST_TIMEOUT "too_slow"
        "the request took longer than it may"
        "ask for less at once, or send the body faster";
    NothingToUndo CONFLICT "nothing_to_undo"
        "no act on this alert can be taken back"
        "look at how it stands; one that has ended opens again where its problem is there";
    StaleVersion PRECONDITION_FAILED "stale_version"
        "it has changed since it was read"
        "read it again, and decide again";
    TooLarge PAYLOAD_TOO_LARGE "body_too_large"
        "the body is larger than it may be"
        "send it in parts";
    WrongType UNSUPPORTED_MEDIA_TYPE "wrong_media_type"
        "the body is of a type that this path does not take"
        "send application/json or application/x-ndjson, plain or with Content-Encoding: gzip";
    BadValue UNPROCESSABLE_ENTITY "bad_value"
        "a value makes no sense"
        "compare it with /api/openapi.json";
    KeyReused UNPROCESSABLE_ENTITY "key_reused"
        "the idempotency key was used for another request"
        "make a new key for each act";
    Full TOO_MANY_REQUESTS "full"
        "as many events wait for the disk as may"
        "send those that were not taken again after the time in Retry-After";
    Throttled TOO_MANY_REQUESTS "throttled"
        "too many failed logins"
        "wait a minute and try again";
    Defect INTERNAL_SERVER_ERROR "defect"
        "the server has a defect"
        "report it with the request that led to it";
    NotThere NOT_FOUND "not_there"
        "this process has nothing of the kind"
        "start `shelf run` with what is needed";
    Busy SERVICE_UNAVAILABLE "busy"
        "as many requests are worked on as may be"
        "send it again in a moment";
    TooManyStreams SERVICE_UNAVAILABLE "too_many_streams"
        "as many streams are open as may be"
        "close some, or try again in a moment";
    NotRunning SERVICE_UNAVAILABLE "not_running"
        "no process takes events into this data folder"
        "start `shelf run` on it";
    NoAnswer SERVICE_UNAVAILABLE "no_answer"
        "the engine did not answer in time"
        "send it again: whether it was taken is not known, and twice is as once";
}

/// The sentence of a code.
pub(crate) fn title_of(code: &str) -> Option<&'static str> {
    KINDS.iter().find(|kind| kind.code() == code).map(|kind| kind.title())
}
