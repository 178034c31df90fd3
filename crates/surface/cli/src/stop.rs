//! A graceful stop: Ctrl-C, or the signal to end, asks the loop to finish what it does.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::failure::Failure;

/// Whether a stop was asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stop {
    asked: Arc<AtomicBool>,
}

impl Stop {
    /// Asks for a stop when a signal comes.
    pub(crate) fn on_signals() -> Result<Self, Failure> {
        let stop = Self::default();
        let asked = stop.clone();
        ctrlc::set_handler(move || asked.ask()).map_err(|error| {
            Failure::new(
                "signals",
                error.to_string(),
                "run `shelf doctor` for a look at the machine",
            )
        })?;
        Ok(stop)
    }

    pub(crate) fn ask(&self) {
        self.asked.store(true, Ordering::Relaxed);
    }

    /// What is set when it is asked for.
    #[cfg(feature = "kafka")]
    pub(crate) fn flag(&self) -> &AtomicBool {
        &self.asked
    }

    pub(crate) fn asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }
}
