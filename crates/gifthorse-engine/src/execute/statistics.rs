//! What batch norms in training mode saw of a batch, and what becomes of running statistics.

/// Statistics of the input of one batch norm, channel by channel.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchStatistics {
    /// Name of the initialiser that holds the running mean.
    pub running_mean: String,
    /// Name of the initialiser that holds the running variance.
    pub running_variance: String,
    /// The share of these statistics in an update, 0 to 1: what PyTorch calls momentum, and 1 minus
    /// what ONNX calls so.
    pub rate: f32,
    /// Numbers of each channel: images times pixels.
    pub count: usize,
    /// `[channels]`
    pub mean: Vec<f32>,
    /// `[channels]`, unbiased: squared deviations over `count - 1` (0 for a single number).
    pub variance: Vec<f32>,
}

impl BatchStatistics {
    /// Moves running statistics `[channels]` by [`rate`](Self::rate) towards these:
    /// `running += rate (own - running)`.
    pub fn update(&self, running_mean: &mut [f32], running_variance: &mut [f32]) {
        let lists = [
            (running_mean, &self.mean),
            (running_variance, &self.variance),
        ];
        for (running, own) in lists {
            for (running, own) in running.iter_mut().zip(own) {
                *running += self.rate * (own - *running);
            }
        }
    }

    /// Those of a whole batch, from those of its shards, joined in their order (in f64, so that the
    /// result depends on nothing else); `None` if there is no shard. Names and rate are the first
    /// shard's.
    pub fn joined(shards: &[Self]) -> Option<Self> {
        let first = shards.first()?;
        let mut whole = first.clone();
        for channel in 0..first.mean.len() {
            let (mut count, mut mean, mut squares) = (0.0, 0.0, 0.0);
            for shard in shards {
                let own = shard.count as f64;
                let apart = f64::from(shard.mean[channel]) - mean;
                let both = count + own;
                squares += f64::from(shard.variance[channel]) * (own - 1.0)
                    + apart * apart * count * own / both;
                mean += apart * own / both;
                count = both;
            }
            whole.mean[channel] = mean as f32;
            whole.variance[channel] = (squares / (count - 1.0).max(1.0)) as f32;
        }
        whole.count = shards.iter().map(|shard| shard.count).sum();
        Some(whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[f64]) -> BatchStatistics {
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
        BatchStatistics {
            running_mean: "mean".to_owned(),
            running_variance: "variance".to_owned(),
            rate: 0.1,
            count: values.len(),
            mean: vec![mean as f32],
            variance: vec![(squares / (count - 1.0)) as f32],
        }
    }

    #[test]
    fn shards_of_any_size_join_to_the_whole_batch() {
        let values: Vec<f64> = (0..23).map(|i| f64::from(i * i % 17) + 3.0).collect();
        let shards = [of(&values[..4]), of(&values[4..15]), of(&values[15..])];
        let (whole, joined) = (of(&values), BatchStatistics::joined(&shards).unwrap());
        assert_eq!(joined.count, 23);
        assert!((joined.mean[0] - whole.mean[0]).abs() < 1e-5);
        assert!((joined.variance[0] - whole.variance[0]).abs() < 1e-4);
        assert_eq!(BatchStatistics::joined(&[]), None);
        let single = BatchStatistics {
            variance: vec![0.0],
            ..of(&[3.0])
        };
        let joined = BatchStatistics::joined(std::slice::from_ref(&single));
        assert_eq!(joined, Some(single));
    }

    #[test]
    fn an_update_moves_by_its_rate() {
        let (mut mean, mut variance) = ([1.0], [2.0]);
        let batch = of(&[3.0, 5.0]);
        batch.update(&mut mean, &mut variance);
        assert!((mean[0] - 1.3).abs() < 1e-6);
        assert!((variance[0] - 2.0).abs() < 1e-6);
    }
}
