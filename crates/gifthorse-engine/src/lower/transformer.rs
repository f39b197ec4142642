//! Parts of transformers that onnxruntime's optimiser makes one node of: each is computed as the
//! plain operators that it was made of.

use crate::error::Error;
use crate::lower::activation::bell;
use crate::lower::context::{Call, Lowered};
use crate::program::{Binary, Operand, Primitive, Unary};

/// `Gelu`, `BiasGelu` and `FastGelu`: of the sum with a second input, if there is one; the last by
/// the tanh formula.
pub fn gelu(mut call: Call) -> Result<Vec<Lowered>, Error> {
    call.only_attributes(&[])?;
    let shape = call.shape(0)?;
    let mut x = call.operand(0)?;
    if call.has(1) {
        x = added(&mut call, x, 1, &shape)?;
    }
    let by_tanh = call.node.op_type == "FastGelu";
    let half = bell(&mut call, x, &shape, by_tanh);
    let out = call.binary(Binary::Mul, x, half, &shape);
    call.finish(out)
}

/// `QuickGelu`: `x sigmoid(alpha x)`.
pub fn quick_gelu(mut call: Call) -> Result<Vec<Lowered>, Error> {
    call.only_attributes(&["alpha"])?;
    let shape = call.shape(0)?;
    let x = call.operand(0)?;
    let alpha = call.node.float_or("alpha", 1.702)?;
    let scaled = call.unary(Unary::MulScalar(alpha), x, &shape);
    let gate = call.unary(Unary::Sigmoid, scaled, &shape);
    let out = call.binary(Binary::Mul, x, gate, &shape);
    call.finish(out)
}

/// The sum of a value and an input that broadcasts to it.
pub fn added(call: &mut Call, x: Operand, index: usize, shape: &[usize]) -> Result<Operand, Error> {
    let given = call.shape(index)?;
    if call.broadcast(&given, shape)? != shape {
        return Err(call.shape_error(format!("{given:?} does not broadcast to {shape:?}")));
    }
    let other = call.operand(index)?;
    Ok(call.binary(Binary::Add, x, other, shape))
}

/// `EmbedLayerNormalization` looks up the words of a text.
pub fn embed_layer_norm(call: Call) -> Result<Vec<Lowered>, Error> {
    Err(call.unsupported(
        "input_ids",
        "it reads the words of a text by number, which no classifier of images does",
    ))
}

/// `SkipLayerNormalization`: of the sum of an input, what skipped the layers before it and a bias;
/// the sum is the fourth output.
pub fn skip_layer_norm(mut call: Call) -> Result<Vec<Lowered>, Error> {
    call.only_attributes(&["epsilon"])?;
    let outputs = &call.node.outputs;
    if outputs.iter().skip(1).take(2).any(Option::is_some) {
        return Err(call.unsupported("mean", "statistics of the normalisation as outputs"));
    }
    let wants_sum = outputs.len() > 3;
    let shape = call.shape(0)?;
    let Some(&width) = shape.last() else {
        return Err(call.shape_error("an input without axes"));
    };
    let x = call.operand(0)?;
    let mut sum = added(&mut call, x, 1, &shape)?;
    if call.has(4) {
        sum = added(&mut call, sum, 4, &shape)?;
    }
    let mut operands = vec![sum];
    for index in 2..4 {
        if call.has(index) {
            let given = call.shape(index)?;
            if given != [width] {
                return Err(call.shape_error(format!("{given:?} for rows of {width}")));
            }
            operands.push(call.operand(index)?);
        }
    }
    let epsilon = call.node.float_or("epsilon", 1e-12)?;
    let axis = shape.len() - 1;
    let out = call.step(Primitive::LayerNorm { axis, epsilon }, operands, shape);
    if !wants_sum {
        return call.finish(out);
    }
    // Nothing reads the two between.
    Ok([out, out, out, sum].map(Lowered::of).to_vec())
}
