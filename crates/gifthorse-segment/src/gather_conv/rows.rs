//! The left operand: pixels of the source, gathered.

use std::ops::Range;

use super::sweep::Sweep;
use crate::lanes::{Lane, Lanes, Left, ROWS};

/// Where a row of a product comes from and goes to.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place {
    pub(super) sample: usize,
    /// Which block along rows and columns.
    pub(super) block: [usize; 2],
}

/// Says where rows `rows` of all samples' rows belong.
pub(super) fn places(sweep: &Sweep, rows: Range<usize>, out: &mut Vec<Place>) {
    let [height, width] = [0, 1].map(|i| sweep.axes[i].count);
    out.clear();
    let mut next = Place {
        sample: rows.start / (height * width),
        block: [rows.start / width % height, rows.start % width],
    };
    for _ in rows {
        out.push(next);
        next.block[1] += 1;
        if next.block[1] == width {
            next.block = [next.block[0] + 1, 0];
            if next.block[0] == height {
                next.block[0] = 0;
                next.sample += 1;
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
    pub(super) fn begin(&mut self, sweep: &Sweep) {
        self.zeros.clear();
        self.zeros.resize(sweep.source.lanes(), Lane::default());
        if sweep.dense {
            self.lines.begin(sweep);
        }
    }

    /// Gathers rows into `[group of ROWS rows][lane of a row]`.
    #[inline(always)]
    pub(super) fn gather<L: Lanes>(
        &mut self,
        lanes: L,
        sweep: &Sweep,
        source: &[Lane],
        places: &[Place],
        out: &mut [Left],
    ) {
        let row_lanes = sweep.row_lanes();
        if row_lanes == 0 {
            return;
        }
        for (places, out) in places.chunks(ROWS).zip(out.chunks_exact_mut(row_lanes)) {
            for (row, &place) in places.iter().enumerate() {
                if sweep.dense {
                    self.lines
                        .gather_row(lanes, sweep, source, place, (out, row));
                } else {
                    self.gather_row(lanes, sweep, source, place, (out, row));
                }
            }
        }
    }

    /// Copies the pixels that one row takes, tap by tap.
    #[inline(always)]
    fn gather_row<L: Lanes>(
        &self,
        lanes: L,
        sweep: &Sweep,
        source: &[Lane],
        place: Place,
        (out, row): (&mut [Left], usize),
    ) {
        let map = sweep.source.map;
        let groups = map.groups();
        let [rows, columns] = &sweep.axes;
        let [y, x] = place.block;
        let (y, x) = (y * rows.source_step, x * columns.source_step);
        let mut out = out.chunks_exact_mut(sweep.run_lanes);
        for tap in &rows.taps {
            let y = y.wrapping_add_signed(tap.offset);
            let line = place.sample * map.height + y.min(map.height);
            for tap in &columns.taps {
                let x = x.wrapping_add_signed(tap.offset);
                let from = if y < map.height && x < map.width {
                    &source[(line * map.width + x) * groups + sweep.source.first_lane()..]
                } else {
                    &self.zeros
                };
                if let Some(out) = out.next() {
                    for (to, from) in out.iter_mut().zip(from) {
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
    fn begin(&mut self, sweep: &Sweep) {
        let [rows, columns] = &sweep.axes;
        let slots = match (rows.taps.first(), rows.taps.last()) {
            (Some(first), Some(last)) => (last.offset - first.offset) as usize + 1,
            _ => 0,
        };
        let pixels = (columns.count.max(1) - 1) * columns.source_step + columns.taps.len();
        // Whole lanes are written and read, so those of the last pixel reach beyond it.
        self.pitch = pixels * sweep.source.channels + Lane::LENGTH;
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
        sweep: &Sweep,
        source: &[Lane],
        place: Place,
        (out, row): (&mut [Left], usize),
    ) {
        let [rows, columns] = &sweep.axes;
        let [y, x] = place.block;
        let start = x * columns.source_step * sweep.source.channels;
        let runs = out.chunks_exact_mut(sweep.run_lanes);
        for (tap, run) in rows.taps.iter().zip(runs) {
            let y = (y * rows.source_step).wrapping_add_signed(tap.offset);
            let slot = if y < sweep.source.map.height {
                self.line(lanes, sweep, source, place.sample, y)
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
        sweep: &Sweep,
        source: &[Lane],
        sample: usize,
        y: usize,
    ) -> usize {
        let map = sweep.source.map;
        let (line, slot) = (sample * map.height + y, y % self.held.len());
        if self.held[slot] == Some(line) {
            return slot;
        }
        self.held[slot] = Some(line);
        let offset = sweep.axes[1].taps.first().map_or(0, |tap| tap.offset);
        let channels = sweep.source.channels;
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
