//! Parts of transformers that onnxruntime's optimiser makes one node of: each is computed as the
//! plain operators that it was made of.

use crate::error::Error;
use crate::lower::activation::bell;
use crate::lower::context::{Call, Lowered};
use crate::lower::matmul::product;
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
fn added(call: &mut Call, x: Operand, index: usize, shape: &[usize]) -> Result<Operand, Error> {
    let given = call.shape(index)?;
    if call.broadcast(&given, shape)? != shape {
        return Err(call.shape_error(format!("{given:?} does not broadcast to {shape:?}")));
    }
    let other = call.operand(index)?;
    Ok(call.binary(Binary::Add, x, other, shape))
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

/// `Attention` of each token to all, without masks or a memory: queries, keys and values by one
/// product, heads side by side.
pub fn attention(mut call: Call) -> Result<Vec<Lowered>, Error> {
    call.only_attributes(&[
        "do_rotary",
        "mask_filter_value",
        "num_heads",
        "past_present_share_buffer",
        "qkv_hidden_sizes",
        "rotary_embedding_dim",
        "scale",
        "unidirectional",
    ])?;
    for name in ["do_rotary", "past_present_share_buffer", "unidirectional"] {
        if call.node.int_or(name, 0)? != 0 {
            return Err(call.unsupported(name, "only attention of each token to all"));
        }
    }
    if (3..7).any(|index| call.has(index)) {
        return Err(call.unsupported("mask_index", "attention with a mask or a memory"));
    }
    if call.node.outputs.iter().skip(1).any(Option::is_some) {
        return Err(call.unsupported("present", "a memory as an output"));
    }
    let (input, weight) = (call.shape(0)?, call.shape(1)?);
    let (&[batch, tokens, _], &[_, three]) = (&input[..], &weight[..]) else {
        return Err(call.shape_error(format!("input {input:?}, weight {weight:?}")));
    };
    let width = three / 3;
    if let Some(sizes) = call.node.ints_opt("qkv_hidden_sizes")?
        && sizes.iter().any(|&size| usize::try_from(size) != Ok(width))
    {
        let reason = format!("{sizes:?}, where {width} each are expected");
        return Err(call.unsupported("qkv_hidden_sizes", reason));
    }
    let heads = usize::try_from(call.node.int("num_heads")?).unwrap_or(0);
    if heads == 0 || width == 0 || !width.is_multiple_of(heads) || !three.is_multiple_of(3) {
        return Err(call.unsupported("num_heads", format!("{heads} in a width of {width}")));
    }
    let (x, w) = (call.operand(0)?, call.operand(1)?);
    let (mut all, shape) = product(&mut call, (x, input.clone()), (w, weight))?;
    if call.has(2) {
        all = added(&mut call, all, 2, &shape)?;
    }
    let depth = width / heads;
    let split = vec![batch, tokens, heads, depth];
    let by_head = vec![batch, heads, tokens, depth];
    let [queries, keys, values] = [0, 1, 2].map(|part| {
        let cut = Primitive::Slice {
            axis: 2,
            start: part * width,
            count: width,
            step: 1,
            reversed: false,
        };
        let flat = vec![batch, tokens, width];
        let part = call.step(cut, vec![all], flat.clone());
        let part = call.reshape(part, &flat, &split);
        let turn = Primitive::Permute(vec![0, 2, 1, 3]);
        call.step(turn, vec![part], by_head.clone())
    });
    let turned = vec![batch, heads, depth, tokens];
    let turn = Primitive::Permute(vec![0, 1, 3, 2]);
    let keys = call.step(turn, vec![keys], turned);
    let grid = vec![batch, heads, tokens, tokens];
    let scores = call.step(Primitive::MatMul, vec![queries, keys], grid.clone());
    // Zero, as files have it, means the default.
    let stated = call.node.float_or("scale", 0.0)?;
    let scale = if stated == 0.0 {
        (depth as f32).sqrt().recip()
    } else {
        stated
    };
    let scores = call.unary(Unary::MulScalar(scale), scores, &grid);
    let shares = call.step(Primitive::Softmax(3), vec![scores], grid);
    let mixed = call.step(Primitive::MatMul, vec![shares, values], by_head);
    let back = Primitive::Permute(vec![0, 2, 1, 3]);
    let mixed = call.step(back, vec![mixed], split.clone());
    let out = call.reshape(mixed, &split, &[batch, tokens, width]);
    call.finish(out)
}
