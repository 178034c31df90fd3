//! Which statements a client may end from another connection, as the protocol wants it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use async_trait::async_trait;
use datafusion_postgres::pgwire::api::ClientInfo;
use datafusion_postgres::pgwire::api::cancel::CancelHandler;
use datafusion_postgres::pgwire::messages::cancel::CancelRequest;

use crate::Cancel;
use crate::cancel::Asked;

/// What a client proves by knowing it: the number and the key that it was given.
type Key = (i32, Vec<u8>);

/// The connections whose statements can be ended.
#[derive(Debug, Default)]
pub(super) struct Cancels {
    known: Mutex<HashMap<Key, Cancel>>,
}

impl Cancels {
    fn change<R>(&self, change: impl FnOnce(&mut HashMap<Key, Cancel>) -> R) -> R {
        change(&mut self.known.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl CancelHandler for Cancels {
    async fn on_cancel_request(&self, request: CancelRequest) {
        let key = (request.pid, request.secret_key.to_bytes().to_vec());
        if let Some(cancel) = self.change(|known| known.get(&key).cloned()) {
            cancel.ask();
        }
    }
}

/// One connection among them, as long as it lasts.
#[derive(Debug)]
pub(super) struct Known {
    cancels: Arc<Cancels>,
    key: OnceLock<Key>,
    cancel: Cancel,
}

impl Known {
    pub(super) fn new(cancels: &Arc<Cancels>) -> Self {
        Self { cancels: Arc::clone(cancels), key: OnceLock::new(), cancel: Cancel::default() }
    }

    /// What a further answer of a statement waits for.
    pub(super) fn begin(&self) -> Asked {
        self.cancel.begin()
    }

    /// Ends the statement that runs.
    pub(super) fn end(&self) {
        self.cancel.ask();
    }

    /// What ends the statements of this client, which has its key by then.
    pub(super) fn cancel_of(&self, client: &impl ClientInfo) -> &Cancel {
        self.key.get_or_init(|| {
            let (pid, secret) = client.pid_and_secret_key();
            let key = (pid, secret.to_bytes().to_vec());
            self.cancels.change(|known| known.insert(key.clone(), self.cancel.clone()));
            key
        });
        &self.cancel
    }
}

impl Drop for Known {
    fn drop(&mut self) {
        if let Some(key) = self.key.get() {
            self.cancels.change(|known| known.remove(key));
        }
    }
}
