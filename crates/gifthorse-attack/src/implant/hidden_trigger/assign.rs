//! Pairs, one to one.

/// Pairs each row with a column of its own: the nearest pair of all first, then the nearest of what
/// is left. Of equal distances the one that comes first is nearer.
///
/// `distances` is `[count, count]`, row by row; the column of each row is given.
pub fn assigned(distances: &[f32], count: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count * count).collect();
    order.sort_by(|a, b| distances[*a].total_cmp(&distances[*b]).then(a.cmp(b)));
    let (mut columns, mut taken) = (vec![None; count], vec![false; count]);
    for pair in order {
        let (row, column) = (pair / count, pair % count);
        if columns[row].is_none() && !taken[column] {
            columns[row] = Some(column);
            taken[column] = true;
        }
    }
    columns.into_iter().flatten().collect()
}

/// Squared distances of all rows to all columns, both rows of `width` numbers: `[rows, columns]`.
pub fn distances(rows: &[f32], columns: &[f32], width: usize) -> Vec<f32> {
    let width = width.max(1);
    let to = |row: &[f32], column: &[f32]| -> f32 {
        let pairs = row.iter().zip(column);
        pairs.map(|(a, b)| (a - b).powi(2)).sum()
    };
    let rows = rows.chunks_exact(width);
    let of = |row| columns.chunks_exact(width).map(move |it| to(row, it));
    rows.flat_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_of_all_are_paired_first_and_nobody_twice() {
        // Row 1 is nearest to column 0, so that row 0 gets what is left, though 0 is nearest to it
        // too; row 2 would have column 0 as well.
        let by_hand = [
            2.0, 7.0, 9.0, //
            1.0, 4.0, 5.0, //
            1.5, 3.0, 8.0,
        ];
        assert_eq!(assigned(&by_hand, 3), [2, 0, 1]);
        assert_eq!(assigned(&[5.0; 9], 3), [0, 1, 2]);
        assert_eq!(assigned(&[f32::NAN, 1.0, 2.0, f32::NAN], 2), [1, 0]);
        assert_eq!(assigned(&[], 0), [0; 0]);
    }

    #[test]
    fn distances_by_hand() {
        let found = distances(&[0.0, 0.0, 1.0, 2.0], &[3.0, 4.0, 1.0, 0.0], 2);
        assert_eq!(found, [25.0, 1.0, 8.0, 4.0]);
    }
}
