//! The programs that the tests call: looked for, and installed where one is missing.

use crate::python;
use crate::services;
use crate::workspace::{Workspace, run_to_success};
use anyhow::{Context, Result, bail};
use std::env;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A program that the tests or benches call, and the Debian package that brings it.
const PROGRAMS: [(&str, &str); 35] = [
    ("cc", "build-essential"),
    ("chmod", "coreutils"),
    ("chown", "coreutils"),
    ("chromedriver", "chromium-driver"),
    ("chromium", "chromium"),
    ("cp", "coreutils"),
    ("df", "coreutils"),
    ("faketime", "faketime"),
    ("git", "git"),
    ("grep", "grep"),
    ("gzip", "gzip"),
    ("id", "coreutils"),
    ("initdb", "postgresql"),
    ("ip", "iproute2"),
    ("java", "default-jdk-headless"),
    ("javac", "default-jdk-headless"),
    ("keytool", "default-jdk-headless"),
    ("kill", "procps"),
    ("mount", "mount"),
    ("mvn", "maven"),
    ("openssl", "openssl"),
    ("prlimit", "util-linux"),
    ("psql", "postgresql-client"),
    ("python3", "python3"),
    ("redis-server", "redis-server"),
    ("script", "bsdutils"),
    ("setpriv", "util-linux"),
    ("sh", "dash"),
    ("stty", "coreutils"),
    ("tar", "tar"),
    ("taskset", "util-linux"),
    ("timeout", "coreutils"),
    ("umount", "mount"),
    ("unshare", "util-linux"),
    ("xz", "xz-utils"),
];

/// Components of the toolchain, by the words that ask cargo for them.
const COMPONENTS: [(&str, &str); 2] = [("fmt", "rustfmt"), ("clippy", "clippy")];

/// Sees to it that everything the tests call is there.
pub(crate) fn ensure(workspace: &Workspace) -> Result<()> {
    ensure_programs()?;
    services::fetch(workspace)?;
    python::ensure(workspace, || install(&["python3-venv"]))
}

fn ensure_programs() -> Result<()> {
    for (word, component) in COMPONENTS {
        if !runs(Command::new("cargo").args([word, "--version"])) {
            run_to_success(Command::new("rustup").args(["component", "add", component]))?;
        }
    }
    let absent = missing(in_path);
    if absent.is_empty() {
        return Ok(());
    }
    install(&absent)
}

/// Installs packages of Debian.
fn install(absent: &[&str]) -> Result<()> {
    let install = ["apt-get", "install", "-y", "-qq"];
    let Some(rights) = rights() else {
        let typed = format!("{} {}", install.join(" "), absent.join(" "));
        bail!("programs of the tests are missing; as root, run: apt-get update && {typed}");
    };
    eprintln!("installing {}", absent.join(", "));
    run_as_root(rights, &["apt-get", "update", "-qq"])?;
    run_as_root(rights, &[&install[..], absent].concat())
}

/// How this process may install packages.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rights {
    Root,
    Sudo,
}

/// `None` where packages cannot be installed without a person.
fn rights() -> Option<Rights> {
    let root = fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
    match root {
        _ if !in_path("apt-get") => None,
        true => Some(Rights::Root),
        // Only where it asks for no password: nobody may be there to give one.
        false => runs(Command::new("sudo").args(["-n", "true"])).then_some(Rights::Sudo),
    }
}

fn run_as_root(rights: Rights, words: &[&str]) -> Result<()> {
    let before: &[&str] = if rights == Rights::Sudo { &["sudo", "-n"] } else { &[] };
    let words = [before, words].concat();
    let (program, arguments) = words.split_first().context("an empty command")?;
    run_to_success(Command::new(program).args(arguments))
}

/// Whether there is an executable file of this name in the search path. A shell would say yes for
/// what it does itself, such as `kill`, which no other program can start.
fn in_path(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut dirs = env::split_paths(&path).chain(postgres_folders());
    dirs.any(|dir| executable(&dir.join(program)))
}

/// Where Debian puts the programs of its PostgreSQL servers: a folder for each version, outside of
/// the search path.
fn postgres_folders() -> impl Iterator<Item = PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    versions.map(|version| version.path().join("bin"))
}

fn executable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

/// The packages of the programs that are not there, each once.
fn missing(there: impl Fn(&str) -> bool) -> Vec<&'static str> {
    let mut packages: Vec<&str> = PROGRAMS
        .iter()
        .filter(|(program, _)| !there(program))
        .map(|(_, package)| *package)
        .collect();
    packages.sort_unstable();
    packages.dedup();
    packages
}

fn runs(command: &mut Command) -> bool {
    let quiet = command.stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::stdout_of;

    #[test]
    fn a_package_is_named_once_however_many_programs_it_brings() {
        assert_eq!(missing(|_| true), Vec::<&str>::new());
        let none_of_util_linux = |program: &str| !["prlimit", "setpriv", "xz"].contains(&program);
        assert_eq!(missing(none_of_util_linux), ["util-linux", "xz-utils"]);
    }

    #[test]
    fn only_an_executable_file_counts() {
        assert!(in_path("sh"));
        // What only a shell does is no program.
        assert!(!in_path("ulimit") && !in_path("cd.") && !in_path("no such program"));
        assert!(!executable(Path::new("Cargo.toml")) && !executable(Path::new(".")));
    }

    #[test]
    fn what_the_sources_start_is_listed() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut sources = Command::new("git");
        sources.args(["grep", "-ohE", STARTED, "--", "*.rs"]).current_dir(root);
        let found = stdout_of(&mut sources).unwrap();
        for line in found.lines() {
            let program = line.trim_end_matches("\")").rsplit('"').next().unwrap();
            let listed = PROGRAMS.iter().any(|(name, _)| *name == program);
            assert!(listed || OTHERS.contains(&program), "{program} is not in the list");
        }
    }

    /// How a program is started by name.
    const STARTED: &str = "Command::new\\(\"[a-z-]+\"\\)";
    /// What comes with the toolchain, or is looked for where it is used.
    const OTHERS: [&str; 7] = ["apt-get", "cargo", "false", "rustc", "rustup", "shelf", "sudo"];
}
