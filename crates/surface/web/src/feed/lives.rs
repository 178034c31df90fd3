//! The lives of lots that were asked for of late. To tell one from its birth takes stepping much of
//! the log; the feed, which steps each event anyway, then tells it on.

use std::collections::VecDeque;

use shelf_host::{HostError, Retrace, Stepped};
use shelf_views::LotLife;

use super::Feed;
use crate::life::{LotKey, READ_BACK};

/// How many are told on.
const KEPT: usize = 16;

/// Lives of lots, told up to where the feed is; that which was asked for last is the first.
#[derive(Debug, Default)]
pub(super) struct Lives(VecDeque<LotLife>);

impl Lives {
    pub(super) fn step(&mut self, stepped: &Stepped<'_>) {
        self.0.iter_mut().for_each(|life| tell(life, stepped));
    }

    fn ask(&mut self, (store, sku, lot): LotKey) -> Option<LotLife> {
        let of_lot = |life: &LotLife| (life.store, life.sku, life.lot) == (store, sku, lot);
        let found = self.0.iter().position(of_lot).and_then(|at| self.0.remove(at))?;
        self.0.push_front(found.clone());
        Some(found)
    }

    fn keep(&mut self, life: LotLife) {
        self.0.push_front(life);
        self.0.truncate(KEPT);
    }
}

fn tell(life: &mut LotLife, stepped: &Stepped<'_>) {
    if stepped.event.store == life.store
        && let Some(store) = stepped.stores.get(life.store)
    {
        life.step(stepped.event, stepped.effects, store);
    }
}

impl Feed {
    /// The life of a lot, where it is told on.
    pub(crate) fn told_life(&self, key: LotKey) -> Option<LotLife> {
        self.shared.state_mut().lives.ask(key)
    }

    /// The life of a lot from as far back as the log is read; it is told on from then on. Blocks
    /// while the log is stepped.
    pub(crate) fn tell_life(&self, key: LotKey) -> Result<Option<LotLife>, HostError> {
        let Some(mut trace) = self.trace_before(key)? else { return Ok(None) };
        let (store, sku, lot) = key;
        let mut life = LotLife::begin(sku, lot, store, trace.store());
        let (partition, _) = trace.position();
        let end = self.shared.state().reader.position(partition).unwrap_or_default();
        trace.step_to(end, |stepped| tell(&mut life, &stepped))?;
        // The feed steps nothing while the rest is told: it goes on from exactly there.
        let mut state = self.shared.state_mut();
        let end = state.reader.position(partition).unwrap_or_default();
        trace.step_to(end, |stepped| tell(&mut life, &stepped))?;
        // A snapshot may be ahead of the feed.
        if life.known() && trace.position() == (partition, end) {
            state.lives.keep(life.clone());
        }
        Ok(Some(life))
    }

    /// The partition of a lot, at the newest snapshot from before its birth where that is known.
    fn trace_before(&self, (store, sku, lot): LotKey) -> Result<Option<Retrace>, HostError> {
        let received = self.read(|present| {
            let store = present.chain().store(store)?;
            let index = store.sku(sku)?;
            store.lots(index).find(|known| known.code == lot).map(|known| known.received_day)
        });
        if let Some(day) = received {
            let newest = Retrace::open(self.folder(), store, 0)?;
            let before = |trace: &Retrace| trace.store().is_none_or(|store| store.day() < day);
            if let Some(trace) = newest.filter(before) {
                return Ok(Some(trace));
            }
        }
        Retrace::open(self.folder(), store, READ_BACK)
    }
}
