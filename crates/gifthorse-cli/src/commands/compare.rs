//! `gifthorse compare`: what is different between two models.

mod table;

use std::process::ExitCode;

use gifthorse::compare;

use crate::cli::{CompareArgs, Global};
use crate::output;

/// Exit status where the two do not compute the same.
const DIFFERENT: u8 = 1;

/// Compares two files, and exits with 0 if both compute the same.
///
/// # Errors
/// As the library.
pub fn run(args: &CompareArgs, global: &Global) -> anyhow::Result<ExitCode> {
    let compared = compare(&args.request(global)?)?;
    if !global.quiet {
        let warnings = compared.warnings.iter();
        warnings.for_each(|warning| output::note(&format!("warning: {warning}")));
    }
    if args.json {
        output::print(&format!("{}\n", serde_json::to_string_pretty(&compared)?))?;
    } else if !global.quiet {
        output::print(&table::text(&compared))?;
    }
    Ok(match compared.is_same_function() {
        true => ExitCode::SUCCESS,
        false => ExitCode::from(DIFFERENT),
    })
}
