//! `cargo xtask test`: everything that continuous integration runs, in order, until the first
//! failure. It must pass on a fresh machine with a Rust toolchain and a C compiler.

use crate::workspace::{Workspace, run_to_success};
use crate::{codegen, schemas, tidy, tools};
use anyhow::{Result, bail};
use clap::ValueEnum;
use std::time::{Duration, Instant};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Run these steps only, separated by commas.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "STEP")]
    only: Vec<Step>,
}

/// The steps, in the order in which they run: the quick ones first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Step {
    /// What the tests call is there, or is installed.
    Tools,
    /// The source is formatted.
    Fmt,
    /// Neither rustc nor clippy has a warning.
    Clippy,
    /// Nor has the build without further features, which `cargo run` of a clone makes.
    Plain,
    /// The rules of the source tree hold.
    Tidy,
    /// No change of a schema breaks who reads or who writes.
    Schemas,
    /// Every test passes.
    Test,
    /// The documentation builds without a warning.
    Doc,
    /// The generated files that are committed are current.
    Codegen,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Passed(Duration),
    Failed(Duration),
    NotReached,
}

impl Step {
    fn name(self) -> &'static str {
        match self {
            Self::Tools => "tools",
            Self::Fmt => "fmt",
            Self::Clippy => "clippy",
            Self::Plain => "plain",
            Self::Tidy => "tidy",
            Self::Schemas => "schemas",
            Self::Test => "test",
            Self::Doc => "doc",
            Self::Codegen => "codegen",
        }
    }

    /// The command that does the work of this step and nothing else.
    fn command(self) -> &'static str {
        match self {
            Self::Tools => "apt-get, rustup and pip, for what is missing",
            Self::Fmt => "cargo fmt --all --check",
            Self::Clippy => "cargo clippy --workspace --all-targets --all-features -- -D warnings",
            Self::Plain => "cargo clippy -p shelf -- -D warnings",
            Self::Tidy => "cargo xtask tidy",
            Self::Schemas => "cargo xtask schemas check",
            Self::Test => "cargo test --workspace --all-features",
            Self::Doc => "RUSTDOCFLAGS=-Dwarnings cargo doc --workspace --all-features --no-deps",
            Self::Codegen => "cargo xtask codegen --check",
        }
    }

    fn perform(self, workspace: &Workspace) -> Result<()> {
        match self {
            Self::Tools => tools::ensure(workspace),
            Self::Tidy => tidy::run(workspace),
            Self::Schemas => schemas::check(workspace),
            Self::Codegen => codegen::check(workspace),
            Self::Fmt | Self::Clippy | Self::Plain | Self::Test | Self::Doc => {
                let mut command = workspace.cargo();
                let words = self.command().split(' ');
                command.args(words.skip_while(|word| *word != "cargo").skip(1));
                if self == Self::Doc {
                    command.env("RUSTDOCFLAGS", "-Dwarnings");
                }
                run_to_success(&mut command)
            }
        }
    }
}

pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    let steps = selection(&args.only);
    let started = Instant::now();
    let mut rows: Vec<(Step, Outcome)> =
        steps.iter().map(|step| (*step, Outcome::NotReached)).collect();
    let mut failure = None;
    for (step, outcome) in &mut rows {
        eprintln!("\n==> {}: {}", step.name(), step.command());
        let step_started = Instant::now();
        let result = step.perform(workspace);
        let duration = step_started.elapsed();
        let seconds = duration.as_secs_f64();
        if let Err(error) = result {
            *outcome = Outcome::Failed(duration);
            eprintln!("<== {} failed after {seconds:.1} s: {error:#}", step.name());
            failure = Some(*step);
            break;
        }
        *outcome = Outcome::Passed(duration);
        eprintln!("<== {} passed in {seconds:.1} s", step.name());
    }
    eprint!("\n{}", summary(&rows, started.elapsed()));
    if let Some(step) = failure {
        let name = step.name();
        bail!("{name} failed\n  repeat it with: cargo xtask test --only {name}");
    }
    Ok(())
}

/// The asked steps in the order of the run; all of them if none is asked.
fn selection(only: &[Step]) -> Vec<Step> {
    let asked = |step: &&Step| only.is_empty() || only.contains(step);
    Step::value_variants().iter().filter(asked).copied().collect()
}

fn summary(rows: &[(Step, Outcome)], total: Duration) -> String {
    let line = |name: &str, word: &str, duration: Option<Duration>| {
        let time = duration.map_or_else(String::new, |time| format!("{:.1} s", time.as_secs_f64()));
        format!("{}\n", format!("  {name:<8} {word:<11} {time:>9}").trim_end())
    };
    let steps = rows.iter().map(|(step, outcome)| match outcome {
        Outcome::Passed(duration) => line(step.name(), "passed", Some(*duration)),
        Outcome::Failed(duration) => line(step.name(), "FAILED", Some(*duration)),
        Outcome::NotReached => line(step.name(), "not reached", None),
    });
    let total = line("total", "", Some(total));
    steps.chain([total]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_run_in_order_whatever_is_asked() {
        assert_eq!(selection(&[Step::Doc, Step::Fmt]), [Step::Fmt, Step::Doc]);
        assert_eq!(selection(&[]).len(), Step::value_variants().len());
    }

    #[test]
    fn a_step_is_named_as_on_the_command_line() {
        for step in Step::value_variants() {
            assert_eq!(Step::from_str(step.name(), false).as_ref(), Ok(step));
        }
    }

    #[test]
    fn the_summary_shows_what_was_not_reached() {
        let rows = [
            (Step::Fmt, Outcome::Passed(Duration::from_millis(1200))),
            (Step::Clippy, Outcome::Failed(Duration::from_secs(31))),
            (Step::Test, Outcome::NotReached),
        ];
        let expected = "  fmt      passed          1.2 s\n  clippy   FAILED         31.0 s\n  \
                        test     not reached\n  total                   33.0 s\n";
        assert_eq!(summary(&rows, Duration::from_secs(33)), expected);
    }
}
