//! Whose events the tables hold. Positions are numbers of events: those of another log fit as well,
//! and its events would be mixed in.

use deltalake::DeltaTable;
use futures::{StreamExt as _, TryStreamExt as _};
use xxhash_rust::xxh3::xxh3_64;

use crate::LakeError;
use crate::lake::Lake;
use crate::table::Table;
use crate::tables::FOLLOWING;
use crate::writer::{OPENING, said};

/// Under which name a table says of which chain it is.
pub(crate) const CHAIN: &str = "shelf/chain";

/// The number of a chain: the xxh3 hash of its name without the highest bit, so that it is not
/// below 0.
pub(crate) fn chain_number(name: &str) -> i64 {
    (xxh3_64(name.as_bytes()) & i64::MAX as u64) as i64
}

impl Lake {
    /// Sees to it that the tables hold no events of another chain: [`LakeError::OtherChain`].
    /// Nothing is made. Without a name of a chain all is let be.
    pub async fn check_chain(&self, chain: Option<&str>) -> Result<(), LakeError> {
        found_of_chain(self, chain.map(chain_number)).await.map(|_| ())
    }
}

/// The tables that follow the log, as far as they have been made, none of them of another chain.
pub(crate) async fn found_of_chain(
    lake: &Lake,
    chain: Option<i64>,
) -> Result<Vec<(&'static Table, Option<DeltaTable>)>, LakeError> {
    let looked_at = FOLLOWING.iter().map(|&table| async move {
        let found = lake.open(table).await?;
        if let (Some(delta), Some(own)) = (&found, chain) {
            let name = table.full_name();
            let theirs = said(delta, &name, CHAIN.to_owned()).await?;
            if theirs.is_some_and(|theirs| theirs != own) {
                return Err(LakeError::OtherChain { table: name });
            }
        }
        Ok::<_, LakeError>((table, found))
    });
    futures::stream::iter(looked_at).buffered(OPENING).try_collect().await
}
