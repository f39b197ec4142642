//! `gifthorse explain`: what a trigger does inside a model.

mod files;
pub(super) mod source;
mod table;

use std::process::ExitCode;

use anyhow::Context;
use gifthorse::explain;

use crate::cli::{ExplainArgs, Global};
use crate::output;

/// Looks at the trigger, writes what came of it and prints the tables.
///
/// # Errors
/// A trigger that cannot be had; as the library; a folder that cannot be written to.
pub fn run(args: &ExplainArgs, global: &Global) -> anyhow::Result<ExitCode> {
    let named = |text: &str, flag| source::named(text, flag, global.seed());
    let trigger = named(&args.trigger, "--trigger")?;
    let original = args.original.as_deref();
    let original = original.map(|text| named(text, "--original")).transpose()?;
    let request = args.request(trigger, original, global)?;
    if let Some(folder) = &args.out {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("the folder {} cannot be made (--out)", folder.display()))?;
    }
    let explained = explain(&request)?;
    if !global.quiet {
        let warnings = explained.warnings.iter();
        warnings.for_each(|warning| output::note(&format!("warning: {warning}")));
    }
    if let Some(folder) = &args.out {
        files::write(folder, &explained, !args.no_images)?;
    }
    if args.json {
        output::print(&files::json(&explained)?)?;
    } else if !global.quiet {
        output::print(&table::text(&explained))?;
        if let Some(folder) = &args.out {
            let page = folder.join("explain.html");
            output::note(&format!("written to {}", page.display()));
        }
    }
    Ok(ExitCode::SUCCESS)
}
