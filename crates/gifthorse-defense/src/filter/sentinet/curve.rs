//! A parabola above clean images.

use serde::{Deserialize, Serialize};

use crate::exact;

/// Length of the stretches of confidence of which the largest share is taken.
const STRETCH: f64 = 0.02;

/// `a + b x + c x^2`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Curve {
    #[serde(with = "exact::double")]
    a: f64,
    #[serde(with = "exact::double")]
    b: f64,
    #[serde(with = "exact::double")]
    c: f64,
}

impl Curve {
    /// The parabola that is nearest, in least squares, to the highest of the points `[x, y]`, x in
    /// [0, 1], of each stretch; through fewer than three stretches a level line at the highest.
    pub fn above(points: &[[f64; 2]]) -> Self {
        let stretch = |x: f64| (x / STRETCH).floor();
        let mut highest: Vec<[f64; 2]> = Vec::new();
        for &[x, y] in points {
            match highest
                .iter_mut()
                .find(|known| stretch(known[0]) == stretch(x))
            {
                Some(known) if known[1] < y => *known = [x, y],
                Some(_) => (),
                None => highest.push([x, y]),
            }
        }
        let level = highest.iter().map(|point| point[1]).fold(0.0, f64::max);
        let parabola = (highest.len() >= 3)
            .then(|| Self::nearest(&highest))
            .flatten();
        parabola.unwrap_or(Self {
            a: level,
            b: 0.0,
            c: 0.0,
        })
    }

    /// The normal equations by Cramer's rule; `None` where the points do not settle it.
    fn nearest(points: &[[f64; 2]]) -> Option<Self> {
        let sum = |of: &dyn Fn(f64, f64) -> f64| points.iter().map(|&[x, y]| of(x, y)).sum::<f64>();
        let power = |n: i32| sum(&|x, _| x.powi(n));
        let columns = [0, 1, 2].map(|n| [power(n), power(n + 1), power(n + 2)]);
        let right = [0, 1, 2].map(|n| sum(&|x, y| x.powi(n) * y));
        let all = determinant(columns);
        let with = |column: usize| {
            let mut columns = columns;
            columns[column] = right;
            determinant(columns) / all
        };
        let curve = Self {
            a: with(0),
            b: with(1),
            c: with(2),
        };
        let is_sound = [curve.a, curve.b, curve.c].iter().all(|it| it.abs() < 1e6);
        is_sound.then_some(curve)
    }

    /// Its height.
    pub fn at(&self, x: f64) -> f64 {
        self.a + self.b * x + self.c * x * x
    }
}

fn determinant([a, b, c]: [[f64; 3]; 3]) -> f64 {
    a[0] * (b[1] * c[2] - b[2] * c[1]) - b[0] * (a[1] * c[2] - a[2] * c[1])
        + c[0] * (a[1] * b[2] - a[2] * b[1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_points_of_stretches_settle_it() {
        let on = |x: f64| 0.1 + 0.5 * x - 0.3 * x * x;
        let points = (0..10).map(|at| f64::from(at) / 10.0 + 0.01);
        let points: Vec<[f64; 2]> = points.flat_map(|x| [[x, on(x)], [x, 0.0]]).collect();
        let curve = Curve::above(&points);
        for x in [0.0, 0.3, 0.9] {
            assert!((curve.at(x) - on(x)).abs() < 1e-9, "{x}");
        }
    }

    #[test]
    fn few_points_give_a_level() {
        let curve = Curve::above(&[[0.5, 0.2], [0.505, 0.3], [0.9, 0.1]]);
        assert_eq!(curve.at(0.0), 0.3);
        assert_eq!(curve.at(1.0), 0.3);
        assert_eq!(Curve::above(&[]).at(0.5), 0.0);
    }
}
