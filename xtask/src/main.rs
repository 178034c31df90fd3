//! Every task of the project behind one command: `cargo xtask <task>`.
//!
//! A task starts programs and reads their output. It links none of the project's crates, so that
//! it compiles in seconds and works while they do not.

mod bench;
mod codegen;
mod crash;
mod machine;
mod picture;
mod python;
mod rust_text;
mod schemas;
mod screenshots;
mod services;
mod test_run;
mod tidy;
mod tools;
mod workspace;

use anyhow::Result;
use clap::{Parser, Subcommand};
use std::process::ExitCode;
use workspace::Workspace;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The tasks of the project")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Run everything that continuous integration runs.
    Test(test_run::Args),
    /// Check the rules of the source tree: layers, headers, sizes, names, links, words, records.
    Tidy,
    /// Write the generated files that are committed, or check that they are current.
    Codegen(codegen::Args),
    /// Compare the schemas with those that were published last, or publish them.
    Schemas(schemas::Args),
    /// Kill `shelf simulate` again and again; the outcome must equal that of a run left alone.
    Crash(crash::Args),
    /// Print the benchmark table.
    Bench(bench::Args),
    /// Render the picture of the README.
    Picture,
    /// Fetch, start or stop the servers that the product joins, for tests and for a person.
    Services(services::Args),
    /// Render every page of the dashboard, light and dark, into `docs/pictures/pages`.
    Screenshots,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match perform(cli.task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The message alone: a backtrace of this program would bury the output of the task.
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn perform(task: Task) -> Result<()> {
    let workspace = Workspace::find()?;
    match task {
        Task::Test(args) => test_run::run(&workspace, &args),
        Task::Tidy => tidy::run(&workspace),
        Task::Codegen(args) => codegen::run(&workspace, &args),
        Task::Schemas(args) => schemas::run(&workspace, &args),
        Task::Crash(args) => crash::run(&workspace, &args),
        Task::Bench(args) => bench::run(&workspace, &args),
        Task::Picture => picture::run(&workspace),
        Task::Services(args) => services::run(&workspace, &args),
        Task::Screenshots => screenshots::run(&workspace),
    }
}
