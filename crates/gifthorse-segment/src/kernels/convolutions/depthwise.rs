//! Depthwise convolution: each channel by itself, so a lane of channels at a time.

mod sweep;

use sweep::{Filter, Taps};

use crate::kernels::contract::{Backward, Forward, Kernel, Work};
use crate::kernels::convolutions::axis::Axis;
use crate::kernels::convolutions::spec::ConvSpec;
use crate::lanes::finish::Finish;
use crate::lanes::map::MapShape;
use crate::lanes::{Isa, Lane};

/// A convolution with as many groups as channels, in and out, with fixed weights.
#[derive(Debug)]
pub(crate) struct Depthwise {
    spec: ConvSpec,
    /// `[row of the kernel][column][group of channels]`
    weights: Vec<Lane>,
    /// `[group of channels]`
    bias: Vec<Lane>,
    /// No bias, for the backward pass.
    zeros: Vec<Lane>,
    narrow: Vec<[Taps; 2]>,
    wide: Vec<[Taps; 2]>,
    isa: Isa,
}

impl Depthwise {
    /// Packs the weight, `[channels, 1, height, width]`, and the bias, which has a value for each
    /// channel.
    ///
    /// Both maps must have as many channels as there are groups, and the lengths must be those that
    /// the spec says.
    pub(crate) fn new(spec: &ConvSpec, weight: &[f32], bias: Option<&[f32]>) -> Self {
        debug_assert_eq!(spec.input.channels, spec.groups);
        debug_assert_eq!(spec.output.channels, spec.groups);
        debug_assert_eq!(weight.len(), spec.weight_length());
        let groups = spec.input.groups();
        let [height, width] = spec.window.kernel;
        let taps = height * width;
        let mut weights = vec![Lane::default(); taps * groups];
        for (channel, filter) in weight.chunks_exact(taps).enumerate() {
            for (tap, value) in filter.iter().enumerate() {
                weights[tap * groups + channel / 16].0[channel % 16] = *value;
            }
        }
        let zeros = vec![Lane::default(); groups];
        let mut lanes = zeros.clone();
        for (channel, value) in bias.unwrap_or_default().iter().enumerate() {
            lanes[channel / 16].0[channel % 16] = *value;
        }
        let [rows, columns] = spec.slides();
        let (narrow, wide) = (spec.narrow(), spec.wide());
        Self {
            spec: *spec,
            weights,
            bias: lanes,
            zeros,
            narrow: pairs(&[rows.forward(1)], &[columns.forward(1)], wide),
            wide: pairs(&rows.backward_phases(), &columns.backward_phases(), narrow),
            isa: Isa::detect(),
        }
    }

    /// Whether this kernel computes such a convolution.
    pub(crate) fn fits(spec: &ConvSpec) -> bool {
        spec.input.channels == spec.groups && spec.output.channels == spec.groups
    }

    /// One map from the other.
    fn run(
        &self,
        to_wide: bool,
        samples: usize,
        source: &[Lane],
        bias: &[Lane],
        (out, mut finish): (&mut [Lane], Finish<'_>),
    ) {
        let (narrow, wide) = (self.spec.narrow(), self.spec.wide());
        let (sweeps, maps) = if to_wide {
            (&self.wide, [narrow, wide])
        } else {
            (&self.narrow, [wide, narrow])
        };
        for taps in sweeps {
            self.isa.run(Filter {
                taps,
                kernel_width: self.spec.window.kernel[1],
                weights: &self.weights,
                bias,
                maps,
                samples,
                source,
                out,
                finish: &mut finish,
            });
        }
    }
}

/// Each axis along rows with each along columns.
fn pairs(rows: &[Axis], columns: &[Axis], source: MapShape) -> Vec<[Taps; 2]> {
    let both = rows
        .iter()
        .flat_map(|row| columns.iter().map(move |column| (row, column)));
    both.map(|(row, column)| {
        [
            Taps::new(row, source.height),
            Taps::new(column, source.width),
        ]
    })
    .collect()
}

impl Kernel for Depthwise {
    fn name(&self) -> String {
        let [height, width] = self.spec.window.kernel;
        format!("depthwise {height}x{width}")
    }

    fn inputs(&self) -> Vec<MapShape> {
        vec![self.spec.input]
    }

    fn output(&self) -> MapShape {
        self.spec.output
    }

    fn work(&self) -> Work {
        let lanes = self.weights.len() * self.spec.narrow().pixels();
        Work {
            operations: 2.0 * (lanes * Lane::LENGTH) as f64,
            constants: size_of_val(self.weights.as_slice()) + size_of_val(self.bias.as_slice()),
        }
    }

    fn forward(&self, run: Forward<'_>) {
        let to = (run.out, run.finish);
        self.run(
            self.spec.transposed,
            run.samples,
            run.inputs[0],
            &self.bias,
            to,
        );
    }

    fn backward(&self, run: Backward<'_>) {
        let to = (run.out, run.finish);
        self.run(
            !self.spec.transposed,
            run.samples,
            run.gradient,
            &self.zeros,
            to,
        );
    }
}

#[cfg(test)]
mod tests;
