//! What a caller asks of a scan.

use std::path::PathBuf;
use std::time::Duration;

use gifthorse_data::{Crop, Draw, Exif, LabelOrder, Split};
use gifthorse_defense::detect::{Choice, Detector, Effort};
use gifthorse_defense::finding::Unit;
use gifthorse_engine::{Layout, Opening, PixelRange, Preprocess};
use gifthorse_onnx::ElementType;

use crate::Error;

/// Who says how pixels become the model's input.
#[derive(Clone, Debug, PartialEq)]
pub enum PreprocessChoice {
    /// Nobody: pixels in [0, 1] go into the model as they are.
    Default,
    /// The user.
    Given(Preprocess),
    /// The pre-flight: of the usual ones the one under which the model is most accurate. Needs
    /// labels.
    Auto {
        /// The axis order of the model's input; found from its shape if absent.
        layout: Option<Layout>,
    },
}

/// What is done with the turn that a camera notes beside a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum ExifChoice {
    /// It is applied if the model is right on clearly more of these pictures then.
    #[default]
    Auto,
    /// Always this.
    Given(Exif),
}

/// Everything that a scan depends on.
#[derive(Clone, Debug, PartialEq)]
pub struct ScanRequest {
    /// The ONNX file.
    pub model: PathBuf,
    /// Clean images: a folder or an `.npz` file, see [`gifthorse_data::Format`]. Without, only
    /// detectors that need none are run.
    pub images: Option<PathBuf>,
    /// Labels in place of those of the image set.
    pub labels: Option<PathBuf>,
    /// Class names in place of those of the image set.
    pub class_names: Option<PathBuf>,
    /// How the labels are ordered, if not as they are called.
    pub label_order: LabelOrder,
    /// Which part of the image set to use, where it has several.
    pub split: Split,
    /// Which part of each picture to use.
    pub crop: Crop,
    /// What is done with turns that pictures carry.
    pub exif: ExifChoice,
    /// At most so many images. `None` is ten a class, but no fewer
    /// than 1,000, no more than 3,000 and no more than fit in 1 GiB: confirming a trigger takes 36
    /// held-out images in all, accuracy to one or two points a thousand, and further images slow a
    /// search down without making it better.
    pub max_images: Option<usize>,
    /// Which ones, where there are more.
    pub draw: Draw,
    /// How pixels become the model's input.
    pub preprocess: PreprocessChoice,
    /// Height and width of the model's images, needed only where the file leaves them open.
    pub input_size: Option<[usize; 2]>,
    /// The output to scan and a number for each input beside the image, by name, where the file has
    /// several.
    pub opening: Opening,
    /// Other outputs of the file that have a scan of their own, so that their being left out here
    /// stands against nothing.
    pub beside: Vec<String>,
    /// Whether to go on although the pre-flight says that the model does not fit the images.
    pub force: bool,
    /// The detectors to run, in this order.
    pub detectors: Vec<Choice>,
    /// Whether triggers of suspicious classes are compared with the features of these classes
    /// ([`ex_ray`](gifthorse_defense::ex_ray)); it changes no verdict.
    pub second_opinion: bool,
    /// Target classes to search; all if `None`.
    pub classes: Option<Vec<usize>>,
    /// Clean models of the user's own to measure by: ONNX files, which are scanned like the model,
    /// or reports (`.json`) of such scans.
    pub references: Vec<PathBuf>,
    /// The report of an earlier scan, such as that of the model before it was fine-tuned, to
    /// compare with.
    pub baseline: Option<PathBuf>,
    /// The share of clean models that may be called backdoored, 0.001 to 0.5.
    pub fpr: f64,
    /// Time after which no search goes on; a class whose search did not end by then counts as
    /// skipped. The model is checked on no more images than a quarter of it allows (but at least
    /// fifty, and as many as two seconds allow). The detectors that take least time come first, so
    /// that what runs out is the time of those that take most. Each reference has as much time.
    pub max_time: Option<Duration>,
    /// Folder in which the searches are kept as they go. If it holds this very scan already, the
    /// scan goes on from there. One scan at a time uses it, and whoever may write to it may change
    /// the verdict.
    pub work: Option<PathBuf>,
    /// Seed of every random choice.
    pub seed: u64,
}

impl ScanRequest {
    /// A scan with the defaults of the command line: every detector with its default settings, a
    /// false-positive rate of 0.05, seed 0.
    pub fn new(model: impl Into<PathBuf>, images: Option<PathBuf>) -> Self {
        Self {
            model: model.into(),
            images,
            labels: None,
            class_names: None,
            label_order: LabelOrder::Auto,
            split: Split::Test,
            crop: Crop::None,
            exif: ExifChoice::Auto,
            max_images: None,
            draw: Draw::Balanced,
            preprocess: PreprocessChoice::Default,
            input_size: None,
            opening: Opening::default(),
            beside: Vec::new(),
            force: false,
            detectors: Choice::usual(),
            second_opinion: false,
            classes: None,
            references: Vec::new(),
            baseline: None,
            fpr: 0.05,
            max_time: None,
            work: None,
            seed: 0,
        }
    }
}

impl ScanRequest {
    /// Refuses what no scan can follow, before any work is done.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if !(0.001..=0.5).contains(&self.fpr) {
            let fpr = self.fpr;
            return Err(Error::Request(format!(
                "the false-positive rate is {fpr}, but must lie between 0.001 and 0.5 (--fpr)"
            )));
        }
        Ok(())
    }

    /// The detectors that are asked for.
    pub(crate) fn detectors(&self) -> Result<Vec<Box<dyn Detector>>, Error> {
        if self.detectors.is_empty() {
            return Err(Error::Request(
                "no detector is to be run (--detector)".to_owned(),
            ));
        }
        let made = self.detectors.iter().map(Choice::detector);
        Ok(made.collect::<Result<_, _>>()?)
    }

    /// The same detectors, all of whose searches go to their end.
    pub(crate) fn full(&self) -> Vec<Choice> {
        let full = |choice: &Choice| Choice {
            effort: Effort::Full,
            ..choice.clone()
        };
        self.detectors.iter().map(full).collect()
    }

    /// What a detector is to search in a model of so many classes, in order and each once.
    pub(crate) fn units(
        &self,
        detector: &dyn Detector,
        classes: usize,
    ) -> Result<Vec<Unit>, Error> {
        let all = detector.units(classes);
        let Some(chosen) = &self.classes else {
            return Ok(all);
        };
        if chosen.is_empty() {
            return Err(Error::Request(
                "no class is to be searched (--classes)".to_owned(),
            ));
        }
        if let Some(class) = chosen.iter().find(|&&class| class >= classes) {
            return Err(Error::Request(format!(
                "class {class} is to be searched (--classes), but the model has the classes 0 to {}",
                classes - 1
            )));
        }
        let is_chosen = |unit: &Unit| {
            unit.class_of_search()
                .is_none_or(|class| chosen.contains(&class))
        };
        Ok(all.into_iter().filter(is_chosen).collect())
    }
}

impl PreprocessChoice {
    /// What a model with an input of this type is opened with: where nobody says otherwise, whole
    /// numbers are pixels from 0 to 255, and signed bytes those less 128.
    pub(crate) fn first(&self, element: Option<ElementType>) -> Preprocess {
        let whole = |element: ElementType| !element.is_float();
        match self {
            Self::Given(preprocess) => preprocess.clone(),
            Self::Default if element.is_some_and(whole) => Preprocess {
                range: PixelRange::Byte,
                mean: match element {
                    Some(ElementType::I8) => vec![128.0],
                    _ => Vec::new(),
                },
                ..Preprocess::default()
            },
            Self::Default => Preprocess::default(),
            Self::Auto { layout } => Preprocess {
                layout: *layout,
                ..Preprocess::default()
            },
        }
    }
}
