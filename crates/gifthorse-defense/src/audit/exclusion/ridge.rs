//! Ridge regression of class memberships on pictures.

/// How much the fit is held back, as a share of the mean variance of a number: a few images that
/// were left among the others must not settle what a trigger means.
const RIDGE: f64 = 0.3;

/// A linear fit of class memberships.
pub(super) struct Fit {
    /// `[classes][numbers]`
    weights: Vec<Vec<f64>>,
}

impl Fit {
    /// Of the products of pictures and the sums of each class's: ridge regression on ones for the
    /// class and zeros for others, by Cholesky's decomposition.
    pub(super) fn of(mut products: Vec<f64>, sums: &[Vec<f64>]) -> Self {
        let numbers = sums.first().map_or(0, Vec::len);
        let trace: f64 = (0..numbers).map(|at| products[at * numbers + at]).sum();
        let held = (RIDGE * trace / numbers.max(1) as f64).max(f64::MIN_POSITIVE);
        for at in 0..numbers {
            products[at * numbers + at] += held;
        }
        let lower = cholesky(products, numbers);
        let solved = sums.iter().map(|sum| solve(&lower, sum.clone()));
        Self {
            weights: solved.collect(),
        }
    }

    /// How much a picture is of each class.
    pub(super) fn scores(&self, picture: &[f32]) -> Vec<f64> {
        let of_class = |weights: &Vec<f64>| {
            let both = weights.iter().zip(picture);
            both.map(|(weight, &value)| weight * f64::from(value)).sum()
        };
        self.weights.iter().map(of_class).collect()
    }
}

/// The lower triangle L with `L L^T = matrix`, which is positive definite.
fn cholesky(mut matrix: Vec<f64>, size: usize) -> Vec<f64> {
    for i in 0..size {
        for j in 0..=i {
            let (line, other) = (i * size, j * size);
            let done: f64 = (0..j).map(|k| matrix[line + k] * matrix[other + k]).sum();
            let left = matrix[line + j] - done;
            matrix[line + j] = if i == j {
                left.max(f64::MIN_POSITIVE).sqrt()
            } else {
                left / matrix[other + j]
            };
        }
    }
    matrix
}

/// x with `L L^T x = right`.
fn solve(lower: &[f64], mut right: Vec<f64>) -> Vec<f64> {
    let size = right.len();
    for i in 0..size {
        let done: f64 = (0..i).map(|k| lower[i * size + k] * right[k]).sum();
        right[i] = (right[i] - done) / lower[i * size + i];
    }
    for i in (0..size).rev() {
        let done: f64 = (i + 1..size).map(|k| lower[k * size + i] * right[k]).sum();
        right[i] = (right[i] - done) / lower[i * size + i];
    }
    right
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equations_are_solved() {
        let matrix = vec![4.0, 1.0, 0.5, 1.0, 3.0, 0.2, 0.5, 0.2, 2.0];
        let x = solve(&cholesky(matrix.clone(), 3), vec![1.0, 2.0, 3.0]);
        for (line, right) in matrix.chunks_exact(3).zip([1.0, 2.0, 3.0]) {
            let left: f64 = line.iter().zip(&x).map(|(a, x)| a * x).sum();
            assert!((left - right).abs() < 1e-12);
        }
    }
}
