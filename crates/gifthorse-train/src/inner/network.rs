//! Runs parts of a batch up to the layer that a loss is on, and back from there.

use std::ops::Range;
use std::sync::Arc;

use gifthorse_engine::{Array, BatchStatistics, Classifier, Device, Layer};

use super::{InnerLoss, Inside, Slope};
use crate::Error;
use crate::further_losses::Changed;
use crate::gradient::{Backward, Part, Shard, leaves, opened};
use crate::loss_graph::{Known, Tape, Traced};
use crate::net::Net;

/// The network that is trained, tapped at the layer that a loss is on.
#[derive(Debug)]
pub struct InnerNetwork {
    network: Known,
    layer: Layer,
    class: Option<usize>,
}

impl InnerNetwork {
    /// Lowers the network for parts of `shard` images.
    ///
    /// # Errors
    /// What the loss says of a network that has no such layer; what the engine refuses.
    pub fn new(
        net: &Net,
        inner: &dyn InnerLoss,
        shard: usize,
        device: &Device,
    ) -> Result<Self, Error> {
        let graph = Arc::new(net.model().editable_graph()?);
        let size = Some([net.input().height, net.input().width]);
        let preprocess = net.preprocess().clone();
        let classifier = Classifier::open(graph, preprocess, size, net.opening(), device)?;
        let layer = inner.layer(&classifier)?;
        let taps = [layer.name().to_owned()];
        let network = opened(net, shard, &taps, device)?;
        let class = inner.class();
        let network = match class {
            Some(_) => network.with_gradients()?,
            None => network,
        };
        Ok(Self {
            network: Known::new(network),
            layer,
            class,
        })
    }

    /// What a part of a batch looks like inside.
    ///
    /// # Errors
    /// What cannot be drawn, and what the engine refuses.
    pub fn see(
        &self,
        backward: &Backward,
        weights: &[Array],
        samples: Changed<'_>,
        part: Part<'_>,
    ) -> Result<Inside, Error> {
        let parameters = backward.parameters(weights.iter().cloned());
        let (pixels, wanted) = backward.draw(&samples, part)?;
        let (changed, gradient) = match self.class {
            Some(class) => self.speaking(backward, &parameters, pixels, (class, part))?,
            None => (self.values(&parameters, pixels, part)?, Vec::new()),
        };
        let (pixels, labels) = backward.draw(&samples.samples, part)?;
        Ok(Inside {
            shape: self.layer.shape().to_vec(),
            changed,
            clean: self.values(&parameters, pixels, part)?,
            gradient,
            wanted,
            labels,
        })
    }

    /// The layer's values.
    fn values(
        &self,
        parameters: &[Array],
        pixels: Array,
        part: Part<'_>,
    ) -> Result<Vec<f32>, Error> {
        let mut tape = Tape::default();
        let (values, _) = self.pass(&mut tape, parameters, pixels, part)?;
        Ok(values.numbers())
    }

    /// The layer's values, and the gradient of a class's logits to them.
    fn speaking(
        &self,
        backward: &Backward,
        parameters: &[Array],
        pixels: Array,
        (class, part): (usize, Part<'_>),
    ) -> Result<(Vec<f32>, Vec<f32>), Error> {
        let mut tape = Tape::default();
        let images = tape.given("images", pixels);
        let passed = tape.pass_from(&self.network, &images, parameters, part.seed)?;
        let (logits, values, leaves) = passed;
        let shape = logits.shape();
        let classes = shape[1];
        if class >= classes {
            return Err(Error::NoSuchClass { class, classes });
        }
        let mut of_class = vec![0.0; shape.iter().product()];
        let rows = of_class.chunks_exact_mut(classes);
        rows.for_each(|row| row[class] = 1.0);
        let of_class = tape.given("class", backward.array(of_class, &shape));
        let scores = tape.mul(&logits, &of_class);
        let sum = tape.sum(&scores);
        let (gradients, _) = tape.backward(&sum, &leaves)?;
        Ok((values.into_vec(), gradients.concat()))
    }

    fn pass(
        &self,
        tape: &mut Tape,
        parameters: &[Array],
        pixels: Array,
        part: Part<'_>,
    ) -> Result<(Traced, Vec<BatchStatistics>), Error> {
        let images = tape.given("images", pixels);
        let network = (&self.network, self.layer.name());
        tape.pass_to(network, &images, parameters, part.seed)
    }

    /// Runs a part of a batch forwards to the layer, and takes the slope back from there. Batch
    /// normalisations are given what they saw of the changed images.
    ///
    /// # Errors
    /// What cannot be drawn, and what the engine refuses; [`Error::Recipe`] if no weight that is
    /// trained comes before the layer.
    pub fn run(
        &self,
        backward: &Backward,
        weights: &[Array],
        samples: Changed<'_>,
        part: Part<'_>,
        slope: &Slope,
    ) -> Result<Shard, Error> {
        let leaves = leaves(weights);
        let parameters = backward.parameters(leaves.iter().cloned().map(Array::from_tensor));
        let mut tape = Tape::default();
        let mut along = |pixels: Array, slope: &[f32]| {
            let (values, statistics) = self.pass(&mut tape, &parameters, pixels, part)?;
            if !values.is_tracked() {
                let layer = self.layer.name();
                let reason = format!(
                    "a loss on the layer `{layer}` changes no weight, since none before it is trained"
                );
                return Err(Error::Recipe(reason));
            }
            let shape = values.shape();
            let count = shape[1];
            let own = images(part.first * count..(part.first + shape[0]) * count, slope);
            let slope = tape.given("slope", backward.array(own, &shape));
            let rise = tape.mul(&values, &slope);
            Ok((tape.sum(&rise), statistics))
        };
        let (pixels, _) = backward.draw(&samples, part)?;
        let (mut sum, statistics) = along(pixels, &slope.changed)?;
        if let Some(clean) = &slope.clean {
            let (pixels, _) = backward.draw(&samples.samples, part)?;
            let (other, _) = along(pixels, clean)?;
            sum = tape.add(&sum, &other);
        }
        drop(parameters);
        let mean = tape.over(&sum, part.batch);
        let (gradients, losses) = tape.backward_to_some(&mean, &leaves);
        let sizes = weights.iter().map(|values| values.shape().iter().product());
        let own = slope.losses.iter().skip(part.first).take(part.chosen.len());
        Ok(Shard {
            loss: own.map(|&loss| f64::from(loss)).sum(),
            right: 0,
            // Weights behind the layer have no part in it.
            gradients: gradients
                .into_iter()
                .zip(sizes)
                .map(|(gradient, size)| gradient.unwrap_or_else(|| vec![0.0; size]))
                .collect(),
            statistics,
            losses,
        })
    }
}

/// A stretch of numbers; those that are not there are 0.
fn images(stretch: Range<usize>, numbers: &[f32]) -> Vec<f32> {
    let count = stretch.len();
    let mut own = numbers.get(stretch).unwrap_or_default().to_vec();
    own.resize(count, 0.0);
    own
}

#[cfg(test)]
mod tests {
    use gifthorse_data::{ImageShape, Images};
    use gifthorse_engine::{last_maps, logits_input};

    use super::*;
    use crate::net::{AnyNet, Architecture, ResNet18, SmallCnn};
    use crate::{Augment, Augmented, Change, Samples};

    const SHAPE: ImageShape = ImageShape {
        channels: 1,
        height: 16,
        width: 16,
    };

    /// A bright corner, and half the square of how far a layer's values are from those without.
    struct Corner {
        maps: bool,
    }

    impl Change for Corner {
        fn change(&self, _: usize, _: usize, pixels: &mut [f32], _: usize) -> Result<usize, Error> {
            pixels[..40].fill(1.0);
            Ok(0)
        }

        fn share(&self) -> f64 {
            1.0
        }

        fn inner(&self) -> Option<&dyn InnerLoss> {
            Some(self)
        }
    }

    impl InnerLoss for Corner {
        fn name(&self) -> &'static str {
            "corner"
        }

        fn layer(&self, network: &Classifier) -> Result<Layer, Error> {
            let layer = match self.maps {
                true => last_maps(network)?,
                false => logits_input(network)?,
            };
            layer.ok_or_else(|| Error::Net("no layer".to_owned()))
        }

        fn class(&self) -> Option<usize> {
            self.maps.then_some(1)
        }

        fn slope(&self, inside: &Inside) -> Slope {
            let pairs = inside.changed.iter().zip(&inside.clean);
            let away: Vec<f32> = pairs.map(|(a, b)| a - b).collect();
            let images = away.chunks_exact(inside.size());
            Slope {
                losses: images
                    .map(|image| 0.5 * image.iter().map(|v| v * v).sum::<f32>())
                    .collect(),
                clean: Some(away.iter().map(|v| -v).collect()),
                changed: away,
            }
        }
    }

    /// Moves all weights of one layer along their gradient, and asks whether the loss follows it.
    #[test]
    fn each_weight_has_the_gradient_that_finite_differences_give() {
        let small = SmallCnn {
            channels: vec![4, 6],
            hidden: 8,
        };
        let residual = AnyNet::ResNet18(ResNet18 { width: 2 });
        let nets = [
            small.build(SHAPE, 3, 1).unwrap(),
            residual.build(SHAPE, 3, 1).unwrap(),
        ];
        let (count, size) = (8, SHAPE.values());
        let pixels = (0..count * size).map(|i| (i as f32 * 0.618_034).fract());
        let labels: Vec<usize> = (0..count).map(|i| i % 3).collect();
        let names = (0..count).map(|i| i.to_string()).collect();
        let images = Images::new(SHAPE, pixels.collect(), Some(labels), Vec::new(), names);
        let images = images.unwrap();
        let samples: &dyn Samples = &images;
        let chosen: Vec<usize> = (0..count).collect();
        let part = Part {
            epoch: 0,
            chosen: &chosen,
            first: 0,
            batch: count,
            smoothing: 0.0,
            seed: 0,
        };
        let cases = nets.iter().flat_map(|net| [(net, true), (net, false)]);
        for (net, maps) in cases {
            let corner = Corner { maps };
            let changed = Changed {
                samples: Augmented::new(samples, Augment::default(), 0),
                change: &corner,
            };
            let device = Device::flex();
            let backward = Backward::new(net, count, &device).unwrap();
            let network = InnerNetwork::new(net, &corner, count, &device).unwrap();
            let slope_at = |weights: &[Vec<f32>]| {
                let lent = backward.lend(&mut weights.to_vec());
                let inside = network.see(&backward, &lent, changed, part).unwrap();
                assert_eq!(inside.gradient.is_empty(), !maps);
                corner.slope(&inside)
            };
            let weights = backward.first_weights();
            let lent = backward.lend(&mut weights.clone());
            let slope = slope_at(&weights);
            let shard = network
                .run(&backward, &lent, changed, part, &slope)
                .unwrap();
            let loss = |slope: &Slope| {
                let losses = slope.losses.iter().map(|&loss| f64::from(loss));
                losses.sum::<f64>() / count as f64
            };
            assert!((shard.loss / count as f64 - loss(&slope)).abs() < 1e-6);
            let mut moves = 0;
            for (index, gradient) in shard.gradients.iter().enumerate() {
                let square: f64 = gradient.iter().map(|&g| f64::from(g).powi(2)).sum();
                if square < 1e-8 {
                    continue;
                }
                moves += 1;
                let rise = |step: f32| {
                    let length = step / square.sqrt() as f32;
                    let moved = |factor: f32| {
                        let mut moved = weights.clone();
                        for (weight, g) in moved[index].iter_mut().zip(gradient) {
                            *weight += factor * length * g;
                        }
                        loss(&slope_at(&moved))
                    };
                    (moved(1.0) - moved(-1.0)) / (2.0 * f64::from(length) * square)
                };
                let name = &backward.weights()[index].name;
                // Long steps in a deep network go over kinks, short ones drown in rounding.
                let rises = [1e-2, 3e-3, 1e-3, 3e-4].map(rise);
                let close = rises.iter().any(|rise| (rise - 1.0).abs() < 0.1);
                assert!(close, "{maps}, {name}: {rises:?} of {square}");
            }
            // The last layer is behind both.
            let behind = &shard.gradients[backward.weights().len() - 1];
            assert!(behind.iter().all(|&g| g == 0.0));
            assert!(moves >= 3, "{moves}");
        }
    }
}
