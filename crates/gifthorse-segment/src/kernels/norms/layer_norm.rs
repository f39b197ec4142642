//! Layer normalisation over the channels of each pixel.

use crate::kernels::contract::{Backward, Forward, Kernel, Needs, Work};
use crate::kernels::on_lanes::{self, OnLanes};
use crate::lanes::across::{first_or, lanes_of, sum};
use crate::lanes::map::MapShape;
use crate::lanes::{Isa, Lane, Lanes};

/// `scale (x - mean) / sqrt(variance + epsilon) + offset`, mean and variance being those of a
/// pixel's channels.
#[derive(Debug)]
pub(crate) struct LayerNorm {
    scale: Vec<Lane>,
    offset: Option<Vec<Lane>>,
    epsilon: f32,
    shape: MapShape,
    isa: Isa,
}

/// Of one pixel.
#[derive(Clone, Copy)]
struct Moments {
    mean: f32,
    /// One divided by the standard deviation.
    inverse: f32,
}

impl LayerNorm {
    /// The kernel for maps of a shape; `None` unless there are as many scales, and offsets if any,
    /// as channels.
    pub(crate) fn new(
        shape: MapShape,
        epsilon: f32,
        scale: &[f32],
        offset: Option<&[f32]>,
    ) -> Option<Self> {
        let fits = |values: &[f32]| values.len() == shape.channels;
        (fits(scale) && offset.is_none_or(fits)).then(|| Self {
            scale: lanes_of(scale),
            offset: offset.map(lanes_of),
            epsilon,
            shape,
            isa: Isa::detect(),
        })
    }

    /// The mean over a pixel's channels of what `term` makes of each lane.
    #[inline(always)]
    fn mean<L: Lanes>(&self, l: L, term: impl Fn(usize) -> L::V) -> f32 {
        let mut total = l.splat(0.0);
        for group in 0..self.shape.groups() {
            let term = first_or(l, term(group), self.shape.present(group), 0.0);
            total = l.add(total, term);
        }
        sum(l, total) / self.shape.channels as f32
    }

    #[inline(always)]
    fn moments<L: Lanes>(&self, l: L, x: &[Lane]) -> Moments {
        let mean = self.mean(l, |group| l.load(&x[group].0));
        let variance = self.mean(l, |group| {
            let centred = l.sub(l.load(&x[group].0), l.splat(mean));
            l.mul(centred, centred)
        });
        Moments {
            mean,
            inverse: 1.0 / (variance + self.epsilon).sqrt(),
        }
    }

    /// A lane with its pixel's mean taken off, divided by its standard deviation.
    #[inline(always)]
    fn standard<L: Lanes>(&self, l: L, x: &Lane, moments: Moments) -> L::V {
        let centred = l.sub(l.load(&x.0), l.splat(moments.mean));
        l.mul(centred, l.splat(moments.inverse))
    }
}

impl Kernel for LayerNorm {
    fn name(&self) -> String {
        "layer norm".to_owned()
    }

    fn inputs(&self) -> Vec<MapShape> {
        vec![self.shape]
    }

    fn output(&self) -> MapShape {
        self.shape
    }

    fn work(&self) -> Work {
        let constants = [Some(&self.scale), self.offset.as_ref()];
        Work {
            operations: 8.0 * self.shape.elements() as f64,
            constants: constants
                .into_iter()
                .flatten()
                .map(|c| size_of_val(&c[..]))
                .sum(),
        }
    }

    fn needs(&self) -> Needs {
        Needs {
            inputs: true,
            ..Needs::default()
        }
    }

    fn forward(&self, run: Forward<'_>) {
        on_lanes::forward(self.isa, self, run);
    }

    fn backward(&self, run: Backward<'_>) {
        on_lanes::backward(self.isa, self, run);
    }
}

impl OnLanes for LayerNorm {
    #[inline(always)]
    fn forward_on<L: Lanes>(&self, l: L, run: Forward<'_>) {
        let (groups, mut finish, mut at) = (self.shape.groups(), run.finish, 0);
        for x in run.inputs[0].chunks_exact(groups) {
            let moments = self.moments(l, x);
            for group in 0..groups {
                let standard = self.standard(l, &x[group], moments);
                let scale = l.load(&self.scale[group].0);
                let value = match &self.offset {
                    Some(offset) => l.mul_add(standard, scale, l.load(&offset[group].0)),
                    None => l.mul(standard, scale),
                };
                finish.store(l, run.out, at, value);
                at += 1;
            }
        }
    }

    /// With `h` the gradient to the standardised `s`: `(h - mean(h) - s mean(h s)) / deviation`.
    #[inline(always)]
    fn backward_on<L: Lanes>(&self, l: L, run: Backward<'_>) {
        let (groups, mut finish, mut at) = (self.shape.groups(), run.finish, 0);
        let inputs = run.inputs[0].chunks_exact(groups);
        for (x, g) in inputs.zip(run.gradient.chunks_exact(groups)) {
            let moments = self.moments(l, x);
            let scaled = |group: usize| l.mul(l.load(&g[group].0), l.load(&self.scale[group].0));
            let mean = self.mean(l, scaled);
            let along = self.mean(l, |group| {
                l.mul(scaled(group), self.standard(l, &x[group], moments))
            });
            for group in 0..groups {
                let standard = self.standard(l, &x[group], moments);
                let rest = l.sub(scaled(group), l.splat(mean));
                let rest = l.mul_add(standard, l.splat(-along), rest);
                finish.store(l, run.out, at, l.mul(rest, l.splat(moments.inverse)));
                at += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests;
