//! How unlike its former self an image has become, and which way it becomes less so.

/// Longest side of the window, and the width of its bell (Z. Wang et al. 2004).
const SIDE: usize = 11;
const SIGMA: f32 = 1.5;
/// What keeps quotients finite, for values in [0, 1].
const C1: f32 = 1e-4;
const C2: f32 = 9e-4;

/// The structural similarity of images of one shape, with the usual window or, for smaller images,
/// the largest that fits: only where the window lies inside the image.
#[derive(Clone, Debug)]
pub struct Ssim {
    shape: [usize; 3],
    /// What each value in a row or column of the window counts; together 1.
    window: Vec<f32>,
}

/// What a batch of images gives.
#[derive(Clone, Debug)]
pub struct Dissimilarity {
    /// 1 minus the mean similarity.
    pub mean: f64,
    /// Its slopes along the values of the changed images.
    pub slopes: Vec<f32>,
}

impl Ssim {
    /// For images of `shape`, channels, height and width.
    pub fn new(shape: [usize; 3]) -> Self {
        let shorter = shape[1].min(shape[2]).min(SIDE);
        // The middle of a window is a pixel.
        let side = shorter - usize::from(shorter.is_multiple_of(2));
        let bell = |place: usize| {
            let away = (place as f32 - (side / 2) as f32) / SIGMA;
            (-0.5 * away * away).exp()
        };
        let bells: Vec<f32> = (0..side).map(bell).collect();
        let sum: f32 = bells.iter().sum();
        Self {
            shape,
            window: bells.into_iter().map(|bell| bell / sum).collect(),
        }
    }

    /// Of images `[images, channels, height, width]` before and after a change.
    pub fn of(&self, before: &[f32], after: &[f32]) -> Dissimilarity {
        let [_, height, width] = self.shape;
        let plane = (height * width).max(1);
        let mut slopes = Vec::with_capacity(after.len());
        let mut sum = 0.0;
        for (x, y) in before.chunks_exact(plane).zip(after.chunks_exact(plane)) {
            sum += self.plane(x, y, &mut slopes);
        }
        let planes = (after.len() / plane).max(1);
        slopes.iter_mut().for_each(|slope| *slope /= planes as f32);
        Dissimilarity {
            mean: sum / planes as f64,
            slopes,
        }
    }

    /// One plane: gives its dissimilarity and adds its slopes to the end.
    fn plane(&self, x: &[f32], y: &[f32], slopes: &mut Vec<f32>) -> f64 {
        let product = |a: &[f32], b: &[f32]| -> Vec<f32> {
            let products = a.iter().zip(b).map(|(a, b)| a * b);
            self.blurred(&products.collect::<Vec<f32>>())
        };
        let (of_x, of_y) = (self.blurred(x), self.blurred(y));
        let (xx, yy, xy) = (product(x, x), product(y, y), product(x, y));
        let count = of_x.len();
        let mut sum = 0.0;
        let mut along = [vec![0.0; count], vec![0.0; count], vec![0.0; count]];
        for i in 0..count {
            let (mx, my) = (of_x[i], of_y[i]);
            let alike = [2.0 * mx * my + C1, 2.0 * (xy[i] - mx * my) + C2];
            let all = [
                mx * mx + my * my + C1,
                xx[i] - mx * mx + yy[i] - my * my + C2,
            ];
            let both = all[0] * all[1];
            let similarity = alike[0] * alike[1] / both;
            sum += f64::from(1.0 - similarity);
            let share = 1.0 / count as f32;
            // Along the blurred image, its blurred square and the blurred product of the two.
            let bend = similarity * (1.0 / all[0] - 1.0 / all[1]);
            along[0][i] = 2.0 * share * (my * bend - mx * (alike[1] - alike[0]) / both);
            along[1][i] = share * similarity / all[1];
            along[2][i] = -2.0 * share * alike[0] / both;
        }
        let [first, square, product] = along.map(|along| self.spread(&along));
        let values = x.iter().zip(y).zip(first.iter().zip(&square).zip(&product));
        slopes
            .extend(values.map(|((x, y), ((first, square), product))| {
                first + 2.0 * y * square + x * product
            }));
        sum / count as f64
    }

    /// The height and width of what the window makes of a plane.
    fn inner(&self) -> [usize; 2] {
        let [_, height, width] = self.shape;
        [height, width].map(|side| side + 1 - self.window.len())
    }

    /// The mean of a plane under the window at each of its places.
    fn blurred(&self, plane: &[f32]) -> Vec<f32> {
        let [_, height, width] = self.shape;
        let [rows, columns] = self.inner();
        let mut lines = vec![0.0; height * columns];
        for (line, row) in lines
            .chunks_exact_mut(columns)
            .zip(plane.chunks_exact(width))
        {
            for (place, part) in self.window.iter().enumerate() {
                add(line, &row[place..], *part);
            }
        }
        let mut blurred = vec![0.0; rows * columns];
        for (row, blurred) in blurred.chunks_exact_mut(columns).enumerate() {
            for (place, part) in self.window.iter().enumerate() {
                add(blurred, &lines[(row + place) * columns..], *part);
            }
        }
        blurred
    }

    /// The slopes along a plane, from those along what the window has made of it.
    fn spread(&self, slopes: &[f32]) -> Vec<f32> {
        let [_, height, width] = self.shape;
        let [_, columns] = self.inner();
        let mut lines = vec![0.0; height * columns];
        for (row, slopes) in slopes.chunks_exact(columns).enumerate() {
            for (place, part) in self.window.iter().enumerate() {
                let line = (row + place) * columns;
                add(&mut lines[line..line + columns], slopes, *part);
            }
        }
        let mut plane = vec![0.0; height * width];
        for (row, line) in plane
            .chunks_exact_mut(width)
            .zip(lines.chunks_exact(columns))
        {
            for (place, part) in self.window.iter().enumerate() {
                add(&mut row[place..place + columns], line, *part);
            }
        }
        plane
    }
}

/// Adds values `part` times.
fn add(to: &mut [f32], values: &[f32], part: f32) {
    for (to, value) in to.iter_mut().zip(values) {
        *to += part * value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uneven(count: usize, seed: f32) -> Vec<f32> {
        let value = |i: usize| ((i as f32 + seed) * 0.618_034).fract();
        (0..count).map(value).collect()
    }

    #[test]
    fn an_image_is_like_itself_and_unlike_its_negative() {
        let ssim = Ssim::new([1, 12, 13]);
        let image = uneven(156, 0.0);
        let same = ssim.of(&image, &image);
        assert!(same.mean.abs() < 1e-5, "{}", same.mean);
        let negative: Vec<f32> = image.iter().map(|x| 1.0 - x).collect();
        assert!(ssim.of(&image, &negative).mean > 1.0);
    }

    /// Two even planes have no structure: what is left is the term of their means.
    #[test]
    fn even_planes_differ_by_their_means() {
        let unlike = Ssim::new([2, 6, 6]).of(&[0.5; 72], &[0.25; 72]);
        let expected = 1.0 - (2.0 * 0.5 * 0.25 + 1e-4) / (0.25 + 0.0625 + 1e-4);
        assert!((unlike.mean - expected).abs() < 1e-5, "{}", unlike.mean);
    }

    #[test]
    fn slopes_are_those_of_differences() {
        let ssim = Ssim::new([2, 7, 9]);
        let before = uneven(252, 0.3);
        let after: Vec<f32> = before
            .iter()
            .zip(uneven(252, 0.9))
            .map(|(x, u)| 0.7 * x + 0.3 * u)
            .collect();
        let slopes = ssim.of(&before, &after).slopes;
        let largest = slopes.iter().fold(0.0_f32, |most, s| most.max(s.abs()));
        for place in (0..252).step_by(7) {
            let moved = |by: f32| {
                let mut pixels = after.clone();
                pixels[place] += by;
                ssim.of(&before, &pixels).mean
            };
            let measured = (moved(1e-2) - moved(-1e-2)) / 2e-2;
            let error = (f64::from(slopes[place]) - measured).abs();
            assert!(error < 2e-2 * f64::from(largest), "{place}: {measured}");
        }
    }
}
