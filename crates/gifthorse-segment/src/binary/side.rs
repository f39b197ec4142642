//! One of the two operands.

use crate::across::lanes_of;
use crate::lanes::{Lane, Lanes};
use crate::map::MapShape;

/// Whether an operand has a number for each pixel, or one that stands for all pixels; and likewise for channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// A number for each pixel.
    pub pixels: bool,
    /// A number for each channel.
    pub channels: bool,
}

impl Extent {
    /// A number for each element.
    pub const ALL: Self = Self {
        pixels: true,
        channels: true,
    };

    /// One for each channel, for all pixels.
    pub const CHANNELS: Self = Self {
        pixels: false,
        channels: true,
    };

    /// A single number.
    pub const NONE: Self = Self {
        pixels: false,
        channels: false,
    };

    /// The shape of an operand whose result has shape `whole`.
    fn of(self, whole: MapShape) -> MapShape {
        let [height, width] = if self.pixels {
            [whole.height, whole.width]
        } else {
            [1, 1]
        };
        MapShape {
            height,
            width,
            channels: if self.channels { whole.channels } else { 1 },
        }
    }
}

/// What an operand is.
#[derive(Clone, Debug)]
pub enum Operand {
    /// A value of the network.
    Value(Extent),
    /// Numbers in the order `[pixel][channel]`, as many as the extent has.
    Constant(Extent, Vec<f32>),
}

/// An operand with its place in memory.
#[derive(Debug)]
pub(super) struct Side {
    extent: Extent,
    shape: MapShape,
    constant: Option<Vec<Lane>>,
}

impl Side {
    /// `None` if a constant has another number of elements than its extent says.
    pub(super) fn new(whole: MapShape, operand: Operand) -> Option<Self> {
        let (extent, constant) = match operand {
            Operand::Value(extent) => (extent, None),
            Operand::Constant(extent, values) => (extent, Some(values)),
        };
        let shape = extent.of(whole);
        let fits = |values: &Vec<f32>| values.len() == shape.elements();
        if !constant.as_ref().is_none_or(fits) {
            return None;
        }
        let pixels = |values: Vec<f32>| values.chunks(shape.channels).flat_map(lanes_of).collect();
        Some(Self {
            extent,
            shape,
            constant: constant.map(pixels),
        })
    }

    pub(super) fn is_value(&self) -> bool {
        self.constant.is_none()
    }

    pub(super) fn constant(&self) -> Option<&[Lane]> {
        self.constant.as_deref()
    }

    pub(super) fn shape(&self) -> MapShape {
        self.shape
    }

    #[inline(always)]
    pub(super) fn extent(&self) -> Extent {
        self.extent
    }

    /// The operand's numbers for one lane of the result; zeros if its value is not there, since then nobody reads them.
    #[inline(always)]
    pub(super) fn lane<L: Lanes>(
        &self,
        l: L,
        lanes: &[Lane],
        sample: usize,
        pixel: usize,
        group: usize,
    ) -> L::V {
        let sample = if self.is_value() { sample } else { 0 };
        let pixel = if self.extent.pixels { pixel } else { 0 };
        let group = if self.extent.channels { group } else { 0 };
        let at = (sample * self.shape.pixels() + pixel) * self.shape.groups() + group;
        match lanes.get(at) {
            Some(lane) if self.extent.channels => l.load(&lane.0),
            Some(lane) => l.splat(lane.0[0]),
            None => l.splat(0.0),
        }
    }
}
