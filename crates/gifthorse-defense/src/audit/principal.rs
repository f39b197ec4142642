//! The directions in which rows vary most: top right singular vectors of the centred rows.
//!
//! Found by subspace iteration with Rayleigh-Ritz steps, some ten vectors at a time, which takes a
//! page; a library of linear algebra would bring much that nothing here asks for.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Vectors that are moved along beside those that are asked for: the more, the sooner it settles.
const BESIDE: usize = 3;
/// Most iterations.
const MOST: usize = 400;
/// A singular value squared that changes by less than this part has settled.
const SETTLED: f64 = 1e-10;

/// Rows less their mean.
#[derive(Debug)]
pub struct Centred {
    rows: Vec<f64>,
    numbers: usize,
}

impl Centred {
    /// Of rows of so many numbers each.
    pub fn of<'a>(rows: impl Iterator<Item = &'a [f32]> + Clone, numbers: usize) -> Self {
        let mut mean = vec![0.0; numbers];
        let mut count = 0.0;
        for row in rows.clone() {
            count += 1.0;
            let both = mean.iter_mut().zip(row);
            both.for_each(|(sum, value)| *sum += f64::from(*value));
        }
        mean.iter_mut().for_each(|sum| *sum /= f64::max(count, 1.0));
        let mut centred = Vec::new();
        for row in rows {
            let both = row.iter().zip(&mean);
            centred.extend(both.map(|(value, mean)| f64::from(*value) - mean));
        }
        Self {
            rows: centred,
            numbers,
        }
    }

    fn rows(&self) -> impl ExactSizeIterator<Item = &[f64]> {
        self.rows.chunks_exact(self.numbers.max(1))
    }

    /// Sum of the squares of all numbers.
    pub fn squares(&self) -> f64 {
        self.rows.iter().map(|value| value * value).sum()
    }

    /// At most `count` orthonormal directions, that of the largest variance in front; fewer if the
    /// rows vary in fewer.
    pub fn directions(&self, count: usize, rng: &mut ChaCha8Rng) -> Vec<Vec<f64>> {
        let most = count.min(self.numbers).min(self.rows().len());
        let beside = (most + BESIDE).min(self.numbers);
        let mut random = || {
            (0..self.numbers)
                .map(|_| rng.random_range(-1.0..1.0))
                .collect()
        };
        let mut basis = orthonormal((0..beside).map(|_| random()).collect());
        let mut before = vec![0.0; most];
        for _ in 0..MOST {
            let (turned, values) = self.ritz(&basis);
            let settled = (values.iter().zip(&before))
                .take(most)
                .all(|(now, before)| (now - before).abs() <= SETTLED * values[0]);
            if settled {
                let floor = values.first().copied().unwrap_or_default() * SETTLED;
                let vary = values.iter().take(most).take_while(|value| **value > floor);
                let vary = vary.count();
                return turned.into_iter().take(vary).collect();
            }
            before = values;
            basis = orthonormal(self.applied(&turned));
        }
        let (turned, _) = self.ritz(&basis);
        turned.into_iter().take(most).collect()
    }

    /// Where each row lies along each direction, `[rows][directions]`.
    pub fn along(&self, directions: &[Vec<f64>]) -> Vec<Vec<f64>> {
        let of_row = |row: &[f64]| directions.iter().map(|one| dot(row, one)).collect();
        self.rows().map(of_row).collect()
    }

    /// The products of the rows' covariance, unscaled, with each vector.
    fn applied(&self, vectors: &[Vec<f64>]) -> Vec<Vec<f64>> {
        let mut products = vec![vec![0.0; self.numbers]; vectors.len()];
        for row in self.rows() {
            for (vector, product) in vectors.iter().zip(&mut products) {
                let along = dot(row, vector);
                let both = product.iter_mut().zip(row);
                both.for_each(|(sum, value)| *sum += along * value);
            }
        }
        products
    }

    /// The basis turned so that rows vary along its vectors independently, and the sums of squares
    /// along each, descending.
    fn ritz(&self, basis: &[Vec<f64>]) -> (Vec<Vec<f64>>, Vec<f64>) {
        let size = basis.len();
        let mut covariance = vec![vec![0.0; size]; size];
        for row in self.rows() {
            let along: Vec<f64> = basis.iter().map(|one| dot(row, one)).collect();
            for (a, line) in along.iter().zip(&mut covariance) {
                let both = line.iter_mut().zip(&along);
                both.for_each(|(sum, b)| *sum += a * b);
            }
        }
        let (values, turns) = symmetric(covariance);
        let turned = turns.iter().map(|turn| {
            let mut vector = vec![0.0; self.numbers];
            for (share, one) in turn.iter().zip(basis) {
                let both = vector.iter_mut().zip(one);
                both.for_each(|(sum, value)| *sum += share * value);
            }
            vector
        });
        (turned.collect(), values)
    }
}

/// Eigenvalues of a small symmetric matrix, descending, and their unit vectors: Jacobi's rotations.
fn symmetric(mut matrix: Vec<Vec<f64>>) -> (Vec<f64>, Vec<Vec<f64>>) {
    let size = matrix.len();
    let mut vectors: Vec<Vec<f64>> = (0..size)
        .map(|i| (0..size).map(|j| f64::from(u8::from(i == j))).collect())
        .collect();
    let whole: f64 = matrix.iter().flatten().map(|value| value * value).sum();
    for _ in 0..100 {
        let off = |(i, line): (usize, &Vec<f64>)| -> f64 {
            line[i + 1..].iter().map(|value| value * value).sum()
        };
        if matrix.iter().enumerate().map(off).sum::<f64>() <= 1e-28 * whole {
            break;
        }
        for p in 0..size {
            for q in p + 1..size {
                rotate(&mut matrix, &mut vectors, (p, q));
            }
        }
    }
    let mut order: Vec<usize> = (0..size).collect();
    order.sort_by(|&a, &b| matrix[b][b].total_cmp(&matrix[a][a]));
    let values = order.iter().map(|&i| matrix[i][i]).collect();
    (values, order.iter().map(|&i| vectors[i].clone()).collect())
}

/// Turns axes p and q so that the matrix has nothing between them.
fn rotate(matrix: &mut [Vec<f64>], vectors: &mut [Vec<f64>], (p, q): (usize, usize)) {
    let between = matrix[p][q];
    if between == 0.0 {
        return;
    }
    let theta = (matrix[q][q] - matrix[p][p]) / (2.0 * between);
    let tangent = theta.signum() / (theta.abs() + (theta * theta + 1.0).sqrt());
    let cosine = 1.0 / (tangent * tangent + 1.0).sqrt();
    let sine = tangent * cosine;
    for line in matrix.iter_mut() {
        (line[p], line[q]) = (
            cosine * line[p] - sine * line[q],
            sine * line[p] + cosine * line[q],
        );
    }
    for lines in [matrix, vectors] {
        let (before, after) = lines.split_at_mut(q);
        for (a, b) in before[p].iter_mut().zip(&mut after[0]) {
            (*a, *b) = (cosine * *a - sine * *b, sine * *a + cosine * *b);
        }
    }
}

/// The vectors made orthonormal, one after the other; those that the ones before span become zero.
fn orthonormal(mut vectors: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
    for i in 0..vectors.len() {
        let (done, rest) = vectors.split_at_mut(i);
        let vector = &mut rest[0];
        let first = dot(vector, vector).sqrt();
        // Twice: the first time leaves rounding errors of what is taken away.
        for _ in 0..2 {
            for other in done.iter() {
                let along = dot(vector, other);
                let both = vector.iter_mut().zip(other);
                both.for_each(|(value, other)| *value -= along * other);
            }
        }
        let length = dot(vector, vector).sqrt();
        let scale = if length > 1e-12 * first && length > 0.0 {
            1.0 / length
        } else {
            0.0
        };
        vector.iter_mut().for_each(|value| *value *= scale);
    }
    vectors
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    fn rng() -> ChaCha8Rng {
        ChaCha8Rng::seed_from_u64(3)
    }

    #[test]
    fn directions_are_those_that_rows_were_made_along() {
        // Rows that vary by 3, 2 and 1 along three turned axes, around a mean of their own.
        let axes = orthonormal(vec![
            vec![1.0, 1.0, 0.0, 1.0],
            vec![1.0, -1.0, 1.0, 0.0],
            vec![0.0, 1.0, 1.0, -1.0],
        ]);
        let mut rows: Vec<f32> = Vec::new();
        for place in 0..8 {
            let sign = |bit: usize| if place >> bit & 1 == 1 { 1.0 } else { -1.0 };
            for number in 0..4 {
                let axes = axes.iter().enumerate();
                let along = axes.map(|(at, axis)| (3 - at) as f64 * sign(at) * axis[number]);
                rows.push((5.0 + number as f64 + along.sum::<f64>()) as f32);
            }
        }
        let centred = Centred::of(rows.chunks_exact(4), 4);
        let found = centred.directions(4, &mut rng());
        assert_eq!(found.len(), 3, "the rows vary in three directions");
        for (found, axis) in found.iter().zip(&axes) {
            assert!(
                (dot(found, axis).abs() - 1.0).abs() < 1e-6,
                "{found:?} {axis:?}"
            );
        }
        let squares: f64 = centred
            .along(&found[..1])
            .iter()
            .map(|row| row[0].powi(2))
            .sum();
        assert!((squares - 8.0 * 9.0).abs() < 1e-3, "{squares}");
        assert!((centred.squares() - 8.0 * 14.0).abs() < 1e-3);
    }

    #[test]
    fn rows_that_are_all_alike_have_no_direction() {
        let centred = Centred::of([1.0f32; 12].chunks_exact(3), 3);
        assert!(centred.directions(2, &mut rng()).is_empty());
        assert!(
            Centred::of([0.0f32; 0].chunks_exact(3), 3)
                .directions(2, &mut rng())
                .is_empty()
        );
    }

    #[test]
    fn jacobi_gives_eigenvectors() {
        let matrix = vec![
            vec![2.0, 1.0, 0.0],
            vec![1.0, 3.0, 0.5],
            vec![0.0, 0.5, 1.0],
        ];
        let (values, vectors) = symmetric(matrix.clone());
        assert!(values.is_sorted_by(|a, b| a >= b));
        for (value, vector) in values.iter().zip(&vectors) {
            for (line, own) in matrix.iter().zip(vector) {
                assert!((dot(line, vector) - value * own).abs() < 1e-12);
            }
        }
    }
}
