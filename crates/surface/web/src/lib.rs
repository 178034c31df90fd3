//! The HTTP API, server-sent events and the dashboard of a chain.
//!
//! A [`Server`] answers from a [`Feed`], which follows the durable log like every other reader: no
//! request can delay the engine. What people do goes through a [`Door`] into the log and is
//! answered when it is on disk. SQL, the lake and the controls of a simulation are behind
//! [`SqlBackend`], [`LakeFacts`], [`LinkFacts`] and [`Simulation`], so that this crate needs none
//! of them.
//!
//! Nothing here decides anything about a shop, and nothing shows a figure that is not known.

mod access;
mod acts;
mod api;
mod app;
mod backends;
mod door;
mod error;
mod facts;
mod feed;
mod life;
mod load;
mod logs;
mod metrics;
mod noted;
mod operation;
mod options;
mod otlp;
mod pages;
mod past;
mod problem;
mod serve;
mod worker;

pub use access::{Role, Token, User, Users, Who};
pub use acts::{
    Done, ROUTER, Terms, act_on_alert, act_on_order, act_on_task, alert_version, count,
    order_version, receive_order, task_version,
};
pub use api::openapi_json;
pub use app::{App, Parts};
pub use backends::{
    Clock, LakeFacts, LakeJob, LakeTable, LinkFact, LinkFacts, Simulation, SimulationState,
    SqlAnswer, SqlBackend, SqlColumn, SqlFailure, SqlFormat, SqlLimits, SqlObject, SqlStatement,
};
pub use door::{ChannelDoor, Door, DoorError, Incoming, SocketDoor};
pub use error::WebError;
pub use facts::{applied_facts, host_facts, quality_facts, quality_history_view};
pub use feed::{Feed, FeedLine, Present, Tick};
pub use load::{LoadPlan, LoadReport, http_load};
pub use logs::{LogFormat, install_log};
pub use metrics::{Metric, link_values};
pub use options::{HttpLimits, HttpOptions, TlsFiles};
pub use otlp::{Otlp, OtlpOptions};
pub use pages::{day_report, patterns, report_page};
pub use past::Pasts;
pub use problem::Problem;
pub use serve::{Server, Serving};
pub use worker::{Standing, WorkerServer};
