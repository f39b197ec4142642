//! Activations that are made of several functions.

use crate::error::Error;
use crate::lower::context::{Call, Lowered};
use crate::program::{Binary, Operand, Primitive, Unary};

/// `x * hard_sigmoid(x)` with slope 1/6.
pub fn hard_swish(mut call: Call) -> Result<Vec<Lowered>, Error> {
    call.only_attributes(&[])?;
    let shape = call.shape(0)?;
    let x = call.operand(0)?;
    let gate = Unary::HardSigmoid {
        alpha: 1.0 / 6.0,
        beta: 0.5,
    };
    let gate = call.step(Primitive::Unary(gate), vec![x], shape.clone());
    let out = call.step(Primitive::Binary(Binary::Mul), vec![x, gate], shape);
    call.finish(out)
}

/// `x Phi(x)`, exactly or by the tanh formula.
pub fn gelu(mut call: Call) -> Result<Vec<Lowered>, Error> {
    call.only_attributes(&["approximate"])?;
    let shape = call.shape(0)?;
    let x = call.operand(0)?;
    let by_tanh = match call.node.string_or("approximate", "none")? {
        "none" => false,
        "tanh" => true,
        other => return Err(call.unsupported("approximate", format!("`{other}`"))),
    };
    let half = bell(&mut call, x, &shape, by_tanh);
    let out = call.step(Primitive::Binary(Binary::Mul), vec![x, half], shape);
    call.finish(out)
}

/// `Phi(x)`, the part of a normal distribution below `x`; exactly, or by the tanh formula.
pub fn bell(call: &mut Call, x: Operand, shape: &[usize], by_tanh: bool) -> Operand {
    let bell = if by_tanh {
        let cube = call.unary(Unary::PowScalar(3.0), x, shape);
        let cube = call.unary(Unary::MulScalar(0.044_715), cube, shape);
        let sum = call.binary(Binary::Add, x, cube, shape);
        let factor = (2.0 / std::f32::consts::PI).sqrt();
        let sum = call.unary(Unary::MulScalar(factor), sum, shape);
        call.unary(Unary::Tanh, sum, shape)
    } else {
        let factor = std::f32::consts::FRAC_1_SQRT_2;
        let scaled = call.unary(Unary::MulScalar(factor), x, shape);
        call.unary(Unary::Erf, scaled, shape)
    };
    let bell = call.unary(Unary::AddScalar(1.0), bell, shape);
    call.unary(Unary::MulScalar(0.5), bell, shape)
}

/// `PRelu`: `max(x, 0) + slope * min(x, 0)`, the slope broadcast.
pub fn prelu(mut call: Call) -> Result<Vec<Lowered>, Error> {
    call.only_attributes(&[])?;
    let (shape, slope) = (call.shape(0)?, call.shape(1)?);
    if call.broadcast(&shape, &slope)? != shape {
        return Err(call.shape_error(format!("slope {slope:?} does not broadcast to {shape:?}")));
    }
    let (x, slope) = (call.operand(0)?, call.operand(1)?);
    let positive = call.step(Primitive::Unary(Unary::Relu), vec![x], shape.clone());
    let low = Unary::Clip {
        min: f32::NEG_INFINITY,
        max: 0.0,
    };
    let negative = call.step(Primitive::Unary(low), vec![x], shape.clone());
    let scaled = call.step(
        Primitive::Binary(Binary::Mul),
        vec![negative, slope],
        shape.clone(),
    );
    let out = call.step(
        Primitive::Binary(Binary::Add),
        vec![positive, scaled],
        shape,
    );
    call.finish(out)
}

/// `Mish`: `x tanh(ln(1 + e^x))`.
pub fn mish(mut call: Call) -> Result<Vec<Lowered>, Error> {
    call.only_attributes(&[])?;
    let shape = call.shape(0)?;
    let x = call.operand(0)?;
    let soft = call.unary(Unary::Softplus, x, &shape);
    let gate = call.unary(Unary::Tanh, soft, &shape);
    let out = call.binary(Binary::Mul, x, gate, &shape);
    call.finish(out)
}

/// `Swish`: `x sigmoid(alpha x)`.
pub fn swish(mut call: Call) -> Result<Vec<Lowered>, Error> {
    call.only_attributes(&["alpha"])?;
    let shape = call.shape(0)?;
    let x = call.operand(0)?;
    let alpha = call.node.float_or("alpha", 1.0)?;
    let scaled = call.unary(Unary::MulScalar(alpha), x, &shape);
    let gate = call.unary(Unary::Sigmoid, scaled, &shape);
    let out = call.binary(Binary::Mul, x, gate, &shape);
    call.finish(out)
}

/// `SwiGLU`: the swish of one input times the other.
pub fn swi_glu(mut call: Call) -> Result<Vec<Lowered>, Error> {
    call.only_attributes(&["alpha"])?;
    let shape = call.shape(0)?;
    if call.shape(1)? != shape {
        return Err(call.shape_error(format!("{shape:?} and {:?}", call.shape(1)?)));
    }
    let alpha = call.node.float_or("alpha", 1.0)?;
    let (gate, linear) = (call.operand(0)?, call.operand(1)?);
    let scaled = call.unary(Unary::MulScalar(alpha), gate, &shape);
    let open = call.unary(Unary::Sigmoid, scaled, &shape);
    let swish = call.binary(Binary::Mul, gate, open, &shape);
    let out = call.binary(Binary::Mul, swish, linear, &shape);
    call.finish(out)
}

/// `Celu`: `x` where positive, `alpha (e^(x / alpha) - 1)` elsewhere.
pub fn celu(mut call: Call) -> Result<Vec<Lowered>, Error> {
    call.only_attributes(&["alpha"])?;
    let shape = call.shape(0)?;
    let alpha = call.node.float_or("alpha", 1.0)?;
    if alpha <= 0.0 || !alpha.is_finite() {
        return Err(call.unsupported("alpha", format!("{alpha} is not positive")));
    }
    let x = call.operand(0)?;
    let scaled = call.unary(Unary::MulScalar(1.0 / alpha), x, &shape);
    let elu = Unary::Elu {
        alpha: 1.0,
        gamma: alpha,
    };
    let out = call.unary(elu, scaled, &shape);
    call.finish(out)
}

/// `Softsign`: `x / (1 + |x|)`.
pub fn softsign(mut call: Call) -> Result<Vec<Lowered>, Error> {
    call.only_attributes(&[])?;
    let shape = call.shape(0)?;
    let x = call.operand(0)?;
    let size = call.unary(Unary::Abs, x, &shape);
    let size = call.unary(Unary::AddScalar(1.0), size, &shape);
    let out = call.binary(Binary::Div, x, size, &shape);
    call.finish(out)
}

/// `ThresholdedRelu`: `x` where it is larger than `alpha`, else 0.
pub fn thresholded_relu(mut call: Call) -> Result<Vec<Lowered>, Error> {
    call.only_attributes(&["alpha"])?;
    let shape = call.shape(0)?;
    let alpha = call.node.float_or("alpha", 1.0)?;
    let x = call.operand(0)?;
    let alpha = call.fresh("alpha", vec![alpha], vec![]);
    let zero = call.fresh("zero", vec![0.0], vec![]);
    let above = call.binary(Binary::Greater, x, alpha, &shape);
    let out = call.step(Primitive::Where, vec![above, x, zero], shape);
    call.finish(out)
}

/// `Shrink`: `x` moved towards zero by `bias` where it is farther from it than `lambd`, else 0.
pub fn shrink(mut call: Call) -> Result<Vec<Lowered>, Error> {
    call.only_attributes(&["bias", "lambd"])?;
    let shape = call.shape(0)?;
    let (bias, lambda) = (
        call.node.float_or("bias", 0.0)?,
        call.node.float_or("lambd", 0.5)?,
    );
    let x = call.operand(0)?;
    let high = call.fresh("lambd", vec![lambda], vec![]);
    let low = call.fresh("minus lambd", vec![-lambda], vec![]);
    let zero = call.fresh("zero", vec![0.0], vec![]);
    let above = call.binary(Binary::Greater, x, high, &shape);
    let below = call.binary(Binary::Less, x, low, &shape);
    let lowered = call.unary(Unary::AddScalar(-bias), x, &shape);
    let raised = call.unary(Unary::AddScalar(bias), x, &shape);
    let rest = call.step(Primitive::Where, vec![below, raised, zero], shape.clone());
    let out = call.step(Primitive::Where, vec![above, lowered, rest], shape);
    call.finish(out)
}
