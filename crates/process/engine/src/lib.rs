//! Runs the core over log partitions: batches, snapshots, recovery.
