//! Where a model decides by the image which of two values goes on: `If`, and `Where` with a
//! condition that depends on the image.
//!
//! A backdoor can be built of one such node: "if the pattern is in the image, these logits, else
//! those". Gradients do not pass through the condition, so that a search sees the side that its
//! images take and nothing else.

use std::collections::HashMap;

use crate::program::{Binary, Operand, Primitive, Program, Step, Unary, ValueId};

/// A node that chooses between two values by the image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Branch {
    /// Name of the node.
    pub node: String,
    /// Its operator, `If` or `Where`.
    pub operator: String,
    /// How much one decision decides.
    pub scope: BranchScope,
}

/// How much of a value one decision decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BranchScope {
    /// The condition hangs on a single number of each image: it switches the network as a whole.
    Image,
    /// There are fewer decisions than numbers to decide on, such as one for each channel.
    Region,
    /// Each number has a decision of its own, as in an activation that an exporter spelled out.
    Element,
}

/// A node of the lowered model that reads a condition, before it is known whether that depends on
/// the image.
#[derive(Clone, Debug)]
pub struct Choice {
    /// Name of the node.
    pub node: String,
    /// Its operator.
    pub operator: String,
    /// What is decided by.
    pub condition: ValueId,
    /// Numbers in the result, all images together.
    pub numbers: usize,
}

/// The choices of a program that depend on its input.
pub fn branches(program: &Program) -> Vec<Branch> {
    let widths = widths(program);
    let steps = Steps::of(program);
    let choices = program.choices.iter().filter_map(|choice| {
        let (width, numbers) = widths.get(&choice.condition)?;
        let scope = if choice.operator == "If" {
            BranchScope::Image
        } else if *width <= 1 && steps.keeps_a_divisor(program, choice) {
            BranchScope::Region
        } else if *width <= 1 {
            BranchScope::Image
        } else if *numbers < choice.numbers {
            BranchScope::Region
        } else {
            BranchScope::Element
        };
        Some(Branch {
            node: choice.node.clone(),
            operator: choice.operator.clone(),
            scope,
        })
    });
    choices.collect()
}

/// Operations that only turn truth values around and are looked through, at most.
const MOST_TURNS: usize = 16;

/// The steps of a program, by what they make and by what they choose.
struct Steps<'a> {
    made: HashMap<ValueId, &'a Step>,
    chosen: HashMap<(ValueId, &'a str), &'a Step>,
}

impl<'a> Steps<'a> {
    fn of(program: &'a Program) -> Self {
        let made = program.steps.iter().map(|step| (step.output, step));
        let chosen = program.steps.iter().filter_map(|step| {
            let condition = step.inputs.first()?.value()?;
            let key = (condition, step.node.as_str());
            (step.primitive == Primitive::Where).then_some((key, step))
        });
        Self {
            made: made.collect(),
            chosen: chosen.collect(),
        }
    }

    /// Whether a choice divides unless the divisor is zero: a number is compared with zero, and
    /// what goes on is either that number or a constant in its place, or something as it is or
    /// divided by it.
    fn keeps_a_divisor(&self, program: &Program, choice: &Choice) -> bool {
        let Some(compared) = self.compared_with_zero(program, choice.condition) else {
            return false;
        };
        let chosen = self.chosen.get(&(choice.condition, choice.node.as_str()));
        let Some([_, yes, no]) = chosen.map(|step| &step.inputs[..]) else {
            return false;
        };
        let quotient = |id: ValueId, numerator: ValueId| {
            self.made.get(&id).is_some_and(|step| {
                let operands: Vec<Option<ValueId>> =
                    step.inputs.iter().map(Operand::value).collect();
                step.primitive == Primitive::Binary(Binary::Div)
                    && operands == [Some(numerator), Some(compared)]
            })
        };
        let pairs = [(yes.value(), no.value()), (no.value(), yes.value())];
        pairs.into_iter().any(|pair| match pair {
            (Some(one), None) => one == compared,
            (Some(one), Some(other)) => quotient(one, other),
            _ => false,
        })
    }

    /// The value of which a condition says whether it is zero, or is not.
    fn compared_with_zero(&self, program: &Program, condition: ValueId) -> Option<ValueId> {
        let mut at = condition;
        for _ in 0..MOST_TURNS {
            let step = self.made.get(&at)?;
            match (&step.primitive, &step.inputs[..]) {
                (Primitive::Unary(Unary::Not) | Primitive::Reshape | Primitive::Expand, [x]) => {
                    at = x.value()?;
                }
                (
                    Primitive::Binary(Binary::Equal),
                    [Operand::Value(x), Operand::Param(constant)]
                    | [Operand::Param(constant), Operand::Value(x)],
                ) => {
                    let numbers = program.params.get(constant.0)?.value.get().ok()?;
                    let zero = numbers.into_vec().iter().all(|&number| number == 0.0);
                    return zero.then_some(*x);
                }
                _ => return None,
            }
        }
        None
    }
}

/// For each value that depends on the input: the fewest numbers of an image that all of it can be
/// computed from, as far as the shapes on the way tell, and the count of its own numbers in the
/// batch.
pub(super) fn widths(program: &Program) -> HashMap<ValueId, (usize, usize)> {
    let count = |shape: &[usize]| shape.iter().product::<usize>();
    let images = program.input_shape.first().copied().unwrap_or(1).max(1);
    let input = count(&program.input_shape);
    let mut widths = HashMap::from([(program.input, (input.div_ceil(images), input))]);
    for step in &program.steps {
        let mut read: Vec<ValueId> = step.inputs.iter().filter_map(Operand::value).collect();
        read.sort_unstable();
        read.dedup();
        let sources = read.iter().filter_map(|id| widths.get(id));
        let sources: Vec<usize> = sources.map(|(width, _)| *width).collect();
        if sources.is_empty() {
            continue;
        }
        let own = count(&step.shape);
        let through = sources.into_iter().fold(0, usize::saturating_add);
        widths.insert(step.output, (own.div_ceil(images).min(through), own));
    }
    widths
}
