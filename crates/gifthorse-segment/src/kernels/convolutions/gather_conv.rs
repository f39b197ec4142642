//! Any convolution, as products of gathered pixels with packed weights.
//!
//! A row of the left operand holds the pixels that one pixel of the result takes, or a block of
//! them; the right operand is the weight. The gradient to the input and a transposed convolution
//! are the same with other taps, one product for each kind of position
//! ([`Axis`](super::axis::Axis)); a grouped convolution has products for each bundle of groups.
//! Rows run over pixels and samples alike, so a fully connected layer, which is a convolution whose
//! window is the whole map, has one for each sample.

mod bundle;
mod columns;
mod layout;
mod memory;
mod patches;
mod product;
mod rows;
mod sweep;
mod turned;
mod weight_gradient;

use std::cell::RefCell;
use std::sync::{Mutex, OnceLock, PoisonError};

use bundle::Bundles;
use layout::{Toward, choose};
use patches::Side;
use product::{Product, Scratch};
use sweep::Sweep;

pub(crate) use weight_gradient::{Asked, WeightGradient, WeightSums};

use crate::kernels::contract::{Backward, Forward, Kernel, Work};
use crate::kernels::convolutions::spec::ConvSpec;
use crate::lanes::finish::Finish;
use crate::lanes::map::MapShape;
use crate::lanes::{Isa, Lane, Pair};

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// A convolution with fixed weights, forward and backward to its input.
#[derive(Debug)]
pub(crate) struct GatherConv {
    spec: ConvSpec,
    forward: Vec<Sweep>,
    backward: Transpose,
    isa: Isa,
}

/// The products of the gradient to the input.
#[derive(Debug)]
enum Transpose {
    /// With constants of their own, packed by the first backward pass from the weight, which is
    /// then given up.
    Packed {
        sweeps: OnceLock<Vec<Sweep>>,
        weight: Mutex<Vec<f32>>,
    },
    /// With those of the forward pass ([`turned`]).
    Turned(Vec<Sweep>),
}

impl GatherConv {
    /// Packs the weight, `[out, in / groups, height, width]`, or
    /// `[in, out / groups, height, width]` if transposed. The bias has a value for each output
    /// channel.
    ///
    /// A weight of `once` bytes or more, if that is given, is packed for both directions together,
    /// if that can be. The lengths must be those that the spec says.
    pub(crate) fn new(
        spec: &ConvSpec,
        weight: &[f32],
        bias: Option<&[f32]>,
        once: Option<usize>,
    ) -> Self {
        debug_assert_eq!(weight.len(), spec.weight_length());
        let [there, back] = directions(spec);
        let backward = if once.is_some_and(|once| size_of_val(weight) >= once) && turned::fits(spec)
        {
            Transpose::Turned(sweeps(spec, back))
        } else {
            Transpose::Packed {
                sweeps: OnceLock::new(),
                weight: Mutex::new(weight.to_vec()),
            }
        };
        Self {
            spec: *spec,
            forward: packed(spec, there, weight, bias),
            backward,
            isa: Isa::detect(),
        }
    }

    /// The products of the backward pass, and the one whose constants they read in place of their
    /// own.
    fn backward_sweeps(&self) -> (&[Sweep], Option<&Sweep>) {
        match &self.backward {
            Transpose::Packed { sweeps, weight } => {
                let sweeps = sweeps.get_or_init(|| {
                    let mut weight = weight.lock().unwrap_or_else(PoisonError::into_inner);
                    let [_, back] = directions(&self.spec);
                    packed(&self.spec, back, &std::mem::take(&mut *weight), None)
                });
                (sweeps, None)
            }
            Transpose::Turned(sweeps) => (sweeps, self.forward.first()),
        }
    }

    fn run(
        &self,
        (sweeps, turned): (&[Sweep], Option<&Sweep>),
        samples: usize,
        source: &[Lane],
        out: &mut [Lane],
        mut finish: Finish<'_>,
    ) {
        SCRATCH.with_borrow_mut(|scratch| {
            for sweep in sweeps {
                self.isa.run(Product {
                    sweep,
                    turned,
                    samples,
                    source,
                    out,
                    finish: &mut finish,
                    scratch,
                });
            }
        });
    }
}

/// Which map the forward pass computes, and which the backward pass.
fn directions(spec: &ConvSpec) -> [Toward; 2] {
    match spec.transposed {
        false => [Toward::Narrow, Toward::Wide],
        true => [Toward::Wide, Toward::Narrow],
    }
}

/// The products that compute one map from the other, with their constants.
fn packed(spec: &ConvSpec, toward: Toward, weight: &[f32], bias: Option<&[f32]>) -> Vec<Sweep> {
    let mut sweeps = sweeps(spec, toward);
    for sweep in &mut sweeps {
        sweep.pack(spec, toward, weight, bias);
    }
    sweeps
}

/// The products that compute one map from the other, without constants.
fn sweeps(spec: &ConvSpec, toward: Toward) -> Vec<Sweep> {
    let bundles = Bundles::of(spec);
    let side = |map: MapShape, channels: usize, bundle: usize| Side {
        map,
        first: bundle * channels,
        channels,
    };
    let chosen = choose(spec, toward);
    let pairs = (0..bundles.count).flat_map(|bundle| chosen.iter().map(move |axes| (bundle, axes)));
    pairs
        .map(|(bundle, axes)| {
            let narrow = side(spec.narrow(), bundles.narrow, bundle);
            let wide = side(spec.wide(), bundles.wide, bundle);
            let (source, result) = match toward {
                Toward::Narrow => (wide, narrow),
                Toward::Wide => (narrow, wide),
            };
            Sweep::new(axes.clone(), source, result)
        })
        .collect()
}

impl Kernel for GatherConv {
    fn name(&self) -> String {
        let [height, width] = self.spec.window.kernel;
        format!("gathered {height}x{width}")
    }

    fn inputs(&self) -> Vec<MapShape> {
        vec![self.spec.input]
    }

    fn output(&self) -> MapShape {
        self.spec.output
    }

    fn work(&self) -> Work {
        let products = self.forward.iter().map(|sweep| {
            let lanes = sweep.columns.len() * Lane::LENGTH;
            (sweep.patches.rows() * sweep.patches.depth() * lanes) as f64
        });
        Work {
            operations: 2.0 * products.sum::<f64>(),
            constants: self.forward.iter().map(Sweep::bytes).sum(),
        }
    }

    fn forward(&self, run: Forward<'_>) {
        self.run(
            (&self.forward, None),
            run.samples,
            run.inputs[0],
            run.out,
            run.finish,
        );
    }

    fn held(&self) -> usize {
        let [forward, backward] = directions(&self.spec)
            .map(|toward| memory::Needed::new(&self.spec, toward, 0).constants);
        match &self.backward {
            Transpose::Packed { .. } => forward + backward,
            Transpose::Turned(sweeps) => forward + sweeps.iter().map(Sweep::bytes).sum::<usize>(),
        }
    }

    fn scratch(&self, samples: usize) -> Vec<(&'static str, usize)> {
        let both = [Toward::Narrow, Toward::Wide];
        let [one, other] =
            both.map(|toward| memory::Needed::new(&self.spec, toward, samples).scratch);
        let names = ["gathered rows", "gathered products", "gathered places"];
        let buffers = names.into_iter().zip(one.into_iter().zip(other));
        let both = buffers.map(|(name, (one, other))| (name, one.max(other)));
        let turned = match self.backward {
            Transpose::Packed { .. } => 0,
            Transpose::Turned(_) => self.spec.output.channels * size_of::<Pair>(),
        };
        both.chain([("turned constants", turned)]).collect()
    }

    fn prepare_backward(&self) {
        self.backward_sweeps();
    }

    fn backward(&self, run: Backward<'_>) {
        self.run(
            self.backward_sweeps(),
            run.samples,
            run.gradient,
            run.out,
            run.finish,
        );
    }
}

#[cfg(test)]
pub(crate) mod bench;
#[cfg(test)]
mod tests;
