//! Arguments of `scan`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use gifthorse::{Policy, ScanRequest};

use super::{Global, SubjectArgs};

/// Arguments of `scan`.
#[derive(Args, Debug)]
pub struct ScanArgs {
    #[command(flatten)]
    pub subject: SubjectArgs,
    /// The output to scan, where the file has several that are scores of classes. Several of them,
    /// or `all` for every one that is scores, are each scanned and get a verdict and a report of
    /// their own: in a folder of --out for each.
    #[arg(long, value_name = "NAME", help_heading = "Model")]
    pub output: Vec<String>,
    /// Tell of each trigger of a suspicious class whether it uses the features of that class (after
    /// EX-RAY, Y. Liu et al. 2022). It changes no verdict.
    #[arg(long, help_heading = "Search")]
    second_opinion: bool,
    /// Compare with the report.json of an earlier scan, such as that of the model before it was
    /// fine-tuned: which targets are new, and whose triggers shrank.
    #[arg(long, value_name = "REPORT", help_heading = "Verdict")]
    baseline: Option<PathBuf>,
    /// Which verdicts the exit status tells; others give 0, errors always 2.
    #[arg(long, value_enum, default_value_t = FailOn::Inconclusive, value_name = "WHAT", help_heading = "Verdict")]
    fail_on: FailOn,
    /// The same as --fail-on never.
    #[arg(long, conflicts_with = "fail_on", help_heading = "Verdict")]
    exit_zero: bool,
    /// Rules that a model has to meet before it is used, in TOML. The exit status then is 0 if all
    /// are met, 1 for a backdoor that is not accepted, 3 for inconclusive, 4 for any other rule.
    #[arg(long, value_name = "FILE.toml", conflicts_with_all = ["fail_on", "exit_zero"], help_heading = "Verdict")]
    pub policy: Option<PathBuf>,
    /// Write report.json, report.html, report.sarif and the triggers to this folder.
    #[arg(long, short, value_name = "DIR", help_heading = "Output")]
    pub out: Option<PathBuf>,
    /// Show no images of yours in report.html, only the recovered triggers.
    #[arg(long, help_heading = "Output")]
    pub no_images: bool,
    /// Print report.json instead of the table.
    #[arg(long, help_heading = "Output")]
    pub json: bool,
    /// After the scan, print to standard error how long each node of the model took.
    #[arg(long, help_heading = "Output")]
    pub profile: bool,
}

/// What the exit status of a scan tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    /// Nothing.
    Never,
    /// 1 for a target class that the report of --baseline does not have.
    Added,
    /// 1 for backdoored.
    Backdoored,
    /// 1 for backdoored, 3 for inconclusive.
    Inconclusive,
}

impl ScanArgs {
    /// What the exit status tells.
    pub fn fail_on(&self) -> FailOn {
        if self.exit_zero {
            FailOn::Never
        } else {
            self.fail_on
        }
    }

    /// The scan that the arguments and `policy` ask for, but for the output; reads the file of
    /// preprocessing if there is one.
    ///
    /// # Errors
    /// As reading that file, and `--fail-on added` without a report to compare with.
    pub fn request(&self, policy: &Policy, global: &Global) -> anyhow::Result<ScanRequest> {
        anyhow::ensure!(
            self.fail_on != FailOn::Added || self.baseline.is_some(),
            "--fail-on added needs the report to compare with (--baseline REPORT)"
        );
        Ok(ScanRequest {
            second_opinion: self.second_opinion,
            baseline: self.baseline.clone(),
            ..self.subject.request(policy.fpr, global)?
        })
    }
}
