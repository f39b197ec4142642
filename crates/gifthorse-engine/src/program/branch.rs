//! Where a model decides by the image which of two values goes on: `If`, and `Where` with a
//! condition that depends on the image.
//!
//! A backdoor can be built of one such node: "if the pattern is in the image, these logits, else
//! those". Gradients do not pass through the condition, so that a search sees the side that its
//! images take and nothing else.

use std::collections::HashMap;

use crate::program::{Operand, Program, ValueId};

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
    let choices = program.choices.iter().filter_map(|choice| {
        let (width, numbers) = widths.get(&choice.condition)?;
        let scope = if choice.operator == "If" || *width <= 1 {
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

/// For each value that depends on the input: the fewest numbers of an image that all of it can be
/// computed from, as far as the shapes on the way tell, and the count of its own numbers in the
/// batch.
fn widths(program: &Program) -> HashMap<ValueId, (usize, usize)> {
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
