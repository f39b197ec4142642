//! Choices that are written in arithmetic: what a comparison gives is multiplied with, or added.

use std::collections::HashMap;

use super::facts::{Fact, Facts, values};
use super::{Spot, StructureRule};
use crate::program::{Binary, Operand, Primitive, Step, Unary, ValueId};

/// A clip whose operand was multiplied with this many times its own range is a step.
const STEEP: f32 = 64.0;
/// Operations before a clip that are looked through for factors.
const MOST_FACTORS: usize = 64;
/// Constants that are told.
const TOLD: usize = 4;

/// A value that is made of comparisons alone.
#[derive(Clone, Debug)]
struct Decision {
    /// What is compared.
    of: ValueId,
    /// Numbers of an image that it decides by.
    width: usize,
    /// Whether it is a clip behind a large factor.
    steep: bool,
    constants: Vec<f32>,
}

/// Where a decision meets what it decides about.
pub fn switches(facts: &Facts<'_>) -> Vec<Spot> {
    let mut decisions: HashMap<ValueId, Decision> = HashMap::new();
    let mut spots = Vec::new();
    for (place, step, own) in facts.steps() {
        if let Some(made) = begins(facts, step, own) {
            decisions.insert(step.output, made);
            continue;
        }
        let read = facts.read(step);
        let (decided, others): (Vec<_>, Vec<_>) =
            read.iter().partition(|(id, _)| decisions.contains_key(id));
        let Some((id, known)) = decided.first().map(|(id, _)| (*id, decisions[id].clone())) else {
            continue;
        };
        if others.is_empty() {
            if carries(step, &known, facts) {
                let width = known.width.min(own.width);
                decisions.insert(step.output, Decision { width, ..known });
            }
            continue;
        }
        let Primitive::Binary(function) = step.primitive else {
            continue;
        };
        let about = others[0];
        if let Some(rule) = rule(function, facts, (id, &known), about, own) {
            spots.push(Spot {
                rule,
                step: place,
                branch: id,
                constants: known.constants,
            });
        }
    }
    spots
}

/// The rule that is met where a decision and another value become one.
fn rule(
    function: Binary,
    facts: &Facts<'_>,
    (id, decision): (ValueId, &Decision),
    (about, _): (ValueId, Fact),
    own: Fact,
) -> Option<StructureRule> {
    // What is decided about a number by that number is an activation, or keeps a divisor from
    // being zero.
    if about == decision.of {
        return None;
    }
    let joins = matches!(
        function,
        Binary::Mul | Binary::Add | Binary::Sub | Binary::Max | Binary::Min | Binary::Div
    );
    let numbers = facts.get(id)?.numbers;
    match decision.width {
        0 | 1 if joins && decision.steep => Some(StructureRule::SteepSwitch),
        0 | 1 if joins => Some(StructureRule::Switch),
        _ if function == Binary::Mul && !decision.steep && numbers < own.numbers => {
            Some(StructureRule::RegionSwitch)
        }
        _ => None,
    }
}

/// The decision that a step makes of what is none.
fn begins(facts: &Facts<'_>, step: &Step, own: Fact) -> Option<Decision> {
    let of = *values(step).first()?;
    let (steep, constants) = match &step.primitive {
        Primitive::Binary(
            Binary::Equal
            | Binary::Greater
            | Binary::GreaterEqual
            | Binary::Less
            | Binary::LessEqual,
        ) => {
            let constant = step.inputs.iter().find(|operand| operand.param().is_some());
            (false, constant.and_then(|it| facts.constants(it)))
        }
        Primitive::Unary(Unary::Sign) => (false, Some(vec![0.0])),
        Primitive::Unary(Unary::Clip { min, max })
            if max > min && gain(facts, of) >= STEEP * (max - min) =>
        {
            (true, Some(vec![*min, *max]))
        }
        Primitive::Unary(Unary::Sigmoid | Unary::Tanh | Unary::HardSigmoid { .. })
            if gain(facts, of) >= STEEP =>
        {
            (true, None)
        }
        _ => return None,
    };
    let mut constants = constants.unwrap_or_default();
    constants.truncate(TOLD);
    Some(Decision {
        of,
        width: own.width,
        steep,
        constants,
    })
}

/// How many times a value was multiplied with constants after anything else was done to it.
fn gain(facts: &Facts<'_>, mut id: ValueId) -> f32 {
    let mut gain = 1.0f32;
    for _ in 0..MOST_FACTORS {
        let Some(place) = facts.get(id).and_then(|fact| fact.step) else {
            break;
        };
        let step = &facts.program.steps[place];
        let [value] = values(step)[..] else {
            break;
        };
        match &step.primitive {
            Primitive::Unary(Unary::MulScalar(factor)) => gain *= factor.abs(),
            Primitive::Unary(Unary::AddScalar(_) | Unary::Neg)
            | Primitive::Binary(Binary::Add | Binary::Sub)
            | Primitive::Reshape
            | Primitive::Expand => {}
            Primitive::Binary(function @ (Binary::Mul | Binary::Div)) => {
                let constant = step.inputs.iter().find(|operand| operand.param().is_some());
                let Some(factor) = constant.and_then(|it| facts.uniform(it)) else {
                    break;
                };
                let divides = *function == Binary::Div
                    && matches!(step.inputs[..], [Operand::Value(_), Operand::Param(_)]);
                gain *= if divides {
                    1.0 / factor.abs()
                } else {
                    factor.abs()
                };
            }
            _ => break,
        }
        id = value;
    }
    gain
}

/// Whether what a step makes of decisions alone is one still. A learned layer on many of them, as
/// in a network of signs, makes features of them.
fn carries(step: &Step, decision: &Decision, facts: &Facts<'_>) -> bool {
    match &step.primitive {
        Primitive::Softmax(_) | Primitive::LogSoftmax(_) | Primitive::LayerNorm { .. } => false,
        _ if facts.is_learned(step) => decision.width <= 1,
        _ => true,
    }
}
