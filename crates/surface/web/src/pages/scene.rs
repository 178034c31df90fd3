//! What a page is made from, and for whom.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;

use askama::Template;
use shelf_domain::{AlertId, Event, Store, StoreId, Timestamp};
use shelf_events::OutputRecord;
use shelf_views::{
    Chain, ClockKind, EffectLine, HostFacts, LevelHistory, LotLife, QualityView, Rates,
    ReadingHistory, StageRow, wording,
};

use super::query::{Query, encode};
use super::site::moment;
use crate::access::Role;
use crate::api::{Acts, Refused};
use crate::facts::Kept;
use crate::{LakeJob, LakeTable, LinkFact, SqlColumn, SqlFailure, SqlLimits, SqlObject};

/// Everything that the pages show, at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scene<'a> {
    /// The stores.
    pub(crate) chain: &'a Chain<'a>,
    /// What time the events carry.
    pub(crate) clock: ClockKind,
    /// How fast things go.
    pub(crate) rates: Rates,
    /// Readings of past hours.
    pub(crate) history: &'a ReadingHistory,
    /// The levels of the shelves in past hours.
    pub(crate) levels: &'a LevelHistory,
    /// The effects of the log that the page asked for, the newest last.
    pub(crate) effects: &'a [OutputRecord],
    /// The latest effects, the newest last.
    pub(crate) lines: &'a [EffectLine],
    /// Where the partitions stand.
    pub(crate) host: &'a HostFacts,
    /// The events of the log that the page asked for, the newest last.
    pub(crate) events: &'a [Logged],
    /// What others know.
    pub(crate) extra: &'a Extra,
    /// Whether a simulation is paused; `None` where there is none that the visitor may pause.
    pub(crate) paused: Option<bool>,
    /// What the visitor may do.
    pub(crate) role: Role,
    /// The past moment that is shown, as it stands in the address; `None`: the present.
    pub(crate) as_of: Option<&'a str>,
    /// What the page is narrowed to.
    pub(crate) query: &'a Query,
}

impl<'a> Scene<'a> {
    /// The store that is asked for, or the only one there is.
    pub(crate) fn store(&self) -> Option<&'a Store> {
        match (self.asked(), self.chain.stores()) {
            (Some(id), _) => self.chain.store(id),
            (None, [only]) => Some(only),
            (None, _) => None,
        }
    }

    /// The id of the store that is asked for.
    pub(crate) fn asked(&self) -> Option<StoreId> {
        self.query.get("store").and_then(|id| StoreId::new(id).ok())
    }

    /// The stores that are shown.
    pub(crate) fn stores(&self) -> Vec<&'a Store> {
        self.chain.select(self.asked())
    }

    /// An address inside the site that keeps the store and the moment.
    pub(crate) fn link(&self, path: &str) -> String {
        let mut link = path.to_owned();
        let kept = [("store", self.query.get("store")), ("as_of", self.as_of)];
        for (name, value) in kept {
            if let Some(value) = value
                && !link.contains(&format!("{name}="))
            {
                let sign = if link.contains('?') { '&' } else { '?' };
                let _ = write!(link, "{sign}{name}={}", encode(value));
            }
        }
        link
    }

    /// An address of something in a store.
    pub(crate) fn link_in(&self, store: StoreId, path: &str) -> String {
        let moment = self.as_of.map(|at| format!("&as_of={}", encode(at))).unwrap_or_default();
        let sign = if path.contains('?') { '&' } else { '?' };
        format!("{path}{sign}store={}{moment}", encode(store.as_str()))
    }

    /// An address of the API, with what of these filters the page is narrowed to, and its moment.
    pub(crate) fn in_api(&self, path: &str, filters: &[&str]) -> String {
        let at = self.as_of.and_then(|at| moment(at).ok()).map(wording::rfc3339);
        let kept = filters.iter().map(|&name| (name, self.query.get(name)));
        let mut link = path.to_owned();
        for (name, value) in kept.chain([("as_of", at.as_deref())]) {
            if let Some(value) = value {
                let sign = if link.contains('?') { '&' } else { '?' };
                let _ = write!(link, "{sign}{name}={}", encode(value));
            }
        }
        link
    }

    /// Whether the visitor may do what takes this role: not in the past.
    pub(crate) fn may(&self, role: Role) -> bool {
        self.as_of.is_none() && self.role >= role
    }
}

/// An event as it stands in the log.
#[derive(Clone, Debug)]
pub(crate) struct Logged {
    /// Its partition.
    pub(crate) partition: u32,
    /// Its offset there.
    pub(crate) offset: u64,
    /// The event.
    pub(crate) event: Event,
    /// The same as one line of JSON.
    pub(crate) text: String,
}

/// What a page shows that the state of the stores does not have.
#[derive(Clone, Debug, Default)]
pub(crate) struct Extra {
    /// What the disk says of the partitions; `None` where it cannot be read or is not shown.
    pub(crate) on_disk: Option<Arc<[Kept]>>,
    /// The tables of the lake; a sentence where they cannot be read; `None` where there is no lake.
    pub(crate) lake: Option<Result<Vec<LakeTable>, String>>,
    /// How long the stages of the path take; none where another process runs the chain.
    pub(crate) stages: Vec<StageRow>,
    /// What the clock of the machine says; `None` of a past moment.
    pub(crate) wall_now: Option<Timestamp>,
    /// What keeps it in shape.
    pub(crate) jobs: Vec<LakeJob>,
    /// The links with other systems.
    pub(crate) links: Vec<LinkFact>,
    /// What statements can name; a sentence where that cannot be read; `None` without SQL.
    pub(crate) objects: Option<Result<Vec<SqlObject>, String>>,
    /// Whether the visitor may run no statements.
    pub(crate) barred: bool,
    /// What tells this page from others that run statements.
    pub(crate) mark: String,
    /// What statements may use.
    pub(crate) limits: Option<SqlLimits>,
    /// Where clients of Postgres connect.
    pub(crate) postgres: Option<SocketAddr>,
    /// A statement that was run, and what it came to.
    pub(crate) run: Option<SqlRun>,
    /// Every setting with where it came from.
    pub(crate) settings: Option<serde_json::Value>,
    /// Who may log in: name, role and stores; for admins.
    pub(crate) users: Option<Vec<(String, String, String)>>,
    /// The checks of quality.
    pub(crate) quality: Option<QualityView>,
    /// What a policy would have done last week.
    pub(crate) preview: Option<Preview>,
    /// What people did; a sentence where that cannot be read.
    pub(crate) audit: Option<Result<Acts, String>>,
    /// What is in quarantine, the newest first; a sentence where that cannot be told; `None` where
    /// it is not asked for.
    pub(crate) refused: Option<Result<Vec<Refused>, String>>,
    /// The life of the lot that is asked for, as far as the log tells it; a sentence where it
    /// cannot be told.
    pub(crate) life: Option<Result<LotLife, String>>,
}

/// A statement that was run.
#[derive(Clone, Debug)]
pub(crate) struct SqlRun {
    /// Its text.
    pub(crate) text: String,
    /// What it came to, with its rows as texts.
    pub(crate) outcome: Result<SqlGrid, SqlFailure>,
}

/// The rows of an answer as texts; `None` is null.
#[derive(Clone, Debug, Default)]
pub(crate) struct SqlGrid {
    /// The columns.
    pub(crate) columns: Vec<SqlColumn>,
    /// The rows.
    pub(crate) rows: Vec<Vec<Option<String>>>,
    /// Whether there were more.
    pub(crate) cut: bool,
    /// How long it took, in milliseconds.
    pub(crate) took_ms: u64,
}

/// The alerts of last week as they were, and as they would have been under another policy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Preview {
    /// From when on.
    pub(crate) from: String,
    /// Alerts of each rule that opened: as it was, and under the policy.
    pub(crate) rules: Vec<(&'static str, u64, u64)>,
    /// Why there is none.
    pub(crate) trouble: Option<String>,
}

/// How a visitor wants the pages to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Theme {
    /// Light.
    Light,
    /// Dark.
    Dark,
}

impl Theme {
    /// Its stable code.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

/// The most bytes that the sentence of a notice has in its cookie, and that its alerts have.
/// Together with what tells that not all of them fit, they stay below the 4,096 bytes from which on
/// browsers drop a cookie without a word.
const TEXT_BYTES: usize = 1_000;
const UNDO_BYTES: usize = 2_800;

/// As much of a sentence as a cookie has room for.
fn cut(text: &str) -> String {
    let mut bytes = 0;
    let fits = |letter: &char| {
        bytes += encode(letter.encode_utf8(&mut [0; 4])).len();
        bytes <= TEXT_BYTES
    };
    text.chars().take_while(fits).collect()
}

/// What is told once on top of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Notice {
    /// Whether it went well.
    pub(crate) good: bool,
    /// What happened.
    pub(crate) text: String,
    /// The alerts on which it can be taken back.
    pub(crate) undo: Vec<(StoreId, AlertId)>,
}

impl Notice {
    pub(crate) fn good(text: String) -> Self {
        Self { good: true, text, undo: Vec::new() }
    }

    pub(crate) fn bad(text: String) -> Self {
        Self { good: false, text, undo: Vec::new() }
    }

    /// As text for a cookie: a sign, the sentence, and a line for each store with the numbers of
    /// its alerts. What does not fit is left out, and the sentence says so.
    pub(super) fn told(&self) -> String {
        let sign = if self.good { '+' } else { '-' };
        let text = cut(&self.text.replace('\n', " "));
        let mut undo: Vec<(StoreId, AlertId)> = self.fitting().to_vec();
        let mut told = format!("{sign}{text}");
        // Writing to a string cannot fail.
        if undo.len() < self.undo.len() {
            let (few, all) = (undo.len(), self.undo.len());
            let _ = write!(told, " Undo takes back the first {few} of these {all}.");
        }
        undo.sort_unstable();
        for alerts in undo.chunk_by(|(a, _), (b, _)| a == b) {
            let numbers: Vec<String> = alerts.iter().map(|(_, id)| id.0.to_string()).collect();
            let store = alerts.first().map_or_else(String::new, |(store, _)| store.to_string());
            let _ = write!(told, "\n{} {store}", numbers.join("."));
        }
        told
    }

    /// The alerts to take back for which a cookie has room, from the first on.
    fn fitting(&self) -> &[(StoreId, AlertId)] {
        let (mut bytes, mut stores) = (0, BTreeSet::new());
        let fits = |(store, alert): &&(StoreId, AlertId)| {
            // A number and its point; a line and a space for each store.
            bytes += alert.0.to_string().len() + 1;
            if stores.insert(*store) {
                bytes += encode(store.as_str()).len() + encode("\n ").len();
            }
            bytes <= UNDO_BYTES
        };
        let count = self.undo.iter().take_while(fits).count();
        self.undo.get(..count).unwrap_or_default()
    }

    /// The notice of such a text.
    pub(super) fn of(told: &str) -> Option<Self> {
        let mut lines = told.lines();
        let first = lines.next()?;
        let good = first.starts_with('+');
        let text = first.strip_prefix(['+', '-'])?.to_owned();
        let mut undo = Vec::new();
        for line in lines {
            let (numbers, store) = line.split_once(' ')?;
            let store = StoreId::new(store).ok()?;
            for number in numbers.split('.') {
                undo.push((store, AlertId(number.parse().ok()?)));
            }
        }
        Some(Self { good, text, undo })
    }
}

/// Who looks at a page.
#[derive(Clone, Debug, Default)]
pub(crate) struct Visitor {
    /// How the pages look; `None`: as the machine says.
    pub(crate) theme: Option<Theme>,
    /// What forms carry to show that they came from these pages.
    pub(crate) csrf: String,
    /// Who is signed in.
    pub(crate) name: Option<String>,
    /// What became of what the visitor did last.
    pub(crate) notice: Option<Notice>,
    /// The address of the page, with its query.
    pub(crate) address: String,
}

/// Stands in parts where a visitor's own token belongs: parts are shared by all who look at a page.
const CSRF_MARK: &str = "~csrf~";
/// Stands in parts where the address of the page belongs.
const HERE_MARK: &str = "~here~";

impl Visitor {
    /// A part as this visitor gets it.
    pub(crate) fn fill(&self, html: &str) -> String {
        let here = self.address.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;");
        html.replace(CSRF_MARK, &self.csrf).replace(HERE_MARK, &here)
    }
}

/// A piece of a page that can be replaced by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    /// Its name in the page.
    pub(crate) id: &'static str,
    /// Its HTML.
    pub(crate) html: String,
    /// Whether it is brought up to date while the page is open.
    pub(crate) live: bool,
}

impl Part {
    /// A part that is kept up to date.
    pub(crate) fn live(id: &'static str, template: &impl Template) -> Result<Self, Wrong> {
        Ok(Self { id, html: template.render()?, live: true })
    }

    /// A part that stays as it was sent, such as one to choose a filter in.
    pub(crate) fn still(id: &'static str, template: &impl Template) -> Result<Self, Wrong> {
        Ok(Self { id, html: template.render()?, live: false })
    }
}

/// Why a page cannot be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// There is no such thing, with what to do instead.
    Missing {
        /// What is not there.
        what: String,
        /// What to do.
        hint: &'static str,
    },
    /// The page could not be drawn.
    Drawing(String),
}

impl Wrong {
    /// Something is not there.
    pub(crate) fn missing(what: impl Into<String>, hint: &'static str) -> Self {
        Self::Missing { what: what.into(), hint }
    }
}

impl From<askama::Error> for Wrong {
    fn from(error: askama::Error) -> Self {
        Self::Drawing(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::super::query::decode;
    use super::*;

    fn notice(text: &str, undo: Vec<(StoreId, AlertId)>) -> Notice {
        Notice { good: true, text: text.to_owned(), undo }
    }

    #[test]
    fn a_notice_is_the_same_behind_a_cookie() {
        let (here, there) = (StoreId::cut("S001"), StoreId::cut("S002"));
        let undo = vec![(here, AlertId(7)), (there, AlertId(7)), (here, AlertId(12))];
        let told = encode(&notice("3 alerts resolved.", undo).told());
        let read = Notice::of(&decode(&told)).unwrap_or_else(|| Notice::bad(told.clone()));
        let undo = vec![(here, AlertId(7)), (here, AlertId(12)), (there, AlertId(7))];
        assert_eq!(read, notice("3 alerts resolved.", undo), "{told}");
        let bad = Notice::bad("That was\nrefused.".to_owned());
        assert_eq!(Notice::of(&bad.told()), Some(Notice::bad("That was refused.".to_owned())));
    }

    #[test]
    fn a_notice_of_many_alerts_stays_small_and_says_what_undo_leaves_out() {
        // Stores in turn, with ids that take much room in a cookie.
        let stores = ["S001", "Käse und Brot am Ufer", "S003"].map(StoreId::cut);
        let number = |at: usize| AlertId(123_456 + at as u64);
        let all: Vec<_> = stores.iter().cycle().zip(0..1_000).collect();
        let all: Vec<_> = all.into_iter().map(|(store, at)| (*store, number(at))).collect();
        let told = encode(&notice("1000 alerts resolved.", all.clone()).told());
        assert!(told.len() < 3_950, "{} bytes", told.len());
        let read = Notice::of(&decode(&told)).unwrap_or_else(|| Notice::bad(told.clone()));
        let few = read.undo.len();
        assert!((300..1_000).contains(&few), "{few} of them");
        let text = format!("1000 alerts resolved. Undo takes back the first {few} of these 1000.");
        let mut first: Vec<_> = all.iter().copied().take(few).collect();
        first.sort_unstable();
        assert_eq!(read, notice(&text, first));
        // As many as a form can end, of a shop that is not old, all fit.
        let young: Vec<_> =
            (0..500).map(|at| (StoreId::cut("S001"), AlertId(9_000 + at))).collect();
        let read = Notice::of(&notice("500 alerts resolved.", young.clone()).told());
        assert_eq!(read, Some(notice("500 alerts resolved.", young)));
        // A sentence that somebody made long is cut.
        let long = encode(&notice(&"ö".repeat(5_000), all).told());
        assert!(long.len() < 3_950 && long.starts_with("%2B%C3%B6"), "{} bytes", long.len());
    }
}
