//! The right of somebody to what stays open: it is looked at again and again, so that a stream ends
//! with the token, the session or the role that it began with.

use std::time::Duration;

use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use super::Who;
use super::guard::still;
use crate::app::App;

/// How often it is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// The right of somebody to a stream.
pub(crate) struct Right {
    app: App,
    who: Who,
    looks: Interval,
}

impl Right {
    /// The right of somebody who has just been let in.
    pub(crate) fn new(app: &App, who: Who) -> Self {
        let mut looks = interval_at(Instant::now() + LOOK, LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { app: app.clone(), who, looks }
    }

    /// Waits until they would not be let in any more, or with another role or other stores.
    pub(crate) async fn lost(&mut self) {
        loop {
            self.looks.tick().await;
            if !still(&self.app, &self.who) {
                return;
            }
        }
    }
}
