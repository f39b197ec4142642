//! The layers that are looked at where nobody says.

use crate::activations::activations;
use crate::classifier::Classifier;
use crate::error::Error;
use crate::layer::Layer;

/// The input of the layer that gives the logits, mostly called the second to last layer.
///
/// From some layer on, mostly the last activation, logits are an affine function. Of what follows
/// it, such as a pool, a flattening and a product, this is the last value that is a row of units
/// for each image, and not one for each class; if there is none, that first layer itself. `None` if
/// the logits are no affine function of any layer.
///
/// # Errors
/// What the lowering refuses.
pub fn logits_input(classifier: &Classifier) -> Result<Option<Layer>, Error> {
    let Some(end) = classifier.network().affine_end()? else {
        return Ok(None);
    };
    let layers = classifier.layers()?;
    let from = layers.iter().position(|layer| *layer == end.layer);
    let is_row = |layer: &&Layer| {
        matches!(layer.shape(), [units] if *units != classifier.classes())
            && classifier.split_at(layer).is_ok()
    };
    let behind = &layers[from.unwrap_or(layers.len())..];
    Ok(Some(
        behind.iter().rfind(is_row).unwrap_or(&end.layer).clone(),
    ))
}

/// The last activation whose channels are maps, `[channels, height, width]` of more than one place,
/// and that everything passes through: mostly what the last convolution gives. Without one, the
/// last such value of any kind. `None` if there is none.
///
/// # Errors
/// What the lowering refuses.
pub fn last_maps(classifier: &Classifier) -> Result<Option<Layer>, Error> {
    let is_map = |layer: &Layer| matches!(layer.shape(), [_, height, width] if height * width > 1);
    let activations = activations(classifier)?;
    let last = activations
        .into_iter()
        .map(|it| it.after)
        .find(|layer| is_map(layer));
    if last.is_some() {
        return Ok(last);
    }
    let image = classifier.shape();
    let layers = classifier.layers()?.iter();
    let mut passed = layers
        .filter(|layer| is_map(layer) && layer.shape() != image)
        .filter(|layer| classifier.split_at(layer).is_ok());
    Ok(passed.next_back().cloned())
}
