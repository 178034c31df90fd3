//! The first page beside the API: every number that stands on it is the one that the API has at the
//! same moment.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers fail like tests"
)]

#[path = "fixture/shop.rs"]
mod shop;

use std::collections::BTreeSet;

use serde_json::Value;
use shelf_views::wording;
use shop::{Shop, between};

const SEVERITIES: [(&str, &str); 3] = [("critical", "▲"), ("warning", "◆"), ("info", "○")];
/// Levels that the legend of the floor names: words of the page, and no figures of a store.
const LEVELS: [&str; 6] = [
    "under 30 %",
    "30 to 45 %",
    "45 to 55 %",
    "55 % and more",
    "under 10 % of the units",
    "30 % and more",
];

/// The value of a figure of a page.
fn value(page: &str, figure: &str) -> f64 {
    let tile = between(page, &format!("data-figure=\"{figure}\""), ">");
    between(tile, "data-value=\"", "\"").parse().unwrap()
}

/// A part of a page.
fn part<'a>(page: &'a str, id: &str) -> &'a str {
    let from = format!("<div id=\"part-{id}\" data-part>");
    let rest = &page[page.find(&from).unwrap_or_else(|| panic!("no part {id}")) + from.len()..];
    let end = rest.find("<div id=\"part-").or_else(|| rest.find("</main>")).unwrap();
    &rest[..end]
}

fn plain(text: &str) -> String {
    let escapes = [("&#39;", "'"), ("&#34;", "\""), ("&#60;", "<"), ("&#62;", ">"), ("&#38;", "&")];
    escapes.iter().fold(text.trim().to_owned(), |text, (code, sign)| text.replace(code, sign))
}

/// The texts of a piece of HTML that have a digit.
fn numbers(html: &str) -> Vec<String> {
    let texts = html.split('>').skip(1).filter_map(|piece| piece.split('<').next());
    let texts = texts.map(plain).filter(|text| text.chars().any(|c| c.is_ascii_digit()));
    texts.collect()
}

/// Every number of a piece of the page is one of those of the API.
fn all_known(html: &str, known: &BTreeSet<String>, what: &str) {
    let unknown: Vec<String> =
        numbers(html).into_iter().filter(|text| !known.contains(text)).collect();
    assert!(unknown.is_empty(), "{what}: not of the API: {unknown:?}, which has {known:?}");
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn array<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().map_or(&[], Vec::as_slice)
}

fn number(value: &Value, path: &str) -> f64 {
    let found = path.split('.').fold(value, |value, name| &value[name]);
    found.as_f64().unwrap_or_else(|| panic!("no {path} in {value}"))
}

/// The pages of a store and of all together, each with its query.
const PAGES: [&str; 3] = ["store=S001", "store=S002", ""];

#[test]
fn the_figures_of_the_first_page_are_those_of_the_api() {
    let shop = Shop::open();
    for query in PAGES {
        let page = shop.get(&format!("/?{query}")).text();
        let now = shop.get(&format!("/api/v1/now?{query}")).json();
        let mut known = BTreeSet::new();
        let tiles = array(&now, "tiles");
        let shown = part(&page, "tiles");
        assert_eq!((tiles.len(), shown.matches("data-figure=").count()), (12, 12), "{query}");
        for tile in tiles {
            let code = text(&tile["code"]);
            let html = between(shown, &format!("data-figure=\"{code}\""), "</a>");
            match tile["value"].as_f64() {
                Some(of_api) => assert!((value(&page, &code) - of_api).abs() < 1e-9, "{code}"),
                None => assert!(html.contains("data-value=\"\""), "{code}"),
            }
            for name in ["text", "detail", "change_text", "name"] {
                known.insert(text(&tile[name]));
                let there = html.contains("last week –") && name == "change_text";
                assert!(there || plain(html).contains(&text(&tile[name])), "{code}: {name}");
            }
            // The line has a point for each hour of which the figure is known.
            let series = array(tile, "series");
            let points = series.iter().filter(|value| !value.is_null()).count();
            let line = html.split(" d=\"").nth(1).and_then(|line| line.split('"').next());
            let drawn = line.map_or(0, |line| line.matches(['M', 'L']).count());
            assert_eq!(drawn, if points < 2 { 0 } else { points }, "{code}");
            assert_eq!(series.last(), Some(&tile["value"]), "{code}");
        }
        all_known(shown, &known, "tiles");
    }
}

#[test]
fn the_head_of_the_first_page_is_that_of_the_api() {
    let shop = Shop::open();
    for query in PAGES {
        let page = shop.get(&format!("/?{query}")).text();
        let now = shop.get(&format!("/api/v1/now?{query}")).json();
        let alerts = shop.get(&format!("/api/v1/alerts?{query}")).json();
        let head = between(&page, "id=\"part-head\">", "</header>");
        let head = &head[..head.find("class=\"row push\"").unwrap()];
        let mut known = BTreeSet::from([format!("{} · simulated time", text(&now["local_time"]))]);
        known.insert(text(&now["title"]));
        for (severity, sign) in SEVERITIES {
            let standing = number(&alerts, &format!("by_severity.{severity}"));
            known.insert(format!("{sign} {standing}"));
            let shown = value(&page, &format!("alerts_{severity}"));
            assert!((shown - standing).abs() < 0.5, "{severity}");
        }
        // How fast things go is measured anew at each moment; this one stands still.
        for rate in ["events_per_s", "speed"] {
            if let Some(rate) = now["rates"][rate].as_f64() {
                known.extend([wording::rate(rate), format!("×{}", wording::rate(rate))]);
            }
        }
        // The age of the data is that of the moment at which the page was made.
        let age = between(head, "data-age-text>", "<");
        known.insert(age.to_owned());
        let ms: f64 = between(head, "data-ms=\"", "\"").parse().unwrap();
        let later = number(&now, "rates.data_age_ms");
        assert!(ms <= later && later - ms < 20_000.0, "{ms} ms, then {later} ms");
        all_known(head, &known, "head");
    }
}

#[test]
fn the_floor_of_the_first_page_is_that_of_the_api() {
    type Figure = fn(&Value) -> Option<String>;
    const MAPS: [(&str, Figure); 5] = [
        ("fill", |zone| zone["fill_percent"].as_f64().map(|fill| format!("{fill:.0} %"))),
        ("alerts", |zone| Some(wording::count(alerts_of(zone)))),
        ("expiry", |zone| zone["near_expiry_units"].as_i64().map(wording::count)),
        ("traffic", |zone| zone["cart_units"].as_i64().map(wording::count)),
        ("sales", |zone| {
            zone["sold_per_hour"].as_f64().map(|sold| wording::count(sold.round() as i64))
        }),
    ];
    let shop = Shop::open();
    for query in PAGES {
        let now = shop.get(&format!("/api/v1/now?{query}")).json();
        let list = shop.get(&format!("/api/v1/zones?{query}&limit=1000")).json();
        assert_eq!(now["zones"]["zones"], list["zones"], "{query}");
        for (map, figure) in MAPS {
            let page = shop.get(&format!("/?{query}&map={map}")).text();
            let floor = part(&page, "floor");
            let mut known: BTreeSet<String> = LEVELS.map(str::to_owned).into_iter().collect();
            let mut shown = 0;
            for zone in array(&list, "zones").iter().filter(|zone| !zone["bounds"].is_null()) {
                let name = wording::sentence_case(zone["category"].as_str().unwrap());
                let told = match zone["shelves"].as_u64() {
                    Some(0) if !matches!(map, "fill" | "sales") => "–".to_owned(),
                    _ => figure(zone).unwrap_or_else(|| "–".to_owned()),
                };
                let html = between(floor, &format!("<title>{}", html_of(&name)), "</a>");
                assert!(html.starts_with(&format!(": {told} ")), "{map} of {name}: {html}");
                let big = between(html, "<text class=\"big\"", "</text>");
                assert_eq!(plain(big.split_once('>').unwrap().1), told, "{map} of {name}");
                let alerts = match alerts_of(zone) {
                    0 => "no alert".to_owned(),
                    number => wording::counted(number as u64, "alert"),
                };
                let title = html.split("</title>").next().unwrap();
                assert!(title.ends_with(&alerts), "{name}: {title}");
                known.extend([told, plain(&format!("{name}{title}"))]);
                shown += 1;
            }
            assert_eq!(shown, 29, "the zones of the reference layout");
            all_known(floor, &known, map);
        }
    }
}

fn html_of(text: &str) -> String {
    text.replace('&', "&#38;").replace('\'', "&#39;")
}

fn alerts_of(zone: &Value) -> i64 {
    let of = |severity: &str| zone["alerts"][severity].as_i64().unwrap();
    SEVERITIES.iter().map(|(severity, _)| of(severity)).sum()
}

#[test]
fn the_alerts_and_stores_of_the_first_page_are_those_of_the_api() {
    let shop = Shop::open();
    for query in PAGES {
        let page = shop.get(&format!("/?{query}")).text();
        let alerts = shop.get(&format!("/api/v1/alerts?{query}&limit=5")).json();
        let mut known = BTreeSet::new();
        known.insert(format!("All {} alerts", alerts["total"]));
        let urgent = part(&page, "urgent");
        assert_eq!(urgent.matches("<article").count(), array(&alerts, "alerts").len());
        for alert in array(&alerts, "alerts") {
            let age = wording::span(alert["age_s"].as_i64().unwrap());
            known.insert(format!("{age} · {}", text(&alert["store"])));
            let rule = wording::sentence_case(&text(&alert["rule"]).replace('_', " "));
            let why = format!("{rule}: {}", text(&alert["why"]));
            assert!(plain(urgent).contains(&why), "{why}");
            let action = text(&alert["action"]);
            let mut letters = action.chars();
            let first = letters.next().into_iter().flat_map(char::to_uppercase);
            let action: String = first.chain(letters).collect();
            known.extend([age, why, action, text(&alert["name"])]);
        }
        let acts = urgent.split("<form").skip(1).filter_map(|form| form.split("</form>").next());
        let without: String = acts.fold(urgent.to_owned(), |html, form| html.replace(form, ""));
        all_known(&without, &known, "urgent");
    }
    let page = shop.get("/").text();
    let status = shop.get("/api/v1/status").json();
    let today = text(&status["stores"][0]["day"]);
    let path = format!("/api/v1/kpis?by=store&from={today}&to={today}");
    let kpis = shop.get(&path).json();
    let table = part(&page, "stores");
    assert_eq!(table.matches("<tr data-store=").count(), array(&status, "stores").len());
    for store in array(&status, "stores") {
        let id = text(&store["store"]);
        let row = between(table, &format!("<tr data-store=\"{id}\">"), "</tr>");
        let figures = array(&kpis, "rows").iter().find(|row| row["id"] == id.as_str()).unwrap();
        let net = number(&figures["figures"], "net_revenue");
        let money = |units: f64| wording::money((units * 100.0).round() as i64);
        let count = |path: &str| wording::count(number(store, path) as i64);
        let mut known: Vec<String> = vec![text(&store["name"]), id.clone()];
        for (severity, sign) in SEVERITIES {
            known.push(format!("{sign} {}", count(&format!("alerts_standing.{severity}"))));
        }
        known.push(format!("{} of {}", count("empty_shelves"), count("shelves")));
        let standing = ["pending", "issued", "in_transit"];
        let tasks: f64 = standing.iter().map(|name| number(store, &format!("tasks.{name}"))).sum();
        known.push(wording::count(tasks as i64));
        known.extend([count("customers_present"), money(net)]);
        let waste = value(&shop.get(&format!("/?store={id}")).text(), "waste");
        known.push(money(waste));
        let mut shown: Vec<String> = numbers(&format!(">{row}"));
        let digits = |text: &String| text.chars().any(|c| c.is_ascii_digit());
        known.retain(digits);
        shown.sort();
        known.sort();
        assert_eq!(shown, known, "{id}");
    }
}

#[test]
fn the_figures_of_the_first_page_are_those_of_the_lists_of_the_api() {
    let shop = Shop::open();
    for store in ["S001", "S002"] {
        let page = shop.get(&format!("/?store={store}")).text();
        let status = shop.get("/api/v1/status").json();
        let stores = array(&status, "stores");
        let api = stores.iter().find(|one| one["store"] == store).unwrap().clone();
        let near = |figure: &str, other: f64, by: f64| {
            let shown = value(&page, figure);
            assert!((shown - other).abs() < by, "{figure} of {store}: {shown}, {other}");
        };
        near("empty_shelves", number(&api, "empty_shelves"), 0.5);
        near("customers", number(&api, "customers_present"), 0.5);
        near("unexplained", number(&api, "units.unexplained"), 0.5);
        near("expiring", number(&api, "near_expiry.within_3_days_units"), 0.5);
        let stocked = number(&api, "shelves") - number(&api, "empty_shelves");
        near("availability", stocked * 100.0 / number(&api, "shelves"), 0.001);
        let tasks = shop.get(&format!("/api/v1/tasks?store={store}&limit=1000")).json();
        near("restocks", number(&tasks, "total"), 0.5);
        let ages = array(&tasks, "tasks").iter().map(|task| task["age_s"].as_i64().unwrap());
        if let Some(oldest) = ages.max() {
            let oldest = format!("oldest {}", wording::span_about(oldest));
            let tile = between(&page, "data-figure=\"restocks\"", "</a>");
            assert!(tile.contains(&oldest), "{oldest}: {tile}");
        }
        near("lost_sales", lost_sales(&shop, store), 0.006);
        near("sales_pace", sales_pace(&shop, store, api["now"].as_str().unwrap()), 0.006);
        let today: jiff::civil::Date = api["day"].as_str().unwrap().parse().unwrap();
        let kpi = |days: i64, name: &str| {
            let from = today.checked_sub(jiff::Span::new().days(days - 1)).unwrap();
            let path = format!("/api/v1/kpis?store={store}&by=chain&from={from}&to={today}");
            shop.get(&path).json()["rows"][0]["figures"][name].as_f64().unwrap()
        };
        // The share is told in thousandths of a per cent.
        let (share, net) = (kpi(1, "waste_share"), kpi(1, "net_revenue"));
        near("waste", share * net / 100.0, 0.006 + net * 0.000_01);
        let tile = between(&page, "data-figure=\"waste\"", "</a>");
        assert!(tile.contains(&format!("{share:.1} % of sales")), "{share}: {tile}");
        let tile = between(&page, "data-figure=\"sales_pace\"", "</a>");
        let net = wording::money((net * 100.0).round() as i64);
        assert!(tile.contains(&format!("{net} today")), "{net}: {tile}");
        near("fill_rate", kpi(7, "fill_rate"), 0.001);
        near("cover", kpi(7, "days_of_cover"), 0.001);
        let missing = between(&page, "data-figure=\"forecast_error\"", "</a>");
        assert!(missing.contains("data-value=\"\"") && missing.contains("No forecaster runs yet"));
    }
}

/// What the shelves of a store lost today, in currency units.
fn lost_sales(shop: &Shop, store: &str) -> f64 {
    let (mut cents, mut next) = (0.0, String::new());
    loop {
        let page = shop.get(&format!("/api/v1/shelves?store={store}&limit=1000{next}")).json();
        let rows = page["shelves"].as_array().unwrap();
        cents += rows.iter().map(|row| row["lost_today_cents"].as_f64().unwrap()).sum::<f64>();
        match page["next_page"].as_str() {
            Some(token) => next = format!("&page={token}"),
            None => return cents / 100.0,
        }
    }
}

/// What the receipts of the last ten minutes come to, by minute, in currency units.
fn sales_pace(shop: &Shop, store: &str, now: &str) -> f64 {
    let path = format!("/api/v1/windows/store_1m?store={store}&limit=1000");
    let answer = shop.get(&path).json();
    let now: jiff::Timestamp = now.parse().unwrap();
    let from = now.checked_sub(jiff::SignedDuration::from_mins(10)).unwrap();
    let rows = answer["rows"].as_array().unwrap();
    let recent = rows
        .iter()
        .filter(|row| row["start"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap() >= from);
    recent.map(|row| row["net_cents"].as_f64().unwrap()).sum::<f64>() / 1_000.0
}
