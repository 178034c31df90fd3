//! Open Delta tables of everything that happened.
