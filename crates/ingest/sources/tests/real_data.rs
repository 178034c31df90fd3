//! The real files of the shared data folder: every line is a sale, a return or rejected, and the
//! revenue is that of a direct sum over the file.
//!
//! A clone without that folder beside it has nothing to check; the tests then say so and pass.

#![expect(clippy::unwrap_used, reason = "the helpers of tests fail like tests")]

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

use flate2::read::GzDecoder;
use shelf_domain::{
    Body, DAY, Day, Distinct, Effect, Effects, Event, EventId, Origin, Outcome, Reason, Store,
    StoreId, Stores, Timestamp, WindowStage,
};
use shelf_events::Defaults;
use shelf_sources::{LineCounts, MappedOptions, Mapping, open};

fn shared_data(file: &str) -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/data");
    let folder = std::env::var_os("SHELF_SHARED_DATA").map_or(beside, PathBuf::from);
    let path = folder.join(file);
    if path.is_file() {
        return Some(path);
    }
    println!("skipped: there is no {}; set SHELF_SHARED_DATA to the folder", path.display());
    None
}

struct Import {
    events: Vec<Event>,
    counts: LineCounts,
    revenue_cents: i64,
}

fn import(mapping: &str, wanted: &Path) -> Import {
    let defaults = Defaults { store: None, received_at: Timestamp(1_800_000_000_000_000) };
    let mapping = Mapping::load(mapping).unwrap();
    let options = MappedOptions::new(defaults);
    let mut source = open(wanted.to_str().unwrap(), Some(mapping), options, 0).unwrap();
    let mut events = Vec::new();
    while source.next_batch(4_096, &mut events).unwrap() {}
    let counts = source.counts();
    assert_eq!(
        counts.lines,
        counts.sale_lines + counts.return_lines + counts.rejected_lines,
        "{counts:?}"
    );
    let lines = |event: &Event| match &event.body {
        Body::Receipt(receipt) => receipt.lines.iter().map(|line| line.total_cents).sum::<i64>(),
        _ => 0,
    };
    let revenue_cents = events.iter().map(lines).sum();
    Import { events, counts, revenue_cents }
}

fn ids(import: &Import) -> HashSet<EventId> {
    import.events.iter().map(|event| event.id).collect()
}

/// Steps the events through the core: nothing is quarantined but what was rejected here, and the
/// second time all are duplicates.
fn step_twice(import: &Import) {
    let (mut stores, mut fx) = (Stores::default(), Effects::default());
    for event in &import.events {
        let outcome = stores.step(event, &mut fx);
        match (&event.body, outcome) {
            (Body::Rejected(_), Outcome::Quarantined(Reason::Unreadable)) => {}
            (_, outcome) => assert_eq!(outcome, Outcome::Accepted, "{event:?}"),
        }
    }
    for event in &import.events {
        assert_eq!(stores.step(event, &mut fx), Outcome::Duplicate, "{event:?}");
    }
    let revenue: i64 = stores.iter().map(Store::revenue_cents).sum();
    assert_eq!(revenue, import.revenue_cents);
}

/// What a store took on a day: cents, receipts, customers who are known.
type Days = BTreeMap<(String, Day), (i64, u64, u64)>;

/// The days of the stores, as the one-minute windows of their receipts add up to them.
fn days_of_windows(import: &Import) -> Days {
    let (mut stores, mut fx) = (Stores::default(), Effects::default());
    let mut days: BTreeMap<(String, Day), (i64, u64, Distinct)> = BTreeMap::new();
    let mut last = BTreeMap::new();
    for event in &import.events {
        last.insert(event.store, event.at);
        stores.step(event, &mut fx);
        add_windows(&stores, event.store, &fx, &mut days);
    }
    // What is open at the end of the file ends by the time alone.
    for (store, at) in last {
        let received_at = Timestamp(1_800_000_000_000_000);
        let (id, at, origin) = (EventId(0), at.plus(DAY), Origin::default());
        stores.step(&Event { id, store, at, received_at, origin, body: Body::Clock }, &mut fx);
        add_windows(&stores, store, &fx, &mut days);
    }
    let told = |(key, (cents, receipts, crowd)): (_, (i64, u64, Distinct))| {
        assert!(crowd.exact());
        (key, (cents, receipts, crowd.count()))
    };
    days.into_iter().map(told).collect()
}

fn add_windows(
    stores: &Stores,
    store: StoreId,
    fx: &Effects,
    days: &mut BTreeMap<(String, Day), (i64, u64, Distinct)>,
) {
    for effect in &fx.items {
        let Effect::Window(window) = effect else { continue };
        if window.window.as_str() != "store_1m" || window.stage == WindowStage::Early {
            continue;
        }
        assert_eq!(window.stage, WindowStage::Final, "the events are in order of time");
        let day = stores.get(store).unwrap().settings().clock.day(window.start);
        for row in window.rows.iter().filter(|row| row.sales.transactions > 0) {
            let sums = days.entry((store.as_str().to_owned(), day)).or_default();
            sums.0 += row.sales.net_cents;
            sums.1 += u64::from(row.sales.transactions);
            sums.2.merge(&row.sales.customers);
        }
    }
}

/// The same by a direct sum: cents, the receipts and the customers by name.
#[derive(Default)]
struct DirectDays(BTreeMap<(String, Day), DirectSums>);

type DirectSums = (i64, BTreeSet<String>, BTreeSet<String>);

impl DirectDays {
    /// Adds a line; `when` begins with its local date.
    fn add(&mut self, store: &str, when: &str, cents: i64, receipt: &str, customer: &str) {
        let part = |range: std::ops::Range<usize>| when[range].parse::<u32>().unwrap();
        let day = Day::from_civil(part(0..4) as i32, part(5..7), part(8..10)).unwrap();
        let sums = self.0.entry((store.to_owned(), day)).or_default();
        sums.0 += cents;
        sums.1.insert(receipt.to_owned());
        if !customer.is_empty() {
            sums.2.insert(customer.to_owned());
        }
    }

    fn days(&self) -> Days {
        let told = self.0.iter().map(|(key, (cents, receipts, customers))| {
            (key.clone(), (*cents, receipts.len() as u64, customers.len() as u64))
        });
        told.collect()
    }
}

/// The fields of a CSV line, the slow and obvious way.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    for letter in line.trim_end().chars() {
        match letter {
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            _ => fields.last_mut().unwrap().push(letter),
        }
    }
    fields
}

/// A decimal number in millionths; what lies beyond is not there in these files, or dust.
fn millionths(text: &str) -> i64 {
    if text.contains('e') {
        return 0;
    }
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let part = format!("{part:0<6}");
    sign * (whole.parse::<i64>().unwrap() * 1_000_000 + part[..6].parse::<i64>().unwrap())
}

/// Millionths to cents, half away from zero.
fn cents(millionths: i64) -> i64 {
    (millionths.abs() + 5_000) / 10_000 * millionths.signum()
}

#[test]
fn the_uci_files_add_up() {
    let Some(archive) = shared_data("uci_online_retail/by_day_2010-12_2011-05.tar.xz") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let unpacked =
        Command::new("tar").arg("xJf").arg(&archive).arg("-C").arg(folder.path()).status();
    assert!(unpacked.unwrap().success(), "tar with xz is needed to unpack {}", archive.display());

    let (mut sales, mut returns, mut rejected, mut revenue_cents) = (0, 0, 0, 0);
    let mut direct = DirectDays::default();
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        for line in text.lines().skip(1) {
            let row = fields(line);
            let quantity: i64 = row[3].parse().unwrap();
            let price = millionths(&row[5]);
            if price <= 0 {
                rejected += 1;
                continue;
            }
            *(if quantity < 0 { &mut returns } else { &mut sales }) += 1;
            revenue_cents += cents(quantity * price);
            direct.add("UCI", &row[4], cents(quantity * price), &row[0], &row[6]);
        }
    }
    let import = import("uci", folder.path());
    let LineCounts { lines, sale_lines, return_lines, rejected_lines, .. } = import.counts;
    assert_eq!(lines, 209_029);
    assert_eq!((sale_lines, return_lines, rejected_lines), (sales, returns, rejected));
    assert_eq!(import.revenue_cents, revenue_cents);

    // In order of time; what a receipt needs is there before it; no id twice; twice the same.
    let mut last = Timestamp(0);
    let mut skus = HashSet::new();
    for event in &import.events {
        match &event.body {
            Body::Rejected(rejected) => assert_eq!(rejected.reason.as_str(), "price_not_positive"),
            body => {
                assert!(last <= event.at, "{event:?}");
                last = event.at;
                if let Body::Product(product) = body {
                    skus.insert(product.sku);
                }
                if let Body::Receipt(receipt) = body {
                    assert!(receipt.lines.iter().all(|line| skus.contains(&line.sku)));
                }
            }
        }
    }
    assert_eq!(ids(&import).len(), import.events.len());
    step_twice(&import);
    assert_eq!(days_of_windows(&import), direct.days());
    assert_eq!(ids_again("uci", folder.path()), ids(&import));
}

fn ids_again(mapping: &str, wanted: &Path) -> HashSet<EventId> {
    ids(&import(mapping, wanted))
}

#[test]
fn the_dunnhumby_file_adds_up() {
    let Some(path) = shared_data("dunnhumby/transactions_sample_100k.csv.gz") else {
        return;
    };
    let mut text = String::new();
    GzDecoder::new(std::fs::File::open(&path).unwrap()).read_to_string(&mut text).unwrap();
    let (mut sales, mut rejected, mut revenue_cents) = (0, 0, 0);
    let mut direct = DirectDays::default();
    for line in text.lines().skip(1) {
        let row = fields(line);
        if millionths(&row[4]) == 0 {
            rejected += 1;
            continue;
        }
        sales += 1;
        revenue_cents += cents(millionths(&row[5]));
        direct.add(&row[1], &row[10], cents(millionths(&row[5])), &row[2], &row[0]);
    }
    let import = import("dunnhumby", &path);
    let counts = import.counts;
    assert_eq!((counts.sale_lines, counts.return_lines), (sales, 0));
    assert_eq!((counts.lines, counts.rejected_lines), (100_000, rejected));
    assert_eq!(import.revenue_cents, revenue_cents);

    let mut stores = HashSet::new();
    let mut last = Timestamp(0);
    for event in &import.events {
        match &event.body {
            Body::Rejected(rejected) => assert_eq!(rejected.reason.as_str(), "zero_quantity"),
            Body::Store(settings) => {
                assert_eq!(settings.time_zone.as_str(), "America/New_York");
                assert!(stores.insert(event.store));
            }
            _ => {
                assert!(last <= event.at && stores.contains(&event.store));
                last = event.at;
            }
        }
    }
    assert_eq!(stores.len(), 308);
    step_twice(&import);
    assert_eq!(days_of_windows(&import), direct.days());
    assert_eq!(ids_again("dunnhumby", &path), ids(&import));
}
