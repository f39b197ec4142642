//! Clean images that others are compared with.

/// Images, at most.
pub(super) const MOST_IMAGES: usize = 1000;
/// Numbers of all images in all layers, at most: four mebibytes.
pub(super) const MOST_NUMBERS: usize = 1 << 20;

/// What layers give for clean images that the model is right on.
pub(super) struct Bank {
    /// Of each layer, pooled, `[images, numbers]`.
    pub rows: Vec<Vec<f32>>,
    /// Class of each.
    pub answers: Vec<usize>,
}

impl Bank {
    /// How many images are nearer to a row of a layer than the nearest of the class `answer`; all
    /// of them if none is of this class. `without` is left out, where the row is its own.
    pub fn rank(&self, layer: usize, row: &[f32], answer: usize, without: Option<usize>) -> f32 {
        let rows = self.rows[layer].chunks_exact(row.len().max(1));
        let distances: Vec<(f64, bool)> = rows
            .zip(&self.answers)
            .enumerate()
            .filter(|(image, _)| Some(*image) != without)
            .map(|(_, (other, class))| (distance(row, other), *class == answer))
            .collect();
        let own = distances.iter().filter(|(_, is_own)| *is_own);
        let nearest = own
            .map(|(distance, _)| *distance)
            .fold(f64::INFINITY, f64::min);
        let nearer = distances.iter().filter(|(distance, _)| *distance < nearest);
        match nearest.is_finite() {
            true => nearer.count() as f32,
            false => distances.len() as f32,
        }
    }

    /// Of each layer the ranks of the images among the others, ascending.
    pub fn ranks(&self) -> Vec<Vec<f32>> {
        let of_layer = |layer: usize| {
            let images = self.answers.len();
            let rows =
                self.rows[layer].chunks_exact((self.rows[layer].len() / images.max(1)).max(1));
            let ranks = rows.zip(&self.answers).enumerate();
            let ranks =
                ranks.map(|(image, (row, &class))| self.rank(layer, row, class, Some(image)));
            let mut ranks: Vec<f32> = ranks.collect();
            ranks.sort_by(f32::total_cmp);
            ranks
        };
        (0..self.rows.len()).map(of_layer).collect()
    }
}

/// The squared distance of two rows.
fn distance(one: &[f32], other: &[f32]) -> f64 {
    let pairs = one.iter().zip(other);
    pairs.map(|(a, b)| f64::from(a - b).powi(2)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rank_counts_those_that_are_nearer_than_the_own_class() {
        let bank = Bank {
            rows: vec![vec![0.0, 1.0, 2.0, 10.0]],
            answers: vec![0, 0, 1, 1],
        };
        assert_eq!(bank.rank(0, &[0.1], 0, None), 0.0);
        assert_eq!(bank.rank(0, &[0.1], 1, None), 2.0);
        assert_eq!(bank.rank(0, &[0.1], 2, None), 4.0);
        assert_eq!(bank.rank(0, &[f32::NAN], 0, None), 4.0);
        // Each among the others: only the third has two of the other class nearer than its own.
        assert_eq!(bank.ranks(), [[0.0, 0.0, 0.0, 2.0]]);
    }
}
