//! Factors in the order in which [`Lanes::product`] reads them.

use crate::lanes::{Lane, Lanes, Left, Pair, ROWS};

/// A matrix as it lies in memory, read as it is or transposed.
pub(super) struct Matrix<'a> {
    /// `[row][group of sixteen columns]`
    pub(super) lanes: &'a [Lane],
    pub(super) groups: usize,
    /// Rows and columns in memory.
    pub(super) stored: [usize; 2],
    pub(super) transposed: bool,
}

impl Matrix<'_> {
    /// Rows and columns as read.
    pub(super) fn size(&self) -> [usize; 2] {
        let [rows, columns] = self.stored;
        if self.transposed {
            [columns, rows]
        } else {
            [rows, columns]
        }
    }

    /// Sixteen rows and sixteen columns in memory, from these on, turned so that vector `i` is
    /// column `i`. Rows beyond the last repeat it.
    #[inline(always)]
    fn turned<L: Lanes>(&self, l: L, row: usize, group: usize) -> [L::V; Lane::LENGTH] {
        let mut block = [l.splat(0.0); Lane::LENGTH];
        for (i, vector) in block.iter_mut().enumerate() {
            let row = (row + i).min(self.stored[0] - 1);
            *vector = l.load(&self.lanes[row * self.groups + group].0);
        }
        l.transpose(block)
    }
}

/// The left factor, `[group of rows][group of sixteen columns]`. Rows and columns beyond the last
/// hold anything.
#[inline(always)]
pub(super) fn pack_left<L: Lanes>(l: L, matrix: &Matrix<'_>, out: &mut Vec<[Left; 1]>) {
    let [rows, columns] = matrix.size();
    let groups = columns.div_ceil(Lane::LENGTH);
    out.resize(rows.div_ceil(ROWS) * groups, [Left::default()]);
    if matrix.transposed {
        // Sixteen rows as read are one group of columns in memory.
        for row_group in 0..matrix.groups {
            for group in 0..groups {
                let block = matrix.turned(l, group * Lane::LENGTH, row_group);
                let rows = (row_group * Lane::LENGTH..rows).zip(block);
                for (row, values) in rows {
                    let left = &mut out[row / ROWS * groups + group][0];
                    l.store(&mut left[row % ROWS].0, values);
                }
            }
        }
    } else {
        for (row, lanes) in matrix.lanes.chunks_exact(groups).enumerate() {
            for (group, lane) in lanes.iter().enumerate() {
                out[row / ROWS * groups + group][0][row % ROWS] = *lane;
            }
        }
    }
}

/// The right factor, `[pair of lanes][row]`. Columns beyond the last hold anything.
#[inline(always)]
pub(super) fn pack_right<L: Lanes>(l: L, matrix: &Matrix<'_>, out: &mut Vec<Pair>) {
    let [rows, columns] = matrix.size();
    let groups = columns.div_ceil(Lane::LENGTH);
    out.resize(groups.div_ceil(2) * rows, Pair::default());
    if matrix.transposed {
        for group in 0..groups {
            let pairs = &mut out[group / 2 * rows..][..rows];
            for row_group in 0..matrix.groups {
                let block = matrix.turned(l, group * Lane::LENGTH, row_group);
                let pairs = pairs.iter_mut().skip(row_group * Lane::LENGTH);
                for (pair, values) in pairs.zip(block) {
                    l.store(&mut pair[group % 2].0, values);
                }
            }
        }
    } else {
        for (row, lanes) in matrix.lanes.chunks_exact(groups).enumerate() {
            for (group, lane) in lanes.iter().enumerate() {
                out[group / 2 * rows + row][group % 2] = *lane;
            }
        }
    }
}
