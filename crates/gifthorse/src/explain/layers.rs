//! Which layers are looked at.

use gifthorse_defense::explain::{last_maps, logits_input};
use gifthorse_engine::{Classifier, Layer};

use crate::Error;

/// Layers that are named where one is not found.
const NAMED: usize = 12;

/// The layers whose channels are ranked: the one that is named, or the input of the logits; and the
/// last maps, if these are others.
///
/// # Errors
/// A name that no layer has; a model without any layer to look at.
pub fn chosen(classifier: &Classifier, named: Option<&str>) -> Result<Vec<Layer>, Error> {
    let first = match named {
        Some(name) => Some(of_name(classifier, name)?),
        None => logits_input(classifier)?,
    };
    let mut layers: Vec<Layer> = first.into_iter().collect();
    let maps = last_maps(classifier)?;
    layers.extend(maps.filter(|maps| !layers.contains(maps)));
    if layers.is_empty() {
        return Err(Error::Request(format!(
            "the model has no layer that everything passes through: name one to look at (--layer), such as {}",
            last_names(classifier)?
        )));
    }
    Ok(layers)
}

/// The layer that Grad-CAM looks at: the one that is named if it has places, or the last maps.
///
/// # Errors
/// A name that no layer has.
pub fn for_grad_cam(classifier: &Classifier, named: Option<&str>) -> Result<Option<Layer>, Error> {
    let named = named.map(|name| of_name(classifier, name)).transpose()?;
    match named.filter(|layer| layer.shape().len() == 3) {
        Some(layer) => Ok(Some(layer)),
        None => Ok(last_maps(classifier)?),
    }
}

fn of_name(classifier: &Classifier, name: &str) -> Result<Layer, Error> {
    let known = classifier.layers()?;
    if known.is_empty() || classifier.layer(name).is_err() {
        return Err(Error::Request(format!(
            "the model has no layer `{name}` (--layer); its last ones are {}",
            last_names(classifier)?
        )));
    }
    Ok(classifier.layer(name)?.clone())
}

/// The names of the last layers, the logits left out.
fn last_names(classifier: &Classifier) -> Result<String, Error> {
    let layers = classifier.layers()?.iter().rev().skip(1);
    let names = layers
        .take(NAMED)
        .map(|layer| format!("`{}`", layer.name()));
    Ok(names.collect::<Vec<_>>().join(", "))
}
