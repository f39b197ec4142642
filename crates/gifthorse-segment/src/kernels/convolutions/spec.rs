//! What a convolution is, for every kernel that computes one.

use std::ops::Range;

use crate::kernels::convolutions::axis::Slide;
use crate::kernels::window::Window;
use crate::lanes::map::MapShape;

/// A convolution of a map, or a transposed one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ConvSpec {
    pub(crate) input: MapShape,
    pub(crate) output: MapShape,
    /// Slides over the input; over the output if transposed.
    pub(crate) window: Window,
    /// Divides the channels of both maps.
    pub(crate) groups: usize,
    pub(crate) transposed: bool,
}

impl ConvSpec {
    /// The map over which the window slides.
    pub(crate) fn wide(&self) -> MapShape {
        if self.transposed {
            self.output
        } else {
            self.input
        }
    }

    /// The map with a pixel for each window.
    pub(crate) fn narrow(&self) -> MapShape {
        if self.transposed {
            self.input
        } else {
            self.output
        }
    }

    /// The geometry along both axes.
    pub(crate) fn slides(&self) -> [Slide; 2] {
        let (wide, narrow) = (self.wide(), self.narrow());
        let sizes = [(wide.height, narrow.height), (wide.width, narrow.width)];
        [0, 1].map(|i| Slide {
            kernel: self.window.kernel[i],
            stride: self.window.stride[i],
            dilation: self.window.dilation[i],
            pad: self.window.pads[i].0,
            input: sizes[i].0,
            output: sizes[i].1,
        })
    }

    /// Entries of the weight,
    /// `[narrow channels, wide channels / groups, kernel height, kernel width]`: that is
    /// `[out, in / groups, ..]` of a convolution and `[in, out / groups, ..]` of a transposed one.
    pub(crate) fn weight_length(&self) -> usize {
        let [height, width] = self.window.kernel;
        self.narrow().channels * self.wide().channels / self.groups * height * width
    }

    /// Whether it is a convolution at all: nothing empty, and groups that divide the channels of
    /// both maps.
    pub(crate) fn is_sound(&self) -> bool {
        let Window {
            kernel,
            stride,
            dilation,
            ..
        } = self.window;
        let (narrow, wide) = (self.narrow(), self.wide());
        let divides = |map: MapShape| map.channels.checked_rem(self.groups) == Some(0);
        let sizes = [kernel, stride, dilation].into_iter().flatten();
        let mut sizes = sizes.chain([narrow.elements(), wide.elements()]);
        sizes.all(|n| n > 0) && divides(narrow) && divides(wide)
    }

    /// Whether it is, and the weight and the bias have as many entries as it wants.
    pub(crate) fn takes(&self, weight: &[f32], bias: Option<&[f32]>) -> bool {
        self.is_sound()
            && weight.len() == self.weight_length()
            && bias.is_none_or(|bias| bias.len() == self.output.channels)
    }

    /// Where entry (row, column) of the kernel between two channels is in the weight; `None` if
    /// they are in different groups.
    #[inline]
    pub(crate) fn weight_at(
        &self,
        narrow: usize,
        wide: usize,
        [row, column]: [usize; 2],
    ) -> Option<usize> {
        let [height, width] = self.window.kernel;
        let wide_each = self.wide().channels / self.groups;
        let narrow_each = self.narrow().channels / self.groups;
        (wide / wide_each == narrow / narrow_each)
            .then(|| ((narrow * wide_each + wide % wide_each) * height + row) * width + column)
    }

    /// The channels of the other map that are in the group of a channel of one of them.
    pub(crate) fn partners(&self, channel: usize, of_narrow: bool) -> Range<usize> {
        let narrow = self.narrow().channels / self.groups;
        let wide = self.wide().channels / self.groups;
        let (own, other) = if of_narrow {
            (narrow, wide)
        } else {
            (wide, narrow)
        };
        let group = channel / own;
        other * group..other * (group + 1)
    }

    /// How far apart entries of the weight are that differ by one in their wide channel, or in
    /// their narrow one.
    pub(crate) fn weight_stride(&self, along_wide: bool) -> usize {
        let [height, width] = self.window.kernel;
        let wide = self.wide().channels / self.groups;
        height * width * if along_wide { 1 } else { wide }
    }
}
