//! Total-variation denoising: what makes searched pictures smooth.

/// Steps of the dual's ascent.
const STEPS: usize = 10;
/// Its step; it converges up to 1/8 (Chambolle 2004).
const STEP: f32 = 0.125;

/// Moves each plane of `height` rows by `width` columns towards the one of least
/// `|x - y|^2 / 2 + weight * TV(y)`, which is smooth but for its edges (Chambolle's projection).
pub fn denoise(pixels: &mut [f32], [height, width]: [usize; 2], weight: f32) {
    for plane in pixels.chunks_exact_mut(height * width) {
        let mut down = vec![0.0; plane.len()];
        let mut right = vec![0.0; plane.len()];
        for _ in 0..STEPS {
            let mut field = divergence(&down, &right, width);
            for (field, pixel) in field.iter_mut().zip(plane.iter()) {
                *field -= pixel / weight;
            }
            for at in 0..plane.len() {
                let steps = (
                    difference(&field, at, at + width, at + width < plane.len()),
                    difference(&field, at, at + 1, !(at + 1).is_multiple_of(width)),
                );
                let length = 1.0 + STEP * steps.0.hypot(steps.1);
                down[at] = (down[at] + STEP * steps.0) / length;
                right[at] = (right[at] + STEP * steps.1) / length;
            }
        }
        let field = divergence(&down, &right, width);
        for (pixel, field) in plane.iter_mut().zip(field) {
            *pixel -= weight * field;
        }
    }
}

fn difference(field: &[f32], from: usize, to: usize, inside: bool) -> f32 {
    if inside { field[to] - field[from] } else { 0.0 }
}

/// That of a field of steps down and to the right, which end at the last row and column.
fn divergence(down: &[f32], right: &[f32], width: usize) -> Vec<f32> {
    let at = |at: usize| {
        let above = if at >= width { down[at - width] } else { 0.0 };
        let before = match at.is_multiple_of(width) {
            true => 0.0,
            false => right[at - 1],
        };
        down[at] - above + right[at] - before
    };
    (0..down.len()).map(at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of two pixels, each comes nearer to the other by the weight.
    #[test]
    fn two_pixels_by_hand() {
        for size in [[1, 2], [2, 1]] {
            let mut pixels = [0.2, 0.8];
            denoise(&mut pixels, size, 0.05);
            assert!((pixels[0] - 0.25).abs() < 2e-3, "{pixels:?}");
            assert!((pixels[1] - 0.75).abs() < 2e-3, "{pixels:?}");
        }
    }

    #[test]
    fn noise_goes_and_edges_stay() {
        let [height, width] = [8, 8];
        let noisy: Vec<f32> = (0..64)
            .map(|at| {
                let side = if at % width < 4 { 0.2 } else { 0.8 };
                side + 0.05 * [1.0, -0.5, -0.5][at * 7 % 3]
            })
            .collect();
        let mut clean = noisy.clone();
        denoise(&mut clean, [height, width], 0.05);
        let mean = |pixels: &[f32]| pixels.iter().sum::<f32>() / 64.0;
        assert!((mean(&clean) - mean(&noisy)).abs() < 1e-5);
        let rough = |pixels: &[f32], columns: std::ops::Range<usize>| {
            let row = |row: usize| {
                let pair = |column: usize| {
                    (pixels[row * width + column + 1] - pixels[row * width + column]).abs()
                };
                columns.clone().map(pair).sum::<f32>()
            };
            (0..height).map(row).sum::<f32>()
        };
        assert!(rough(&clean, 0..3) < 0.5 * rough(&noisy, 0..3));
        assert!(rough(&clean, 3..4) > 0.8 * rough(&noisy, 3..4));
    }
}
