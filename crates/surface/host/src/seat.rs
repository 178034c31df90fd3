//! A simulated store in lock-step with the core, and how it comes back after a crash.
//!
//! A town makes the messages of one tick at a time. Before it makes those of the next it is told
//! what the core did with everything up to and including the tick's last message, its clock. What
//! others put into the log after that clock is told after the next one. So the messages follow from
//! the order of the log alone: after a crash the town makes them again, those that are in the log
//! already are recognised by their ids, and the others are appended.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use shelf_domain::{Body, Effect, Event, EventId, Origin, SourceId, StoreId, Timestamp};
use shelf_engine::Stepped;
use shelf_events::{Defaults, parse_event, rejected_event};
use shelf_simulator::{Message, StoreTown, TICK_US, TownOptions, Truth};

/// A town and what stands between it and the log.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Seat {
    town: StoreTown,
    /// What the core did, in the order of the log.
    inbox: Vec<Effect>,
    /// How much of the inbox the town is told before its next tick.
    due: usize,
    /// Messages of the present tick that are not in the log yet.
    #[serde(skip)]
    queue: VecDeque<Event>,
    /// The id of the tick's clock.
    #[serde(skip)]
    clock: Option<EventId>,
    #[serde(skip)]
    messages: Vec<Message>,
    /// Where its messages come from: the folder has the number, whatever the seat was made from.
    #[serde(skip)]
    source: SourceId,
}

impl Seat {
    pub(crate) fn new(options: &TownOptions, index: u32) -> Self {
        Self {
            town: StoreTown::new(options, index),
            inbox: Vec::new(),
            due: 0,
            queue: VecDeque::new(),
            clock: None,
            messages: Vec::new(),
            source: SourceId::default(),
        }
    }

    /// The seat whose messages come from this source.
    pub(crate) fn with_source(self, source: SourceId) -> Self {
        Self { source, ..self }
    }

    pub(crate) fn store(&self) -> StoreId {
        self.town.store()
    }

    /// The end of the last tick that was made.
    pub(crate) fn now(&self) -> Timestamp {
        self.town.now()
    }

    pub(crate) fn truth(&self) -> &Truth {
        self.town.truth()
    }

    /// Whether there is something left of the present tick, and it begins before `until`.
    pub(crate) fn due_by(&self, until: Timestamp) -> bool {
        !self.settled() && self.now().plus(-TICK_US) < until
    }

    /// Whether all messages of the present tick are in the log: only then may it be saved.
    pub(crate) fn settled(&self) -> bool {
        self.queue.is_empty()
    }

    /// Makes the messages of the next tick, where those of the present one are all in the log.
    pub(crate) fn make_tick(&mut self) {
        if !self.queue.is_empty() {
            return;
        }
        for effect in self.inbox.drain(..self.due) {
            self.town.observe(&effect);
        }
        self.due = 0;
        let mut line_no = damaged(self.town.truth());
        self.town.tick(&mut self.messages);
        let store = self.town.store();
        let defaults = Defaults { store: Some(store), received_at: self.town.now() };
        let origin = Origin { source: self.source, line: 0 };
        for message in self.messages.drain(..) {
            let event = match message {
                Message::Event(event) => event,
                Message::Line(line) => {
                    // Lines may be cut to the same few bytes: store and number keep them apart.
                    line_no += 1;
                    parse_event(&line, &defaults).unwrap_or_else(|error| {
                        rejected_event(&error, &line, store.as_str(), line_no, &defaults)
                    })
                }
            };
            self.queue.push_back(Event { origin, ..event });
        }
        let clock = self.queue.back().filter(|event| event.body == Body::Clock);
        self.clock = clock.map(|event| event.id);
    }

    /// The next message, where it reaches the log by `until`.
    pub(crate) fn next_by(&mut self, until: Timestamp) -> Option<Event> {
        let reached = self.queue.front()?.received_at <= until;
        if reached { self.queue.pop_front() } else { None }
    }

    /// A record of this store was read back from the log: the town has made it before, or somebody
    /// else.
    pub(crate) fn replayed(&mut self, id: EventId) {
        self.make_tick();
        if self.queue.front().is_some_and(|event| event.id == id) {
            self.queue.pop_front();
        }
    }

    /// An event of this store was stepped.
    pub(crate) fn stepped(&mut self, stepped: Stepped<'_>) {
        // People in a town look at no windows.
        let told = stepped.effects.items.iter();
        let told = told.filter(|effect| !matches!(effect, Effect::Duplicate | Effect::Window(_)));
        self.inbox.extend(told.cloned());
        if Some(stepped.event.id) == self.clock {
            self.due = self.inbox.len();
        }
    }
}

/// How many lines of a town have been damaged on their way.
fn damaged(truth: &Truth) -> u64 {
    truth.faults.malformed + truth.faults.truncated
}
