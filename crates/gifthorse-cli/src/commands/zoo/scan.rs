//! `gifthorse zoo scan`: scans the models of a zoo, then holds the verdicts against the truth.

use std::process::ExitCode;

use gifthorse_bench::zoo::{ScanZooObserver, ScanZooRequest, scan_zoo, summarise};
use gifthorse_defense::detect::Effort;
use gifthorse_report::Report;
use gifthorse_report::report::Verdict;

use super::progress::Bars;
use super::table;
use crate::cli::{Global, ZooScanArgs};
use crate::output;

/// Exit status where a scan failed.
const NOT_ALL: u8 = 2;

/// Scans, sums up, and exits with 0 if every scan ended, else with 2.
///
/// # Errors
/// No zoo in the folder, files that cannot be read or written.
pub fn run(args: &ZooScanArgs, global: &Global) -> anyhow::Result<ExitCode> {
    let mut failures = 0;
    if !args.summary {
        failures = scan_all(args, global)?;
    }
    let summary = summarise(&args.folder)?;
    if args.json {
        let json = serde_json::to_string_pretty(&summary)?;
        output::print(&format!("{json}\n"))?;
    } else if !global.quiet {
        output::print(&table::of(&summary))?;
    }
    Ok(ExitCode::from(if failures == 0 { 0 } else { NOT_ALL }))
}

/// Scans the good models, and gives how many scans failed.
///
/// # Errors
/// No zoo in the folder, files that cannot be written.
pub fn scan_all(args: &ZooScanArgs, global: &Global) -> anyhow::Result<usize> {
    let request = ScanZooRequest {
        folder: args.folder.clone(),
        jobs: args.jobs,
        detectors: args.detectors.choices(Effort::Auto)?,
        fpr: args.fpr,
        seed: global.seed(),
        again: args.again,
        pages: args.pages,
    };
    let watch = Watch {
        bars: Bars::new(global.quiet),
    };
    let outcome = scan_zoo(&request, &watch);
    watch.bars.finish();
    Ok(outcome?)
}

struct Watch {
    bars: Bars,
}

impl ScanZooObserver for Watch {
    fn planned(&self, to_scan: usize, there: usize) {
        let line = format!("{to_scan} models to scan, {there} were scanned before");
        self.bars.begin(to_scan, &line);
    }

    fn started(&self, name: &str) {
        self.bars.started(name);
    }

    fn progressed(&self, name: &str, share: f64) {
        self.bars.progressed(name, share);
    }

    fn finished(&self, name: &str, report: &Report) {
        let verdict = match report.verdict {
            Verdict::Clean => "clean".to_owned(),
            Verdict::Backdoored => format!("backdoored, leads to {:?}", report.targets),
            Verdict::Inconclusive => "inconclusive".to_owned(),
        };
        let p_value = report
            .p_value
            .map_or(String::new(), |p_value| format!(", p = {p_value:.4}"));
        let line = format!("{name}: {verdict}{p_value}, {:.0} s", report.seconds);
        self.bars.finished(name, &line);
    }

    fn failed(&self, name: &str, error: &gifthorse::Error) {
        let line = format!(
            "{name}: the scan failed: {:#}",
            anyhow::anyhow!(error.to_string())
        );
        self.bars.finished(name, &line);
    }
}
