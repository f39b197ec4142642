//! What every kernel's results must be apart from their values: finished on the way to memory, and
//! the same for a sample whichever others are in its group.

use super::{numbers, run, to_lanes};
use crate::kernels::contract::{Backward, Batch, Forward, Kernel};
use crate::lanes::finish::{Add, Clamp, Finish, Then};
use crate::lanes::map::MapShape;
use crate::lanes::{Lane, Notes};

/// Checks both, in both directions; says what is wrong.
pub(crate) fn check(
    kernel: &dyn Kernel,
    samples: usize,
    inputs: &[Vec<f32>],
    cotangent: &[f32],
) -> Result<(), String> {
    alone(kernel, samples, inputs, cotangent)?;
    let (shapes, shape, needs) = (kernel.inputs(), kernel.output(), kernel.needs());
    let lanes: Vec<Vec<Lane>> = inputs
        .iter()
        .zip(&shapes)
        .map(|(values, &shape)| to_lanes(values, shape))
        .collect();
    let lanes: Vec<&[Lane]> = lanes.iter().map(Vec::as_slice).collect();
    let forward = |out: &mut [Lane], finish: Finish<'_>, notes: &mut [Notes]| {
        kernel.forward(Forward {
            samples,
            batch: Batch::default(),
            inputs: &lanes,
            out,
            finish,
            notes,
        });
    };
    finished(samples, shape, |out, finish| forward(out, finish, &mut []))
        .map_err(|what| format!("forward, {what}"))?;

    let mut out = vec![Lane::default(); samples * shape.lanes()];
    let mut notes = vec![[0; 16]; samples * needs.notes];
    forward(&mut out, Finish::PLAIN, &mut notes);
    let gradient = to_lanes(cotangent, shape);
    for (to, &input) in shapes.iter().enumerate() {
        finished(samples, input, |written, finish| {
            kernel.backward(Backward {
                samples,
                batch: Batch::default(),
                to,
                gradient: &gradient,
                inputs: if needs.inputs { &lanes } else { &[] },
                output: if needs.output { &out } else { &[] },
                notes: &notes,
                out: written,
                finish,
            });
        })
        .map_err(|what| format!("backward to {to}, {what}"))?;
    }
    Ok(())
}

/// Whether the first sample's results are the same, to the last bit, without the others.
fn alone(
    kernel: &dyn Kernel,
    samples: usize,
    inputs: &[Vec<f32>],
    cotangent: &[f32],
) -> Result<(), String> {
    let first = |values: &[f32]| values[..values.len() / samples].to_vec();
    let (output, gradients) = run(kernel, samples, inputs, cotangent);
    let parts: Vec<Vec<f32>> = inputs.iter().map(|values| first(values)).collect();
    let (alone, alone_gradients) = run(kernel, 1, &parts, &first(cotangent));
    let bits = |values: &[f32]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
    let same = |group: &[f32], alone: &[f32]| bits(&first(group)) == bits(alone);
    let gradients_same = gradients
        .iter()
        .zip(&alone_gradients)
        .all(|(g, a)| same(g, a));
    if same(&output, &alone) && gradients_same {
        Ok(())
    } else {
        Err("a sample's result depends on its group".to_owned())
    }
}

/// Whether a pass that ends in [`Finish`] gives what it should.
fn finished(
    samples: usize,
    shape: MapShape,
    mut pass: impl FnMut(&mut [Lane], Finish<'_>),
) -> Result<(), String> {
    let count = samples * shape.elements();
    let other = to_lanes(&numbers(count, 77), shape);
    let mut plain = vec![Lane::default(); other.len()];
    pass(&mut plain, Finish::PLAIN);
    let real = |at: usize| (shape.channels - at % shape.groups() * 16).min(16);
    let compare = |given: &[Lane], what: &str, wanted: &dyn Fn(usize, usize) -> f32| {
        for at in 0..given.len() {
            for i in 0..real(at) {
                let (given, wanted) = (given[at].0[i], wanted(at, i));
                if given != wanted && !(given.is_nan() && wanted.is_nan()) {
                    return Err(format!("{what}: {given} instead of {wanted} at {at}, {i}"));
                }
            }
        }
        Ok(())
    };
    let sum = |at: usize, i: usize| plain[at].0[i] + other[at].0[i];

    let (min, max) = (-0.25, 0.5);
    let mut passes = vec![0xffff; other.len()];
    let mut out = vec![Lane::default(); other.len()];
    pass(
        &mut out,
        Finish {
            add: Add::Value(&other),
            then: Then::Clamp(Clamp::Clip { min, max }, Some(&mut passes)),
        },
    );
    compare(&out, "sum and clip", &|at, i| {
        let sum = sum(at, i);
        if sum.is_nan() {
            sum
        } else {
            sum.clamp(min, max)
        }
    })?;
    for at in 0..other.len() {
        for i in 0..real(at) {
            let outside = sum(at, i) < min || sum(at, i) > max;
            if (passes[at] >> i & 1 == 0) != outside {
                return Err(format!("the mask is wrong at {at}, {i}"));
            }
        }
    }

    let bits = |at: usize| (at * 40503 % 65536) as u16;
    let mask: Vec<u16> = (0..other.len()).map(bits).collect();
    out.clone_from(&other);
    pass(
        &mut out,
        Finish {
            add: Add::Present,
            then: Then::Mask(&mask),
        },
    );
    compare(&out, "added and masked", &|at, i| {
        if bits(at) >> i & 1 == 1 {
            sum(at, i)
        } else {
            0.0
        }
    })
}
