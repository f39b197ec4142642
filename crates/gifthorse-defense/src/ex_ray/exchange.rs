//! Features of two sets of images, exchanged at a layer.

use gifthorse_engine::{Array, Tail, Tensor};

use crate::adam::Adam;
use crate::error::Error;

/// Steps of the search for a mask, as released.
const STEPS: usize = 400;
/// Step size of Adam, as released.
const RATE: f32 = 5e-2;
/// Decay of Adam's moments, PyTorch's defaults.
const BETAS: (f32, f32) = (0.9, 0.999);
/// Where the mask begins, before the tanh: all features are exchanged, as released.
const START: f32 = 4.0;
/// Weight of the logits of images that do not change their answer, as released.
const WEIGHT: f32 = 10.0;

/// Pairs of images of two classes, or without a trigger and with one, by their features at a layer.
pub struct Exchange<'a> {
    tail: &'a Tail,
    /// Features of each side, `[pairs, before, channels, behind]`: the axes of the layer before and
    /// behind its channels are one each.
    features: [Tensor<4>; 2],
    /// The class that the model takes the images of each side for.
    classes: [usize; 2],
}

impl<'a> Exchange<'a> {
    /// Pairs of images: the features of each side, row-major, as many of one as of the other, and
    /// the class that the model takes the images for.
    pub fn new(tail: &'a Tail, sides: [(Vec<f32>, usize); 2]) -> Self {
        let layer = tail.layer();
        let (before, rest) = layer.shape().split_at(layer.channel_axis() - 1);
        let behind = rest.iter().skip(1).product::<usize>();
        let before = before.iter().product::<usize>();
        let classes = [sides[0].1, sides[1].1];
        let features = sides.map(|(features, _)| {
            let count = features.len() / layer.shape().iter().product::<usize>().max(1);
            let shape = [count, before, layer.channels(), behind];
            Array::from_vec(features, &shape, tail.device()).into_tensor()
        });
        Self {
            tail,
            features,
            classes,
        }
    }

    /// How many pairs there are.
    fn pairs(&self) -> usize {
        self.features[0].dims()[0]
    }

    /// The smallest mask over the channels, by its sum, that exchanges the answers of all images of
    /// both sides; `None` if none of those tried did.
    ///
    /// # Errors
    /// A model that cannot be run, or passes no gradient back.
    pub fn smallest_mask(&self) -> Result<Option<Vec<f32>>, Error> {
        let channels = self.tail.layer().channels();
        let start = vec![START; channels];
        let mut variable: Tensor<1> =
            Array::from_vec(start, &[channels], self.tail.device()).into_tensor();
        let mut adam = Adam::new(RATE, BETAS);
        let mut smallest: Option<(f64, Vec<f32>)> = None;
        for _ in 0..STEPS {
            let leaf = variable.clone().autodiff().require_grad();
            let mask = leaf.clone().tanh().div_scalar(2.0).add_scalar(0.5);
            let values = Array::from_tensor(mask.clone().inner()).into_vec();
            let logits = self.logits(mask.clone())?;
            let missing = self.hits(&logits).map(|hits| hits < self.pairs());
            let size: f64 = values.iter().map(|&it| f64::from(it)).sum();
            let is_smaller = smallest.as_ref().is_none_or(|(least, _)| size < *least);
            if missing == [false, false] && is_smaller {
                smallest = Some((size, values));
            }
            let mut loss = mask.sum();
            for side in (0..2).filter(|&side| missing[side]) {
                let own = self.of_side(&logits, side, self.classes[side]);
                let other = self.of_side(&logits, side, self.classes[1 - side]);
                loss = loss.add(own.sub(other).sum().mul_scalar(WEIGHT));
            }
            let mut gradients = loss.backward();
            let gradient = leaf.grad_remove(&mut gradients).ok_or(Error::NoGradient)?;
            variable = adam.step(variable, gradient);
        }
        Ok(smallest.map(|(_, mask)| mask))
    }

    /// Logits `[2 * pairs, classes]` of the images of one side, then of the other, under a mask
    /// `[channels]`.
    fn logits(&self, mask: Tensor<1>) -> Result<Tensor<2>, Error> {
        let channels = mask.dims()[0];
        let mask: Tensor<4> = mask.reshape([1, 1, channels, 1]);
        let [one, other] = self
            .features
            .clone()
            .map(|features| match mask.is_tracked() {
                true => features.autodiff(),
                false => features,
            });
        let moved = other.clone().sub(one.clone()).mul(mask);
        let both = Tensor::cat(vec![one.add(moved.clone()), other.sub(moved)], 0);
        let shape = [&[2 * self.pairs()], self.tail.layer().shape()].concat();
        Ok(self.tail.logits(Array::from_tensor(both).reshape(&shape))?)
    }

    /// The logits `[pairs, 1]` of one class, for the images of one side.
    fn of_side(&self, logits: &Tensor<2>, side: usize, class: usize) -> Tensor<2> {
        let rows = logits.clone().narrow(0, side * self.pairs(), self.pairs());
        rows.narrow(1, class, 1)
    }

    /// How many images of each side are taken for the class of the other.
    fn hits(&self, logits: &Tensor<2>) -> [usize; 2] {
        let classes = logits.dims()[1];
        let values = Array::from_tensor(logits.clone().inner()).into_vec();
        let rows: Vec<&[f32]> = values.chunks_exact(classes).collect();
        let (one, other) = rows.split_at(self.pairs());
        let led = |rows: &[&[f32]], class: usize| {
            rows.iter().filter(|row| is_largest(row, class)).count()
        };
        [led(one, self.classes[1]), led(other, self.classes[0])]
    }
}

/// Whether the logit of a class is larger than all others.
fn is_largest(logits: &[f32], class: usize) -> bool {
    let mut others = logits.iter().enumerate();
    others.all(|(other, &logit)| other == class || logit < logits[class])
}
