//! The crew on the shift: who is free takes the most urgent job.
//!
//! First what has expired is taken away, then empty shelves are filled, then what must be counted
//! is counted, then the other shelves are filled.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};
use shelf_domain::{Actor, AlertId, LotCode, MINUTE, Place, SECOND, SkuIndex, TaskId, Timestamp};

use crate::agenda::Action;
use crate::town::StoreTown;

/// No job begins in the last minutes of a shift.
const LAST_JOB_US: i64 = 10 * MINUTE;

/// Units of a lot in a staff member's hands: the lot's number, its code, how many.
pub(crate) type Armful = (u32, LotCode, u32);

/// What a staff member is doing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Job {
    /// On the way to the warehouse for a restock task.
    Fetch(TaskId),
    /// On the way from the warehouse to the shelf.
    Bring(TaskId, SkuIndex, Vec<Armful>),
    /// Takes an expired lot away.
    Remove(Expired),
    /// Counts.
    Count(ToCount),
}

/// A lot that has expired, and the units that the records have given up already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Expired {
    pub(crate) index: SkuIndex,
    pub(crate) lot: LotCode,
    pub(crate) place: Place,
    pub(crate) booked: u32,
}

/// A place of a sku that must be counted, and for which alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ToCount {
    pub(crate) index: SkuIndex,
    pub(crate) place: Place,
    pub(crate) alert: Option<AlertId>,
}

/// A restock task as staff know it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TaskMemo {
    pub(crate) index: SkuIndex,
    /// For each lot the units allocated ever, and of these the units that staff went for.
    pub(crate) lots: Vec<(LotCode, u32, u32)>,
    /// Whether it waits in the list of tasks to do, or somebody is on the way.
    pub(crate) queued: bool,
}

impl TaskMemo {
    pub(crate) fn has_work(&self) -> bool {
        self.lots.iter().any(|&(_, allocated, tried)| allocated > tried)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Worker {
    job: Option<Job>,
    free_at: Timestamp,
}

/// The crew, and what there is to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Crew {
    workers: Vec<Worker>,
    pub(crate) tasks: BTreeMap<TaskId, TaskMemo>,
    /// Tasks that wait for somebody, in the order in which they became ready.
    pub(crate) ready: Vec<TaskId>,
    pub(crate) removals: VecDeque<Expired>,
    pub(crate) counts: VecDeque<ToCount>,
    /// The sku at which the next round of counting begins.
    pub(crate) next_count: u32,
}

impl Crew {
    pub(crate) fn new(size: u8, from: Timestamp) -> Self {
        Self {
            workers: vec![Worker { job: None, free_at: from }; usize::from(size.max(1))],
            tasks: BTreeMap::new(),
            ready: Vec::new(),
            removals: VecDeque::new(),
            counts: VecDeque::new(),
            next_count: 0,
        }
    }

    fn idle(&self) -> bool {
        self.ready.is_empty() && self.removals.is_empty() && self.counts.is_empty()
    }

    /// Units in all hands.
    pub(crate) fn units(&self) -> u64 {
        let jobs = self.workers.iter().filter_map(|worker| worker.job.as_ref());
        let hands = jobs.filter_map(|job| match job {
            Job::Bring(_, _, hands) => Some(hands),
            _ => None,
        });
        hands.flatten().map(|&(_, _, units)| u64::from(units)).sum()
    }
}

/// The badge of a member of the crew.
pub(crate) fn badge(worker: u8) -> Actor {
    Actor::cut(&format!("staff-{:02}", u16::from(worker) + 1))
}

impl StoreTown {
    /// Gives those who are free something to do.
    pub(crate) fn send_crew(&mut self, now: Timestamp) {
        let (from, until) = self.state.today.shift;
        if self.state.crew.idle() || now < from || now >= until.plus(-LAST_JOB_US) {
            return;
        }
        for number in 0..self.state.crew.workers.len() {
            let free = |worker: &Worker| worker.job.is_none() && worker.free_at <= now;
            if !self.state.crew.workers.get(number).is_some_and(free) {
                continue;
            }
            let Some(job) = self.next_job() else { return };
            let first = self.state.dice.staff.between(30 * SECOND, 150 * SECOND);
            self.start(number as u8, job, now.plus(first));
        }
    }

    fn start(&mut self, worker: u8, job: Job, at: Timestamp) {
        if let Some(one) = self.state.crew.workers.get_mut(usize::from(worker)) {
            one.job = Some(job);
        }
        self.state.agenda.plan(at, Action::Work(worker));
    }

    fn next_job(&mut self) -> Option<Job> {
        let crew = &mut self.state.crew;
        if let Some(expired) = crew.removals.pop_front() {
            return Some(Job::Remove(expired));
        }
        let stock = &self.state.stock;
        let empty = |task: &TaskId| {
            let memo = crew.tasks.get(task);
            memo.and_then(|memo| stock.get(memo.index.at())).is_none_or(|stock| stock.floor == 0)
        };
        if let Some(at) = crew.ready.iter().position(empty) {
            return Some(Job::Fetch(crew.ready.remove(at)));
        }
        if let Some(count) = crew.counts.pop_front() {
            return Some(Job::Count(count));
        }
        (!crew.ready.is_empty()).then(|| Job::Fetch(crew.ready.remove(0)))
    }

    /// The next step of a staff member's job.
    pub(crate) fn work(&mut self, at: Timestamp, worker: u8) {
        let Some(one) = self.state.crew.workers.get_mut(usize::from(worker)) else { return };
        let Some(job) = one.job.take() else { return };
        let rest = self.state.dice.staff.between(30 * SECOND, 90 * SECOND);
        one.free_at = at.plus(rest);
        match job {
            Job::Fetch(task) => {
                if let Some(bring) = self.fetch(at, task) {
                    let walk = self.state.dice.staff.between(2 * MINUTE, 4 * MINUTE);
                    self.start(worker, bring, at.plus(walk));
                }
            }
            Job::Bring(task, index, hands) => self.shelve(at, task, index, &hands),
            Job::Remove(expired) => self.remove(at, expired, badge(worker)),
            Job::Count(count) => self.count(at, count, badge(worker)),
        }
    }
}
