//! Elements in another order: the general form of reshaping, permuting, repeating, slicing,
//! selecting, joining and padding.
//!
//! Where whole lanes keep together, as they mostly do when maps are joined or split, lanes are
//! copied in runs; only what is left goes element by element. The backward pass is again a
//! rearrangement where no element of the input is used twice.

mod plan;

use plan::Plan;

use crate::kernels::contract::{Backward, Forward, Kernel, Work};
use crate::kernels::on_lanes::{self, OnLanes};
use crate::lanes::map::MapShape;
use crate::lanes::{Isa, Lane, Lanes};

/// Where an element of the output comes from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Origin {
    /// An element of an input, counted in the order `[pixel][channel]` of one sample.
    Input {
        /// Number of the input.
        input: usize,
        /// Number of the element.
        element: usize,
    },
    /// The same number always.
    Constant(f32),
}

/// Elements of one or more maps in another order.
#[derive(Debug)]
pub(crate) struct Rearrange {
    inputs: Vec<MapShape>,
    output: MapShape,
    plan: Plan,
    backward: Vec<Gradient>,
    isa: Isa,
}

/// How the gradient to an input is put together.
#[derive(Debug)]
enum Gradient {
    /// Each element of the input is used once or never.
    Rearranged(Plan),
    /// Some are used more often: the gradients are added up.
    Added,
}

impl Rearrange {
    /// The kernel from inputs of these shapes to an output whose elements, in the order
    /// `[pixel][channel]` of one sample, come from `origins`. `None` if there are more or fewer of
    /// these than elements, or one that names no element, or if a map has more than 2^32 entries
    /// divided by the number of inputs and constants.
    pub(crate) fn new(inputs: Vec<MapShape>, output: MapShape, origins: &[Origin]) -> Option<Self> {
        let plan = Plan::new(&inputs, output, origins)?;
        let backward = (0..inputs.len()).map(|input| {
            let unused = Origin::Constant(0.0);
            let mut inverse = vec![unused; inputs[input].elements()];
            for (element, origin) in origins.iter().enumerate() {
                if let Origin::Input {
                    input: from,
                    element: place,
                } = *origin
                    && from == input
                {
                    if inverse[place] != unused {
                        return Some(Gradient::Added);
                    }
                    inverse[place] = Origin::Input { input: 0, element };
                }
            }
            Some(Gradient::Rearranged(Plan::new(
                &[output],
                inputs[input],
                &inverse,
            )?))
        });
        Some(Self {
            backward: backward.collect::<Option<_>>()?,
            inputs,
            output,
            plan,
            isa: Isa::detect(),
        })
    }

    /// Whether the output is the only input as it lies in memory.
    pub(crate) fn is_identity(&self) -> bool {
        self.inputs.len() == 1
            && self.inputs[0].lanes() == self.output.lanes()
            && self.inputs[0].elements() == self.output.elements()
            && self.plan.is_identity()
    }
}

impl Kernel for Rearrange {
    fn name(&self) -> String {
        let how = if self.is_identity() {
            "nothing"
        } else if self.plan.is_lanewise() {
            "lanes"
        } else {
            "elements"
        };
        format!("rearrange {how}")
    }

    fn inputs(&self) -> Vec<MapShape> {
        self.inputs.clone()
    }

    fn output(&self) -> MapShape {
        self.output
    }

    fn work(&self) -> Work {
        Work {
            operations: 0.0,
            constants: self.plan.bytes(),
        }
    }

    fn held(&self) -> usize {
        let backward = self.backward.iter().map(|gradient| match gradient {
            Gradient::Rearranged(plan) => plan.bytes(),
            Gradient::Added => 0,
        });
        self.plan.bytes() + backward.sum::<usize>()
    }

    fn forward(&self, run: Forward<'_>) {
        on_lanes::forward(self.isa, self, run);
    }

    fn backward(&self, run: Backward<'_>) {
        on_lanes::backward(self.isa, self, run);
    }
}

impl OnLanes for Rearrange {
    #[inline(always)]
    fn forward_on<L: Lanes>(&self, l: L, run: Forward<'_>) {
        let mut finish = run.finish;
        let mut sources = Vec::with_capacity(self.inputs.len() + 1);
        for sample in 0..run.samples {
            sources.clear();
            for (lanes, &shape) in run.inputs.iter().zip(&self.inputs) {
                sources.push(sample_of(lanes, shape, sample));
            }
            sources.push(self.plan.constants());
            let start = sample * self.output.lanes();
            self.plan.each_lane(&sources, |at, lane| {
                finish.store(l, run.out, start + at, l.load(&lane.0));
            });
        }
    }

    #[inline(always)]
    fn backward_on<L: Lanes>(&self, l: L, run: Backward<'_>) {
        let mut finish = run.finish;
        let shape = self.inputs[run.to];
        let mut sums = Vec::new();
        for sample in 0..run.samples {
            let gradient = sample_of(run.gradient, self.output, sample);
            let start = sample * shape.lanes();
            match &self.backward[run.to] {
                Gradient::Rearranged(plan) => {
                    plan.each_lane(&[gradient, plan.constants()], |at, lane| {
                        finish.store(l, run.out, start + at, l.load(&lane.0));
                    })
                }
                Gradient::Added => {
                    sums.clear();
                    sums.resize(shape.lanes(), Lane::default());
                    self.plan.add_back(l, run.to, gradient, &mut sums);
                    for (at, sum) in sums.iter().enumerate() {
                        finish.store(l, run.out, start + at, l.load(&sum.0));
                    }
                }
            }
        }
    }
}

/// One sample of a group.
fn sample_of(lanes: &[Lane], shape: MapShape, sample: usize) -> &[Lane] {
    &lanes[sample * shape.lanes()..][..shape.lanes()]
}

#[cfg(test)]
mod tests;
