//! What people did to the server and not to a store: logins, who may log in, the controls of a
//! simulation, and what they took out of quarantine to try it again.
//!
//! These are no events. An event belongs to a store, is stepped, and stays for ever; a login
//! belongs to none, and a failed one can be made by anybody, who could so fill a log that never
//! forgets. They stand in a file beside the log that is only ever added to, and of which the oldest
//! half goes when it is full.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};

use serde::{Deserialize, Serialize};
use shelf_domain::Timestamp;

use crate::error::HostError;
use crate::folder::Folder;

/// The most bytes of a file; there are two.
const AUDIT_BYTES: u64 = 4_000_000;
/// The most bytes of a name, an address or a word that are noted.
const NOTED_BYTES: usize = 120;

/// Something that a person did to the server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostAct {
    /// What time it was in the stores.
    pub at: Timestamp,
    /// What time it was on the clock of the machine.
    pub clock_at: Timestamp,
    /// Who, as far as they said.
    pub actor: String,
    /// What, as a stable code: `login`, `login_failed`, `logout`, `user_set`, `simulation_paused`
    /// and others.
    pub act: String,
    /// With what: an address, a speed, a user with what was set, the ids of entries.
    pub detail: String,
}

impl HostAct {
    /// Who or what it is about: the detail, up to the colon behind which it says more of them.
    pub fn about(&self) -> &str {
        self.detail.split(": ").next().unwrap_or_default()
    }
}

/// Adds an act, and makes it durable.
pub fn note_act(folder: &Folder, act: &HostAct) -> Result<(), HostError> {
    let path = folder.audit_path();
    let size = fs::metadata(&path).map_or(0, |meta| meta.len());
    if size >= AUDIT_BYTES {
        fs::rename(&path, folder.older_audit_path()).map_err(HostError::io("rename", &path))?;
    }
    let cut = |text: &str| text.chars().scan(0, within).collect::<String>();
    let act = HostAct { actor: cut(&act.actor), detail: cut(&act.detail), ..act.clone() };
    let line = serde_json::to_vec(&act)
        .map_err(|source| HostError::Meta { path: path.clone(), source })?;
    let file = File::options().append(true).read(true).create(true).mode(0o600).open(&path);
    let mut file = file.map_err(HostError::io("open", &path))?;
    let torn = ends_torn(&file).map_err(HostError::io("read", &path))?;
    // A line that a crash has cut off must not take the next one with it.
    let text = [if torn { &b"\n"[..] } else { b"" }, &line, b"\n"].concat();
    file.write_all(&text).map_err(HostError::io("write", &path))?;
    file.sync_data().map_err(HostError::io("sync", &path))
}

/// Whether the last line of a file has no end.
fn ends_torn(file: &File) -> std::io::Result<bool> {
    let Some(last) = file.metadata()?.len().checked_sub(1) else { return Ok(false) };
    let mut byte = [0];
    file.read_exact_at(&mut byte, last)?;
    Ok(byte != *b"\n")
}

/// The characters of a text up to its limit.
fn within(bytes: &mut usize, character: char) -> Option<char> {
    *bytes += character.len_utf8();
    (*bytes <= NOTED_BYTES).then_some(character)
}

/// The acts that a folder remembers, the oldest first. A line that was cut off by a crash is passed
/// over.
pub fn noted_acts(folder: &Folder) -> Result<Vec<HostAct>, HostError> {
    let mut acts = Vec::new();
    for path in [folder.older_audit_path(), folder.audit_path()] {
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => return Err(HostError::io("read", path)(error)),
        };
        let lines = text.split(|byte| *byte == b'\n');
        acts.extend(lines.filter_map(|line| serde_json::from_slice::<HostAct>(line).ok()));
    }
    Ok(acts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn act(at: i64, actor: &str) -> HostAct {
        let (at, clock_at) = (Timestamp(at), Timestamp(2 * at));
        let (actor, act) = (actor.to_owned(), "login".to_owned());
        HostAct { at, clock_at, actor, act, detail: "127.0.0.1".to_owned() }
    }

    #[test]
    fn what_was_noted_is_there_again_and_a_torn_line_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::at(dir.path());
        assert_eq!(noted_acts(&folder).unwrap(), []);
        let script = "<script>\n\"quote\"";
        note_act(&folder, &act(1, "ada")).unwrap();
        note_act(&folder, &act(2, script)).unwrap();
        let file = File::options().append(true).open(folder.audit_path());
        file.unwrap().write_all(b"{\"at\":3,\"act").unwrap();
        assert_eq!(noted_acts(&folder).unwrap(), [act(1, "ada"), act(2, script)]);
        note_act(&folder, &act(3, "bob")).unwrap();
        assert_eq!(noted_acts(&folder).unwrap().last(), Some(&act(3, "bob")));
        let long = "ä".repeat(200);
        let mut other = act(4, &long);
        note_act(&Folder::at(dir.path().join("nowhere")), &other).unwrap_err();
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::at(dir.path());
        note_act(&folder, &other).unwrap();
        other.actor = "ä".repeat(60);
        assert_eq!(noted_acts(&folder).unwrap(), [other]);
    }

    #[test]
    fn the_file_is_bounded_and_the_newest_stay() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::at(dir.path());
        note_act(&folder, &act(1, "ada")).unwrap();
        for _ in 0..2 {
            let full = File::options().append(true).open(folder.audit_path());
            full.unwrap().write_all(&vec![b'\n'; AUDIT_BYTES as usize]).unwrap();
            note_act(&folder, &act(2, "bob")).unwrap();
        }
        assert!(fs::metadata(folder.audit_path()).unwrap().len() < 1_000);
        let actors = noted_acts(&folder).unwrap().into_iter().map(|act| act.actor);
        assert_eq!(actors.collect::<Vec<_>>(), ["bob", "bob"]);
    }
}
