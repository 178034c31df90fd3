//! The mirror equals the state, whatever happens to it on the way: on a real server.

#![expect(clippy::unwrap_used, reason = "the helpers of tests fail like tests")]

#[path = "fixture/chain.rs"]
mod chain;
#[path = "fixture/database.rs"]
mod database;

use std::collections::BTreeMap;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use chain::{seen, simulated, state, trimmed, wait_until};
use database::{another_database, fingerprint, number, session};
use shelf_domain::{Body, Outcome, Store};
use shelf_engine::Stepped;
use shelf_host::{ChainReader, Folder, Follow};
use shelf_links::{
    LinkError, LinkState, LinkStatus, MirrorFollower, MirrorOptions, Until, start_mirror,
};
use shelf_mirrors::{MirrorError, Postgres};
use shelf_testkit::servers::{PASSWORD, PostgresServer};

/// Small rounds, so that there are many places at which one can be cut off.
fn small_rounds(url: &str) -> MirrorOptions {
    let postgres = Postgres::parse(url).unwrap();
    MirrorOptions { commit_every: Duration::ZERO, commit_rows: 1, ..MirrorOptions::new(postgres) }
}

fn large_rounds(url: &str) -> MirrorOptions {
    MirrorOptions::new(Postgres::parse(url).unwrap())
}

#[allow(clippy::result_large_err, reason = "it is looked at once")]
fn follow(folder: &Folder, options: MirrorOptions) -> Result<shelf_links::Followed, LinkError> {
    let mut follower = MirrorFollower::open(folder, options)?;
    follower.follow(Until::CaughtUp, || false, &LinkStatus::new("mirror"))
}

fn sum(stores: &[&Store], of: impl Fn(&Store) -> i64) -> i64 {
    stores.iter().map(|store| of(store)).sum()
}

fn shelves(store: &Store, of: impl Fn(&shelf_domain::Shelf) -> u32) -> i64 {
    let shelves = store.skus().filter_map(|index| store.shelf(index));
    shelves.map(|shelf| i64::from(of(shelf))).sum()
}

fn lots(store: &Store, of: impl Fn(&shelf_domain::Lot) -> u32) -> i64 {
    let lots = store.skus().flat_map(|index| store.lots(index));
    lots.map(|lot| i64::from(of(lot))).sum()
}

/// What psql says to statements that come to one value each.
fn psql(url: &str, statements: &[String]) -> Vec<String> {
    let mut command = Command::new("psql");
    command.args([url, "--no-psqlrc", "--tuples-only", "--no-align", "-v", "ON_ERROR_STOP=1"]);
    for statement in statements {
        command.args(["-c", statement]);
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// Every sum of the tables is that of the stores.
fn check_sums(folder: &Folder, url: &str) {
    let reader = state(folder);
    let stores = reader.stores();
    let mut session = session(url);
    let expected = [
        ("count(*) FROM state.shelf_state", sum(&stores, |store| store.sku_count() as i64)),
        (
            "sum(current_stock)::bigint FROM state.shelf_state",
            sum(&stores, |store| shelves(store, |shelf| shelf.floor_units)),
        ),
        (
            "sum(cart_units)::bigint FROM state.shelf_state",
            sum(&stores, |store| shelves(store, |shelf| shelf.cart_units)),
        ),
        (
            "sum(wh_current_stock)::bigint FROM state.wh_state",
            sum(&stores, |store| shelves(store, |shelf| shelf.warehouse_units)),
        ),
        (
            "sum(in_transit_units)::bigint FROM state.wh_state",
            sum(&stores, |store| shelves(store, |shelf| shelf.transit_units)),
        ),
        (
            "sum(batch_quantity_store)::bigint FROM state.shelf_batch_state",
            sum(&stores, |store| lots(store, |lot| lot.floor_units)),
        ),
        (
            "sum(batch_quantity_warehouse)::bigint FROM state.wh_batch_state",
            sum(&stores, |store| lots(store, |lot| lot.warehouse_units)),
        ),
        (
            "sum(reserved_units)::bigint FROM state.wh_batch_state",
            sum(&stores, |store| lots(store, |lot| lot.reserved_units)),
        ),
        ("count(*) FROM ref.policies", sum(&stores, |store| store.policies().len() as i64)),
        ("count(*) FROM ref.suppliers", sum(&stores, |store| store.suppliers().count() as i64)),
        (
            "count(*) FROM ops.open_alerts",
            sum(&stores, |store| {
                store.alerts().iter().filter(|alert| alert.status.standing()).count() as i64
            }),
        ),
        (
            "count(*) FROM ops.shelf_restock_plan WHERE status IN ('pending', 'issued', \
             'in_transit')",
            sum(&stores, |store| {
                store.tasks().filter(|task| task.status.standing()).count() as i64
            }),
        ),
        (
            "(sum(total_amount) * 100)::bigint FROM ops.pos_transactions",
            sum(&stores, Store::revenue_cents),
        ),
        (
            "(sum(total_price) * 100)::bigint FROM ops.pos_transaction_items",
            sum(&stores, Store::revenue_cents),
        ),
    ];
    for (what, expected) in &expected {
        assert_eq!(number(&mut session, &format!("SELECT {what}")), *expected, "{what}");
    }
    // The same in the eyes of a client that is none of ours.
    let told = psql(url, &expected.map(|(what, _)| format!("SELECT {what}")));
    assert_eq!(told, expected.map(|(_, expected)| expected.to_string()));
    check_discounts(&stores, &mut session);
}

/// What the state says of the present day's prices stands in the table.
fn check_discounts(stores: &[&Store], session: &mut postgres::Client) {
    for store in stores {
        for row in shelf_events::StateKind::DailyDiscounts.rows(store) {
            let shelf_events::StateRecord::DailyDiscount(cut) = row.record else { continue };
            let found = session
                .query_one(
                    "SELECT (discount * 10000)::bigint FROM analytics.daily_discounts \
                     WHERE store_id = $1 AND shelf_id = $2 ORDER BY discount_date DESC LIMIT 1",
                    &[&store.id().as_str(), &cut.shelf_id.as_str()],
                )
                .unwrap();
            assert_eq!(found.get::<_, i64>(0), i64::from(cut.discount.0), "{}", cut.shelf_id);
        }
    }
}

/// What people learn from has no nulls but what is still to come, and only what can be ordered.
fn check_features(folder: &Folder, session: &mut postgres::Client) {
    let of = |name: &str| format!("SELECT count(*) FROM analytics.{name}");
    let all = number(session, &of("features_store"));
    assert_eq!(number(session, &of("v_ml_features")), all);
    let plain = "v_ml_features WHERE shelf_capacity > 0 AND warehouse_capacity >= 0 \
                 AND standard_batch_size >= 1 AND min_expiration_days IS NOT NULL";
    assert_eq!(number(session, &of(plain)), all);
    assert!(number(session, &of("v_ml_features WHERE min_expiration_days < 9999")) > 0);
    let reader = state(folder);
    let stores = reader.stores();
    for store in &stores {
        let shelf = store.skus().find_map(|index| store.shelf(index)).unwrap();
        let found = session
            .query_one(
                "SELECT shelf_capacity, warehouse_capacity FROM analytics.v_ml_features \
                 WHERE store_id = $1 AND shelf_id = $2 ORDER BY feature_date DESC LIMIT 1",
                &[&store.id().as_str(), &shelf.sku.as_str()],
            )
            .unwrap();
        let wanted = (shelf.capacity_units.into(), shelf.warehouse_capacity_units.into());
        assert_eq!((found.get::<_, i64>(0), found.get::<_, i64>(1)), wanted);
    }
    assert_eq!(number(session, &of("v_ml_train")), all, "each has a place in the warehouse");
    session
        .batch_execute(
            "BEGIN; UPDATE analytics.features_store SET shelf_capacity = NULL, \
             warehouse_capacity = NULL, standard_batch_size = NULL, min_expiration_days = NULL",
        )
        .unwrap();
    let rules = "v_ml_features WHERE shelf_capacity = 0 AND warehouse_capacity = 0 \
                 AND standard_batch_size = 1 AND min_expiration_days = 9999";
    assert_eq!(number(session, &of(rules)), all);
    assert_eq!(number(session, &of("v_ml_train")), 0);
    session.batch_execute("ROLLBACK").unwrap();
}

/// Days whose next seven have all ended stand with what these sold, and no other day does.
fn check_demand(session: &mut postgres::Client) {
    let sold = [3_i64, 1, 4, 1, 5, 9, 2, 6, 5];
    let mut transaction = session.transaction().unwrap();
    for (day, units) in (1_i32..).zip(sold) {
        // Of the second one a day in the middle is not known.
        for shelf in ["MILK", "TEA"].into_iter().take(if day == 5 { 1 } else { 2 }) {
            let statement = "INSERT INTO analytics.features_store (store_id, feature_date, \
                             shelf_id, foot_traffic, sales_qty, returned_qty, received_qty, \
                             removed_qty, revenue, stockout_events, stockout_minutes, \
                             open_minutes) VALUES ('none', date '2026-02-25' + $1::integer, $2, \
                             0, $3, 0, 0, 0, 0, 0, 0, 0)";
            transaction.execute(statement, &[&day, &shelf, &units]).unwrap();
        }
    }
    let statement = "SELECT shelf_id, feature_date::text, y_sales_next_7d::bigint \
                     FROM analytics.v_train_demand_next7d WHERE store_id = 'none' ORDER BY 1, 2";
    let rows = transaction.query(statement, &[]).unwrap();
    let found: Vec<(String, String, i64)> =
        rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect();
    // A day and the seven behind it.
    let sums = sold.windows(8).map(|days| days.iter().skip(1).sum::<i64>());
    let days = ["2026-02-26", "2026-02-27"].into_iter().zip(sums);
    let expected: Vec<(String, String, i64)> =
        days.map(|(day, units)| ("MILK".to_owned(), day.to_owned(), units)).collect();
    assert_eq!(expected.len(), 2);
    assert_eq!(found, expected);
    transaction.rollback().unwrap();
}

/// Units and cents of each product, as the events themselves say them: no state stands between.
#[derive(Default, PartialEq, Debug)]
struct Told {
    receipts: i64,
    sold: BTreeMap<String, (i64, i64)>,
    delivered: BTreeMap<String, i64>,
}

fn told_by_events(folder: &Folder) -> Told {
    let mut told = Told::default();
    let mut reader = ChainReader::open_behind(folder, Follow::FromStart).unwrap();
    let count = |_: u32, stepped: Stepped<'_>| {
        if !matches!(stepped.outcome, Outcome::Accepted | Outcome::Late) {
            return;
        }
        match &stepped.event.body {
            Body::Receipt(receipt) => {
                told.receipts += 1;
                for line in &receipt.lines {
                    let sold = told.sold.entry(line.sku.to_string()).or_default();
                    sold.0 += i64::from(line.units);
                    sold.1 += line.total_cents;
                }
            }
            Body::Delivery(delivery) => {
                *told.delivered.entry(delivery.sku.to_string()).or_default() +=
                    i64::from(delivery.units);
            }
            _ => {}
        }
    };
    reader.catch_up(count).unwrap();
    told
}

fn told_by_tables(url: &str) -> Told {
    let mut session = session(url);
    let receipts = number(&mut session, "SELECT count(*) FROM ops.pos_transactions");
    let sold = session
        .query(
            "SELECT shelf_id, sum(quantity)::bigint, (sum(total_price) * 100)::bigint \
             FROM ops.pos_transaction_items GROUP BY shelf_id",
            &[],
        )
        .unwrap();
    let delivered = session
        .query(
            "SELECT shelf_id, sum(qty)::bigint FROM ops.wh_events WHERE event_type = 'wh_in' \
             GROUP BY shelf_id",
            &[],
        )
        .unwrap();
    Told {
        receipts,
        sold: sold.iter().map(|row| (row.get(0), (row.get(1), row.get(2)))).collect(),
        delivered: delivered.iter().map(|row| (row.get(0), row.get(1))).collect(),
    }
}

#[test]
fn it_equals_the_state_and_following_again_writes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::at(dir.path().join("data"));
    simulated(&folder, 54);
    let server = PostgresServer::start();
    let url = server.url();
    let followed = follow(&folder, large_rounds(&url)).unwrap();
    assert!(followed.events > 10_000 && followed.rows > 10_000, "{followed:?}");
    check_sums(&folder, &url);
    let told = told_by_events(&folder);
    assert!(told.receipts > 100 && told.delivered.len() > 10, "{}", told.receipts);
    assert_eq!(told_by_tables(&url), told);
    let mut client = session(&url);
    for filled in [
        "analytics.kpis",
        "analytics.features_store",
        "analytics.daily_discounts",
        "ops.alert_changes",
        "ops.wh_supplier_plan",
        "ops.wh_events",
        "ref.store_inventory_snapshot",
        "ref.warehouse_batches_snapshot",
    ] {
        assert!(number(&mut client, &format!("SELECT count(*) FROM {filled}")) > 0, "{filled}");
    }
    check_demand(&mut client);
    let of_lots = "ops.pos_transaction_items i JOIN state.wh_batch_state b \
                   USING (store_id, shelf_id, batch_code) WHERE b.expiry_date IS NOT NULL";
    let lines = number(&mut client, &format!("SELECT count(*) FROM {of_lots}"));
    let same = format!("SELECT count(*) FROM {of_lots} AND i.expiry_date = b.expiry_date");
    let same = number(&mut client, &same);
    // Of some a sale was told of before its lot was.
    assert!(lines > 0 && same * 10 > lines * 9, "{same} of {lines}");
    check_features(&folder, &mut client);
    let before = fingerprint(&url);
    let again = follow(&folder, large_rounds(&url)).unwrap();
    assert_eq!((again.events, again.rows), (0, 0));
    assert_eq!(fingerprint(&url), before);
    // Forgotten, it is filled again; and how rows come together changes none.
    client.batch_execute("SELECT shelf.forget()").unwrap();
    follow(&folder, small_rounds(&url)).unwrap();
    assert_eq!(fingerprint(&url), before);
}

/// Where the test below tells its child what to follow: folder and address.
const CHILD: &str = "SHELF_LINKS_TEST_CHILD";

/// No test of its own: what the next one kills.
#[test]
fn child_follows() {
    let Ok(told) = std::env::var(CHILD) else { return };
    let (folder, url) = told.split_once(' ').unwrap();
    follow(&Folder::at(folder), small_rounds(url)).unwrap();
}

/// A process that follows until it is killed.
fn spawn_child(folder: &Folder, url: &str) -> Child {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "child_follows"]).stdout(Stdio::null()).stderr(Stdio::null());
    child.env(CHILD, format!("{} {url}", folder.root().display())).spawn().unwrap()
}

#[test]
fn a_kill_at_any_time_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::at(dir.path().join("data"));
    let server = PostgresServer::start();
    let straight = another_database(&server.url(), "straight");
    let url = server.url();
    // How long one takes that nobody kills; the first one makes the schemas, too.
    let mut whole = Duration::ZERO;
    for hours in [5, 10] {
        simulated(&folder, hours);
        let begun = Instant::now();
        assert!(spawn_child(&folder, &url).wait().unwrap().success());
        whole = begun.elapsed();
    }
    let (mut random, mut held, mut moved) = (0x9e37_79b9_u64, at(&url), 0);
    for round in 1..=20 {
        // There is something to follow each time.
        simulated(&folder, 10 + round * 4);
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let mut child = spawn_child(&folder, &url);
        // Some die as they begin, some as soon as something is there, the others at any time.
        match round % 5 {
            0 => {}
            1 => {
                let through = || at(&url) > held;
                wait_until("a first round", || through() || child.try_wait().unwrap().is_some());
            }
            _ => {
                let part = (random >> 33) as f64 / (1_u64 << 31) as f64;
                std::thread::sleep(whole.mul_f64(part * 1.3));
            }
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let now_at = at(&url);
        moved += u32::from(now_at > held);
        held = now_at;
    }
    assert!((1..20).contains(&moved), "{moved} of 20 got through");
    follow(&folder, small_rounds(&url)).unwrap();
    follow(&folder, large_rounds(&straight)).unwrap();
    assert_eq!(fingerprint(&url), fingerprint(&straight));
}

#[test]
fn a_kill_within_a_transaction_undoes_it() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::at(dir.path().join("data"));
    let server = PostgresServer::start();
    let straight = another_database(&server.url(), "straight");
    let url = server.url();
    simulated(&folder, 30);
    follow(&folder, large_rounds(&url)).unwrap();
    let before = fingerprint(&url);
    simulated(&folder, 60);
    let (mut holder, mut watcher) = (session(&url), session(&url));
    // Most tables are written before this one.
    let mut lock = holder.transaction().unwrap();
    lock.batch_execute("LOCK TABLE analytics.kpis IN EXCLUSIVE MODE").unwrap();
    let mut child = spawn_child(&folder, &url);
    let waiting = "SELECT count(*) FROM pg_stat_activity \
                   WHERE application_name = 'shelf' AND wait_event_type = 'Lock'";
    wait_until("a transaction half way", || number(&mut watcher, waiting) == 1);
    child.kill().unwrap();
    child.wait().unwrap();
    lock.rollback().unwrap();
    let sessions = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'shelf'";
    wait_until("the end of its session", || number(&mut watcher, sessions) == 0);
    assert_eq!(fingerprint(&url), before);
    follow(&folder, small_rounds(&url)).unwrap();
    follow(&folder, large_rounds(&straight)).unwrap();
    assert_eq!(fingerprint(&url), fingerprint(&straight));
}

#[test]
fn restarts_of_the_server_change_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::at(dir.path().join("data"));
    simulated(&folder, 1);
    let mut server = PostgresServer::start();
    let straight = another_database(&server.url(), "straight");
    let url = server.url();
    let link = start_mirror(&folder, small_rounds(&url)).unwrap();
    for round in 1..=4 {
        wait_until("some rows", || link.status().view().state == LinkState::Following);
        // The shop goes on, whatever the server does.
        std::thread::scope(|scope| {
            let lives = scope.spawn(|| simulated(&folder, round * 16));
            std::thread::sleep(Duration::from_millis(70 * round as u64));
            if round % 2 == 0 {
                server.crash();
            } else {
                server.stop();
            }
            lives.join().unwrap();
        });
        let view = seen("a failure", &link, |view| view.failure.is_some());
        assert_eq!(view.state, LinkState::Waiting, "{view:?}");
        assert_eq!(view.failure.unwrap().code, "mirror_unreachable");
        server.run();
    }
    follow(&folder, large_rounds(&straight)).unwrap();
    wait_until("the end", || at(&url) == at(&straight));
    assert!(link.stop());
    assert_eq!(fingerprint(&url), fingerprint(&straight));
}

#[test]
fn one_with_nothing_to_write_says_that_the_server_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::at(dir.path().join("data"));
    simulated(&folder, 1);
    let mut server = PostgresServer::start();
    let link = start_mirror(&folder, large_rounds(&server.url())).unwrap();
    let ends: u64 = folder.log_ends().unwrap().iter().sum();
    seen("the end", &link, |view| view.position == Some(ends));
    server.crash();
    let view = seen("the trouble", &link, |view| view.state == LinkState::Waiting);
    assert_eq!(view.failure.unwrap().code, "mirror_unreachable");
    server.run();
    let view = seen("the end of it", &link, |view| view.state == LinkState::Following);
    assert_eq!((view.failure, view.position), (None, Some(ends)));
    assert!(link.stop());
}

/// The positions of a mirror together.
fn at(url: &str) -> Option<i64> {
    let mut client = postgres::Client::connect(url, postgres::NoTls).ok()?;
    let statement = "SELECT sum(position)::bigint FROM shelf.positions";
    client.query_one(statement, &[]).ok()?.get(0)
}

#[test]
fn a_row_that_breaks_a_rule_is_named_and_waits() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::at(dir.path().join("data"));
    simulated(&folder, 14);
    let server = PostgresServer::start();
    let url = server.url();
    let straight = another_database(&url, "straight");
    follow(&folder, large_rounds(&straight)).unwrap();
    // The schemas, and no row yet.
    drop(MirrorFollower::open(&folder, small_rounds(&url)).unwrap());
    let mut client = session(&url);
    client
        .batch_execute(
            "ALTER TABLE ops.pos_transactions ADD CONSTRAINT small_amounts \
             CHECK (total_amount < 20)",
        )
        .unwrap();
    let Err(LinkError::Mirror(MirrorError::Row { table, what })) =
        follow(&folder, small_rounds(&url))
    else {
        panic!("the row was taken");
    };
    assert_eq!(table, "ops.pos_transactions");
    assert!(what.contains("small_amounts") && what.contains("Failing row contains"), "{what}");
    let stopped_at = at(&url);
    assert!(follow(&folder, small_rounds(&url)).is_err());
    let link = start_mirror(&folder, small_rounds(&url)).unwrap();
    let view = seen("a refusal", &link, |view| view.state == LinkState::Refused);
    assert_eq!(view.failure.unwrap().code, "mirror_row");
    assert!(stopped_at < at(&straight));
    client.batch_execute("ALTER TABLE ops.pos_transactions DROP CONSTRAINT small_amounts").unwrap();
    wait_until("the rest", || at(&url) == at(&straight));
    assert!(link.stop());
    assert_eq!(fingerprint(&url), fingerprint(&straight));
}

#[test]
fn a_table_that_was_changed_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::at(dir.path().join("data"));
    simulated(&folder, 10);
    let server = PostgresServer::start();
    let url = server.url();
    follow(&folder, large_rounds(&url)).unwrap();
    let mut client = session(&url);
    let mut drift = |change: &str, back: &str| {
        client.batch_execute(change).unwrap();
        let Err(LinkError::Mirror(error)) = follow(&folder, large_rounds(&url)) else {
            panic!("nothing was seen of {change}");
        };
        client.batch_execute(back).unwrap();
        follow(&folder, large_rounds(&url)).unwrap();
        (error.code(), error.to_string())
    };
    assert_eq!(
        drift(
            "ALTER TABLE state.wh_state RENAME wh_current_stock TO units",
            "ALTER TABLE state.wh_state RENAME units TO wh_current_stock"
        ),
        (
            "mirror_drift",
            "state.wh_state was changed: it has no column wh_current_stock".to_owned()
        )
    );
    let (code, message) = drift(
        "ALTER TABLE ops.alert_changes ALTER note TYPE varchar(500)",
        "ALTER TABLE ops.alert_changes ALTER note TYPE text",
    );
    assert_eq!(code, "mirror_drift");
    assert!(message.contains("column note is of type varchar and must be text"), "{message}");
    let (code, _) = drift(
        "UPDATE shelf.migrations SET checksum = '0' || checksum WHERE number = 1",
        "UPDATE shelf.migrations SET checksum = substr(checksum, 2) WHERE number = 1",
    );
    assert_eq!(code, "mirror_version");
    let (code, message) = drift(
        "INSERT INTO shelf.migrations VALUES (99, 'later', '')",
        "DELETE FROM shelf.migrations WHERE number = 99",
    );
    assert_eq!(code, "mirror_version");
    assert!(message.contains("migration 99 is of a newer version"), "{message}");
    // A column that somebody added is theirs.
    client.batch_execute("ALTER TABLE ops.alerts ADD ticket text").unwrap();
    follow(&folder, large_rounds(&url)).unwrap();
}

#[test]
fn a_column_that_goes_under_a_running_mirror_is_named_and_waits() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::at(dir.path().join("data"));
    simulated(&folder, 10);
    let server = PostgresServer::start();
    let url = server.url();
    let straight = another_database(&url, "straight");
    let link = start_mirror(&folder, small_rounds(&url)).unwrap();
    let ends: u64 = folder.log_ends().unwrap().iter().sum();
    seen("the first part", &link, |view| view.position == Some(ends));
    let mut client = session(&url);
    client
        .batch_execute(
            "CREATE TABLE kept AS TABLE ops.pos_transactions;
             ALTER TABLE ops.pos_transactions DROP payment_method",
        )
        .unwrap();
    simulated(&folder, 16);
    let view = seen("the trouble", &link, |view| view.state == LinkState::Refused);
    let failure = view.failure.unwrap();
    assert_eq!(failure.code, "mirror_drift", "{failure:?}");
    let said = failure.message;
    assert!(said.contains("ops.pos_transactions was changed") && said.contains("payment_method"));
    // It tries again, and nothing of what comes behind the row passes it.
    seen("another try", &link, |view| view.failures > 2 && view.state == LinkState::Refused);
    follow(&folder, large_rounds(&straight)).unwrap();
    assert!(at(&url) < at(&straight));
    client
        .batch_execute(
            "ALTER TABLE ops.pos_transactions ADD payment_method text;
             UPDATE ops.pos_transactions t SET payment_method = k.payment_method FROM kept k
             WHERE t.log_partition = k.log_partition AND t.log_offset = k.log_offset",
        )
        .unwrap();
    wait_until("the rest", || at(&url) == at(&straight));
    let view = seen("its state", &link, |view| view.state == LinkState::Following);
    assert_eq!(view.last_failure.map(|failure| failure.code).as_deref(), Some("mirror_drift"));
    assert!(link.stop());
    assert_eq!(fingerprint(&url), fingerprint(&straight));
}

#[test]
fn a_mirror_of_another_chain_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let (short, long) = (Folder::at(dir.path().join("short")), Folder::at(dir.path().join("long")));
    simulated(&short, 1);
    simulated(&long, 10);
    let server = PostgresServer::start();
    let url = server.url();
    follow(&short, large_rounds(&url)).unwrap();
    let before = fingerprint(&url);
    let refused = follow(&long, large_rounds(&url)).unwrap_err();
    assert_eq!(refused.code(), "mirror_other_chain", "{refused}");
    let name = |folder: &Folder| folder.meta().unwrap().chain.unwrap().as_str().to_owned();
    let said = refused.to_string();
    assert!(said.contains(&name(&short)) && said.contains(&name(&long)), "{said}");
    assert!(refused.hint().contains("shelf.forget()"), "{}", refused.hint());
    assert_eq!(fingerprint(&url), before);
    let link = start_mirror(&long, large_rounds(&url)).unwrap();
    seen("a refusal", &link, |view| view.state == LinkState::Refused);
    // When all is forgotten, it is the mirror of whoever comes first.
    session(&url).batch_execute("SELECT shelf.forget()").unwrap();
    wait_until("the other chain", || {
        let ends: u64 = long.log_ends().unwrap().iter().sum();
        at(&url) == Some(ends as i64)
    });
    assert!(link.stop());
    check_sums(&long, &url);
    assert_eq!(follow(&short, large_rounds(&url)).unwrap_err().code(), "mirror_other_chain");
    // One that was made without a name takes that of the first chain.
    let unnamed = another_database(&url, "unnamed");
    follow(&short, large_rounds(&unnamed)).unwrap();
    let mut client = session(&unnamed);
    client.batch_execute("UPDATE shelf.positions SET chain = NULL").unwrap();
    follow(&short, large_rounds(&unnamed)).unwrap();
    assert_eq!(number(&mut client, "SELECT count(*) FROM shelf.positions WHERE chain <> ''"), 2);
}

#[test]
fn a_mirror_ahead_of_its_log_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::at(dir.path().join("data"));
    simulated(&folder, 1);
    // What a folder is that was put back from an older copy.
    let older = Folder::at(dir.path().join("older"));
    let copied = Command::new("cp").arg("-r").args([folder.root(), older.root()]).status();
    assert!(copied.unwrap().success());
    simulated(&folder, 10);
    let server = PostgresServer::start();
    follow(&folder, large_rounds(&server.url())).unwrap();
    let before = fingerprint(&server.url());
    let refused = follow(&older, large_rounds(&server.url()));
    assert!(matches!(refused, Err(LinkError::Mirror(MirrorError::Ahead))), "{refused:?}");
    assert_eq!(fingerprint(&server.url()), before);
}

/// Alerts, tasks and orders that stand, in a data folder.
fn standing(folder: &Folder) -> Vec<String> {
    let reader = ChainReader::open(folder, Follow::FromSnapshot).unwrap();
    let mut all = Vec::new();
    for store in reader.stores() {
        let id = store.id();
        for alert in store.alerts() {
            all.push(format!("{id} alert {} {}", alert.alert, alert.status.code()));
        }
        for task in store.tasks().filter(|task| task.status.standing()) {
            all.push(format!("{id} task {} {}", task.task, task.status.code()));
        }
        for order in store.orders().filter(|order| order.status.standing()) {
            if order.lines.is_empty() {
                continue;
            }
            all.push(format!("{id} order {} {}", order.order, order.status.code()));
        }
    }
    all.sort();
    all
}

/// The same, as the tables have it.
fn standing_in_tables(client: &mut postgres::Client) -> Vec<String> {
    let rows = client
        .query(
            "SELECT store_id || ' alert ' || alert_id || ' ' || status FROM ops.open_alerts \
             UNION SELECT store_id || ' task ' || plan_id || ' ' || status \
             FROM ops.shelf_restock_plan WHERE status IN ('pending', 'issued', 'in_transit') \
             UNION SELECT store_id || ' order ' || supplier_plan_id || ' ' || status \
             FROM ops.wh_supplier_plan WHERE status IN ('draft', 'approved', 'sent')",
            &[],
        )
        .unwrap();
    let mut all: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    all.sort();
    all
}

/// An alert, a task and an order of each store that stand in the tables and nowhere else.
const ENDED: &str = "
    INSERT INTO ops.alerts (store_id, alert_id, event_type, location, severity, status,
        current_stock, max_stock, threshold, suggested_qty, seen_count, created_at, last_seen_at,
        updated_at)
    SELECT store_id, 'gone', 'near_expiry', 'store', 'low', 'snoozed', 1, 1, 1, 1, 1,
        'epoch', 'epoch', 'epoch' FROM ref.stores;
    INSERT INTO ops.shelf_restock_plan
        (store_id, plan_id, shelf_id, suggested_qty, backorder_qty, status, created_at, updated_at)
    SELECT store_id, 'gone', 'MILK', 1, 0, 'issued', 'epoch', 'epoch' FROM ref.stores;
    INSERT INTO ops.wh_supplier_plan (store_id, supplier_plan_id, shelf_id, supplier_id,
        suggested_qty, received_qty, cost, status, created_at, updated_at)
    SELECT store_id, 'gone', 'MILK', 'SUP', 1, 0, 1, 'sent', 'epoch', 'epoch' FROM ref.stores";

#[test]
fn what_has_ended_where_the_log_no_longer_reaches_back_stands_no_longer() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::at(dir.path().join("data"));
    simulated(&folder, 20);
    let server = PostgresServer::start();
    let url = server.url();
    follow(&folder, large_rounds(&url)).unwrap();
    let mut client = session(&url);
    assert_eq!(standing_in_tables(&mut client), standing(&folder));
    client.batch_execute(ENDED).unwrap();
    // It is away until the log has no more of what comes next.
    let held = folder.log_ends().unwrap();
    trimmed(&folder, 140);
    let gone = ChainReader::open_before(&folder, &held).unwrap_err();
    assert_eq!(gone.code(), "snapshot_too_old");
    follow(&folder, large_rounds(&url)).unwrap();
    let after = standing(&folder);
    assert_eq!(standing_in_tables(&mut client), after);
    assert!(after.iter().any(|one| one.contains(" alert ")), "{after:?}");
    for (table, key) in [
        ("ops.alerts", "alert_id"),
        ("ops.shelf_restock_plan", "plan_id"),
        ("ops.wh_supplier_plan", "supplier_plan_id"),
    ] {
        let ended = "status = 'ended' AND updated_at > created_at";
        let statement = format!("SELECT count(*) FROM {table} WHERE {key} = 'gone' AND {ended}");
        assert_eq!(number(&mut client, &statement), 2, "{table}");
    }
    let reader = ChainReader::open(&folder, Follow::FromSnapshot).unwrap();
    let stores = reader.stores();
    check_discounts(&stores, &mut client);
    let units = "SELECT sum(current_stock)::bigint FROM state.shelf_state";
    let wanted = sum(&stores, |store| shelves(store, |shelf| shelf.floor_units));
    assert_eq!(number(&mut client, units), wanted);
    let again = follow(&folder, large_rounds(&url)).unwrap();
    assert_eq!((again.events, again.rows), (0, 0));
    // An empty one has what stands, and knows of nothing that has ended.
    client.batch_execute("SELECT shelf.forget()").unwrap();
    follow(&folder, large_rounds(&url)).unwrap();
    assert_eq!(standing_in_tables(&mut client), after);
    assert_eq!(number(&mut client, "SELECT count(*) FROM ops.alerts WHERE status = 'ended'"), 0);
}

#[test]
fn who_may_not_come_in_is_told_why() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::at(dir.path().join("data"));
    simulated(&folder, 1);
    let server = PostgresServer::start();
    let wrong = follow(&folder, large_rounds(&server.url_with("wrong-word"))).unwrap_err();
    assert_eq!(wrong.code(), "mirror_refused");
    let text = wrong.to_string();
    assert!(text.contains("password authentication failed"), "{text}");
    assert!(!text.contains("wrong-word"), "{text}");
    let nowhere = server.url().replace("/postgres", "/nowhere");
    let unknown = follow(&folder, large_rounds(&nowhere)).unwrap_err();
    assert!(unknown.to_string().contains("\"nowhere\" does not exist"), "{unknown}");
    let postgres = Postgres::parse(&server.url_with("wrong-word")).unwrap();
    assert!(!format!("{postgres} {postgres:?}").contains("wrong-word"));
    let right = MirrorOptions::new(postgres.with_password(PASSWORD));
    assert!(follow(&folder, right).is_ok());
    let mut gone = server;
    let url = gone.url();
    gone.stop();
    let unreachable = follow(&folder, large_rounds(&url)).unwrap_err();
    assert_eq!(unreachable.code(), "mirror_unreachable");
    gone.run();
    assert_eq!(Postgres::parse("nonsense").unwrap_err().code(), "mirror_address");
}

#[test]
fn tls_holds_the_server_to_its_certificate() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::at(dir.path().join("data"));
    simulated(&folder, 1);
    let certify = || rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let (own, other) = (certify(), certify());
    let server = PostgresServer::start_with_tls(&own.cert.pem(), &own.signing_key.serialize_pem());
    let roots = |name: &str, pem: String| {
        let file = dir.path().join(name);
        std::fs::write(&file, pem).unwrap();
        let postgres = Postgres::parse(&server.url()).unwrap().with_roots(file);
        MirrorOptions::new(postgres)
    };
    follow(&folder, roots("own.pem", own.cert.pem())).unwrap();
    let refused = follow(&folder, roots("other.pem", other.cert.pem())).unwrap_err();
    assert!(refused.to_string().contains("certificate"), "{refused}");
    let empty = follow(&folder, roots("empty.pem", String::new())).unwrap_err();
    assert_eq!(empty.code(), "mirror_address");
}
