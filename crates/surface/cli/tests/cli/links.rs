//! A chain that runs beside a real PostgreSQL and a real Redis.

use std::time::Duration;

use postgres::{Client, NoTls};
use shelf_testkit::servers::{PASSWORD, PostgresServer, RedisServer};

use crate::program::{Place, Running, until};
use crate::shop::SHOP;

/// A place with the shop, as if it had opened a minute ago with apples that keep.
fn open_shop() -> Place {
    let place = Place::new();
    let opened = jiff::Timestamp::now() - jiff::SignedDuration::from_mins(1);
    let shop = SHOP.replace("2026-03-02T08:00:00Z", &format!("{opened:.6}"));
    let ran = place.feed("import -", shop.replace("2026-04-01", "2099-04-01"));
    assert_eq!(ran.code, 0, "{ran:?}");
    place
}

/// Starts the shop's chain with these settings.
fn start(place: &Place, settings: &[(&str, &str)]) -> Running {
    let mut command = place.command("run --no-demo --plain");
    command.stdout(std::process::Stdio::null()).envs(settings.iter().copied());
    place.started(&mut command)
}

/// A customer takes apples at this moment: a running shop takes nothing from long ago.
fn pickup(units: i64) -> String {
    let at = jiff::Timestamp::now();
    format!(
        "{{\"event_type\":\"pickup\",\"timestamp\":\"{at:.6}\",\"store_id\":\"R1\",\
         \"customer_id\":\"c1\",\"item_id\":\"APPLE\",\"quantity\":{units}}}"
    )
}

fn number(client: &mut Client, statement: &str) -> Option<i64> {
    client.query_opt(statement, &[]).ok()??.get(0)
}

#[test]
fn a_chain_is_mirrored_and_takes_what_people_set_in_tables() {
    let (place, server) = (open_shop(), PostgresServer::start());
    let url = server.url().replace(&format!(":{PASSWORD}"), "");
    let settings = [("SHELF_POSTGRES__URL", url.as_str()), ("SHELF_POSTGRES__PASSWORD", PASSWORD)];
    let running = start(&place, &settings);
    let mut client = Client::connect(&server.url(), NoTls).unwrap();
    let floor = "SELECT current_stock FROM state.shelf_state WHERE shelf_id = 'APPLE'";
    until("the mirror", || number(&mut client, floor).filter(|&units| units == 20));
    place.feed("send", pickup(3));
    until("the pickup in the mirror", || number(&mut client, floor).filter(|&units| units == 17));
    client
        .batch_execute(
            "INSERT INTO config.products (store_id, shelf_id, name, item_category, price) \
             VALUES ('R1', 'APPLE', 'Apple', 'Fruit', 1.50)",
        )
        .unwrap();
    let price = "SELECT (item_price * 100)::bigint FROM ref.products WHERE shelf_id = 'APPLE'";
    until("the price, there and back", || number(&mut client, price).filter(|&cents| cents == 150));
    running.stop();
    assert!(place.sources().values().any(|source| source["kind"] == "postgres"));
    assert_eq!(place.json("replay")["equal"], true);
}

#[test]
fn entries_of_a_stream_reach_the_log_of_a_running_chain() {
    let (place, mut server) = (open_shop(), RedisServer::start());
    let url = server.url();
    let running = start(&place, &[("SHELF_REDIS__URL", url.as_str())]);
    let add = |server: &RedisServer, data: &str| {
        let mut client = redis::Client::open(server.url()).unwrap().get_connection().unwrap();
        let mut add = redis::cmd("XADD");
        add.arg("shelf_events").arg("*").arg("data").arg(data);
        add.query::<String>(&mut client).unwrap();
    };
    let floor = || place.json("shelves show APPLE")["floor_units"].as_i64();
    add(&server, &pickup(3));
    until("the pickup", || (floor() == Some(17)).then_some(()));
    add(&server, "{\"event_type\":\"pick");
    until("the quarantine", || (place.jsons("quarantine list").len() == 1).then_some(()));
    server.kill();
    std::thread::sleep(Duration::from_millis(300));
    server.run();
    add(&server, &pickup(2));
    until("what came after the restart", || (floor() == Some(15)).then_some(()));
    running.stop();
    assert!(place.sources().values().any(|source| source["kind"] == "redis"));
    assert_eq!(place.json("replay")["equal"], true);
}

#[test]
fn a_link_that_cannot_be_is_told_and_holds_nobody_up() {
    let place = open_shop();
    let nowhere = [("SHELF_POSTGRES__URL", "postgres://shelf@127.0.0.1:1/postgres")];
    let mut command = place.command("run --no-demo --plain --for-seconds 2");
    let ran = crate::program::Ran::of(command.envs(nowhere), b"");
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(ran.err.matches("warning[mirror_unreachable]: mirror: cannot connect").count(), 1);
    for (key, url, code) in [
        ("SHELF_POSTGRES__URL", "postgres://ada:word@db/shop", "settings"),
        ("SHELF_REDIS__URL", "redis://:word@cache", "settings"),
        ("SHELF_REDIS__URL", "nonsense", "redis_address"),
    ] {
        let mut command = place.command("config check");
        let ran = crate::program::Ran::of(command.env(key, url), b"").failed(2, code);
        assert!(!ran.err.contains("word@"), "{ran:?}");
    }
}
