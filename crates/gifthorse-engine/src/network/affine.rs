//! The last part of a model, in which logits are an affine function of a layer.

use crate::error::Error;
use crate::execute::array::Array;
use crate::layer::Layer;
use crate::network::Network;
use crate::program::section::Section;

/// Layers before the logits that are looked at.
const MOST_LAYERS: usize = 24;
/// Most weights, one for each class and unit, that are worked out.
const MOST_WEIGHTS: usize = 1 << 27;
/// Classes whose weights are worked out in one pass.
const CLASSES_TOGETHER: usize = 32;
/// Sizes of the values that the function is tried on: it may bend near zero, or far from it.
const SIZES: [f32; 2] = [1.0, 50.0];
/// Part of its own changes by which an affine function may be off, computed in 32 bits.
const ROUNDING: f32 = 1e-3;

/// A layer of which the logits are an affine function: `logits = weights * layer + bias`, but for
/// what is added to all logits of an image alike, which no probability depends on.
#[derive(Clone, Debug, PartialEq)]
pub struct AffineEnd {
    /// The layer, the first of those from which on the model is affine: usually what the last
    /// activation gives.
    pub layer: Layer,
    /// `[classes, units]`, a unit being one number of the layer; of each unit, the mean over the
    /// classes is 0.
    pub weights: Vec<f32>,
    /// `[classes]`; the mean is 0.
    pub bias: Vec<f32>,
}

impl AffineEnd {
    /// How many numbers the layer has for an image.
    pub fn units(&self) -> usize {
        self.layer.shape().iter().product()
    }
}

impl Network {
    /// The last affine part of the model, whatever it is made of: a product and a sum, a
    /// convolution of one pixel before the mean over all, and what follows these. `None` if the
    /// logits are no such function of any layer, or of one with too many units.
    ///
    /// Found by trying layer after layer, from the logits backwards, until the function is no
    /// longer affine in it; worked out on the first call.
    ///
    /// # Errors
    /// What the lowering refuses.
    pub fn affine_end(&self) -> Result<Option<&AffineEnd>, Error> {
        if let Some(known) = self.affine_end.get() {
            return Ok(known.as_ref());
        }
        let found = self.find_affine_end()?;
        Ok(self.affine_end.get_or_init(|| found).as_ref())
    }

    fn find_affine_end(&self) -> Result<Option<AffineEnd>, Error> {
        let mut first = None;
        let before = self.layers()?.iter().rev().skip(1).take(MOST_LAYERS);
        for layer in before {
            if layer.shape().iter().product::<usize>() * self.classes() > MOST_WEIGHTS {
                break;
            }
            match self.is_affine_from(layer) {
                Ok(true) => first = Some(layer),
                Ok(false) => break,
                // Within one of several branches: what is behind them may still be affine.
                Err(Error::NoCut { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        first.map(|layer| self.affine_from(layer)).transpose()
    }

    /// Whether `f(x + y) - f(x) - f(y) + f(0)` is 0, up to rounding, for the logits f of the layer.
    fn is_affine_from(&self, layer: &Layer) -> Result<bool, Error> {
        let units: usize = layer.shape().iter().product();
        for size in SIZES {
            let (x, y) = (spread(units, size, 0.0), spread(units, size, 0.5));
            let both: Vec<f32> = x.iter().zip(&y).map(|(x, y)| x + y).collect();
            let rows = [vec![0.0; units], x, y, both].concat();
            let logits =
                self.centred(Array::from_vec(rows, &batch(4, layer), &self.device), layer)?;
            let logits = logits.into_vec();
            let [zero, x, y, both] = [0, 1, 2, 3].map(|row| {
                let start = row * self.classes();
                &logits[start..start + self.classes()]
            });
            let mut largest = 0.0f32;
            let mut off = 0.0f32;
            for class in 0..self.classes() {
                let (by_x, by_y) = (x[class] - zero[class], y[class] - zero[class]);
                largest = largest
                    .max(by_x.abs())
                    .max(by_y.abs())
                    .max(zero[class].abs() * ROUNDING);
                off = off.max((both[class] - zero[class] - by_x - by_y).abs());
            }
            // What depends on nothing, or is no number, is no such function either.
            let fits = largest > 0.0 && off <= ROUNDING * largest;
            if !fits {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn affine_from(&self, layer: &Layer) -> Result<AffineEnd, Error> {
        let (classes, units) = (self.classes(), layer.shape().iter().product::<usize>());
        let mut weights = Vec::with_capacity(classes * units);
        let mut bias = Vec::new();
        for start in (0..classes).step_by(CLASSES_TOGETHER) {
            let rows = CLASSES_TOGETHER.min(classes - start);
            let zeros = vec![0.0; rows * units];
            let leaf = Array::from_vec(zeros, &[rows * units], &self.device);
            let leaf = leaf.into_tensor::<1>().autodiff().require_grad();
            let at = Array::from_tensor(leaf.clone()).reshape(&batch(rows, layer));
            let logits = self.centred(at, layer)?;
            let mut own = vec![0.0; rows * classes];
            for (row, own) in own.chunks_exact_mut(classes).enumerate() {
                own[start + row] = 1.0;
            }
            let own = Array::from_vec(own, &[rows, classes], &self.device).into_tensor::<2>();
            let logits = logits.into_tensor::<2>();
            if bias.is_empty() {
                let mut first = Array::from_tensor(logits.clone().inner()).into_vec();
                first.truncate(classes);
                bias = first;
            }
            let mut gradients = logits.mul(own).sum().backward();
            let gradient = leaf.grad_remove(&mut gradients);
            let gradient = gradient.ok_or_else(|| {
                Error::Internal(format!(
                    "no gradient comes back to layer `{}`",
                    layer.name()
                ))
            })?;
            weights.extend(Array::from_tensor(gradient).into_vec());
        }
        Ok(AffineEnd {
            layer: layer.clone(),
            weights,
            bias,
        })
    }

    /// The logits `[batch, classes]` of values of a layer, less the mean over the classes.
    fn centred(&self, values: Array, layer: &Layer) -> Result<Array, Error> {
        let section = Section {
            from: Some(layer.name().to_owned()),
            ..Section::whole()
        };
        let logits = self.run(values, &section, &[])?.end.into_tensor::<2>();
        let mean = logits.clone().mean_dim(1);
        Ok(Array::from_tensor(logits.sub(mean)))
    }
}

/// The shape of so many values of a layer.
fn batch(count: usize, layer: &Layer) -> Vec<usize> {
    [&[count], layer.shape()].concat()
}

/// Numbers between `-size` and `size`, spread evenly, in no order; others for another `shift`.
fn spread(count: usize, size: f32, shift: f64) -> Vec<f32> {
    // Multiples of the golden ratio, modulo 1.
    let at =
        |place: usize| (place as f64 * 0.618_033_988_749_895 + shift * 0.7).fract() * 2.0 - 1.0;
    (0..count)
        .map(|place| size * at(place + 1) as f32)
        .collect()
}
