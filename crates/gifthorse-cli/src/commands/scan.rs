//! `gifthorse scan`: a verdict on a model, or on each of several outputs of it.

mod heads;
mod status;

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use gifthorse::{EVERY_OUTPUT, Policy, ScanOutcome, ScanRequest, scan};
use gifthorse_report::html::HtmlOptions;
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
    let policy = args.policy.as_deref().map(Policy::read).transpose()?;
    let mut request = args.request(policy.as_ref().unwrap_or(&Policy::default()), global)?;
    let scanning = Scanning {
        args,
        global,
        policy,
    };
    if let Some(folder) = &args.out {
        // Before the scan, which may take an hour, and not after it.
        std::fs::create_dir_all(folder)
            .with_context(|| format!("the folder {} cannot be made (--out)", folder.display()))?;
    }
    match &args.output[..] {
        [] => {}
        [one] if one != EVERY_OUTPUT => request.opening.output = Some(one.clone()),
        several => return heads::run(&scanning, &request, several),
    }
    let report = scanning.report(&request, args.out.as_deref())?;
    if args.json {
        output::print(&report.to_json()?)?;
    } else {
        scanning.show(&report, args.out.as_deref())?;
    }
    Ok(ExitCode::from(scanning.status(&report)))
}

/// What the arguments ask for beside the scan itself.
struct Scanning<'a> {
    args: &'a ScanArgs,
    global: &'a Global,
    policy: Option<Policy>,
}

impl Scanning<'_> {
    /// Scans, judges by the policy, and writes the report to `folder` if there is one.
    fn report(&self, request: &ScanRequest, folder: Option<&Path>) -> anyhow::Result<Report> {
        let progress = Progress::new(self.global.quiet);
        let outcome = scan(request, &progress);
        progress.finish();
        let ScanOutcome {
            mut report,
            evidence,
            profile,
        } = outcome?;
        if let (Some(policy), Some(path)) = (&self.policy, &self.args.policy) {
            let today = jiff::Timestamp::now()
                .to_zoned(jiff::tz::TimeZone::UTC)
                .date();
            report.policy = Some(policy.judge(&report, path, today));
        }
        if let Some(folder) = folder {
            let options = HtmlOptions {
                images: !self.args.no_images,
            };
            report = write_out(folder, &report, &evidence, None, options)?;
        }
        if self.args.profile {
            output::block(&plan_table::profile(&profile))?;
        }
        Ok(report)
    }

    /// Prints the report as a table, and where it lies, unless nothing is to be printed.
    fn show(&self, report: &Report, folder: Option<&Path>) -> anyhow::Result<()> {
        if self.global.quiet {
            return Ok(());
        }
        output::print(&terminal::render(report, output::colour(self.global)))?;
        if let Some(folder) = folder {
            output::note(&format!("report: {}", folder.join("report.html").display()));
        }
        Ok(())
    }

    /// The exit status that a report has.
    fn status(&self, report: &Report) -> u8 {
        status::of(report, self.policy.as_ref(), self.args.fail_on())
    }
}
