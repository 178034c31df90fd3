//! Benches of the dashboard as a visitor has it: how soon the first page is there, how long pages
//! take the server, and what the first one weighs.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::Measured;
use super::demo::{Demo, link};
use super::http;
use super::place::Place;
use super::steady::{Delays, gave_up};
use crate::failure::Failure;

/// How often the first page is asked for until it is there.
const LOOK: Duration = Duration::from_millis(5);
/// How long it may take before the bench gives up on it.
const PATIENCE: Duration = Duration::from_mins(1);

/// From the start of the program in a folder that is not there yet to a first page with live data.
pub(super) fn first_page(place: &Place) -> Result<Measured, Failure> {
    const RUNS: usize = 5;
    let (mut seconds, mut lived) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let demo = Demo::start(place, &[])?;
        while !demo.page("/").is_ok_and(|html| shows_a_shop(&html)) {
            if demo.begun.elapsed() > PATIENCE {
                return Err(gave_up("the first page shows no shop"));
            }
            std::thread::sleep(LOOK);
        }
        seconds.push(demo.begun.elapsed().as_secs_f64());
        demo.until_live()?;
        lived.push(demo.begun.elapsed().as_secs_f64());
    }
    Ok(Measured {
        unit: "s (median)",
        value: Delays::of(seconds.clone()).at(0.5),
        target: "under 2",
        detail: json!({ "runs_s": seconds, "first_days_over_s": lived }),
    })
}

/// Whether a page is live and knows how full the shelves are.
fn shows_a_shop(html: &str) -> bool {
    let known = "data-figure=\"availability\" data-value=\"";
    let value = html.split_once(known).and_then(|(_, rest)| rest.chars().next());
    html.contains("live-ok") && value.is_some_and(|first| first.is_ascii_digit())
}

/// A page by its name, and where it is.
type Address = (String, String);

/// Every page of one store, and the details that the lists lead to now.
fn addresses(demo: &Demo) -> Result<Vec<Address>, Failure> {
    let pages = [
        "/",
        "/alerts",
        "/shelves",
        "/warehouse",
        "/zones/fish",
        "/tasks",
        "/orders",
        "/sales",
        "/waste",
        "/pipeline",
        "/events",
        "/events?show=events",
        "/sql",
        "/settings",
        "/audit",
    ];
    let mut all: Vec<Address> = pages.into_iter().map(|path| (path.into(), path.into())).collect();
    let lists = [
        ("/alerts", "/alerts/A-"),
        ("/shelves?category=FISH", "/shelves/"),
        ("/orders", "/orders/O-"),
        ("/events?show=events", "/events/"),
    ];
    for (list, begin) in lists {
        let found = link(&demo.page(list)?, begin);
        let path = found.ok_or_else(|| gave_up(&format!("{list} leads nowhere")))?;
        let lots = if begin == "/shelves/" { link(&demo.page(&path)?, "/lots/") } else { None };
        all.push((begin.to_owned(), path));
        all.extend(lots.map(|path| ("/lots/".to_owned(), path)));
    }
    Ok(all)
}

/// How long a page took, from the request to the last byte of the packed answer, in milliseconds.
struct PageTimes {
    page: String,
    /// The first time of all.
    first: f64,
    /// All later times.
    later: Delays,
}

impl PageTimes {
    fn row(&self) -> Value {
        let (p50, p95, max) = (self.later.at(0.5), self.later.at(0.95), self.later.at(1.0));
        json!({ "page": self.page, "first": self.first, "p50": p50, "p95": p95, "max": max })
    }
}

/// How long each page takes.
fn times(
    demo: &Demo,
    rounds: u32,
    pages: impl Fn() -> Result<Vec<Address>, Failure>,
) -> Result<Vec<PageTimes>, Failure> {
    let mut all: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for _ in 0..=rounds {
        for (name, path) in pages()? {
            let begun = Instant::now();
            let answer = http::get(&demo.address, &path, http::PACKED)?;
            let ms = begun.elapsed().as_secs_f64() * 1_000.0;
            match answer.status {
                200 => all.entry(name).or_default().push(ms),
                // What it was about has ended since it was found.
                404 => {}
                status => return Err(gave_up(&format!("{path} was answered with {status}"))),
            }
        }
    }
    let told = all.into_iter().map(|(page, mut times)| {
        let first = times.remove(0);
        PageTimes { page, first, later: Delays::of(times) }
    });
    Ok(told.collect())
}

/// The server's time of a page: every page of a demo, and the overview of a hundred stores.
pub(super) fn page_time(place: &Place) -> Result<Measured, Failure> {
    const ROUNDS: u32 = 40;
    let demo = Demo::start(place, &[])?;
    demo.until_live()?;
    let of_pages = times(&demo, ROUNDS, || addresses(&demo))?;
    drop(demo);
    let hundred = Demo::start(place, &["--stores", "100", "--warmup-days", "2"])?;
    hundred.until_live()?;
    let overview = times(&hundred, 4 * ROUNDS, || Ok(vec![("/".to_owned(), "/".to_owned())]))?;
    drop(hundred);
    let rows: Vec<Value> = of_pages.iter().map(PageTimes::row).collect();
    let of_hundred_rows: Vec<Value> = overview.iter().map(PageTimes::row).collect();
    let together = Delays::of(of_pages.iter().flat_map(|times| times.later.all()).collect());
    let of_hundred = overview.first().map_or(f64::NAN, |times| times.later.at(0.95));
    let p95 = |times: &PageTimes| times.later.at(0.95);
    let slowest = of_pages.iter().max_by(|a, b| p95(a).total_cmp(&p95(b)));
    let slowest = slowest
        .map_or_else(String::new, |times| format!("slowest {} {:.1}", times.page, p95(times)));
    Ok(Measured {
        unit: "ms (p95)",
        value: together.at(0.95),
        target: "under 100; the overview of 100 stores too",
        detail: json!({
            "shown": format!("100 stores {of_hundred:.1}; {slowest}"), "rounds": ROUNDS,
            "pages": rows, "hundred_stores": of_hundred_rows,
        }),
    })
}

/// What the first page and all that it loads weigh, packed as a browser asks for them.
pub(super) fn first_load(place: &Place) -> Result<Measured, Failure> {
    let demo = Demo::start(place, &[])?;
    demo.until_live()?;
    let first = weight(&demo, "/")?;
    let mut heaviest = (String::new(), 0);
    for (page, path) in addresses(&demo)? {
        let bytes = sum(&weight(&demo, &path)?);
        if bytes > heaviest.1 {
            heaviest = (page, bytes);
        }
    }
    let (page, bytes) = heaviest;
    Ok(Measured {
        unit: "kB",
        value: sum(&first) as f64 / 1_000.0,
        target: "under 1,000",
        detail: json!({
            "shown": format!("heaviest {page} {:.0} kB", bytes as f64 / 1_000.0),
            "files": first.iter().map(|loaded| json!({
                "path": loaded.path, "type": loaded.media, "packed": loaded.packed,
                "bytes": loaded.bytes,
            })).collect::<Vec<_>>(),
        }),
    })
}

/// A file that a page loads.
struct Loaded {
    path: String,
    media: String,
    packed: Option<String>,
    bytes: usize,
}

fn sum(files: &[Loaded]) -> usize {
    files.iter().map(|file| file.bytes).sum()
}

/// A page and what it names, each once, and what those name.
fn weight(demo: &Demo, page: &str) -> Result<Vec<Loaded>, Failure> {
    let (mut loaded, mut known) = (Vec::new(), BTreeSet::new());
    let mut wanted = vec![page.to_owned()];
    while let Some(path) = wanted.pop() {
        let answer = http::get(&demo.address, &path, http::PACKED)?;
        if answer.status != 200 {
            return Err(gave_up(&format!("{path} was answered with {}", answer.status)));
        }
        if matches!(answer.media.as_str(), "text/html" | "text/css") {
            let new =
                named(&demo.page(&path)?).into_iter().filter(|name| known.insert(name.clone()));
            wanted.extend(new);
        }
        let http::Answer { media, packed, body, .. } = answer;
        loaded.push(Loaded { path, media, packed, bytes: body.len() });
    }
    Ok(loaded)
}

/// The files of style, script and picture that a text names.
fn named(text: &str) -> BTreeSet<String> {
    const BEGIN: &str = "/assets/";
    let ends = |letter: char| matches!(letter, '"' | '\'' | '#' | ')' | '?' | '<' | ' ');
    let names = text.split(BEGIN).skip(1).filter_map(|rest| rest.split(ends).next());
    names.map(|name| format!("{BEGIN}{name}")).collect()
}

#[cfg(test)]
mod tests {
    use super::{named, shows_a_shop};

    #[test]
    fn files_are_found_once_each_without_what_is_meant_in_them() {
        let html = r#"<link href="/assets/1/a.css"><use href="/assets/2/i.svg#now"/>
            <use href="/assets/2/i.svg#sql"/>"#;
        let found: Vec<String> = named(html).into_iter().collect();
        assert_eq!(found, ["/assets/1/a.css", "/assets/2/i.svg"]);
        assert!(named("url(/assets/3/f.woff2)").contains("/assets/3/f.woff2"));
    }

    #[test]
    fn a_page_without_figures_shows_no_shop() {
        let page = |value: &str| {
            format!("live-ok <a data-figure=\"availability\" data-value=\"{value}\">")
        };
        assert!(shows_a_shop(&page("97.1")) && !shows_a_shop(&page("")));
        assert!(!shows_a_shop("data-figure=\"availability\" data-value=\"9"));
    }
}
