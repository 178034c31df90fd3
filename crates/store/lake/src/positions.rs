//! How far each table has come in each partition of the log.

use std::collections::BTreeMap;

use crate::table::Table;

/// The offsets below which a table holds everything, by table and partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Positions {
    tables: BTreeMap<String, Vec<u64>>,
}

impl Positions {
    /// Says how far a table has come.
    pub fn set(&mut self, table: &Table, positions: Vec<u64>) {
        self.tables.insert(table.full_name(), positions);
    }

    /// How far a table has come; nothing where it holds nothing.
    pub fn of(&self, table: &Table) -> &[u64] {
        self.tables.get(&table.full_name()).map_or(&[], Vec::as_slice)
    }

    /// From where the log must be read so that no table misses anything: the lowest position of
    /// each of `partitions`.
    pub fn lowest(&self, partitions: u32) -> Vec<u64> {
        let lowest = |partition: usize| {
            let of_tables = self.tables.values();
            let at = |positions: &Vec<u64>| positions.get(partition).copied().unwrap_or(0);
            of_tables.map(at).min().unwrap_or(0)
        };
        (0..partitions as usize).map(lowest).collect()
    }

    /// The lowest position that some tables have in each partition.
    pub fn lowest_of(&self, tables: &[&Table]) -> Vec<u64> {
        let lengths = tables.iter().map(|table| self.of(table).len());
        let partitions = lengths.max().unwrap_or(0);
        let at =
            |table: &Table, partition: usize| self.of(table).get(partition).copied().unwrap_or(0);
        let lowest = |partition| tables.iter().map(|table| at(table, partition)).min();
        (0..partitions).map(|partition| lowest(partition).unwrap_or(0)).collect()
    }

    /// The highest position of each of `partitions`: what has been followed by any table.
    pub fn highest(&self, partitions: u32) -> Vec<u64> {
        let highest = |partition: usize| {
            let of_tables = self.tables.values();
            let at = |positions: &Vec<u64>| positions.get(partition).copied().unwrap_or(0);
            of_tables.map(at).max().unwrap_or(0)
        };
        (0..partitions as usize).map(highest).collect()
    }
}
