//! The text form of a story: one line for each event of a shop, read into the events themselves.
//!
//! ```text
//! # Before everything, where needed: the date (2026-01-01 without it) and how the store runs.
//! day 2026-03-28
//! store clock +1h then +2h from 2026-03-29 01:00 open 07:00 to 22:00
//! product MILK shelf 20 warehouse 60 life 8d price 1.99 weight 1000g sensor weight category Dairy
//! policy FRESH for shelf MILK picking first-received removal same-day-evening travel 90s
//! policy WARM refill-below 30% target 80% hysteresis 5% min 2 reorder 10 cover 1d near-floor 5d
//! policy COLD near-warehouse 10d cooldown 60min delay 60s rounding nearest markdown 0d 50% 1d 40%
//! supplier FARM cutoffs sun 12:00 tue 12:00 deliveries mon 08:00 lead 20h minimum 50.00
//! promotion MILK 10% from 2026-01-05 to 2026-01-11
//! stock MILK lot L1 expires 2026-01-05 received 2025-12-28 floor 10 warehouse 12
//! 08:00 c1 enters                          # `enters until 08:30`: the exit is known
//! 08:00 c1 picks 3 MILK                    # `somebody picks`: the sensor does not know who
//! 08:01 c1 puts back 1 MILK
//! 08:01:30 shelf MILK weighs -1000g by c1  # or without `by`
//! 08:05 c1 pays 3 MILK at 1.99 lot L1, 1 BREAD at 0.99
//! 08:20 c1 leaves
//! 08:30 c1 returns 1 MILK at 1.99 lot L1
//! 09:00 delivery 24 MILK lot L2 expires 2026-01-09 received 2026-01-01
//! 09:10 wh_out 10 MILK lot L2
//! 09:15 refill 10 MILK lot L2
//! 09:20 remove 2 MILK from floor lot L1    # or `from warehouse`
//! 09:30 count 7 MILK on floor              # or `in warehouse`
//! 09:30 price MILK 2.49                   # a new list price
//! 09:35 Ann acknowledges A-1               # `assigns A-1 to Bob`, `snoozes A-1 until 10:00`,
//! 09:35 Ann resolves A-1                   # `dismisses A-1`; words may follow as a note
//! 09:35 Ann undoes A-1                     # takes the last act on it back
//! 09:36 Ann approves O-1                   # `changes O-1 MILK to 12`
//! 09:37 Ann asks for MILK                  # a refill of the shelf now
//! 09:38 Ann cancels T-1                    # or `O-1`
//! 09:40 transfer 5 MILK to S002 lot L2
//! 09:50 clock                              # the time comes, nothing else
//! again                                    # the last event once more, with its id
//! next day                                 # local midnight comes
//! 2026-01-01 23:50 c1 leaves               # with its date: an event that arrives late
//! ```
//!
//! `product .. supplier FARM cost 0.50 daily 12`, `store .. timed by-person`, `wh_out .. for T-1`,
//! `refill .. for T-1` and `delivery .. for O-1` say what they are for.
//!
//! Events arrive in the order of their lines. `warehouse`, `floor`, `expires`, `received`, `lot`
//! and whatever else follows a product, stock or policy may stand in any order or be left out.

mod acts;
mod lines;
mod words;

use std::fmt;

use expect_test::Expect;
use shelf_domain::Event;

use crate::builders::Shop;
use crate::model::{Model, check_conservation};
use words::Words;

/// A line that is not understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScenarioError {
    /// Its number, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub message: String,
}

impl fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)
    }
}

impl std::error::Error for ScenarioError {}

/// The events that `story` tells, of the store `S001`.
pub fn parse(story: &str) -> Result<Vec<Event>, ScenarioError> {
    let mut shop = Shop::new("S001");
    for (index, line) in story.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default();
        let mut words = Words::new(line);
        if !words.done() {
            lines::line(&mut shop, &mut words)
                .and_then(|()| words.end())
                .map_err(|message| ScenarioError { line: index + 1, message })?;
        }
    }
    Ok(shop.events())
}

/// What the model makes of `story`, checked after each event for what must always hold. The core
/// must make the same of it.
#[track_caller]
pub fn run_model(story: &str) -> Model {
    let events = parse(story).unwrap_or_else(|error| panic!("{error}"));
    crate::both::Both::of(&events);
    let mut model = Model::new();
    for event in &events {
        model.apply(event);
        if let Err(broken) = check_conservation(&model) {
            panic!("after {event:?}: {broken}");
        }
    }
    model
}

/// The picture of the model's stock that tests compare.
pub fn render_model(model: &Model) -> String {
    model.summary().to_string()
}

/// Whether the model makes of `story` what is expected.
#[allow(clippy::needless_pass_by_value)] // So that a test can say `expect![..]` without more.
#[track_caller]
pub fn check_model(story: &str, expected: Expect) {
    expected.assert_eq(&render_model(&run_model(story)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_error(story: &str, expected: &str) {
        assert_eq!(parse(story).unwrap_err().to_string(), expected);
    }

    #[test]
    fn every_line_of_the_description_is_understood() {
        let header = include_str!("scenario.rs").lines().filter_map(|l| l.strip_prefix("//! "));
        let story = header.skip_while(|line| *line != "```text").skip(1);
        let story: Vec<&str> = story.take_while(|line| *line != "```").collect();
        let events = parse(&story.join("\n")).unwrap();
        let told = story.iter().filter(|line| !line.starts_with('#')).count();
        // `day` is no event, `product` is two, and the shop is told to be calm.
        assert_eq!(events.len(), told + 1);
    }

    #[test]
    fn what_is_not_understood_is_said_with_its_line() {
        check_error("\nproduct MILK\n08:00 c1 steals 1 MILK", "line 3: unknown deed `steals`");
        check_error("08:00 c1 picks some MILK", "line 1: `some` is no number of units");
        check_error("08:00 c1 picks 1", "line 1: the sku is missing");
        check_error("stock MILK lot L1 expires soon", "line 1: `soon` is no date");
        check_error("25:00 c1 leaves", "line 1: `25:00` begins no line");
        check_error("08:00 c1 leaves early", "line 1: nothing should follow before `early`");
        check_error("product MILK colour blue", "line 1: unknown part `colour`");
    }

    #[test]
    fn times_are_local_and_late_events_are_received_late() {
        let events = parse(
            "store clock +1h\nproduct MILK\n08:00 c1 enters\nnext day\n2026-01-01 23:00 c1 leaves",
        )
        .unwrap();
        let hours = |text: &str| (crate::builders::parse_date(text).unwrap().0 as i64) * 24;
        let hour = |at: shelf_domain::Timestamp| at.0 / shelf_domain::HOUR;
        assert_eq!(hour(events[4].at), hours("2026-01-01") + 7);
        assert_eq!(hour(events[6].at), hours("2026-01-01") + 22);
        assert_eq!(hour(events[6].received_at), hours("2026-01-01") + 23);
    }
}
