//! The report of a day as a file of its own.

use crate::program::Place;

/// The text of the cell behind a heading cell, such as `Net revenue`.
fn figure<'a>(page: &'a str, name: &str) -> &'a str {
    let (_, rest) = page.split_once(&format!(">{name}<")).unwrap_or_else(|| panic!("no {name}"));
    // What stands before the first bracket is the rest of the heading's own tag.
    let mut texts = rest.split('>').skip(1).filter_map(|piece| piece.split('<').next());
    texts.find(|text| text.chars().any(char::is_alphanumeric)).unwrap()
}

/// Digits alone.
fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

#[test]
fn a_day_is_one_file_that_needs_no_other() {
    let place = Place::new();
    place.ok("simulate --days 3 --stores 2");
    // The last full day, unless another is named.
    let page = place.ok("report");
    assert!(page.starts_with("<!doctype html>") && page.trim_end().ends_with("</html>"));
    for outside in ["http://", "https://", "<script", " src=", " href=", "@import"] {
        assert!(!page.contains(outside), "{outside}");
    }
    let parts =
        ["Alerts", "Orders", "Waste", "Discrepancies", "Stores", "Best products", "Last products"];
    for part in parts {
        assert!(page.contains(part), "{part}");
    }
    let named = place.ok("report --date 2026-01-02");
    assert_ne!(page, named);
    // Its figures are those of the day.
    let kpis = place.jsons("kpi --by chain --from 2026-01-02 --to 2026-01-02");
    let receipts = kpis[0]["rows"][0]["figures"]["receipts"].as_f64().unwrap();
    assert_eq!(digits(figure(&named, "Receipts")), format!("{receipts:.0}"));
    let told = place.json("report --date 2026-01-02");
    assert_eq!(told["date"], "2026-01-02");
    assert_eq!(told["figures"]["figures"]["receipts"].as_f64(), Some(receipts), "{told}");
    assert_eq!(told["stores"].as_array().unwrap().len(), 2);
    place.ok("report --date 2026-01-02 --store S001 --output day.html");
    let file = std::fs::read_to_string(place.path("day.html")).unwrap();
    let one: u64 = digits(figure(&file, "Receipts")).parse().unwrap();
    let both: u64 = digits(figure(&named, "Receipts")).parse().unwrap();
    assert!(0 < one && one < both, "{one} of {both}");
    place.fails("report --date yesterday", 2, "usage");
    place.fails("report --store S999", 5, "unknown_store");
    place.fails("report --output no/such/folder/day.html", 1, "io");
}
