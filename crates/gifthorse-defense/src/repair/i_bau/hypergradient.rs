//! How the weights move the change that an inner search comes to, by the implicit function theorem.
//!
//! The inner search ends where `Phi(d, w) = d - r grad_d l(d, w)` leaves `d` as it is. An outer
//! loss `H(d(w), w)` then has, beside `grad_w H`, the part `-r grad_w <v, grad_d l>`, where `v`
//! solves `v = grad_d H + v - r (grad_d grad_d l) v`. That equation is iterated, and both products
//! with second derivatives are central differences of first ones: of `grad_d l` and of `grad_w l`
//! between `d + e v` and `d - e v`.
//!
//! The theorem is of a `Phi` that contracts. Where a model answers steeply the search does not come
//! to a minimum, `Phi` expands, and `v` would grow without bound; so it is kept as short as a `Phi`
//! that does not expand leaves it, `k` times the length of `grad_d H` after `k` iterations.

use super::super::adjustable::{Weights, add};
use crate::error::Error;

/// The first derivatives of an inner loss.
pub(super) trait Inner {
    /// By the change.
    ///
    /// # Errors
    /// What computing it refuses.
    fn by_change(&self, change: &[f32]) -> Result<Vec<f32>, Error>;

    /// By the weights, at a change.
    ///
    /// # Errors
    /// What computing it refuses.
    fn by_weights(&self, change: &[f32]) -> Result<Weights, Error>;
}

/// How the equation is solved.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hypergradient {
    /// `r`: the length of a step of `Phi`, in gradients.
    pub rate: f32,
    /// Iterations, the first of which is `v = grad_d H`.
    pub iterations: usize,
    /// How far apart the ends of a difference are from its middle, as a length.
    pub reach: f32,
}

impl Hypergradient {
    /// The part of the outer gradient by the weights that goes through the change; none where the
    /// outer loss does not depend on it. `outer` is `grad_d H`.
    ///
    /// # Errors
    /// What the inner loss refuses.
    pub(super) fn through(
        &self,
        inner: &dyn Inner,
        change: &[f32],
        outer: &[f32],
    ) -> Result<Option<Weights>, Error> {
        let mut v = outer.to_vec();
        for made in 1..self.iterations {
            let Some((ends, scale)) = self.ends(change, &v) else {
                return Ok(None);
            };
            let [above, below] = [inner.by_change(&ends[0])?, inner.by_change(&ends[1])?];
            let second = above.iter().zip(&below).map(|(a, b)| scale * (a - b));
            for (place, second) in second.enumerate() {
                v[place] += outer[place] - self.rate * second;
            }
            let longest = (made + 1) as f64 * length(outer);
            let factor = longest / length(&v);
            if factor < 1.0 {
                v.iter_mut().for_each(|v| *v *= factor as f32);
            }
        }
        let Some((ends, scale)) = self.ends(change, &v) else {
            return Ok(None);
        };
        let mut weights = inner.by_weights(&ends[0])?;
        add(&mut weights, &inner.by_weights(&ends[1])?, -1.0);
        let factor = -self.rate * scale;
        weights
            .iter_mut()
            .flatten()
            .for_each(|value| *value *= factor);
        Ok(Some(weights))
    }

    /// The change moved along `v` both ways, and what a difference between is to be multiplied by.
    fn ends(&self, change: &[f32], v: &[f32]) -> Option<([Vec<f32>; 2], f32)> {
        let length = length(v) as f32;
        if length == 0.0 || !length.is_finite() {
            return None;
        }
        let moved = |by: f32| -> Vec<f32> {
            let pairs = change.iter().zip(v);
            pairs.map(|(change, v)| change + by * v).collect()
        };
        let step = self.reach / length;
        Some(([moved(step), moved(-step)], 0.5 / step))
    }
}

fn length(v: &[f32]) -> f64 {
    let square: f64 = v.iter().map(|&v| f64::from(v).powi(2)).sum();
    square.sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `l = (a1 d1^2 + a2 d2^2) / 2 + b d1 d2 - w1 d1 - w2 d2 + w1 w2`.
    struct Bowl {
        weights: [f32; 2],
    }

    const A: [f32; 2] = [2.0, 3.0];
    const B: f32 = 0.5;

    impl Inner for Bowl {
        fn by_change(&self, d: &[f32]) -> Result<Vec<f32>, Error> {
            let [w1, w2] = self.weights;
            Ok(vec![
                A[0] * d[0] + B * d[1] - w1,
                B * d[0] + A[1] * d[1] - w2,
            ])
        }

        fn by_weights(&self, d: &[f32]) -> Result<Weights, Error> {
            let [w1, w2] = self.weights;
            Ok(vec![vec![w2 - d[0]], vec![w1 - d[1]]])
        }
    }

    fn solver(iterations: usize) -> Hypergradient {
        Hypergradient {
            rate: 0.2,
            iterations,
            reach: 0.1,
        }
    }

    #[test]
    fn it_is_the_derivative_of_a_minimum_worked_out_by_hand() {
        // The minimum is d = M^-1 w with M = [[2, 0.5], [0.5, 3]], of determinant 5.75, so that the
        // part of the gradient through it is M^-1 grad_d H.
        let inner = Bowl {
            weights: [1.0, -2.0],
        };
        let minimum = [(3.0 + 1.0) / 5.75, (-0.5 - 4.0) / 5.75];
        let outer = [0.7, -1.1];
        let found = solver(60)
            .through(&inner, &minimum, &outer)
            .unwrap()
            .unwrap();
        let exact = [
            (3.0 * 0.7 + 0.5 * 1.1) / 5.75,
            (-0.5 * 0.7 - 2.0 * 1.1) / 5.75,
        ];
        assert!((found[0][0] - exact[0]).abs() < 1e-4, "{found:?} {exact:?}");
        assert!((found[1][0] - exact[1]).abs() < 1e-4, "{found:?} {exact:?}");
    }

    #[test]
    fn few_iterations_are_the_first_terms_of_a_series() {
        let inner = Bowl {
            weights: [1.0, -2.0],
        };
        // With one, r grad_d H; with two, r (grad_d H + (1 - r M) grad_d H).
        let found = solver(1)
            .through(&inner, &[0.3, 0.4], &[1.0, 0.0])
            .unwrap()
            .unwrap();
        assert!(
            (found[0][0] - 0.2).abs() < 1e-5 && found[1][0].abs() < 1e-5,
            "{found:?}"
        );
        let found = solver(2)
            .through(&inner, &[0.3, 0.4], &[1.0, 0.0])
            .unwrap()
            .unwrap();
        let wanted = [0.2 * (1.0 + 1.0 - 0.2 * 2.0), 0.2 * (-0.2 * 0.5)];
        assert!((found[0][0] - wanted[0]).abs() < 1e-5, "{found:?}");
        assert!((found[1][0] - wanted[1]).abs() < 1e-5, "{found:?}");
    }

    /// `l = cosh(d - tanh(w))`, and more curved where `w` is large.
    struct Curved(f32);

    impl Curved {
        fn slope(&self, d: f32) -> f32 {
            (d - self.0.tanh()).sinh() + 0.3 * self.0 * d
        }

        /// Where a long search ends.
        fn solution(&self) -> f32 {
            (0..400).fold(0.0, |d, _| d - 0.2 * self.slope(d))
        }
    }

    impl Inner for Curved {
        fn by_change(&self, d: &[f32]) -> Result<Vec<f32>, Error> {
            Ok(vec![self.slope(d[0])])
        }

        fn by_weights(&self, d: &[f32]) -> Result<Weights, Error> {
            let apart = (d[0] - self.0.tanh()).sinh();
            let inside = -apart * (1.0 - self.0.tanh().powi(2));
            Ok(vec![vec![inside + 0.15 * d[0] * d[0]]])
        }
    }

    #[test]
    fn it_is_what_moving_the_weights_and_searching_anew_gives() {
        let (weight, reach) = (0.6, 1e-2);
        // H = d^2, so that grad_d H = 2 d.
        let whole = |w: f32| Curved(w).solution().powi(2);
        let wanted = (whole(weight + reach) - whole(weight - reach)) / (2.0 * reach);
        let d = Curved(weight).solution();
        let found = solver(80).through(&Curved(weight), &[d], &[2.0 * d]);
        let found = found.unwrap().unwrap()[0][0];
        assert!((found / wanted - 1.0).abs() < 0.01, "{found} {wanted}");
    }

    /// `l = -5 d^2 - w d`, which has no minimum.
    struct Hill;

    impl Inner for Hill {
        fn by_change(&self, d: &[f32]) -> Result<Vec<f32>, Error> {
            Ok(vec![-10.0 * d[0]])
        }

        fn by_weights(&self, d: &[f32]) -> Result<Weights, Error> {
            Ok(vec![vec![-d[0]]])
        }
    }

    #[test]
    fn where_there_is_no_minimum_it_stays_bounded() {
        // At most r times four times the outer slope, in place of r (1 + 3 + 9 + 27).
        let found = solver(4).through(&Hill, &[1.0], &[1.0]).unwrap().unwrap();
        assert!((found[0][0] - 0.2 * 4.0).abs() < 1e-4, "{found:?}");
    }

    #[test]
    fn without_an_outer_slope_there_is_no_part() {
        let inner = Bowl { weights: [0.0; 2] };
        assert!(
            solver(5)
                .through(&inner, &[0.1, 0.1], &[0.0; 2])
                .unwrap()
                .is_none()
        );
    }
}
