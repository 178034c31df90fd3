//! One partition with the towns of its stores.

use std::collections::BTreeMap;
use std::sync::Arc;

use shelf_domain::{Body, Event, Outcome, Store, StoreId, Timestamp, WindowPlan};
use shelf_engine::{Partition, Stepped};
use shelf_eventlog::Partition as Log;

use crate::HostError;
use crate::plan_event::plan_event;
use crate::seat::Seat;
use crate::stages::{Stage, StageTimes};

/// So many ticks of one store run before those of the next one of its partition: its state and its
/// town are then in the processor's cache.
const TICKS_IN_A_ROW: usize = 60;

/// One partition with the towns of its stores, in order of store id.
#[derive(Debug)]
pub(crate) struct Shard {
    pub(crate) partition: Partition<Log>,
    seats: BTreeMap<StoreId, Seat>,
    /// Events that are submitted next; after an error, those that were not.
    pub(crate) batch: Vec<Event>,
    /// The most events that are submitted at once.
    batch_events: usize,
    /// The simulated hour of the last request to make events durable.
    synced_hour: i64,
    /// The windows that every store is to keep, where anybody says so.
    windows: Option<WindowPlan>,
    stages: Arc<StageTimes>,
}

impl Shard {
    pub(crate) fn new(
        partition: Partition<Log>,
        seats: BTreeMap<StoreId, Seat>,
        batch_events: usize,
        stages: &Arc<StageTimes>,
    ) -> Self {
        let (batch, batch_events, stages) = (Vec::new(), batch_events.max(1), Arc::clone(stages));
        Self { partition, seats, batch, batch_events, synced_hour: 0, windows: None, stages }
    }

    /// Brings stores and towns to the end of the log. Returns how many events were stepped.
    pub(crate) fn replay(&mut self) -> Result<u64, HostError> {
        let seats = &mut self.seats;
        let replayed = self.partition.replay(|stepped| {
            if let Some(seat) = seats.get_mut(&stepped.event.store) {
                seat.replayed(stepped.event.id);
                seat.stepped(stepped);
            }
        })?;
        Ok(replayed)
    }

    pub(crate) fn seats(&self) -> impl Iterator<Item = &Seat> {
        self.seats.values()
    }

    /// Runs each town some ticks towards `until`, as fast as it goes. Returns whether there was
    /// anything to do.
    pub(crate) fn tick(&mut self, until: Timestamp) -> Result<bool, HostError> {
        self.submit_batch(|_| {})?;
        let stores: Vec<StoreId> = self.seats.keys().copied().collect();
        let mut anything = false;
        for store in stores {
            for _ in 0..TICKS_IN_A_ROW {
                if !self.take_tick(store, until) {
                    break;
                }
                anything = true;
                self.submit_batch(|_| {})?;
            }
        }
        if !anything {
            return Ok(false);
        }
        let hour = self.now().0 / shelf_domain::HOUR;
        if hour != self.synced_hour {
            self.synced_hour = hour;
            self.partition.audit();
            self.partition.request_commit()?;
        }
        self.save_where_due()?;
        Ok(true)
    }

    /// Takes what is left of a town's tick, or its next one, into the batch; false where none
    /// begins before `until`.
    fn take_tick(&mut self, store: StoreId, until: Timestamp) -> bool {
        let Some(seat) = self.seats.get_mut(&store) else { return false };
        if seat.settled() && seat.now() < until {
            seat.make_tick();
        }
        // A tick that was made to read the log back may begin only at `until`.
        if seat.due_by(until) {
            while let Some(event) = seat.next_by(Timestamp::LATEST) {
                self.batch.push(event);
            }
        }
        !self.batch.is_empty()
    }

    /// Submits what the towns send by `until`, and no later. Returns how many events that were.
    pub(crate) fn pace(&mut self, until: Timestamp) -> Result<usize, HostError> {
        self.submit_batch(|_| {})?;
        for seat in self.seats.values_mut() {
            loop {
                if seat.settled() && seat.now() < until {
                    seat.make_tick();
                }
                let Some(event) = seat.next_by(until) else { break };
                // The clock ends a tick: what it leads to must be known before the next is made.
                let clock = event.body == shelf_domain::Body::Clock;
                self.batch.push(event);
                if clock {
                    break;
                }
            }
        }
        let count = self.batch.len();
        self.submit_batch(|_| {})?;
        self.save_where_due()?;
        Ok(count)
    }

    /// Submits what is left of the present tick, so that the state can be saved.
    pub(crate) fn finish_tick(&mut self) -> Result<(), HostError> {
        for seat in self.seats.values_mut() {
            while let Some(event) = seat.next_by(Timestamp::LATEST) {
                self.batch.push(event);
            }
        }
        self.submit_batch(|_| {})
    }

    /// Submits the events that wait; on an error it keeps those that are not in the log.
    pub(crate) fn submit_batch(
        &mut self,
        mut watch: impl FnMut(Stepped<'_>),
    ) -> Result<(), HostError> {
        let mut batch = std::mem::take(&mut self.batch);
        let mut count = 0;
        let submitted = self.submit(&batch, |stepped| {
            count += 1;
            watch(stepped);
        });
        batch.drain(..count);
        self.batch = batch;
        submitted
    }

    /// Has every store keep these windows from here on, those that are still to come included.
    pub(crate) fn keep_windows(&mut self, plan: &WindowPlan) -> Result<(), HostError> {
        self.windows = Some(plan.clone());
        let stores: Vec<StoreId> = self.partition.stores().iter().map(Store::id).collect();
        let before = self.partition.position();
        stores.into_iter().try_for_each(|store| self.bring_to_plan(store))?;
        if self.partition.position() > before {
            self.partition.commit()?;
        }
        Ok(())
    }

    /// Tells a store which windows to keep, where it keeps others.
    fn bring_to_plan(&mut self, store: StoreId) -> Result<(), HostError> {
        let (Some(plan), Some(store)) = (&self.windows, self.partition.stores().get(store)) else {
            return Ok(());
        };
        match plan_event(store, plan) {
            Some(event) => self.submit_plain(&[event], |_| {}),
            None => Ok(()),
        }
    }

    /// Submits events of this partition. A store that begins among them is told its windows before
    /// anything else, so that the log is the same wherever a crash cuts it.
    pub(crate) fn submit(
        &mut self,
        events: &[Event],
        mut watch: impl FnMut(Stepped<'_>),
    ) -> Result<(), HostError> {
        let mut rest = events;
        while let Some(at) = self.next_begin(rest) {
            let (begin, behind) = rest.split_at(at + 1);
            self.submit_plain(begin, &mut watch)?;
            if let Some(first) = begin.last() {
                self.bring_to_plan(first.store)?;
            }
            rest = behind;
        }
        self.submit_plain(rest, watch)
    }

    /// Where a store may begin that is to be told its windows.
    fn next_begin(&self, events: &[Event]) -> Option<usize> {
        self.windows.as_ref()?;
        let stores = self.partition.stores();
        let begins = |event: &Event| {
            matches!(event.body, Body::Store(_)) && stores.get(event.store).is_none()
        };
        events.iter().position(begins)
    }

    fn submit_plain(
        &mut self,
        events: &[Event],
        mut watch: impl FnMut(Stepped<'_>),
    ) -> Result<(), HostError> {
        let seats = &mut self.seats;
        for batch in events.chunks(self.batch_events) {
            self.stages.timed(Stage::Core, || {
                self.partition.submit(batch, |stepped| {
                    watch(stepped);
                    if let Some(seat) = seats.get_mut(&stepped.event.store) {
                        seat.stepped(stepped);
                    }
                })
            })?;
        }
        Ok(())
    }

    /// Submits events of this partition and tells what each came to.
    pub(crate) fn submit_each(
        &mut self,
        events: &[Event],
        outcomes: &mut Vec<Outcome>,
    ) -> Result<(), HostError> {
        self.submit(events, |stepped| outcomes.push(stepped.outcome))
    }

    /// Saves the state where that is due and the towns stand between two ticks.
    pub(crate) fn save_where_due(&mut self) -> Result<(), HostError> {
        if self.partition.snapshot_due() && self.settled() {
            self.save()?;
        }
        Ok(())
    }

    fn settled(&self) -> bool {
        self.batch.is_empty() && self.seats.values().all(Seat::settled)
    }

    /// Saves the state, where the towns stand between two ticks and there is anything new.
    pub(crate) fn save_at_end(&mut self) -> Result<(), HostError> {
        if self.settled() && self.partition.position() > self.partition.saved() {
            self.save()?;
        }
        Ok(())
    }

    fn save(&mut self) -> Result<(), HostError> {
        let seats: Vec<&Seat> = self.seats.values().collect();
        let partition = self.partition.number();
        let companion = postcard::to_allocvec(&seats).map_err(|_| HostError::Town { partition })?;
        self.stages.timed(Stage::Snapshot, || self.partition.snapshot(&companion))?;
        Ok(())
    }

    /// The simulated time of the town that is furthest behind, else the latest time of a store.
    pub(crate) fn now(&self) -> Timestamp {
        let towns = self.seats.values().map(Seat::now).min();
        towns.or(self.partition.now()).unwrap_or_default()
    }
}
