//! What the kernels' tests share: values in maps, and a kernel run on them.

mod bandwidth;
pub(crate) mod fused;

use crate::kernels::contract::{Backward, Batch, Forward, Kernel};
use crate::lanes::Lane;
use crate::lanes::finish::Finish;
use crate::lanes::map::MapShape;

/// Numbers that look random, in -1..1, from a seed.
pub(crate) fn numbers(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    (0..count)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 40) as f32 / (1u32 << 23) as f32 - 1.0
        })
        .collect()
}

/// Values `[sample][row][column][channel]` as lanes; entries beyond the last channel are NaN, so
/// that a kernel which reads them is found out.
pub(crate) fn to_lanes(values: &[f32], shape: MapShape) -> Vec<Lane> {
    let pixels = values.chunks_exact(shape.channels);
    pixels
        .flat_map(|pixel| {
            pixel.chunks(Lane::LENGTH).map(|part| {
                let mut lane = Lane([f32::NAN; Lane::LENGTH]);
                lane.0[..part.len()].copy_from_slice(part);
                lane
            })
        })
        .collect()
}

/// The other way.
pub(crate) fn from_lanes(lanes: &[Lane], shape: MapShape) -> Vec<f32> {
    let pixels = lanes.chunks_exact(shape.groups());
    pixels
        .flat_map(|pixel| pixel.iter().flat_map(|lane| lane.0).take(shape.channels))
        .collect()
}

/// A kernel's output, and the gradient of `sum(output * cotangent)` to each input; all values are
/// `[sample][row][column][channel]`.
pub(crate) fn run(
    kernel: &dyn Kernel,
    samples: usize,
    inputs: &[Vec<f32>],
    cotangent: &[f32],
) -> (Vec<f32>, Vec<Vec<f32>>) {
    let (shapes, shape) = (kernel.inputs(), kernel.output());
    let needs = kernel.needs();
    let lanes: Vec<Vec<Lane>> = inputs
        .iter()
        .zip(&shapes)
        .map(|(values, &shape)| to_lanes(values, shape))
        .collect();
    let lanes: Vec<&[Lane]> = lanes.iter().map(Vec::as_slice).collect();
    let unwritten = Lane([f32::NAN; Lane::LENGTH]);
    let mut out = vec![unwritten; samples * shape.lanes()];
    let mut notes = vec![[0xa5; 16]; samples * needs.notes];
    kernel.forward(Forward {
        samples,
        batch: Batch::default(),
        inputs: &lanes,
        out: &mut out,
        finish: Finish::PLAIN,
        notes: &mut notes,
    });
    let gradient = to_lanes(cotangent, shape);
    let gradients = shapes.iter().enumerate().map(|(to, &shape)| {
        let mut gradient_in = vec![unwritten; samples * shape.lanes()];
        kernel.backward(Backward {
            samples,
            batch: Batch::default(),
            to,
            gradient: &gradient,
            inputs: if needs.inputs { &lanes } else { &[] },
            output: if needs.output { &out } else { &[] },
            notes: &notes,
            out: &mut gradient_in,
            finish: Finish::PLAIN,
        });
        from_lanes(&gradient_in, shape)
    });
    let gradients = gradients.collect();
    (from_lanes(&out, shape), gradients)
}

/// The first place where two lists differ by more than `tolerance` of the larger of 1 and the
/// wanted size.
pub(crate) fn difference(wanted: &[f32], given: &[f32], tolerance: f32) -> Option<String> {
    if wanted.len() != given.len() {
        return Some(format!("{} values, not {}", given.len(), wanted.len()));
    }
    let close = |wanted: f32, given: f32| {
        (wanted.is_nan() && given.is_nan())
            || wanted == given
            || (wanted - given).abs() <= tolerance * wanted.abs().max(1.0)
    };
    let at = (0..wanted.len()).find(|&i| !close(wanted[i], given[i]))?;
    Some(format!("{} instead of {} at {at}", given[at], wanted[at]))
}
