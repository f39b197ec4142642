//! `gifthorse zoo`: many models with a known truth.

mod adapt;
mod build;
mod filter;
mod library;
mod progress;
mod repair;
mod scan;
mod table;

use std::process::ExitCode;

use crate::cli::{Global, ZooArgs, ZooCommand};

/// Runs the command of the zoo that was asked for.
///
/// # Errors
/// As that command.
pub fn run(args: &ZooArgs, global: &Global) -> anyhow::Result<ExitCode> {
    match &args.command {
        ZooCommand::Build(args) => build::run(args, global),
        ZooCommand::Scan(args) => scan::run(args, global),
        ZooCommand::Repair(args) => repair::run(args, global),
        ZooCommand::Filter(args) => filter::run(args, global),
        ZooCommand::Adapt(args) => adapt::run(args, global),
        ZooCommand::Library(args) => library::run(args, global),
    }
}
