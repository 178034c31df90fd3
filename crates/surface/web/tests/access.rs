//! Who may do what: logins, tokens, roles, stores, and requests that pretend.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers fail like tests")]

#[path = "fixture/lake.rs"]
mod lake;
#[path = "fixture/shop.rs"]
mod shop;

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use lake::FakeLake;
use serde_json::{Value, json};
use shelf_domain::{Body, Event, EventId, Note, Origin, Rejected, StoreId, Timestamp};
use shelf_web::{HttpOptions, Incoming, Parts, Role, Server, Users};
use shop::{Answer, Shop};

const PASSWORD: &str = "correct horse battery";

/// The tokens of the users of a shop, by their names.
struct Tokens(Vec<(&'static str, String)>);

impl Tokens {
    fn of(&self, name: &str) -> String {
        let found = self.0.iter().find(|(known, _)| *known == name);
        format!("Bearer {}", found.unwrap().1)
    }
}

/// A shop where everybody must log in.
fn locked() -> (Shop, Tokens) {
    let mut tokens = Vec::new();
    let options = HttpOptions { login: true, ..HttpOptions::default() };
    let shop = Shop::with(options, |folder| {
        let mut users = Users::open(folder).unwrap();
        for (name, role, stores) in [
            ("vera", Role::Viewer, None),
            ("otto", Role::Operator, Some(vec!["S001".to_owned()])),
            ("petra", Role::Planner, None),
            ("paul", Role::Planner, Some(vec!["S001".to_owned()])),
            ("ada", Role::Admin, None),
        ] {
            users.set(name, role, stores, Some(PASSWORD)).unwrap();
            tokens.push((name, users.add_token(name, "test", 1).unwrap()));
        }
        let old = users.add_token("vera", "old", 0).unwrap();
        tokens.push(("expired", old));
    });
    (shop, Tokens(tokens))
}

fn get(shop: &Shop, path: &str, token: &str) -> Answer {
    shop.ask("GET", path, &[("authorization", token)], b"")
}

fn post(shop: &Shop, path: &str, token: &str, body: &Value) -> Answer {
    let headers = [("authorization", token), ("content-type", "application/json")];
    shop.ask("POST", path, &headers, body.to_string().as_bytes())
}

#[test]
fn nobody_gets_in_without_a_good_token() {
    let (shop, tokens) = locked();
    for path in ["/api/v1/alerts", "/api/v1/stream", "/metrics", "/api", "/api/openapi.json"] {
        let answer = shop.get(path);
        assert_eq!((answer.status, answer.code().as_str()), (401, "unauthorized"), "{path}");
        assert!(answer.header("www-authenticate").is_some());
    }
    for path in ["/livez", "/readyz", "/version", "/login", "/problems/unauthorized"] {
        assert_eq!(shop.get(path).status, 200, "{path}");
    }
    for token in [&tokens.of("expired"), "Bearer shelf_forged", "Bearer", "Basic YTpi", ""] {
        assert_eq!(get(&shop, "/api/v1/alerts", token).code(), "unauthorized", "{token}");
    }
    assert_eq!(get(&shop, "/api/v1/alerts", &tokens.of("vera")).status, 200);
    let html = shop.ask("GET", "/api?x=1", &[("accept", "text/html")], b"");
    assert_eq!((html.status, html.header("location")), (303, Some("/login?next=%2Fapi%3Fx%3D1")));
}

#[test]
fn roles_and_stores_bound_what_a_user_does() {
    let (shop, tokens) = locked();
    let [vera, otto, petra, ada] = ["vera", "otto", "petra", "ada"].map(|name| tokens.of(name));
    let stores = get(&shop, "/api/v1/stores", &ada).json();
    let (first, second) = (
        stores["stores"][0]["store"].as_str().unwrap(),
        stores["stores"][1]["store"].as_str().unwrap(),
    );
    assert_eq!(first, "S001");
    assert_eq!(get(&shop, "/api/v1/stores", &otto).json()["total"], 1);
    let foreign = format!("/api/v1/alerts?store={second}");
    assert_eq!(get(&shop, &foreign, &otto).code(), "other_store");
    assert_eq!(get(&shop, &format!("/api/v1/stream?store={second}"), &otto).code(), "other_store");
    assert_eq!(get(&shop, "/api/v1/quality", &otto).code(), "other_store");
    let mine = get(&shop, "/api/v1/alerts?limit=1000", &otto).json();
    assert!(mine["alerts"].as_array().unwrap().iter().all(|row| row["store"] == first));
    let alert = format!("/api/v1/alerts/{first}/{}", mine["alerts"][0]["alert"].as_str().unwrap());
    let nothing = json!({});
    assert_eq!(post(&shop, &format!("{alert}/acknowledge"), &vera, &nothing).code(), "forbidden");
    assert_eq!(post(&shop, &format!("{alert}/acknowledge"), &otto, &nothing).status, 200);
    let order = format!("/api/v1/orders/{first}/O-1/approve");
    assert_eq!(post(&shop, &order, &otto, &nothing).code(), "forbidden");
    assert_ne!(post(&shop, &order, &petra, &nothing).code(), "forbidden");
    assert_eq!(post(&shop, "/api/v1/simulation", &otto, &nothing).code(), "forbidden");
    let now = get(&shop, "/api/v1/status", &ada).json()["now"].clone();
    let pickup = |store: &str| {
        json!({
            "event_type": "pickup", "event_id": "00000000-0000-4000-8000-00000000000a",
            "store_id": store, "item_id": "x", "quantity": 1, "timestamp": now,
        })
    };
    assert_eq!(post(&shop, "/api/v1/events", &vera, &pickup(first)).code(), "forbidden");
    assert_eq!(post(&shop, "/api/v1/events", &otto, &pickup(second)).code(), "other_store");
}

/// The cookie of a login.
fn log_in(shop: &Shop, name: &str, password: &str) -> Answer {
    let body = format!("name={name}&password={}&next=%2Fapi", password.replace(' ', "+"));
    let kind = ("content-type", "application/x-www-form-urlencoded");
    shop.ask("POST", "/login", &[kind], body.as_bytes())
}

#[test]
fn a_session_acts_only_with_its_own_pages() {
    let (shop, _) = locked();
    let done = log_in(&shop, "ada", PASSWORD);
    assert_eq!((done.status, done.header("location")), (303, Some("/api")), "{done:?}");
    let line = done.header("set-cookie").unwrap();
    for part in ["HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(line.contains(part), "{line}");
    }
    let cookie = line.split(';').next().unwrap().to_owned();
    let with = |cookie: &str| shop.ask("GET", "/api/v1/alerts", &[("cookie", cookie)], b"");
    assert_eq!(with(&cookie).status, 200);
    for forged in ["shelf_session=", "shelf_session=abc", "shelf_session=../../etc", "other=1"] {
        assert_eq!(with(forged).code(), "unauthorized", "{forged}");
    }
    let json = ("content-type", "application/json");
    let act = |headers: &[(&str, &str)]| {
        let headers = [&[json, ("cookie", cookie.as_str())], headers].concat();
        shop.ask("POST", "/api/v1/simulation", &headers, b"{}").code()
    };
    assert_eq!(act(&[]), "bad_csrf");
    assert_eq!(act(&[("x-csrf-token", "guess")]), "bad_csrf");
    assert_eq!(act(&[("origin", "http://evil.example")]), "bad_csrf");
    assert_eq!(act(&[("sec-fetch-site", "cross-site")]), "bad_csrf");
    let out = shop.ask(
        "POST",
        "/logout",
        &[("cookie", &cookie), ("content-type", "application/x-www-form-urlencoded")],
        b"csrf=guess",
    );
    assert_eq!(out.code(), "bad_csrf");
    // A login leads nowhere else.
    let away = "name=ada&password=correct+horse+battery&next=%2F%2Fevil.example";
    let kind = ("content-type", "application/x-www-form-urlencoded");
    let away = shop.ask("POST", "/login", &[kind], away.as_bytes());
    assert_eq!(away.header("location"), Some("/"));
}

#[test]
fn failed_logins_have_to_wait() {
    let (shop, _) = locked();
    for _ in 0..5 {
        assert_eq!(log_in(&shop, "ada", "wrong guess here").code(), "bad_login");
    }
    let waiting = log_in(&shop, "ada", PASSWORD);
    assert_eq!((waiting.status, waiting.code().as_str()), (429, "throttled"));
    assert!(waiting.header("retry-after").is_some());
}

#[test]
fn guesses_at_once_are_no_more_than_guesses_in_turn() {
    let (shop, _) = locked();
    let address = shop.address();
    let guess = move |n: usize| {
        let form = format!("name=ada&password=wrong+guess+{n}");
        shop::ask(address, "POST", "/login", &[FORM], form.as_bytes()).code()
    };
    let codes: Vec<String> = std::thread::scope(|scope| {
        let guesses: Vec<_> = (0..30).map(|n| scope.spawn(move || guess(n))).collect();
        guesses.into_iter().map(|guess| guess.join().unwrap()).collect()
    });
    let count = |code: &str| codes.iter().filter(|known| *known == code).count();
    let (wrong, throttled) = (count("bad_login"), count("throttled"));
    assert!((1..=5).contains(&wrong) && wrong + throttled == 30, "{codes:?}");
}

#[test]
fn a_demo_is_open_at_this_machine_and_to_its_own_name_only() {
    let shop = Shop::open();
    assert_eq!(shop.get("/api/v1/alerts").status, 200);
    for host in ["evil.example", "evil.example:8080", "127.0.0.1.evil.example", ""] {
        let answer = shop.ask("GET", "/api/v1/alerts", &[("host", host)], b"");
        assert_eq!((answer.status, answer.code().as_str()), (403, "bad_host"), "{host}");
    }
    for host in ["localhost", "localhost:8080", "127.0.0.1:1", "[::1]:8080"] {
        let answer = shop.ask("GET", "/api/v1/alerts", &[("host", host)], b"");
        assert_eq!(answer.status, 200, "{host}");
    }
    let json = ("content-type", "application/json");
    let origin = ("origin", "http://evil.example");
    let foreign = shop.ask("POST", "/api/v1/simulation", &[json, origin], b"{}");
    assert_eq!(foreign.code(), "bad_csrf");
}

#[test]
fn nothing_listens_elsewhere_without_a_user() {
    let shop = Shop::open();
    let listen = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
    let options = HttpOptions { listen, ..HttpOptions::default() };
    let refused = Server::start(options.clone(), shop.parts()).err().unwrap();
    assert_eq!(refused.code(), "http_no_user");
    let mut users = Users::open(&shop.folder).unwrap();
    users.set("ada", Role::Admin, None, Some(PASSWORD)).unwrap();
    let serving = Server::start(options, shop.parts()).unwrap();
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, serving.address().port()));
    assert_eq!(shop::ask(address, "GET", "/api/v1/alerts", &[], b"").code(), "unauthorized");
    // Another process of the same folder takes what is sent to this one.
    let token = format!("Bearer {}", users.add_token("ada", "t", 1).unwrap());
    drop(serving);
    let options = HttpOptions { login: true, ..HttpOptions::default() };
    let options = HttpOptions { listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), ..options };
    let serving = Server::start(options, shop.parts()).unwrap();
    let headers = [("authorization", token.as_str())];
    let alerts = shop::ask(serving.address(), "GET", "/api/v1/alerts", &headers, b"").json();
    let row = &alerts["alerts"][0];
    let (store, alert) = (row["store"].as_str().unwrap(), row["alert"].as_str().unwrap());
    let path = format!("/api/v1/alerts/{store}/{alert}/acknowledge");
    let headers = [("authorization", token.as_str()), ("content-type", "application/json")];
    let done = shop::ask(serving.address(), "POST", &path, &headers, b"{}");
    assert_eq!(done.status, 200, "{}", done.text());
}

#[test]
fn logins_stand_in_the_audit_list_and_their_secrets_do_not() {
    let (shop, tokens) = locked();
    assert_eq!(log_in(&shop, "ada", "wrong guess here").code(), "bad_login");
    let done = log_in(&shop, "ada", PASSWORD);
    let cookie = done.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    let page = shop.ask("GET", "/alerts", &[("cookie", &cookie)], b"").text();
    let csrf = page.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let form = [("cookie", cookie.as_str()), ("content-type", "application/x-www-form-urlencoded")];
    let out = shop.ask("POST", "/logout", &form, format!("csrf={csrf}").as_bytes());
    assert_eq!(out.status, 303, "{out:?}");
    let audit = get(&shop, "/api/v1/audit?about=ada", &tokens.of("petra"));
    let listed = audit.json()["host_acts"].as_array().unwrap().clone();
    let acts: Vec<&str> = listed.iter().map(|row| row["act"].as_str().unwrap()).collect();
    assert_eq!(acts, ["logout", "login", "login_failed"]);
    assert_eq!(listed[1]["detail"], "127.0.0.1");
    for secret in [PASSWORD, "wrong guess here", csrf, cookie.split_once('=').unwrap().1] {
        assert!(!audit.text().contains(secret), "{secret}");
        let file = std::fs::read_to_string(shop.folder.audit_path()).unwrap();
        assert!(!file.contains(secret), "{secret}");
    }
    assert_eq!(get(&shop, "/api/v1/audit", &tokens.of("otto")).code(), "forbidden");
}

#[test]
fn the_page_of_acts_is_for_those_who_may_see_what_others_did() {
    let (shop, tokens) = locked();
    for (name, status) in [("vera", 403), ("otto", 403), ("petra", 200), ("ada", 200)] {
        assert_eq!(get(&shop, "/audit", &tokens.of(name)).status, status, "{name}");
    }
}

/// A page as a person gets it, and a form as a browser posts it.
const HTML: (&str, &str) = ("accept", "text/html,application/xhtml+xml");
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

#[test]
fn nobody_sees_a_button_of_what_is_not_theirs() {
    let (shop, tokens) = locked();
    let ada = tokens.of("ada");
    let one = |list: &str, id: &str, filter: &str| {
        let rows = get(&shop, &format!("/api/v1/{list}?store=S001&limit=1{filter}"), &ada).json();
        rows[list][0][id].as_str().unwrap().to_owned()
    };
    let alert = format!("/alerts/{}?store=S001", one("alerts", "alert", ""));
    let order = format!("/orders/{}?store=S001", one("orders", "order", "&status=sent"));
    let shelf = format!("/shelves/{}?store=S001", one("shelves", "sku", ""));
    let pages = [
        "/?store=S001",
        "/alerts?store=S001",
        "/tasks?store=S001",
        "/orders?store=S001",
        "/settings?store=S001",
        "/pipeline",
        &alert,
        &order,
        &shelf,
    ];
    for path in pages {
        let page = get(&shop, path, &tokens.of("vera")).text();
        for button in ["name=\"one\"", "name=\"do\"", "data-alert=", "action=\"/simulation\""] {
            assert!(!page.contains(button), "{path} has {button}");
        }
    }
    let has = |name: &str, path: &str, what: &str| {
        get(&shop, path, &tokens.of(name)).text().contains(what)
    };
    for name in ["otto", "petra"] {
        assert!(has(name, "/alerts?store=S001", "value=\"acknowledge S001"), "{name}");
        assert!(has(name, &order, "value=\"receive S001"), "{name}");
    }
    // Planners decide on orders and policies, and hold a simulation still; operators do not.
    for (path, what) in [
        (order.as_str(), "Nothing more will come"),
        ("/settings?store=S001", "Set a policy"),
        ("/alerts?store=S001", "action=\"/simulation\""),
    ] {
        assert!(has("petra", path, what) && !has("otto", path, what), "{path}: {what}");
    }
    let past = get(&shop, "/alerts?store=S001&as_of=2026-01-02T09:00", &ada).text();
    assert!(!past.contains("action=\"/simulation\""), "the past is not paused");
}

#[test]
fn a_refused_form_leads_back_with_a_sentence() {
    let (shop, tokens) = locked();
    let vera = tokens.of("vera");
    let form = b"back=/alerts&do=resolve&alert=S001+A-1".as_slice();
    let post = |path: &str, accept: (&str, &str), form: &[u8]| {
        shop.ask("POST", path, &[("authorization", &vera), FORM, accept], form)
    };
    for (path, form, place) in [
        ("/do/alerts", form, "/alerts"),
        ("/do/quarantine", b"one=retry+0+0", "/pipeline#quarantine"),
        ("/do/policy", b"id=x", "/settings"),
        ("/simulation", b"do=pause&back=/orders", "/orders"),
    ] {
        let answer = post(path, HTML, form);
        assert_eq!((answer.status, answer.header("location")), (303, Some(place)), "{answer:?}");
        let notice = answer.header("set-cookie").unwrap();
        assert!(notice.starts_with("notice=-Vera%20is%20viewer"), "{notice}");
        // A program gets the problem.
        let answer = post(path, ("accept", "*/*"), form);
        assert_eq!((answer.status, answer.code().as_str()), (403, "forbidden"), "{path}");
    }
}

/// What a stream sends first.
fn first_data(address: SocketAddr, path: &str, token: &str) -> String {
    let mut socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let head = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: {token}\r\n\r\n");
    socket.write_all(head.as_bytes()).unwrap();
    let lines = BufReader::new(socket).lines();
    let mut data = lines.map(Result::unwrap).filter(|line| line.starts_with("data: "));
    data.next().unwrap()
}

#[test]
fn pages_and_forms_keep_to_the_stores_of_a_user() {
    let (shop, tokens) = locked();
    let [otto, ada] = ["otto", "ada"].map(|name| tokens.of(name));
    let others = get(&shop, "/api/v1/alerts?store=S002&limit=1", &ada).json();
    let alert = others["alerts"][0]["alert"].as_str().unwrap();
    for path in ["/", "/alerts", "/orders", "/tasks", "/shelves", "/events", "/events?show=events"]
    {
        let page = get(&shop, path, &otto).text();
        assert!(!page.contains("S002"), "{path} has another store");
        assert!(get(&shop, path, &ada).text().contains("S002"), "{path} of all stores");
    }
    for path in ["/?store=S002".to_owned(), format!("/alerts/{alert}?store=S002")] {
        assert_eq!(get(&shop, &path, &otto).status, 404, "{path}");
        assert_eq!(get(&shop, &path, &ada).status, 200, "{path}");
    }
    // Neither do its changes come.
    let first = |token: &str| first_data(shop.address(), "/live/alerts", token);
    let (mine, all) = (first(&otto), first(&ada));
    assert!(all.contains("S002") && !mine.contains("S002") && mine.contains("S001"), "{mine}");
    // Nor can anything be done there.
    let form = format!("one=acknowledge+S002+{alert}");
    let headers = [("authorization", otto.as_str()), FORM];
    let answer = shop.ask("POST", "/do/alerts", &headers, form.as_bytes());
    assert_eq!((answer.status, answer.code().as_str()), (403, "other_store"));
    let tasks = shop.ask("POST", "/do/tasks", &headers, b"one=request+S002+X");
    assert_eq!(tasks.code(), "other_store");
    let sql = get(&shop, "/sql", &otto).text();
    assert!(sql.contains("Statements see every store") && !sql.contains("id=\"q\""));
    assert_eq!(get(&shop, "/sql/csv?q=select+1", &otto).code(), "other_store");
}

#[test]
fn admins_see_who_may_log_in() {
    let (shop, tokens) = locked();
    let page = get(&shop, "/settings", &tokens.of("ada")).text();
    assert!(page.contains("<td>otto</td><td>operator</td><td>S001</td>"), "{page}");
    assert!(page.contains("<td>vera</td><td>viewer</td><td>all</td>"), "{page}");
    assert!(!get(&shop, "/settings", &tokens.of("petra")).text().contains("Users and roles"));
}

#[test]
fn a_name_that_nobody_can_have_fails_like_any_other() {
    let (shop, _) = locked();
    let long = "x".repeat(1 << 20);
    for _ in 0..5 {
        assert_eq!(log_in(&shop, &long, "wrong guess here").code(), "bad_login");
    }
    assert_eq!(log_in(&shop, &long, "wrong guess here").code(), "throttled");
}

/// Streams of lines and of a page that have begun, for who sends this header.
fn streams(shop: &Shop, (name, value): (&str, &str)) -> Vec<BufReader<TcpStream>> {
    let open = |path: &str| {
        let mut socket = TcpStream::connect(shop.address()).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let host = shop.address();
        let head = format!(
            "GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n{name}: {value}\r\n\r\n"
        );
        socket.write_all(head.as_bytes()).unwrap();
        let (mut stream, mut line) = (BufReader::new(socket), String::new());
        stream.read_line(&mut line).unwrap();
        assert!(line.contains(" 200 "), "{path}: {line}");
        stream
    };
    vec![open("/api/v1/stream"), open("/live/alerts")]
}

/// Waits until the server has ended these, and told the page to be loaded again.
fn end(streams: Vec<BufReader<TcpStream>>, why: &str) {
    let rest = streams.into_iter().map(|mut stream| {
        let (mut rest, begun) = (Vec::new(), Instant::now());
        while stream.read_until(b'\n', &mut rest).unwrap() > 0 {
            assert!(begun.elapsed() < Duration::from_secs(30), "{why}: a stream goes on");
        }
        String::from_utf8_lossy(&rest).into_owned()
    });
    let rest: Vec<String> = rest.collect();
    assert!(rest[1].contains("event: reload"), "{why}: {}", rest[1]);
}

#[test]
fn a_stream_ends_with_the_right_to_it() {
    let (shop, tokens) = locked();
    let mut users = Users::open(&shop.folder).unwrap();
    let by_token = |name: &str| streams(&shop, ("authorization", &tokens.of(name)));
    let session = |name: &str| {
        let line = log_in(&shop, name, PASSWORD).header("set-cookie").unwrap().to_owned();
        line.split(';').next().unwrap().to_owned()
    };
    let stays = by_token("ada");
    let open = by_token("vera");
    assert!(users.remove_token("vera", "test").unwrap());
    end(open, "the token is gone");
    let open = by_token("petra");
    users.set("petra", Role::Planner, Some(vec!["S001".to_owned()]), Some(PASSWORD)).unwrap();
    end(open, "other stores");
    let open = by_token("petra");
    users.set("petra", Role::Viewer, Some(vec!["S001".to_owned()]), Some(PASSWORD)).unwrap();
    end(open, "another role");
    let open = by_token("otto");
    assert!(users.remove("otto").unwrap());
    end(open, "the user is gone");
    let cookie = session("ada");
    let open = streams(&shop, ("cookie", &cookie));
    let page = shop.ask("GET", "/alerts", &[("cookie", &cookie)], b"").text();
    let csrf = shop::between(&page, "name=\"csrf\" value=\"", "\"");
    let out = format!("csrf={csrf}");
    let out = shop.ask("POST", "/logout", &[("cookie", &cookie), FORM], out.as_bytes());
    assert_eq!(out.status, 303, "{out:?}");
    end(open, "logged out");
    // Another password, and be it the same once more, ends the sessions, and no token.
    let cookie = session("ada");
    let open = streams(&shop, ("cookie", &cookie));
    users.set("ada", Role::Admin, None, Some(PASSWORD)).unwrap();
    end(open, "another password");
    let asked = shop.ask("GET", "/api/v1/alerts", &[("cookie", &cookie)], b"");
    assert_eq!(asked.code(), "unauthorized");
    let begun = Instant::now();
    while !get(&shop, "/metrics", &tokens.of("ada")).text().contains("shelf_http_streams 2\n") {
        assert!(begun.elapsed() < Duration::from_secs(20), "others than those of ada are open");
    }
    drop(stays);
}

/// Puts a line that was no event when it came into the quarantine of a store, and returns its id.
fn put_aside(shop: &Shop, token: &str, store: &str, number: u128, line: &Value) -> String {
    let now = get(shop, "/api/v1/status", token).json()["now"].clone();
    let at: Timestamp = {
        let at: jiff::Timestamp = now.as_str().unwrap().parse().unwrap();
        Timestamp(at.as_microsecond())
    };
    let text = line.to_string();
    let raw = text.clone().into_bytes();
    let (reason, raw_len) = (Note::cut("unknown_event_type"), raw.len() as u64);
    let rejected = Rejected { reason, source: Note::cut("a file"), line: 1, raw_len, raw };
    let (store, body) = (StoreId::cut(store), Body::Rejected(Box::new(rejected)));
    let (id, origin) = (EventId(number), Origin::default());
    let event = Event { id, store, at, received_at: at, origin, body };
    shop.parts().door.submit(vec![Incoming { event, if_new: false }]).unwrap();
    let begun = Instant::now();
    loop {
        let list = get(shop, "/api/v1/quarantine?limit=1000", token).json();
        let mut entries = list["entries"].as_array().unwrap().iter();
        if let Some(entry) = entries.find(|entry| entry["raw"] == text) {
            return entry["id"].as_str().unwrap().to_owned();
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "it is not in quarantine: {list}");
    }
}

#[test]
fn what_is_tried_again_keeps_to_the_stores_and_the_name_of_who_tries() {
    let (shop, tokens) = locked();
    let [otto, paul, ada] = ["otto", "paul", "ada"].map(|name| tokens.of(name));
    let now = get(&shop, "/api/v1/status", &ada).json()["now"].clone();
    let product = |item: &str| {
        json!({
            "event_type": "product", "item_id": item, "name": "Later", "item_category": "DAIRY",
            "price": 1.5, "actor": "mallory", "timestamp": now,
        })
    };
    let mut elsewhere = product("FAR");
    elsewhere["store_id"] = json!("S002");
    let far = put_aside(&shop, &ada, "S001", 71, &elsewhere);
    let nameless = put_aside(&shop, &ada, "S001", 72, &product("NEAR"));
    let other = put_aside(&shop, &ada, "S002", 73, &product("OTHER"));
    let retry = |token: &str, id: &str, store: Option<&str>| {
        let body = json!({"ids": [id], "store": store});
        post(&shop, "/api/v1/quarantine/retry", token, &body)
    };
    let outcome = |answer: &Answer| {
        let result = answer.json()["results"][0].clone();
        (result["status"].as_str().unwrap().to_owned(), result["code"].clone())
    };
    // The line itself names another store, then who tries does, then the entry is of another one.
    let refused = ("rejected".to_owned(), json!("other_store"));
    assert_eq!(outcome(&retry(&paul, &far, None)), refused);
    assert_eq!(retry(&paul, &nameless, Some("S002")).code(), "other_store");
    assert_eq!(retry(&paul, &other, Some("S001")).code(), "other_store");
    assert_eq!(retry(&otto, &nameless, Some("S001")).code(), "forbidden");
    assert_eq!(outcome(&retry(&paul, &nameless, Some("S001"))).0, "accepted");
    assert_eq!(outcome(&retry(&ada, &far, None)).0, "accepted");
    // It is done by who tries, whoever the line names; an admin may name somebody else.
    let by = |who: &str| {
        let audit = get(&shop, &format!("/api/v1/audit?type=product&actor={who}"), &ada);
        let events = audit.json()["events"].as_array().unwrap().clone();
        events.iter().map(|row| row["event"]["item_id"].clone()).collect::<Vec<Value>>()
    };
    assert_eq!((by("paul"), by("mallory")), (vec![json!("NEAR")], vec![json!("FAR")]));
    let noted = get(&shop, "/api/v1/audit?type=quarantine_retry&actor=paul", &ada).json();
    let noted = noted["host_acts"].as_array().unwrap().clone();
    let of: Vec<&str> = noted.iter().map(|row| row["detail"].as_str().unwrap()).collect();
    assert_eq!(of, [nameless.as_str(), far.as_str()]);
}

#[test]
fn the_lake_is_told_to_who_sees_all_stores() {
    let (shop, tokens) = locked();
    let lake = Some(std::sync::Arc::new(FakeLake) as _);
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let options = HttpOptions { listen, login: true, ..HttpOptions::default() };
    let serving = Server::start(options, Parts { lake, ..shop.parts() }).unwrap();
    let address = serving.address();
    let [paul, petra] = ["paul", "petra"].map(|name| tokens.of(name));
    let get =
        |path: &str, token: &str| shop::ask(address, "GET", path, &[("authorization", token)], b"");
    assert_eq!(get("/api/v1/lake", &petra).json()["total"], 1);
    assert_eq!(get("/api/v1/lake", &paul).code(), "other_store");
    let page = |token: &str| get("/pipeline", token).text();
    let live = |token: &str| first_data(address, "/live/pipeline", token);
    for (all, some) in [(page(&petra), page(&paul)), (live(&petra), live(&paul))] {
        assert!(all.contains("raw.pickups"), "{all}");
        assert!(!some.contains("raw.pickups") && some.contains("The lake is of all"), "{some}");
    }
}

#[test]
fn who_sees_one_store_is_told_of_it_and_holds_no_other() {
    let (shop, tokens) = locked();
    let [paul, petra, ada] = ["paul", "petra", "ada"].map(|name| tokens.of(name));
    let now = get(&shop, "/api/v1/status", &ada).json()["now"].clone();
    let pickup = json!({
        "event_type": "pickup", "event_id": "00000000-0000-4000-8000-0000000000ad",
        "store_id": "S002", "item_id": "NOWHERE", "quantity": 1, "timestamp": now,
    });
    assert_eq!(post(&shop, "/api/v1/events", &ada, &pickup).json()["quarantined"], 1);
    // What there is of each reason does not depend on the filter, but on who asks.
    let reasons = |token: &str, filter: &str| {
        let list = get(&shop, &format!("/api/v1/quarantine{filter}"), token).json();
        (list["by_reason"]["unknown_product"].clone(), list["total"].clone())
    };
    assert_eq!(reasons(&ada, ""), (json!(1), json!(1)));
    assert_eq!(reasons(&ada, "?reason=unknown_store"), (json!(1), json!(0)));
    assert_eq!(reasons(&paul, ""), (Value::Null, json!(0)));
    // The simulation is everybody's.
    let hold = json!({"paused": true});
    assert_eq!(post(&shop, "/api/v1/simulation", &paul, &hold).code(), "other_store");
    let form = [("authorization", paul.as_str()), FORM];
    assert_eq!(shop.ask("POST", "/simulation", &form, b"do=resume").code(), "other_store");
    assert!(shop.pace.paused(), "it stands as it did");
    assert!(!get(&shop, "/alerts", &paul).text().contains("action=\"/simulation\""));
    assert_eq!(post(&shop, "/api/v1/simulation", &petra, &hold).status, 200);
}
