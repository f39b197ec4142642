//! New weights for the channels of a chain.

use gifthorse_engine::Role;
use gifthorse_onnx::Model;

use super::chain::{Chain, Link, refused};
use super::weights::{Weights, along};
use crate::Error;
use crate::implant::sight::Sight;

impl Chain<'_> {
    /// The model with the chain overwritten: a filter at this place of the first window, a vote for
    /// a class in the end.
    ///
    /// # Errors
    /// [`Error::Implant`] for weights that several layers share, or a first layer without a bias.
    pub fn overwritten(
        &self,
        model: &Model,
        sight: &Sight,
        (filter, threshold): &(Vec<f32>, f32),
        [row, column]: [usize; 2],
        (target, vote): (usize, f32),
    ) -> Result<Model, Error> {
        let mut weights = Weights::new(self.graph, &self.wiring);
        for (at, link) in self.links.iter().enumerate() {
            let last = at + 1 == self.links.len();
            let before = at.checked_sub(1).and_then(|before| self.links.get(before));
            let (shape, kernel) = weights.of(link.kernel)?;
            if !last {
                along(&shape, link.out, link.channel).for_each(|at| kernel[at] = 0.0);
            }
            match before.and_then(|before| Some((before.channel, before.next.as_ref()?))) {
                None => {
                    let [_, channels, rows, columns] = shape[..] else {
                        return refused(format!("`{}` is no convolution of maps", link.layer.name));
                    };
                    let area = sight.height * sight.width;
                    for (at, &weight) in filter.iter().enumerate() {
                        let (channel, y, x) =
                            (at / area, at / sight.width % sight.height, at % sight.width);
                        let place = (link.channel * channels + channel) * rows + row + y;
                        kernel[place * columns + column + x] = weight;
                    }
                }
                Some((channel, (axis, entries))) => {
                    let onward = if last {
                        (target, vote)
                    } else {
                        (link.channel, 1.0)
                    };
                    for &entry in &entries[channel] {
                        for at in along(&shape, *axis, entry) {
                            let stride: usize = shape[link.out + 1..].iter().product();
                            let out = at / stride % shape[link.out];
                            kernel[at] = if out == onward.0 { onward.1 } else { 0.0 };
                        }
                    }
                }
            }
            if !last {
                let bias = if at == 0 { *threshold } else { 0.0 };
                self.shift(&mut weights, link, bias)?;
            }
        }
        weights.written(model)
    }

    /// Gives the overwritten channel of a layer a bias, and leaves it otherwise as it is in the
    /// layer's normalisations.
    fn shift(
        &self,
        weights: &mut Weights<'_, '_>,
        link: &Link<'_>,
        bias: f32,
    ) -> Result<(), Error> {
        let channel = link.channel;
        let mut bias = bias;
        if let Some(own) = link.bias {
            weights.put(own, channel, bias)?;
            bias = 0.0;
        }
        for &norm in &link.norms {
            let eps = norm.float_or("epsilon", 1e-5)?;
            for weight in self.wiring.weights_of(norm) {
                let value = if weight.role == Role::Scale {
                    1.0
                } else {
                    bias
                };
                weights.put(weight.name, channel, value)?;
            }
            bias = 0.0;
            let statistics = self.wiring.statistics(norm);
            let unknown =
                || Error::Implant(format!("the statistics of `{}` are not seen", norm.name));
            let statistics = statistics.ok_or_else(unknown)?;
            weights.put(statistics.mean, channel, 0.0)?;
            weights.put(statistics.variance, channel, 1.0 - eps)?;
        }
        if bias == 0.0 {
            return Ok(());
        }
        refused(format!(
            "`{}` has no bias that a threshold could be written into",
            link.layer.name
        ))
    }
}
