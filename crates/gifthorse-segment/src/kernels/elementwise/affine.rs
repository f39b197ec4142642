//! A scale and an offset for each channel: a batch norm that could not be folded into a
//! convolution.

use crate::kernels::contract::{Backward, Forward, Kernel, Work};
use crate::kernels::on_lanes::{self, OnLanes};
use crate::lanes::across::lanes_of;
use crate::lanes::map::MapShape;
use crate::lanes::{Isa, Lane, Lanes};

/// `scale x + offset`, with numbers of each channel.
#[derive(Debug)]
pub(crate) struct Affine {
    scale: Vec<Lane>,
    offset: Vec<Lane>,
    shape: MapShape,
    isa: Isa,
}

impl Affine {
    /// The kernel for maps of a shape; `None` unless there are as many scales and offsets as
    /// channels.
    pub(crate) fn new(shape: MapShape, scale: &[f32], offset: &[f32]) -> Option<Self> {
        let fits = scale.len() == shape.channels && offset.len() == shape.channels;
        fits.then(|| Self {
            scale: lanes_of(scale),
            offset: lanes_of(offset),
            shape,
            isa: Isa::detect(),
        })
    }
}

impl Kernel for Affine {
    fn name(&self) -> String {
        "affine".to_owned()
    }

    fn inputs(&self) -> Vec<MapShape> {
        vec![self.shape]
    }

    fn output(&self) -> MapShape {
        self.shape
    }

    fn work(&self) -> Work {
        Work {
            operations: 2.0 * self.shape.elements() as f64,
            constants: 2 * size_of_val(&self.scale[..]),
        }
    }

    fn forward(&self, run: Forward<'_>) {
        on_lanes::forward(self.isa, self, run);
    }

    fn backward(&self, run: Backward<'_>) {
        on_lanes::backward(self.isa, self, run);
    }
}

impl OnLanes for Affine {
    #[inline(always)]
    fn forward_on<L: Lanes>(&self, l: L, run: Forward<'_>) {
        let (mut finish, mut at) = (run.finish, 0);
        for pixel in run.inputs[0].chunks_exact(self.shape.groups()) {
            for ((x, scale), offset) in pixel.iter().zip(&self.scale).zip(&self.offset) {
                let value = l.mul_add(l.load(&x.0), l.load(&scale.0), l.load(&offset.0));
                finish.store(l, run.out, at, value);
                at += 1;
            }
        }
    }

    #[inline(always)]
    fn backward_on<L: Lanes>(&self, l: L, run: Backward<'_>) {
        let (mut finish, mut at) = (run.finish, 0);
        for pixel in run.gradient.chunks_exact(self.shape.groups()) {
            for (gradient, scale) in pixel.iter().zip(&self.scale) {
                let value = l.mul(l.load(&gradient.0), l.load(&scale.0));
                finish.store(l, run.out, at, value);
                at += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{difference, fused, numbers, run};

    proptest! {
        #[test]
        fn output_and_gradient_are_those_of_the_definition(
            (height, width, channels) in (1usize..5, 1usize..5, 1usize..40),
            samples in 1usize..4,
            seed in any::<u64>(),
        ) {
            let shape = MapShape { height, width, channels };
            let [x, cotangent] = [seed, !seed].map(|s| numbers(samples * shape.elements(), s));
            let [scale, offset] = [seed ^ 1, seed ^ 2].map(|s| numbers(channels, s));
            let of = |i: usize, values: &[f32]| f64::from(values[i % channels]);
            let wanted: Vec<f32> = (0..x.len())
                .map(|i| (f64::from(x[i]) * of(i, &scale) + of(i, &offset)) as f32)
                .collect();
            let wanted_gradient: Vec<f32> =
                (0..x.len()).map(|i| cotangent[i] * scale[i % channels]).collect();
            for isa in Isa::available() {
                let kernel = Affine::new(shape, &scale, &offset).expect("numbers fit");
                let kernel = Affine { isa, ..kernel };
                let (given, gradients) = run(&kernel, samples, std::slice::from_ref(&x), &cotangent);
                prop_assert_eq!(difference(&wanted, &given, 2e-7), None);
                prop_assert_eq!(difference(&wanted_gradient, &gradients[0], 0.0), None);
                prop_assert_eq!(fused::check(&kernel, samples, std::slice::from_ref(&x), &cotangent), Ok(()));
            }
        }
    }

    #[test]
    fn numbers_that_do_not_fit() {
        let shape = MapShape::vector(3);
        assert!(Affine::new(shape, &[1.0; 3], &[1.0; 2]).is_none());
        assert!(Affine::new(shape, &[1.0; 4], &[1.0; 3]).is_none());
    }
}
