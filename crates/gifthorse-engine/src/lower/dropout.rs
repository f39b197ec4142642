//! Dropout.

use crate::error::Error;
use crate::lower::context::{Call, Lowered};
use crate::lower::elementwise::identity_of;
use crate::mode::Mode;
use crate::program::{Operand, Primitive};

/// `Dropout`: nothing in inference, whatever the file says of training.
pub fn dropout(mut call: Call) -> Result<Vec<Lowered>, Error> {
    call.only_attributes(&["ratio", "seed", "is_test"])?;
    if *call.context.mode == Mode::Inference {
        return identity_of(call);
    }
    let ratio = ratio(&call)?;
    if ratio == 0.0 {
        return identity_of(call);
    }
    if !(0.0..1.0).contains(&ratio) {
        return Err(call.unsupported("ratio", format!("{ratio} is not in [0, 1)")));
    }
    let x = call.operand(0)?;
    if !matches!(x, Operand::Value(_)) {
        return Err(call.unsupported("data", "dropout of a constant in training"));
    }
    let site = call.context.dropouts;
    call.context.dropouts += 1;
    let shape = call.shape(0)?;
    let out = call.step(Primitive::Dropout { ratio, site }, vec![x], shape);
    call.finish(out)
}

/// An attribute before opset 12, an input since.
fn ratio(call: &Call) -> Result<f32, Error> {
    if !call.has(1) {
        return Ok(call.node.float_or("ratio", 0.5)?);
    }
    let known = call.constant(1);
    let ratio = known.and_then(|constant| constant.to_f32().first().copied());
    ratio.ok_or_else(|| call.unsupported("ratio", "it is not known before the model runs"))
}
