//! Tests of the recorder that need no tables.

use super::*;
use crate::tables::FOLLOWING;
use crate::tables::ops::LAKE_COMMITS;

#[test]
fn rows_are_taken_in_the_order_in_which_tables_are_committed() {
    let gathered = Gathered::tables().into_iter().chain([&LAKE_COMMITS]);
    assert!(gathered.eq_by_name(FOLLOWING));
}

trait ByName<'a>: Iterator<Item = &'a crate::table::Table> + Sized {
    fn eq_by_name(self, others: &[&crate::table::Table]) -> bool {
        self.map(crate::table::Table::full_name).eq(others.iter().map(|table| table.full_name()))
    }
}

impl<'a, I: Iterator<Item = &'a crate::table::Table>> ByName<'a> for I {}
