//! The binary `shelf`: reads the command line, wires what a command needs, prints what it comes to.

mod acts;
mod alerts;
mod args;
mod bench;
mod config;
mod doctor;
mod failure;
mod import;
mod kafka;
mod kpi;
mod lake;
mod links;
mod live;
mod log;
mod memory;
mod orders;
mod output;
mod progress;
mod quality;
mod quarantine;
mod replay;
mod report;
mod routing;
mod run;
mod sales;
mod send;
mod settings;
mod shelves;
mod simulate;
mod sql;
mod state;
mod status;
mod stop;
mod user;
mod watch;
mod web;
mod windows;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use crate::args::{Args, Command};
use crate::failure::Failure;
use crate::output::Output;
use crate::settings::Settings;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    hush_caught_panics();
    let args = Args::parse();
    if matches!(args.chosen(), Command::Run(_)) {
        memory::give_back_at_once();
    }
    let output = Output::new(args.json);
    match run_command(&args, output) {
        Ok(code) => code,
        Err(failure) => {
            output.failure(&failure);
            ExitCode::from(failure.exit)
        }
    }
}

/// A writer of Delta's that could not write a file panics when it is given up, and so does a reader
/// that could not read a table's log; both catch that themselves. What went wrong comes back as an
/// error, and a person need not read of it twice.
fn hush_caught_panics() {
    const GIVEN_UP: [&str; 2] = ["Already shut down", "TokioMultiThreadExecutor has crashed"];
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let of_lake = std::thread::current().name() == Some(lake::THREAD);
        let said = info.payload_as_str().unwrap_or_default();
        if !of_lake || !GIVEN_UP.iter().any(|given_up| said.starts_with(given_up)) {
            usual(info);
        }
    }));
}

fn run_command(args: &Args, output: Output) -> Result<ExitCode, Failure> {
    let loaded = Settings::load(args);
    if let Command::Config(command) = &args.chosen() {
        return config::run(command, loaded, output);
    }
    if let Command::Completions { shell } = args.chosen() {
        return completions(shell, output);
    }
    if matches!(args.chosen(), Command::Man) {
        return man(output);
    }
    let loaded = loaded?;
    let settings = &loaded.settings;
    match args.chosen() {
        Command::Run(run) if settings.kafka.wanted() => kafka::work(&run, settings, output)?,
        Command::Run(run) => run::run(&run, &loaded, output)?,
        Command::Simulate(simulate) => simulate::run(&simulate, settings, output)?,
        Command::Replay(replay) => replay::run(&replay, settings, output)?,
        Command::Import(import) => return import::run(&import, settings, output),
        Command::Send(send) => return send::run(&send, settings, output),
        Command::Watch(watch) => watch::run(&watch, settings, output)?,
        Command::Status(status) => status::run(&status, settings, output)?,
        Command::Alerts(alerts) => return alerts::run(&alerts, settings, output),
        Command::Orders(orders) => return orders::run(&orders, settings, output),
        Command::Tasks(tasks) => return orders::tasks(&tasks, settings, output),
        Command::Shelves(shelves) => shelves::run(&shelves, settings, output)?,
        Command::Kpi(kpi) => kpi::run(&kpi, settings, output)?,
        Command::Sales(sales) => sales::run(&sales, settings, output)?,
        Command::State(state) => state::run(&state, settings, output)?,
        Command::Sql(sql) => sql::run(&sql, settings, output)?,
        Command::Windows(windows) => windows::run(&windows, settings, output)?,
        Command::Log(log) => return log::run(&log, settings, output),
        Command::Quarantine(command) => return quarantine::run(&command, settings, output),
        Command::Quality(args) => return quality::run(&args, settings, output),
        Command::Lake(lake) => return lake::run(&lake, settings, output),
        Command::Kafka(command) => return kafka::run(&command, settings, output),
        Command::Bridge(args) => kafka::bridge(&args, settings, output)?,
        Command::Doctor => return doctor::run(settings, output),
        Command::Bench(bench) => bench::run(&bench, output)?,
        Command::Report(report) => report::run(&report, settings, output)?,
        Command::User(user) => user::run(&user, settings, output)?,
        Command::Config(_) | Command::Completions { .. } | Command::Man => {}
    }
    Ok(ExitCode::SUCCESS)
}

fn completions(shell: clap_complete::Shell, output: Output) -> Result<ExitCode, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "shelf", &mut script);
    output.bytes(&script)?;
    Ok(ExitCode::SUCCESS)
}

fn man(output: Output) -> Result<ExitCode, Failure> {
    let mut page = Vec::new();
    clap_mangen::Man::new(Args::command()).render(&mut page).map_err(Failure::stdout)?;
    output.bytes(&page)?;
    Ok(ExitCode::SUCCESS)
}
