//! A chain that runs at the pace of a clock comes to what one at full speed does, and saves its
//! states on the way.

#![expect(clippy::unwrap_used, reason = "the helpers of tests fail like tests")]

#[path = "fixture/chain.rs"]
mod chain;

use chain::{End, check_outputs, end_of, minute, open, options, simulate, straight, towns};
use shelf_domain::{SECOND, Stores, Timestamp};
use shelf_engine::Options;
use shelf_host::{ChainReader, Folder, Follow, Stage, WriterOptions};

/// Paces a new chain in steps until `until`, which the last step may not reach by itself.
fn paced(options: &WriterOptions, step_us: i64, until: Timestamp) -> End {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::at(dir.path().join("data"));
    let mut chain = open(&folder, options);
    let mut now = minute(0);
    let mut sent = 0;
    while now < until {
        now = now.plus(step_us).min(until);
        sent += chain.pace(now).unwrap();
    }
    chain.commit().unwrap();
    for told in chain.stages().read() {
        let measured = match told.stage {
            Stage::Core | Stage::Log => true,
            Stage::Snapshot => options.engine.snapshot_events < sent as u64,
            // Nobody brings events from outside, and nobody keeps a lake.
            Stage::Ingest | Stage::Lake => false,
        };
        assert_eq!((told.times.is_some(), told.failures), (measured, 0), "{told:?}");
    }
    let end = end_of(&mut chain);
    assert_eq!(sent as u64, end.counts.stepped, "what pacing says that it sent");
    let reader = ChainReader::open(&folder, Follow::FromStart).unwrap();
    assert_eq!(reader.state_hash().unwrap(), end.hash, "the log, replayed");
    drop(chain);
    check_outputs(&folder);
    end
}

#[test]
fn steps_of_any_length_come_to_what_full_speed_does() {
    let options = options(towns(7, 2));
    let until = minute(11 * 60 + 3);
    let expected = straight(&options, until);
    for step_s in [1, 7, 60, 3_600] {
        assert_eq!(paced(&options, step_s * SECOND, until), expected, "steps of {step_s} s");
    }
}

#[test]
fn nothing_is_sent_before_its_time() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::at(dir.path().join("data"));
    let mut chain = open(&folder, &options(towns(8, 1)));
    for second in 1..=6 * 3_600 {
        let now = minute(0).plus(second * SECOND);
        chain.pace(now).unwrap();
        let latest = chain.partitions().unwrap().into_iter().flat_map(Stores::iter);
        let latest = latest.map(shelf_domain::Store::now).max();
        assert!(latest.is_none_or(|latest| latest <= now), "{latest:?} is later than {now:?}");
    }
    assert!(chain.counts().unwrap().stepped > 5_000, "the day has begun");
}

#[test]
fn a_paced_chain_saves_its_states_and_opens_with_little_to_replay() {
    let mut options = options(towns(9, 1));
    options.engine = Options { snapshot_events: 2_000, ..options.engine };
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::at(dir.path().join("data"));
    let mut chain = open(&folder, &options);
    let until = minute(14 * 60);
    let mut now = minute(0);
    while now < until {
        now = now.plus(13 * SECOND).min(until.plus(-SECOND));
        chain.pace(now).unwrap();
        if now == until.plus(-SECOND) {
            break;
        }
    }
    chain.commit().unwrap();
    let stepped = chain.counts().unwrap().stepped;
    drop(chain);
    let mut chain = open(&folder, &options);
    let replayed = chain.recovery().replayed;
    assert!(replayed < 2_500 && stepped > 8_000, "{replayed} of {stepped} events replayed");
    chain.finish_ticks().unwrap();
    assert_eq!(chain.town_now(), Some(until), "the minute is finished");
    let end = end_of(&mut chain);
    chain.close().unwrap();
    let mut chain = open(&folder, &options);
    assert_eq!(chain.recovery().replayed, 0, "a graceful stop saves the state");
    assert_eq!(end_of(&mut chain), end);
    simulate(&mut chain, until);
    assert_eq!(end_of(&mut chain), end, "the towns are there already");
    assert_eq!(straight(&options, until), end);
}
