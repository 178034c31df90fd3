//! A running demo that benches look at as a visitor does.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::http;
use super::place::{Place, Running, io, shelf};
use super::steady::gave_up;
use crate::failure::Failure;

/// How a program says where its pages are.
const AT: &str = "the dashboard is at http://";
/// How it says that the days before today have passed.
const LIVE: &str = "live from here";
/// How long the days before today may take.
const PATIENCE: Duration = Duration::from_mins(10);
/// `shelf run` as it is, but for ports that are taken.
const WORDS: [&str; 6] =
    ["run", "--plain", "--listen", "127.0.0.1:0", "--sql-listen", "127.0.0.1:0"];

/// A demo in a process and a folder of its own.
pub(super) struct Demo {
    /// Where its pages are, as host and port.
    pub(super) address: String,
    /// When the program was started.
    pub(super) begun: Instant,
    said: Receiver<String>,
    _running: Running,
    _dir: TempDir,
}

impl Demo {
    /// Starts a new demo, and waits until it says where its pages are.
    pub(super) fn start(place: &Place, more: &[&str]) -> Result<Self, Failure> {
        let dir = place.folder()?;
        let words: Vec<&str> = WORDS.iter().chain(more).copied().collect();
        let mut command = shelf(&dir.path().join("data"), &words)?;
        command.stderr(Stdio::piped());
        let begun = Instant::now();
        let mut running = Running(command.spawn().map_err(io)?);
        let from = running.0.stderr.take().ok_or_else(|| gave_up("the demo says nothing"))?;
        let (to, said) = channel();
        // What it says later is read too, so that it never waits.
        std::thread::spawn(move || {
            for line in BufReader::new(from).lines().map_while(Result::ok) {
                let _ = to.send(line);
            }
        });
        let mut demo = Self { address: String::new(), begun, said, _running: running, _dir: dir };
        let line = demo.until(AT)?;
        line.trim_start_matches(AT).trim_end_matches('/').clone_into(&mut demo.address);
        Ok(demo)
    }

    /// Waits until the days before today have passed.
    pub(super) fn until_live(&self) -> Result<(), Failure> {
        self.until(LIVE).map(|_| ())
    }

    fn until(&self, text: &str) -> Result<String, Failure> {
        loop {
            let line = self.said.recv_timeout(PATIENCE);
            let line = line.map_err(|_| gave_up(&format!("the demo never said: {text}")))?;
            if line.contains(text) {
                return Ok(line);
            }
        }
    }

    /// A page as text.
    pub(super) fn page(&self, path: &str) -> Result<String, Failure> {
        let answer = http::get(&self.address, path, "")?;
        if answer.status != 200 {
            return Err(gave_up(&format!("{path} was answered with {}", answer.status)));
        }
        Ok(answer.text())
    }
}

/// The first link of a page to an address that begins so.
pub(super) fn link(html: &str, begin: &str) -> Option<String> {
    let links = html.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
    let mut longer = links.filter(|link| link.len() > begin.len() && link.starts_with(begin));
    longer.next().map(|link| link.replace("&amp;", "&"))
}

#[cfg(test)]
mod tests {
    use super::link;

    #[test]
    fn the_first_link_below_an_address_is_found() {
        let html = r#"<a href="/lots/">x</a><a class="cell" href="/lots/A/B?a=1&amp;b=2">y</a>"#;
        assert_eq!(link(html, "/lots/").as_deref(), Some("/lots/A/B?a=1&b=2"));
        assert_eq!(link(html, "/orders/"), None);
    }
}
