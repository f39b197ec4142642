//! How far the verdict reaches.

use gifthorse_report::report::{Coverage, TriggerSize, Verdict};

use super::checks::Fit;
use super::conclusion::Conclusion;
use super::findings::norm_threshold;
use super::search::Searched;

/// What Neural Cleanse does not look for.
const NOT_TESTED: [&str; 6] = [
    "triggers that are added to the pixels or multiplied with them instead of being stamped over them",
    "triggers that are spread over the image, such as blended pictures, filters, noise and reflections",
    "triggers that move or warp the image, and objects in the scene",
    "backdoors that only work on images of certain classes",
    "backdoors that lead each class to another one, or all classes to classes of their own",
    "models trained to evade this search",
];

/// What was and what was not tested, and up to which size "clean" speaks.
pub fn coverage(searched: &Searched, conclusion: &Conclusion, fit: &Fit) -> Coverage {
    let ended = searched.ended().count();
    let eliminated = searched.eliminated();
    let classes = searched.classes;
    let mut tested = Vec::new();
    if ended > 0 {
        let targets = if ended + eliminated == classes {
            format!("any of the {classes} classes")
        } else {
            format!("{} of the {classes} classes", ended + eliminated)
        };
        tested.push(format!(
            "one trigger of limited size at a fixed place that leads images of all other classes to {targets}"
        ));
    }
    let mut not_tested: Vec<String> = NOT_TESTED.map(str::to_owned).to_vec();
    if eliminated > 0 {
        not_tested.insert(
            0,
            format!(
                "triggers that lead to one of {eliminated} classes whose search was ended early, if it would have got ahead \
                 of the others only later"
            ),
        );
    }
    if ended + eliminated < classes {
        let missing = classes - ended - eliminated;
        not_tested.insert(
            0,
            format!("triggers that lead to the other {missing} of the {classes} classes"),
        );
    }
    if !fit.labelled {
        not_tested
            .push("whether the model is accurate on these images: they have no labels".to_owned());
    }
    let [_, height, width] = fit.classifier.shape();
    let pixels = (height * width) as f64;
    let threshold = norm_threshold(&conclusion.decision, height * width);
    Coverage {
        tested,
        not_tested,
        largest_trigger: threshold
            .filter(|_| conclusion.verdict == Verdict::Clean)
            .map(|norm| TriggerSize {
                pixels: norm.min(pixels),
                share: (norm / pixels).min(1.0),
            }),
    }
}
