//! What single operations have beside what all have: headers, other types of their bodies and
//! answers, another status; and how a client shows who it is.

use utoipa::openapi::path::{Operation, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, SchemaFormat, SchemaType, Type};
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{Content, OpenApi, Ref, RefOr, Required, Response, Schema};

use super::intake::NDJSON;
use crate::backends::SqlFormat;

/// Where the stream is, which has no bytes to compare.
const STREAM: &str = "/api/v1/stream";
/// The paths of acts that may be bound to a version.
const VERSIONED: [&str; 4] = [
    "/api/v1/alerts/{store}/{alert}/{act}",
    "/api/v1/orders/{store}/{order}/{act}",
    "/api/v1/tasks/{store}/{task}/cancel",
    "/api/v1/policies/{store}/{policy}",
];

/// Says in the document what single operations have.
pub(super) fn add(document: &mut OpenApi) {
    for (path, item) in &mut document.paths.paths {
        if let Some(read) = item.get.as_mut().filter(|_| path != STREAM) {
            header(
                read,
                "If-None-Match",
                "The `ETag` of what the client has: 304 where it is that.",
            );
            read.responses.responses.insert("304".to_owned(), said("nothing has changed"));
        }
        for act in [&mut item.post, &mut item.put].into_iter().flatten() {
            let says = "1 to 200 bytes: the same key with the same request does the act once.";
            header(act, "Idempotency-Key", says);
            if VERSIONED.contains(&path.as_str()) {
                let says = "The `ETag` that the act was decided on: 412 where another one stands.";
                header(act, "If-Match", says);
            }
        }
    }
    if let Some(take) = operation(document, "/api/v1/events", true) {
        taken(take);
    }
    if let Some(stream) = operation(document, STREAM, false) {
        header(stream, "Last-Event-ID", "The id of the last line that was seen: it goes on there.");
    }
    if let Some(run) = operation(document, "/api/v1/sql", true) {
        formats(run);
    }
    secured(document);
}

fn operation<'a>(document: &'a mut OpenApi, path: &str, post: bool) -> Option<&'a mut Operation> {
    let item = document.paths.paths.get_mut(path)?;
    if post { item.post.as_mut() } else { item.get.as_mut() }
}

fn text() -> Schema {
    Schema::Object(ObjectBuilder::new().schema_type(SchemaType::new(Type::String)).build())
}

fn bytes() -> Schema {
    let format = SchemaFormat::Custom("binary".to_owned());
    let bytes = ObjectBuilder::new().schema_type(SchemaType::new(Type::String));
    Schema::Object(bytes.format(Some(format)).build())
}

fn said(what: &str) -> RefOr<Response> {
    RefOr::T(Response::new(what))
}

fn header(operation: &mut Operation, name: &str, says: &str) {
    let parameter = ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(says))
        .schema(Some(text()));
    operation.parameters.get_or_insert_default().push(RefOr::T(parameter.build()));
}

/// Events come as JSON or NDJSON, plain or packed, and are answered with 202.
fn taken(take: &mut Operation) {
    let says = "`gzip`, where the body is packed; `identity` or nothing where it is not.";
    header(take, "Content-Encoding", says);
    if let Some(RefOr::T(body)) = &mut take.request_body {
        body.content.insert(NDJSON.to_owned(), RefOr::T(Content::new(Some(text()))));
    }
    let answers = &mut take.responses.responses;
    if let Some(RefOr::T(mut done)) = answers.remove("200") {
        "on disk, with a result for each event".clone_into(&mut done.description);
        answers.insert("202".to_owned(), RefOr::T(done));
    }
    let mut full = Response::new("some were not taken: send all of it again after `Retry-After`");
    let problem = Content::new(Some(RefOr::<Schema>::Ref(Ref::from_schema_name("Problem"))));
    full.content.insert("application/problem+json".to_owned(), RefOr::T(problem));
    answers.insert("429".to_owned(), RefOr::T(full));
}

/// Statements are answered in the format that is asked for.
fn formats(run: &mut Operation) {
    let Some(RefOr::T(done)) = run.responses.responses.get_mut("200") else { return };
    for format in SqlFormat::ALL {
        let schema = match format {
            SqlFormat::Json => continue,
            SqlFormat::Csv => text(),
            SqlFormat::Arrow | SqlFormat::Parquet => bytes(),
        };
        let media = format.media_type().split(';').next().unwrap_or_default();
        done.content.insert(media.to_owned(), RefOr::T(Content::new(Some(schema))));
    }
}

/// A token, a session, or nothing where a demo is open to this machine.
fn secured(document: &mut OpenApi) {
    let token = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("A token of `shelf user token`."));
    let says = "The session of a login; what changes something sends `X-CSRF-Token` with it.";
    let session = ApiKeyValue::with_description("shelf_session", says);
    let components = document.components.get_or_insert_default();
    components.add_security_scheme("token", SecurityScheme::Http(token.build()));
    components.add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(session)));
    let scopes: [&str; 0] = [];
    document.security = Some(vec![
        SecurityRequirement::new("token", scopes),
        SecurityRequirement::new("session", scopes),
        SecurityRequirement::default(),
    ]);
}
