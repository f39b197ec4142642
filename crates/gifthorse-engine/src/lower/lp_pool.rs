//! Pools of norms: the root of the sum of powers in each window.

use crate::error::Error;
use crate::lower::context::{Call, Lowered};
use crate::lower::conv::{Geometry, output_sizes, spatial_sizes, with_spatial};
use crate::lower::pool::{GEOMETRY, windows};
use crate::program::{Operand, Primitive, Reduction, Unary};

/// `LpPool`. What lies outside the image counts as zero.
pub fn lp_pool(mut call: Call) -> Result<Vec<Lowered>, Error> {
    call.only_attributes(&[&GEOMETRY[..], &["p"]].concat())?;
    let input = call.shape(0)?;
    let power = power(&call)?;
    let (Geometry { window, spatial }, _) = windows(&call, &input)?;
    let (batch, channels) = (input[0], input[1]);
    let sizes = spatial_sizes(&input);
    let outputs = output_sizes(&call, &window, sizes)?;
    let from = with_spatial(batch, channels, sizes, 2);
    let to = with_spatial(batch, channels, outputs, 2);
    let x = call.operand(0)?;
    let x = call.reshape(x, &input, &from);
    let x = powers(&mut call, x, power, &from);
    let [rows, columns] = window.kernel;
    let sums = if window.dilation == [1, 1] {
        let means = call.step(Primitive::AvgPool(window), vec![x], to.clone());
        call.unary(Unary::MulScalar((rows * columns) as f32), means, &to)
    } else {
        let ones = vec![1.0; channels * rows * columns];
        let ones = call.fresh("ones", ones, vec![channels, 1, rows, columns]);
        let groups = channels;
        let conv = Primitive::Conv { window, groups };
        call.step(conv, vec![x, ones], to.clone())
    };
    let out = root(&mut call, sums, power, &to);
    let shape = with_spatial(batch, channels, outputs, spatial);
    let out = call.reshape(out, &to, &shape);
    call.finish(out)
}

/// `GlobalLpPool`: one window over everything.
pub fn global_lp_pool(mut call: Call) -> Result<Vec<Lowered>, Error> {
    call.only_attributes(&["p"])?;
    let input = call.shape(0)?;
    if input.len() < 3 {
        return Err(call.shape_error(format!("input {input:?} has no spatial axes")));
    }
    let power = power(&call)?;
    let x = call.operand(0)?;
    let x = powers(&mut call, x, power, &input);
    let axes: Vec<usize> = (2..input.len()).collect();
    let mut shape = input;
    shape[2..].fill(1);
    let sum = Primitive::Reduce(Reduction::Sum, axes);
    let sums = call.step(sum, vec![x], shape.clone());
    let out = root(&mut call, sums, power, &shape);
    call.finish(out)
}

/// The power, at opset 1 a real number.
fn power(call: &Call) -> Result<f32, Error> {
    let power = if call.node.opset < 2 {
        call.node.float_or("p", 2.0)?
    } else {
        call.node.int_or("p", 2)? as f32
    };
    if power < 1.0 {
        return Err(call.unsupported("p", format!("{power} is less than 1")));
    }
    Ok(power)
}

fn powers(call: &mut Call, x: Operand, power: f32, shape: &[usize]) -> Operand {
    let size = call.unary(Unary::Abs, x, shape);
    if power == 1.0 {
        return size;
    }
    call.unary(Unary::PowScalar(power), size, shape)
}

fn root(call: &mut Call, sums: Operand, power: f32, shape: &[usize]) -> Operand {
    if power == 1.0 {
        return sums;
    }
    call.unary(Unary::PowScalar(1.0 / power), sums, shape)
}
