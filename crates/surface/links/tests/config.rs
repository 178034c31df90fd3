//! What people set in PostgreSQL becomes events, each change once: on a real server.

#![expect(clippy::unwrap_used, reason = "the helpers of tests fail like tests")]

#[path = "fixture/chain.rs"]
mod chain;
#[path = "fixture/database.rs"]
mod database;

use std::process::Command;
use std::time::Duration;

use chain::{WrittenLog, seen, simulated, state, wait_until};
use database::{number, session};
use shelf_domain::{BasisPoints, Product, Sku, StoreId};
use shelf_host::Folder;
use shelf_links::{ConfigLink, ConfigOptions, LinkState, LinkStatus, LinkThread, start_config};
use shelf_mirrors::{ConfigFollower, Postgres};
use shelf_sources::read_event;
use shelf_testkit::servers::PostgresServer;

/// A shop that nobody but the tables tells of.
const SHOP: &str = "
    INSERT INTO config.stores (store_id, name, time_zone, opening_hours)
    VALUES ('S1', 'First', 'Europe/Rome',
            '[{\"weekday\": \"mon\", \"open\": \"08:00\", \"close\": \"20:00\"}]');
    INSERT INTO config.suppliers (store_id, supplier_id, name, cutoffs, deliveries, lead_minutes)
    VALUES ('S1', 'SUP', 'Supplier', '[{\"weekday\": \"tue\", \"time\": \"12:00\"}]',
            '[{\"weekday\": \"thu\", \"time\": \"08:00\"}]', 60);
    INSERT INTO config.products
        (store_id, shelf_id, name, item_category, item_subcategory, price, item_weight, supplier_id)
    VALUES ('S1', 'MILK', 'Milk', 'DAIRY', 'Fresh', 1.29, 1000, 'SUP');
    INSERT INTO config.shelf_profiles (store_id, shelf_id, item_weight, capacity_units)
    VALUES ('S1', 'MILK', 1030.000, 40);
    INSERT INTO config.batch_catalog (store_id, batch_code, shelf_id, standard_batch_size)
    VALUES ('S1', 'L1', 'MILK', 6), ('S1', 'L2', 'MILK', 12);
    INSERT INTO config.shelf_policies (policy_id, threshold_pct, min_qty)
    VALUES ('everywhere', 30, 1);
    INSERT INTO config.wh_policies (policy_id, store_id, shelf_id, reorder_point_qty)
    VALUES ('milk', 'S1', 'MILK', 24);";

struct Shop {
    folder: Folder,
    log: WrittenLog,
    options: ConfigOptions,
    link: Option<LinkThread>,
    client: postgres::Client,
}

impl Shop {
    fn open(dir: &tempfile::TempDir, server: &PostgresServer) -> Self {
        Self::at(Folder::at(dir.path().join("data")), server)
    }

    fn at(folder: Folder, server: &PostgresServer) -> Self {
        let log = WrittenLog::open(&folder);
        let options = ConfigOptions::new(Postgres::parse(&server.url()).unwrap());
        let mut shop = Self { folder, log, options, link: None, client: session(&server.url()) };
        shop.run();
        shop
    }

    fn run(&mut self) {
        let link = start_config(&self.folder, self.options.clone(), self.log.clone()).unwrap();
        self.link = Some(link);
        let client = &mut self.client;
        wait_until("the schemas", || {
            let there =
                "SELECT count(*) FROM information_schema.tables WHERE table_name = 'followed'";
            number(client, there) == 1
        });
    }

    fn stop(&mut self) {
        assert!(self.link.take().unwrap().stop());
    }

    fn view(&self) -> shelf_links::LinkView {
        self.link.as_ref().unwrap().status().view()
    }

    fn set(&mut self, statement: &str) {
        self.client.batch_execute(statement).unwrap();
    }

    fn accepted(&self) -> u64 {
        state(&self.folder).counts().accepted
    }

    /// Where the floor of the milk asks for a refill, by a policy.
    fn threshold(&self, policy: &str) -> Option<(bool, Option<BasisPoints>)> {
        let reader = state(&self.folder);
        let stores = reader.stores();
        let store = stores.first()?;
        let found = store.policies().iter().find(|own| own.policy.as_str() == policy)?;
        Some((found.active, found.refill_below))
    }

    /// The stores in which a policy counts.
    fn active(&self, policy: &str) -> String {
        let reader = state(&self.folder);
        let stores = reader.stores().into_iter().filter(|store| {
            store.policies().iter().any(|own| own.policy.as_str() == policy && own.active)
        });
        let mut stores: Vec<String> = stores.map(|store| store.id().to_string()).collect();
        stores.sort();
        stores.join(" ")
    }

    fn milk(&self) -> Option<Product> {
        let reader = state(&self.folder);
        let stores = reader.stores();
        let store = stores.first()?;
        store.product(store.sku(Sku::cut("MILK"))?).cloned()
    }
}

#[test]
fn a_shop_is_what_its_tables_say() {
    let (dir, server) = (tempfile::tempdir().unwrap(), PostgresServer::start());
    let mut shop = Shop::open(&dir, &server);
    shop.set(SHOP);
    wait_until("the policies", || shop.threshold("milk").is_some());
    let milk = shop.milk().unwrap();
    // Its own row, its profile, and the pack of the lot that was set last.
    assert_eq!((milk.price_cents, milk.unit_weight_g, milk.pack_units), (129, 1_030, 12));
    assert_eq!(shop.threshold("everywhere"), Some((true, Some(BasisPoints::percent(30)))));
    let reader = state(&shop.folder);
    let store = reader.stores()[0];
    assert_eq!(store.settings().opening.len(), 7);
    assert!(!store.settings().clock.offsets.is_empty());
    assert_eq!(store.suppliers().count(), 1);
    let shelf = store.shelf(store.sku(Sku::cut("MILK")).unwrap()).unwrap();
    assert_eq!(shelf.capacity_units, 40);
    assert_eq!(reader.counts().quarantined.total(), 0);
    // A part of a product that the tables do not have is laid over what is known of it.
    shop.set("DELETE FROM config.products");
    shop.set("UPDATE config.shelf_profiles SET item_weight = 1031");
    wait_until("the weight", || shop.milk().unwrap().unit_weight_g == 1_031);
    assert_eq!(shop.milk().unwrap().price_cents, 129);
    // A store that comes later gets what holds for all.
    shop.set("INSERT INTO config.stores (store_id, name) VALUES ('S2', 'Second')");
    wait_until("its policy", || {
        let reader = state(&shop.folder);
        let second = reader.stores().into_iter().find(|store| store.id() == StoreId::cut("S2"));
        second.is_some_and(|store| store.policies().len() == 1)
    });
    shop.stop();
}

#[test]
fn a_policy_ends_where_its_row_holds_no_longer() {
    let (dir, server) = (tempfile::tempdir().unwrap(), PostgresServer::start());
    let mut shop = Shop::open(&dir, &server);
    shop.set(SHOP);
    shop.set("INSERT INTO config.stores (store_id, name) VALUES ('S2', 'Second')");
    wait_until("both", || shop.active("everywhere") == "S1 S2" && shop.active("milk") == "S1");
    // Another store's, everybody's, and other stores' again.
    let mut is = |statement: &str, policy: &str, stores: &str| {
        shop.set(statement);
        wait_until(statement, || shop.active(policy) == stores);
    };
    is("UPDATE config.wh_policies SET store_id = 'S2'", "milk", "S2");
    is("UPDATE config.shelf_policies SET store_id = 'S1'", "everywhere", "S1");
    is("UPDATE config.shelf_policies SET store_id = 'S2'", "everywhere", "S2");
    is("UPDATE config.shelf_policies SET store_id = NULL", "everywhere", "S1 S2");
    // Under another id it is another one.
    is("UPDATE config.shelf_policies SET policy_id = 'new'", "new", "S1 S2");
    is("SELECT", "everywhere", "");
    is("UPDATE config.shelf_policies SET policy_id = 'everywhere'", "everywhere", "S1 S2");
    is("SELECT", "new", "");
    // A row for one store leaves the others told of the end.
    is(
        "DELETE FROM config.shelf_policies; INSERT INTO config.shelf_policies
        (policy_id, store_id, min_qty) VALUES ('everywhere', 'S1', 2)",
        "everywhere",
        "S1",
    );
    is("TRUNCATE config.shelf_policies, config.wh_policies", "everywhere", "");
    is("SELECT", "milk", "");
    shop.stop();
    // Who reads all of it again comes to the same.
    shop.set("INSERT INTO config.shelf_policies (policy_id, min_qty) VALUES ('everywhere', 3)");
    shop.set("UPDATE config.shelf_policies SET store_id = 'S2'");
    shop.set("UPDATE config.followed SET revision = 0");
    shop.run();
    wait_until("all again", || shop.active("everywhere") == "S2" && shop.active("milk").is_empty());
    shop.stop();
}

#[test]
fn a_changed_row_is_an_event_within_a_second_and_only_once() {
    let (dir, server) = (tempfile::tempdir().unwrap(), PostgresServer::start());
    let mut shop = Shop::open(&dir, &server);
    shop.set(SHOP);
    wait_until("the policies", || shop.threshold("milk").is_some());
    // There and back again: the same content at another time is another change.
    for percent in [40, 30, 40, 55] {
        let before = shop.accepted();
        shop.set(&format!("UPDATE config.shelf_policies SET threshold_pct = {percent}"));
        let wanted = Some((true, Some(BasisPoints::percent(percent))));
        let took = wait_until("the policy", || shop.threshold("everywhere") == wanted);
        assert!(took < Duration::from_secs(1), "{took:?}");
        assert_eq!(shop.accepted(), before + 1, "one event for one change");
    }
    let before = shop.accepted();
    // Nothing of it changes.
    shop.set("UPDATE config.shelf_policies SET threshold_pct = 55");
    shop.set("DELETE FROM config.shelf_policies");
    wait_until("the removal", || shop.threshold("everywhere").is_some_and(|(active, _)| !active));
    assert_eq!(shop.accepted(), before + 1);
    // Notes were lost, as they are where the process ends before it has written them.
    shop.stop();
    shop.set("UPDATE config.followed SET revision = 0");
    shop.run();
    wait_until("all again", || shop.view().known >= 5);
    std::thread::sleep(Duration::from_millis(100));
    let view = shop.view();
    assert_eq!(view.known, view.events, "{view:?}");
    assert_eq!(shop.accepted(), before + 1);
    shop.stop();
}

#[test]
fn each_chain_takes_every_row_once() {
    let (dir, server) = (tempfile::tempdir().unwrap(), PostgresServer::start());
    let mut shop = Shop::open(&dir, &server);
    shop.set(SHOP);
    wait_until("the policies", || shop.threshold("milk").is_some());
    shop.stop();
    // A new folder has nothing of what the other one has noted.
    let mut new = Shop::at(Folder::at(dir.path().join("new")), &server);
    wait_until("the policies of the new one", || new.threshold("milk").is_some());
    assert_eq!(new.milk(), shop.milk());
    new.set("UPDATE config.shelf_policies SET threshold_pct = 45");
    let wanted = Some((true, Some(BasisPoints::percent(45))));
    wait_until("the change", || new.threshold("everywhere") == wanted);
    new.stop();
    // And the other one goes on where it stopped, whatever the new one has noted.
    let before = shop.accepted();
    shop.run();
    wait_until("the same change", || shop.view().events > 0);
    assert_eq!((shop.view().events, shop.view().known), (1, 0));
    assert_eq!((shop.accepted(), shop.threshold("everywhere")), (before + 1, wanted));
    shop.stop();
    // What was noted before chains had names is of the first folder that comes.
    shop.set(
        "DELETE FROM config.followed WHERE chain <> (SELECT min(chain) FROM config.followed); \
         UPDATE config.followed SET chain = '', log_ends = '{}'",
    );
    let (options, on_kafka) = (&shop.options, Some("kafka:cluster/shop.log_events"));
    let opened =
        ConfigFollower::open(&options.postgres, &options.follower, on_kafka, &[0, 0], read_event);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    drop(runtime.block_on(opened).unwrap());
    let left = "SELECT count(*) FROM config.followed WHERE chain = ''";
    assert_eq!(number(&mut shop.client, left), 1, "a chain on Kafka takes none of a folder");
    shop.run();
    shop.set("UPDATE config.shelf_policies SET threshold_pct = 46");
    wait_until("the next change", || shop.view().events > 0);
    assert_eq!((shop.view().events, shop.view().known), (1, 0));
    shop.stop();
}

#[test]
fn a_link_that_is_far_behind_ends_when_it_is_to() {
    let (dir, server) = (tempfile::tempdir().unwrap(), PostgresServer::start());
    let folder = Folder::at(dir.path().join("data"));
    simulated(&folder, 1);
    let options = ConfigOptions::new(Postgres::parse(&server.url()).unwrap());
    let mut link = ConfigLink::open(&folder, &options).unwrap();
    simulated(&folder, 54);
    let mut unused = WrittenLog::open(&Folder::at(dir.path().join("unused")));
    let status = LinkStatus::new("config");
    link.follow(&mut unused, || true, &status).unwrap();
    assert_eq!(status.view().state, LinkState::Connecting, "there is more than it has stepped");
    wait_until("the end of the log", || {
        link.follow(&mut unused, || true, &status).unwrap();
        status.view().state == LinkState::Following
    });
}

#[test]
fn a_log_that_was_put_back_from_an_older_copy_gets_what_came_after_it() {
    let (dir, server) = (tempfile::tempdir().unwrap(), PostgresServer::start());
    let mut shop = Shop::open(&dir, &server);
    shop.set(SHOP);
    wait_until("the policies", || shop.threshold("milk").is_some());
    shop.stop();
    let older = Folder::at(dir.path().join("older"));
    let copied = Command::new("cp").arg("-r").args([shop.folder.root(), older.root()]).status();
    assert!(copied.unwrap().success());
    shop.run();
    shop.set("UPDATE config.shelf_policies SET threshold_pct = 61");
    let wanted = Some((true, Some(BasisPoints::percent(61))));
    wait_until("the change", || shop.view().events > 0);
    assert_eq!((shop.view().events, shop.view().known), (1, 0), "nothing else is read again");
    shop.stop();
    let mut put_back = Shop::at(older, &server);
    wait_until("all rows again", || put_back.view().events > 0);
    let view = put_back.view();
    assert_eq!(put_back.threshold("everywhere"), wanted);
    assert_eq!((view.events - view.known, view.quarantined), (1, 0), "{view:?}");
    assert_eq!(put_back.accepted(), shop.accepted());
    put_back.stop();
}

#[test]
fn neither_a_lost_server_nor_a_full_disk_loses_a_change() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = PostgresServer::start();
    let mut shop = Shop::open(&dir, &server);
    shop.set(SHOP);
    wait_until("the policies", || shop.threshold("milk").is_some());
    *shop.log.broken.lock().unwrap() = true;
    shop.set("UPDATE config.shelf_policies SET threshold_pct = 61");
    let link = shop.link.as_ref().unwrap();
    let failure = seen("a failure", link, |view| view.failure.is_some()).failure.unwrap();
    assert_eq!(failure.code, "mirror_log");
    assert!(failure.message.contains("the disk is full"), "{failure:?}");
    *shop.log.broken.lock().unwrap() = false;
    let is = |shop: &Shop, percent| {
        shop.threshold("everywhere") == Some((true, Some(BasisPoints::percent(percent))))
    };
    wait_until("the change", || is(&shop, 61));
    server.crash();
    wait_until("a lost connection", || shop.view().failure.is_some());
    server.run();
    shop.client = session(&server.url());
    shop.set("UPDATE config.shelf_policies SET threshold_pct = 62");
    wait_until("the next change", || is(&shop, 62));
    shop.stop();
}

#[test]
fn a_row_that_is_no_event_is_kept_in_quarantine() {
    let (dir, server) = (tempfile::tempdir().unwrap(), PostgresServer::start());
    let mut shop = Shop::open(&dir, &server);
    shop.set(SHOP);
    wait_until("the policies", || shop.threshold("milk").is_some());
    shop.set("UPDATE config.products SET name = repeat('x', 500)");
    wait_until("the first", || shop.view().quarantined == 1);
    shop.set("INSERT INTO config.shelf_profiles (shelf_id, item_weight) VALUES ('NOWHERE', 5)");
    wait_until("the second", || shop.view().quarantined == 2);
    shop.set("UPDATE config.shelf_policies SET threshold_pct = 250");
    wait_until("the third", || shop.view().quarantined == 3);
    // What comes behind it is not held up.
    shop.set("UPDATE config.shelf_policies SET threshold_pct = 25");
    wait_until("the rest", || {
        shop.threshold("everywhere") == Some((true, Some(BasisPoints::percent(25))))
    });
    shop.stop();
}
