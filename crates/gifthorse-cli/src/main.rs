//! The command line of gifthorse: parses, calls the library, renders.
//!
//! Exit status: 0 clean (or done), 1 backdoored (or a replay that does not hold, models that differ,
//! or more images flagged than a filter's rate explains), 2 usage or input error, 3 inconclusive, 4
//! not what a policy asks for, 5 not repaired.

mod cli;
mod commands;
mod data;
mod fetch;
mod output;
mod progress;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    let outcome = commands::run(&cli);
    outcome.unwrap_or_else(|error| output::failure(&error))
}
