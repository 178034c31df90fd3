//! The bench of what a person sees in a browser: from the arrival of an event over HTTP to the
//! change in the page of its shelf, at the demo's rate.

use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::Measured;
use super::demo::Demo;
use super::http;
use super::place::{Place, Running, io};
use super::steady::{Delays, PATIENCE, gave_up};
use crate::failure::Failure;

/// Events that are sent. Several that come between two drawings are seen in one.
const EVENTS: u32 = 400;
/// The mean time from one to the next.
const PAUSE: Duration = Duration::from_millis(200);
/// Of a hundred events, so many must be seen.
const SEEN_MIN: usize = 95;
/// The prices that are sent, in cents: no product of the demo costs as much.
const FIRST_CENTS: u32 = 50_001;
/// How long a browser looks at a page before anything is sent.
const SETTLING: Duration = Duration::from_secs(3);
/// How long the last ones may take.
const LAST: Duration = Duration::from_secs(5);
/// Notes when a price is first seen on the page of its shelf, by the machine's clock, and how much
/// of the page has moved by itself.
const LOOK: &str = r"
    window.seen = {}; window.moved = 0;
    new PerformanceObserver(list => list.getEntries().forEach(e => window.moved += e.value))
        .observe({type: 'layout-shift', buffered: true});
    const place = document.getElementById('part-shelf');
    new MutationObserver(() => {
        const at = performance.timeOrigin + performance.now();
        for (const [price] of place.textContent.matchAll(/\b50\d\.\d\d\b/g)) {
            window.seen[price] ??= at;
        }
    }).observe(place, {subtree: true, childList: true, characterData: true});";

pub(super) fn event_to_pixel(place: &Place) -> Result<Measured, Failure> {
    let demo = Demo::start(place, &[])?;
    demo.until_live()?;
    let shelves = http::get(&demo.address, "/api/v1/shelves?limit=1", "")?.json()?;
    let of_shelf = |name: &str| shelves.pointer(&format!("/shelves/0/{name}")).cloned();
    let (store, sku) = (of_shelf("store"), of_shelf("sku"));
    let browser = Browser::open()?;
    let words = [&store, &sku].map(|word| word.as_ref().and_then(Value::as_str).unwrap_or(""));
    browser.visit(&format!("http://{}/shelves/{}?store={}", demo.address, words[1], words[0]))?;
    browser.run(LOOK)?;
    std::thread::sleep(SETTLING);
    let mut sent = Vec::new();
    for number in 0..EVENTS {
        let price = f64::from(FIRST_CENTS + number) / 100.0;
        let now = http::get(&demo.address, "/api/v1/status", "")?.json()?;
        let event = json!({
            "event_type": "price", "store_id": store, "item_id": sku, "price": price,
            "timestamp": now.get("now"),
        });
        let at = wall_ms();
        let answer = http::post(&demo.address, "/api/v1/events", &event)?;
        if answer.json()?.get("accepted").and_then(Value::as_u64) != Some(1) {
            return Err(gave_up(&format!("an event was not taken: {}", answer.text())));
        }
        sent.push((format!("{price:.2}"), at));
        // Not in step with anything that the page or the demo does.
        std::thread::sleep(PAUSE * (50 + number * 37 % 100) / 100);
    }
    std::thread::sleep(LAST);
    let told = browser.run("return {seen: window.seen, moved: window.moved}")?;
    let seen_at = |price: &String| told.get("seen")?.get(price)?.as_f64();
    // Prices only rise: a page that shows a later one has had this one too.
    let (mut delays, mut later) = (Vec::new(), None);
    for (price, at) in sent.iter().rev() {
        later = match (seen_at(price), later) {
            (Some(seen), Some(later)) => Some(f64::min(seen, later)),
            (seen, later) => seen.or(later),
        };
        delays.extend(later.map(|seen| seen - at));
    }
    if delays.len() * 100 < sent.len() * SEEN_MIN {
        let message = format!("only {} of {} events were seen", delays.len(), sent.len());
        return Err(gave_up(&message));
    }
    let (seen, delays) = (delays.len(), Delays::of(delays));
    let moved = told.get("moved").and_then(Value::as_f64).unwrap_or(f64::NAN);
    Ok(Measured {
        unit: "ms (p99)",
        value: delays.at(0.99),
        target: "under 250",
        detail: json!({
            "shown": format!("p50 {:.0}, layout shift {moved:.3}", delays.at(0.5)),
            "sent": sent.len(), "seen": seen, "p50": delays.at(0.5), "max": delays.at(1.0),
            "cumulative_layout_shift": moved,
        }),
    })
}

/// The machine's clock, which a page of this machine reads too, in milliseconds.
fn wall_ms() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_secs_f64() * 1_000.0
}

/// A browser without a window. It ends with its owner.
struct Browser {
    address: String,
    session: String,
    _driver: Running,
}

impl Browser {
    fn open() -> Result<Self, Failure> {
        let port = TcpListener::bind("127.0.0.1:0").and_then(|port| port.local_addr());
        let address = format!("127.0.0.1:{}", port.map_err(io)?.port());
        let absent = |error: std::io::Error| {
            let message = format!("chromedriver cannot be started: {error}");
            Failure::new("bench", message, "install Debian's chromium and chromium-driver")
        };
        let port = address.rsplit(':').next().unwrap_or_default();
        let mut command = Command::new("chromedriver");
        command.arg(format!("--port={port}"));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let driver = Running(command.spawn().map_err(absent)?);
        let arguments =
            ["--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1440,1000"];
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "goog:chromeOptions": { "args": arguments }
        } } });
        let begun = Instant::now();
        let made = loop {
            match http::post(&address, "/session", &wanted) {
                Ok(answer) => break answer.json()?,
                Err(error) if begun.elapsed() > PATIENCE => return Err(error),
                Err(_) => std::thread::sleep(Duration::from_millis(25)),
            }
        };
        let session = made.pointer("/value/sessionId").and_then(Value::as_str);
        let session = session.ok_or_else(|| gave_up(&format!("there is no browser: {made}")))?;
        Ok(Self { address, session: session.to_owned(), _driver: driver })
    }

    fn visit(&self, url: &str) -> Result<(), Failure> {
        self.tell("url", &json!({ "url": url })).map(|_| ())
    }

    /// What a script returns.
    fn run(&self, script: &str) -> Result<Value, Failure> {
        self.tell("execute/sync", &json!({ "script": script, "args": [] }))
    }

    fn tell(&self, what: &str, wanted: &Value) -> Result<Value, Failure> {
        let path = format!("/session/{}/{what}", self.session);
        let answer = http::post(&self.address, &path, wanted)?;
        if answer.status != 200 {
            return Err(gave_up(&format!("the browser refuses: {}", answer.text())));
        }
        Ok(answer.json()?.get("value").cloned().unwrap_or_default())
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Its driver would leave it behind.
        let first = format!("DELETE /session/{} HTTP/1.1", self.session);
        let _ = http::ask(&self.address, &first, "", &[]);
    }
}
