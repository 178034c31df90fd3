//! The pages of the live dashboard: server-rendered, complete without scripts, and brought up to
//! date piece by piece while they are open.
//!
//! A page is a list of [`Part`]s, each a pure function of a [`Scene`]. The whole page and the
//! stream of its changes are made by the same functions, so they cannot differ.

mod acts;
mod alerts;
mod assets;
mod audit;
mod chart;
mod console;
mod doing;
mod draw;
mod events;
mod flow;
mod fmt;
mod frame;
mod live;
mod memory;
mod now;
mod preview;
mod query;
mod report;
mod sales;
mod scene;
mod settings;
mod site;
mod statements;
mod stock;
mod trail;
mod work;

use askama::Template;
use shelf_domain::{AlertId, StoreId};

use self::query::Query;
use self::scene::{Part, Scene, Visitor, Wrong};
use self::trail::{Keep, Want};

pub use memory::patterns;
pub(crate) use memory::{Memory, remember};
pub use report::{day_report, report_page};
pub(crate) use site::routes;

/// Which page is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Page {
    Now,
    Alerts,
    Alert(String),
    Shelves,
    Shelf(String),
    Zone(String),
    Lot(String, String),
    Warehouse,
    Tasks,
    Orders,
    Order(String),
    Sales,
    Waste,
    Pipeline,
    Events,
    Event(String, String),
    Sql,
    Settings,
    Audit,
    Missing { what: String, hint: &'static str },
}

#[derive(Template)]
#[template(path = "missing.html")]
struct Missing<'a> {
    what: &'a str,
    hint: &'a str,
}

impl Page {
    /// The page of a path.
    fn of(path: &str) -> Option<Self> {
        let steps: Vec<&str> = path.split('/').filter(|step| !step.is_empty()).collect();
        let text = |step: &str| query::decode(step);
        Some(match steps.as_slice() {
            [] => Self::Now,
            ["alerts"] => Self::Alerts,
            ["alerts", id] => Self::Alert(text(id)),
            ["shelves"] => Self::Shelves,
            ["shelves", sku] => Self::Shelf(text(sku)),
            ["zones", zone] => Self::Zone(text(zone)),
            ["lots", sku, lot] => Self::Lot(text(sku), text(lot)),
            ["warehouse"] => Self::Warehouse,
            ["tasks"] => Self::Tasks,
            ["orders"] => Self::Orders,
            ["orders", id] => Self::Order(text(id)),
            ["sales"] => Self::Sales,
            ["waste" | "availability"] => Self::Waste,
            ["pipeline" | "quarantine"] => Self::Pipeline,
            ["events"] => Self::Events,
            ["events", partition, offset] => Self::Event(text(partition), text(offset)),
            ["sql"] => Self::Sql,
            ["settings"] => Self::Settings,
            ["audit"] => Self::Audit,
            _ => return None,
        })
    }

    /// The entry of the list of pages that it belongs to.
    fn entry(&self) -> &'static str {
        match self {
            Self::Now => "now",
            Self::Alerts | Self::Alert(_) => "alerts",
            Self::Shelves | Self::Shelf(_) | Self::Zone(_) | Self::Lot(..) | Self::Warehouse => {
                "shelves"
            }
            Self::Tasks => "tasks",
            Self::Orders | Self::Order(_) => "orders",
            Self::Sales => "sales",
            Self::Waste => "waste",
            Self::Pipeline => "pipeline",
            Self::Events | Self::Event(..) => "events",
            Self::Sql => "sql",
            Self::Settings | Self::Audit => "settings",
            Self::Missing { .. } => "",
        }
    }

    /// Its name, for the title of the window.
    fn name(&self) -> String {
        match self {
            Self::Now => "Now".to_owned(),
            Self::Alerts => "Alerts".to_owned(),
            Self::Alert(id) => format!("Alert {id}"),
            Self::Shelves => "Shelves".to_owned(),
            Self::Shelf(sku) => format!("Shelf {sku}"),
            Self::Zone(zone) => format!("Zone {}", zone.replace('_', " ")),
            Self::Lot(_, lot) => format!("Lot {lot}"),
            Self::Warehouse => "Warehouse".to_owned(),
            Self::Tasks => "Restocks".to_owned(),
            Self::Orders => "Orders".to_owned(),
            Self::Order(id) => format!("Order {id}"),
            Self::Sales => "Sales".to_owned(),
            Self::Waste => "Waste and availability".to_owned(),
            Self::Pipeline => "Pipeline".to_owned(),
            Self::Events => "Events".to_owned(),
            Self::Event(partition, offset) => format!("Event p{partition}:{offset}"),
            Self::Sql => "SQL".to_owned(),
            Self::Settings => "Settings".to_owned(),
            Self::Audit => "Audit".to_owned(),
            Self::Missing { .. } => "Not there".to_owned(),
        }
    }

    /// What it asks the log for, of these stores; `None`: of all.
    fn want(&self, query: &Query, stores: Option<&[StoreId]>) -> Want {
        match self {
            Self::Alert(id) => AlertId::parse(id).map_or(Want::Nothing, Want::Alert),
            Self::Shelf(word) | Self::Lot(_, word) => Want::Word(word.clone()),
            // The latest lines are of the present.
            Self::Now if query.get("as_of").is_some() => {
                Want::Effects(Keep { stores: asked_stores(query, stores), ..Keep::default() })
            }
            Self::Events => events::want(query, asked_stores(query, stores)),
            Self::Event(partition, offset) => match (partition.parse(), offset.parse()) {
                (Ok(partition), Ok(offset)) => Want::One(partition, offset),
                _ => Want::Nothing,
            },
            _ => Want::Nothing,
        }
    }

    /// What of that comes by itself while the page stands open.
    fn follows(&self, query: &Query, stores: Option<&[StoreId]>) -> Want {
        match self {
            Self::Events if query.get("as_of").is_none() => self.want(query, stores),
            _ => Want::Nothing,
        }
    }

    /// Its parts, in order.
    fn parts(&self, scene: &Scene<'_>) -> Result<Vec<Part>, Wrong> {
        match self {
            Self::Now => now::parts(scene),
            Self::Alerts => alerts::parts(scene),
            Self::Alert(id) => alerts::one(scene, id),
            Self::Shelves => stock::shelves(scene),
            Self::Shelf(sku) => stock::shelf(scene, sku),
            Self::Zone(zone) => stock::zone(scene, zone),
            Self::Lot(sku, lot) => stock::lot(scene, sku, lot),
            Self::Warehouse => work::warehouse(scene),
            Self::Tasks => work::tasks(scene),
            Self::Orders => work::orders(scene),
            Self::Order(id) => work::order(scene, id),
            Self::Sales => sales::sales(scene),
            Self::Waste => sales::waste(scene),
            Self::Pipeline => flow::pipeline(scene),
            Self::Events => events::parts(scene),
            Self::Event(partition, offset) => events::one(scene, partition, offset),
            Self::Sql => console::parts(scene),
            Self::Settings => settings::parts(scene),
            Self::Audit => audit::parts(scene),
            Self::Missing { what, hint } => {
                Ok(vec![Part::still("missing", &Missing { what, hint })?])
            }
        }
    }
}

/// The store that is asked for, if it is among these, or else all of these.
fn asked_stores(query: &Query, stores: Option<&[StoreId]>) -> Option<Vec<StoreId>> {
    match query.get("store").and_then(|id| StoreId::new(id).ok()) {
        Some(id) if stores.is_none_or(|stores| stores.contains(&id)) => Some(vec![id]),
        Some(_) => Some(Vec::new()),
        None => stores.map(<[StoreId]>::to_vec),
    }
}

/// A whole page as HTML.
fn render(page: &Page, scene: &Scene<'_>, visitor: &Visitor) -> Result<String, Wrong> {
    let parts = page.parts(scene)?;
    frame::whole(page, scene, visitor, parts)
}

/// The pieces of a page that can have changed, the head included.
fn render_parts(page: &Page, scene: &Scene<'_>) -> Result<Vec<Part>, Wrong> {
    let mut parts = vec![frame::head(scene)?];
    let drawn = match page {
        Page::Sales => sales::live(scene)?,
        _ => page.parts(scene)?,
    };
    parts.extend(drawn.into_iter().filter(|part| part.live));
    Ok(parts)
}
