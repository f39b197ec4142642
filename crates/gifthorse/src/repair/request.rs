//! What a caller asks of a repair.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use gifthorse_data::Images;
use gifthorse_report::html::HtmlOptions;

use crate::{Error, ScanRequest};

/// A backdoor that was really planted: what it does is measured before and after, and nothing else
/// is told of it.
pub trait PlantedTrigger: Send + Sync {
    /// What to call it.
    fn name(&self) -> String;

    /// The class that it leads images of a class to; `None` where it leads them nowhere.
    fn leads_to(&self, class: usize, classes: usize) -> Option<usize>;

    /// The images with the trigger on them.
    ///
    /// # Errors
    /// Images that it does not fit, in words.
    fn stamp(&self, images: &Images) -> Result<Images, String>;
}

/// Everything that a repair depends on.
#[derive(Clone)]
pub struct RepairRequest {
    /// How the model is scanned, before if there is no report, and after: model, images,
    /// preprocessing, detectors. Its `max_time` is that of the whole repair, scans, proof and all:
    /// what takes part of it stops where its part is over, and what was had by then is proven.
    pub scan: ScanRequest,
    /// The report of a scan of the model, with its trigger files beside it.
    pub report: Option<PathBuf>,
    /// The class that a backdoor leads to, told instead of found.
    pub target: Option<usize>,
    /// Whether every class that a trigger was found for is taken for a target: Neural Cleanse's
    /// patching of all labels, for whoever does not want to rely on which of them are suspicious
    /// (Wang et al. 2019, section VII-C).
    pub every_class: bool,
    /// The trigger that leads there: a trigger file of a report, or a picture with transparency;
    /// needs the target.
    pub trigger: Option<PathBuf>,
    /// What was really planted, to be measured.
    pub planted: Vec<Arc<dyn PlantedTrigger>>,
    /// Repairs to try, by name, in this order; those that fit if empty.
    pub methods: Vec<String>,
    /// How far clean accuracy may fall, in [0, 1].
    pub budget: f64,
    /// How often the model is repaired and scanned again at most, at least once: a second trigger
    /// may come to light once the first no longer works (Wang et al. 2019, section VII-D).
    pub rounds: usize,
    /// Whether the repaired model is scanned.
    pub rescan: bool,
    /// Whether to find out how fast the backdoor comes back.
    pub retune: bool,
    /// At most so many images, for repair and proof together, 10,000 by default; fewer than a scan
    /// takes bound the scan as well.
    pub max_images: Option<usize>,
    /// Folder in which scan and training are kept as they go; a repair that was killed goes on from
    /// there.
    pub work: Option<PathBuf>,
    /// The file to write.
    pub output: PathBuf,
    /// The folder for the record and the reports of the scans.
    pub out: PathBuf,
    /// Whether reports and the page show the user's images.
    pub show_images: bool,
    /// Whether to repair also what was not found backdoored, and to write also what is not
    /// repaired.
    pub force: bool,
}

impl RepairRequest {
    /// A repair with the defaults of the command line. The record goes to a folder beside the
    /// output: `fixed.repair` for `fixed.onnx`.
    pub fn new(scan: ScanRequest, output: impl Into<PathBuf>) -> Self {
        let output = output.into();
        Self {
            scan,
            report: None,
            target: None,
            every_class: false,
            trigger: None,
            planted: Vec::new(),
            methods: Vec::new(),
            budget: 0.01,
            rounds: 3,
            rescan: true,
            retune: false,
            max_images: None,
            work: None,
            out: output.with_extension("repair"),
            output,
            show_images: true,
            force: false,
        }
    }

    /// What reports and the page may show.
    pub(super) fn pictures(&self) -> HtmlOptions {
        HtmlOptions {
            images: self.show_images,
        }
    }

    /// The images.
    pub(super) fn images(&self) -> Result<&Path, Error> {
        self.scan.images.as_deref().ok_or_else(|| {
            Error::Request(
                "a repair needs clean images (--images): to learn from, and to prove itself on"
                    .to_owned(),
            )
        })
    }

    /// Refuses what no repair can follow, before any work is done.
    pub(super) fn check(&self) -> Result<(), Error> {
        let refuse = |why: String| Err(Error::Request(why));
        self.images()?;
        if !(0.0..1.0).contains(&self.budget) {
            let budget = self.budget;
            return refuse(format!(
                "the budget is {budget}, but is a share of accuracy from 0 to below 1 (--budget)"
            ));
        }
        if self.rounds == 0 {
            return refuse("a repair takes one round at least (--rounds)".to_owned());
        }
        if self.trigger.is_some() && self.target.is_none() {
            return refuse("the trigger leads to a class: say which (--target)".to_owned());
        }
        if let (Ok(model), Ok(output)) =
            (self.scan.model.canonicalize(), self.output.canonicalize())
            && model == output
        {
            return refuse(format!(
                "{} is the model itself: write the repaired one to another file (-o)",
                self.output.display()
            ));
        }
        for folder in [Some(self.out.as_path()), self.output.parent()]
            .into_iter()
            .flatten()
        {
            make(folder)?;
        }
        Ok(())
    }
}

/// Makes a folder, unless it is there.
pub(super) fn make(folder: &Path) -> Result<(), Error> {
    std::fs::create_dir_all(folder).map_err(|source| Error::Write {
        path: folder.to_owned(),
        source,
    })
}
