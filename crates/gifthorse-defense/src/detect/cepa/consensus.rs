//! How alike moves are, and what a search at a layer came to.

use serde::{Deserialize, Serialize};

use crate::exact;

/// What a search at a layer came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Consensus {
    /// Name of the layer.
    pub layer: String,
    /// Whether enough images were at the target at once.
    pub reached: bool,
    /// Root of the mean squared distance of the moves from their mean, beside the length of that.
    #[serde(with = "exact::double")]
    pub spread: f64,
    /// Length of the mean move.
    #[serde(with = "exact::double")]
    pub length: f64,
    /// Mean length of the perturbations, in pixel values.
    #[serde(with = "exact::double")]
    pub perturbation: f64,
    /// The mean perturbation, `[channels, height, width]`.
    #[serde(with = "exact::singles")]
    pub delta: Vec<f32>,
    /// Steps made.
    pub steps: usize,
}

impl Consensus {
    /// That nothing was done yet at a layer of this name, with images of so many values.
    pub fn none(layer: &str, size: usize) -> Self {
        Self {
            layer: layer.to_owned(),
            reached: false,
            spread: f64::INFINITY,
            length: 0.0,
            perturbation: 0.0,
            delta: vec![0.0; size],
            steps: 0,
        }
    }

    /// Of moves that differ from their mean by so much, root mean square, whose mean has a length.
    pub fn ratio(deviation: f64, length: f64) -> f64 {
        match length > 0.0 {
            true => deviation / length,
            false => f64::INFINITY,
        }
    }
}

/// The mean of rows of so many numbers.
pub fn mean(rows: &[f32], numbers: usize) -> Vec<f64> {
    let mut mean = vec![0.0_f64; numbers];
    for row in rows.chunks_exact(numbers.max(1)) {
        let each = mean.iter_mut().zip(row);
        each.for_each(|(mean, &it)| *mean += f64::from(it));
    }
    let count = (rows.len() / numbers.max(1)).max(1) as f64;
    mean.iter_mut().for_each(|mean| *mean /= count);
    mean
}

/// Mean squared distance of rows from their mean.
pub fn variance(rows: &[f32], mean: &[f64]) -> f64 {
    let distance = |row: &[f32]| -> f64 {
        let each = row.iter().zip(mean);
        each.map(|(&it, mean)| (f64::from(it) - mean).powi(2)).sum()
    };
    let rows = rows.chunks_exact(mean.len().max(1));
    let count = rows.len().max(1) as f64;
    rows.map(distance).sum::<f64>() / count
}

/// The length of a vector.
pub fn length(numbers: &[f64]) -> f64 {
    numbers.iter().map(|it| it * it).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variance_of_rows_is_their_mean_squared_distance() {
        let of = |rows: &[f32]| variance(rows, &mean(rows, 2));
        assert_eq!(of(&[1.0, 0.0, 3.0, 0.0]), 1.0);
        assert_eq!(of(&[1.0, 5.0, 1.0, 5.0]), 0.0);
        assert_eq!(mean(&[1.0, 0.0, 3.0, 4.0], 2), [2.0, 2.0]);
    }

    #[test]
    fn moves_without_a_mean_have_nothing_in_common() {
        assert_eq!(Consensus::ratio(1.0, 0.0), f64::INFINITY);
        assert_eq!(Consensus::ratio(1.0, 4.0), 0.25);
        assert!((length(&[3.0, 4.0]) - 5.0).abs() < 1e-12);
    }
}
