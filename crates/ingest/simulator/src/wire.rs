//! The wire between the devices and the log: messages come twice, late, in another order, damaged,
//! cut.

use core::cmp::Ordering;
use std::collections::BinaryHeap;

use serde::{Deserialize, Serialize};
use shelf_domain::{Body, Event, HOUR, MINUTE, SECOND, Timestamp};
use shelf_events::{decode_event, encode_event, write_event};

use crate::chance::Dice;
use crate::options::Faults;
use crate::town::{Message, StoreTown};

/// How often a damaged or cut message is sent again.
const SENT_AGAIN: f64 = 0.5;
/// How often a late message is very late.
const VERY_LATE: f64 = 0.1;
/// Devices tell time in thousandths of a second.
const MILLI_US: i64 = 1_000;

/// A message under way, by the time of its arrival.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Held {
    arrives_at: Timestamp,
    number: u64,
    /// The event, in the log's binary form.
    record: Vec<u8>,
}

impl Ord for Held {
    /// The heap gives its greatest: the earliest, then the first sent.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.arrives_at, other.number).cmp(&(self.arrives_at, self.number))
    }
}

impl PartialOrd for Held {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The wire, with the messages that are under way.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Wire {
    faults: Faults,
    dice: Dice,
    held: BinaryHeap<Held>,
    sent: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Arrives,
    Twice,
    Late,
    OutOfOrder,
    Malformed,
    Truncated,
}

impl Wire {
    pub(crate) fn new(faults: Faults, dice: Dice) -> Self {
        Self { faults, dice, held: BinaryHeap::new(), sent: 0 }
    }

    fn fate(&mut self) -> Fate {
        let faults = &self.faults;
        let fates = [
            (faults.duplicate, Fate::Twice),
            (faults.late, Fate::Late),
            (faults.out_of_order, Fate::OutOfOrder),
            (faults.malformed, Fate::Malformed),
            (faults.truncated, Fate::Truncated),
        ];
        let mut point = self.dice.unit();
        for (part, fate) in fates {
            if point < part {
                return fate;
            }
            point -= part;
        }
        Fate::Arrives
    }

    /// Keeps an event until it arrives, between `least` and `most` microseconds after it was sent.
    fn hold(&mut self, mut event: Event, least: i64, most: i64) {
        self.sent += 1;
        let delay = self.dice.between(least / MILLI_US, most / MILLI_US) * MILLI_US;
        event.received_at = event.at.plus(delay);
        let mut record = Vec::new();
        encode_event(&event, &mut record);
        self.held.push(Held { arrives_at: event.received_at, number: self.sent, record });
    }

    fn arrived(&mut self, until: Timestamp) -> Option<Held> {
        if self.held.peek()?.arrives_at > until {
            return None;
        }
        self.held.pop()
    }
}

impl StoreTown {
    /// Sends an event to the log: it arrives at once, or what the faults make of it does.
    pub(crate) fn transmit(&mut self, event: Event) {
        if !self.state.options.faults.any() {
            self.out.push(Message::Event(event));
            return;
        }
        self.deliver_held(event.at);
        if !delayable(&event.body) {
            self.out.push(Message::Event(event));
            return;
        }
        let wire = &mut self.state.wire;
        let counts = &mut self.state.truth.faults;
        match wire.fate() {
            Fate::Twice => {
                counts.duplicate += 1;
                wire.hold(event.clone(), SECOND, 2 * HOUR);
                self.out.push(Message::Event(event));
            }
            Fate::Late => {
                counts.late += 1;
                let very = wire.dice.chance(VERY_LATE);
                let most = if very { 3 * HOUR } else { 8 * MINUTE };
                wire.hold(event, 10 * SECOND, most);
            }
            Fate::OutOfOrder => {
                counts.out_of_order += 1;
                wire.hold(event, SECOND / 10, 10 * SECOND);
            }
            Fate::Malformed if spoilable(&event.body) => {
                counts.malformed += 1;
                self.spoil(event, damage);
            }
            Fate::Truncated if spoilable(&event.body) => {
                counts.truncated += 1;
                self.spoil(event, cut);
            }
            Fate::Arrives | Fate::Malformed | Fate::Truncated => {
                self.out.push(Message::Event(event));
            }
        }
    }

    fn spoil(&mut self, event: Event, how: fn(&mut Vec<u8>, &mut Dice)) {
        let wire = &mut self.state.wire;
        let mut line = Vec::with_capacity(256);
        write_event(&event, &mut line);
        how(&mut line, &mut wire.dice);
        if wire.dice.chance(SENT_AGAIN) {
            self.state.truth.faults.sent_again += 1;
            wire.hold(event, 30 * SECOND, 10 * MINUTE);
        }
        self.out.push(Message::Line(line));
    }

    /// Lets what was held up until `until` arrive.
    pub(crate) fn deliver_held(&mut self, until: Timestamp) {
        while let Some(held) = self.state.wire.arrived(until) {
            if let Ok(event) = decode_event(&held.record) {
                self.out.push(Message::Event(event));
            }
        }
    }
}

/// What devices, tills and the back door report; reference data, acts of people and the clock are
/// not.
fn delayable(body: &Body) -> bool {
    spoilable(body) || matches!(body, Body::Refill(_) | Body::WarehouseOut(_) | Body::Delivery(_))
}

/// What tills and sensors report. The devices of the staff check what they send.
fn spoilable(body: &Body) -> bool {
    matches!(
        body,
        Body::Pickup(_)
            | Body::Putback(_)
            | Body::WeightChange(_)
            | Body::Entry(_)
            | Body::Exit(_)
            | Body::Session(_)
            | Body::CustomerEvent(_)
            | Body::Receipt(_)
    )
}

/// Cuts a line so that its end is missing.
fn cut(line: &mut Vec<u8>, dice: &mut Dice) {
    let most = (line.len() as u32).saturating_sub(2);
    line.truncate(1 + dice.below(most) as usize);
}

/// Damages a line so that it is no JSON any more, in one of several ways.
fn damage(line: &mut Vec<u8>, dice: &mut Dice) {
    let colon = line.iter().position(|&byte| byte == b':').unwrap_or(0);
    match dice.below(4) {
        0 => {
            line.remove(0);
        }
        1 => line.splice(colon..=colon, *b";").for_each(drop),
        2 => line.insert(colon, 0xff),
        _ => {
            let inside = dice.below(line.len() as u32) as usize;
            line.insert(inside, 0x00);
        }
    }
}
