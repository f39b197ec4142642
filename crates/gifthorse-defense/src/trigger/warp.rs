//! A warp: each pixel shows the image from a little way off, as far and as deep in every image.

use serde::{Deserialize, Serialize};

use super::{Transformation, Trigger};
use crate::exact;

/// Points along each side of the grid of displacements, as in WaNet (Nguyen and Tran 2021, k = 4).
const SIDE: usize = 4;
/// Points of the grid.
pub(super) const POINTS: usize = SIDE * SIDE;

/// A smooth field of displacements that is the same for all images: a small grid of them, enlarged
/// to the image by linear interpolation, corners on corners. Each pixel of the result is sampled
/// where its displacement points to, by linear interpolation, and at the edge beyond it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Warp {
    /// `[2, side, side]` in pixels: how far down, and how far to the right, each point of the grid
    /// looks.
    #[serde(with = "exact::singles")]
    pub displacements: Vec<f32>,
}

/// Where a position lies between two neighbours along one side.
#[derive(Clone, Copy)]
struct Between {
    low: usize,
    high: usize,
    /// The weight of the second.
    part: f32,
    /// Whether the position can move both ways.
    inside: bool,
}

impl Between {
    /// Of a position on a side of so many points, brought to its end if it is beyond.
    fn of(position: f32, points: usize) -> Self {
        let last = (points - 1) as f32;
        let inside = (0.0..=last).contains(&position);
        let position = position.clamp(0.0, last);
        let low = (position as usize).min(points.saturating_sub(2));
        Self {
            low,
            high: (low + 1).min(points - 1),
            part: position - low as f32,
            inside,
        }
    }

    /// Of each pixel of a side on the grid.
    fn on_grid(pixels: usize) -> Vec<Self> {
        let step = (SIDE - 1) as f32 / (pixels.max(2) - 1) as f32;
        (0..pixels)
            .map(|pixel| Self::of(pixel as f32 * step, SIDE))
            .collect()
    }

    /// How fast `value` rises here, which is linear between neighbours: on one of them, the mean of
    /// both sides, since there is a bend. Nothing at or beyond an end.
    fn slope(self, value: impl Fn(usize) -> f32) -> f32 {
        if !self.inside {
            return 0.0;
        }
        if self.part == 0.0 {
            return (value(self.high) - value(self.low.saturating_sub(1))) / 2.0;
        }
        value(self.high) - value(self.low)
    }

    /// The two neighbours, each with its weight.
    fn weighted(self) -> [(usize, f32); 2] {
        [(self.low, 1.0 - self.part), (self.high, self.part)]
    }
}

/// Calls `see` for each pixel with its place, and the places and weights of the points of the grid
/// around it.
pub(super) fn over_grid(
    height: usize,
    width: usize,
    mut see: impl FnMut(usize, [(usize, f32); 4]),
) {
    let (rows, columns) = (Between::on_grid(height), Between::on_grid(width));
    for (y, row) in rows.iter().enumerate() {
        for (x, column) in columns.iter().enumerate() {
            let [(top, above), (bottom, below)] = row.weighted();
            let [(left, before), (right, after)] = column.weighted();
            let around = [
                (top * SIDE + left, above * before),
                (top * SIDE + right, above * after),
                (bottom * SIDE + left, below * before),
                (bottom * SIDE + right, below * after),
            ];
            see(y * width + x, around);
        }
    }
}

impl Warp {
    /// The displacement of each pixel, down and to the right.
    fn field(&self, height: usize, width: usize) -> Vec<[f32; 2]> {
        let (down, right) = self.displacements.split_at(SIDE * SIDE);
        let mut field = vec![[0.0; 2]; height * width];
        over_grid(height, width, |pixel, around| {
            let sum = |grid: &[f32]| {
                around
                    .iter()
                    .map(|&(point, weight)| weight * grid[point])
                    .sum()
            };
            field[pixel] = [sum(down), sum(right)];
        });
        field
    }

    /// Where each pixel is sampled: between which rows and between which columns.
    fn points(&self, height: usize, width: usize) -> Vec<[Between; 2]> {
        let point = |(pixel, [down, right]): (usize, [f32; 2])| {
            let (y, x) = (pixel / width, pixel % width);
            [
                Between::of(y as f32 + down, height),
                Between::of(x as f32 + right, width),
            ]
        };
        self.field(height, width)
            .into_iter()
            .enumerate()
            .map(point)
            .collect()
    }
}

/// The four pixels around a point: above left and right, below left and right.
fn around(plane: &[f32], [row, column]: [Between; 2], width: usize) -> [f32; 4] {
    let at = |y: usize, x: usize| plane[y * width + x];
    [
        at(row.low, column.low),
        at(row.low, column.high),
        at(row.high, column.low),
        at(row.high, column.high),
    ]
}

impl Transformation for Warp {
    const UNIT: &'static str = "pixels";

    fn count(_: [usize; 3]) -> usize {
        2 * SIDE * SIDE
    }

    fn of(parameters: Vec<f32>) -> Self {
        Self {
            displacements: parameters,
        }
    }

    fn parameters(&self) -> &[f32] {
        &self.displacements
    }

    fn apply(&self, pixels: &[f32], [_, height, width]: [usize; 3]) -> Vec<f32> {
        let points = self.points(height, width);
        let mut changed = Vec::with_capacity(pixels.len());
        for plane in pixels.chunks_exact(height * width) {
            changed.extend(points.iter().map(|&[row, column]| {
                let [a, b, c, d] = around(plane, [row, column], width);
                let above = a + column.part * (b - a);
                let below = c + column.part * (d - c);
                above + row.part * (below - above)
            }));
        }
        changed
    }

    /// A pixel that is sampled beyond the edge has no slope across it.
    fn pull_back(
        &self,
        pixels: &[f32],
        slopes: &[f32],
        [_, height, width]: [usize; 3],
    ) -> Vec<f32> {
        let points = self.points(height, width);
        let mut along = vec![[0.0_f64; 2]; points.len()];
        let planes = pixels.chunks_exact(height * width);
        for (plane, slopes) in planes.zip(slopes.chunks_exact(height * width)) {
            let sampled = points.iter().zip(slopes).zip(&mut along);
            for ((&[row, column], &slope), along) in sampled {
                let mix = |part: f32, low: usize, high: usize| {
                    plane[low] + part * (plane[high] - plane[low])
                };
                let in_row = |y| mix(column.part, y * width + column.low, y * width + column.high);
                let in_column = |x| mix(row.part, row.low * width + x, row.high * width + x);
                along[0] += f64::from(slope * row.slope(in_row));
                along[1] += f64::from(slope * column.slope(in_column));
            }
        }
        let mut total = vec![0.0_f64; self.displacements.len()];
        let (down, right) = total.split_at_mut(SIDE * SIDE);
        over_grid(height, width, |pixel, around| {
            for (point, weight) in around {
                down[point] += f64::from(weight) * along[pixel][0];
                right[point] += f64::from(weight) * along[pixel][1];
            }
        });
        total.into_iter().map(|slope| slope as f32).collect()
    }

    /// The mean length of the displacements.
    fn size(&self, _: &[f32], [_, height, width]: [usize; 3]) -> f64 {
        let field = self.field(height, width);
        let lengths = field
            .iter()
            .map(|[down, right]| f64::from(down.hypot(*right)));
        lengths.sum::<f64>() / field.len().max(1) as f64
    }
}

impl From<Warp> for Trigger {
    fn from(warp: Warp) -> Self {
        Self::Warp(warp)
    }
}

#[cfg(test)]
mod tests {
    use super::super::transformation::test::{error_of_slopes, uneven};
    use super::*;

    fn even(down: f32, right: f32) -> Warp {
        Warp::of([[down; POINTS], [right; POINTS]].concat())
    }

    #[test]
    fn an_even_field_shifts_the_image() {
        let image: Vec<f32> = (0..12).map(|value| value as f32 / 12.0).collect();
        let shape = [1, 3, 4];
        let down = even(1.0, 0.0).apply(&image, shape);
        assert_eq!(down[..8], image[4..]);
        assert_eq!(down[8..], image[8..]);
        let half = even(0.0, -0.5).apply(&image, shape);
        assert_eq!(half[0], image[0]);
        assert!((half[5] - 0.5 * (image[4] + image[5])).abs() < 1e-6);
        assert!((even(3.0, 4.0).size(&[], shape) - 5.0).abs() < 1e-6);
    }

    #[test]
    fn the_field_is_the_grid_at_its_points_and_between_them_the_mean() {
        let mut grid = vec![0.0; 2 * POINTS];
        grid[5] = 2.0;
        let field = Warp::of(grid).field(7, 7);
        assert_eq!(field[2 * 7 + 2], [2.0, 0.0]);
        assert!((field[2 * 7 + 3][0] - 1.0).abs() < 1e-6);
        assert_eq!(field[2 * 7 + 4], [0.0, 0.0]);
    }

    #[test]
    fn no_displacement_changes_nothing() {
        for shape in [[3, 5, 4], [1, 1, 6], [1, 1, 1]] {
            let pixels: Vec<f32> = uneven(shape.iter().product(), 0.0)
                .iter()
                .map(|u| 0.5 * (u + 1.0))
                .collect();
            assert_eq!(even(0.0, 0.0).apply(&pixels, shape), pixels);
        }
    }

    #[test]
    fn slopes_are_those_of_differences() {
        let shape = [2, 9, 8];
        let smooth = |i: usize| 0.5 + 0.4 * ((i % 8) as f32 * 0.9 + (i / 8) as f32 * 0.37).sin();
        let pixels: Vec<f32> = (0..2 * 144).map(smooth).collect();
        let warp = Warp::of(uneven(2 * POINTS, 0.2));
        assert!(error_of_slopes(&warp, &pixels, shape, 1e-3) < 1e-2);
    }
}
