//! The product of gathered rows with constants, by blocks that fit the caches.
//!
//! A block of rows is gathered once and multiplied with all columns. Of these, two lanes and
//! [`DEPTH`] lanes of the rows' depth are taken at a time: constants that stay in the first-level
//! cache while up to [`RUN`] groups of rows pass by.

use std::ops::Range;

use super::rows::{Gathering, Place, places};
use super::sweep::Sweep;
use super::turned::turn;
use crate::lanes::finish::Finish;
use crate::lanes::prefetch::{CACHED_BYTES, to_second_level};
use crate::lanes::{Lane, Lanes, Left, Pair, ROWS, Sums, Task, Used};

/// Bytes of a block of rows and of their results: a quarter of a second-level cache of 2 MB, as
/// constants and what lies around need room as well. Between 32 KB and 1 MB the size made no
/// difference that could be measured.
const BLOCK: usize = 1 << 19;

/// Groups of rows that a block has at least, however deep they are, so that constants which come
/// from memory are used several times.
const FEWEST: usize = 4;

/// Groups of rows that go past two lanes of columns together.
pub(super) const RUN: usize = 8;

/// Lanes of a row that are multiplied at a time: with two lanes of columns, 32 KB of constants.
const DEPTH: usize = 16;

/// Memory that a thread keeps between calls.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    gathering: Gathering,
    places: Vec<Place>,
    /// `[group of ROWS rows][lane of a row]`
    left: Vec<Left>,
    /// `[group of ROWS rows of a run]`
    products: Vec<[Pair; ROWS]>,
    /// Constants of two lanes of columns.
    turned: Vec<Pair>,
}

#[cfg(test)]
impl Scratch {
    /// Bytes of gathered rows, products and constants.
    pub(super) fn bytes(&self) -> [(&'static str, usize); 3] {
        [
            ("gathered rows", size_of_val(&self.left[..])),
            ("gathered products", size_of_val(&self.products[..])),
            ("turned constants", size_of_val(&self.turned[..])),
        ]
    }
}

/// Computes one product for all samples.
pub(super) struct Product<'a, 'f> {
    pub(super) sweep: &'a Sweep,
    /// The product of which this is the transpose, if it has no constants of its own.
    pub(super) turned: Option<&'a Sweep>,
    pub(super) samples: usize,
    pub(super) source: &'a [Lane],
    pub(super) out: &'a mut [Lane],
    pub(super) finish: &'a mut Finish<'f>,
    pub(super) scratch: &'a mut Scratch,
}

impl Task for Product<'_, '_> {
    #[inline(always)]
    fn run<L: Lanes>(mut self, lanes: L) {
        let rows = self.samples * self.sweep.patches.rows();
        if rows == 0 {
            return;
        }
        let row_lanes = self.sweep.patches.row_lanes();
        let lanes_of_row = row_lanes + self.sweep.columns.len();
        let length = block_length(rows, lanes_of_row);
        let groups = length / ROWS;
        if self.scratch.left.len() < groups * row_lanes {
            let gathered = [Lane::default(); ROWS];
            self.scratch.left.resize(groups * row_lanes, gathered);
        }
        self.scratch.products.resize(RUN, [Pair::default(); ROWS]);
        self.scratch.gathering.begin(&self.sweep.patches);
        for start in (0..rows).step_by(length) {
            self.block(lanes, start..rows.min(start + length));
        }
    }
}

/// How many of `rows` rows a block has, where a row and its results take `lanes` lanes.
pub(super) fn block_length(rows: usize, lanes: usize) -> usize {
    let most = (BLOCK / (lanes * size_of::<Left>())).max(FEWEST) * ROWS;
    let blocks = rows.div_ceil(most);
    rows.div_ceil(blocks).next_multiple_of(ROWS)
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
        let patches = &self.sweep.patches;
        places(patches, &self.sweep.result, rows, at);
        gathering.gather(lanes, patches, self.source, at, left);
        let groups = at.len().div_ceil(ROWS);
        for pair in 0..self.sweep.bias.len() {
            if let Some(forward) = self.turned {
                let columns = self.sweep.columns[2 * pair..].iter().take(2);
                turn(lanes, forward, columns, &mut self.scratch.turned);
            }
            for first in (0..groups).step_by(RUN) {
                let run = first..groups.min(first + RUN);
                self.multiply(lanes, pair, run.clone());
                self.store(lanes, pair, run);
            }
        }
    }

    /// Groups of rows by two lanes of columns.
    #[inline(always)]
    fn multiply<L: Lanes>(&mut self, lanes: L, pair: usize, groups: Range<usize>) {
        let (sweep, rows) = (self.sweep, self.scratch.places.len());
        let (row_lanes, depth) = (sweep.patches.row_lanes(), sweep.patches.depth());
        let weights = match self.turned {
            Some(_) => &self.scratch.turned[..depth],
            None => &sweep.weights[pair * depth..][..depth],
        };
        // An empty sum is a sum too.
        for first in (0..row_lanes.max(1)).step_by(DEPTH) {
            let part = first..row_lanes.min(first + DEPTH);
            let ends = sweep.patches.entries[part.clone()]
                .iter()
                .zip(&sweep.patches.entries[part.start + 1..]);
            let sums = if first == 0 {
                Sums::Fresh
            } else {
                Sums::Continued
            };
            // Weights come in the order in which they are used: while these are, the next ones
            // come.
            let here = sweep.patches.entries[part.start]..sweep.patches.entries[part.end];
            let ahead = ahead(&sweep.weights, pair * depth + here.end, here.len());
            let mut shares = ahead.chunks(ahead.len().div_ceil(groups.len().max(1)).max(1));
            for (group, out) in groups.clone().zip(&mut self.scratch.products) {
                let share = shares.next().unwrap_or_default();
                let share = share.chunks(share.len().div_ceil(part.len().max(1)).max(1));
                let share = share.chain(std::iter::repeat::<&[Pair]>(&[]));
                let left = &self.scratch.left[group * row_lanes..][part.clone()];
                let terms = left.iter().zip(ends.clone());
                let terms = terms.zip(share).map(|((left, (start, end)), share)| {
                    to_second_level(share);
                    (left, &weights[*start..*end])
                });
                let used = Used {
                    rows: (rows - ROWS * group).min(ROWS),
                    lanes: (sweep.columns.len() - 2 * pair).min(2),
                };
                lanes.sum_of_products(terms, used, sums, out);
            }
        }
    }

    /// Sends two lanes of each row to the pixels that they belong to.
    #[inline(always)]
    fn store<L: Lanes>(&mut self, lanes: L, pair: usize, groups: Range<usize>) {
        let sweep = self.sweep;
        let map = sweep.result.map;
        let end = self.scratch.places.len().min(groups.end * ROWS);
        let places = &self.scratch.places[groups.start * ROWS..end];
        let products = self.scratch.products.as_flattened().iter();
        let columns = sweep.columns[2 * pair..].iter().take(2);
        for (lane, parts) in columns.enumerate() {
            let bias = lanes.load(&sweep.bias[pair][lane].0);
            let rows = places.iter().zip(products.clone());
            let sums =
                rows.map(|(place, product)| (place, lanes.add(lanes.load(&product[lane].0), bias)));
            if let [part] = parts.as_slice() {
                let offset = part.offset(map);
                for (place, sum) in sums {
                    if place.has(part) {
                        self.finish.store(lanes, self.out, place.to + offset, sum);
                    }
                }
                continue;
            }
            // Each part's channels are loaded as a lane of their own, with what is behind them.
            let mut shared = [0.0; 2 * Lane::LENGTH];
            for (place, sum) in sums {
                if let Some(shared) = shared.first_chunk_mut() {
                    lanes.store(shared, sum);
                }
                for part in parts {
                    if place.has(part)
                        && let Some(from) = shared[part.entry..].first_chunk()
                    {
                        let to = place.to + part.offset(map);
                        self.finish.store(lanes, self.out, to, lanes.load(from));
                    }
                }
            }
        }
    }
}

/// The next weights to be brought to the cache; none where all together stay there.
#[inline(always)]
fn ahead(weights: &[Pair], start: usize, count: usize) -> &[Pair] {
    if size_of_val(weights) <= CACHED_BYTES {
        return &[];
    }
    &weights[start.min(weights.len())..(start + count).min(weights.len())]
}
