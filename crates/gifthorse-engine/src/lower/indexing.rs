//! Rearrangements of a host value, as the list of source positions in output order.

use crate::lower::constant::Elements;

/// Output element `i` is source element `sources[i]`.
pub struct Picked {
    pub shape: Vec<usize>,
    sources: Vec<usize>,
}

impl Picked {
    /// The elements in the new order.
    pub fn apply(&self, elements: &Elements) -> Elements {
        match elements {
            Elements::Float(values) => {
                Elements::Float(self.sources.iter().map(|&i| values[i]).collect())
            }
            Elements::Int(values) => {
                Elements::Int(self.sources.iter().map(|&i| values[i]).collect())
            }
        }
    }

    /// The same elements in a shape of as many.
    pub fn with_shape(self, shape: Vec<usize>) -> Self {
        Self { shape, ..self }
    }

    /// A further rearrangement on top of this one.
    pub fn then(self, next: impl FnOnce(&[usize]) -> Picked) -> Self {
        let next = next(&self.shape);
        let sources = next.sources.iter().map(|&i| self.sources[i]).collect();
        Self {
            shape: next.shape,
            sources,
        }
    }
}

/// Everything as it is.
pub fn identity(shape: &[usize]) -> Picked {
    Picked {
        shape: shape.to_vec(),
        sources: (0..shape.iter().product()).collect(),
    }
}

/// Walks all positions of `shape`, giving the source position that `source` makes of each.
fn walk(shape: Vec<usize>, source: impl Fn(&[usize]) -> usize) -> Picked {
    let count = shape.iter().product();
    let mut position = vec![0; shape.len()];
    let mut sources = Vec::with_capacity(count);
    for _ in 0..count {
        sources.push(source(&position));
        for axis in (0..shape.len()).rev() {
            position[axis] += 1;
            if position[axis] < shape[axis] {
                break;
            }
            position[axis] = 0;
        }
    }
    Picked { shape, sources }
}

/// Distance between neighbours along each axis.
pub fn strides(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis] * shape[axis];
    }
    strides
}

/// Axes in another order.
pub fn permute(shape: &[usize], axes: &[usize]) -> Picked {
    let strides = strides(shape);
    let permuted = axes.iter().map(|&axis| shape[axis]).collect();
    walk(permuted, |at| {
        at.iter()
            .zip(axes)
            .map(|(&i, &axis)| i * strides[axis])
            .sum()
    })
}

/// Entries of one axis, each below its length.
pub fn select(shape: &[usize], axis: usize, indices: &[usize]) -> Picked {
    let strides = strides(shape);
    let mut picked = shape.to_vec();
    picked[axis] = indices.len();
    walk(picked, |at| {
        let along = |(i, &position): (usize, &usize)| {
            strides[i]
                * if i == axis {
                    indices[position]
                } else {
                    position
                }
        };
        at.iter().enumerate().map(along).sum()
    })
}

/// Axes of length one repeated, new axes in front.
pub fn expand(shape: &[usize], to: &[usize]) -> Picked {
    let strides = strides(shape);
    let lead = to.len() - shape.len();
    walk(to.to_vec(), |at| {
        let own = at[lead..].iter().zip(shape).zip(&strides);
        own.map(|((&position, &length), &stride)| if length == 1 { 0 } else { position * stride })
            .sum()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(picked: &Picked) -> Vec<i64> {
        let source: Vec<i64> = (0..24).collect();
        match picked.apply(&Elements::Int(source)) {
            Elements::Int(values) => values,
            Elements::Float(_) => vec![],
        }
    }

    #[test]
    fn a_transposed_matrix_reads_down_the_columns() {
        let picked = permute(&[2, 3], &[1, 0]);
        assert_eq!(picked.shape, [3, 2]);
        assert_eq!(values(&picked), [0, 3, 1, 4, 2, 5]);
    }

    #[test]
    fn entries_of_the_middle_axis_are_picked_in_order() {
        let picked = select(&[2, 3, 2], 1, &[2, 0]);
        assert_eq!(picked.shape, [2, 2, 2]);
        assert_eq!(values(&picked), [4, 5, 0, 1, 10, 11, 6, 7]);
    }

    #[test]
    fn expanding_repeats_and_adds_axes() {
        let picked = expand(&[2, 1], &[2, 2, 3]);
        assert_eq!(values(&picked), [0, 0, 0, 1, 1, 1, 0, 0, 0, 1, 1, 1]);
    }

    #[test]
    fn one_rearrangement_follows_another() {
        let picked = permute(&[2, 3], &[1, 0]).then(|shape| select(shape, 0, &[1]));
        assert_eq!(picked.shape, [1, 2]);
        assert_eq!(values(&picked), [1, 4]);
    }
}
