//! The command line as a person and a script meet it: the built program in a folder of its own.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the helpers of tests fail like tests"
)]

mod access;
mod acting;
mod bad_folders;
mod bad_lines;
mod chains;
mod document;
mod importing;
mod importing_foreign;
#[cfg(feature = "kafka")]
mod kafka;
mod lake;
mod lake_elsewhere;
mod lake_of_others;
mod links;
mod mappings;
mod program;
mod quality;
mod quarantine;
mod reading;
mod report;
mod routing;
mod running;
mod settings;
mod shells;
mod shop;
mod sql;
mod sql_clients;
mod sql_files;
mod sql_lake;
mod sql_wire;
mod windows;
