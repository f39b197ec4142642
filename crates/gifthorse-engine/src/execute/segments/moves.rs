//! The shape operators as tables: where each element of the result comes from.

use crate::program::Primitive;

/// Walks the indices of an array in row-major order.
pub struct Indices {
    shape: Vec<usize>,
    next: Option<Vec<usize>>,
}

impl Indices {
    pub fn of(shape: &[usize]) -> Self {
        let next = (!shape.contains(&0)).then(|| vec![0; shape.len()]);
        Self {
            shape: shape.to_vec(),
            next,
        }
    }
}

impl Iterator for Indices {
    type Item = Vec<usize>;

    fn next(&mut self) -> Option<Vec<usize>> {
        let current = self.next.take()?;
        let mut following = current.clone();
        for axis in (0..following.len()).rev() {
            following[axis] += 1;
            if following[axis] < self.shape[axis] {
                self.next = Some(following);
                break;
            }
            following[axis] = 0;
        }
        Some(current)
    }
}

/// Row-major number of an index; axes of length one stand for all.
pub fn number(shape: &[usize], index: &[usize]) -> usize {
    let skip = index.len() - shape.len();
    shape
        .iter()
        .zip(&index[skip..])
        .fold(0, |number, (&length, &at)| {
            number * length + if length == 1 { 0 } else { at }
        })
}

/// For each element of the result, in row-major order, the operand that it comes from and its
/// row-major number there; `None` for padding. All shapes are those of one sample. No table for a
/// primitive that computes.
pub fn table(
    primitive: &Primitive,
    operands: &[Vec<usize>],
    result: &[usize],
) -> Option<Vec<Option<(usize, usize)>>> {
    let mut from = Vec::with_capacity(result.iter().product());
    for index in Indices::of(result) {
        from.push(origin(primitive, operands, index)?);
    }
    Some(from)
}

/// The inner `None` is padding; the outer one, a primitive that computes.
fn origin(
    primitive: &Primitive,
    operands: &[Vec<usize>],
    mut index: Vec<usize>,
) -> Option<Option<(usize, usize)>> {
    let first = operands.first()?;
    let mut operand = 0;
    match primitive {
        Primitive::Expand | Primitive::Reshape => {}
        Primitive::Permute(axes) => {
            let mut source = vec![0; index.len()];
            for (&axis, &at) in axes.iter().zip(&index) {
                source[axis] = at;
            }
            index = source;
        }
        Primitive::Slice {
            axis,
            start,
            count,
            step,
            reversed,
        } => {
            let at = index[*axis];
            let at = if *reversed { count - 1 - at } else { at };
            index[*axis] = start + at * step;
        }
        Primitive::Select { axis, indices } => index[*axis] = *indices.get(index[*axis])?,
        Primitive::Concat(axis) => {
            while index[*axis] >= operands.get(operand)?[*axis] {
                index[*axis] -= operands[operand][*axis];
                operand += 1;
            }
        }
        Primitive::Pad { pads, .. } => {
            for ((at, &(before, _)), &length) in index.iter_mut().zip(pads).zip(first) {
                match at.checked_sub(before).filter(|&at| at < length) {
                    Some(inside) => *at = inside,
                    None => return Some(None),
                }
            }
        }
        _ => return None,
    }
    let shape = &operands[operand];
    Some(Some((operand, number(shape, &index))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(primitive: Primitive, operands: &[&[usize]], result: &[usize]) -> Vec<isize> {
        let operands: Vec<Vec<usize>> = operands.iter().map(|shape| shape.to_vec()).collect();
        let table = table(&primitive, &operands, result).expect("a move");
        let number = |from: Option<(usize, usize)>| match from {
            Some((operand, at)) => (100 * operand + at) as isize,
            None => -1,
        };
        table.into_iter().map(number).collect()
    }

    #[test]
    fn moves() {
        let transposed = from(Primitive::Permute(vec![1, 0]), &[&[2, 3]], &[3, 2]);
        assert_eq!(transposed, [0, 3, 1, 4, 2, 5]);
        let backwards = Primitive::Slice {
            axis: 0,
            start: 1,
            count: 2,
            step: 2,
            reversed: true,
        };
        assert_eq!(from(backwards, &[&[4]], &[2]), [3, 1]);
        let joined = from(Primitive::Concat(1), &[&[2, 1], &[2, 2]], &[2, 3]);
        assert_eq!(joined, [0, 100, 101, 1, 102, 103]);
        let padded = Primitive::Pad {
            pads: vec![(1, 0), (0, 1)],
            value: 0.0,
        };
        assert_eq!(from(padded, &[&[1, 2]], &[2, 3]), [-1, -1, -1, 0, 1, -1]);
        let repeated = from(Primitive::Expand, &[&[2, 1]], &[2, 3]);
        assert_eq!(repeated, [0, 0, 0, 1, 1, 1]);
    }
}
