//! The routes of the pages, and how a request becomes a scene.

use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use shelf_domain::{LotCode, Policy, Sku, Store, StoreId, Timestamp};
use shelf_host::wall_now;
use shelf_views::{EffectLine, HostFacts, LotLife, QualityView};

use super::acts;
use super::query::{Query, encode};
use super::scene::{Extra, Notice, Part, Scene, Theme, Visitor, Wrong};
use super::trail::{self, Found, Want};
use super::{Page, doing, flow, live, preview, statements};
use crate::access::{Role, Who};
use crate::api::{Acts, ActsAsked, Refused, acts, explained, newest};
use crate::app::App;
use crate::facts::{facts_of, quality_facts, stage_rows};
use crate::feed::Present;
use crate::problem::{Kind, Problem};

/// How long a page waits for what is read from the whole log.
const PATIENCE: Duration = Duration::from_secs(2);

/// Who may see what others did, on the page as in the API.
const AUDITOR: Role = Role::Planner;

/// What a visitor may see and do.
#[derive(Clone, Debug)]
pub(super) struct Sight {
    /// Which stores; `None`: all.
    pub(super) stores: Option<Vec<StoreId>>,
    role: Role,
}

impl Sight {
    pub(super) fn of(who: &Who) -> Self {
        Self { stores: who.stores.clone(), role: who.role }
    }
}

/// The routes of all pages.
pub(crate) fn routes() -> Router<App> {
    let mut router = Router::new()
        .route("/assets/{hash}/{*name}", get(asset))
        .route("/live", get(stream))
        .route("/live/", get(stream))
        .route("/live/{*path}", get(stream))
        .route("/theme", get(theme))
        .route("/simulation", post(doing::simulation))
        .route("/do/{what}", post(doing::act))
        .route("/stores/{store}", get(of_store))
        .route("/sql", get(show).post(statements::run_sql))
        .route("/sql/{format}", get(statements::download));
    for path in PATHS {
        router = router.route(path, get(show));
    }
    router
}

const PATHS: [&str; 20] = [
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
pub(super) fn back(path: &str, notice: &Notice) -> Response {
    let told = encode(&notice.told());
    let kept = format!("notice={told}; Path=/; Max-Age=30; HttpOnly; SameSite=Strict");
    with_cookie(Redirect::to(local(path)).into_response(), &kept)
}

pub(super) fn visitor(headers: &HeaderMap, who: &Who, address: String) -> Visitor {
    let notice = cookie(headers, "notice").and_then(|told| Notice::of(&told));
    Visitor {
        theme: match cookie(headers, "theme").as_deref() {
            Some("dark") => Some(Theme::Dark),
            Some("light") => Some(Theme::Light),
            _ => None,
        },
        csrf: who.csrf.clone(),
        name: who.has_session().then(|| who.name.to_string()),
        notice,
        address,
    }
}

/// A store by its own address: the first page narrowed to it.
async fn of_store(Path(store): Path<String>) -> Response {
    Redirect::to(&format!("/?store={}", encode(&store))).into_response()
}

/// A moment as a person gives it: RFC 3339, or the same without seconds and zone, in UTC.
pub(super) fn moment(text: &str) -> Result<Timestamp, Problem> {
    let zoned = text.parse::<jiff::Timestamp>().ok();
    let civil = || text.parse::<jiff::civil::DateTime>().ok();
    let utc = || civil()?.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|at| at.timestamp());
    let at = zoned.or_else(utc).map(|at| Timestamp(at.as_microsecond()));
    at.ok_or_else(|| Problem::new(Kind::BadTime, "give a time such as 2026-01-05T14:30"))
}

/// Shows a page; to a person also what is wrong where there is none.
async fn show(State(app): State<App>, who: Who, headers: HeaderMap, uri: Uri) -> Response {
    let answer = shown(&app, who, &headers, &uri).await;
    if doing::wants_page(&headers) { explained(answer) } else { answer }
}

async fn shown(app: &App, who: Who, headers: &HeaderMap, uri: &Uri) -> Response {
    if Page::of(uri.path()) == Some(Page::Audit)
        && let Err(problem) = who.must_be(AUDITOR)
    {
        return problem.into_response();
    }
    let query = Query::read(uri.query().unwrap_or_default());
    let extra = extra_of(app, uri.path(), &query, &who).await;
    let address = uri.path_and_query().map_or("/", axum::http::uri::PathAndQuery::as_str);
    let visitor = visitor(headers, &who, address.to_owned());
    page_answer(app, uri.path(), query, Sight::of(&who), visitor, extra).await
}

pub(super) async fn page_answer(
    app: &App,
    path: &str,
    query: Query,
    sight: Sight,
    visitor: Visitor,
    extra: Extra,
) -> Response {
    let Some(page) = Page::of(path) else {
        return Problem::new(Kind::NotFound, "there is no such page").into_response();
    };
    let told = visitor.notice.is_some();
    let found = match looked_up(app, page.want(&query, sight.stores.as_deref()), &query).await {
        Ok(found) => found,
        Err(problem) => return problem.into_response(),
    };
    let drawn =
        with_scene(
            app,
            (page, found),
            query,
            sight,
            extra,
            move |page, scene| match super::render(page, scene, &visitor) {
                Ok(html) => Ok((StatusCode::OK, html)),
                Err(Wrong::Missing { what, hint }) => {
                    let page = Page::Missing { what, hint };
                    super::render(&page, scene, &visitor).map(|html| (StatusCode::NOT_FOUND, html))
                }
                Err(other) => Err(other),
            },
        );
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

/// What the log has of what a page wants, up to the moment that is asked for.
async fn looked_up(app: &App, want: Want, query: &Query) -> Result<Found, Problem> {
    if want == Want::Nothing {
        return Ok(Found::default());
    }
    let before = match query.get("as_of").map(moment).transpose()? {
        Some(at) => Some(app.ends_at(at).await?),
        None => None,
    };
    let folder = app.feed().folder().clone();
    Ok(app.blocking(move || trail::read(&folder, want, before.as_deref())).await??)
}

/// The live parts of a page with what is ready for them, and the age of their data.
pub(super) async fn parts(
    app: &App,
    page: Page,
    query: Query,
    sight: Sight,
    (extra, found): (Extra, Found),
) -> Result<(Vec<Part>, u64), Problem> {
    let drawn = with_scene(app, (page, found), query, sight, extra, |page, scene| {
        let age_ms = scene.rates.data_age_ms.unwrap_or_default();
        super::render_parts(page, scene).map(|parts| (parts, age_ms))
    });
    drawn.await?.map_err(|_| Problem::new(Kind::NotFound, "it has ended"))
}

/// Makes the scene of a request and hands it to `draw`.
async fn with_scene<T: Send + 'static>(
    app: &App,
    (page, mut found): (Page, Found),
    query: Query,
    sight: Sight,
    mut extra: Extra,
    draw: impl FnOnce(&Page, &Scene<'_>) -> T + Send + 'static,
) -> Result<T, Problem> {
    let as_of = query.get("as_of").map(moment).transpose()?;
    let (reading, shared) = (app.clone(), app.clone());
    let looked = move |present: &Present<'_>| {
        let seen = |id: StoreId| sight.stores.as_ref().is_none_or(|stores| stores.contains(&id));
        let chain = present.chain().clone().within(seen);
        // The latest lines are of the present: a past first page shows what was looked up of it.
        let lines = match present.as_of {
            Some(_) if page == Page::Now => found.effects.iter().map(EffectLine::new).collect(),
            Some(_) => Vec::new(),
            None => {
                let asked = query.get("store").and_then(|id| StoreId::new(id).ok());
                let most = match page {
                    Page::Now => super::now::LATEST,
                    Page::Events => super::events::LINES,
                    _ => 0,
                };
                let shown = |id| seen(id) && asked.is_none_or(|asked| asked == id);
                lines(&shared, most, shown)
            }
        };
        let host = host(&extra, present);
        if page == Page::Pipeline && sight.stores.is_none() {
            extra.quality = quality(&shared, present);
            // How they stood in the past nobody knows.
            if present.as_of.is_none() {
                extra.links = shared.links(present.log_end());
                extra.stages = stage_rows(shared.parts().stages.as_deref());
            }
        }
        extra.wall_now = present.as_of.is_none().then(wall_now);
        let past = shared.memory().past();
        found.effects.retain(|record| seen(record.store));
        found.events.retain(|logged| seen(logged.event.store));
        // Who sees a part of the chain does not hold all of it still.
        let simulation = shared.parts().simulation.as_ref().filter(|_| sight.stores.is_none());
        let scene = Scene {
            chain: &chain,
            clock: present.clock,
            rates: present.rates,
            history: &past.readings,
            levels: &past.levels,
            effects: &found.effects,
            events: &found.events,
            lines: &lines,
            host: &host,
            extra: &extra,
            paused: simulation.map(|simulation| simulation.state().paused),
            role: sight.role,
            as_of: query.get("as_of"),
            query: &query,
        };
        draw(&page, &scene)
    };
    reading.read(as_of, looked).await
}

/// The latest lines of the stores that are shown, up to `most`, the newest last.
fn lines(app: &App, most: usize, shown: impl Fn(StoreId) -> bool) -> Vec<EffectLine> {
    let kept = |line: &crate::feed::FeedLine| shown(line.line.store);
    let mut lines: Vec<EffectLine> =
        app.feed().latest_lines(most, kept).iter().map(|line| line.line.clone()).collect();
    lines.reverse();
    lines
}

fn host(extra: &Extra, present: &Present<'_>) -> HostFacts {
    match &extra.on_disk {
        Some(kept) => facts_of(present.reader(), kept),
        None => HostFacts { clock: present.clock, partitions: Vec::new() },
    }
}

fn quality(app: &App, present: &Present<'_>) -> Option<QualityView> {
    let (partitions, limits) = (present.partitions(), app.parts().quality);
    let meta = present.reader().meta();
    let folder = app.feed().folder();
    let now = present.as_of.unwrap_or_else(|| app.now());
    let facts = quality_facts(folder, limits, meta, &partitions, now).ok()?;
    Some(QualityView::new(&partitions, &facts))
}

/// What a page shows that the state of the stores does not have.
async fn extra_of(app: &App, path: &str, query: &Query, who: &Who) -> Extra {
    let mut extra = Extra::default();
    let Some(page) = Page::of(path) else { return extra };
    if page == Page::Pipeline {
        extra.on_disk = app.on_disk().await.ok();
    }
    match page {
        // How they stood in the past nobody knows.
        Page::Pipeline if query.get("as_of").is_some() => {
            extra.lake = Some(Err("How the tables stood then is not known.".to_owned()));
            extra.refused = Some(Err("What lay in it then is not known.".to_owned()));
        }
        Page::Pipeline => {
            (extra.lake, extra.jobs) = flow::lake_facts(app, who.stores.as_deref()).await;
            extra.refused = Some(refused(app, who).await);
        }
        Page::Sql => statements::sql_facts(app, who, &mut extra).await,
        Page::Audit => extra.audit = Some(acts_of(app, query, who).await),
        Page::Settings => {
            extra.settings = app.parts().settings.clone();
            extra.users = (who.role >= Role::Admin).then(|| users(app));
            if query.get("do") == Some("preview") && who.role >= Role::Planner {
                extra.preview = Some(tried(app, query, who).await);
            }
        }
        Page::Lot(sku, lot) => extra.life = life(app, query, who, &sku, &lot).await,
        _ => {}
    }
    extra
}

/// Who may log in, as rows of name, role and stores.
fn users(app: &App) -> Vec<(String, String, String)> {
    let stores = |stores: Option<&Vec<String>>| {
        stores.map_or_else(|| "all".to_owned(), |stores| stores.join(", "))
    };
    let users = app.users();
    let rows = users.list().iter();
    rows.map(|user| (user.name.clone(), user.role.clone(), stores(user.stores.as_ref()))).collect()
}

/// What is in quarantine. The first who asks has it read from the whole log, which may take longer
/// than a page may.
async fn refused(app: &App, who: &Who) -> Result<Vec<Refused>, String> {
    let (reading, stores) = (app.clone(), who.stores.clone());
    let found = app.blocking(move || newest(&reading, stores.as_deref()));
    match tokio::time::timeout(PATIENCE, found).await {
        Ok(found) => found.and_then(|found| found).map_err(|problem| told(&problem)),
        Err(_) => Err("Quarantine is being read from the log. Look again in a while.".to_owned()),
    }
}

/// A problem as a sentence of a page.
fn told(problem: &Problem) -> String {
    super::fmt::sentence(&problem.detail)
}

/// What people did, as far as the visitor may see it.
async fn acts_of(app: &App, query: &Query, who: &Who) -> Result<Acts, String> {
    let text = |name: &str| query.get(name).map(str::to_owned);
    let (kind, actor, page) = (text("type"), text("actor"), text("page"));
    let as_of = query.get("as_of").map(moment).transpose().map_err(|problem| told(&problem))?;
    let asked = ActsAsked { store: text("store"), kind, actor, page, as_of };
    acts(app, who, asked).await.map_err(|problem| told(&problem))
}

/// The life of a lot, in the store that is asked for or the first that has its shelf; why it cannot
/// be told; `None` where nothing is known of it.
async fn life(
    app: &App,
    query: &Query,
    who: &Who,
    sku: &str,
    lot: &str,
) -> Option<Result<LotLife, String>> {
    let (sku, lot) = (Sku::new(sku).ok()?, LotCode::new(lot).ok()?);
    let as_of = query.get("as_of").map(moment).transpose().ok()?;
    let asked = query.get("store").and_then(|id| StoreId::new(id).ok());
    let store = app.view(who, None, move |_, chain| {
        let mut stores = chain.select(asked).into_iter();
        stores.find(|store| store.sku(sku).is_some()).map(Store::id)
    });
    match store.await {
        Ok(store) => crate::life::of(app, (store?, sku, lot), as_of).await,
        Err(problem) => Err(problem),
    }
    .map_err(|problem| told(&problem))
    .transpose()
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
    live::answer(&app, &page, &query, who, visitor)
}
