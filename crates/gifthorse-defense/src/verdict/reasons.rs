//! The reasons of a decision, in words.

use crate::verdict::confirmation::{Confirmation, Gate, trials_needed};
use crate::verdict::findings::Obstacle;
use crate::verdict::set_aside::Thinning;

/// A class flagged, and what came of its trigger on held-out images.
pub(in crate::verdict) fn suspicion(
    class: usize,
    gate: Gate,
    confirmation: Option<Confirmation>,
) -> String {
    let (successes, trials) = confirmation.map_or((0, 0), |tried| (tried.successes, tried.trials));
    let outcome = match gate {
        Gate::Passed { lower } => format!(
            "and it flips {successes} of {trials} held-out images (at least {:.1} % with 95 % \
             confidence).",
            percent_at_least(lower)
        ),
        Gate::Failed { lower } => format!(
            "but it is not confirmed: it flips only {successes} of {trials} held-out images (at \
             least {:.1} % with 95 % confidence, where 90 % are asked for).",
            percent_at_least(lower)
        ),
        Gate::TooFew { trials } => format!(
            "but there are too few held-out images to confirm it: {trials}, where at least {} are \
             needed.",
            trials_needed()
        ),
        Gate::NotTried => "but it was not tried on held-out images.".to_owned(),
    };
    let spared = confirmation
        .and_then(|confirmation| confirmation.spared_source())
        .map_or_else(String::new, |spared| {
            let (source, successes, trials) = (spared.source, spared.successes, spared.trials);
            format!(" It works badly on images of class {source}: {successes} of {trials}.")
        });
    format!(
        "Class {class} is reached by a trigger that is too small for a clean model, {outcome}{spared}"
    )
}

/// Flagged classes that are no outliers among the classes of the model.
pub(in crate::verdict) fn by_size(
    by_size: usize,
    flagged: usize,
    classes: usize,
) -> Option<String> {
    let whole = if 2 * flagged > classes {
        " That so many are is what a backdoor to all classes looks like, and a clean model of a kind that is not \
         among the clean models known; clean models of the same task as references tell these apart."
    } else {
        ""
    };
    (by_size > 0).then(|| {
        format!(
            "{by_size} of the {flagged} flagged classes do not stand out from the others; they are flagged because no more \
             than a few clean models have any class so small.{whole}"
        )
    })
}

/// A lower bound in percent, cut to one decimal: rounded up, it would claim too much, and a bound just
/// below what is asked for would seem to meet it.
fn percent_at_least(lower: f64) -> f64 {
    (1000.0 * lower).floor() / 10.0
}

/// Gradients that failed the health check.
pub(in crate::verdict) fn unsound(why: &str) -> String {
    format!("The model's gradients cannot be trusted to lead a search: {why}.")
}

/// Why nothing flagged does not mean clean.
pub(in crate::verdict) fn obstacle(obstacle: Obstacle) -> String {
    match obstacle {
        Obstacle::CannotSay(why) => {
            format!("The classes cannot be compared with one another: {why}.")
        }
        Obstacle::NothingWouldStandOut => "So few classes of such unequal sizes cannot show a \
             backdoor: not even a trigger of one pixel would have stood out."
            .to_owned(),
    }
}

/// Nothing flagged; the size that would have been is told unless an obstacle was.
pub(in crate::verdict) fn nothing_found(p: f64, fpr: f64, norm_threshold: Option<f64>) -> String {
    let size = norm_threshold.map_or_else(String::new, |norm| {
        format!(" A class reached by a trigger of less than {norm:.1} pixels would have stood out.")
    });
    format!(
        "No class is reached by a trigger that is too small for a clean model (p = {p:.3}, limit \
         {fpr}).{size}"
    )
}

/// Classes never reached, which are no candidates whatever was found for the others.
pub(in crate::verdict) fn unreached(unreached: usize, searched: usize) -> Option<String> {
    (unreached > 0).then(|| {
        format!(
            "For {unreached} of {searched} classes no trigger was found at all: they count as hard to \
             reach, and nothing is known of a trigger that the search missed."
        )
    })
}

/// Classes that were not searched to the end.
pub(in crate::verdict) fn thinning(thinning: Thinning) -> String {
    let Thinning {
        finalists,
        sample,
        set_aside,
    } = thinning;
    let all = finalists + sample + set_aside;
    format!(
        "Of {all} classes, the {finalists} that were nearest to a small trigger after a short search and {sample} \
         of the others, drawn at random, were searched to the end; these {sample} stand for the {set_aside} that \
         were set aside."
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lower_bounds_are_never_rounded_up() {
        let said = suspicion(3, Gate::Failed { lower: 0.8999 }, None);
        assert!(said.contains("least 89.9 %"), "{said}");
        let said = suspicion(3, Gate::Passed { lower: 0.93468 }, None);
        assert!(said.contains("least 93.4 %"), "{said}");
    }
}
