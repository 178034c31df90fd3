//! SQL over live state and the lake, and the Postgres wire.
