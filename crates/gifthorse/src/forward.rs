//! The bare forward pass of a model on raw input.

use std::path::Path;
use std::sync::Arc;

use gifthorse_engine::{Array, Device, ImageInput, Network, Opening};
use gifthorse_onnx::{Dim, Model};
use rayon::prelude::*;

use crate::Error;
use crate::npy::NpyArray;

/// Images that go through the model together. Fixed, so that results do not depend on the number of
/// threads.
const BATCH: usize = 50;

/// The logits `[images, classes]` of raw input, exactly as the model takes it: nothing is scaled,
/// reordered or resized. What follows the scores of the classes is left off, and a single score `z`
/// is two classes: (0, z). `opening` says which output is meant and what the inputs beside the image
/// are.
///
/// `input` has the model's own shape with any number of images first; a single image may lack that
/// dimension.
///
/// # Errors
/// A model that cannot be read or run; input of another shape.
pub fn logits(model: &Path, input: &NpyArray, opening: &Opening) -> Result<NpyArray, Error> {
    let in_file = |error| Error::Model {
        path: model.to_owned(),
        source: Box::new(error),
    };
    let in_engine = |error| Error::Engine {
        path: model.to_owned(),
        source: Box::new(error),
    };
    let graph = Arc::new(
        Model::read(model)
            .map_err(in_file)?
            .graph()
            .map_err(in_file)?,
    );
    let image = ImageInput::find(&graph, opening).map_err(in_engine)?;
    let declared = image.info.shape.as_ref();
    let rank = declared.map(Vec::len);
    let mut shape = input.shape.clone();
    if rank == Some(shape.len() + 1) {
        shape.insert(0, 1);
    }
    let fits = |declared: &Vec<Dim>| {
        let pairs = declared.iter().zip(&shape).skip(1);
        declared.len() == shape.len()
            && pairs
                .into_iter()
                .all(|(dim, &side)| dim.fixed().is_none_or(|fixed| fixed == side))
    };
    if !declared.is_none_or(fits) || shape.len() < 2 || shape.contains(&0) {
        return Err(Error::Request(format!(
            "the input has the shape {:?}, but the model {} takes {}",
            input.shape,
            model.display(),
            declared.map_or("[images, ...]".to_owned(), |dims| in_words(dims))
        )));
    }
    let network =
        Network::open(graph, Some(&shape[1..]), opening, Device::flex()).map_err(in_engine)?;
    let size: usize = shape[1..].iter().product();
    let parts = input.values.par_chunks(BATCH * size).map(|part| {
        let mut batch = vec![part.len() / size];
        batch.extend(&shape[1..]);
        let images = Array::from_vec(part.to_vec(), &batch, network.device());
        Ok(network.forward(images)?.into_vec())
    });
    let parts: Result<Vec<Vec<f32>>, gifthorse_engine::Error> = parts.collect();
    Ok(NpyArray {
        shape: vec![shape[0], network.classes()],
        values: parts.map_err(in_engine)?.concat(),
    })
}

/// A declared shape, the number of images free.
fn in_words(dims: &[Dim]) -> String {
    let sides = dims
        .iter()
        .skip(1)
        .map(|dim| dim.fixed().map_or("?".to_owned(), |side| side.to_string()));
    let sides: Vec<String> = std::iter::once("images".to_owned()).chain(sides).collect();
    format!("[{}]", sides.join(", "))
}
