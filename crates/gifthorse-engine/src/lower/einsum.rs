//! `Einsum`, factor by factor: what only one factor has is summed, the rest is a batched matrix
//! product.

use crate::error::Error;
use crate::lower::context::{Call, Lowered};
use crate::lower::indexing::strides;
use crate::program::{Operand, Primitive, Reduction};

/// An operand whose axes have labels.
struct Labelled {
    operand: Operand,
    shape: Vec<usize>,
    labels: Vec<char>,
}

impl Labelled {
    fn axis(&self, label: char) -> Option<usize> {
        self.labels.iter().position(|&own| own == label)
    }
}

/// `Einsum` with any number of factors and an ellipsis.
pub fn einsum(mut call: Call) -> Result<Vec<Lowered>, Error> {
    call.only_attributes(&["equation"])?;
    let equation: String = call.node.string("equation")?.split_whitespace().collect();
    let (left, right) = match equation.split_once("->") {
        Some((left, right)) => (left, Some(right)),
        None => (&equation[..], None),
    };
    let terms: Vec<&str> = left.split(',').collect();
    if terms.len() != call.inputs.len() {
        let reason = format!("`{equation}` for {} inputs", call.inputs.len());
        return Err(call.unsupported("equation", reason));
    }
    let mut hidden = 0;
    let mut factors = Vec::with_capacity(terms.len());
    for (i, term) in terms.iter().enumerate() {
        let shape = call.shape(i)?;
        let stated = term.replace("...", "").chars().count();
        let free = shape.len().checked_sub(stated);
        let free = free.filter(|&free| free == 0 || term.contains("..."));
        let free =
            free.ok_or_else(|| call.shape_error(format!("`{term}` for a factor {shape:?}")))?;
        hidden = hidden.max(free);
        let labels = labels(term, free);
        let operand = call.operand(i)?;
        factors.push(on_diagonals(
            &mut call,
            Labelled {
                operand,
                shape,
                labels,
            },
        )?);
    }
    let wanted = match right {
        Some(right) => labels(right, if right.contains("...") { hidden } else { 0 }),
        None => implied(&factors, hidden),
    };
    let known = |label: &char| factors.iter().any(|f| f.axis(*label).is_some());
    if has_twin(&wanted) || !wanted.iter().all(known) {
        return Err(call.unsupported("equation", format!("the result of `{equation}`")));
    }
    let mut rest = factors.into_iter();
    let mut product = rest
        .next()
        .ok_or_else(|| call.shape_error("it has no input"))?;
    let rest: Vec<Labelled> = rest.collect();
    for (i, factor) in rest.iter().enumerate() {
        let later = |label: char| {
            wanted.contains(&label) || rest[i + 1..].iter().any(|f| f.axis(label).is_some())
        };
        product = multiply(&mut call, product, factor, later)?;
    }
    product = sum_others(&mut call, product, |label| wanted.contains(&label));
    let order: Vec<char> = wanted;
    let out = ordered(&mut call, &product, &order)?;
    call.finish(out.operand)
}

/// A factor without twins among its labels: of axes with the same one, the entries where they are
/// equal.
fn on_diagonals(call: &mut Call, mut x: Labelled) -> Result<Labelled, Error> {
    while let Some(twin) = (1..x.labels.len()).find(|&i| x.labels[..i].contains(&x.labels[i])) {
        let first = x.axis(x.labels[twin]).unwrap_or(twin);
        if x.shape[first] != x.shape[twin] {
            return Err(call.shape_error(format!("a diagonal of {:?}", x.shape)));
        }
        let steps = strides(&x.shape);
        let count: usize = x.shape.iter().product();
        let on_diagonal = |at: &usize| {
            let along = |axis: usize| at / steps[axis] % x.shape[axis];
            along(first) == along(twin)
        };
        // In the order of the axes that stay.
        let indices: Vec<usize> = (0..count).filter(on_diagonal).collect();
        let flat = call.reshape(x.operand, &x.shape, &[count]);
        let kept = vec![indices.len()];
        let select = Primitive::Select { axis: 0, indices };
        let picked = call.step(select, vec![flat], kept.clone());
        x.shape.remove(twin);
        x.labels.remove(twin);
        x.operand = call.reshape(picked, &kept, &x.shape);
    }
    Ok(x)
}

/// The labels of a term; axes of an ellipsis are numbered from the last one.
fn labels(term: &str, hidden: usize) -> Vec<char> {
    let ellipsis: String = (0..hidden).rev().map(hidden_label).collect();
    term.replace("...", &ellipsis).chars().collect()
}

/// A character of the private use area, which no equation has, for axis `i` from the end of an
/// ellipsis.
fn hidden_label(i: usize) -> char {
    u32::try_from(i)
        .ok()
        .and_then(|i| char::from_u32(0xE000 + i))
        .unwrap_or('\u{F8FF}')
}

fn has_twin(labels: &[char]) -> bool {
    (1..labels.len()).any(|i| labels[..i].contains(&labels[i]))
}

/// The result without an arrow: the ellipsis, then what occurs once, in alphabetical order.
fn implied(factors: &[Labelled], hidden: usize) -> Vec<char> {
    let all: Vec<char> = factors.iter().flat_map(|f| f.labels.clone()).collect();
    let dots: Vec<char> = (0..hidden).rev().map(hidden_label).collect();
    let once = |label: &&char| {
        !dots.contains(label) && all.iter().filter(|other| other == label).count() == 1
    };
    let mut named: Vec<char> = all.iter().filter(once).copied().collect();
    named.sort_unstable();
    [dots.clone(), named].concat()
}

/// Sums the axes whose label is not kept.
fn sum_others(call: &mut Call, x: Labelled, kept: impl Fn(char) -> bool) -> Labelled {
    let axes: Vec<usize> = (0..x.labels.len())
        .filter(|&axis| !kept(x.labels[axis]))
        .collect();
    if axes.is_empty() {
        return x;
    }
    let mut ones = x.shape.clone();
    for &axis in &axes {
        ones[axis] = 1;
    }
    let reduce = Primitive::Reduce(Reduction::Sum, axes.clone());
    let sum = call.step(reduce, vec![x.operand], ones.clone());
    let stays = |axis: &usize| !axes.contains(axis);
    let rest: Vec<usize> = (0..x.labels.len()).filter(stays).collect();
    let shape: Vec<usize> = rest.iter().map(|&axis| x.shape[axis]).collect();
    let labels = rest.iter().map(|&axis| x.labels[axis]).collect();
    let operand = call.reshape(sum, &ones, &shape);
    Labelled {
        operand,
        shape,
        labels,
    }
}

/// Axes in the order of these labels, all of which it has.
fn ordered(call: &mut Call, x: &Labelled, order: &[char]) -> Result<Labelled, Error> {
    let axes: Option<Vec<usize>> = order.iter().map(|&label| x.axis(label)).collect();
    let axes = axes.ok_or_else(|| call.shape_error("a label of the equation is lost"))?;
    let shape: Vec<usize> = axes.iter().map(|&axis| x.shape[axis]).collect();
    let moved = axes.iter().enumerate().any(|(to, &from)| to != from);
    let operand = if moved {
        call.step(Primitive::Permute(axes), vec![x.operand], shape.clone())
    } else {
        x.operand
    };
    Ok(Labelled {
        operand,
        shape,
        labels: order.to_vec(),
    })
}

/// The product of two factors, summed over what both have and nothing after needs.
fn multiply(
    call: &mut Call,
    a: Labelled,
    b: &Labelled,
    later: impl Fn(char) -> bool,
) -> Result<Labelled, Error> {
    let a = sum_others(call, a, |label| later(label) || b.axis(label).is_some());
    let b = Labelled {
        operand: b.operand,
        shape: b.shape.clone(),
        labels: b.labels.clone(),
    };
    let b = sum_others(call, b, |label| later(label) || a.axis(label).is_some());
    let both = |&&label: &&char| b.axis(label).is_some();
    let (batch, summed): (Vec<char>, Vec<char>) = a
        .labels
        .iter()
        .filter(both)
        .partition(|&&label| later(label));
    let only = |x: &Labelled, other: &Labelled| -> Vec<char> {
        let own = x.labels.iter().filter(|&&l| other.axis(l).is_none());
        own.copied().collect()
    };
    let (rows, columns) = (only(&a, &b), only(&b, &a));
    let left = ordered(call, &a, &[&batch[..], &rows, &summed].concat())?;
    let right = ordered(call, &b, &[&batch[..], &summed, &columns].concat())?;
    let at = batch.len();
    let (count, length) = (rows.len(), summed.len());
    if left.shape[at + count..] != right.shape[at..at + length] {
        let reason = format!("{:?} times {:?}", a.shape, b.shape);
        return Err(call.shape_error(reason));
    }
    let size = |lengths: &[usize]| lengths.iter().product::<usize>();
    let matrix = |shape: &[usize], middle: usize| {
        let mut matrix = shape[..at].to_vec();
        matrix.extend([size(&shape[at..middle]), size(&shape[middle..])]);
        matrix
    };
    let left_matrix = matrix(&left.shape, at + count);
    let right_matrix = matrix(&right.shape, at + length);
    let x = call.reshape(left.operand, &left.shape, &left_matrix);
    let y = call.reshape(right.operand, &right.shape, &right_matrix);
    let lengths = call.broadcast(&left.shape[..at], &right.shape[..at])?;
    let mut product = lengths.clone();
    product.extend([left_matrix[at], right_matrix[at + 1]]);
    let out = call.step(Primitive::MatMul, vec![x, y], product.clone());
    let shape = [
        &lengths[..],
        &left.shape[at..at + count],
        &right.shape[at + length..],
    ]
    .concat();
    let operand = call.reshape(out, &product, &shape);
    Ok(Labelled {
        operand,
        shape,
        labels: [batch, rows, columns].concat(),
    })
}
