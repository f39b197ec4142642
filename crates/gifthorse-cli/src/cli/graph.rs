//! Arguments of `graph`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Arguments of `graph`.
#[derive(Args, Debug)]
pub struct GraphArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: GraphCommand,
}

/// What to do with the graphs of losses.
#[derive(Debug, Subcommand)]
pub enum GraphCommand {
    /// Sign graphs that an expert has looked at, so that training can be held to them.
    Sign(GraphSignArgs),
    /// Say, and draw, how the losses of one run differ from those of another.
    Compare(GraphCompareArgs),
}

/// Arguments of `graph sign`.
#[derive(Args, Debug)]
pub struct GraphSignArgs {
    /// The graphs, as `train --loss-graph` writes them; the signature goes to FILE.json.sig.
    #[arg(value_name = "FILE.json")]
    pub graphs: PathBuf,
    /// The private key, a PEM file for Ed25519.
    #[arg(long, value_name = "KEY.pem")]
    pub key: PathBuf,
    /// Sign although the steps have several graphs, each of which is trusted in any step.
    #[arg(long)]
    pub several: bool,
}

/// Arguments of `graph compare`.
#[derive(Args, Debug)]
pub struct GraphCompareArgs {
    /// The graphs that are trusted.
    #[arg(value_name = "TRUSTED.json")]
    pub trusted: PathBuf,
    /// Those of another run.
    #[arg(value_name = "FOUND.json")]
    pub found: PathBuf,
    /// Draw the difference.
    #[arg(long, short, value_name = "FILE.svg", help_heading = "Output")]
    pub out: Option<PathBuf>,
}
