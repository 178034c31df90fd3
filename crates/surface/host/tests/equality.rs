//! The outcome of a simulated chain is the same however it was run: in one go or with stops, in
//! batches of any size, on any number of partitions and threads, from snapshots or from the log
//! alone.

#![expect(clippy::unwrap_used, reason = "the helpers of tests fail like tests")]

#[path = "fixture/chain.rs"]
mod chain;

use chain::{
    acts, check_outputs, end_of, inputs, minute, open, options, simulate, straight, towns,
};
use shelf_eventlog::LogOptions;
use shelf_host::{ChainReader, ChainWriter, Folder, Follow, WriterOptions};

const HOUR: i64 = 60;
const DAY: i64 = 24 * HOUR;

#[test]
fn batches_of_any_size_come_to_the_same() {
    let options = options(towns(1, 1));
    let until = minute(30 * HOUR);
    let expected = straight(&options, until);
    assert!(expected.counts.duplicates > 0 && expected.counts.late > 0, "{:?}", expected.counts);
    for batch_events in [1, 7, 4_096] {
        let options = WriterOptions { batch_events, ..options.clone() };
        assert_eq!(straight(&options, until), expected, "batches of {batch_events}");
    }
}

#[test]
fn any_number_of_partitions_and_threads_comes_to_the_same() {
    let options = options(towns(2, 3));
    let until = minute(16 * HOUR);
    let expected = straight(&options, until);
    assert_eq!(expected.truths.len(), 3, "three stores");
    for (partitions, threads) in [(1, 1), (4, 1), (16, 1), (16, 2), (2, 2)] {
        let log = LogOptions { partitions, ..options.log };
        let options = WriterOptions { log, threads, ..options.clone() };
        let end = straight(&options, until);
        assert_eq!(end, expected, "{partitions} partitions, {threads} threads");
    }
}

#[test]
fn snapshots_and_the_rest_of_the_log_come_to_what_the_whole_log_does() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::at(dir.path().join("data"));
    let mut seldom = options(towns(3, 2));
    seldom.engine.snapshot_events = u64::MAX;
    let until = minute(30 * HOUR);
    let expected = straight(&seldom, until);

    let mut often = seldom.clone();
    often.engine.snapshot_events = 1_500;
    let mut chain = open(&folder, &often);
    // No stop on the way that would save a state, and none at the end: pacing leaves both out.
    let odd = until.plus(-1);
    chain.pace(odd).unwrap();
    chain.commit().unwrap();
    let positions = chain.positions().unwrap();
    assert!(
        positions.iter().any(|(_, position, saved)| *saved > 0 && saved < position),
        "snapshots before the end: {positions:?}"
    );
    let hash = chain.state_hash().unwrap();
    drop(chain);
    for follow in [Follow::FromSnapshot, Follow::FromStart] {
        let reader = ChainReader::open(&folder, follow).unwrap();
        assert_eq!(reader.state_hash().unwrap(), hash, "{follow:?}");
    }
    let mut chain = open(&folder, &often);
    assert!(chain.recovery().replayed > 0, "there is a rest of the log");
    simulate(&mut chain, until);
    assert_eq!(end_of(&mut chain), expected, "from snapshots and the rest");
    chain.close().unwrap();
    std::fs::remove_dir_all(folder.snapshots()).unwrap();
    let mut chain = open(&folder, &often);
    assert_eq!(chain.recovery().replayed, expected.counts.stepped, "the whole log");
    assert_eq!(end_of(&mut chain), expected, "from the log alone");
    drop(chain);
    check_outputs(&folder);
}

#[test]
fn a_chain_that_rests_every_night_comes_to_the_same() {
    let options = options(towns(4, 2));
    let days = 3;
    let expected = straight(&options, minute(days * DAY));
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::at(dir.path().join("data"));
    for day in 1..=days {
        let mut chain = open(&folder, &options);
        simulate(&mut chain, minute(day * DAY));
        chain.close().unwrap();
    }
    let mut chain = open(&folder, &options);
    assert_eq!(chain.recovery().replayed, 0, "a graceful stop leaves nothing to replay");
    assert_eq!(end_of(&mut chain), expected);
    drop(chain);
    check_outputs(&folder);
}

/// How a run goes on after each round of acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Between {
    /// At once.
    Nothing,
    /// Stopped gracefully and opened again.
    Closed,
    /// Left as it was, without a word, and opened again.
    Dropped,
}

/// Towns and staff in turn: every 97 minutes, in the middle of a minute, something is done.
fn with_acts(
    folder: &Folder,
    options: &WriterOptions,
    between: impl Fn(u32) -> Between,
) -> chain::End {
    let mut chain = open(folder, options);
    for round in 1..=24 {
        let at = minute(i64::from(round) * 97);
        if round % 3 == 0 {
            simulate(&mut chain, at);
        } else {
            chain.pace(at.plus(i64::from(round) * 1_234_567)).unwrap();
        }
        let events = acts(&mut chain, round);
        let outcomes = chain.submit(&events).unwrap().outcomes;
        assert_eq!(outcomes.len(), events.len(), "an outcome for each act");
        chain = go_on(chain, folder, options, between(round));
        if round % 3 == 0 {
            let there = chain.state_hash().unwrap();
            simulate(&mut chain, at);
            assert_eq!(chain.state_hash().unwrap(), there, "round {round}: it was there already");
        }
    }
    simulate(&mut chain, minute(25 * 97));
    let end = end_of(&mut chain);
    chain.close().unwrap();
    end
}

fn go_on(
    chain: ChainWriter,
    folder: &Folder,
    options: &WriterOptions,
    between: Between,
) -> ChainWriter {
    match between {
        Between::Nothing => return chain,
        Between::Closed => chain.close().unwrap(),
        Between::Dropped => drop(chain),
    }
    open(folder, options)
}

#[test]
fn acts_between_the_messages_of_the_towns_are_taken_up_again_where_they_were() {
    let options = options(towns(5, 2));
    let dir = tempfile::tempdir().unwrap();
    let folder = |name: &str| Folder::at(dir.path().join(name));
    let expected = with_acts(&folder("straight"), &options, |_| Between::Nothing);
    let staff = |event: &&shelf_domain::Event| {
        matches!(event.body, shelf_domain::Body::AlertAct(_)) && event.id.0 >> 116 == 0xac7
    };
    let log = inputs(&folder("straight"));
    assert!(log.iter().flatten().filter(staff).count() > 24, "the staff did something");
    for (name, between) in [
        ("closed", (|_| Between::Closed) as fn(u32) -> Between),
        ("dropped", |_| Between::Dropped),
        ("mixed", |round| match round % 4 {
            0 => Between::Nothing,
            1 => Between::Closed,
            _ => Between::Dropped,
        }),
    ] {
        let folder = folder(name);
        assert_eq!(with_acts(&folder, &options, between), expected, "{name}");
        assert!(inputs(&folder) == log, "{name}: another log");
        check_outputs(&folder);
        let reader = ChainReader::open(&folder, Follow::FromStart).unwrap();
        assert_eq!(reader.state_hash().unwrap(), expected.hash, "{name}, replayed");
        std::fs::remove_dir_all(folder.snapshots()).unwrap();
        assert_eq!(end_of(&mut open(&folder, &options)), expected, "{name}, without snapshots");
    }
}
