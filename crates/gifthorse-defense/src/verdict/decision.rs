//! What the statistics come to.

use super::confirmation::Gate;
use super::evidence::Method;
use super::hearing::Unheard;

/// The answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing found, and something as suspicious as is told would have been.
    Clean,
    /// A class is too suspicious for a clean model: to a witness that needs no more, or its trigger
    /// works on images never searched on.
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
    /// What the user can do to have a better answer, in full sentences; empty if nothing is known
    /// to help.
    pub remedies: Vec<String>,
    /// Target classes of the backdoor, the most suspicious first. Empty unless backdoored.
    pub targets: Vec<usize>,
    /// Classes that are named as suspicious, whether they are taken for targets or not, the most
    /// suspicious first.
    pub suspects: Vec<usize>,
    /// Probability that a clean model looks at least as suspicious to all witnesses heard. `None`
    /// if none was.
    pub p_value: Option<f64>,
    /// Rate of false alarms that the verdict was asked to keep, for the model as a whole.
    pub fpr: f64,
    /// What the p-value is calibrated on.
    pub calibration: String,
    /// The witnesses, in the order of the evidence.
    pub witnesses: Vec<WitnessDecision>,
    /// All classes that some witness searched to the end, by class index.
    pub classes: Vec<ClassDecision>,
}

/// What one witness says by itself.
#[derive(Debug, Clone, PartialEq)]
pub struct WitnessDecision {
    /// The detector and its preset.
    pub method: Method,
    /// What it says of the model; or why it was not heard.
    pub said: Result<WitnessSays, Unheard>,
}

/// What one witness says of the model. All values are on its logarithmic scale.
#[derive(Debug, Clone, PartialEq)]
pub struct WitnessSays {
    /// Probability that a clean model looks at least as suspicious to this witness alone.
    pub p_value: f64,
    /// How far the flagged class that is nearest to the others (the smallest, if none is flagged)
    /// lies below them, in units of their scale. `None` if the classes could not be compared.
    pub statistic: Option<f64>,
    /// What the statistic has to exceed for the witness to convict alone.
    pub threshold: Option<f64>,
    /// The value below which a class is too suspicious for a clean model by this witness alone. If
    /// no class is flagged, one below it would have been, whichever of the reached classes it
    /// was found for: what `clean` speaks of. `None` if there is no such value.
    pub value_threshold: Option<f64>,
}

/// What the statistics say of one class.
#[derive(Debug, Clone, PartialEq)]
pub struct ClassDecision {
    /// Class index.
    pub class: usize,
    /// Probability that a clean model has any class as suspicious as this to all witnesses
    /// together. `None` for a class that no witness heard has reached.
    pub p_value: Option<f64>,
    /// Whether the class is more suspicious than clean models have any.
    pub flagged: bool,
    /// Whether it is named: flagged, and not only in the wake of another.
    pub named: bool,
    /// What each witness says of it, in the order of the evidence; `None` for a witness that was
    /// not heard or has not reached the class.
    pub witnesses: Vec<Option<ClassByWitness>>,
}

/// What one witness says of one class.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClassByWitness {
    /// The class whose images its trigger works on, if the search was about those of one.
    pub source: Option<usize>,
    /// Minus the logarithm of the probability, in simulated clean models, that any class is as
    /// suspicious to this witness.
    pub surprise: f64,
    /// That probability among measured clean models, where there are such.
    pub p_value: f64,
    /// How far the value lies below the others', in the units of the witness's statistic;
    /// negative above them. `None` if the classes could not be compared.
    pub residual: Option<f64>,
    /// Whether this witness would have flagged the class alone.
    pub flagged: bool,
    /// What came of the class's trigger on held-out images.
    pub gate: Gate,
}
