//! A PostgreSQL whose disk takes no more: the mirror says so, waits, and loses nothing. Its
//! database lies on a small file system of its own, which only root can make.

#![expect(clippy::unwrap_used, reason = "the helpers of tests fail like tests")]
#![expect(clippy::expect_used, reason = "the helpers of tests fail like tests")]

#[path = "fixture/chain.rs"]
mod chain;
#[path = "fixture/database.rs"]
mod database;

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::process::Command;

use chain::{seen, simulated, state};
use database::{another_database, fingerprint, session};
use shelf_host::Folder;
use shelf_links::{LinkState, LinkStatus, MirrorFollower, MirrorOptions, Until, start_mirror};
use shelf_mirrors::Postgres;
use shelf_testkit::servers::PostgresServer;

/// A new database takes 8 MB of it.
const SMALL: &str = "size=10m";
const LARGE: &str = "remount,size=512m";

/// A file system in memory, unmounted with its test.
struct Disk(tempfile::TempDir);

impl Disk {
    fn mounted() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let disk = Self(folder);
        let user = Command::new("id").args(["-u", "postgres"]).output().unwrap();
        let user = String::from_utf8(user.stdout).unwrap();
        disk.mount(&format!("{SMALL},mode=0700,uid={}", user.trim()));
        disk
    }

    fn mount(&self, options: &str) {
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", options, "shelf-test"]).arg(self.0.path());
        assert!(mount.status().expect("mount").success());
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.0.path()).status();
    }
}

fn options(url: &str) -> MirrorOptions {
    MirrorOptions { commit_rows: 500, ..MirrorOptions::new(Postgres::parse(url).unwrap()) }
}

#[test]
fn a_full_disk_of_the_server_is_said_and_nothing_is_lost() {
    let user = std::fs::metadata("/proc/self").unwrap().uid();
    assert_eq!(user, 0, "only root can make the small file system that this test needs: run it so");
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::at(dir.path().join("data"));
    simulated(&folder, 60);
    // It outlives the server, whose files lie on it.
    let disk = Disk::mounted();
    let server = PostgresServer::start();
    let place = format!("CREATE TABLESPACE small LOCATION '{}'", disk.0.path().display());
    session(&server.url()).batch_execute(&place).unwrap();
    let make = "CREATE DATABASE full_one TABLESPACE small";
    session(&server.url()).batch_execute(make).unwrap();
    let (base, _) =
        server.url().rsplit_once('/').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    let url = format!("{base}/full_one");
    let link = start_mirror(&folder, options(&url)).unwrap();
    let view = seen("the full disk", &link, |view| view.failures >= 2);
    assert_eq!(view.state, LinkState::Waiting, "{view:?}");
    let failure = view.failure.unwrap();
    assert_eq!(failure.code, "mirror_full", "{failure:?}");
    assert!(failure.message.contains("No space left"), "{failure:?}");
    disk.mount(LARGE);
    let wanted: u64 = state(&folder).positions().into_iter().map(|(_, end)| end).sum();
    let view = seen("the rest", &link, |view| view.position == Some(wanted));
    assert_eq!((view.state, view.failure), (LinkState::Following, None));
    assert_eq!(view.last_failure.map(|failure| failure.code).as_deref(), Some("mirror_full"));
    assert!(link.stop());
    let roomy = another_database(&server.url(), "roomy");
    let mut follower = MirrorFollower::open(&folder, options(&roomy)).unwrap();
    follower.follow(Until::CaughtUp, || false, &LinkStatus::new("mirror")).unwrap();
    assert_eq!(fingerprint(&url), fingerprint(&roomy));
}
