//! A chain that is killed at any moment goes on where it was: what was acknowledged is there,
//! nothing is there twice, and the outcome is that of a run in one go.
//!
//! The test starts itself as a child that simulates towns, by turns at full speed and live, and
//! does what staff do, and kills it with SIGKILL when its files have grown by a random amount.
//! `SHELF_KILLS=n` asks for n kills,
//! `SHELF_CRASH_SEED=s` repeats the moments of a failing run as far as the machine allows.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "the helpers of tests fail like tests"
)]

#[path = "fixture/chain.rs"]
mod chain;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use chain::{End, acts, check_outputs, end_of, inputs, minute, open, options, simulate, towns};
use shelf_domain::{Effects, MINUTE, Outcome, Reason, Stores, Timestamp, WindowPlan, state_hash};
use shelf_eventlog::{LogOptions, SyncMode, verify};
use shelf_host::{ChainWriter, Folder, WriterOptions};

/// The kills of the suite.
const KILLS: u32 = 200;
/// Kills of one chain before the next one begins.
const KILLS_OF_ONE: u32 = 9;
/// What tells a child where to work.
const FOLDER: &str = "SHELF_CRASH_FOLDER";
/// Rounds of acts, and the minutes between them.
const ROUNDS: u32 = 20;
const ROUND_MINUTES: i64 = 67;
/// Minutes that the live chain of every other round passes at once.
const PACE_MINUTES: i64 = 5;
/// A child that does nothing for so long has failed.
const PATIENCE: Duration = Duration::from_mins(1);

fn crash_options() -> WriterOptions {
    let options = options(towns(6, 2));
    // As in a shop: what is acknowledged is on disk.
    let log = LogOptions { sync: SyncMode::Fsync, ..options.log };
    // Each store is told its windows as it begins, wherever a kill falls.
    let mut plan = WindowPlan::default();
    plan.windows.truncate(4);
    plan.lateness_us = MINUTE;
    WriterOptions { log, windows: Some(plan), ..options }
}

/// Goes on with the chain of a folder until its end. `told` is called with the ids of acts that are
/// durable.
fn go_on(folder: &Folder, mut told: impl FnMut(&[u128])) -> End {
    let mut chain = open(folder, &crash_options());
    for round in 1..=ROUNDS {
        let at = minute(i64::from(round) * ROUND_MINUTES);
        if chain.town_now().is_some_and(|now| now > at) {
            continue;
        }
        match round % 2 {
            0 => simulate(&mut chain, at),
            _ => pace(&mut chain, at),
        }
        let events = acts(&mut chain, round);
        chain.submit(&events).expect("acts that can be submitted");
        told(&events.iter().map(|event| event.id.0).collect::<Vec<_>>());
    }
    simulate(&mut chain, minute(i64::from(ROUNDS + 1) * ROUND_MINUTES));
    let end = end_of(&mut chain);
    chain.close().expect("a chain that closes");
    end
}

/// Goes on as a live chain does, a few minutes at a time, each durable.
fn pace(chain: &mut ChainWriter, until: Timestamp) {
    let mut now = chain.town_now().expect("a town");
    while now < until {
        now = now.plus(PACE_MINUTES * MINUTE).min(until);
        if chain.pace(now).expect("a chain that goes on") > 0 {
            chain.commit().expect("a disk with room");
        }
    }
}

/// What the child does; in the suite itself, nothing.
#[test]
fn child() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let mut out = std::io::stdout();
    go_on(&Folder::at(folder), |ids| {
        for id in ids {
            writeln!(out, "durable {id:032x}").expect("a parent that listens");
        }
        out.flush().expect("a parent that listens");
    });
}

fn start(folder: &Folder) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture", "--test-threads=1"])
        .env(FOLDER, folder.root())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a child")
}

/// The bytes of all files below a folder, as far as they can be seen while others write them.
fn bytes_below(path: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(path) else { return 0 };
    let size = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(meta) if meta.is_dir() => bytes_below(&entry.path()),
        Ok(meta) => meta.len(),
        Err(_) => 0,
    };
    entries.flatten().map(size).sum()
}

/// Random numbers that a seed repeats.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit.max(1)
    }
}

/// What became of a child, and the acts that it said were durable.
struct Killed {
    killed: bool,
    durable: Vec<u128>,
}

/// Starts a child and kills it `later` than its log has grown by `growth` bytes.
fn run_and_kill(folder: &Folder, growth: u64, later: Duration) -> Killed {
    let before = bytes_below(&folder.log());
    let mut child = start(folder);
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        assert!(begun.elapsed() < PATIENCE, "the child {} does not get on", child.id());
        if bytes_below(&folder.log()) >= before + growth {
            let reached = Instant::now();
            while reached.elapsed() < later {
                std::hint::spin_loop();
            }
            child.kill().unwrap();
            break child.wait().unwrap();
        }
        std::thread::yield_now();
    };
    let (mut said, mut wrong) = (String::new(), String::new());
    child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    child.stderr.take().unwrap().read_to_string(&mut wrong).unwrap();
    let killed = status.code().is_none();
    assert!(killed || status.success(), "the child failed: {wrong}");
    let ids = said.lines().filter_map(|line| line.strip_prefix("durable "));
    // The last line may be cut.
    let durable = ids.filter(|id| id.len() == 32).map(|id| u128::from_str_radix(id, 16).unwrap());
    Killed { killed, durable: durable.collect() }
}

/// One chain, killed some times and then run to its end. Returns how often it was killed.
fn chain_of_kills(random: &mut Random, kills: u32, whole_bytes: u64, expected: &End) -> u32 {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::at(dir.path().join("data"));
    let (mut killed, mut durable) = (0, BTreeSet::new());
    for _ in 0..kills {
        // Every fourth dies early: while it opens, makes the folder or reads the log back.
        let (growth, later_us) = match random.below(4) {
            0 => (0, 20_000),
            _ => (1 + random.below(2 * whole_bytes / u64::from(KILLS_OF_ONE)), 2_000),
        };
        let run = run_and_kill(&folder, growth, Duration::from_micros(random.below(later_us)));
        durable.extend(run.durable);
        if !run.killed {
            break;
        }
        killed += 1;
    }
    let end = go_on(&folder, |ids| durable.extend(ids.iter().copied()));
    assert_same(&end, expected, &again(&folder));
    let report = verify(folder.log(), |_| {}).expect("a log that can be read");
    assert!(report.sound(), "the log is damaged: {report:?}");
    let there: BTreeSet<u128> = inputs(&folder).iter().flatten().map(|event| event.id.0).collect();
    let lost: Vec<_> = durable.difference(&there).collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:x?}");
    check_outputs(&folder);
    killed
}

/// Acts that were durable and not yet told of are done again: they are known, or refused once
/// more. That alone may differ, in what is counted and in the state, which counts it too.
fn assert_same(end: &End, expected: &End, again: &Again) {
    let applied = |end: &End| (end.counts.accepted, end.counts.late);
    assert_eq!(applied(end), applied(expected), "what became of the events");
    for reason in Reason::ALL {
        let refused = |end: &End| end.counts.quarantined.get(reason as usize);
        let twice = again.refused.get(&reason).copied().unwrap_or(0);
        assert_eq!(refused(end) - twice, refused(expected), "refused as {}", reason.code());
    }
    assert_eq!(end.truths, expected.truths, "what happened in the towns");
    assert_eq!(end.hash, again.hash_with, "the state is that of its log");
    assert_eq!(again.hash_without, expected.hash, "the state");
    assert_eq!(end.now, expected.now, "the time");
}

/// Events that were refused before under the same id: a store keeps no id of what it refuses, so
/// that it can be sent again when its cause is gone.
struct Again {
    refused: BTreeMap<Reason, u64>,
    /// The state that a log leads to, with these events and without them.
    hash_with: u128,
    hash_without: u128,
}

fn again(folder: &Folder) -> Again {
    let (mut with, mut without) = (Vec::new(), Vec::new());
    let (mut seen, mut refused) = (BTreeSet::new(), BTreeMap::new());
    let mut effects = Effects::default();
    for events in inputs(folder) {
        let (mut all, mut first) = (Stores::default(), Stores::default());
        for event in &events {
            let outcome = all.step(event, &mut effects);
            if let Outcome::Quarantined(reason) = outcome
                && !seen.insert(event.id.0)
            {
                *refused.entry(reason).or_default() += 1;
            } else {
                first.step(event, &mut effects);
            }
            effects.items.clear();
        }
        with.push(all);
        without.push(first);
    }
    let hash = |partitions: &[Stores]| {
        let stores = partitions.iter().flat_map(Stores::iter);
        let stores: BTreeMap<_, _> = stores.map(|store| (store.id(), store)).collect();
        state_hash(stores.into_values()).expect("a state that can be hashed")
    };
    Again { refused, hash_with: hash(&with), hash_without: hash(&without) }
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().expect("a number"))
}

#[test]
fn a_killed_chain_goes_on_where_it_was() {
    if std::env::var_os(FOLDER).is_some() {
        return;
    }
    let kills = number("SHELF_KILLS").map_or(KILLS, |kills| kills as u32);
    let seed = number("SHELF_CRASH_SEED").unwrap_or(0x5eed);
    println!(
        "again: SHELF_KILLS={kills} SHELF_CRASH_SEED={seed} cargo test -p shelf-host --test crash"
    );
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::at(dir.path().join("data"));
    let expected = go_on(&folder, |_| {});
    let whole_bytes = bytes_below(&folder.log());
    check_outputs(&folder);
    let mut random = Random(seed | 1);
    let (mut killed, mut chains) = (0, 0);
    while killed < kills {
        let more = KILLS_OF_ONE.min(kills - killed);
        killed += chain_of_kills(&mut random, more, whole_bytes, &expected);
        chains += 1;
        assert!(chains < 4 + kills, "children end before they are killed");
    }
    println!("{killed} kills of {chains} chains");
}
