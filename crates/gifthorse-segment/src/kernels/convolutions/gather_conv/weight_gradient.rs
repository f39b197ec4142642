//! The gradient to a convolution's weight, from the same gathered pixels.
//!
//! Each window's pixels, times the narrow map's value at that window, summed over all windows: a
//! product whose sum runs over pixels. So pixels lie along the lanes of its left operand, which is
//! the gathered rows transposed, sixteen pixels by sixteen entries at a time; the right operand is
//! the narrow map.
//!
//! 3x3 convolutions of many channels are left to [`TiledGradient`], which makes a quarter of the
//! products.

use std::cell::Cell;

use super::bundle::Bundles;
use super::patches::{Patches, Side};
use super::rows::{Gathering, Place, places};
use crate::kernels::convolutions::spec::ConvSpec;
use crate::kernels::convolutions::winograd::TiledGradient;
use crate::lanes::{Isa, Lane, Lanes, Left, Pair, ROWS, Sums, Task, Used};

/// Pixels of a block at most: with two lanes of the narrow map, 24 KB.
const PIXELS: usize = 192;

/// The fewest pixels that are whole groups of rows and whole lanes.
const STEP: usize = 48;

/// Bytes of a block of transposed rows.
const BLOCK: usize = 1 << 20;

thread_local! {
    static BLOCKS: Cell<Block> = Cell::default();
}

/// Computes the gradients to a convolution's weight and bias.
#[derive(Debug)]
pub(crate) struct WeightGradient {
    spec: ConvSpec,
    bundles: Vec<Sides>,
    /// Does the work for the convolutions that it fits.
    tiled: Option<TiledGradient>,
    isa: Isa,
}

/// Which of the two gradients are asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) weight: bool,
    pub(crate) bias: bool,
}

/// Gradients in the making, as the products lie in memory; empty where they are not asked for.
#[derive(Debug)]
pub(crate) struct WeightSums {
    /// `[bundle][pair][group of rows]`; or one list, as the tiles' sums lie.
    weight: Vec<Vec<[Pair; ROWS]>>,
    /// `[group of channels]`
    bias: Vec<Lane>,
}

impl WeightGradient {
    /// For a convolution of this kind.
    pub(crate) fn new(spec: ConvSpec) -> Self {
        Self::with(Isa::detect(), spec)
    }

    /// With an instruction set of choice.
    pub(super) fn with(isa: Isa, spec: ConvSpec) -> Self {
        Self {
            tiled: TiledGradient::new(&spec),
            ..Self::direct(isa, spec)
        }
    }

    /// By direct products, whatever the convolution.
    pub(super) fn direct(isa: Isa, spec: ConvSpec) -> Self {
        let bundles = Bundles::of(&spec);
        let sides = |bundle| {
            let side = |map, channels| Side {
                map,
                first: bundle * channels,
                channels,
            };
            let axes = spec.slides().map(|slide| slide.forward(1));
            Sides {
                patches: Patches::new(axes, side(spec.wide(), bundles.wide)),
                narrow: side(spec.narrow(), bundles.narrow),
            }
        };
        Self {
            bundles: (0..bundles.count).map(sides).collect(),
            spec,
            tiled: None,
            isa,
        }
    }

    /// Sums of nothing.
    pub(crate) fn zeros(&self, asked: Asked) -> WeightSums {
        let bundles = self.bundles.iter().filter(|_| asked.weight);
        let zeros = |sides: &Sides| {
            let count = sides.row_groups() * sides.pairs();
            vec![[Pair::default(); ROWS]; count]
        };
        let groups = self.spec.output.groups();
        let weight = match &self.tiled {
            Some(tiled) if asked.weight => vec![tiled.zeros()],
            _ => bundles.map(zeros).collect(),
        };
        WeightSums {
            weight,
            bias: vec![Lane::default(); if asked.bias { groups } else { 0 }],
        }
    }

    /// Adds what samples contribute, from the convolution's inputs (which only the gradient to the
    /// weight needs) and the gradient to its outputs.
    pub(crate) fn add(
        &self,
        samples: usize,
        input: &[Lane],
        gradient: &[Lane],
        sums: &mut WeightSums,
    ) {
        if let (Some(tiled), [sums]) = (&self.tiled, &mut sums.weight[..]) {
            self.isa.run(tiled.task(samples, input, gradient, sums));
        } else {
            self.add_directly(samples, input, gradient, sums);
        }
        if !sums.bias.is_empty() {
            self.isa.run(SumPixels {
                width: self.spec.output.width,
                values: gradient,
                sums: &mut sums.bias,
            });
        }
    }

    fn add_directly(
        &self,
        samples: usize,
        input: &[Lane],
        gradient: &[Lane],
        sums: &mut WeightSums,
    ) {
        let (narrow, wide) = if self.spec.transposed {
            (input, gradient)
        } else {
            (gradient, input)
        };
        let mut block = BLOCKS.take();
        for (sides, sums) in self.bundles.iter().zip(&mut sums.weight) {
            self.isa.run(Product {
                sides,
                samples,
                source: wide,
                narrow,
                sums,
                block: &mut block,
            });
        }
        BLOCKS.set(block);
    }

    /// The gradients to the weight, as [`GatherConv::new`](super::GatherConv::new) takes it, and to
    /// the bias; empty where they were not asked for.
    pub(crate) fn finish(&self, sums: &WeightSums) -> (Vec<f32>, Vec<f32>) {
        let mut weight = Vec::new();
        if !sums.weight.is_empty() {
            weight.resize(self.spec.weight_length(), 0.0);
        }
        match (&self.tiled, &sums.weight[..]) {
            (Some(tiled), [sums]) => tiled.unpack(sums, &mut weight),
            _ => {
                for (sides, sums) in self.bundles.iter().zip(&sums.weight) {
                    sides.unpack(&self.spec, sums, &mut weight);
                }
            }
        }
        let bias = sums.bias.iter().flat_map(|lane| lane.0);
        (weight, bias.take(self.spec.output.channels).collect())
    }
}

impl WeightSums {
    /// Adds the sums over other samples.
    pub(crate) fn join(&mut self, other: &Self) {
        for (own, other) in self.weight.iter_mut().zip(&other.weight) {
            let pairs = own.as_flattened_mut().as_flattened_mut();
            add(pairs, other.as_flattened().as_flattened());
        }
        add(&mut self.bias, &other.bias);
    }
}

fn add(sums: &mut [Lane], others: &[Lane]) {
    for (sum, other) in sums.iter_mut().zip(others) {
        for (sum, other) in sum.0.iter_mut().zip(other.0) {
            *sum += other;
        }
    }
}

/// The two maps of a bundle of groups.
#[derive(Debug)]
struct Sides {
    patches: Patches,
    narrow: Side,
}

impl Sides {
    /// Groups of rows of the product, whose rows are the entries of a gathered row.
    fn row_groups(&self) -> usize {
        self.patches.depth().div_ceil(ROWS)
    }

    /// Pairs of lanes of the product, whose columns are the narrow map's channels.
    fn pairs(&self) -> usize {
        self.narrow.lanes().div_ceil(2)
    }

    /// Sends sums, `[pair][group of rows]`, to their places in the weight.
    fn unpack(&self, spec: &ConvSpec, sums: &[[Pair; ROWS]], weight: &mut [f32]) {
        let [down, across] = &self.patches.axes;
        let source = self.patches.source;
        let taps = down
            .taps
            .iter()
            .flat_map(|y| across.taps.iter().map(move |x| (y.kernel[0], x.kernel[0])));
        // Channels of the narrow map are outermost in the weight as well.
        for narrow in 0..self.narrow.channels {
            let sums = &sums[narrow / 32 * self.row_groups()..][..self.row_groups()];
            let mut sums = sums
                .as_flattened()
                .iter()
                .map(|pair| pair[narrow / 16 % 2].0[narrow % 16]);
            for tap in taps.clone() {
                for (channel, sum) in (0..source.channels).zip(&mut sums) {
                    let (Some(row), Some(column)) = tap else {
                        continue;
                    };
                    let place = spec.weight_at(
                        self.narrow.first + narrow,
                        source.first + channel,
                        [row, column],
                    );
                    if let Some(at) = place {
                        weight[at] = sum;
                    }
                }
            }
        }
    }
}

/// WeightSums over all pixels of all samples.
struct Product<'a> {
    sides: &'a Sides,
    samples: usize,
    source: &'a [Lane],
    narrow: &'a [Lane],
    /// `[pair][group of rows]`
    sums: &'a mut [[Pair; ROWS]],
    block: &'a mut Block,
}

/// A block of pixels. A thread keeps its memory between calls.
#[derive(Debug, Default)]
struct Block {
    gathering: Gathering,
    places: Vec<Place>,
    /// Gathered rows, `[group of ROWS pixels][lane of a row]`.
    rows: Vec<Left>,
    /// The same transposed, `[group of ROWS entries][group of sixteen pixels]`.
    left: Vec<Left>,
    /// Two lanes of the narrow map for each pixel.
    right: Vec<Pair>,
    /// What the block adds to one group of sums.
    sums: [Pair; ROWS],
}

impl Task for Product<'_> {
    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let Sides { patches, narrow } = self.sides;
        let (row_groups, row_lanes) = (self.sides.row_groups(), patches.row_lanes());
        if row_lanes == 0 {
            return;
        }
        let pixels = self.samples * patches.rows();
        let step_bytes = STEP / 16 * row_groups * size_of::<Left>();
        let length = (BLOCK / step_bytes * STEP).clamp(STEP, PIXELS);
        let block = self.block;
        block.gathering.begin(patches);
        block.grow(length / ROWS * row_lanes, length / 16 * row_groups);
        for start in (0..pixels).step_by(length) {
            let range = start..pixels.min(start + length);
            places(patches, narrow, range.clone(), &mut block.places);
            block
                .gathering
                .gather(lanes, patches, self.source, &block.places, &mut block.rows);
            let groups = range.len().div_ceil(16);
            block.transpose(lanes, patches, groups);
            for (pair, sums) in self.sums.chunks_exact_mut(row_groups).enumerate() {
                let used_lanes = (narrow.lanes() - 2 * pair).min(2);
                block.right.clear();
                for place in &block.places {
                    let mut values = Pair::default();
                    let from = &self.narrow[place.to + 2 * pair..][..used_lanes];
                    values[..used_lanes].copy_from_slice(from);
                    block.right.push(values);
                }
                for (group, (left, sums)) in block.left.chunks_exact(groups).zip(sums).enumerate() {
                    let used = Used {
                        rows: (patches.depth() - ROWS * group).min(ROWS),
                        lanes: used_lanes,
                    };
                    let terms = left.iter().zip(block.right.chunks(16));
                    // Each block has sums of its own, so that none is over very many pixels.
                    lanes.sum_of_products(terms, used, Sums::Fresh, &mut block.sums);
                    for (sum, part) in sums.iter_mut().zip(&block.sums) {
                        for lane in 0..used_lanes {
                            let value = lanes.load(&part[lane].0);
                            let value = lanes.add(lanes.load(&sum[lane].0), value);
                            lanes.store(&mut sum[lane].0, value);
                        }
                    }
                }
            }
        }
    }
}

impl Block {
    /// Makes room for gathered rows and for transposed ones.
    fn grow(&mut self, rows: usize, left: usize) {
        for (buffer, length) in [(&mut self.rows, rows), (&mut self.left, left)] {
            if buffer.len() < length {
                buffer.resize(length, [Lane::default(); ROWS]);
            }
        }
    }

    /// Turns gathered rows of `groups` times sixteen pixels into rows of entries.
    #[inline(always)]
    fn transpose<L: Lanes>(&mut self, lanes: L, patches: &Patches, groups: usize) {
        let row_lanes = patches.row_lanes();
        for group in 0..groups {
            for lane in 0..row_lanes {
                let mut pixels = [lanes.splat(0.0); 16];
                for i in 0..16 {
                    let pixel = 16 * group + i;
                    let row = &self.rows[pixel / ROWS * row_lanes + lane][pixel % ROWS];
                    pixels[i] = lanes.load(&row.0);
                }
                let entries = lanes.transpose(pixels);
                let (first, end) = (patches.entries[lane], patches.entries[lane + 1]);
                for (entry, value) in (first..end).zip(entries) {
                    let to = &mut self.left[entry / ROWS * groups + group][entry % ROWS];
                    lanes.store(&mut to.0, value);
                }
            }
        }
    }
}

/// Adds up all pixels, row by row so that no sum is of very many.
struct SumPixels<'a> {
    /// Pixels of a row.
    width: usize,
    values: &'a [Lane],
    /// `[group of channels]`
    sums: &'a mut [Lane],
}

impl Task for SumPixels<'_> {
    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let groups = self.sums.len();
        for row in self.values.chunks_exact(self.width * groups) {
            for (group, total) in self.sums.iter_mut().enumerate() {
                let mut sum = lanes.splat(0.0);
                for pixel in row.chunks_exact(groups) {
                    sum = lanes.add(sum, lanes.load(&pixel[group].0));
                }
                let value = lanes.add(lanes.load(&total.0), sum);
                lanes.store(&mut total.0, value);
            }
        }
    }
}
