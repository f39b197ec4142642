//! How far the change of each pair of classes works on the source of each other pair.

use serde::{Deserialize, Serialize};

/// An ordered pair of classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pair {
    /// The class that images are of.
    pub source: usize,
    /// The class that they are led to.
    pub target: usize,
}

/// For each two pairs the share of images of the second's source that the change of the first leads
/// to the second's target.
pub struct Transfers {
    pairs: Vec<Pair>,
    /// `[pair whose change it is, pair that it is tried on]`.
    shares: Vec<f32>,
}

impl Transfers {
    /// Of what the model takes the same images for under the change of each pair, in the order of
    /// pairs; `labels` are the classes that these images are of.
    pub fn new<'a>(
        pairs: Vec<Pair>,
        labels: &[usize],
        answers: impl Iterator<Item = &'a [usize]>,
    ) -> Self {
        let share = |answers: &[usize], tried: &Pair| {
            let (mut led, mut all) = (0_u16, 0_u16);
            for (&label, &answer) in labels.iter().zip(answers) {
                if label == tried.source {
                    all += 1;
                    led += u16::from(answer == tried.target);
                }
            }
            f32::from(led) / f32::from(all.max(1))
        };
        let shares =
            answers.flat_map(|answers| pairs.iter().map(move |tried| share(answers, tried)));
        let shares = shares.collect();
        Self { pairs, shares }
    }

    /// The pairs, by place.
    pub fn pairs(&self) -> &[Pair] {
        &self.pairs
    }

    /// The share for the change of pair `of`, tried on pair `on`; 0 to 1.
    pub fn one_way(&self, of: usize, on: usize) -> f64 {
        f64::from(self.shares[of * self.pairs.len() + on])
    }

    /// The mean of both ways.
    pub fn mutual(&self, a: usize, b: usize) -> f64 {
        f64::midpoint(self.one_way(a, b), self.one_way(b, a))
    }
}
