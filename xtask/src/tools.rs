//! The programs that the tests call: looked for, and installed where one is missing.

use crate::workspace::run_to_success;
use anyhow::{Result, bail};
use std::process::{Command, Stdio};

/// A program, and the Debian package that brings it.
const PROGRAMS: [(&str, &str); 9] = [
    ("cc", "build-essential"),
    ("gzip", "gzip"),
    ("prlimit", "util-linux"),
    ("script", "bsdutils"),
    ("setpriv", "util-linux"),
    ("tar", "tar"),
    ("timeout", "coreutils"),
    ("unshare", "util-linux"),
    ("xz", "xz-utils"),
];

/// Components of the toolchain, by the words that ask cargo for them.
const COMPONENTS: [(&str, &str); 2] = [("fmt", "rustfmt"), ("clippy", "clippy")];

/// Sees to it that everything the tests call is there.
pub(crate) fn ensure() -> Result<()> {
    for (word, component) in COMPONENTS {
        if !runs(Command::new("cargo").args([word, "--version"])) {
            run_to_success(Command::new("rustup").args(["component", "add", component]))?;
        }
    }
    let absent =
        missing(|program| runs(Command::new("sh").args(["-c", &format!("command -v {program}")])));
    if absent.is_empty() {
        return Ok(());
    }
    eprintln!("installing {}", absent.join(", "));
    if !runs(Command::new("apt-get").arg("--version")) {
        bail!("please install {}: there is no apt-get to do it", absent.join(", "));
    }
    run_to_success(Command::new("apt-get").args(["update", "-qq"]))?;
    run_to_success(Command::new("apt-get").args(["install", "-y", "-qq"]).args(&absent))
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

    #[test]
    fn a_package_is_named_once_however_many_programs_it_brings() {
        assert_eq!(missing(|_| true), Vec::<&str>::new());
        let none_of_util_linux = |program: &str| !["prlimit", "setpriv", "xz"].contains(&program);
        assert_eq!(missing(none_of_util_linux), ["util-linux", "xz-utils"]);
    }
}
