//! The arguments of the command line.

mod parse;
mod preprocess;
mod scan;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use preprocess::PreprocessArgs;
pub use scan::ScanArgs;

/// Looks a trained image classifier in the mouth: does it carry a backdoor?
#[derive(Debug, Parser)]
#[command(version, propagate_version = true, after_help = EXIT_STATUS)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Settings of all commands.
    #[command(flatten)]
    pub global: Global,
}

const EXIT_STATUS: &str =
    "Exit status: 0 clean or done, 1 backdoored or not confirmed, 2 error, 3 inconclusive.";

/// Settings of all commands.
#[derive(Args, Debug)]
pub struct Global {
    /// Seed of every random choice: same seed, same report.
    #[arg(long, global = true, default_value_t = 0, value_name = "N")]
    pub seed: u64,
    /// Threads to work with; all cores by default. Findings do not depend on it.
    #[arg(long, global = true, value_name = "N", value_parser = parse::threads)]
    pub threads: Option<usize>,
    /// Print no progress, warnings or tables: the exit status says it.
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// Whether to colour what is printed.
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub color: Color,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Also in a file or pipe.
    Always,
    /// Never.
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Scan an ONNX model for a backdoor, with clean images.
    Scan(Box<ScanArgs>),
}
