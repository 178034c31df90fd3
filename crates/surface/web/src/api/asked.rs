//! What a request asks for: the parameters in its URL and its JSON body, with a problem that names
//! what is wrong.

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::header;
use axum::http::request::Parts;
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use shelf_domain::{Sku, StoreId, Timestamp};
use utoipa::IntoParams;
use utoipa::openapi::path::ParameterIn;

use crate::app::App;
use crate::problem::{Kind, Problem};

/// Rows of a page where nobody says how many.
const ROWS: usize = 100;
/// The most rows of a page.
pub(super) const MOST_ROWS: usize = 1_000;

/// The names of the parameters of every list.
const COMMON: [&str; 4] = ["limit", "page", "as_of", "format"];

/// Parameters of every list.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
pub(super) struct Common {
    /// Rows of the page, 1 to 1,000; 100 without it.
    limit: Option<usize>,
    /// The token of the page, as the page before gave it.
    pub(super) page: Option<String>,
    /// The moment to look at, RFC 3339; the present without it.
    as_of: Option<String>,
    /// `json`, `csv` or `ndjson`; the last two give the whole list. Without it, what `Accept` says.
    pub(super) format: Option<String>,
}

/// A moment to look at.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
pub(super) struct AtMoment {
    /// The moment to look at, RFC 3339; the present without it.
    as_of: Option<String>,
}

impl AtMoment {
    pub(super) fn as_of(&self) -> Result<Option<Timestamp>, Problem> {
        self.as_of.as_deref().map(time_of).transpose()
    }
}

impl Common {
    /// A problem where a past moment is asked for of what has only a present.
    pub(super) fn present_only(&self, what: &str) -> Result<(), Problem> {
        match self.as_of {
            None => Ok(()),
            Some(_) => Err(Problem::new(Kind::NoPast, format!("{what} is known as it is now"))),
        }
    }

    pub(super) fn as_of(&self) -> Result<Option<Timestamp>, Problem> {
        self.as_of.as_deref().map(time_of).transpose()
    }

    pub(super) fn rows(&self) -> Result<usize, Problem> {
        match self.limit {
            None => Ok(ROWS),
            Some(rows) if (1..=MOST_ROWS).contains(&rows) => Ok(rows),
            Some(rows) => {
                let detail = format!("limit is {rows}; it may be 1 to {MOST_ROWS}");
                Err(Problem::new(Kind::BadRequest, detail))
            }
        }
    }
}

/// The parameters of a list: its own, and those of every list.
#[derive(Clone, Debug)]
pub(super) struct Asked<T> {
    pub(super) own: T,
    pub(super) common: Common,
    /// The query as it was sent, but for the page: what a token belongs to.
    pub(super) filter: String,
    pub(super) accept: String,
}

/// The parameters of one thing.
#[derive(Clone, Debug)]
pub(super) struct Params<T>(pub(super) T);

impl<T: DeserializeOwned + IntoParams + Send> FromRequestParts<App> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        let pairs = pairs_of(parts)?;
        // What there is of its own need not be known where nothing of that is asked for.
        if pairs.iter().any(|(name, _)| !COMMON.contains(&name.as_str())) {
            let common = COMMON.map(str::to_owned);
            check_names(&pairs, &[names::<T>(), common.to_vec()].concat())?;
        }
        let (own, common) = (values::<T>(&pairs)?, values::<Common>(&pairs)?);
        let narrowing = |(name, _): &&(String, String)| name != "page" && name != "limit";
        let mut filter: Vec<String> =
            pairs.iter().filter(narrowing).map(|(name, value)| format!("{name}={value}")).collect();
        filter.sort_unstable();
        let filter = format!("{}?{}", parts.uri.path(), filter.join("&"));
        let accept = parts.headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
        Ok(Self { own, common, filter, accept: accept.unwrap_or_default().to_owned() })
    }
}

impl<T: DeserializeOwned + IntoParams + Send> FromRequestParts<App> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        let pairs = pairs_of(parts)?;
        check_names(&pairs, &names::<T>())?;
        Ok(Self(values(&pairs)?))
    }
}

fn pairs_of(parts: &Parts) -> Result<Vec<(String, String)>, Problem> {
    let query = parts.uri.query().unwrap_or_default();
    let unread = |_| Problem::new(Kind::BadRequest, "the query of the URL cannot be read");
    let text = |text: &str| {
        let text = text.replace('+', " ");
        percent_decode_str(&text).decode_utf8().map(std::borrow::Cow::into_owned).map_err(unread)
    };
    let mut pairs: Vec<(String, String)> = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (text(name)?, text(value)?);
        if pairs.iter().any(|(known, _)| *known == name) {
            return Err(Problem::new(Kind::BadRequest, format!("{name:?} stands twice")));
        }
        // A field of a form that was left empty narrows nothing.
        if !value.is_empty() {
            pairs.push((name, value));
        }
    }
    Ok(pairs)
}

fn names<T: IntoParams>() -> Vec<String> {
    T::into_params(|| Some(ParameterIn::Query)).into_iter().map(|param| param.name).collect()
}

fn check_names(pairs: &[(String, String)], known: &[String]) -> Result<(), Problem> {
    match pairs.iter().find(|(name, _)| !known.contains(name)) {
        None => Ok(()),
        Some((name, _)) => {
            let detail = format!("there is no parameter {name:?}; there are {}", known.join(", "));
            Err(Problem::new(Kind::BadRequest, detail))
        }
    }
}

fn values<T: DeserializeOwned>(pairs: &[(String, String)]) -> Result<T, Problem> {
    let words = pairs.iter().map(|(name, value)| (name.as_str(), Word(value)));
    let words = serde::de::value::MapDeserializer::<_, serde::de::value::Error>::new(words);
    T::deserialize(words)
        .map_err(|error| Problem::new(Kind::BadRequest, format!("a parameter is wrong: {error}")))
}

/// One value of a query: what it is meant to be, the field says.
#[derive(Clone, Copy)]
struct Word<'a>(&'a str);

impl<'de> serde::de::IntoDeserializer<'de> for Word<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> serde::Deserializer<'de> for Word<'de> {
    type Error = serde::de::value::Error;

    fn deserialize_any<V: serde::de::Visitor<'de>>(self, to: V) -> Result<V::Value, Self::Error> {
        to.visit_borrowed_str(self.0)
    }

    fn deserialize_option<V: serde::de::Visitor<'de>>(
        self,
        to: V,
    ) -> Result<V::Value, Self::Error> {
        to.visit_some(self)
    }

    fn deserialize_bool<V: serde::de::Visitor<'de>>(self, to: V) -> Result<V::Value, Self::Error> {
        let wrong = || serde::de::Error::custom(format!("{:?} is neither true nor false", self.0));
        to.visit_bool(self.0.parse().map_err(|_| wrong())?)
    }

    fn deserialize_u64<V: serde::de::Visitor<'de>>(self, to: V) -> Result<V::Value, Self::Error> {
        let wrong = || serde::de::Error::custom(format!("{:?} is no whole number", self.0));
        to.visit_u64(self.0.parse().map_err(|_| wrong())?)
    }

    serde::forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u8 u16 u32 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// A JSON body.
#[derive(Clone, Debug)]
pub(super) struct JsonBody<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<App> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let kind = media_type(request.headers());
        if kind.as_deref() != Some("application/json") {
            let detail = format!("the body is {}", kind.as_deref().unwrap_or("of no type"));
            return Err(Problem::new(Kind::WrongType, detail));
        }
        let bytes = body_of(request, app.options().limits.body_bytes).await?;
        // A list would do where an object is meant, its values in the order of the fields.
        if !bytes.trim_ascii_start().starts_with(b"{") {
            return Err(Problem::new(Kind::BadBody, "the body is no object"));
        }
        serde_json::from_slice(&bytes)
            .map(Self)
            .map_err(|error| Problem::new(Kind::BadBody, error.to_string()))
    }
}

/// The type of a body without its parameters, in small letters.
pub(super) fn media_type(headers: &axum::http::HeaderMap) -> Option<String> {
    let kind = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    Some(kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
}

/// A body up to a size.
pub(crate) async fn body_of(request: Request, most: usize) -> Result<axum::body::Bytes, Problem> {
    let too_large = || {
        let detail = format!("it may be {most} bytes long");
        Problem::new(Kind::TooLarge, detail)
    };
    let said = request.headers().get(header::CONTENT_LENGTH);
    let said: Option<usize> = said.and_then(|said| said.to_str().ok()?.parse().ok());
    if said.is_some_and(|said| said > most) {
        return Err(too_large());
    }
    axum::body::to_bytes(request.into_body(), most).await.map_err(|error| {
        let of_limit = std::error::Error::source(&error)
            .is_some_and(|source| source.to_string().contains("limit"));
        if of_limit { too_large() } else { Problem::new(Kind::BadBody, "the body broke off") }
    })
}

/// A time as it stands in a URL or a body.
pub(super) fn time_of(text: &str) -> Result<Timestamp, Problem> {
    let time: Result<jiff::Timestamp, _> = text.parse();
    time.map(|time| Timestamp(time.as_microsecond()))
        .map_err(|_| Problem::new(Kind::BadTime, format!("{text:?} is no time")))
}

/// A time as it stands in an answer.
pub(super) fn rfc3339(at: Timestamp) -> String {
    jiff::Timestamp::from_microsecond(at.0).map_or_else(|_| String::new(), |at| at.to_string())
}

/// The id of a store that need not be there.
pub(super) fn store_id(text: &str) -> Result<StoreId, Problem> {
    StoreId::new(text)
        .map_err(|_| Problem::new(Kind::UnknownStore, "no id of a store is as long as this"))
}

/// A sku that need not be there.
pub(super) fn sku_of(text: &str) -> Result<Sku, Problem> {
    Sku::new(text).map_err(|_| Problem::new(Kind::UnknownProduct, "no sku is as long as this"))
}

/// The value with this code.
pub(super) fn choice<T: Copy>(
    what: &str,
    given: Option<&str>,
    all: &[T],
    code: fn(T) -> &'static str,
) -> Result<Option<T>, Problem> {
    let Some(given) = given else { return Ok(None) };
    let found = all.iter().copied().find(|&value| code(value) == given);
    found.map(Some).ok_or_else(|| {
        let known: Vec<&str> = all.iter().map(|&value| code(value)).collect();
        let detail = format!("there is no {what} {given:?}; there are {}", known.join(", "));
        Problem::new(Kind::BadRequest, detail)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_list_has_the_parameters_that_are_known_of_it() {
        assert_eq!(names::<Common>(), COMMON);
    }
}
