//! The simplex search of Nelder and Mead (1965), with the first simplex and the end of
//! `scipy.optimize.fmin`: a published p-value depends on where exactly it stops.

use std::cell::Cell;

/// First step in a coordinate, as a share of it,
const FIRST_STEP: f64 = 0.05;
/// and where the coordinate is zero.
const FIRST_STEP_FROM_ZERO: f64 = 0.000_25;
/// A simplex that is this small in every coordinate and in its values ends the search.
const TOLERANCE: f64 = 1e-4;
/// Most values asked for, for each coordinate.
const MOST_FOR_EACH: usize = 200;

/// A corner of the simplex and the function's value there.
type Corner<const N: usize> = ([f64; N], f64);

/// Looks for a minimum from `start` on; gives the best point seen, whether or not it converged.
pub fn minimise<const N: usize>(start: [f64; N], function: impl Fn(&[f64; N]) -> f64) -> [f64; N] {
    let most = MOST_FOR_EACH * N;
    let asked = Cell::new(0);
    let at = |point: [f64; N]| -> Corner<N> {
        asked.set(asked.get() + 1);
        (point, function(&point))
    };
    let mut corners = vec![at(start)];
    for axis in 0..N {
        let mut point = start;
        point[axis] = if point[axis] == 0.0 {
            FIRST_STEP_FROM_ZERO
        } else {
            (1.0 + FIRST_STEP) * point[axis]
        };
        corners.push(at(point));
    }
    corners.sort_by(|a, b| a.1.total_cmp(&b.1));
    while asked.get() < most && !is_small(&corners) {
        let worst = corners[N];
        let centre = centre(&corners[..N]);
        let along = |factor: f64| {
            let mut point = centre;
            for (c, w) in point.iter_mut().zip(worst.0) {
                *c += factor * (*c - w);
            }
            point
        };
        let reflected = at(along(1.0));
        let replacement = if reflected.1 < corners[0].1 {
            let expanded = at(along(2.0));
            Some(if expanded.1 < reflected.1 {
                expanded
            } else {
                reflected
            })
        } else if reflected.1 < corners[N - 1].1 {
            Some(reflected)
        } else if reflected.1 < worst.1 {
            let outside = at(along(0.5));
            (outside.1 <= reflected.1).then_some(outside)
        } else {
            let inside = at(along(-0.5));
            (inside.1 < worst.1).then_some(inside)
        };
        match replacement {
            Some(corner) => corners[N] = corner,
            None => {
                let best = corners[0].0;
                for corner in &mut corners[1..] {
                    let mut point = best;
                    for (p, c) in point.iter_mut().zip(corner.0) {
                        *p += 0.5 * (c - *p);
                    }
                    *corner = at(point);
                }
            }
        }
        corners.sort_by(|a, b| a.1.total_cmp(&b.1));
    }
    corners[0].0
}

fn is_small<const N: usize>(corners: &[Corner<N>]) -> bool {
    let (best, value) = corners[0];
    corners[1..].iter().all(|(point, other)| {
        let near = point
            .iter()
            .zip(best)
            .all(|(p, b)| (p - b).abs() <= TOLERANCE);
        near && (other - value).abs() <= TOLERANCE
    })
}

fn centre<const N: usize>(corners: &[Corner<N>]) -> [f64; N] {
    let mut centre = [0.0; N];
    for (point, _) in corners {
        for (sum, p) in centre.iter_mut().zip(point) {
            *sum += p / corners.len() as f64;
        }
    }
    centre
}
