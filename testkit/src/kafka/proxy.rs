//! What stands between clients and a broker, and can keep to itself what ends a transaction.
//!
//! A message of Kafka's protocol is its length in four bytes, then itself. A request begins with
//! its kind in two bytes, the version of that in two, and a number in four; an answer with the
//! number of its request.

use std::collections::BTreeSet;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use super::{LOOPBACK, free_port};

/// The kind of the request that ends a transaction.
const END_TXN: u16 = 26;

/// What is kept of the end of each transaction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kept {
    /// Nothing: all is passed on.
    #[default]
    Nothing,
    /// The request: the broker never hears of it.
    Request,
    /// The answer: the broker has done it, and the client never hears so.
    Answer,
}

#[derive(Debug, Default)]
struct State {
    keeps: Kept,
    /// How many messages were kept since it was last told what to keep.
    kept: u64,
}

/// A port of this machine behind which there is a broker.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    listener: TcpListener,
    state: Arc<Mutex<State>>,
}

fn locked<T>(state: &Mutex<T>) -> MutexGuard<'_, T> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Proxy {
    /// Takes a free port. Who connects waits until it is known where the broker is.
    pub fn bind() -> Self {
        let port = free_port();
        let listener = TcpListener::bind((LOOPBACK, port)).expect("a free port");
        Self { port, listener, state: Arc::default() }
    }

    /// Its address.
    pub fn address(&self) -> String {
        format!("{LOOPBACK}:{}", self.port)
    }

    /// Passes all on to the broker at this address from now on. It ends with the process.
    pub fn forward(&self, broker: &str) {
        let (broker, state) = (broker.to_owned(), Arc::clone(&self.state));
        let listener = self.listener.try_clone().expect("a listener");
        thread::spawn(move || {
            for client in listener.incoming() {
                // A broker that is away closes the connection.
                if let (Ok(client), Ok(broker)) = (client, TcpStream::connect(&broker)) {
                    join(client, broker, &state).expect("two connections");
                }
            }
        });
    }

    /// Keeps this of each end of a transaction from now on.
    pub fn keep(&self, keeps: Kept) {
        *locked(&self.state) = State { keeps, kept: 0 };
    }

    /// How many messages were kept since it was last told what to keep.
    pub fn kept(&self) -> u64 {
        locked(&self.state).kept
    }
}

/// Passes on what two say to each other until one of them is gone.
fn join(client: TcpStream, broker: TcpStream, state: &Arc<Mutex<State>>) -> io::Result<()> {
    // The numbers of requests whose answers are kept.
    let waiting = Arc::new(Mutex::new(BTreeSet::new()));
    let (asking, answering) = ((client.try_clone()?, broker.try_clone()?), (broker, client));
    let (asked, of_state) = (Arc::clone(&waiting), Arc::clone(state));
    thread::spawn(move || {
        pass(asking, |message| {
            let mut state = locked(&of_state);
            if half(message, 0) != Some(END_TXN) || state.keeps == Kept::Nothing {
                return true;
            }
            if state.keeps == Kept::Answer {
                locked(&asked).extend(message.get(4..8).map(<[u8]>::to_vec));
                return true;
            }
            state.kept += 1;
            false
        });
    });
    let of_state = Arc::clone(state);
    thread::spawn(move || {
        pass(answering, |message| {
            let of = message.get(..4).unwrap_or_default();
            let keeps = locked(&waiting).remove(of);
            locked(&of_state).kept += u64::from(keeps);
            !keeps
        });
    });
    Ok(())
}

/// A number in two bytes.
fn half(message: &[u8], at: usize) -> Option<u16> {
    let bytes = message.get(at..at + 2)?;
    Some(u16::from_be_bytes(bytes.try_into().ok()?))
}

/// Passes on the messages that are wanted, until one side is gone; then neither has the other.
fn pass((mut from, mut to): (TcpStream, TcpStream), mut wanted: impl FnMut(&[u8]) -> bool) {
    let mut one = || -> io::Result<()> {
        let mut length = [0; 4];
        from.read_exact(&mut length)?;
        let mut message = vec![0; u32::from_be_bytes(length) as usize];
        from.read_exact(&mut message)?;
        if wanted(&message) {
            to.write_all(&[&length[..], &message].concat())?;
        }
        Ok(())
    };
    while one().is_ok() {}
    for side in [&from, &to] {
        // It may be gone already.
        let _ = side.shutdown(Shutdown::Both);
    }
}
