//! The embedded durable log: append-only segments with group commit.
