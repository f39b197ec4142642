//! What makes a network of a plan: the checks and the ends that all of them share.

use gifthorse_data::ImageShape;

use crate::Error;
use crate::net::{Layers, Net};

/// Largest side of a square image that is tried to find out what a network can take.
const LARGEST: usize = 512;

/// A plan of layers for images of many shapes.
pub trait Architecture: std::fmt::Debug {
    /// What the graph is called and the start of the architecture in the file's metadata, such as
    /// `small-cnn 16-32-64`.
    fn title(&self) -> String;

    /// Adds all layers, from normalisation to the last, which gives a logit for each class.
    ///
    /// # Errors
    /// [`Error::Net`] for numbers that make no network, whatever the images.
    fn lay(&self, layers: &mut Layers, classes: usize) -> Result<(), Error>;

    /// The network with random weights; the same seed gives the same weights.
    ///
    /// # Errors
    /// [`Error::Net`] for numbers that make no network; [`Error::ImageSize`] for images that it
    /// cannot take.
    fn build(&self, input: ImageShape, classes: usize, seed: u64) -> Result<Net, Error> {
        let title = self.title();
        if classes < 2 {
            let reason = format!("{classes} class(es) leave nothing to tell apart");
            return Err(Error::Net(reason));
        }
        if input.values() == 0 {
            return Err(Error::Net(format!("images of {input} have no pixels")));
        }
        if let Some(reason) = misfit(self, input, classes)? {
            return Err(Error::ImageSize {
                net: title,
                input,
                reason,
                fits: fits(self, input, classes)?,
            });
        }
        let mut layers = Layers::new(&title, input, seed);
        self.lay(&mut layers, classes)?;
        layers.finish(&format!("{title} on {input} to {classes}"))
    }
}

/// Why such images are impossible, if they are.
fn misfit<A: Architecture + ?Sized>(
    net: &A,
    input: ImageShape,
    classes: usize,
) -> Result<Option<String>, Error> {
    let mut layers = Layers::outline(input);
    net.lay(&mut layers, classes)?;
    if let Some(flaw) = layers.flaw() {
        return Err(Error::Net(flaw.to_owned()));
    }
    Ok(layers.misfit().map(str::to_owned))
}

/// The square images next to these in size that are possible, in words.
fn fits<A: Architecture + ?Sized>(
    net: &A,
    input: ImageShape,
    classes: usize,
) -> Result<String, Error> {
    let square = |side| ImageShape {
        height: side,
        width: side,
        ..input
    };
    let find = |sides: &mut dyn Iterator<Item = usize>| -> Result<Option<usize>, Error> {
        for side in sides {
            if misfit(net, square(side), classes)?.is_none() {
                return Ok(Some(side));
            }
        }
        Ok(None)
    };
    let side = input.height.min(input.width);
    let smaller = find(&mut (1..=side.min(LARGEST)).rev())?;
    let larger = find(&mut (side + 1..=LARGEST))?;
    let found: Vec<String> = [smaller, larger]
        .into_iter()
        .flatten()
        .map(|side| square(side).to_string())
        .collect();
    if found.is_empty() {
        return Ok(format!("no square images of up to {LARGEST} pixels a side"));
    }
    Ok(found.join(" or "))
}
