//! Matrix products.

use crate::error::Error;
use crate::lower::context::{Call, Lowered};
use crate::program::{Binary, Operand, Primitive, Unary};

/// `MatMul`: NumPy's rules, vectors included.
pub fn matmul(mut call: Call) -> Result<Vec<Lowered>, Error> {
    call.only_attributes(&[])?;
    let (a, b) = (call.shape(0)?, call.shape(1)?);
    let (x, y) = (call.operand(0)?, call.operand(1)?);
    let (out, _) = product(&mut call, (x, a), (y, b))?;
    call.finish(out)
}

/// The product of two factors, each with its shape, and the shape of the result.
pub fn product(
    call: &mut Call,
    (x, mut a): (Operand, Vec<usize>),
    (y, mut b): (Operand, Vec<usize>),
) -> Result<(Operand, Vec<usize>), Error> {
    let (row, column) = (a.len() == 1, b.len() == 1);
    if a.is_empty() || b.is_empty() {
        return Err(call.shape_error("a factor without axes"));
    }
    let (a0, b0) = (a.clone(), b.clone());
    if row {
        a.insert(0, 1);
    }
    if column {
        b.push(1);
    }
    let x = call.reshape(x, &a0, &a);
    let y = call.reshape(y, &b0, &b);
    let shape = product_shape(call, &a, &b)?;
    let out = call.step(Primitive::MatMul, vec![x, y], shape.clone());
    let mut flat = shape.clone();
    if column {
        flat.pop();
    }
    if row {
        flat.remove(flat.len() + usize::from(column) - 2);
    }
    Ok((call.reshape(out, &shape, &flat), flat))
}

fn product_shape(call: &Call, a: &[usize], b: &[usize]) -> Result<Vec<usize>, Error> {
    let (batch_a, matrix_a) = a.split_at(a.len() - 2);
    let (batch_b, matrix_b) = b.split_at(b.len() - 2);
    if matrix_a[1] != matrix_b[0] {
        return Err(call.shape_error(format!("{a:?} times {b:?}")));
    }
    let mut shape = call.broadcast(batch_a, batch_b)?;
    shape.extend([matrix_a[0], matrix_b[1]]);
    Ok(shape)
}

/// The attributes of `Gemm`.
pub const GEMM: [&str; 5] = ["alpha", "beta", "transA", "transB", "broadcast"];

/// `Gemm`: `alpha A B + beta C` with either factor transposed.
pub fn gemm(mut call: Call) -> Result<Vec<Lowered>, Error> {
    call.only_attributes(&GEMM)?;
    let (out, _) = gemm_product(&mut call)?;
    call.finish(out)
}

/// What a node with the inputs and attributes of `Gemm` computes, and its shape.
pub fn gemm_product(call: &mut Call) -> Result<(Operand, Vec<usize>), Error> {
    let (x, a) = factor(call, 0, "transA")?;
    let (y, b) = factor(call, 1, "transB")?;
    let shape = product_shape(call, &a, &b)?;
    let mut out = call.step(Primitive::MatMul, vec![x, y], shape.clone());
    let alpha = call.node.float_or("alpha", 1.0)?;
    if alpha != 1.0 {
        out = call.step(
            Primitive::Unary(Unary::MulScalar(alpha)),
            vec![out],
            shape.clone(),
        );
    }
    if call.has(2) {
        let c = call.shape(2)?;
        if call.broadcast(&c, &shape)? != shape {
            return Err(call.shape_error(format!("C {c:?} does not broadcast to {shape:?}")));
        }
        let mut bias = call.operand(2)?;
        let beta = call.node.float_or("beta", 1.0)?;
        if beta != 1.0 {
            bias = call.step(Primitive::Unary(Unary::MulScalar(beta)), vec![bias], c);
        }
        let add = Primitive::Binary(Binary::Add);
        out = call.step(add, vec![out, bias], shape.clone());
    }
    Ok((out, shape))
}

/// A matrix, transposed if the attribute says so.
fn factor(call: &mut Call, index: usize, attribute: &str) -> Result<(Operand, Vec<usize>), Error> {
    let shape = call.shape(index)?;
    let operand = call.operand(index)?;
    turned(call, (operand, shape), attribute)
}

/// A matrix with its shape, transposed if the attribute says so.
pub fn turned(
    call: &mut Call,
    (operand, mut shape): (Operand, Vec<usize>),
    attribute: &str,
) -> Result<(Operand, Vec<usize>), Error> {
    if shape.len() != 2 {
        return Err(call.shape_error(format!("a factor of shape {shape:?} is not a matrix")));
    }
    if call.node.int_or(attribute, 0)? == 0 {
        return Ok((operand, shape));
    }
    shape.swap(0, 1);
    let turned = call.step(Primitive::Permute(vec![1, 0]), vec![operand], shape.clone());
    Ok((turned, shape))
}
