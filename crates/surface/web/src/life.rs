//! The life of a lot, read back from the log: the state forgets a lot with its last unit.

use shelf_domain::{LotCode, Sku, StoreId, Timestamp};
use shelf_host::{HostError, Retrace};
use shelf_views::LotLife;

use crate::app::App;
use crate::problem::{Kind, Problem};

/// Events of a partition that are stepped once more at least, where the log has them.
pub(crate) const READ_BACK: u64 = 500_000;

/// Which lot.
pub(crate) type LotKey = (StoreId, Sku, LotCode);

/// What became of a lot by a moment. `None` where nothing is known of it. Stepping takes a while:
/// at most as many do it at once as may look at past moments.
pub(crate) async fn of(
    app: &App,
    key: LotKey,
    as_of: Option<Timestamp>,
) -> Result<Option<LotLife>, Problem> {
    if as_of.is_none()
        && let Some(told) = app.feed().told_life(key)
    {
        return Ok(Some(told));
    }
    let Ok(_room) = app.past_room().try_acquire() else {
        let detail = "as many past moments are asked for as may be";
        return Err(Problem::new(Kind::Busy, detail));
    };
    let reading = app.clone();
    let told = app.blocking(move || match as_of {
        None => reading.feed().tell_life(key),
        Some(until) => by(&reading, key, until),
    });
    Ok(told.await??.filter(LotLife::known))
}

fn by(app: &App, key: LotKey, until: Timestamp) -> Result<Option<LotLife>, HostError> {
    let (store, sku, lot) = key;
    let Some(mut trace) = Retrace::open(app.feed().folder(), store, READ_BACK)? else {
        return Ok(None);
    };
    let mut life = LotLife::begin(sku, lot, store, trace.store());
    trace.step_until(until, |stepped| {
        if let Some(known) = stepped.stores.get(store) {
            life.step(stepped.event, stepped.effects, known);
        }
    })?;
    Ok(Some(life))
}
