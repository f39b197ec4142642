//! The first stage: input tiles, transformed.
//!
//! Channels are the vector dimension: each step of the transform works on sixteen of them.

use std::ops::Range;

use super::tiling::{Geometry, Place, Tiling};
use super::transform::{INPUTS, PRODUCTS, input_tile};
use crate::lanes::{Lane, Lanes, Left, ROWS, Task};

/// Transforms the input of a run of tiles.
pub(super) struct InputStage<'a> {
    /// `[image][row][column][group]`
    pub(super) input: &'a [Lane],
    /// Groups of sixteen channels.
    pub(super) groups: usize,
    pub(super) tiling: &'a Tiling,
    pub(super) tiles: Range<usize>,
    /// `[group of ROWS tiles][group of sixteen channels][product]`
    pub(super) out: &'a mut [[Left; PRODUCTS]],
}

impl Task for InputStage<'_> {
    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let geometry = self.tiling.geometry;
        let mut place = self.tiling.place(self.tiles.start);
        for slot in 0..self.tiles.len() {
            let window = Sight::new(geometry, place, self.groups);
            for group in 0..self.groups {
                let tile = window.tile(lanes, self.input, group);
                let out = &mut self.out[slot / ROWS * self.groups + group];
                input_tile(lanes, tile, out, slot % ROWS);
            }
            place = self.tiling.next(place);
        }
    }
}

/// The 6x6 inputs that a tile sees.
pub(super) struct Sight {
    /// Whether all of them lie in the image.
    inside: bool,
    /// First lane of the image.
    image: usize,
    /// Row and column of the first input; outside the image where negative.
    top: isize,
    left: isize,
    geometry: Geometry,
    groups: usize,
}

impl Sight {
    #[inline(always)]
    pub(super) fn new(geometry: Geometry, place: Place, groups: usize) -> Self {
        let Geometry { height, width, .. } = geometry;
        let top = place.y as isize - geometry.top;
        let left = place.x as isize - geometry.left;
        let fits = |start: isize, size: usize| start >= 0 && start as usize + INPUTS <= size;
        Self {
            inside: fits(top, height) && fits(left, width),
            image: place.image * height * width * groups,
            top,
            left,
            geometry,
            groups,
        }
    }

    /// One group of channels, zero outside the image.
    #[inline(always)]
    pub(super) fn tile<L: Lanes>(
        &self,
        lanes: L,
        input: &[Lane],
        group: usize,
    ) -> [[L::V; INPUTS]; INPUTS] {
        match self.inside {
            true => self.read_inside(lanes, input, group),
            false => self.read(lanes, input, group),
        }
    }

    #[inline(always)]
    fn read_inside<L: Lanes>(
        &self,
        lanes: L,
        input: &[Lane],
        group: usize,
    ) -> [[L::V; INPUTS]; INPUTS] {
        let width = self.geometry.width;
        let mut tile = [[lanes.splat(0.0); INPUTS]; INPUTS];
        for i in 0..INPUTS {
            let row = (self.top as usize + i) * width + self.left as usize;
            let start = self.image + row * self.groups + group;
            for j in 0..INPUTS {
                tile[i][j] = lanes.load(&input[start + j * self.groups].0);
            }
        }
        tile
    }

    #[inline(always)]
    fn read<L: Lanes>(&self, lanes: L, input: &[Lane], group: usize) -> [[L::V; INPUTS]; INPUTS] {
        let Geometry { height, width, .. } = self.geometry;
        let mut tile = [[lanes.splat(0.0); INPUTS]; INPUTS];
        for i in 0..INPUTS {
            let y = self.top + i as isize;
            if y < 0 || y as usize >= height {
                continue;
            }
            for j in 0..INPUTS {
                let x = self.left + j as isize;
                if x < 0 || x as usize >= width {
                    continue;
                }
                let pixel = y as usize * width + x as usize;
                tile[i][j] = lanes.load(&input[self.image + pixel * self.groups + group].0);
            }
        }
        tile
    }
}
