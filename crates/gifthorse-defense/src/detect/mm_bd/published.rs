//! The rule of the authors, exactly as released. It is reported; the verdict does not rest on it,
//! since it keeps no known rate of false alarms, and two targets in one model hide each other.

use super::gamma_fit::Gamma;

/// The largest margin held against a gamma distribution fitted to all others.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GammaRule {
    /// `1 - F(largest)^K`, with F the distribution of the other `K - 1` margins.
    pub p_value: f64,
    /// The place of the largest margin, the first of equals.
    pub class: usize,
    /// Whether the location had to be fixed at zero, since the fit of all three parameters failed.
    pub is_from_zero: bool,
}

impl GammaRule {
    /// A model with a smaller p-value is flagged (H. Wang et al. 2024).
    pub const LEVEL: f64 = 0.05;

    /// Applies the rule to the largest margins of all classes, in logits, or to other numbers of
    /// which large ones are suspicious. `None` with fewer than three classes, if a margin is not
    /// finite, or if no gamma distribution fits.
    #[must_use]
    pub fn apply(margins: &[f64]) -> Option<Self> {
        if margins.len() < 3 || margins.iter().any(|margin| !margin.is_finite()) {
            return None;
        }
        let (class, &largest) = margins
            .iter()
            .enumerate()
            .rev()
            .max_by(|a, b| a.1.total_cmp(b.1))?;
        let mut others = margins.to_vec();
        others.remove(class);
        let free = Gamma::fit(&others);
        let gamma = free.or_else(|| Gamma::fit_from_zero(&others))?;
        let all_below = margins.len() as f64 * (-gamma.above(largest)?).ln_1p();
        Some(Self {
            p_value: -all_below.exp_m1(),
            class,
            is_from_zero: free.is_none(),
        })
    }

    /// Whether the rule calls the model backdoored, with [`Self::class`] as the target.
    #[must_use]
    pub fn is_flagged(&self) -> bool {
        self.p_value <= Self::LEVEL
    }
}
