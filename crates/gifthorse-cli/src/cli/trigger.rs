//! Arguments of `trigger`.

use std::path::PathBuf;

use clap::{ArgGroup, Args};

use super::parse;

/// Arguments of `trigger`.
#[derive(Args, Debug)]
#[command(group(ArgGroup::new("what").required(true).args(["name", "toml", "list"])))]
pub struct TriggerArgs {
    /// Which trigger; --list says which there are.
    pub name: Option<String>,
    /// List the triggers.
    #[arg(long)]
    pub list: bool,
    /// Draw the trigger that this file describes, a table with its `kind`.
    #[arg(long, value_name = "FILE.toml")]
    pub toml: Option<PathBuf>,
    /// Change a setting of the trigger, such as size=8 or colour=[1.0,0.0,0.0]; may be given
    /// several times.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub settings: Vec<String>,
    /// Where to write the picture; without it, only the trigger's settings are printed.
    #[arg(long, short, value_name = "FILE.png")]
    pub out: Option<PathBuf>,
    /// Put it on this picture, and not on grey.
    #[arg(long, value_name = "FILE")]
    pub image: Option<PathBuf>,
    /// Height and width of the picture; 32x32, or those of --image, by default.
    #[arg(long, value_name = "HxW", value_parser = parse::size)]
    pub size: Option<[usize; 2]>,
    /// One channel in place of three.
    #[arg(long)]
    pub grey: bool,
    /// Pixels of the file for each pixel of the picture, along each side.
    #[arg(long, value_name = "N", value_parser = parse::count, default_value_t = 1)]
    pub enlarge: usize,
}
