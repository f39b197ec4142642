//! Arguments of `repair`.

use std::path::PathBuf;

use clap::Args;
use gifthorse_defense::repair::REPAIRS;

use super::{SubjectArgs, parse};

/// Arguments of `repair`.
#[derive(Args, Debug)]
pub struct RepairArgs {
    #[command(flatten)]
    pub subject: SubjectArgs,
    /// The model's output that is repaired, where several are scores of classes.
    #[arg(long, value_name = "NAME", help_heading = "Model")]
    pub output: Option<String>,
    /// The repaired file to write.
    #[arg(long, short = 'o', value_name = "FIXED.onnx", help_heading = "Output")]
    pub fixed: PathBuf,
    /// Folder for repair.json, repair.html and the reports of the scans before and after [default:
    /// FIXED.repair beside it].
    #[arg(long, value_name = "DIR", help_heading = "Output")]
    pub out: Option<PathBuf>,
    /// Show none of your images in the page and the reports.
    #[arg(long, help_heading = "Output")]
    pub no_images: bool,
    /// Print repair.json instead of the table.
    #[arg(long, help_heading = "Output")]
    pub json: bool,
    /// Repair what this report.json of a scan found; without, the model is scanned first.
    #[arg(long, value_name = "REPORT", help_heading = "What to repair")]
    pub report: Option<PathBuf>,
    /// Take this class for the target of a backdoor, whatever a scan says.
    #[arg(long, value_name = "CLASS", help_heading = "What to repair")]
    pub target: Option<usize>,
    /// Take every class that a trigger was found for as a target: all labels are patched, whichever
    /// is the backdoor's (Wang et al. 2019, section VII-C).
    #[arg(long, conflicts_with_all = ["target", "trigger"], help_heading = "What to repair")]
    pub every_class: bool,
    /// The trigger that leads there: an .npz of a report's folder `triggers`, or a picture that is
    /// transparent where it is not. No scan is made before.
    #[arg(
        long,
        value_name = "FILE",
        requires = "target",
        conflicts_with = "report",
        help_heading = "What to repair"
    )]
    pub trigger: Option<PathBuf>,
    /// What was really planted: the truth.json that `plant` wrote. It is measured before and after;
    /// the repair is told nothing of it.
    #[arg(long, value_name = "FILE", help_heading = "What to repair")]
    pub truth: Option<PathBuf>,
    /// Repairs to try, in this order [default: auto, those that fit what was found].
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = method, help_heading = "Repair")]
    pub method: Vec<String>,
    /// How far clean accuracy may fall, as a share.
    #[arg(long, value_name = "SHARE", value_parser = parse::share, default_value_t = 0.01, help_heading = "Repair")]
    pub budget: f64,
    /// Repair and scan again at most so often: another trigger may come to light.
    #[arg(long, value_name = "N", value_parser = parse::count, default_value_t = 3, help_heading = "Repair")]
    pub rounds: usize,
    /// Do not scan the repaired model: faster, but nothing then looks for other triggers.
    #[arg(long, help_heading = "Repair")]
    pub no_rescan: bool,
    /// Also train the repaired model for five epochs on clean images and five stamped ones, and say
    /// how far the backdoor comes back.
    #[arg(long, help_heading = "Repair")]
    pub retune: bool,
}

impl RepairArgs {
    /// The repairs to try; none for those that fit.
    pub fn methods(&self) -> Vec<String> {
        let named = self.method.iter().filter(|name| *name != AUTO);
        named.cloned().collect()
    }
}

/// What stands for the repairs that fit.
pub const AUTO: &str = "auto";

/// The name of a repair.
pub fn method(name: &str) -> Result<String, String> {
    let known = REPAIRS.iter().map(|row| row.about.name);
    let names: Vec<&str> = std::iter::once(AUTO).chain(known).collect();
    if names.contains(&name) {
        return Ok(name.to_owned());
    }
    Err(format!("there are {}", names.join(", ")))
}
