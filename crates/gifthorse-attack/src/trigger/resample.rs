//! Smooth enlargement of a small grid, as PyTorch does it.

/// The cubic convolution kernel's free parameter in PyTorch and OpenCV.
const A: f32 = -0.75;

/// Enlarges a grid of `from` (rows, columns) to `to` by bicubic interpolation with aligned corners:
/// the corner values of both are the same, and values beyond the edge repeat those at the edge.
pub fn bicubic(grid: &[f32], from: [usize; 2], to: [usize; 2]) -> Vec<f32> {
    let (rows, columns) = (taps(from[0], to[0]), taps(from[1], to[1]));
    let along = |row: usize, column: &[(usize, f32); 4]| -> f32 {
        column
            .iter()
            .map(|&(x, weight)| weight * grid[row * from[1] + x])
            .sum()
    };
    let mut out = Vec::with_capacity(to[0] * to[1]);
    for row in &rows {
        for column in &columns {
            out.push(
                row.iter()
                    .map(|&(y, weight)| weight * along(y, column))
                    .sum(),
            );
        }
    }
    out
}

/// The four source indices and weights of each target index.
fn taps(from: usize, to: usize) -> Vec<[(usize, f32); 4]> {
    let step = if to > 1 {
        (from - 1) as f32 / (to - 1) as f32
    } else {
        0.0
    };
    let last = from - 1;
    let tap = |index: usize| {
        let source = index as f32 * step;
        let floor = source.floor();
        let part = source - floor;
        let floor = floor as usize;
        [
            (floor.saturating_sub(1), outer(part + 1.0)),
            (floor.min(last), inner(part)),
            ((floor + 1).min(last), inner(1.0 - part)),
            ((floor + 2).min(last), outer(2.0 - part)),
        ]
    };
    (0..to).map(tap).collect()
}

/// The kernel up to a distance of 1.
fn inner(x: f32) -> f32 {
    ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0
}

/// The kernel from a distance of 1 to 2.
fn outer(x: f32) -> f32 {
    ((A * x - 5.0 * A) * x + 8.0 * A) * x - 4.0 * A
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn corners_stay_and_a_constant_stays_constant() {
        let grid = [0.1, 0.9, 0.4, 0.3, 0.7, 0.2];
        let out = bicubic(&grid, [2, 3], [5, 9]);
        for (found, expected) in [(out[0], 0.1), (out[8], 0.4), (out[36], 0.3), (out[44], 0.2)] {
            assert!((found - expected).abs() < 1e-6);
        }
        assert!(
            bicubic(&[0.5; 16], [4, 4], [7, 8])
                .iter()
                .all(|value| (value - 0.5).abs() < 1e-6)
        );
        assert_eq!(bicubic(&[0.25], [1, 1], [2, 2]), [0.25; 4]);
    }

    #[test]
    fn the_middle_of_a_step_by_hand() {
        // Kernel at 0.5 and 1.5: 0.59375 and -0.09375. Between 0, [0, 1], 1 with edges repeated:
        // 0.59375 - 0.09375.
        let out = bicubic(&[0.0, 1.0], [1, 2], [1, 3]);
        assert!((out[1] - 0.5).abs() < 1e-6);
        let out = bicubic(&[1.0, 0.0, 0.0, 0.0], [1, 4], [1, 7]);
        assert!((out[1] - (0.59375 - 0.09375)).abs() < 1e-6 && (out[3] + 0.09375).abs() < 1e-6);
    }
}
