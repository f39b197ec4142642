//! The product of gathered rows with constants, by blocks that fit the caches.
//!
//! A block of rows is gathered once, into half of the second-level cache, and multiplied with all columns. Of these, two lanes
//! and [`DEPTH`] lanes of the rows' depth are taken at a time: constants that stay in the first-level cache
//! while all groups of rows pass by. So constants are read from memory once for each block, and once
//! altogether where there are few rows.

use std::ops::Range;

use super::columns::Part;
use super::rows::{Gathering, Place, places};
use super::sweep::Sweep;
use crate::finish::Finish;
use crate::lanes::{Lane, Lanes, Left, Pair, ROWS, Sums, Task, Used};

/// Bytes of a block of rows.
const BLOCK: usize = 1 << 20;

/// Lanes of a row that are multiplied at a time: with two lanes of columns, 32 KB of constants.
const DEPTH: usize = 16;

/// Memory that a thread keeps between calls.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    gathering: Gathering,
    places: Vec<Place>,
    /// `[group of ROWS rows][lane of a row]`
    left: Vec<Left>,
    /// `[group of ROWS rows]`
    products: Vec<[Pair; ROWS]>,
}

/// Computes one product for all samples.
pub(super) struct Product<'a, 'f> {
    pub(super) sweep: &'a Sweep,
    pub(super) samples: usize,
    pub(super) source: &'a [Lane],
    pub(super) out: &'a mut [Lane],
    pub(super) finish: &'a mut Finish<'f>,
    pub(super) scratch: &'a mut Scratch,
}

impl Task for Product<'_, '_> {
    #[inline(always)]
    fn run<L: Lanes>(mut self, lanes: L) {
        let rows = self.samples * self.sweep.rows();
        let group_bytes = self.sweep.row_lanes().max(1) * size_of::<Left>();
        let most = (BLOCK / group_bytes).max(1) * ROWS;
        let blocks = rows.div_ceil(most);
        if blocks == 0 {
            return;
        }
        let length = rows.div_ceil(blocks).next_multiple_of(ROWS);
        let groups = length / ROWS;
        let row_lanes = self.sweep.row_lanes();
        let left = self.scratch.left.len().max(groups * row_lanes);
        self.scratch.left.resize(left, [Lane::default(); ROWS]);
        let products = self.scratch.products.len().max(groups);
        self.scratch
            .products
            .resize(products, [Pair::default(); ROWS]);
        self.scratch.gathering.begin(self.sweep);
        for start in (0..rows).step_by(length) {
            self.block(lanes, start..rows.min(start + length));
        }
    }
}

impl Product<'_, '_> {
    #[inline(always)]
    fn block<L: Lanes>(&mut self, lanes: L, rows: Range<usize>) {
        let Scratch {
            gathering,
            places: at,
            left,
            ..
        } = &mut *self.scratch;
        places(self.sweep, rows, at);
        gathering.gather(lanes, self.sweep, self.source, at, left);
        for pair in 0..self.sweep.bias.len() {
            self.multiply(lanes, pair);
            self.store(lanes, pair);
        }
    }

    /// All rows of the block by two lanes of columns.
    #[inline(always)]
    fn multiply<L: Lanes>(&mut self, lanes: L, pair: usize) {
        let (sweep, rows) = (self.sweep, self.scratch.places.len());
        let (row_lanes, depth) = (sweep.row_lanes(), sweep.depth());
        let weights = &sweep.weights[pair * depth..][..depth];
        let groups = rows.div_ceil(ROWS);
        // An empty sum is a sum too.
        for first in (0..row_lanes.max(1)).step_by(DEPTH) {
            let part = first..row_lanes.min(first + DEPTH);
            let ends = sweep.entries[part.clone()]
                .iter()
                .zip(&sweep.entries[part.start + 1..]);
            let sums = if first == 0 {
                Sums::Fresh
            } else {
                Sums::Continued
            };
            for group in 0..groups {
                let left = &self.scratch.left[group * row_lanes..][part.clone()];
                let terms = left.iter().zip(ends.clone());
                let terms = terms.map(|(left, (start, end))| (left, &weights[*start..*end]));
                let used = Used {
                    rows: (rows - ROWS * group).min(ROWS),
                    lanes: (sweep.columns.len() - 2 * pair).min(2),
                };
                lanes.sum_of_products(terms, used, sums, &mut self.scratch.products[group]);
            }
        }
    }

    /// Sends two lanes of each row to the pixels that they belong to.
    #[inline(always)]
    fn store<L: Lanes>(&mut self, lanes: L, pair: usize) {
        let sweep = self.sweep;
        let (map, first) = (sweep.result.map, sweep.result.first_lane());
        let columns = sweep.columns[2 * pair..].iter().take(2);
        for (lane, parts) in columns.enumerate() {
            let bias = lanes.load(&sweep.bias[pair][lane].0);
            let products = self.scratch.products.as_flattened().iter();
            for (place, product) in self.scratch.places.iter().zip(products) {
                let sum = lanes.add(lanes.load(&product[lane].0), bias);
                let [y, x] = [0, 1].map(|i| {
                    let axis = &sweep.axes[i];
                    axis.start + place.block[i] * axis.step
                });
                let mut shared = [0.0; 2 * Lane::LENGTH];
                if parts.len() > 1
                    && let Some(shared) = shared.first_chunk_mut()
                {
                    lanes.store(shared, sum);
                }
                for &Part {
                    cell, group, entry, ..
                } in parts
                {
                    let (y, x) = (y + cell[0], x + cell[1]);
                    if y >= map.height || x >= map.width {
                        continue;
                    }
                    let pixel = (place.sample * map.height + y) * map.width + x;
                    let at = pixel * map.groups() + first + group;
                    let value = match shared[entry..].first_chunk() {
                        Some(from) if parts.len() > 1 => lanes.load(from),
                        _ => sum,
                    };
                    self.finish.store(lanes, self.out, at, value);
                }
            }
        }
    }
}
