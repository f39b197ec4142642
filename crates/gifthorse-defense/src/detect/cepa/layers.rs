//! At which layers moves are compared.

use gifthorse_engine::{Classifier, Layer};

use crate::error::Error;

/// How far into the model they lie, as a part of its activations: its first, and about every
/// quarter. The second and the last are the paper's layers 5 and 13 of the 17 convolutions of a
/// ResNet-18.
const DEPTHS: [f64; MOST] = [0.0, 0.29, 0.53, 0.76];
/// Most layers that are looked at.
pub const MOST: usize = 4;

/// The layers, in the order of computation: activations, or layers of any kind where the model has
/// no activation that is flat somewhere; as many as there are, and no more than four.
///
/// # Errors
/// What the lowering refuses.
pub fn layers(classifier: &Classifier) -> Result<Vec<Layer>, Error> {
    let hinges = classifier.network().hinges()?;
    let after: Vec<&Layer> = hinges.iter().map(|hinge| &hinge.after).collect();
    let all: Vec<&Layer> = match after.is_empty() {
        false => after,
        // The logits come last: they are no inner layer.
        true => {
            let all = classifier.layers()?;
            all.iter().take(all.len().saturating_sub(1)).collect()
        }
    };
    let mut chosen: Vec<Layer> = Vec::new();
    for depth in DEPTHS {
        let at = (depth * all.len() as f64) as usize;
        if let Some(&layer) = all.get(at)
            && !chosen.contains(layer)
        {
            chosen.push(layer.clone());
        }
    }
    Ok(chosen)
}
