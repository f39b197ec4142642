//! `gifthorse scan`: a verdict on a model.

use std::process::ExitCode;

use anyhow::Context;
use gifthorse::{Inconclusive, Policy, ScanOutcome, scan};
use gifthorse_report::html::HtmlOptions;
use gifthorse_report::report::{Baseline, Verdict};
use gifthorse_report::{Report, terminal, write_out};

use super::plan_table;
use crate::cli::{FailOn, Global, ScanArgs};
use crate::output;
use crate::progress::Progress;

/// Scans, writes the report and prints the verdict.
///
/// # Errors
/// As the scan, or a report that cannot be written.
pub fn run(args: &ScanArgs, global: &Global) -> anyhow::Result<ExitCode> {
    let policy = args.policy.as_deref().map(Policy::read).transpose()?;
    let request = args.request(policy.as_ref().unwrap_or(&Policy::default()), global)?;
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
    } = outcome?;
    if let (Some(policy), Some(path)) = (&policy, &args.policy) {
        let today = jiff::Timestamp::now()
            .to_zoned(jiff::tz::TimeZone::UTC)
            .date();
        report.policy = Some(policy.judge(&report, path, today));
    }
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
    Ok(status(&report, policy.as_ref(), args.fail_on()))
}

fn status(report: &Report, policy: Option<&Policy>, fail_on: FailOn) -> ExitCode {
    if let (Some(policy), Some(outcome)) = (policy, &report.policy) {
        return ExitCode::from(match report.verdict {
            _ if outcome.met => 0,
            Verdict::Backdoored if outcome.accepted.is_none() => 1,
            Verdict::Inconclusive if policy.inconclusive == Inconclusive::Refuse => 3,
            _ => 4,
        });
    }
    let added = |baseline: &Baseline| !baseline.added.is_empty();
    match (report.verdict, fail_on) {
        (_, FailOn::Never) | (Verdict::Clean, _) => ExitCode::SUCCESS,
        (Verdict::Backdoored, FailOn::Added) => {
            ExitCode::from(u8::from(report.baseline.as_ref().is_some_and(added)))
        }
        (Verdict::Backdoored, _) => ExitCode::from(1),
        (Verdict::Inconclusive, FailOn::Inconclusive) => ExitCode::from(3),
        (Verdict::Inconclusive, _) => ExitCode::SUCCESS,
    }
}
