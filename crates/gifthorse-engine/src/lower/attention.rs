//! Attention as onnxruntime's optimiser makes one node of it, computed as the plain operators that
//! it was made of.

use crate::error::Error;
use crate::lower::context::{Call, Lowered};
use crate::lower::matmul::product;
use crate::lower::transformer::added;
use crate::program::{Binary, Operand, Primitive, Unary};

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
    let flat = [batch, tokens, width];
    let [queries, keys, values] =
        [0, 1, 2].map(|part| call.step(cut(2, part * width, width), vec![all], flat.to_vec()));
    let heads = Heads {
        batch,
        heads,
        scale: scale(&call, width / heads)?,
    };
    let out = heads.attend(
        &mut call,
        (queries, tokens, width),
        (keys, tokens),
        (values, width),
        None,
    )?;
    call.finish(out)
}

/// `MultiHeadAttention` of the tokens of a first input to those of a second, whose values are a
/// third, all of them projected before: heads side by side, a bias for each of the three in one
/// row, and one that is added to the scores.
pub fn multi_head(mut call: Call) -> Result<Vec<Lowered>, Error> {
    call.only_attributes(&["mask_filter_value", "num_heads", "scale", "unidirectional"])?;
    if call.node.int_or("unidirectional", 0)? != 0 {
        return Err(call.unsupported("unidirectional", "only attention of each token to all"));
    }
    if call.has(4) || (6..call.node.inputs.len()).any(|index| call.has(index)) {
        return Err(call.unsupported("key_padding_mask", "attention with a mask or a memory"));
    }
    if call.node.outputs.iter().skip(1).any(Option::is_some) {
        return Err(call.unsupported("present_key", "a memory as an output"));
    }
    if !call.has(1) || !call.has(2) {
        return Err(call.unsupported("key", "queries, keys and values in one input"));
    }
    let shapes = [call.shape(0)?, call.shape(1)?, call.shape(2)?];
    let [
        &[batch, tokens, width],
        &[_, seen, key_width],
        &[_, valued, value_width],
    ] = shapes.each_ref().map(Vec::as_slice)
    else {
        let [queries, keys, values] = shapes;
        return Err(call.shape_error(format!(
            "queries {queries:?}, keys {keys:?} and values {values:?}, where rows of tokens are expected"
        )));
    };
    let fit = key_width == width && valued == seen && shapes.iter().all(|shape| shape[0] == batch);
    let heads = usize::try_from(call.node.int("num_heads")?).unwrap_or(0);
    let divides = |width: usize| width > 0 && heads > 0 && width.is_multiple_of(heads);
    if !fit || !divides(width) || !divides(value_width) {
        let [queries, keys, values] = shapes;
        return Err(call.shape_error(format!(
            "queries {queries:?}, keys {keys:?} and values {values:?} with {heads} heads"
        )));
    }
    let widths = [width, width, value_width];
    let mut parts = [call.operand(0)?, call.operand(1)?, call.operand(2)?];
    if call.has(3) {
        let given = call.shape(3)?;
        if given != [widths.iter().sum::<usize>()] {
            return Err(call.shape_error(format!("a bias {given:?} for widths of {widths:?}")));
        }
        let bias = call.operand(3)?;
        let mut start = 0;
        for ((part, width), shape) in parts.iter_mut().zip(widths).zip(&shapes) {
            let own = call.step(cut(0, start, width), vec![bias], vec![width]);
            *part = call.binary(Binary::Add, *part, own, shape);
            start += width;
        }
    }
    let [queries, keys, values] = parts;
    let heads = Heads {
        batch,
        heads,
        scale: scale(&call, width / heads)?,
    };
    let out = heads.attend(
        &mut call,
        (queries, tokens, width),
        (keys, seen),
        (values, value_width),
        Some(5),
    )?;
    call.finish(out)
}

/// A part of an axis.
fn cut(axis: usize, start: usize, count: usize) -> Primitive {
    Primitive::Slice {
        axis,
        start,
        count,
        step: 1,
        reversed: false,
    }
}

/// The factor of the scores. Zero, as files have it, means the default.
fn scale(call: &Call, depth: usize) -> Result<f32, Error> {
    let stated = call.node.float_or("scale", 0.0)?;
    Ok(if stated == 0.0 {
        (depth as f32).sqrt().recip()
    } else {
        stated
    })
}

/// Several attentions side by side.
struct Heads {
    batch: usize,
    heads: usize,
    scale: f32,
}

impl Heads {
    /// The values, `[batch, seen, value width]`, mixed for each of the queries, `[batch, tokens,
    /// width]`, as they are like the keys, `[batch, seen, width]`. `bias` is the input that is
    /// added to the scores, where there is one.
    fn attend(
        &self,
        call: &mut Call,
        (queries, tokens, width): (Operand, usize, usize),
        (keys, seen): (Operand, usize),
        (values, value_width): (Operand, usize),
        bias: Option<usize>,
    ) -> Result<Operand, Error> {
        let &Self {
            batch,
            heads,
            scale,
        } = self;
        let queries = self.by_head(call, queries, tokens, width);
        let keys = self.by_head(call, keys, seen, width);
        let values = self.by_head(call, values, seen, value_width);
        let turn = Primitive::Permute(vec![0, 1, 3, 2]);
        let keys = call.step(turn, vec![keys], vec![batch, heads, width / heads, seen]);
        let grid = vec![batch, heads, tokens, seen];
        let scores = call.step(Primitive::MatMul, vec![queries, keys], grid.clone());
        let mut scores = call.unary(Unary::MulScalar(scale), scores, &grid);
        if let Some(bias) = bias.filter(|&bias| call.has(bias)) {
            scores = added(call, scores, bias, &grid)?;
        }
        let shares = call.step(Primitive::Softmax(3), vec![scores], grid);
        let depth = value_width / heads;
        let mixed = vec![batch, heads, tokens, depth];
        let mixed = call.step(Primitive::MatMul, vec![shares, values], mixed);
        let split = vec![batch, tokens, heads, depth];
        let back = Primitive::Permute(vec![0, 2, 1, 3]);
        let mixed = call.step(back, vec![mixed], split.clone());
        Ok(call.reshape(mixed, &split, &[batch, tokens, value_width]))
    }

    /// `[batch, tokens, width]` as `[batch, heads, tokens, width / heads]`.
    fn by_head(&self, call: &mut Call, flat: Operand, tokens: usize, width: usize) -> Operand {
        let &Self { batch, heads, .. } = self;
        let split = vec![batch, tokens, heads, width / heads];
        let part = call.reshape(flat, &[batch, tokens, width], &split);
        let turn = Primitive::Permute(vec![0, 2, 1, 3]);
        call.step(turn, vec![part], vec![batch, heads, tokens, width / heads])
    }
}
