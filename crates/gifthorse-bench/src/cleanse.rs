//! A training set audited by the model that was trained on it.

use gifthorse_attack::plant::{Cleansing, Truth};
use gifthorse_data::Images;
use gifthorse_defense::audit::{Given, named};
use gifthorse_engine::Classifier;

use crate::Error;
use crate::spec::AuditSpec;

/// What an audit takes out of the training set `set` of a model of which the truth was measured.
///
/// # Errors
/// What the audit refuses.
pub fn cleansing(
    audit: &AuditSpec,
    (model, truth): (&Classifier, &Truth),
    set: &Images,
    seed: u64,
) -> Result<Cleansing, Error> {
    let audited = named(&audit.method)?.audit(&Given {
        classifier: model,
        images: set,
        share: audit.share,
        seed,
    })?;
    let poisoned = truth.poisoned_places(set.len()).unwrap_or_default();
    let found = poisoned
        .iter()
        .filter(|&&place| audited.images[place].removed);
    let backdoors = truth.backdoors.iter();
    Ok(Cleansing {
        audit: audit.method.clone(),
        images: set.len(),
        removed: audited.removed(),
        found: found.count(),
        poisoned: poisoned.len(),
        clean_accuracy: truth.clean_accuracy,
        with_trigger: backdoors
            .map(|backdoor| backdoor.effect.with_trigger)
            .collect(),
    })
}

/// The places of a set of so many that are not `removed`, which ascend.
pub fn left(removed: &[usize], images: usize) -> Vec<usize> {
    let mut removed = removed.iter().peekable();
    let is_left = |place: &usize| removed.next_if_eq(&place).is_none();
    (0..images).filter(is_left).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_all_else() {
        assert_eq!(left(&[0, 2, 3], 6), [1, 4, 5]);
        assert_eq!(left(&[], 2), [0, 1]);
        assert!(left(&[0, 1], 2).is_empty());
    }
}
