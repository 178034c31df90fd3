//! Every page of a chain with a fixed seed at a fixed moment, beside its snapshot in the
//! repository, so that a change of a page is seen as HTML. `UPDATE_EXPECT=1` writes the snapshots
//! anew.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers fail like tests"
)]

#[path = "fixture/shop.rs"]
mod shop;

use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use expect_test::expect_file;
use shelf_domain::StoreId;
use shop::{Shop, between};

/// Rows of a list that a snapshot has; of the others it has the number.
const ROWS: usize = 4;
/// What begins a line of a snapshot.
const BREAKS: [&str; 22] = [
    "<section", "<table", "<tbody", "<tr", "<ul", "<ol", "<li", "<dl", "<div", "<form", "<p",
    "<h1", "<h2", "<svg", "<g", "<a", "<button", "<select", "<details", "</tbody", "</ul", "</ol",
];

/// `text` with what stands between `from` and `to` replaced, everywhere.
fn masked(text: &str, from: &str, to: &str) -> String {
    let mut pieces = text.split(from);
    let mut kept = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let end = piece.find(to).unwrap_or(0);
        kept.push_str(from);
        kept.push('~');
        kept.push_str(&piece[end..]);
    }
    kept
}

/// `text` without what begins with `from` and ends with `to`, everywhere.
fn without(text: &str, from: &str, to: &str) -> String {
    let mut pieces = text.split(from);
    let mut kept = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        kept.push_str(piece.split_once(to).map_or(piece, |(_, behind)| behind));
    }
    kept
}

/// A page as a text to review: an element a line, the first rows of each list, and nothing that
/// differs between two runs.
fn reviewed(page: &str) -> String {
    // What is told of the machine's pace is there once it is known.
    let mut text = without(page, "<span class=\"figure-small wide-only\">", "</span></span>");
    for (from, to) in [
        ("/assets/", "/"),
        ("name=\"csrf\" value=\"", "\""),
        ("name=\"run\" value=\"", "\""),
        ("&#38;run=", "\""),
        // How old the data is, and how fast things go, hangs on the clock of the machine.
        ("<span class=\"live live-", "<span data-age-text>"),
        ("data-age-text>", "<"),
        ("<span class=\"small quiet\">Ingest</span><b>", "<"),
    ] {
        text = masked(&text, from, to);
    }
    if let Some((before, behind)) = text.split_once(" ms from event to screen") {
        let before = before.trim_end_matches(|digit: char| digit.is_ascii_digit());
        text = format!("{before}~ ms from event to screen{behind}");
    }
    for element in BREAKS {
        text = text.replace(&format!("{element} "), &format!("\n{element} "));
        text = text.replace(&format!("{element}>"), &format!("\n{element}>"));
    }
    shortened(&text)
}

/// A text without what stands in a list behind its first rows.
fn shortened(text: &str) -> String {
    let begins = |line: &str, with: [&str; 3]| with.iter().any(|start| line.starts_with(start));
    let (mut kept, mut rows) = (String::new(), 0);
    for line in text.lines().map(str::trim_end).filter(|line| !line.is_empty()) {
        if begins(line, ["<tr>", "<tr ", "<li"]) {
            rows += 1;
        }
        if begins(line, ["</tbody", "</ul", "</ol"]) {
            if rows > ROWS {
                let _ = writeln!(kept, "(and {} more)", rows - ROWS);
            }
            rows = 0;
        }
        if begins(line, ["<tbody", "<ul", "<ol"]) {
            rows = 0;
        }
        if rows <= ROWS {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}

/// The first link of a page that begins with `path`.
fn link(page: &str, path: &str) -> String {
    let rest = between(page, &format!("href=\"{path}"), "\"");
    format!("{path}{rest}").replace("&amp;", "&").replace("&#38;", "&")
}

/// Waits until past hours have been read back from the log.
fn read_back(shop: &Shop) {
    let begun = Instant::now();
    while shop.get("/sales").text().contains("No full hour is known yet") {
        assert!(begun.elapsed() < Duration::from_secs(30), "the log is not read back");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn main_of(page: &str) -> String {
    format!("<main{}</main>\n", between(page, "<main", "</main>"))
}

#[test]
fn every_page_is_as_its_snapshot() {
    let shop = Shop::open();
    read_back(&shop);
    let page = |path: &str| shop.get(path).text();
    let alerts = "/alerts?store=S001";
    let alert = link(&page(alerts), "/alerts/A-");
    let order = link(&page("/orders?store=S001"), "/orders/O-");
    let shelf = link(&page("/shelves?store=S001"), "/shelves/");
    let lot = link(&page(&shelf), "/lots/");
    let event = link(&page("/events?show=events&store=S001"), "/events/");
    let pages = [
        ("alerts", alerts),
        ("alert", &alert),
        ("shelves", "/shelves?store=S001"),
        ("shelf", &shelf),
        ("zone", "/zones/fish?store=S001"),
        ("lot", &lot),
        ("warehouse", "/warehouse?store=S001"),
        ("tasks", "/tasks?store=S001"),
        ("orders", "/orders?store=S001"),
        ("order", &order),
        ("sales", "/sales?store=S001"),
        ("waste", "/waste?store=S001"),
        ("pipeline", "/pipeline"),
        ("events", "/events?store=S001"),
        ("events_in", "/events?show=events&store=S001"),
        ("event", &event),
        ("sql", "/sql"),
        ("settings", "/settings?store=S001"),
        ("past", "/alerts?store=S001&as_of=2026-01-02T09:00"),
        ("not_there", "/shelves/NOTHING"),
    ];
    snapshot("now", &reviewed(&page("/?store=S001")));
    snapshot("chain", &reviewed(&main_of(&page("/"))));
    for (name, path) in pages {
        snapshot(name, &reviewed(&main_of(&page(path))));
    }
    for (name, path) in [("login", "/login"), ("problem", "/problems/not_found")] {
        snapshot(name, &reviewed(&page(path)));
    }
    // What somebody does changes the pages before it.
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let policy = "id=mine&scope=global&store=S001&min_units=2";
    assert_eq!(shop.ask("POST", "/do/policy", &form, policy.as_bytes()).status, 303);
    assert_eq!(shop.ask("POST", "/simulation", &form, b"do=pause").status, 303);
    snapshot("audit", &reviewed(&main_of(&page("/audit"))));
    let report = shelf_web::day_report(&shop.folder, Some(StoreId::cut("S001")), None).unwrap();
    let report = shelf_web::report_page(&report).unwrap();
    let body = format!("<body{}</body>\n", between(&report, "<body", "</body>"));
    snapshot("report", &reviewed(&body));
}

/// Compares a text with the snapshot of this name.
fn snapshot(name: &str, text: &str) {
    let file = Path::new("snapshots").join(format!("{name}.html"));
    expect_file![file].assert_eq(text);
}
