//! Scenario language, builders, oracles, fault injection. For tests only.
