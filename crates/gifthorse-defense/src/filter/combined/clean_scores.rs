//! How surprising a score is beside those of clean images.

use serde::{Deserialize, Serialize};

use crate::exact;

/// The share of clean scores above which the tail begins.
const TAIL: f64 = 0.1;
/// No surprise is larger: of a smaller p hardly a number can be had.
const MOST: f64 = 700.0;
/// Fewer clean scores than this say nothing of a tail.
const FEWEST: usize = 20;

/// Scores of clean images, ascending.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct CleanScores(#[serde(with = "exact::singles")] Vec<f32>);

impl CleanScores {
    /// `None` of too few.
    pub fn new(scores: Vec<f64>) -> Option<Self> {
        // Half the digits are enough to rank by, and take half the room.
        let mut scores: Vec<f32> = scores.into_iter().map(|score| score as f32).collect();
        scores.sort_by(f32::total_cmp);
        let new = Self(scores);
        new.is_sound().then_some(new)
    }

    /// Whether they are enough, and ascending.
    pub fn is_sound(&self) -> bool {
        self.0.len() >= FEWEST && self.0.is_sorted()
    }

    /// `-ln p`, p being the share of clean scores that are as large, the image counted with them.
    /// Beyond the score that a tenth of them exceed, p falls as it does in an exponential
    /// distribution with their mean excess.
    pub fn surprise(&self, score: f64) -> f64 {
        // In as many digits as the others have: a score must not exceed itself.
        let score = f64::from(score as f32);
        let count = self.0.len();
        let at = ((1.0 - TAIL) * count as f64) as usize;
        let (body, tail) = self.0.split_at(at.min(count - 1));
        let begin = tail.first().map_or(f64::INFINITY, |it| f64::from(*it));
        if score > begin {
            return match self.excess(tail, begin) {
                Some(excess) => MOST.min((score - begin) / excess - TAIL.ln()),
                // Where all clean scores are equal, nothing says how large a difference is.
                None => ((count + 1) as f64).ln(),
            };
        }
        let smaller = body.partition_point(|clean| f64::from(*clean) < score);
        let as_large = 1 + count - smaller;
        // The first of the tail itself is as surprising as the tail's begin.
        -(as_large as f64 / (count + 1) as f64).max(TAIL).ln()
    }

    /// The mean excess over the tail's begin of those beyond it; where there is none, what the
    /// distance from the median to the begin would be in an exponential distribution.
    fn excess(&self, tail: &[f32], begin: f64) -> Option<f64> {
        let beyond = tail.iter().skip(1).map(|it| f64::from(*it) - begin);
        let excesses: Vec<f64> = beyond.filter(|it| it.is_finite()).collect();
        let mean = excesses.iter().sum::<f64>() / excesses.len().max(1) as f64;
        let median = f64::from(self.0[self.0.len() / 2]);
        let by_median = (begin - median) / (0.5 / TAIL).ln();
        [mean, by_median].into_iter().find(|excess| *excess > 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_goes_by_rank_and_the_tail_by_its_mean_excess() {
        let clean = CleanScores::new((0..100).map(f64::from).collect()).unwrap();
        assert!((clean.surprise(49.5) + (51.0f64 / 101.0).ln()).abs() < 1e-12);
        assert_eq!(clean.surprise(-1.0), 0.0);
        // Beyond the tail's begin of 90 are 91 to 99, which exceed it by 5 in the mean.
        let far = clean.surprise(90.0 + 10.0);
        assert!((far - (10.0f64.ln() + 2.0)).abs() < 1e-9, "{far}");
        assert_eq!(clean.surprise(1e9), MOST);
    }

    #[test]
    fn it_never_falls_where_the_score_rises() {
        let clean = CleanScores::new((0..50).map(|at| f64::from(at % 7)).collect()).unwrap();
        let surprises: Vec<f64> = (-10..200)
            .map(|at| clean.surprise(f64::from(at) / 10.0))
            .collect();
        assert!(surprises.is_sorted());
    }

    #[test]
    fn equal_scores_and_few() {
        let clean = CleanScores::new(vec![1.0; 30]).unwrap();
        assert_eq!(clean.surprise(1.0), 0.0);
        assert_eq!(clean.surprise(1.5), 31.0f64.ln());
        // What is no number in 32 bits is no larger than itself.
        let clean = CleanScores::new(vec![-0.00123; 30]).unwrap();
        assert_eq!(clean.surprise(-0.00123), 0.0);
        assert!(CleanScores::new(vec![1.0; 5]).is_none());
    }
}
