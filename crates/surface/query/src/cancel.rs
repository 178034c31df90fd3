//! Ending a statement before its time.

use std::sync::Arc;

use tokio::sync::watch;

/// Asks the statements of a session to end.
#[derive(Clone, Debug)]
pub struct Cancel {
    asked: Arc<watch::Sender<u64>>,
}

impl Default for Cancel {
    fn default() -> Self {
        Self { asked: Arc::new(watch::Sender::new(0)) }
    }
}

impl Cancel {
    /// Ends what is running. What begins later is not concerned.
    pub fn ask(&self) {
        self.asked.send_modify(|asked| *asked += 1);
    }

    /// What a statement that begins waits for.
    pub(crate) fn begin(&self) -> Asked {
        Asked(self.asked.subscribe())
    }
}

/// Whether the end of one statement is asked for.
#[derive(Debug)]
pub(crate) struct Asked(watch::Receiver<u64>);

impl Asked {
    /// Returns when the end is asked for.
    pub(crate) async fn wait(&mut self) {
        if self.0.changed().await.is_err() {
            // Nobody is left who could ask.
            std::future::pending::<()>().await;
        }
    }
}
