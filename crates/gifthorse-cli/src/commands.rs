//! The commands, a file each.

mod certify;
mod compare;
mod completions;
mod data;
mod demo;
mod explain;
mod filter;
mod graph;
mod guard;
mod inspect;
mod logits;
mod make;
mod man;
mod plan_table;
mod repair;
mod scan;
mod trigger;
mod verify;
mod zoo;

use std::process::ExitCode;

use anyhow::Context;

use crate::cli::{Cli, Command};

/// Runs the command that was asked for, on the threads that were asked for.
///
/// # Errors
/// Whatever goes wrong.
pub fn run(cli: &Cli) -> anyhow::Result<ExitCode> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(cli.global.threads.unwrap_or_default());
    pool.build_global()
        .context("the threads cannot be started; ask for fewer with --threads")?;
    match &cli.command {
        Command::Demo(args) => demo::run(args, &cli.global),
        Command::Scan(args) => scan::run(args, &cli.global),
        Command::Repair(args) => repair::run(args, &cli.global),
        Command::Filter(args) => filter::run(args, &cli.global),
        Command::Verify(args) => verify::run(args, &cli.global),
        Command::Explain(args) => explain::run(args, &cli.global),
        Command::Certify(args) => certify::run(args, &cli.global),
        Command::Guard(args) => guard::run(args, &cli.global),
        Command::Inspect(args) => inspect::run(args),
        Command::Compare(args) => compare::run(args, &cli.global),
        Command::Logits(args) => logits::run(args),
        Command::Data(args) => data::run(args, &cli.global),
        Command::Trigger(args) => trigger::run(args, &cli.global),
        Command::Train(args) => make::train(args, &cli.global),
        Command::Plant(args) => make::plant(args, &cli.global),
        Command::Graph(args) => graph::run(args, &cli.global),
        Command::Zoo(args) => zoo::run(args, &cli.global),
        Command::Completions(args) => completions::run(args),
        Command::Man(args) => man::run(args),
    }
}
