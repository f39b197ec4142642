//! What is known of each value of a program before rules are asked.

use std::collections::HashMap;

use crate::program::branch::widths;
use crate::program::flat::flat;
use crate::program::{Binary, Operand, Primitive, Program, Reduction, Step, Unary, ValueId};

/// Powers from here on tell a pixel that is nearly 1 from others.
const STEEP_POWER: f32 = 4.0;

/// A value that depends on the image.
#[derive(Clone, Copy, Debug)]
pub struct Fact {
    /// The place of the step that makes it; `None` for the image.
    pub step: Option<usize>,
    /// Numbers of it for one image.
    pub numbers: usize,
    /// The fewest numbers of an image that all of it can be computed from, as far as shapes tell.
    pub width: usize,
    /// Whether it is the image still, but for what prepares pixels.
    pub is_pixels: bool,
    /// Whether a test of pixels is on a way from the image.
    pub is_tested: bool,
    /// Most learned layers on a way from the image.
    pub learned: usize,
    /// Which learned layers on pixels it depends on, one bit each; those past the last share that.
    pub first: u128,
    /// Most learned layers on a way to the output.
    pub behind: usize,
}

/// A program with what is known of its values.
pub struct Facts<'a> {
    /// The program.
    pub program: &'a Program,
    facts: HashMap<ValueId, Fact>,
    readers: HashMap<ValueId, Vec<usize>>,
}

impl<'a> Facts<'a> {
    pub fn of(program: &'a Program) -> Self {
        let widths = widths(program);
        let images = program.input_shape.first().copied().unwrap_or(1).max(1);
        let mut facts: HashMap<ValueId, Fact> = HashMap::new();
        let mut readers: HashMap<ValueId, Vec<usize>> = HashMap::new();
        let fact = |id: ValueId| {
            let (width, numbers) = *widths.get(&id)?;
            Some(Fact {
                step: None,
                numbers: numbers.div_ceil(images),
                width,
                is_pixels: false,
                is_tested: false,
                learned: 0,
                first: 0,
                behind: 0,
            })
        };
        if let Some(input) = fact(program.input) {
            let input = Fact {
                is_pixels: true,
                ..input
            };
            facts.insert(program.input, input);
        }
        let mut on_pixels = 0u32;
        for (place, step) in program.steps.iter().enumerate() {
            let Some(own) = fact(step.output) else {
                continue;
            };
            let ids = values(step);
            let read: Vec<Fact> = ids.iter().filter_map(|id| facts.get(id).copied()).collect();
            ids.iter()
                .for_each(|&id| readers.entry(id).or_default().push(place));
            let learns = is_learned(step, program, |id| widths.contains_key(&id));
            let all_pixels = read.iter().all(|fact| fact.is_pixels);
            let mut first = read.iter().fold(0, |all, fact| all | fact.first);
            if learns && read.iter().any(|fact| fact.is_pixels) {
                first |= 1 << on_pixels.min(127);
                on_pixels += 1;
            }
            let is_test = tests(&step.primitive) && read.iter().any(|fact| fact.is_pixels);
            let learned = read.iter().map(|fact| fact.learned).max().unwrap_or(0);
            let known = Fact {
                step: Some(place),
                is_pixels: all_pixels && prepares(&step.primitive),
                is_tested: is_test || read.iter().any(|fact| fact.is_tested),
                learned: learned + usize::from(learns),
                first,
                ..own
            };
            facts.insert(step.output, known);
        }
        for step in program.steps.iter().rev() {
            let Some(out) = facts.get(&step.output).copied() else {
                continue;
            };
            let behind =
                out.behind + usize::from(is_learned(step, program, |id| widths.contains_key(&id)));
            for id in values(step) {
                if let Some(read) = facts.get_mut(&id) {
                    read.behind = read.behind.max(behind);
                }
            }
        }
        Self {
            program,
            facts,
            readers,
        }
    }

    /// What is known of a value; `None` if it does not depend on the image.
    pub fn get(&self, id: ValueId) -> Option<Fact> {
        self.facts.get(&id).copied()
    }

    /// The steps that depend on the image, each with its place and what is known of its result.
    pub fn steps(&self) -> impl Iterator<Item = (usize, &'a Step, Fact)> {
        let steps = self.program.steps.iter().enumerate();
        steps.filter_map(|(place, step)| Some((place, step, self.get(step.output)?)))
    }

    /// Whether a step is a layer with a weight of its own.
    pub fn is_learned(&self, step: &Step) -> bool {
        is_learned(step, self.program, |id| self.facts.contains_key(&id))
    }

    /// The operands of a step that depend on the image, each once.
    pub fn read(&self, step: &Step) -> Vec<(ValueId, Fact)> {
        let ids = values(step).into_iter();
        ids.filter_map(|id| Some((id, self.get(id)?))).collect()
    }

    /// The places of the steps that read a value.
    pub fn readers(&self, id: ValueId) -> &[usize] {
        self.readers.get(&id).map_or(&[], Vec::as_slice)
    }

    /// Whether a step is a function with a flat stretch.
    pub fn is_flat(&self, place: usize) -> bool {
        let step = &self.program.steps[place];
        step.primitive.jumps() || flat(step, self.program).is_some()
    }

    /// The steps from the image to a value, by way of as few learned layers as there are.
    pub fn way_to(&self, id: ValueId) -> Vec<usize> {
        let mut way = Vec::new();
        let mut at = self.get(id);
        while let Some(place) = at.and_then(|fact| fact.step) {
            way.push(place);
            let read = self.read(&self.program.steps[place]).into_iter();
            at = read.map(|(_, fact)| fact).min_by_key(|fact| fact.learned);
        }
        way.reverse();
        way
    }

    /// The steps from behind a step to the output, by the first reader of each.
    pub fn way_from(&self, place: usize) -> Vec<usize> {
        let mut way = Vec::new();
        let mut at = place;
        while let Some(&next) = self.readers(self.program.steps[at].output).first() {
            way.push(next);
            at = next;
        }
        way
    }

    /// The one number that all of a constant operand is, if it is one.
    pub fn uniform(&self, operand: &Operand) -> Option<f32> {
        let few = self.constants(operand)?;
        let first = *few.first()?;
        few.iter().all(|&number| number == first).then_some(first)
    }

    /// The numbers of a small constant operand.
    pub fn constants(&self, operand: &Operand) -> Option<Vec<f32>> {
        let stored = &self.program.params.get(operand.param()?.0)?.value;
        let count = stored.shape().iter().product::<usize>();
        if count > 4096 {
            return None;
        }
        Some(stored.get().ok()?.into_vec())
    }
}

/// The values that a step reads, each once.
pub fn values(step: &Step) -> Vec<ValueId> {
    let mut ids: Vec<ValueId> = step.inputs.iter().filter_map(Operand::value).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// Whether a step is a layer with a weight of its own: a constant of two axes or more, or what is
/// made of constants alone, such as a weight that is turned first. `depends` says of a value
/// whether it depends on the image.
fn is_learned(step: &Step, program: &Program, depends: impl Fn(ValueId) -> bool) -> bool {
    let weight = |operand: &Operand| match operand {
        Operand::Value(id) => !depends(*id),
        Operand::Param(id) => {
            let param = program.params.get(id.0);
            param.is_some_and(|param| param.value.shape().len() >= 2)
        }
    };
    match step.primitive {
        Primitive::Conv { .. } | Primitive::ConvTranspose { .. } | Primitive::MatMul => {
            step.inputs.iter().any(weight)
        }
        _ => false,
    }
}

/// Whether an operation on pixels is a comparison, a steep power, an exponential, or a search for
/// the largest or smallest.
pub fn tests(primitive: &Primitive) -> bool {
    match primitive {
        Primitive::MaxPool(_)
        | Primitive::Reduce(Reduction::Max | Reduction::Min | Reduction::Prod, _)
        | Primitive::ArgMax(_)
        | Primitive::ArgSort { .. } => true,
        Primitive::Unary(function) => match function {
            Unary::Exp | Unary::Sign => true,
            Unary::PowScalar(power) => *power >= STEEP_POWER,
            _ => false,
        },
        Primitive::Binary(function) => matches!(
            function,
            Binary::Equal
                | Binary::Greater
                | Binary::GreaterEqual
                | Binary::Less
                | Binary::LessEqual
        ),
        _ => false,
    }
}

/// Whether an operation is what prepares pixels: scales, shifts, normalises, moves, resizes.
fn prepares(primitive: &Primitive) -> bool {
    match primitive {
        Primitive::Unary(function) => matches!(
            function,
            Unary::AddScalar(_)
                | Unary::MulScalar(_)
                | Unary::Neg
                | Unary::Clip { .. }
                | Unary::RoundThrough
                | Unary::Sqrt
                | Unary::Reciprocal
        ),
        Primitive::Binary(function) => matches!(
            function,
            Binary::Add | Binary::Sub | Binary::Mul | Binary::Div
        ),
        Primitive::Reduce(how, _) => matches!(how, Reduction::Mean | Reduction::Sum),
        Primitive::Reshape
        | Primitive::Permute(_)
        | Primitive::Expand
        | Primitive::Slice { .. }
        | Primitive::Select { .. }
        | Primitive::Concat(_)
        | Primitive::Pad { .. }
        | Primitive::AvgPool(_)
        | Primitive::BatchNorm { .. } => true,
        _ => false,
    }
}
