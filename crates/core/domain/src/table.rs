//! A table with one row a sku, addressed by [`SkuIndex`].

use alloc::vec::Vec;
use core::ops::{Index, IndexMut};

use serde::{Deserialize, Serialize};

use crate::ids::SkuIndex;

/// One row for each sku of a store. Rows are only ever added, for all tables of a store together,
/// and a [`SkuIndex`] is only ever made by adding one: so an index always has its row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Table<T> {
    rows: Vec<T>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { rows: Vec::new() }
    }
}

impl<T> Table<T> {
    pub(crate) fn push(&mut self, row: T) -> SkuIndex {
        self.rows.push(row);
        SkuIndex(self.rows.len() as u32 - 1)
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn indexes(&self) -> impl Iterator<Item = SkuIndex> + use<T> {
        (0..self.rows.len() as u32).map(SkuIndex)
    }

    pub(crate) fn iter(&self) -> core::slice::Iter<'_, T> {
        self.rows.iter()
    }

    pub(crate) fn iter_mut(&mut self) -> core::slice::IterMut<'_, T> {
        self.rows.iter_mut()
    }

    pub(crate) fn get(&self, index: SkuIndex) -> Option<&T> {
        self.rows.get(index.at())
    }
}

impl<T> Index<SkuIndex> for Table<T> {
    type Output = T;

    fn index(&self, index: SkuIndex) -> &T {
        &self.rows[index.at()]
    }
}

impl<T> IndexMut<SkuIndex> for Table<T> {
    fn index_mut(&mut self, index: SkuIndex) -> &mut T {
        &mut self.rows[index.at()]
    }
}
