//! `gifthorse scan`: a verdict on a model.

use std::process::ExitCode;

use anyhow::Context;
use gifthorse::{ScanOutcome, scan};
use gifthorse_report::html::HtmlOptions;
use gifthorse_report::report::Verdict;
use gifthorse_report::{Report, terminal, write_out};

use super::plan_table;
use crate::cli::{Global, ScanArgs};
use crate::output;
use crate::progress::Progress;

/// Scans, writes the report and prints the verdict.
///
/// # Errors
/// As the scan, or a report that cannot be written.
pub fn run(args: &ScanArgs, global: &Global) -> anyhow::Result<ExitCode> {
    let request = args.request(global)?;
    if let Some(folder) = &args.out {
        // Before the scan, which may take an hour, and not after it.
        std::fs::create_dir_all(folder)
            .with_context(|| format!("the folder {} cannot be made (--out)", folder.display()))?;
    }
    let progress = Progress::new(global.quiet, request.max_time);
    let outcome = scan(&request, &progress);
    progress.finish();
    let ScanOutcome {
        mut report,
        evidence,
        profile,
        ..
    } = outcome?;
    if let Some(folder) = &args.out {
        let options = HtmlOptions {
            images: !args.no_images,
        };
        report = write_out(folder, &report, &evidence, None, options)?;
    }
    if args.json {
        output::print(&report.to_json()?)?;
    } else if !global.quiet {
        output::print(&terminal::render(&report, output::colour(global)))?;
        if let Some(folder) = &args.out {
            output::note(&format!("report: {}", folder.join("report.html").display()));
        }
    }
    if args.profile {
        output::block(&plan_table::profile(&profile))?;
    }
    Ok(status(&report, args.exit_zero))
}

fn status(report: &Report, exit_zero: bool) -> ExitCode {
    match report.verdict {
        _ if exit_zero => ExitCode::SUCCESS,
        Verdict::Clean => ExitCode::SUCCESS,
        Verdict::Backdoored => ExitCode::from(1),
        Verdict::Inconclusive => ExitCode::from(3),
    }
}
