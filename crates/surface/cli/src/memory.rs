//! How soon memory that is free goes back to the system.

/// What the allocator reads when a program begins: after how many milliseconds free memory goes
/// back.
const DELAY: &str = "MIMALLOC_PURGE_DELAY";

/// Begins this program once more so that free memory goes back at once: a chain that catches up
/// with weeks in seconds would hold on to what it needed then. Whoever has set the delay is left
/// it; where the program cannot begin again, it goes on with the usual delay.
#[cfg(unix)]
pub(crate) fn give_back_at_once() {
    use std::os::unix::process::CommandExt as _;

    let (None, Ok(program)) = (std::env::var_os(DELAY), std::env::current_exe()) else { return };
    let mut words = std::env::args_os();
    let mut again = std::process::Command::new(program);
    if let Some(name) = words.next() {
        again.arg0(name);
    }
    // This comes back only where it failed, and then nothing has changed.
    let _ = again.args(words).env(DELAY, "0").exec();
}

#[cfg(not(unix))]
pub(crate) fn give_back_at_once() {}
