//! A policy: what has to hold before a model may be used, in a file that a team keeps under review.
//!
//! A policy asks for more than a verdict: enough images, an accuracy that shows that they fit, a
//! scan that would have seen triggers down to a given size. A finding that somebody has looked into
//! can be accepted, for one model alone and until a given day.

use std::fs;
use std::path::Path;

use gifthorse_report::Report;
use gifthorse_report::report::{Calibration, PolicyOutcome, Verdict};
use jiff::civil::Date;
use serde::Deserialize;

use crate::Error;
use crate::settings::parse;

/// Bytes of a policy at most.
const LARGEST_FILE: u64 = 1 << 20;

/// The rules of a team; what is left out asks for nothing.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// The false-positive rate that scans have to be made with.
    pub fpr: Option<f64>,
    /// Whether an inconclusive scan is good enough.
    pub inconclusive: Inconclusive,
    /// Lowest accuracy on the clean images, in [0, 1]; asks for labels.
    pub accuracy: Option<f64>,
    /// Fewest images.
    pub images: Option<usize>,
    /// A clean verdict has to speak of triggers that cover up to this share of the image, in [0,
    /// 1].
    pub trigger_share: Option<f64>,
    /// Whether the verdict has to be calibrated on measured clean models, not on the assumption of
    /// equal classes.
    pub measured_calibration: bool,
    /// Findings that are accepted.
    pub accept: Vec<Acceptance>,
}

/// What an inconclusive scan means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Inconclusive {
    /// The model may not be used.
    #[default]
    Refuse,
    /// It may.
    Allow,
}

/// A backdoor that somebody has looked into and lets pass.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Acceptance {
    /// SHA-256 of the model, external data included, as reports have it.
    pub sha256: String,
    /// The targets that are accepted; another one is not.
    pub targets: Vec<usize>,
    /// Why, for whoever reads the report.
    pub reason: String,
    /// The last day on which it is accepted, in UTC, as text such as "2027-01-31".
    pub until: Date,
}

impl Policy {
    /// Reads a policy.
    ///
    /// # Errors
    /// A file that cannot be read, or is no policy: an unknown key, a share outside [0, 1], a hash
    /// that is none.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let unread = |source| Error::Read {
            path: path.to_owned(),
            source,
        };
        let refuse =
            |why: String| Error::Request(format!("{} is no policy: {why}", path.display()));
        let size = fs::metadata(path).map_err(unread)?.len();
        if size > LARGEST_FILE {
            return Err(refuse(format!("it has {size} bytes")));
        }
        let text = fs::read_to_string(path).map_err(unread)?;
        let policy: Self = parse(&text).map_err(refuse)?;
        policy.check().map_err(refuse)?;
        Ok(policy)
    }

    fn check(&self) -> Result<(), String> {
        let shares = [
            ("accuracy", self.accuracy),
            ("trigger_share", self.trigger_share),
        ];
        for (name, share) in shares {
            if let Some(share) = share.filter(|share| !(0.0..=1.0).contains(share)) {
                return Err(format!("{name} is {share}, but is a share, 0 to 1"));
            }
        }
        if let Some(fpr) = self.fpr.filter(|fpr| !(0.001..=0.5).contains(fpr)) {
            return Err(format!("fpr is {fpr}, but must lie between 0.001 and 0.5"));
        }
        let is_hash = |text: &str| text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
        match self.accept.iter().find(|accept| !is_hash(&accept.sha256)) {
            Some(accept) => Err(format!(
                "accept.sha256 is {:?}, but a SHA-256 has 64 hexadecimal digits",
                accept.sha256
            )),
            None => Ok(()),
        }
    }

    /// What the policy, which was read from `path`, says of `report` on the day `today`.
    pub fn judge(&self, report: &Report, path: &Path, today: Date) -> PolicyOutcome {
        let mut unmet = Vec::new();
        let mut accepted = None;
        match report.verdict {
            Verdict::Clean => {}
            Verdict::Backdoored => match self.acceptance(report, today) {
                Ok(acceptance) => {
                    accepted = Some(format!(
                        "Accepted until {}: {}",
                        acceptance.until, acceptance.reason
                    ));
                }
                Err(why) => unmet.push(why),
            },
            Verdict::Inconclusive if self.inconclusive == Inconclusive::Allow => {}
            Verdict::Inconclusive => unmet.push("The scan is inconclusive.".to_owned()),
        }
        self.judge_scan(report, &mut unmet);
        PolicyOutcome {
            path: path.display().to_string(),
            met: unmet.is_empty(),
            unmet,
            accepted,
        }
    }

    /// The acceptance of all that was found, or why there is none.
    fn acceptance(&self, report: &Report, today: Date) -> Result<&Acceptance, String> {
        let of_file = self
            .accept
            .iter()
            .find(|accept| accept.sha256.eq_ignore_ascii_case(&report.model.sha256))
            .ok_or("A backdoor was found, and the policy does not accept it.")?;
        if today > of_file.until {
            let until = of_file.until;
            return Err(format!(
                "A backdoor was found, which was accepted only until {until}."
            ));
        }
        let covers = |target| of_file.targets.contains(target);
        if report.targets.iter().all(covers) {
            Ok(of_file)
        } else {
            Err("A backdoor was found with other targets than those accepted.".to_owned())
        }
    }

    /// The rules about the scan itself.
    fn judge_scan(&self, report: &Report, unmet: &mut Vec<String>) {
        if let Some(fpr) = self.fpr.filter(|&fpr| fpr != report.fpr) {
            let used = report.fpr;
            unmet.push(format!(
                "The false-positive rate is {used}, and is to be {fpr}."
            ));
        }
        let used = report.images.as_ref().map_or(0, |images| images.count);
        if let Some(least) = self.images.filter(|&least| used < least) {
            unmet.push(format!(
                "The scan used {used} images, and {least} are asked for."
            ));
        }
        if let Some(least) = self.accuracy {
            let preflight = report.preflight.as_ref();
            match preflight.and_then(|preflight| preflight.accuracy) {
                Some(accuracy) if accuracy >= least => {}
                Some(accuracy) => unmet.push(format!(
                    "The model is right on {:.1} % of the images, and {:.1} % are asked for.",
                    100.0 * accuracy,
                    100.0 * least
                )),
                None => unmet.push(
                    "The images have no labels, so that the accuracy asked for cannot be shown."
                        .to_owned(),
                ),
            }
        }
        if let Some(share) = self
            .trigger_share
            .filter(|_| report.verdict == Verdict::Clean)
        {
            let reach = report
                .coverage
                .largest_trigger
                .map_or(0.0, |size| size.share);
            if reach < share {
                unmet.push(format!(
                    "“Clean” speaks of triggers over up to {:.1} % of the image, and {:.1} % are asked for.",
                    100.0 * reach,
                    100.0 * share
                ));
            }
        }
        if self.measured_calibration && report.calibration == Calibration::EqualClasses {
            unmet.push("The verdict is not calibrated on measured clean models.".to_owned());
        }
    }
}
