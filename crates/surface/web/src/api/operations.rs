//! The operations of the API: each is declared once, and is a route and a part of the OpenAPI
//! document from then on.

use axum::Router;
use axum::handler::Handler;
use axum::http::Method;
use axum::routing::{MethodFilter, on};
use shelf_views::EffectLine;
use utoipa::openapi::path::{
    HttpMethod, OperationBuilder, Parameter, ParameterBuilder, ParameterIn, PathItem,
};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{AllOfBuilder, ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{
    ComponentsBuilder, Content, InfoBuilder, OpenApi, OpenApiBuilder, PathsBuilder, Ref, RefOr,
    Required, ResponseBuilder, Schema,
};
use utoipa::{IntoParams, ToSchema};

use super::asked::Common;
use super::paging::Paging;
use crate::app::App;
use crate::problem::Problem;

/// The media type of JSON.
const JSON: &str = "application/json";

/// Routes, and the document that says what they are.
pub(super) struct Operations {
    pub(super) router: Router<App>,
    paths: PathsBuilder,
    components: ComponentsBuilder,
}

/// What an operation answers.
pub(super) enum Answer {
    /// One thing.
    One,
    /// A page of a list, also as CSV or NDJSON.
    List,
    /// A list whose view has its pages itself, also as CSV or NDJSON.
    Paged,
    /// Server-sent events.
    Events,
}

impl Operations {
    pub(super) fn new() -> Self {
        let (router, paths) = (Router::new(), PathsBuilder::new());
        let operations = Self { router, paths, components: ComponentsBuilder::new() };
        operations.with::<Problem>().with::<Paging>()
    }

    /// Adds the schema of a type, and of those that it is made of.
    fn with<T: ToSchema>(mut self) -> Self {
        let mut others = Vec::new();
        T::schemas(&mut others);
        self.components = self.components.schema(T::name(), T::schema());
        for (name, schema) in others {
            self.components = self.components.schema(name, schema);
        }
        self
    }

    /// A page of a list: `Q` narrows it, `T` is the view.
    pub(super) fn list<Q: IntoParams, T: ToSchema, H, X>(
        self,
        path: &str,
        summary: &str,
        handler: H,
    ) -> Self
    where
        H: Handler<X, App>,
        X: 'static,
    {
        let mut params = Q::into_params(|| Some(ParameterIn::Query));
        params.extend(Common::into_params(|| Some(ParameterIn::Query)));
        self.add::<T, _, _>(&Method::GET, path, summary, params, None, &Answer::List, handler)
    }

    /// One thing: `Q` are its parameters, `T` is the view.
    pub(super) fn one<Q: IntoParams, T: ToSchema, H, X>(
        self,
        path: &str,
        summary: &str,
        handler: H,
    ) -> Self
    where
        H: Handler<X, App>,
        X: 'static,
    {
        self.read::<Q, T, _, _>(path, summary, &Answer::One, handler)
    }

    /// A list with pages of its own, if any: `Q` are all its parameters, `T` is the view.
    pub(super) fn paged<Q: IntoParams, T: ToSchema, H, X>(
        self,
        path: &str,
        summary: &str,
        handler: H,
    ) -> Self
    where
        H: Handler<X, App>,
        X: 'static,
    {
        self.read::<Q, T, _, _>(path, summary, &Answer::Paged, handler)
    }

    /// What is read and has no more parameters than `Q`.
    fn read<Q: IntoParams, T: ToSchema, H, X>(
        self,
        path: &str,
        summary: &str,
        answer: &Answer,
        handler: H,
    ) -> Self
    where
        H: Handler<X, App>,
        X: 'static,
    {
        let params = Q::into_params(|| Some(ParameterIn::Query));
        self.add::<T, _, _>(&Method::GET, path, summary, params, None, answer, handler)
    }

    /// Server-sent events: `Q` narrows them.
    pub(super) fn events<Q: IntoParams, H, X>(self, path: &str, summary: &str, handler: H) -> Self
    where
        H: Handler<X, App>,
        X: 'static,
    {
        self.read::<Q, EffectLine, _, _>(path, summary, &Answer::Events, handler)
    }

    /// An act: `B` is its body, `T` what it comes to.
    pub(super) fn act<B: ToSchema, T: ToSchema, H, X>(
        self,
        method: &Method,
        path: &str,
        summary: &str,
        handler: H,
    ) -> Self
    where
        H: Handler<X, App>,
        X: 'static,
    {
        let body = Some(reference::<B>());
        let with = self.with::<B>();
        with.add::<T, _, _>(method, path, summary, Vec::new(), body, &Answer::One, handler)
    }

    #[allow(clippy::too_many_arguments, reason = "each is one part of one operation")]
    fn add<T: ToSchema, H, X>(
        mut self,
        method: &Method,
        path: &str,
        summary: &str,
        params: Vec<Parameter>,
        body: Option<RefOr<Schema>>,
        answer: &Answer,
        handler: H,
    ) -> Self
    where
        H: Handler<X, App>,
        X: 'static,
    {
        let (filter, documented) = match *method {
            Method::POST => (MethodFilter::POST, HttpMethod::Post),
            Method::PUT => (MethodFilter::PUT, HttpMethod::Put),
            Method::DELETE => (MethodFilter::DELETE, HttpMethod::Delete),
            _ => (MethodFilter::GET, HttpMethod::Get),
        };
        let tag = path.trim_start_matches("/api/v1/").split('/').next().unwrap_or_default();
        let problem = ResponseBuilder::new()
            .description("a problem document; its code says what is wrong")
            .content("application/problem+json", Content::new(Some(reference::<Problem>())));
        let mut operation = OperationBuilder::new()
            .summary(Some(summary))
            .tag(tag)
            .operation_id(Some(operation_id(method, path)))
            .parameters(Some(of_path(path).chain(params)))
            .response("200", answered::<T>(answer))
            .response("default", problem);
        if let Some(body) = body {
            let content = Content::new(Some(body));
            let body = RequestBodyBuilder::new().content(JSON, content);
            operation = operation.request_body(Some(body.required(Some(Required::True)).build()));
        }
        self.paths = self.paths.path(path, PathItem::new(documented, operation));
        self.router = self.router.route(path, on(filter, handler));
        self.with::<T>()
    }

    /// The routes and the document.
    pub(super) fn build(self) -> (Router<App>, OpenApi) {
        let description = "Stock, alerts, tasks, orders and figures of a supermarket chain. Times \
            are RFC 3339, money is integer cents. Lists come in pages: `next_page` is the token \
            of the next one. Reads take `as_of`. Writes answer when they are on disk.";
        let info = InfoBuilder::new()
            .title("Smart Shelf")
            .version(env!("CARGO_PKG_VERSION"))
            .description(Some(description))
            .build();
        let mut document = OpenApiBuilder::new()
            .info(info)
            .paths(self.paths)
            .components(Some(self.components.build()))
            .build();
        super::details::add(&mut document);
        (self.router, document)
    }
}

fn reference<T: ToSchema>() -> RefOr<Schema> {
    RefOr::Ref(Ref::from_schema_name(T::name()))
}

fn answered<T: ToSchema>(answer: &Answer) -> ResponseBuilder {
    let response = ResponseBuilder::new().description("done");
    let text = || {
        let text = ObjectBuilder::new().schema_type(SchemaType::new(Type::String));
        Content::new(Some(Schema::Object(text.build())))
    };
    match answer {
        Answer::One => response.content(JSON, Content::new(Some(reference::<T>()))),
        Answer::Events => response.content("text/event-stream", text()),
        Answer::Paged => response
            .content(JSON, Content::new(Some(reference::<T>())))
            .content("text/csv", text())
            .content("application/x-ndjson", text()),
        Answer::List => {
            let page = AllOfBuilder::new().item(reference::<T>()).item(reference::<Paging>());
            response
                .content(JSON, Content::new(Some(Schema::AllOf(page.build()))))
                .content("text/csv", text())
                .content("application/x-ndjson", text())
        }
    }
}

/// `GET /api/v1/alerts/{store}/{alert}` is `get_alerts_store_alert`.
fn operation_id(method: &Method, path: &str) -> String {
    let path = path.trim_start_matches("/api/v1/").replace(['{', '}'], "").replace(['/', '-'], "_");
    format!("{}_{path}", method.as_str().to_lowercase())
}

/// The parameters that stand in a path.
fn of_path(path: &str) -> impl Iterator<Item = Parameter> + '_ {
    path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).map(|name| {
        let text = ObjectBuilder::new().schema_type(SchemaType::new(Type::String));
        ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Path)
            .required(Required::True)
            .schema(Some(Schema::Object(text.build())))
            .build()
    })
}
