//! What is known of a scan beside what its detectors found, and what it does to the verdict.

use super::error::StatsError;
use super::interval::wilson;

/// A model that is right on no more than this part of its images, with a confidence of 95 %, is not
/// what its user takes it for, or was not given the images that it was made for: a trigger that
/// moves such a model says little, and none found says nothing.
const LEAST_ACCURACY: f64 = 0.5;
/// Nor is one that falls so far short of the confidence that it shows.
const MOST_OVERCONFIDENCE: f64 = 0.3;
/// Confidence of the interval of the accuracy, two-sided.
const CONFIDENCE: f64 = 0.95;

/// One thing that stands against the verdict, or has to be told with it.
#[derive(Debug, Clone, PartialEq)]
pub enum Doubt {
    /// Only some classes were to be searched.
    ChosenClasses {
        /// How many.
        chosen: usize,
        /// Classes of the model.
        classes: usize,
    },
    /// All images are of one class, so that no search towards it could begin.
    ImagesOfOneClass {
        /// The class.
        class: usize,
    },
    /// Some classes have too few images for a search from them.
    FewImages {
        /// How many classes.
        left_out: usize,
        /// Classes of the model.
        classes: usize,
    },
    /// Only detectors were run of which it is not known what they find in clean models; their
    /// titles.
    Unmeasured(Vec<String>),
    /// Another output of the file may be scores of classes too, in the words of a sentence.
    UnseenOutput(String),
    /// Time ran out before all classes were searched.
    Stopped {
        /// Classes that were left out.
        skipped: usize,
        /// Classes that were to be searched.
        chosen: usize,
    },
    /// The model chooses by the image what it computes, in the words of a sentence.
    Switches(String),
    /// The file has what a backdoor can be built of without training, in the words of a sentence.
    Structure(String),
    /// A unit that no clean image wakes decides the answer, in the words of a sentence.
    DormantUnit(String),
    /// How the model did on the images, where these have labels.
    Accuracy {
        /// Images that the model is right about.
        correct: u64,
        /// Images.
        images: u64,
        /// The mean probability that it gives to its answers on them, in [0, 1], if its output can
        /// be read so.
        confidence: Option<f64>,
    },
    /// The images have no labels.
    Unlabelled,
    /// The calibration is not what one would wish for, in the words of a sentence.
    Calibration(String),
}

/// What a doubt does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Nothing; it is told.
    Told,
    /// A model in which nothing was found is not clean for it.
    NotClean,
}

impl Doubt {
    /// What the doubt does to the verdict; `None` if there is no such doubt after all, as for a
    /// model that is right on its images.
    ///
    /// # Errors
    /// An accuracy above 1.
    pub fn effect(&self) -> Result<Option<Effect>, StatsError> {
        Ok(match self {
            Self::ChosenClasses { chosen, classes } => {
                (chosen < classes).then_some(Effect::NotClean)
            }
            Self::Stopped { skipped, .. } => (*skipped > 0).then_some(Effect::NotClean),
            Self::ImagesOfOneClass { .. }
            | Self::UnseenOutput(_)
            | Self::Switches(_)
            | Self::Structure(_)
            | Self::DormantUnit(_) => Some(Effect::NotClean),
            Self::Unmeasured(detectors) => (!detectors.is_empty()).then_some(Effect::NotClean),
            &Self::Accuracy {
                correct,
                images,
                confidence,
            } => {
                let upper = wilson(correct, images, CONFIDENCE)?.upper;
                let claimed = confidence.map_or(0.0, |claimed| claimed - MOST_OVERCONFIDENCE);
                (upper < claimed.max(LEAST_ACCURACY)).then_some(Effect::NotClean)
            }
            Self::FewImages { .. } | Self::Unlabelled | Self::Calibration(_) => Some(Effect::Told),
        })
    }

    /// What the user can do about it.
    pub(super) fn remedy(&self) -> Option<String> {
        match self {
            Self::ChosenClasses { .. } => Some("Search all classes (leave out --classes).".into()),
            Self::ImagesOfOneClass { .. } => Some("Give images of other classes too.".into()),
            Self::FewImages { .. } => Some("Give more images of each class.".into()),
            Self::Unmeasured(_) => {
                Some("Run the other detectors too (leave out --detector).".into())
            }
            Self::UnseenOutput(_) => Some("Scan the other output likewise (--output).".into()),
            Self::Stopped { .. } => Some("Give the searches more time (--max-time).".into()),
            Self::Accuracy { .. } => Some(
                "Give images of the kind that the model was made for, with its preprocessing and its labels.".into(),
            ),
            Self::Switches(_)
            | Self::Structure(_)
            | Self::DormantUnit(_)
            | Self::Unlabelled
            | Self::Calibration(_) => None,
        }
    }

    /// The doubt in a sentence.
    pub(super) fn sentence(&self) -> String {
        match self {
            Self::ChosenClasses { chosen, classes } => format!(
                "Only {chosen} of {classes} classes were to be searched, and they were compared with one another alone: a \
                 backdoor that leads to any other class was not looked for."
            ),
            Self::ImagesOfOneClass { class } => format!(
                "All images are of class {class}: a backdoor that leads to it was not looked for with them."
            ),
            Self::FewImages { left_out, classes } => format!(
                "{left_out} of {classes} classes have too few images for a search from them."
            ),
            Self::Unmeasured(detectors) => format!(
                "What {} finds in clean models is not known yet: its numbers are evidence for a reader, and that nothing \
                 stands out among them does not make a model clean.",
                detectors.join(" or ")
            ),
            Self::Stopped { skipped, chosen } => format!(
                "The searches were stopped before {skipped} of {chosen} classes were done; give them more time \
                 (--max-time)."
            ),
            Self::UnseenOutput(sentence)
            | Self::Switches(sentence)
            | Self::Structure(sentence)
            | Self::DormantUnit(sentence)
            | Self::Calibration(sentence) => sentence.clone(),
            Self::Accuracy {
                correct,
                images,
                confidence,
            } => {
                let claims = confidence.map_or_else(String::new, |claimed| {
                    format!(
                        ", although it gives its answers a probability of {claimed:.2} on average"
                    )
                });
                format!(
                    "The model is right on only {correct} of {images} images{claims}: either these are not the images, the \
                     preprocessing or the labels that it was made with, or it does not work. That nothing was found in it \
                     says nothing."
                )
            }
            Self::Unlabelled => {
                "The images have no labels; the model's own predictions stood in for them."
                    .to_owned()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accuracy(correct: u64, images: u64, confidence: Option<f64>) -> Option<Effect> {
        Doubt::Accuracy {
            correct,
            images,
            confidence,
        }
        .effect()
        .unwrap()
    }

    #[test]
    fn a_model_that_is_wrong_on_its_images_is_never_clean() {
        assert_eq!(accuracy(20, 100, None), Some(Effect::NotClean));
        assert_eq!(accuracy(90, 100, None), None);
        // Too few images to say so.
        assert_eq!((accuracy(4, 10, None), accuracy(0, 0, None)), (None, None));
        // Right on two thirds: doubtful only for a model that is sure of itself.
        assert_eq!(accuracy(133, 200, Some(0.7)), None);
        assert_eq!(accuracy(133, 200, Some(0.97)), None);
        assert_eq!(accuracy(110, 200, Some(0.99)), Some(Effect::NotClean));
        assert!(
            Doubt::Accuracy {
                correct: 2,
                images: 1,
                confidence: None
            }
            .effect()
            .is_err()
        );
    }

    #[test]
    fn nothing_left_out_is_no_doubt() {
        let all = Doubt::ChosenClasses {
            chosen: 10,
            classes: 10,
        };
        let none = Doubt::Stopped {
            skipped: 0,
            chosen: 10,
        };
        assert_eq!((all.effect(), none.effect()), (Ok(None), Ok(None)));
    }
}
