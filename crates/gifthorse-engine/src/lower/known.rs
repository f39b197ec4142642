//! Values that do not depend on the image, computed while lowering: shapes, indices and conditions
//! are wanted then.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use gifthorse_onnx::ElementType;

use crate::error::Error;
use crate::execute::array::Array;
use crate::execute::reference::evaluate;
use crate::lower::constant::Constant;
use crate::lower::context::{Context, Lowered};
use crate::lower::kind::is_integer;
use crate::program::{Operand, Primitive, Step, ValueId};

/// Values with more elements than this are left to the program.
const LARGEST: usize = 1 << 16;
/// Whole numbers up to this are exact in f32.
const EXACT: f32 = 16_777_216.0;

/// Computes what a node made of constants alone, in the steps from `first` on; where it can, its
/// outputs become constants and the steps go. `kinds` are the types of the outputs.
///
/// # Errors
/// As the reference's.
pub fn fold_steps(
    context: &mut Context,
    first: usize,
    outputs: Vec<Lowered>,
    name: &str,
    kinds: &[Option<ElementType>],
) -> Result<Vec<Lowered>, Error> {
    let steps = &context.steps[first..];
    let size = |step: &Step| step.shape.iter().product::<usize>();
    let differs = |step: &Step| {
        let random = matches!(step.primitive, Primitive::Dropout { .. });
        random || matches!(step.primitive, Primitive::BatchNormOfBatch { .. })
    };
    if steps
        .iter()
        .any(|step| size(step) > LARGEST || differs(step))
    {
        return Ok(outputs);
    }
    let made = run(context, steps)?;
    let mut folded = Vec::with_capacity(outputs.len());
    for (i, output) in outputs.iter().enumerate() {
        let Lowered::Value(id) = output else {
            folded.push(output.clone());
            continue;
        };
        let Some(array) = made.get(id) else {
            return Ok(outputs);
        };
        // A number without axes may have got one on the way.
        let (shape, values) = (context.shapes[id.0].clone(), array.clone().into_vec());
        let kind = kinds.get(i).copied().flatten();
        let name = format!("{name}:{i}");
        folded.push(Lowered::Constant(Arc::new(match kind {
            Some(kind) if is_integer(kind) || kind == ElementType::Bool => {
                if values.iter().any(|v| v.is_nan() || v.abs() > EXACT) {
                    return Ok(outputs);
                }
                let values = values.iter().map(|&v| v as i64).collect();
                Constant::int(name, shape, values)
            }
            _ => Constant::float(name, shape, values),
        })));
    }
    context.steps.truncate(first);
    Ok(folded)
}

/// The value, if it does not depend on the image.
///
/// # Errors
/// As the reference's.
pub fn value(context: &mut Context, id: ValueId) -> Result<Option<Array>, Error> {
    if context.dependent.contains(&id) {
        return Ok(None);
    }
    let mut wanted = vec![id];
    let mut steps = BTreeSet::new();
    while let Some(id) = wanted.pop() {
        if context.computed.contains_key(&id) {
            continue;
        }
        // Values are numbered in the order of their steps.
        let at = context.steps.binary_search_by_key(&id, |step| step.output);
        let Ok(at) = at else {
            return Err(Error::Internal(format!("no step makes value {}", id.0)));
        };
        if steps.insert(at) {
            wanted.extend(context.steps[at].inputs.iter().filter_map(Operand::value));
        }
    }
    let steps: Vec<Step> = steps
        .into_iter()
        .map(|at| context.steps[at].clone())
        .collect();
    let made = run(context, &steps)?;
    context.computed.extend(made);
    Ok(context.computed.get(&id).cloned())
}

/// Runs steps that read constants, what was computed before and one another.
fn run(context: &Context, steps: &[Step]) -> Result<HashMap<ValueId, Array>, Error> {
    let mut made: HashMap<ValueId, Array> = HashMap::new();
    for step in steps {
        let operand = |input: &Operand| match input {
            Operand::Param(id) => context.params[id.0].value.get(),
            Operand::Value(id) => {
                let known = made.get(id).or_else(|| context.computed.get(id));
                let missing = || Error::Internal(format!("value {} is not there", id.0));
                known.cloned().ok_or_else(missing)
            }
        };
        let operands = step.inputs.iter().map(operand).collect::<Result<_, _>>()?;
        made.insert(
            step.output,
            evaluate(&step.primitive, operands, &step.shape)?,
        );
    }
    Ok(made)
}
