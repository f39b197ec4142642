//! `gifthorse man`: the flags, as manual pages.

use std::process::ExitCode;

use anyhow::Context;
use clap::CommandFactory;

use crate::cli::{Cli, ManArgs};
use crate::output;

/// Prints the page of the program, or writes that and one for each command.
///
/// # Errors
/// Standard output that is closed, a folder that cannot be written to.
pub fn run(args: &ManArgs) -> anyhow::Result<ExitCode> {
    match &args.out {
        Some(folder) => {
            let failed = || {
                format!(
                    "the manual pages cannot be written to {} (--out)",
                    folder.display()
                )
            };
            std::fs::create_dir_all(folder).with_context(failed)?;
            clap_mangen::generate_to(Cli::command(), folder).with_context(failed)?;
        }
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(Cli::command()).render(&mut page)?;
            output::print(&String::from_utf8(page)?)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
