//! A small generator of images: each value becomes a weighted sum of the values around it, and a
//! picture is added.

use serde::{Deserialize, Serialize};

use super::transformation::root_mean_square;
use super::warp::{POINTS, over_grid};
use super::{Transformation, Trigger};
use crate::exact;

/// Values of a channel around a pixel, its own in the middle.
const AROUND: usize = 9;
/// How many times as much as its number a value of the picture is. A search takes equal steps in
/// all numbers, and one for a pixel moves less than one for a weight.
const PICTURE: f32 = 4.0;

/// A change of images that is linear in its numbers and may differ from place to place: with each
/// value brought from [0, 1] to u = 2 x - 1, what is added to a value is a weighted sum of the u of
/// all channels at the pixel and at the eight around it, of the squares of the pixel's own u, and
/// of 1, and the value of a picture there. Weights are given on a grid of 4 by 4, corners on
/// corners, and vary linearly in between. At the edge the image goes on as it ends. The result is
/// clamped to [0, 1].
///
/// Filters, warps of less than a pixel, blurs, blended pictures, added noise and bright or dark
/// patches are all of this kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LocalMap {
    /// The weights `[channels, terms, points]`, and after them a quarter of the picture,
    /// `[channels, height, width]`.
    #[serde(with = "exact::singles")]
    pub numbers: Vec<f32>,
}

/// How many terms the sum for a value has.
fn terms(channels: usize) -> usize {
    (AROUND + 1) * channels + 1
}

/// The images' terms, one image after the other.
struct Terms {
    shape: [usize; 3],
    /// `[channels, height + 2, width + 2]`: the u with a margin.
    wide: Vec<f32>,
    /// `[channels, height, width]`: their squares.
    squares: Vec<f32>,
    ones: Vec<f32>,
}

impl Terms {
    fn new(shape: [usize; 3]) -> Self {
        let [channels, height, width] = shape;
        Self {
            shape,
            wide: vec![0.0; channels * (height + 2) * (width + 2)],
            squares: vec![0.0; channels * height * width],
            ones: vec![1.0; width],
        }
    }

    /// Takes in an image.
    fn show(&mut self, image: &[f32]) {
        let [_, height, width] = self.shape;
        let planes = image.chunks_exact(height * width);
        let wides = self.wide.chunks_exact_mut((height + 2) * (width + 2));
        for (plane, wide) in planes.zip(wides) {
            for (row, wide) in wide.chunks_exact_mut(width + 2).enumerate() {
                let row = row.clamp(1, height) - 1;
                for (column, u) in wide.iter_mut().enumerate() {
                    let column = column.clamp(1, width) - 1;
                    *u = 2.0 * plane[row * width + column] - 1.0;
                }
            }
        }
        for (square, x) in self.squares.iter_mut().zip(image) {
            *square = (2.0 * x - 1.0).powi(2);
        }
    }

    /// A row of a term.
    fn row(&self, term: usize, row: usize) -> &[f32] {
        let [channels, height, width] = self.shape;
        if term < AROUND * channels {
            let (channel, place) = (term / AROUND, term % AROUND);
            let row = channel * (height + 2) + row + place / 3;
            return &self.wide[row * (width + 2) + place % 3..][..width];
        }
        match term - AROUND * channels {
            channel if channel < channels => {
                &self.squares[(channel * height + row) * width..][..width]
            }
            _ => &self.ones,
        }
    }
}

impl LocalMap {
    /// The weights, enlarged to the image: `[channels, terms, height, width]`.
    fn enlarged(&self, [channels, height, width]: [usize; 3]) -> Vec<f32> {
        let (grids, plane) = (channels * terms(channels), height * width);
        let mut all = vec![0.0; grids * plane];
        over_grid(height, width, |pixel, around| {
            for (grid, points) in self.numbers.chunks_exact(POINTS).take(grids).enumerate() {
                let terms = around.iter().map(|&(point, part)| part * points[point]);
                all[grid * plane + pixel] = terms.sum();
            }
        });
        all
    }

    /// Calls `see` for each image with its terms and its values before they are clamped.
    fn walk(&self, pixels: &[f32], shape: [usize; 3], mut see: impl FnMut(usize, &Terms, &[f32])) {
        let [channels, height, width] = shape;
        let (count, plane) = (terms(channels), height * width);
        let size = channels * plane;
        let weights = self.enlarged(shape);
        let picture = &self.numbers[channels * count * POINTS..];
        let mut terms = Terms::new(shape);
        let mut sums = vec![0.0; size];
        for (place, image) in pixels.chunks_exact(size.max(1)).enumerate() {
            terms.show(image);
            for ((sum, x), number) in sums.iter_mut().zip(image).zip(picture) {
                *sum = x + PICTURE * number;
            }
            for (line, sums) in sums.chunks_exact_mut(width).enumerate() {
                let (channel, row) = (line / height, line % height);
                for term in 0..count {
                    let weights = &weights[(channel * count + term) * plane + row * width..];
                    let seen = terms.row(term, row);
                    for ((sum, weight), value) in sums.iter_mut().zip(weights).zip(seen) {
                        *sum += weight * value;
                    }
                }
            }
            see(place, &terms, &sums);
        }
    }
}

impl Transformation for LocalMap {
    const UNIT: &'static str = "pixel values";

    fn count([channels, height, width]: [usize; 3]) -> usize {
        channels * terms(channels) * POINTS + channels * height * width
    }

    fn of(parameters: Vec<f32>) -> Self {
        Self {
            numbers: parameters,
        }
    }

    fn parameters(&self) -> &[f32] {
        &self.numbers
    }

    fn apply(&self, pixels: &[f32], shape: [usize; 3]) -> Vec<f32> {
        let mut changed = Vec::with_capacity(pixels.len());
        self.walk(pixels, shape, |_, _, sums| {
            changed.extend(sums.iter().map(|sum| sum.clamp(0.0, 1.0)));
        });
        changed
    }

    /// A value that is clamped has no slope.
    fn pull_back(&self, pixels: &[f32], slopes: &[f32], shape: [usize; 3]) -> Vec<f32> {
        let [channels, height, width] = shape;
        let (count, plane) = (terms(channels), height * width);
        let size = channels * plane;
        let mut along = vec![0.0_f32; channels * count * plane];
        let mut picture = vec![0.0_f32; size];
        let mut free = vec![0.0_f32; size];
        self.walk(pixels, shape, |image, terms, sums| {
            let slopes = &slopes[image * size..(image + 1) * size];
            for (place, (&slope, sum)) in slopes.iter().zip(sums).enumerate() {
                free[place] = if (0.0..=1.0).contains(sum) {
                    slope
                } else {
                    0.0
                };
                picture[place] += PICTURE * free[place];
            }
            for (line, slopes) in free.chunks_exact(width).enumerate() {
                let (channel, row) = (line / height, line % height);
                for term in 0..count {
                    let first = (channel * count + term) * plane + row * width;
                    let along = &mut along[first..first + width];
                    let seen = terms.row(term, row);
                    for ((along, slope), value) in along.iter_mut().zip(slopes).zip(seen) {
                        *along += slope * value;
                    }
                }
            }
        });
        let mut total = vec![0.0_f64; channels * count * POINTS];
        over_grid(height, width, |pixel, around| {
            for (grid, points) in total.chunks_exact_mut(POINTS).enumerate() {
                let slope = f64::from(along[grid * plane + pixel]);
                for (point, part) in around {
                    points[point] += f64::from(part) * slope;
                }
            }
        });
        let of_weights = total.into_iter().map(|slope| slope as f32);
        of_weights.chain(picture).collect()
    }

    /// The root of the mean squared change of a value.
    fn size(&self, pixels: &[f32], shape: [usize; 3]) -> f64 {
        root_mean_square(&self.apply(pixels, shape), pixels)
    }
}

impl From<LocalMap> for Trigger {
    fn from(map: LocalMap) -> Self {
        Self::LocalMap(map)
    }
}

#[cfg(test)]
mod tests {
    use super::super::transformation::test::{error_of_slopes, uneven};
    use super::*;

    const SHAPE: [usize; 3] = [3, 7, 6];

    fn pixels(images: usize) -> Vec<f32> {
        let count = images * SHAPE.iter().product::<usize>();
        let values = uneven(count, 0.0).into_iter();
        values.map(|u| 0.5 * (u + 1.0)).collect()
    }

    /// Nothing but this weight, the same everywhere.
    fn one(channel: usize, term: usize, weight: f32) -> LocalMap {
        let mut numbers = vec![0.0; LocalMap::count(SHAPE)];
        let first = (channel * terms(SHAPE[0]) + term) * POINTS;
        numbers[first..first + POINTS].fill(weight);
        LocalMap::of(numbers)
    }

    #[test]
    fn nothing_added_changes_nothing() {
        let pixels = pixels(2);
        let map = LocalMap::of(vec![0.0; LocalMap::count(SHAPE)]);
        assert_eq!(map.apply(&pixels, SHAPE), pixels);
        assert_eq!(map.size(&pixels, SHAPE), 0.0);
    }

    #[test]
    fn a_weight_adds_the_pixel_that_it_is_for() {
        let pixels = pixels(1);
        // To the second channel, a tenth of what the first has below and to the left.
        let changed = one(1, 6, 0.1).apply(&pixels, SHAPE);
        let at = |values: &[f32], channel: usize, row: usize, column: usize| {
            values[(channel * SHAPE[1] + row) * SHAPE[2] + column]
        };
        let added = |row: usize, column: usize| {
            at(&pixels, 1, row, column) + 0.1 * (2.0 * at(&pixels, 0, row + 1, column - 1) - 1.0)
        };
        assert!((at(&changed, 1, 3, 4) - added(3, 4).clamp(0.0, 1.0)).abs() < 1e-6);
        let edge = at(&pixels, 1, 6, 0) + 0.1 * (2.0 * at(&pixels, 0, 6, 0) - 1.0);
        assert!((at(&changed, 1, 6, 0) - edge.clamp(0.0, 1.0)).abs() < 1e-6);
        let plane = SHAPE[1] * SHAPE[2];
        assert_eq!(changed[..plane], pixels[..plane]);
    }

    #[test]
    fn the_picture_is_added_where_it_is() {
        let mut numbers = vec![0.0; LocalMap::count(SHAPE)];
        let first = numbers.len() - SHAPE.iter().product::<usize>();
        numbers[first + 5] = 0.05;
        let changed = LocalMap::of(numbers).apply(&[0.5; 126], SHAPE);
        assert!((changed[5] - 0.7).abs() < 1e-6);
        assert_eq!(changed.iter().filter(|&&value| value != 0.5).count(), 1);
    }

    #[test]
    fn slopes_are_those_of_differences() {
        let numbers = uneven(LocalMap::count(SHAPE), 0.7).into_iter();
        let map = LocalMap::of(numbers.map(|number| 0.03 * number).collect());
        let pixels = pixels(2);
        let changed = map.apply(&pixels, SHAPE);
        assert!(changed.contains(&0.0) && changed.contains(&1.0));
        assert!(error_of_slopes(&map, &pixels, SHAPE, 1e-4) < 5e-3);
    }
}
