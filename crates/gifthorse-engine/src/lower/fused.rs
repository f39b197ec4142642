//! Products with an activation in one node, as onnxruntime's optimiser saves them: each is computed
//! as the plain operators that it was made of.

use crate::error::Error;
use crate::lower::context::{Call, Lowered};
use crate::lower::conv::{GEOMETRY, convolved};
use crate::lower::matmul::{GEMM, gemm_product, product};
use crate::program::{Binary, Operand, Primitive, Unary};

/// `FusedConv`: a convolution, to which a fourth input is added if there is one, and an activation.
pub fn conv(mut call: Call) -> Result<Vec<Lowered>, Error> {
    call.only_attributes(&[&GEOMETRY[..], &["activation", "activation_params"]].concat())?;
    let (input, weight) = (call.shape(0)?, call.shape(1)?);
    let (x, w) = (call.operand(0)?, call.operand(1)?);
    let bias = call.has(2).then(|| call.operand(2)).transpose()?;
    let (mut out, shape) = convolved(&mut call, (x, &input), (w, &weight), bias)?;
    if call.has(3) {
        let added = call.shape(3)?;
        if added != shape {
            return Err(call.shape_error(format!("{added:?} is added to {shape:?}")));
        }
        let added = call.operand(3)?;
        out = call.binary(Binary::Add, out, added, &shape);
    }
    let parameters = call.node.floats_opt("activation_params")?.unwrap_or(&[]);
    let parameters: Vec<Option<f32>> = parameters.iter().copied().map(Some).collect();
    let out = activated(&mut call, out, &shape, &parameters)?;
    call.finish(out)
}

/// `FusedGemm`: a `Gemm` and an activation.
pub fn gemm(mut call: Call) -> Result<Vec<Lowered>, Error> {
    let own = [
        "activation",
        "activation_alpha",
        "activation_beta",
        "activation_gamma",
    ];
    call.only_attributes(&[&GEMM[..], &own].concat())?;
    let (out, shape) = gemm_product(&mut call)?;
    let mut parameters = Vec::new();
    for name in &own[1..] {
        parameters.push(call.node.float_opt(name)?);
    }
    let out = activated(&mut call, out, &shape, &parameters)?;
    call.finish(out)
}

/// The activation that the node names, with its parameters in their order.
fn activated(
    call: &mut Call,
    x: Operand,
    shape: &[usize],
    parameters: &[Option<f32>],
) -> Result<Operand, Error> {
    let parameter = |place: usize, default: f32| -> f32 {
        parameters.get(place).copied().flatten().unwrap_or(default)
    };
    let function = match call.node.string_or("activation", "")? {
        "" => return Ok(x),
        "Relu" => Unary::Relu,
        "Tanh" => Unary::Tanh,
        "Sigmoid" => Unary::Sigmoid,
        "Softplus" => Unary::Softplus,
        "LeakyRelu" => Unary::LeakyRelu(parameter(0, 0.01)),
        "Elu" => Unary::Elu {
            alpha: parameter(0, 1.0),
            gamma: 1.0,
        },
        "Clip" => Unary::Clip {
            min: parameter(0, f32::NEG_INFINITY),
            max: parameter(1, f32::INFINITY),
        },
        "HardSigmoid" => Unary::HardSigmoid {
            alpha: parameter(0, 0.2),
            beta: parameter(1, 0.5),
        },
        other => {
            let reason = format!("the activation {other:?} is not known");
            return Err(call.unsupported("activation", reason));
        }
    };
    Ok(call.unary(function, x, shape))
}

/// `FusedMatMul`: `alpha A B`, the last two axes of either factor swapped if that is asked for.
pub fn matmul(mut call: Call) -> Result<Vec<Lowered>, Error> {
    let batches = ["transBatchA", "transBatchB"];
    call.only_attributes(&[&["alpha", "transA", "transB"][..], &batches].concat())?;
    for name in batches {
        if call.node.int_or(name, 0)? != 0 {
            return Err(call.unsupported(name, "factors with their batch axes moved"));
        }
    }
    let a = swapped(&mut call, 0, "transA")?;
    let b = swapped(&mut call, 1, "transB")?;
    let (mut out, shape) = product(&mut call, a, b)?;
    let alpha = call.node.float_or("alpha", 1.0)?;
    if alpha != 1.0 {
        out = call.unary(Unary::MulScalar(alpha), out, &shape);
    }
    call.finish(out)
}

/// A factor with its shape; its last two axes swapped if the attribute says so.
fn swapped(call: &mut Call, index: usize, attribute: &str) -> Result<(Operand, Vec<usize>), Error> {
    let mut shape = call.shape(index)?;
    let x = call.operand(index)?;
    // A vector has nothing to swap.
    let rank = shape.len();
    if rank < 2 || call.node.int_or(attribute, 0)? == 0 {
        return Ok((x, shape));
    }
    let mut axes: Vec<usize> = (0..rank).collect();
    axes.swap(rank - 2, rank - 1);
    shape.swap(rank - 2, rank - 1);
    let turned = call.step(Primitive::Permute(axes), vec![x], shape.clone());
    Ok((turned, shape))
}
