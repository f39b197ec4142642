//! The left operand: pixels of the source, gathered.

use std::ops::Range;

use super::columns::Part;
use super::patches::{Patches, Side};
use crate::lanes::{Lane, Lanes, Left, ROWS};

/// Where a row of a product comes from and goes to.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place {
    sample: usize,
    /// Which block along rows and columns.
    block: [usize; 2],
    /// The first lane of the block's first pixel in the result.
    pub(super) to: usize,
    /// How many rows and columns of the result there are from that pixel on.
    room: [usize; 2],
}

impl Place {
    /// Whether the pixel of a part of this row is inside the map.
    #[inline(always)]
    pub(super) fn has(&self, part: &Part) -> bool {
        part.cell[0] < self.room[0] && part.cell[1] < self.room[1]
    }
}

/// Says where rows `rows` of all samples' rows belong in some channels of the result.
pub(super) fn places(patches: &Patches, result: &Side, rows: Range<usize>, out: &mut Vec<Place>) {
    let [height, width] = [0, 1].map(|i| patches.axes[i].count);
    let map = result.map;
    let mut sample = rows.start / (height * width);
    let mut block = [rows.start / width % height, rows.start % width];
    out.clear();
    for _ in rows {
        let [y, x] = [0, 1].map(|i| patches.axes[i].start + block[i] * patches.axes[i].step);
        let pixel = (sample * map.height + y) * map.width + x;
        out.push(Place {
            sample,
            block,
            to: pixel * map.groups() + result.first_lane(),
            room: [map.height - y, map.width - x],
        });
        block[1] += 1;
        if block[1] == width {
            block = [block[0] + 1, 0];
            if block[0] == height {
                block[0] = 0;
                sample += 1;
            }
        }
    }
}

/// Scratch of the gathering.
#[derive(Debug, Default)]
pub(super) struct Gathering {
    /// A pixel of zeros.
    zeros: Vec<Lane>,
    lines: Lines,
}

impl Gathering {
    /// Starts a product on another source.
    pub(super) fn begin(&mut self, patches: &Patches) {
        self.zeros.clear();
        self.zeros.resize(patches.source.lanes(), Lane::default());
        if patches.dense {
            self.lines.begin(patches);
        }
    }

    /// Gathers rows into `[group of ROWS rows][lane of a row]`.
    #[inline(always)]
    pub(super) fn gather<L: Lanes>(
        &mut self,
        lanes: L,
        patches: &Patches,
        source: &[Lane],
        places: &[Place],
        out: &mut [Left],
    ) {
        let row_lanes = patches.row_lanes();
        if row_lanes == 0 {
            return;
        }
        for (places, out) in places.chunks(ROWS).zip(out.chunks_exact_mut(row_lanes)) {
            if patches.dense {
                for (row, &place) in places.iter().enumerate() {
                    self.lines
                        .gather_row(lanes, patches, source, place, (out, row));
                }
            } else {
                self.gather_group(lanes, patches, source, places, out);
            }
        }
    }

    /// Copies the pixels that a group of rows takes, one row of taps after the other.
    #[inline(always)]
    fn gather_group<L: Lanes>(
        &self,
        lanes: L,
        patches: &Patches,
        source: &[Lane],
        places: &[Place],
        out: &mut [Left],
    ) {
        let map = patches.source.map;
        let groups = map.groups();
        let [down, across] = &patches.axes;
        let first = across.taps.first().map_or(0, |tap| tap.offset);
        // The taps of a row are one piece of the source where all lie inside it.
        let whole = across.is_consecutive() && patches.source.lanes() == groups;
        let interior = across.interior(map.width);
        let runs = out.chunks_exact_mut(across.taps.len() * patches.run_lanes);
        for (tap, run) in down.taps.iter().zip(runs) {
            for (row, place) in places.iter().enumerate() {
                let y = (place.block[0] * down.source_step).wrapping_add_signed(tap.offset);
                if y >= map.height {
                    for to in run.iter_mut() {
                        lanes.store(&mut to[row].0, lanes.splat(0.0));
                    }
                    continue;
                }
                let line = (place.sample * map.height + y) * map.width;
                let x = place.block[1] * across.source_step;
                if whole && interior.contains(&place.block[1]) {
                    let from = &source[(line + x.wrapping_add_signed(first)) * groups..];
                    for (to, from) in run.iter_mut().zip(from) {
                        lanes.store(&mut to[row].0, lanes.load(&from.0));
                    }
                    continue;
                }
                let pixels = run.chunks_exact_mut(patches.run_lanes);
                for (tap, pixel) in across.taps.iter().zip(pixels) {
                    let x = x.wrapping_add_signed(tap.offset);
                    let from = if x < map.width {
                        &source[(line + x) * groups + patches.source.first_lane()..]
                    } else {
                        &self.zeros
                    };
                    for (to, from) in pixel.iter_mut().zip(from) {
                        lanes.store(&mut to[row].0, lanes.load(&from.0));
                    }
                }
            }
        }
    }
}

/// Lines of the source whose pixels lie side by side, with zeros for those outside the map.
#[derive(Debug, Default)]
struct Lines {
    /// `[slot][entry]`; the last slot is for lines outside the map and stays zero.
    values: Vec<f32>,
    /// Which line of all samples' lines each slot holds.
    held: Vec<Option<usize>>,
    /// Numbers of a slot.
    pitch: usize,
}

impl Lines {
    fn begin(&mut self, patches: &Patches) {
        let [rows, columns] = &patches.axes;
        let slots = match (rows.taps.first(), rows.taps.last()) {
            (Some(first), Some(last)) => (last.offset - first.offset) as usize + 1,
            _ => 0,
        };
        let pixels = (columns.count.max(1) - 1) * columns.source_step + columns.taps.len();
        // Whole lanes are written and read, so those of the last pixel reach beyond it.
        self.pitch = pixels * patches.source.channels + Lane::LENGTH;
        self.held.clear();
        self.held.resize(slots, None);
        self.values.clear();
        self.values.resize((slots + 1) * self.pitch, 0.0);
    }

    /// As [`Gathering::gather_row`], a row of taps at a time.
    #[inline(always)]
    fn gather_row<L: Lanes>(
        &mut self,
        lanes: L,
        patches: &Patches,
        source: &[Lane],
        place: Place,
        (out, row): (&mut [Left], usize),
    ) {
        let [rows, columns] = &patches.axes;
        let [y, x] = place.block;
        let start = x * columns.source_step * patches.source.channels;
        let runs = out.chunks_exact_mut(patches.run_lanes);
        for (tap, run) in rows.taps.iter().zip(runs) {
            let y = (y * rows.source_step).wrapping_add_signed(tap.offset);
            let slot = if y < patches.source.map.height {
                self.line(lanes, patches, source, place.sample, y)
            } else {
                self.held.len()
            };
            let line = &self.values[slot * self.pitch..][..self.pitch];
            let from = &line[start..];
            for (lane, to) in run.iter_mut().enumerate() {
                if let Some(from) = from
                    .get(Lane::LENGTH * lane..)
                    .and_then(<[f32]>::first_chunk)
                {
                    lanes.store(&mut to[row].0, lanes.load(from));
                }
            }
        }
    }

    /// The slot that holds line `y` of a sample, filled if need be.
    #[inline(always)]
    fn line<L: Lanes>(
        &mut self,
        lanes: L,
        patches: &Patches,
        source: &[Lane],
        sample: usize,
        y: usize,
    ) -> usize {
        let map = patches.source.map;
        let (line, slot) = (sample * map.height + y, y % self.held.len());
        if self.held[slot] == Some(line) {
            return slot;
        }
        self.held[slot] = Some(line);
        let offset = patches.axes[1].taps.first().map_or(0, |tap| tap.offset);
        let channels = patches.source.channels;
        let values = &mut self.values[slot * self.pitch..][..self.pitch];
        let pixels = (self.pitch - Lane::LENGTH) / channels;
        // What a lane has beyond its channels is overwritten by the next pixel.
        let before = offset.min(0).unsigned_abs().min(pixels);
        values[..before * channels].fill(0.0);
        let first = offset.max(0) as usize;
        let end = map
            .width
            .min((pixels as isize + offset).max(0) as usize)
            .max(first);
        let from = &source[(line * map.width + first) * map.groups()..];
        let mut at = before * channels;
        for pixel in from.iter().step_by(map.groups()).take(end - first) {
            if let Some(to) = values.get_mut(at..).and_then(<[f32]>::first_chunk_mut) {
                lanes.store(to, lanes.load(&pixel.0));
            }
            at += channels;
        }
        values[at..].fill(0.0);
        slot
    }
}
