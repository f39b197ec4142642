//! The last steps of a program: whatever form the file has its scores in, a row for each image.

use super::context::Context;
use crate::program::{Operand, Primitive, ValueId};

/// How a value holds scores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form {
    /// Scores of an image: one for each class, or one for two classes.
    pub per_image: usize,
    /// Whether the classes come before the batch.
    pub classes_first: bool,
}

impl Form {
    /// The form of a value of this shape, made from so many images; `None` if it is none of scores:
    /// each image has a row, whatever axes of length one there are.
    pub fn of(shape: &[usize], batch: usize) -> Option<Self> {
        let count: usize = shape.iter().product();
        let long = |axes: &[usize]| axes.iter().filter(|&&length| length != 1).count();
        let rows = shape.first() == Some(&batch) && long(&shape[1..]) <= 1;
        let one_image = batch == 1 && long(shape) <= 1;
        let columns = matches!(shape, [classes, images] if *images == batch && *classes != batch);
        (rows || one_image || columns).then(|| Self {
            per_image: count / batch.max(1),
            classes_first: columns && (!rows || batch == 1 && shape[0] != 1),
        })
    }
}

/// Puts scores in rows: `[batch, classes]` where the file has the classes first or leaves the batch
/// out, and `[batch, 2]` for a single score `z`, as (0, z). Other values stay as they are.
pub fn in_rows(context: &mut Context, value: ValueId, classes_first: bool, node: &str) -> ValueId {
    let batch = context.batch;
    let shape = context.shapes[value.0].clone();
    let Some(form) = Form::of(&shape, batch) else {
        return value;
    };
    let operand = Operand::Value(value);
    if form.per_image == 1 {
        let mut column = operand;
        if shape != [batch, 1] {
            let made = context.push(node, Primitive::Reshape, vec![column], vec![batch, 1]);
            column = Operand::Value(made);
        }
        let pair = context.constant_of(format!("{node}:two classes"), vec![0.0, 1.0], vec![1, 2]);
        return context.push(node, Primitive::MatMul, vec![column, pair], vec![batch, 2]);
    }
    match shape[..] {
        [classes, images] if classes_first && images == batch && batch > 1 => context.push(
            node,
            Primitive::Permute(vec![1, 0]),
            vec![operand],
            vec![images, classes],
        ),
        [first, ..] if first != batch => {
            let row = vec![batch, form.per_image];
            context.push(node, Primitive::Reshape, vec![operand], row)
        }
        _ => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(shape: &[usize], batch: usize) -> Option<(usize, bool)> {
        Form::of(shape, batch).map(|form| (form.per_image, form.classes_first))
    }

    #[test]
    fn each_image_has_a_row_whatever_the_axes_of_length_one() {
        for shape in [&[2, 10][..], &[2, 10, 1, 1], &[2, 1, 1, 10]] {
            assert_eq!(form(shape, 2), Some((10, false)), "{shape:?}");
        }
        assert_eq!(form(&[10, 2], 2), Some((10, true)));
        assert_eq!(form(&[2], 2), Some((1, false)));
        assert_eq!(form(&[2, 1], 2), Some((1, false)));
        assert_eq!(form(&[2, 10, 10], 2), None);
        assert_eq!(form(&[20], 2), None);
    }

    #[test]
    fn a_single_image_may_have_no_batch_axis() {
        assert_eq!(form(&[10], 1), Some((10, false)));
        assert_eq!(form(&[10, 1], 1), Some((10, true)));
        assert_eq!(form(&[1, 10], 1), Some((10, false)));
        assert_eq!(form(&[], 1), Some((1, false)));
        assert_eq!(form(&[1, 10, 7], 1), None);
    }
}
