//! Functions of one operand that are flat, or as good as flat, on a stretch of it: a ReLU below
//! zero, a clip beyond its bounds, a comparison everywhere but at its constant.
//!
//! On such a stretch no gradient tells what would happen beyond it.

use crate::program::stored::Stored;
use crate::program::{Binary, Operand, Primitive, Program, Step, Unary, ValueId};

/// More numbers of a constant are not looked through for the smallest and the largest.
const MOST_NUMBERS: usize = 1 << 16;
/// From here on a sigmoid, a softplus or an exponential unit changes by less than one part in
/// twenty thousand of its operand's change,
const SATURATED: f32 = 10.0;
/// and so do a hyperbolic tangent
const SATURATED_TANH: f32 = 6.0;
/// and an error function.
const SATURATED_ERF: f32 = 3.5;
/// A leak below zero of more than this hides nothing.
const MOST_LEAK: f32 = 0.2;

/// Where a function is flat: below one number and above another, each infinite if it is not.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Flat {
    /// Flat below this,
    pub below: f32,
    /// and above this.
    pub above: f32,
}

impl Flat {
    const fn below(bound: f32) -> Self {
        Self {
            below: bound,
            above: f32::INFINITY,
        }
    }

    const fn beyond(bound: f32) -> Self {
        Self {
            below: -bound,
            above: bound,
        }
    }
}

/// Where a step of a program is flat, and the operand that this is about; `None` for a function
/// without such a stretch, or of several values.
pub fn flat(step: &Step, program: &Program) -> Option<(ValueId, Flat)> {
    let value = |at: usize| step.inputs.get(at)?.value();
    match &step.primitive {
        Primitive::Unary(function) => Some((value(0)?, of_unary(*function)?)),
        Primitive::Binary(function) => {
            let (at, constant) = match &step.inputs[..] {
                [Operand::Value(_), Operand::Param(id)] => (0, id),
                [Operand::Param(id), Operand::Value(_)] => (1, id),
                _ => return None,
            };
            let stored = &program.params.get(constant.0)?.value;
            let (least, most) = range(stored)?;
            Some((value(at)?, of_binary(*function, least, most)?))
        }
        _ => None,
    }
}

fn of_unary(function: Unary) -> Option<Flat> {
    Some(match function {
        Unary::Relu => Flat::below(0.0),
        Unary::LeakyRelu(slope) if slope.abs() <= MOST_LEAK => Flat::below(0.0),
        Unary::Elu { .. } | Unary::Softplus => Flat::below(-SATURATED),
        Unary::Sigmoid => Flat::beyond(SATURATED),
        Unary::Tanh => Flat::beyond(SATURATED_TANH),
        Unary::Erf => Flat::beyond(SATURATED_ERF),
        Unary::Sign => Flat {
            below: 0.0,
            above: 0.0,
        },
        Unary::Clip { min, max } => Flat {
            below: min,
            above: max,
        },
        Unary::HardSigmoid { alpha, beta } if alpha > 0.0 => Flat {
            below: -beta / alpha,
            above: (1.0 - beta) / alpha,
        },
        _ => return None,
    })
}

/// Of a function of a value and of constants between `least` and `most`.
fn of_binary(function: Binary, least: f32, most: f32) -> Option<Flat> {
    Some(match function {
        Binary::Max => Flat::below(least),
        Binary::Min => Flat {
            below: f32::NEG_INFINITY,
            above: most,
        },
        Binary::Equal
        | Binary::Greater
        | Binary::GreaterEqual
        | Binary::Less
        | Binary::LessEqual => Flat {
            below: least,
            above: most,
        },
        _ => return None,
    })
}

/// The smallest and the largest number of a constant.
fn range(stored: &Stored) -> Option<(f32, f32)> {
    let count = stored.shape().iter().product::<usize>();
    if count == 0 || count > MOST_NUMBERS {
        return None;
    }
    let numbers = stored.get().ok()?.into_vec();
    let least = numbers.iter().copied().fold(f32::INFINITY, f32::min);
    let most = numbers.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    (least <= most).then_some((least, most))
}
