//! Where the units of a model lie.

use crate::classifier::Classifier;
use crate::error::Error;
use crate::layer::Hinge;

/// The activations that everything passes through, the last one in front: functions with a flat
/// stretch, each result once, but for one that only keeps the image's pixels in their range.
///
/// # Errors
/// What the lowering refuses.
pub fn activations(classifier: &Classifier) -> Result<Vec<Hinge>, Error> {
    let mut found: Vec<Hinge> = Vec::new();
    let image = in_order(&classifier.shape());
    for hinge in classifier.network().hinges()?.iter().rev() {
        let is_new = found.iter().all(|known| known.after != hinge.after);
        let is_inner = in_order(hinge.after.shape()) != image;
        if is_new && is_inner && classifier.split_at(&hinge.after).is_ok() {
            found.push(hinge.clone());
        }
    }
    Ok(found)
}

/// Lengths of axes whose order does not matter: channels come first or last.
fn in_order(shape: &[usize]) -> Vec<usize> {
    let mut lengths = shape.to_vec();
    lengths.sort_unstable();
    lengths
}
