//! Panes: the pieces of time that windows are put together from. An event is added to one pane,
//! whatever the number of windows that hold it.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

/// The panes of one measure, for each subject (a sku, or the store itself) that has any.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Lane<T> {
    width_us: i64,
    /// For each subject its panes that hold something, in order of time.
    subjects: Vec<VecDeque<(i64, T)>>,
    /// The panes that hold something, in order of time, each with its subjects in order of first
    /// touch.
    panes: VecDeque<(i64, Vec<u32>)>,
    /// Which subjects a pass has seen: the number of the pass.
    #[serde(skip)]
    seen: Vec<u32>,
    #[serde(skip)]
    pass: u32,
    /// What there is of a subject that was never touched.
    #[serde(skip)]
    none: VecDeque<(i64, T)>,
}

/// What a touch of a pane found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Touched {
    /// The pane held something already.
    Again,
    /// It is the first of its pane.
    Newly,
}

impl<T: Default> Lane<T> {
    pub(crate) fn new(width_us: i64) -> Self {
        Self {
            width_us,
            subjects: Vec::new(),
            panes: VecDeque::new(),
            seen: Vec::new(),
            pass: 0,
            none: VecDeque::new(),
        }
    }

    pub(crate) fn width_us(&self) -> i64 {
        self.width_us
    }

    /// What the pane of a moment holds of a subject, made where there is none.
    pub(crate) fn touch(&mut self, subject: u32, at: i64) -> (Touched, &mut T) {
        let place = subject as usize;
        if self.subjects.len() <= place {
            self.subjects.resize_with(place + 1, VecDeque::new);
        }
        let pane = at.div_euclid(self.width_us);
        let entries = &mut self.subjects[place];
        let found = match entries.back() {
            Some((last, _)) if *last == pane => Ok(entries.len() - 1),
            Some((last, _)) if *last > pane => entries.binary_search_by_key(&pane, |(p, _)| *p),
            _ => Err(entries.len()),
        };
        let mut touched = Touched::Again;
        let at = found.unwrap_or_else(|at| {
            entries.insert(at, (pane, T::default()));
            touched = note_subject(&mut self.panes, pane, subject);
            at
        });
        (touched, &mut self.subjects[place][at].1)
    }

    /// What the panes from `from` up to `to` hold of a subject, in order of time.
    pub(crate) fn of(&self, subject: u32, from: i64, to: i64) -> impl Iterator<Item = &T> {
        let (first, end) = (from.div_euclid(self.width_us), to.div_euclid(self.width_us));
        let entries = self.subjects.get(subject as usize).unwrap_or(&self.none);
        let entries = entries.range(begin_at(entries, first)..);
        entries.take_while(move |(pane, _)| *pane < end).map(|(_, entry)| entry)
    }

    /// The panes from `from` on that hold something of a subject, the newest first: when they
    /// begin, and what.
    pub(crate) fn newest(&self, subject: u32, from: i64) -> impl Iterator<Item = (i64, &T)> {
        let first = from.div_euclid(self.width_us);
        let entries = self.subjects.get(subject as usize).unwrap_or(&self.none);
        let entries = entries.iter().rev().take_while(move |(pane, _)| *pane >= first);
        entries.map(|(pane, entry)| (pane * self.width_us, entry))
    }

    /// Calls `each` once for every subject of which the panes from `from` up to `to` hold
    /// something, in order of first touch.
    pub(crate) fn each_subject(&mut self, from: i64, to: i64, mut each: impl FnMut(&Self, u32)) {
        let mut seen = core::mem::take(&mut self.seen);
        seen.resize(self.subjects.len(), 0);
        self.pass = self.pass.wrapping_add(1);
        if self.pass == 0 {
            seen.fill(0);
            self.pass = 1;
        }
        for subjects in self.lists(from, to) {
            for &subject in subjects {
                if seen[subject as usize] != self.pass {
                    seen[subject as usize] = self.pass;
                    each(self, subject);
                }
            }
        }
        self.seen = seen;
    }

    /// The subjects of each pane from `from` up to `to`.
    fn lists(&self, from: i64, to: i64) -> impl Iterator<Item = &Vec<u32>> {
        let (first, end) = (from.div_euclid(self.width_us), to.div_euclid(self.width_us));
        let panes = self.panes.range(begin_at(&self.panes, first)..);
        panes.take_while(move |(pane, _)| *pane < end).map(|(_, subjects)| subjects)
    }

    /// The most subjects that [`Lane::each_subject`] calls for.
    pub(crate) fn most_subjects(&self, from: i64, to: i64) -> usize {
        self.lists(from, to).map(Vec::len).sum()
    }

    /// Adds to `list` the subjects of which the panes from `from` up to `to` hold something, some
    /// of them more than once.
    pub(crate) fn list_subjects(&self, from: i64, to: i64, list: &mut Vec<u32>) {
        for subjects in self.lists(from, to) {
            list.extend_from_slice(subjects);
        }
    }

    /// The start of the first pane at or behind a moment that holds something.
    pub(crate) fn first_from(&self, at: i64) -> Option<i64> {
        let pane = at.div_euclid(self.width_us);
        let place = self.panes.partition_point(|(p, _)| *p < pane);
        self.panes.get(place).map(|(pane, _)| pane * self.width_us)
    }

    /// Forgets the panes that end at or before a moment.
    pub(crate) fn forget(&mut self, until: i64) {
        let kept = until.div_euclid(self.width_us);
        while self.panes.front().is_some_and(|(pane, _)| *pane < kept) {
            let Some((_, subjects)) = self.panes.pop_front() else { return };
            for subject in subjects {
                let entries = &mut self.subjects[subject as usize];
                while entries.front().is_some_and(|(pane, _)| *pane < kept) {
                    entries.pop_front();
                }
            }
        }
    }

    #[cfg(test)]
    pub(crate) fn pane_count(&self) -> usize {
        self.panes.len()
    }
}

/// The place of the first pane from `first` on. Windows ask about the newest panes, which are few:
/// it is looked for from the end.
fn begin_at<T>(entries: &VecDeque<(i64, T)>, first: i64) -> usize {
    let newer = entries.iter().rev().take_while(|(pane, _)| *pane >= first).count();
    entries.len() - newer
}

fn note_subject(panes: &mut VecDeque<(i64, Vec<u32>)>, pane: i64, subject: u32) -> Touched {
    if let Some((last, subjects)) = panes.back_mut()
        && *last == pane
    {
        subjects.push(subject);
        return Touched::Again;
    }
    match panes.binary_search_by_key(&pane, |(p, _)| *p) {
        Ok(at) => {
            panes[at].1.push(subject);
            Touched::Again
        }
        Err(at) => {
            // About as many subjects as the pane before it had.
            let before = at.checked_sub(1).and_then(|at| panes.get(at));
            let mut subjects = Vec::with_capacity(before.map_or(1, |(_, before)| before.len()));
            subjects.push(subject);
            panes.insert(at, (pane, subjects));
            Touched::Newly
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;

    fn add(lane: &mut Lane<u32>, subject: u32, at: i64) -> Touched {
        let (touched, sum) = lane.touch(subject, at);
        *sum += 1;
        touched
    }

    fn subjects(lane: &mut Lane<u32>, from: i64, to: i64) -> Vec<(u32, u32)> {
        let mut all = Vec::new();
        lane.each_subject(from, to, |lane, subject| {
            all.push((subject, lane.of(subject, from, to).sum()));
        });
        all
    }

    #[test]
    fn panes_are_added_to_in_any_order_and_forgotten_in_that_of_time() {
        let mut lane = Lane::new(10);
        assert_eq!(add(&mut lane, 3, 25), Touched::Newly);
        assert_eq!(add(&mut lane, 3, 29), Touched::Again);
        assert_eq!(add(&mut lane, 1, 21), Touched::Again);
        assert_eq!(add(&mut lane, 1, 5), Touched::Newly);
        assert_eq!(add(&mut lane, 3, 12), Touched::Newly);
        assert_eq!(add(&mut lane, 3, 1), Touched::Again);
        assert_eq!(subjects(&mut lane, 0, 30), vec![(1, 2), (3, 4)]);
        assert_eq!(subjects(&mut lane, 20, 30), vec![(3, 2), (1, 1)]);
        assert_eq!(lane.newest(3, 10).map(|(_, sum)| sum).sum::<u32>(), 3);
        assert_eq!((lane.first_from(0), lane.first_from(11)), (Some(0), Some(10)));
        lane.forget(20);
        assert_eq!(subjects(&mut lane, 0, 30), vec![(3, 2), (1, 1)]);
        assert_eq!((lane.pane_count(), lane.first_from(30)), (1, None));
    }

    #[test]
    fn times_before_the_epoch_have_panes_too() {
        let mut lane = Lane::new(10);
        add(&mut lane, 0, -1);
        assert_eq!(lane.first_from(-100), Some(-10));
        assert_eq!(subjects(&mut lane, -10, 0), vec![(0, 1)]);
    }
}
