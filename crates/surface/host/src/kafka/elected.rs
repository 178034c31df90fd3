//! Work that one of all workers does.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use shelf_kafka::{Connection, Membership, MembershipOptions, SOURCE_BOOK};

use super::takers::Takers;
use crate::HostError;

const POLL: Duration = Duration::from_millis(100);

/// A member of a group of which one does the work. Dropping it leaves the group, when its part of
/// the work has ended.
pub struct Elected {
    membership: Membership<Takers>,
}

impl Elected {
    /// Joins the group. Who has the one partition of `source_book` in it is elected, and does
    /// `work` in a thread of its own until its flag is set. For a moment two may be at it, of which
    /// one was given up: what they write has to hold that.
    pub fn join(
        connection: &Connection,
        group: &'static str,
        work: impl Fn(&AtomicBool) + Send + Sync + 'static,
    ) -> Result<Self, HostError> {
        let takers = Takers::new(move |_, stop| work(stop));
        let membership = MembershipOptions { group, ..MembershipOptions::default() };
        let membership = Membership::join(connection, &[SOURCE_BOOK], &membership, takers)?;
        Ok(Self { membership })
    }

    /// Hears a moment from the group. It must be called all the time.
    pub fn poll(&self) -> Result<(), HostError> {
        Ok(self.membership.poll(POLL)?)
    }
}
