//! The gradient to the weight, tile by tile.
//!
//! With outputs `A^T [(G g) * (B^T d)]`, the gradient to `g` from the one to the outputs, `y`, is
//! `G^T [(A y) * (B^T d)]`, summed over all tiles: 36 sums of products per pair of channels and
//! tile where the direct way takes 144. A run of tiles is transformed, the inputs with tiles along
//! the lanes of the products' left operand; then each block of the weight is summed over the run
//! and transformed back at once, so that what is added up is no larger than the weight.

use std::cell::Cell;

use super::input::Sight;
use super::tiling::{Geometry, Place, Tiling};
use super::transform::{OUTPUTS, PRODUCTS, gradient_tile, input_tile, weight_tile};
use crate::kernels::convolutions::spec::ConvSpec;
use crate::lanes::{Lane, Lanes, Left, Pair, ROWS, Sums, Task, Used};

/// Taps of a filter.
const TAPS: usize = 9;

/// Tiles that are transposed together.
const STEP: usize = Lane::LENGTH;

/// Bytes of transformed tiles of a run, which should stay in the second-level cache.
const RUN_BYTES: usize = 5 << 18;

/// The fewest tiles of a run: each run transforms the whole weight back.
const LEAST: usize = 64;

thread_local! {
    static SCRATCH: Cell<Scratch> = Cell::default();
}

/// Computes the gradient to the weight of a 3x3 stride-1 convolution.
#[derive(Debug)]
pub(crate) struct TiledGradient {
    tiling: Tiling,
    inputs: usize,
    outputs: usize,
}

/// Memory that a thread keeps between calls.
#[derive(Debug, Default)]
struct Scratch {
    /// Transformed inputs, `[product][group of ROWS channels][group of STEP tiles]`.
    left: Vec<Left>,
    /// Transformed gradients, `[product][pair of lanes][tile]`.
    right: Vec<Pair>,
}

impl TiledGradient {
    /// `None` for convolutions of another kind, and those with so few channels that most of a lane
    /// would be empty.
    pub(crate) fn new(spec: &ConvSpec) -> Option<Self> {
        let window = spec.window;
        let small = window.kernel == [3, 3] && window.stride == [1, 1] && window.dilation == [1, 1];
        let (input, output) = (spec.input, spec.output);
        let full = input.channels.min(output.channels) >= Lane::LENGTH;
        let fits = small && full && spec.groups == 1 && !spec.transposed;
        let [(top, _), (left, _)] = window.pads;
        fits.then(|| Self {
            tiling: Tiling::new(Geometry {
                height: input.height,
                width: input.width,
                out_height: output.height,
                out_width: output.width,
                top: top as isize,
                left: left as isize,
            }),
            inputs: input.channels,
            outputs: output.channels,
        })
    }

    fn pairs(&self) -> usize {
        self.outputs.div_ceil(2 * Lane::LENGTH)
    }

    fn row_groups(&self) -> usize {
        self.inputs.div_ceil(ROWS)
    }

    /// Sums of nothing, `[pair of lanes of outputs][group of ROWS inputs][tap]`.
    pub(crate) fn zeros(&self) -> Vec<[Pair; ROWS]> {
        vec![[Pair::default(); ROWS]; self.pairs() * self.row_groups() * TAPS]
    }

    /// What adds the contribution of some samples to sums.
    pub(crate) fn task<'a>(
        &'a self,
        samples: usize,
        input: &'a [Lane],
        gradient: &'a [Lane],
        sums: &'a mut [[Pair; ROWS]],
    ) -> impl Task + 'a {
        AddTiles {
            of: self,
            samples,
            input,
            gradient,
            sums,
        }
    }

    /// Sends sums to their places in the weight, `[outputs, inputs, 3, 3]`.
    pub(crate) fn unpack(&self, sums: &[[Pair; ROWS]], weight: &mut [f32]) {
        for (output, filters) in weight.chunks_exact_mut(self.inputs * TAPS).enumerate() {
            let (pair, lane, place) = (output / 32, output / 16 % 2, output % 16);
            let own = &sums[pair * self.row_groups() * TAPS..][..self.row_groups() * TAPS];
            for (input, filter) in filters.chunks_exact_mut(TAPS).enumerate() {
                let taps = &own[input / ROWS * TAPS..][..TAPS];
                for (value, tap) in filter.iter_mut().zip(taps) {
                    *value = tap[input % ROWS][lane].0[place];
                }
            }
        }
    }

    /// Tiles of a run.
    fn run_length(&self, all: usize) -> usize {
        let tile_bytes =
            PRODUCTS * (self.row_groups() * ROWS * 4 + self.pairs() * size_of::<Pair>());
        let most = (RUN_BYTES / tile_bytes).max(LEAST);
        let runs = all.div_ceil(most).max(1);
        all.div_ceil(runs).max(1).next_multiple_of(STEP)
    }
}

struct AddTiles<'a> {
    of: &'a TiledGradient,
    samples: usize,
    /// `[sample][pixel][group]`
    input: &'a [Lane],
    gradient: &'a [Lane],
    sums: &'a mut [[Pair; ROWS]],
}

impl Task for AddTiles<'_> {
    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let of = self.of;
        let all = self.samples * of.tiling.per_image();
        let length = of.run_length(all);
        let mut scratch = SCRATCH.take();
        let (steps, pairs) = (length / STEP, of.pairs());
        grow(&mut scratch.left, PRODUCTS * of.row_groups() * steps);
        grow(&mut scratch.right, PRODUCTS * pairs * length);
        for start in (0..all).step_by(length) {
            let run = Run {
                of,
                first: start,
                count: length.min(all - start),
                length,
            };
            run.inputs(lanes, self.input, &mut scratch.left);
            run.gradients(lanes, self.gradient, &mut scratch.right);
            run.add(lanes, &scratch, self.sums);
        }
        SCRATCH.set(scratch);
    }
}

fn grow<T: Clone + Default>(buffer: &mut Vec<T>, length: usize) {
    if buffer.len() < length {
        buffer.resize(length, T::default());
    }
}

/// Tiles that are worked on together, in memory for `length`.
struct Run<'a> {
    of: &'a TiledGradient,
    first: usize,
    count: usize,
    length: usize,
}

impl Run<'_> {
    #[inline(always)]
    fn inputs<L: Lanes>(&self, lanes: L, input: &[Lane], left: &mut [Left]) {
        let tiling = &self.of.tiling;
        let groups = self.of.inputs.div_ceil(Lane::LENGTH);
        let row_groups = self.of.row_groups();
        let steps = self.length / STEP;
        for step in 0..self.count.div_ceil(STEP) {
            for group in 0..groups {
                // Tiles after the last are zeros.
                let mut tiles = [[Lane::default(); STEP]; PRODUCTS];
                let count = STEP.min(self.count - STEP * step);
                let mut place = tiling.place(self.first + STEP * step);
                for slot in 0..count {
                    let sight = Sight::new(tiling.geometry, place, groups);
                    let tile = sight.tile(lanes, input, group);
                    input_tile(lanes, tile, &mut tiles, slot);
                    place = tiling.next(place);
                }
                let channels = STEP.min(self.of.inputs - STEP * group);
                for (product, tiles) in tiles.iter().enumerate() {
                    let mut rows = [lanes.splat(0.0); STEP];
                    for slot in 0..STEP {
                        rows[slot] = lanes.load(&tiles[slot].0);
                    }
                    let columns = lanes.transpose(rows);
                    for channel in 0..channels {
                        let row = STEP * group + channel;
                        let at = (product * row_groups + row / ROWS) * steps + step;
                        lanes.store(&mut left[at][row % ROWS].0, columns[channel]);
                    }
                }
            }
        }
    }

    #[inline(always)]
    fn gradients<L: Lanes>(&self, lanes: L, gradient: &[Lane], right: &mut [Pair]) {
        let tiling = &self.of.tiling;
        let groups = self.of.outputs.div_ceil(Lane::LENGTH);
        let pairs = self.of.pairs();
        let mut place = tiling.place(self.first);
        let mut products = [[Lane::default(); 1]; PRODUCTS];
        for slot in 0..self.count.next_multiple_of(STEP) {
            for group in 0..groups {
                if slot < self.count {
                    let tile = read(lanes, tiling.geometry, place, gradient, (group, groups));
                    gradient_tile(lanes, tile, &mut products);
                } else {
                    products = [[Lane::default(); 1]; PRODUCTS];
                }
                for (product, [value]) in products.iter().enumerate() {
                    let at = (product * pairs + group / 2) * self.length + slot;
                    right[at][group % 2] = *value;
                }
            }
            place = tiling.next(place);
        }
    }

    #[inline(always)]
    fn add<L: Lanes>(&self, lanes: L, scratch: &Scratch, sums: &mut [[Pair; ROWS]]) {
        let (row_groups, pairs) = (self.of.row_groups(), self.of.pairs());
        let groups = self.of.outputs.div_ceil(Lane::LENGTH);
        let (steps, count) = (self.length / STEP, self.count.next_multiple_of(STEP));
        let mut products = [[Pair::default(); ROWS]; PRODUCTS];
        for (at, taps) in sums.chunks_exact_mut(TAPS).enumerate() {
            let (pair, row_group) = (at / row_groups, at % row_groups);
            let used = Used {
                rows: (self.of.inputs - ROWS * row_group).min(ROWS),
                lanes: (groups - 2 * pair).min(2),
            };
            for (product, out) in products.iter_mut().enumerate() {
                let left = &scratch.left[(product * row_groups + row_group) * steps..];
                let right = &scratch.right[(product * pairs + pair) * self.length..][..count];
                let terms = left.iter().zip(right.chunks(STEP));
                lanes.sum_of_products(terms, used, Sums::Fresh, out);
            }
            for row in 0..used.rows {
                for lane in 0..used.lanes {
                    let filter = weight_tile(lanes, &products, row, lane);
                    for (tap, value) in taps.iter_mut().zip(filter) {
                        let to = &mut tap[row][lane].0;
                        let sum = lanes.add(lanes.load(to), value);
                        lanes.store(to, sum);
                    }
                }
            }
        }
    }
}

/// The gradient to a tile's outputs, zero outside the map.
#[inline(always)]
fn read<L: Lanes>(
    lanes: L,
    geometry: Geometry,
    place: Place,
    gradient: &[Lane],
    (group, groups): (usize, usize),
) -> [[L::V; OUTPUTS]; OUTPUTS] {
    let (height, width) = (geometry.out_height, geometry.out_width);
    let mut tile = [[lanes.splat(0.0); OUTPUTS]; OUTPUTS];
    for i in 0..OUTPUTS.min(height - place.y) {
        let row = (place.image * height + place.y + i) * width + place.x;
        for j in 0..OUTPUTS {
            if place.x + j < width {
                tile[i][j] = lanes.load(&gradient[(row + j) * groups + group].0);
            }
        }
    }
    tile
}
