//! The routes of the pages, and how a request becomes a scene.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use shelf_domain::{Event, LotCode, Policy, Sku, Store, StoreId, Timestamp};
use shelf_views::{Chain, EffectLine, HostFacts, LotLife, QualityView};

use super::acts::{self, Deed};
use super::query::{Query, encode};
use super::scene::{Extra, Notice, Part, Scene, Theme, Visitor, Wrong};
use super::trail::{self, Found, Want};
use super::{Page, live, preview, statements};
use crate::LakeTable;
use crate::access::{Role, Who};
use crate::api::{Acts, ActsAsked, acts};
use crate::app::App;
use crate::facts::{host_facts, quality_facts};
use crate::feed::Present;
use crate::noted;
use crate::problem::{Kind, Problem};

/// The latest lines that a scene has.
const LINES: usize = 400;

/// Who may see what others did, on the page as in the API.
const AUDITOR: Role = Role::Planner;

/// Which stores a visitor may see; `None`: all.
pub(super) type Scope = Option<Vec<StoreId>>;

/// The routes of all pages.
pub(crate) fn routes() -> Router<App> {
    let mut router = Router::new()
        .route("/assets/{hash}/{*name}", get(asset))
        .route("/live", get(stream))
        .route("/live/", get(stream))
        .route("/live/{*path}", get(stream))
        .route("/theme", get(theme))
        .route("/simulation", post(simulation))
        .route("/do/{what}", post(act))
        .route("/sql", get(show).post(statements::run_sql))
        .route("/sql/{format}", get(statements::download));
    for path in PATHS {
        router = router.route(path, get(show));
    }
    router
}

const PATHS: [&str; 21] = [
    "/",
    "/alerts",
    "/alerts/{id}",
    "/audit",
    "/availability",
    "/events",
    "/events/{partition}/{offset}",
    "/lots/{sku}/{lot}",
    "/orders",
    "/orders/{id}",
    "/pipeline",
    "/quarantine",
    "/sales",
    "/settings",
    "/shelves",
    "/shelves/{sku}",
    "/stores/{store}",
    "/tasks",
    "/warehouse",
    "/waste",
    "/zones/{zone}",
];

/// A file of style, script or picture: its address changes with its content.
async fn asset(uri: Uri) -> Response {
    match super::assets::find(uri.path()) {
        Some((bytes, media)) => {
            let kept = "public, max-age=31536000, immutable";
            ([(header::CONTENT_TYPE, media), (header::CACHE_CONTROL, kept)], bytes).into_response()
        }
        None => Problem::new(Kind::NotFound, "there is no such file").into_response(),
    }
}

fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let all = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let mut pairs = all.flat_map(|line| line.split(';')).filter_map(|pair| pair.split_once('='));
    pairs.find(|(known, _)| known.trim() == name).map(|(_, value)| super::query::decode(value))
}

/// Only paths of this site: nothing leads a visitor elsewhere.
fn local(path: &str) -> &str {
    let own = path.starts_with('/') && !path.starts_with("//") && !path.contains('\\');
    if own && !path.chars().any(char::is_control) { path } else { "/" }
}

/// Remembers whether a visitor wants it light or dark.
async fn theme(uri: Uri) -> Response {
    let query = Query::read(uri.query().unwrap_or_default());
    let theme = if query.get("to") == Some("dark") { Theme::Dark } else { Theme::Light };
    let kept = format!("theme={}; Path=/; Max-Age=31536000; SameSite=Lax", theme.code());
    let back = local(query.get("back").unwrap_or("/")).to_owned();
    with_cookie(Redirect::to(&back).into_response(), &kept)
}

fn with_cookie(mut answer: Response, cookie: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(cookie) {
        answer.headers_mut().append(header::SET_COOKIE, value);
    }
    answer
}

/// Leads back to a page, where a sentence says what became of what was done.
pub(super) fn back(path: &str, good: bool, text: &str) -> Response {
    let mark = if good { '+' } else { '-' };
    let kept =
        format!("notice={mark}{}; Path=/; Max-Age=30; HttpOnly; SameSite=Strict", encode(text));
    with_cookie(Redirect::to(local(path)).into_response(), &kept)
}

pub(super) fn visitor(headers: &HeaderMap, who: &Who, address: String) -> Visitor {
    let notice = cookie(headers, "notice").and_then(|told| {
        let text = told.get(1..)?.to_owned();
        Some(Notice { good: told.starts_with('+'), text })
    });
    Visitor {
        theme: match cookie(headers, "theme").as_deref() {
            Some("dark") => Some(Theme::Dark),
            Some("light") => Some(Theme::Light),
            _ => None,
        },
        csrf: who.csrf.clone(),
        name: who.session.then(|| who.name.to_string()),
        notice,
        address,
    }
}

/// A moment as a person gives it: RFC 3339, or the same without seconds and zone, in UTC.
fn moment(text: &str) -> Result<Timestamp, Problem> {
    let zoned = text.parse::<jiff::Timestamp>().ok();
    let civil = || text.parse::<jiff::civil::DateTime>().ok();
    let utc = || civil()?.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|at| at.timestamp());
    let at = zoned.or_else(utc).map(|at| Timestamp(at.as_microsecond()));
    at.ok_or_else(|| Problem::new(Kind::BadTime, "give a time such as 2026-01-05T14:30"))
}

/// Shows a page.
async fn show(State(app): State<App>, who: Who, headers: HeaderMap, uri: Uri) -> Response {
    if Page::of(uri.path()) == Some(Page::Audit)
        && let Err(problem) = who.must_be(AUDITOR)
    {
        return problem.into_response();
    }
    let query = Query::read(uri.query().unwrap_or_default());
    let extra = extra_of(&app, uri.path(), &query, &who).await;
    let address = uri.path_and_query().map_or("/", axum::http::uri::PathAndQuery::as_str);
    let visitor = visitor(&headers, &who, address.to_owned());
    page_answer(&app, uri.path(), query, who.stores, visitor, extra).await
}

pub(super) async fn page_answer(
    app: &App,
    path: &str,
    query: Query,
    scope: Scope,
    visitor: Visitor,
    extra: Extra,
) -> Response {
    let Some(page) = Page::of(path) else {
        return Problem::new(Kind::NotFound, "there is no such page").into_response();
    };
    let told = visitor.notice.is_some();
    let asked = (page.clone(), page.want(&query));
    let drawn =
        with_scene(app, asked, query, scope, extra, move |page, scene| {
            match super::render(page, scene, &visitor) {
                Ok(html) => Ok((StatusCode::OK, html)),
                Err(Wrong::Missing { what, hint }) => {
                    let page = Page::Missing { what, hint };
                    super::render(&page, scene, &visitor).map(|html| (StatusCode::NOT_FOUND, html))
                }
                Err(other) => Err(other),
            }
        });
    match drawn.await {
        Ok(Ok((status, html))) => {
            let answer = (status, [(header::CACHE_CONTROL, "no-store")], Html(html));
            let gone = "notice=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict";
            let answer = answer.into_response();
            if told { with_cookie(answer, gone) } else { answer }
        }
        Ok(Err(wrong)) => {
            tracing::error!(wrong = ?wrong, "a page could not be drawn");
            Problem::new(Kind::Defect, "the page could not be drawn").into_response()
        }
        Err(problem) => problem.into_response(),
    }
}

/// The live parts of a page, and the age of their data.
pub(super) async fn parts(
    app: &App,
    page: Page,
    query: Query,
    scope: Scope,
) -> Result<(Vec<Part>, u64), Problem> {
    let mut extra = Extra::default();
    if page == Page::Pipeline {
        extra.lake = lake_tables(app).await;
    }
    // What is read back of the log is in no part that changes.
    let want = Want::Nothing;
    let drawn = with_scene(app, (page, want), query, scope, extra, |page, scene| {
        let age_ms = scene.rates.data_age_ms.unwrap_or_default();
        super::render_parts(page, scene).map(|parts| (parts, age_ms))
    });
    drawn.await?.map_err(|_| Problem::new(Kind::NotFound, "it has ended"))
}

/// Makes the scene of a request and hands it to `draw`.
async fn with_scene<T: Send + 'static>(
    app: &App,
    (page, want): (Page, Want),
    query: Query,
    scope: Scope,
    mut extra: Extra,
    draw: impl FnOnce(&Page, &Scene<'_>) -> T + Send + 'static,
) -> Result<T, Problem> {
    let as_of = query.get("as_of").map(moment).transpose()?;
    let (reading, folder) = (app.clone(), app.feed().folder().clone());
    let found: Found = app.blocking(move || trail::read(&folder, &want)).await??;
    let shared = app.clone();
    let looked = move |present: &Present<'_>| {
        let seen = |id: StoreId| scope.as_ref().is_none_or(|stores| stores.contains(&id));
        let chain = present.chain().clone().within(seen);
        let lines = lines(&shared, &seen, present.as_of);
        let host = host(&shared, &page, present);
        if page == Page::Pipeline && scope.is_none() {
            extra.quality = quality(&shared, present);
            // How they stood in the past nobody knows.
            if present.as_of.is_none() {
                extra.links = shared.links(present.log_end());
            }
        }
        let past = shared.memory().past();
        let until = present.as_of.map_or(i64::MAX, |at| at.0);
        let kept = |event: &Event| event.received_at.0 <= until && seen(event.store);
        if let Some(Ok(audit)) = &mut extra.audit {
            audit.acts.retain(|act| act.at.0 <= until);
        }
        let mut found = found;
        found.effects.retain(|record| record.at.0 <= until && seen(record.store));
        found.events.retain(|logged| kept(&logged.event));
        found.refused.retain(|logged| kept(&logged.event));
        let simulation = shared.parts().simulation.as_ref();
        let scene = Scene {
            chain: &chain,
            clock: present.clock,
            rates: present.rates,
            history: &past.readings,
            levels: &past.levels,
            effects: &found.effects,
            events: &found.events,
            refused: &found.refused,
            lines: &lines,
            host: &host,
            extra: &extra,
            paused: simulation.map(|simulation| simulation.state().paused),
            as_of: query.get("as_of"),
            query: &query,
        };
        draw(&page, &scene)
    };
    reading.read(as_of, looked).await
}

fn lines(app: &App, seen: &impl Fn(StoreId) -> bool, as_of: Option<Timestamp>) -> Vec<EffectLine> {
    let until = as_of.map_or(i64::MAX, |at| at.0);
    let kept = |line: &crate::feed::FeedLine| line.line.at.0 <= until && seen(line.line.store);
    let mut lines: Vec<EffectLine> =
        app.feed().latest_lines(LINES, kept).iter().map(|line| line.line.clone()).collect();
    lines.reverse();
    lines
}

fn host(app: &App, page: &Page, present: &Present<'_>) -> HostFacts {
    let known = (*page == Page::Pipeline)
        .then(|| host_facts(app.feed().folder(), present.reader()).ok())
        .flatten();
    known.unwrap_or(HostFacts { clock: present.clock, partitions: Vec::new() })
}

fn quality(app: &App, present: &Present<'_>) -> Option<QualityView> {
    let (partitions, limits) = (present.partitions(), app.parts().quality);
    let meta = present.reader().meta();
    let folder = app.feed().folder();
    let facts = quality_facts(folder, limits, meta, &partitions, app.now()).ok()?;
    Some(QualityView::new(&partitions, &facts))
}

/// What a page shows that the state of the stores does not have.
async fn extra_of(app: &App, path: &str, query: &Query, who: &Who) -> Extra {
    let mut extra = Extra::default();
    match path {
        "/pipeline" => extra.lake = lake_tables(app).await,
        "/sql" => statements::sql_facts(app, &mut extra).await,
        "/audit" => extra.audit = Some(acts_of(app, query, who).await),
        "/settings" => {
            extra.settings = app.parts().settings.clone();
            if query.get("do") == Some("preview") && who.role >= Role::Planner {
                extra.preview = Some(tried(app, query, who).await);
            }
        }
        _ => {}
    }
    if let Some(Page::Lot(sku, lot)) = Page::of(path) {
        extra.life = life(app, query, who, &sku, &lot).await;
    }
    extra
}

/// The tables of the lake, or why they cannot be told; `None` where there is no lake.
async fn lake_tables(app: &App) -> Option<Result<Vec<LakeTable>, String>> {
    let lake = app.parts().lake.clone()?;
    let tables = app.blocking(move || lake.tables()).await.ok()?;
    Some(tables.map_err(|(_, sentence)| sentence))
}

/// What people did, as far as the visitor may see it.
async fn acts_of(app: &App, query: &Query, who: &Who) -> Result<Acts, String> {
    let text = |name: &str| query.get(name).map(str::to_owned);
    let (kind, actor, page) = (text("type"), text("actor"), text("page"));
    let asked = ActsAsked { store: text("store"), kind, actor, page };
    match acts(app, who, asked).await {
        Ok(found) => Ok(found),
        Err(problem) => Err(super::fmt::sentence(&problem.detail)),
    }
}

/// The life of a lot, in the store that is asked for or the first that has its shelf.
async fn life(app: &App, query: &Query, who: &Who, sku: &str, lot: &str) -> Option<LotLife> {
    let (sku, lot) = (Sku::new(sku).ok()?, LotCode::new(lot).ok()?);
    let as_of = query.get("as_of").map(moment).transpose().ok()?;
    let asked = query.get("store").and_then(|id| StoreId::new(id).ok());
    let store = app.view(who, None, move |_, chain| {
        let mut stores = chain.select(asked).into_iter();
        stores.find(|store| store.sku(sku).is_some()).map(Store::id)
    });
    crate::life::of(app, (store.await.ok()??, sku, lot), as_of).await.ok()?
}

async fn tried(app: &App, query: &Query, who: &Who) -> super::scene::Preview {
    let sentence = |text: &str| super::scene::Preview {
        trouble: Some(text.to_owned()),
        ..super::scene::Preview::default()
    };
    let store = query.get("store").and_then(|id| StoreId::new(id).ok());
    let Some(store) = store.filter(|id| who.sees(*id)) else {
        return sentence("Choose a store.");
    };
    let policy: Policy = match acts::policy(query) {
        Ok(policy) => policy,
        Err(problem) => return sentence(&problem.detail),
    };
    let shared = app.clone();
    let done = app.blocking(move || {
        let policy = shared.feed().read(|present| {
            let known = present.chain().store(store);
            known.map_or(policy.clone(), |known| acts::merged(known, policy.clone()))
        });
        preview::of(&shared, store, &policy)
    });
    match done.await {
        Ok(Ok(preview)) => preview,
        _ => sentence("The log cannot be read at the moment."),
    }
}

/// The stream of changes of a page.
async fn stream(
    State(app): State<App>,
    who: Who,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let path = uri.path().strip_prefix("/live").unwrap_or("/");
    let path = if path.is_empty() { "/" } else { path };
    let page = Page::of(path);
    let page = page.ok_or_else(|| Problem::new(Kind::NotFound, "there is no such page"))?;
    let query = Query::read(uri.query().unwrap_or_default());
    let address = match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    let visitor = visitor(&headers, &who, address);
    live::answer(&app, &page, &query, &who.stores, visitor)
}

/// Pauses a simulation, lets it go on, or changes its speed.
async fn simulation(State(app): State<App>, who: Who, body: String) -> Result<Response, Problem> {
    let form = Query::read(&body);
    who.check_csrf(form.get("csrf").unwrap_or_default())?;
    who.must_be(Role::Planner)?;
    let none = || Problem::new(Kind::NotFound, "no simulation runs here");
    let simulation = app.parts().simulation.clone().ok_or_else(none)?;
    let speed = form.get("speed").and_then(|speed| speed.parse::<f64>().ok());
    let actor = who.name.as_str();
    let told = match (form.get("do"), speed) {
        (Some("pause"), _) => {
            simulation.set_paused(true);
            noted::simulation(&app, actor, Some(true), None).await;
            "The simulation is paused.".to_owned()
        }
        (Some("resume"), _) => {
            simulation.set_paused(false);
            noted::simulation(&app, actor, Some(false), None).await;
            "The simulation goes on.".to_owned()
        }
        (_, Some(speed)) if speed > 0.0 && speed <= 1_000_000.0 => {
            simulation.set_speed(Some(speed));
            noted::simulation(&app, actor, None, Some(speed)).await;
            format!("The simulation goes {speed} times as fast as the clock.")
        }
        _ => return Err(Problem::new(Kind::BadRequest, "say pause, resume or a speed")),
    };
    Ok(back(form.get("back").unwrap_or("/"), true, &told))
}

/// Does what a form says.
async fn act(
    State(app): State<App>,
    who: Who,
    Path(what): Path<String>,
    body: String,
) -> Result<Response, Problem> {
    let form = Query::read(&body);
    who.check_csrf(form.get("csrf").unwrap_or_default())?;
    let wanted = form.clone();
    if what == "quarantine" {
        let (good, told) = again(&app, &who, &form).await?;
        return Ok(back("/pipeline#quarantine", good, &told));
    }
    let doer = who.clone();
    let deed = app.read(None, move |present| -> Result<Deed, Problem> {
        let chain: &Chain<'_> = present.chain();
        match what.as_str() {
            "alerts" => acts::alerts(chain, &doer, &wanted),
            "tasks" => acts::tasks(chain, &doer, &wanted),
            "orders" => acts::orders(chain, &doer, &wanted),
            "policy" => acts::policies(chain, &doer, &wanted),
            _ => Err(Problem::new(Kind::NotFound, "nothing can be done there")),
        }
    });
    let (good, told) = acts::carry_out(&app, deed.await??).await?;
    let fallback = if form.get("id").is_some() { "/settings" } else { "/" };
    Ok(back(form.get("back").unwrap_or(fallback), good, &told))
}

/// Submits a refused event again.
async fn again(app: &App, who: &Who, form: &Query) -> Result<(bool, String), Problem> {
    who.must_be(Role::Planner)?;
    let place = form.get("one").unwrap_or_default().to_owned();
    let numbers: Vec<&str> = place.split(' ').skip(1).collect();
    let bad = || Problem::new(Kind::BadRequest, "the form does not say which event");
    let [partition, offset] = numbers.as_slice() else { return Err(bad()) };
    let partition = partition.parse().map_err(|_| bad())?;
    let offset = offset.parse().map_err(|_| bad())?;
    let folder = app.feed().folder().clone();
    let logged = app.blocking(move || trail::event_at(&folder, partition, offset)).await??;
    let gone = || Problem::new(Kind::NotFound, "there is no such event in the log");
    let event = logged.ok_or_else(gone)?.event;
    who.must_see(event.store)?;
    if matches!(event.body, shelf_domain::Body::Rejected(_)) {
        let told = "It is not an event: read it once more with `shelf quarantine retry`.";
        return Ok((false, told.to_owned()));
    }
    let done = format!("p{partition:02}:{offset} was accepted.");
    acts::carry_out(app, Deed { done, events: vec![event] }).await
}
