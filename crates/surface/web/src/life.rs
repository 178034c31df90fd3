//! The life of a lot, read back from the log: the state forgets a lot with its last unit.

use shelf_domain::{LotCode, Sku, StoreId, Timestamp};
use shelf_host::{ChainReader, HostError};
use shelf_views::LotLife;

use crate::app::App;
use crate::problem::{Kind, Problem};

/// Events of a partition that are stepped once more at least, where the log has them.
const READ_BACK: u64 = 500_000;

/// What became of a lot by a moment. `None` where nothing is known of it. Stepping takes a while:
/// at most as many do it at once as may look at past moments.
pub(crate) async fn of(
    app: &App,
    (store, sku, lot): (StoreId, Sku, LotCode),
    as_of: Option<Timestamp>,
) -> Result<Option<LotLife>, Problem> {
    let Ok(_room) = app.past_room().try_acquire() else {
        let detail = "as many past moments are asked for as may be";
        return Err(Problem::new(Kind::Busy, detail));
    };
    let folder = app.feed().folder().clone();
    let until = as_of.unwrap_or(Timestamp(i64::MAX));
    let told = app.blocking(move || {
        let life = std::cell::RefCell::new(LotLife::begin(sku, lot, store, None));
        let begin = |stores: &shelf_domain::Stores| {
            *life.borrow_mut() = LotLife::begin(sku, lot, store, stores.get(store));
        };
        ChainReader::retrace(&folder, store, READ_BACK, begin, |stepped| {
            if stepped.event.received_at <= until
                && let Some(known) = stepped.stores.get(store)
            {
                life.borrow_mut().step(stepped.event, stepped.effects, known);
            }
        })?;
        Ok::<_, HostError>(life.into_inner())
    });
    Ok(Some(told.await??).filter(LotLife::known))
}
