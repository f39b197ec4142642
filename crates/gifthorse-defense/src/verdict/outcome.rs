//! What came of a trigger on held-out images, in words.

use super::confirmation::{Confirmation, Gate, trials_needed};
use super::hearing::Hearing;

/// The trial of a class's trigger on held-out images, if there was one.
pub(super) fn confirmation(hearing: &Hearing<'_>, class: usize) -> Option<Confirmation> {
    let (_, found) = hearing.witness.against(class)?;
    found.confirmation
}

/// What came of a trigger on held-out images, of which a `rate` was asked for.
pub(super) fn outcome(gate: Gate, confirmation: Option<Confirmation>, rate: f64) -> String {
    let (successes, trials) = confirmation.map_or((0, 0), |tried| (tried.successes, tried.trials));
    match gate {
        Gate::Passed { lower } => format!(
            "and it flips {successes} of {trials} held-out images (at least {:.1} % with 95 % \
             confidence)",
            percent_at_least(lower)
        ),
        Gate::Failed { lower } => format!(
            "but it is not confirmed: it flips only {successes} of {trials} held-out images (at \
             least {:.1} % with 95 % confidence, where {:.0} % are asked for)",
            percent_at_least(lower),
            100.0 * rate
        ),
        Gate::TooFew { trials } => format!(
            "but there are too few held-out images to confirm it: {trials}, where at least {} are \
             needed",
            trials_needed(rate)
        ),
        Gate::NotTried => "but it was not tried on held-out images".to_owned(),
    }
}

/// The source class that a trigger works badly on.
pub(super) fn spared(confirmation: Option<Confirmation>) -> String {
    let spared = confirmation.and_then(|confirmation| confirmation.spared_source());
    spared.map_or_else(String::new, |spared| {
        let (source, successes, trials) = (spared.source, spared.successes, spared.trials);
        format!(" It works badly on images of class {source}: {successes} of {trials}.")
    })
}

/// A lower bound in percent, cut to one decimal: rounded up, it would claim too much, and a bound
/// just below what is asked for would seem to meet it.
fn percent_at_least(lower: f64) -> f64 {
    (1000.0 * lower).floor() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lower_bounds_are_never_rounded_up() {
        let said = outcome(Gate::Failed { lower: 0.8999 }, None, 0.9);
        assert!(said.contains("least 89.9 %"), "{said}");
        let said = outcome(Gate::Passed { lower: 0.93468 }, None, 0.9);
        assert!(said.contains("least 93.4 %"), "{said}");
    }
}
