//! One of the two operands.

use crate::lanes::across::lanes_of;
use crate::lanes::map::MapShape;
use crate::lanes::{Lane, Lanes};

/// Whether an operand has a number for each pixel, or one that stands for all pixels; and likewise
/// for channels.
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
    /// `None` if a constant has another number of elements than its extent says, or none.
    pub(super) fn new(whole: MapShape, operand: Operand) -> Option<Self> {
        let (extent, constant) = match operand {
            Operand::Value(extent) => (extent, None),
            Operand::Constant(extent, values) => (extent, Some(values)),
        };
        let shape = extent.of(whole);
        let fits = |values: &Vec<f32>| !values.is_empty() && values.len() == shape.elements();
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

    /// The way through the operand's lanes, for a group of samples. Of a value that is not there
    /// zeros are read: nobody needs it.
    #[inline(always)]
    pub(super) fn walk<'a>(&'a self, value: Option<&'a [Lane]>) -> Walk<'a> {
        let (lanes, per_sample) = match (&self.constant, value) {
            (Some(constant), _) => (&constant[..], 0),
            (None, Some(value)) => (value, self.shape.lanes()),
            (None, None) => return Walk::ZEROS,
        };
        Walk {
            lanes,
            per_sample,
            per_pixel: if self.extent.pixels {
                self.shape.groups()
            } else {
                0
            },
            per_group: usize::from(self.extent.channels),
        }
    }
}

/// Where an operand's lane lies for each lane of the result.
#[derive(Clone, Copy)]
pub(super) struct Walk<'a> {
    lanes: &'a [Lane],
    per_sample: usize,
    per_pixel: usize,
    /// If it is 0, the first number of the lane stands for all channels.
    per_group: usize,
}

impl<'a> Walk<'a> {
    const ZEROS: Self = Self {
        lanes: &[Lane([0.0; Lane::LENGTH])],
        per_sample: 0,
        per_pixel: 0,
        per_group: 0,
    };

    /// From this pixel on.
    #[inline(always)]
    pub(super) fn pixel(&self, sample: usize, pixel: usize) -> &'a [Lane] {
        &self.lanes[sample * self.per_sample + pixel * self.per_pixel..]
    }

    /// One lane of a pixel.
    #[inline(always)]
    pub(super) fn lane<L: Lanes>(&self, l: L, pixel: &[Lane], group: usize) -> L::V {
        if self.per_group == 1 {
            l.load(&pixel[group].0)
        } else {
            l.splat(pixel[0].0[0])
        }
    }
}
