//! The cargo workspace on disk: its root, its tracked files, and the way to build its binary.

use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The workspace that holds the current folder.
pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
}

/// How a binary is compiled: `Release` compiles fast, `Dist` runs fast and has every feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    Release,
    Dist,
}

impl Profile {
    fn name(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Dist => "dist",
        }
    }
}

impl Workspace {
    /// Looks upward from the current folder for the one that holds this package.
    pub(crate) fn find() -> Result<Self> {
        let here = std::env::current_dir().context("cannot tell the current folder")?;
        match here.ancestors().find(|dir| dir.join("xtask/Cargo.toml").is_file()) {
            Some(root) => Ok(Self { root: root.to_path_buf() }),
            None => bail!("{} is not inside the project's clone", here.display()),
        }
    }

    /// A command that runs the cargo that started this process, at the root.
    pub(crate) fn cargo(&self) -> Command {
        let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(program);
        command.current_dir(&self.root);
        // What cargo told this program of its own package would reach the build scripts of others:
        // some go by it, and all that depends on them would be built anew in each other clone.
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
                command.env_remove(&name);
            }
        }
        command
    }

    /// The answer of `cargo metadata` about the members; it does not touch the network.
    pub(crate) fn metadata(&self) -> Result<Value> {
        let mut command = self.cargo();
        command.args(["metadata", "--format-version", "1", "--no-deps"]);
        let text = stdout_of(&mut command)?;
        serde_json::from_str(&text).context("cannot read the answer of cargo metadata")
    }

    /// The files that are in the repository or would be with the next `git add`, relative to the
    /// root, with `/` between folders, sorted. Deleted files are left out.
    pub(crate) fn tracked_files(&self) -> Result<Vec<String>> {
        let mut command = Command::new("git");
        command.current_dir(&self.root);
        command.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
        let listing = stdout_of(&mut command)?;
        let mut paths: Vec<String> = listing
            .split('\0')
            .filter(|path| !path.is_empty() && self.root.join(path).is_file())
            .map(str::to_owned)
            .collect();
        paths.sort();
        paths.dedup();
        Ok(paths)
    }

    /// Builds the binary `shelf` and returns where it is.
    pub(crate) fn build_shelf(&self, profile: Profile) -> Result<PathBuf> {
        let name = profile.name();
        eprintln!("building shelf with profile {name}");
        let mut command = self.cargo();
        command.args(["build", "--package", "shelf", "--bin", "shelf", "--profile", name]);
        if profile == Profile::Dist {
            command.arg("--all-features");
        }
        run_to_success(&mut command)?;
        let metadata = self.metadata()?;
        let target = metadata
            .get("target_directory")
            .and_then(Value::as_str)
            .context("cargo metadata names no target_directory")?;
        Ok(Path::new(target).join(name).join(format!("shelf{}", std::env::consts::EXE_SUFFIX)))
    }
}

/// The command as a person would type it, with quotes where a shell needs them.
pub(crate) fn command_line(program: &OsStr, arguments: &[&OsStr]) -> String {
    let words = std::iter::once(program).chain(arguments.iter().copied());
    words.map(|word| quoted(&word.to_string_lossy())).collect::<Vec<_>>().join(" ")
}

/// Runs a command with this terminal as its own; an exit code other than 0 is an error.
pub(crate) fn run_to_success(command: &mut Command) -> Result<()> {
    let line = shown(command);
    let status = command.status().with_context(|| format!("cannot start `{line}`"))?;
    if !status.success() {
        bail!("`{line}` failed: {status}");
    }
    Ok(())
}

/// Runs a command and returns its stdout; its stderr stays visible.
pub(crate) fn stdout_of(command: &mut Command) -> Result<String> {
    let line = shown(command);
    command.stderr(std::process::Stdio::inherit());
    let output = command.output().with_context(|| format!("cannot start `{line}`"))?;
    if !output.status.success() {
        bail!("`{line}` failed: {}", output.status);
    }
    String::from_utf8(output.stdout).with_context(|| format!("`{line}` wrote invalid UTF-8"))
}

/// The line of a command that is about to start, for messages.
pub(crate) fn shown(command: &Command) -> String {
    let arguments: Vec<&OsStr> = command.get_args().collect();
    let program = Path::new(command.get_program());
    // The environment variable CARGO holds a long path; a person types the name.
    let short = match program.file_stem() {
        Some(stem) if stem == "cargo" => stem,
        _ => program.as_os_str(),
    };
    command_line(short, &arguments)
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_as_typed() {
        let mut command = Command::new("/opt/rust/bin/cargo");
        command.args(["test", "--", "a b", "it's"]);
        assert_eq!(shown(&command), r"cargo test -- 'a b' 'it'\''s'");
    }

    #[test]
    fn a_failing_command_is_named() {
        let error = run_to_success(&mut Command::new("false")).unwrap_err();
        assert!(error.to_string().starts_with("`false` failed"), "{error}");
    }
}
