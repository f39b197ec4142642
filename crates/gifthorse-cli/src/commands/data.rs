//! `gifthorse data`: the data sets that are known by name, and audits of training sets.

mod audit;
mod audit_files;

use std::io::IsTerminal;
use std::path::Path;
use std::process::ExitCode;

use crate::fetch::{fetch, published};
use anyhow::bail;
use comfy_table::Table;
use comfy_table::presets::NOTHING;
use gifthorse_data::source::Set;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::{DataArgs, DataCommand, Global};
use crate::output;

/// Lists, fetches or audits.
///
/// # Errors
/// A data set that cannot be fetched; as the library.
pub fn run(args: &DataArgs, global: &Global) -> anyhow::Result<ExitCode> {
    match &args.command {
        DataCommand::Audit(args) => audit::run(args, global),
        DataCommand::List { data } => list(crate::data::folder(data.as_deref()).as_deref()),
        DataCommand::Fetch { set, to } => {
            let Some(folder) = crate::data::folder(to.as_deref()) else {
                bail!(
                    "name the folder that is to hold {set}, with --to or the variable GIFTHORSE_DATA"
                );
            };
            let bar = bar(global.quiet);
            let outcome = fetch(*set, &folder, &|name, done, all| {
                bar.set_length(all);
                bar.set_position(done);
                bar.set_message(name.to_owned());
            });
            bar.finish_and_clear();
            let path = outcome?;
            if !global.quiet {
                output::note(&format!("{set}: {}", path.display()));
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn list(data: Option<&Path>) -> anyhow::Result<ExitCode> {
    let mut table = Table::new();
    table.load_preset(NOTHING);
    table.set_header(["set", "where", "", "download"]);
    for set in Set::ALL {
        let place = match (set, set.folder(), data) {
            (_, Some(folder), Some(data)) => data.join(folder).display().to_string(),
            (_, Some(folder), None) => format!("GIFTHORSE_DATA/{folder}"),
            (Set::Signs, ..) => "generated".to_owned(),
            _ => "anywhere (path)".to_owned(),
        };
        let there = match (set.folder(), data) {
            (Some(folder), Some(data)) if data.join(folder).exists() => "there",
            (Some(_), _) => "missing",
            (None, _) => "",
        };
        let download = published(set).map_or("none".to_owned(), |published| {
            let mebibytes = published.bytes().div_ceil(1 << 20);
            format!(
                "up to {mebibytes} MiB, checked by {}",
                published.hashes_from
            )
        });
        let download = if set.folder().is_some() {
            download
        } else {
            String::new()
        };
        table.add_row([set.to_string(), place, there.to_owned(), download]);
    }
    output::print(&format!("{}\n", table.trim_fmt()))?;
    Ok(ExitCode::SUCCESS)
}

fn bar(quiet: bool) -> ProgressBar {
    let bar = ProgressBar::no_length();
    bar.set_draw_target(match quiet || !std::io::stderr().is_terminal() {
        true => ProgressDrawTarget::hidden(),
        false => ProgressDrawTarget::stderr(),
    });
    // A template that does not parse leaves the bar as it is.
    if let Ok(style) = ProgressStyle::with_template(
        "[{bar:30}] {bytes} of at most {total_bytes}, {eta} left, {msg}",
    ) {
        bar.set_style(style);
    }
    bar
}
