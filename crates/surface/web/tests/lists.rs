//! Lists and figures of the pages: what they are narrowed to, what they leave out and say of it,
//! and that their rows are those of the API.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers fail like tests"
)]

#[path = "fixture/shop.rs"]
mod shop;

use serde_json::json;
use shelf_domain::{DAY, HOUR};
use shelf_views::wording;
use shop::{Shop, between, page_when};

/// The hidden fields of a form, as a query.
fn hidden(form: &str) -> String {
    let fields = form.split("<input type=\"hidden\" name=\"").skip(1);
    let pair = |field: &str| {
        let (name, rest) = field.split_once("\" value=\"").unwrap();
        format!("{name}={}", rest.split('"').next().unwrap())
    };
    fields.map(pair).collect::<Vec<_>>().join("&")
}

#[test]
fn another_store_and_another_moment_keep_what_a_page_is_narrowed_to() {
    let shop = Shop::open();
    let forms = |path: &str, query: &str| {
        let page = shop.get(&format!("{path}?{query}")).text();
        let store = format!("<form class=\"inline\" method=\"get\" action=\"{path}\">");
        let moment = format!("<form method=\"get\" action=\"{path}\" class=\"card\">");
        [store, moment].map(|form| hidden(between(&page, &form, "</form>")))
    };
    let narrowed = "severity=warning&status=open";
    let [store, moment] = forms("/alerts", &format!("store=S001&{narrowed}&rule=&page=x&do=y"));
    assert_eq!((store.as_str(), moment), (narrowed, format!("store=S001&{narrowed}")));
    let of_sales = "days=14&window=sku_5m&sku=BEVWAT0003";
    let [store, moment] = forms("/sales", &format!("{of_sales}&as_of=2026-01-02T09:00"));
    assert_eq!((store, moment.as_str()), (format!("{of_sales}&as_of=2026-01-02T09:00"), of_sales));
    let [store, _] = forms("/shelves", "text=a%22%3Eb");
    assert_eq!(store, "text=a&#34;&#62;b", "a word stays a word");
}

#[test]
fn lists_that_are_cut_say_so() {
    let shop = Shop::open();
    let page = shop.get("/warehouse?store=S001").text();
    let cover = between(&page, "aria-label=\"Most cover\"><h2>", "</section>");
    assert_eq!(cover.matches("<tr><td><a ").count(), 10, "{cover}");
    assert!(cover.contains("<p class=\"small quiet\">10 of "), "{cover}");
    // The zone that has the most alerts.
    let alerts = shop.get("/api/v1/alerts?store=S001&limit=1000").json();
    let zones = shop.get("/api/v1/zones?store=S001").json();
    let of_zone = |zone: &serde_json::Value| {
        let rows = alerts["alerts"].as_array().unwrap().iter();
        rows.filter(|row| row["category"] == zone["category"]).count()
    };
    let zones = zones["zones"].as_array().unwrap();
    let zone = zones.iter().max_by_key(|zone| of_zone(zone)).unwrap();
    let (name, all) = (zone["zone"].as_str().unwrap(), of_zone(zone));
    let page = shop.get(&format!("/zones/{name}?store=S001")).text();
    let told = format!("5 of {all} are shown, the most urgent first.");
    assert!(all > 5 && page.contains(&told), "{told} {page}");
    // What is whole says nothing of it.
    let page = shop.get("/orders?store=S001").text();
    assert!(page.contains("stand. Quantities") && !page.contains(" are shown, "), "{page}");
    assert!(page.contains("<kbd>Enter</kbd> open"), "{page}");
}

#[test]
fn the_hours_of_a_week_are_the_same_on_the_page_and_in_the_api() {
    let shop = Shop::open();
    let path = "/api/v1/patterns?store=S001";
    while shop.get(path).json()["total"] == 0 {}
    let view = shop.get(path).json();
    let rows = view["rows"].as_array().unwrap();
    let cents = |row: &serde_json::Value| row["net_cents"].as_i64().unwrap();
    let page = shop.get("/sales?store=S001").text();
    let grid = between(&page, "aria-label=\"Sales by hour and day\"", "</section>");
    let sold: Vec<_> = rows.iter().filter(|row| cents(row) > 0).collect();
    assert!(sold.len() > 8, "{view}");
    for row in sold {
        let (hour, value) = (row["hour"].as_u64().unwrap(), cents(row) as f64 / 100.0);
        assert!(grid.contains(&format!("title=\"{hour:02}:00: {value:.2}\"")), "{row}: {grid}");
    }
    // Nothing is sold around midnight: the hours of a day come to what the day does.
    let first: Vec<_> = rows.iter().filter(|row| row["date"] == "2026-01-01").collect();
    assert!(first[0]["weekday"] == "Thu" && first.len() > 12, "{view}");
    let day = shop.get("/api/v1/sales?store=S001&from=2026-01-01&to=2026-01-01").json();
    let revenue = day["rows"][0]["revenue"]["value"].as_f64().unwrap();
    let sum: i64 = first.into_iter().map(cents).sum();
    assert_eq!(sum, (revenue * 100.0).round() as i64, "{view}");
    let waste = shop.get("/waste?store=S001").text();
    let available = rows.last().unwrap()["availability_percent"].as_f64().unwrap();
    assert!(waste.contains(&format!(":00: {available:.2}\"")), "{available}: {waste}");
    let csv = shop.get("/api/v1/patterns?store=S001&format=csv").text();
    let head = "start_at,date,weekday,hour,net_cents,availability_percent\r\n";
    assert!(csv.starts_with(head) && csv.lines().count() == 1 + rows.len(), "{csv}");
    assert_eq!(shop.get("/api/v1/patterns?store=S999").status, 404);
}

#[test]
fn sales_stand_beside_a_week_earlier_and_suppliers_in_a_calendar() {
    let shop = Shop::before_noon();
    let page = shop.get("/sales?store=S001&days=1").text();
    let compared = between(&page, "aria-label=\"Beside a week earlier\"", "</section>");
    let api = shop.get("/api/v1/sales?store=S001&from=2026-01-01&to=2026-01-01").json();
    let row = &api["rows"][0];
    for (name, money) in
        [("revenue", true), ("transactions", false), ("customers", false), ("units", false)]
    {
        let value = row[name]["value"].as_f64().unwrap();
        let text = if money {
            wording::money((value * 100.0).round() as i64)
        } else {
            wording::count(value.round() as i64)
        };
        assert!(compared.contains(&format!("<td class=\"num\">{text}</td>")), "{name}: {text}");
        assert!(value > 0.0 && row[name]["week_before"].is_null(), "{row}");
    }
    assert!(compared.contains("The days a week earlier are not all known"), "{compared}");
    let best = between(&page, "aria-label=\"Best products\"", "</section>");
    assert!(best.contains("<th class=\"num\">Units</th>"), "{best}");
    let kpis = shop.get("/api/v1/kpis?store=S001&by=product&from=2026-01-02&sort=net_revenue");
    let first = kpis.json()["rows"][0].clone();
    let row = between(best, first["name"].as_str().unwrap(), "</tr>");
    let units = wording::count(first["sold_units"].as_u64().unwrap());
    let units = format!("</td><td class=\"num\">{units}</td>");
    assert!(row.contains(&units), "{units}: {row}");
    for wrong in ["?by=day", "?sort=price", "?from=2026-01-03&to=2026-01-02"] {
        assert_eq!(shop.get(&format!("/api/v1/sales{wrong}")).status, 400, "{wrong}");
    }
    // By product: as many as fit, and how many there are.
    let api = "/api/v1/sales?by=product&from=2026-01-01&to=2026-01-01&sort=net_revenue";
    let api = shop.get(api).json();
    let (total, first) = (api["total"].as_u64().unwrap(), api["rows"][0].clone());
    assert!(total > 12 && first["revenue"]["value"].as_f64().unwrap() > 0.0, "{first}");
    let page = shop.get("/sales?by=product&days=1").text();
    let compared = between(&page, "aria-label=\"Beside a week earlier\"", "</section>");
    let told = format!("12 of {} products, those with the most revenue.", wording::count(total));
    assert!(compared.contains(&told), "{told}: {compared}");
    assert!(compared.contains(&format!("/shelves/{}", first["id"].as_str().unwrap())));
    assert_eq!(compared.matches("<th scope=\"row\">").count(), 1 + 12);
    let csv = between(compared, "All rows: <a href=\"", "\"").replace("&#38;", "&");
    assert_eq!(shop.get(&csv).text().lines().count() as u64, 1 + total, "{csv}");
    let stores = shop.get("/sales?days=1").text();
    assert!(stores.contains("All 2 stores.") && stores.contains("aria-current=\"true\">By store"));
    let one = shop.get("/sales?store=S001&days=1&by=store").text();
    assert!(one.contains("aria-current=\"true\">By category") && !one.contains(">By store"));
    // The calendar: the countdown is from the store's present to the cut-off.
    let suppliers = shop.get("/api/v1/suppliers?store=S001").json();
    let next = &suppliers["suppliers"][0];
    let status = shop.get("/api/v1/status").json();
    let time =
        |value: &serde_json::Value| value.as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    let store = status["stores"].as_array().unwrap().iter().find(|one| one["store"] == "S001");
    let left = time(&next["cutoff_at"]).duration_since(time(&store.unwrap()["now"])).as_secs();
    assert_eq!(next["cutoff_in_s"].as_i64(), Some(left));
    assert!(left > 0 && next["order"].is_string(), "a draft stands before noon: {next}");
    let page = shop.get("/orders?store=S001").text();
    let calendar = between(&page, "aria-label=\"Supplier calendar\"", "</section>");
    let id = format!("id=\"c-S001-{}\"", next["supplier"].as_str().unwrap());
    let row = between(calendar, &id, "</tr>");
    assert!(row.contains(&wording::span(left)), "{row}");
    assert!(row.contains(next["cutoffs"][0].as_str().unwrap()), "{row}");
    assert!(row.contains(&format!("/orders/{}", next["order"].as_str().unwrap())), "{row}");
}

/// The cells of a line of CSV.
fn cells(line: &str) -> Vec<String> {
    let (mut cells, mut quoted) = (vec![String::new()], false);
    for letter in line.chars() {
        match letter {
            '"' => quoted = !quoted,
            ',' if !quoted => cells.push(String::new()),
            other => cells.last_mut().unwrap().push(other),
        }
    }
    cells
}

/// A column of the list behind the link of a page that is named so.
fn exported(shop: &Shop, page: &str, link: &str, column: &str) -> Vec<String> {
    let end = page.find(&format!("\">{link}</a>")).unwrap_or_else(|| panic!("no {link}: {page}"));
    let start = page[..end].rfind("href=\"").unwrap() + "href=\"".len();
    let answer = shop.get(&page[start..end].replace("&#38;", "&"));
    assert_eq!(answer.status, 200, "{}: {answer:?}", &page[start..end]);
    let text = answer.text();
    let mut lines = text.lines().map(cells);
    let at = lines.next().and_then(|names| names.iter().position(|name| name == column));
    let at = at.unwrap_or_else(|| panic!("no column {column}: {text}"));
    lines.map(|cells| cells[at].clone()).collect()
}

#[test]
fn the_csv_of_a_list_has_the_rows_of_its_page() {
    let shop = Shop::open();
    for (path, column, some) in [
        ("/alerts?store=S001&severity=warning&rule=", "alert", true),
        ("/alerts?store=S001&as_of=2026-01-02T09:00", "alert", true),
        ("/orders?store=S001", "order", true),
        ("/orders?store=S001&as_of=2026-01-02T09:00", "order", false),
        ("/tasks?store=S001", "task", false),
        ("/shelves?store=S001&category=FISH&text=a", "sku", true),
    ] {
        let page = shop.get(path).text();
        let ids = page.split("id=\"S001-").skip(1);
        let mut shown: Vec<&str> = ids.map(|rest| rest.split('"').next().unwrap()).collect();
        let mut told = exported(&shop, &page, "CSV", column);
        shown.sort_unstable();
        told.sort_unstable();
        assert_eq!(shown, told, "{path}");
        assert!(!some || !shown.is_empty(), "{path}");
    }
    let form = [("content-type", "application/x-www-form-urlencoded")];
    for act in ["do=resume", "do=pause"] {
        assert_eq!(shop.ask("POST", "/simulation", &form, act.as_bytes()).status, 303);
    }
    let page = shop.get("/audit?type=simulation_resumed&actor=local").text();
    assert_eq!(exported(&shop, &page, "CSV", "act"), ["simulation_resumed"]);
    let page = shop.get("/pipeline").text();
    let checks = between(&page, "aria-label=\"Checks of quality\"", "</section>");
    let shown = checks.matches("<tr><td>").count();
    let told = exported(&shop, checks, "CSV", "check").len();
    assert_eq!(shown, told.min(40), "the worst of them are shown");
    assert!(shown > 0, "{checks}");
}

#[test]
fn the_csv_of_windows_is_of_the_store_and_the_product_of_the_page() {
    let shop = Shop::open();
    let all = shop.get("/api/v1/windows/product_5m?store=S001").json();
    let sku = all["rows"][0]["sku"].as_str().unwrap();
    let of_product = format!("/sales?store=S001&window=product_5m&sku={sku}");
    for (path, link, column, of_all) in [
        ("/sales?store=S001&window=store_1m", "CSV of store_1m", "store", "S001"),
        (of_product.as_str(), "CSV of product_5m", "sku", sku),
    ] {
        let page = shop.get(path).text();
        let windows = between(&page, "id=\"windows\"", "</section>");
        let told = exported(&shop, windows, link, column);
        assert!(!told.is_empty() && told.iter().all(|one| one == of_all), "{path}: {told:?}");
        let rows: Vec<&str> = windows.split("<tr><td>").skip(1).collect();
        assert_eq!(rows.len(), told.len(), "{path}");
        // The newest first, and in the file the oldest.
        let units = |row: &&str| {
            let cell = row.split("<td class=\"num\">").nth(2).unwrap();
            cell.split('<').next().unwrap().to_owned()
        };
        let shown: Vec<String> = rows.iter().rev().map(units).collect();
        assert_eq!(shown, exported(&shop, windows, link, "units"), "{path}");
    }
}

#[test]
fn an_answer_without_rows_says_so() {
    let shop = Shop::open();
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let page = shop.ask("POST", "/sql", &form, b"q=select+none").text();
    let rows = between(&page, "aria-label=\"Rows\"", "</section>");
    assert!(page.contains(">0 rows, "), "{page}");
    assert!(
        rows.contains("<td class=\"quiet\" colspan=\"1\">The answer has no rows.</td>"),
        "{rows}"
    );
    let page = shop.ask("POST", "/sql", &form, b"q=select+1").text();
    assert!(page.contains(">1 rows, ") && !page.contains("has no rows"), "{page}");
}

#[test]
fn a_policy_under_which_no_alert_opens_says_so() {
    let shop = Shop::before_noon();
    let at = wording::rfc3339;
    let post = |event: serde_json::Value| {
        assert_eq!(shop.post("/api/v1/events", &event).json()["accepted"], 1, "{event}");
    };
    let tried = "/settings?store=S003&id=mine&scope=global&refill_below=50&do=preview";
    // A store that has nothing to sell.
    let now = shop.pace.now();
    let event = json!({
        "event_type": "store", "event_id": "00000000-0000-4000-8000-0000000000b0",
        "store_id": "S003", "name": "Quiet", "timestamp": at(now),
    });
    post(event);
    let page = page_when(&shop, tried, |page| page.contains("<div class=\"preview\">"));
    assert!(page.contains("The log has less than a day of this store."), "{page}");
    let later = now.plus(DAY + HOUR);
    shop.pace.set_now(later);
    // Its day passes when something happens in it.
    page_when(&shop, "/api/v1/status", |status| {
        let status: serde_json::Value = serde_json::from_str(status).unwrap();
        let seen: jiff::Timestamp = status["now"].as_str().unwrap().parse().unwrap();
        seen.as_microsecond() > later.0 - HOUR
    });
    let event = json!({
        "event_type": "entry", "event_id": "00000000-0000-4000-8000-0000000000b1",
        "store_id": "S003", "customer_id": "C-1", "timestamp": at(later),
    });
    post(event);
    let told = "<td colspan=\"3\" class=\"quiet\">None opened, and none would have.</td>";
    page_when(&shop, tried, |page| page.contains(told));
    let sold = "/settings?store=S001&id=mine&scope=global&refill_below=50&do=preview";
    let page = shop.get(sold).text();
    let rules = between(&page, "<div class=\"preview\">", "</div>");
    assert!(rules.contains("<tr><td>Refill request</td>") && !rules.contains(told), "{rules}");
}

#[test]
fn a_shelf_with_many_moments_says_how_many_are_shown() {
    let shop = Shop::open();
    let now = shop.get("/api/v1/status").json()["now"].clone();
    let pickup = |number: u32| {
        json!({
            "event_type": "pickup", "event_id": format!("00000000-0000-4000-8000-{number:012x}"),
            "store_id": "S001", "item_id": "LATER", "quantity": 1, "timestamp": now,
        })
    };
    let declared = json!([
        {"event_type": "product", "store_id": "S001", "item_id": "LATER", "name": "Late",
         "item_category": "DAIRY", "price": 1.5, "timestamp": now},
        {"event_type": "shelf", "store_id": "S001", "item_id": "LATER", "capacity_units": 10,
         "timestamp": now},
    ]);
    assert_eq!(shop.post("/api/v1/events", &declared).json()["accepted"], 2);
    let path = "/shelves/LATER?store=S001";
    let page = page_when(&shop, path, |page| page.contains("<ol class=\"timeline\">"));
    let happened = between(&page, "aria-label=\"What happened\"", "</section>");
    assert!(!happened.contains(" are shown, "), "all of it: {happened}");
    let taken: Vec<serde_json::Value> = (1..=70).map(pickup).collect();
    assert_eq!(shop.post("/api/v1/events", &json!(taken)).status, 202);
    let page = page_when(&shop, path, |page| page.contains(" are shown, the newest first."));
    let happened = between(&page, "aria-label=\"What happened\"", "</section>");
    assert_eq!(happened.matches("<li><time>").count(), 60, "{happened}");
    assert!(happened.contains("<p class=\"small quiet\">60 of "), "{happened}");
}
