//! `gifthorse certify`: answers that no small change of an image can turn.

mod table;

use std::process::ExitCode;

use gifthorse::certify;

use super::explain::source;
use crate::cli::{CertifyArgs, Global};
use crate::output;
use crate::progress::Progress;

/// Certifies the answers of the smoothed model, and prints what they are worth.
///
/// # Errors
/// A trigger that cannot be had; as the library.
pub fn run(args: &CertifyArgs, global: &Global) -> anyhow::Result<ExitCode> {
    let trigger = args.trigger.as_deref();
    let trigger = trigger
        .map(|text| source::named(text, "--trigger", global.seed()))
        .transpose()?;
    let progress = Progress::new(global.quiet);
    let certified = certify(&args.request(trigger, global)?, &progress);
    progress.finish();
    let certified = certified?;
    if !global.quiet {
        let warnings = certified.warnings.iter();
        warnings.for_each(|warning| output::note(&format!("warning: {warning}")));
    }
    if args.json {
        let json = serde_json::to_string_pretty(&certified)?;
        output::print(&format!("{json}\n"))?;
    } else if !global.quiet {
        output::print(&table::text(&certified))?;
    }
    Ok(ExitCode::SUCCESS)
}
