//! Which partition a store belongs to.

use shelf_domain::StoreId;

/// The partition of a store: a hash of its id, so that every program sends it to the same one.
pub fn partition_of(store: StoreId, partitions: u32) -> u32 {
    let hash = xxhash_rust::xxh3::xxh3_64(store.as_bytes());
    (hash % u64::from(partitions.max(1))) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_has_one_partition_for_ever() {
        let of = |store: &str, n| partition_of(StoreId::cut(store), n);
        assert_eq!(
            (of("S001", 16), of("S002", 16), of("S001", 1)),
            (of("S001", 16), of("S002", 16), 0)
        );
        let used: std::collections::BTreeSet<u32> =
            (0..200).map(|n| of(&format!("S{n:03}"), 16)).collect();
        assert_eq!(used.len(), 16);
    }
}
