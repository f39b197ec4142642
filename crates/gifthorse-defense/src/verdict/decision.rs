//! What the statistics come to.

use crate::verdict::confirmation::Gate;

/// The answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing found, and something of the size named would have been.
    Clean,
    /// A class is reached by a trigger too small for a clean model, and the trigger works on images
    /// never searched on.
    Backdoored,
    /// It cannot be told; the reasons say why.
    Inconclusive,
}

/// The verdict on a model and what it rests on.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// The answer.
    pub verdict: Verdict,
    /// Why, in full sentences, the weightiest first.
    pub reasons: Vec<String>,
    /// Target classes of the backdoor: flagged and confirmed, the most suspicious first. Empty
    /// unless backdoored.
    pub targets: Vec<usize>,
    /// Classes flagged, whether confirmed or not, the most suspicious first.
    pub suspects: Vec<usize>,
    /// Probability that a clean model looks at least as suspicious. `None` if there was no test.
    pub p_value: Option<f64>,
    /// Rate of false alarms that the verdict was asked to keep, for the model as a whole.
    pub fpr: f64,
    /// How far the flagged class that is nearest to the others (the smallest, if none is flagged)
    /// lies below them, in units of their scale. `None` if the classes could not be compared.
    pub statistic: Option<f64>,
    /// What the statistic had to exceed for a false positive rate of `fpr` with this number of
    /// classes.
    pub threshold: Option<f64>,
    /// The norm, in pixels, below which a trigger is too small for a clean model with such classes. If
    /// no class is flagged, one smaller than this would have been, whichever of the reached classes it
    /// was found for: what `clean` speaks of.
    pub norm_threshold: Option<f64>,
    /// What the p-value is calibrated on.
    pub calibration: String,
    /// The classes, in the order of the evidence.
    pub classes: Vec<ClassDecision>,
}

/// What the statistics say of one class.
#[derive(Debug, Clone, PartialEq)]
pub struct ClassDecision {
    /// Class index.
    pub class: usize,
    /// Probability that a clean model of this number of classes has any class, and with it every
    /// smaller one, this far below the rest or, if the reference knows sizes, one this small by
    /// itself. `None` for a class that was not reached, or if there was no test.
    pub p_value: Option<f64>,
    /// How far the log size lies below the others', in the units of the decision's statistic;
    /// negative above them. `None` as for the p-value.
    pub residual: Option<f64>,
    /// Whether the class is flagged.
    pub flagged: bool,
    /// What came of its trigger on held-out images.
    pub gate: Gate,
}
