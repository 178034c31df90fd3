//! The states of the stores under the names of the reference system.

use serde::Serialize;
use shelf_domain::StoreId;
use shelf_events::{StateKind, StateRow};

use crate::chain::Chain;

/// A kind of state, and how much there is of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct StateCount {
    /// Its name.
    pub state: &'static str,
    /// Its rows.
    pub rows: u64,
}

/// Every kind of state of one store, or of all.
pub fn state_counts(chain: &Chain<'_>, store: Option<StoreId>) -> Vec<StateCount> {
    let count = |kind: StateKind| StateCount {
        state: kind.name(),
        rows: state_rows(chain, kind, store).len() as u64,
    };
    StateKind::ALL.into_iter().map(count).collect()
}

/// The rows of a kind of state of one store, or of all.
pub fn state_rows(chain: &Chain<'_>, kind: StateKind, store: Option<StoreId>) -> Vec<StateRow> {
    chain.select(store).into_iter().flat_map(|store| kind.rows(store)).collect()
}
