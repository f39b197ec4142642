//! Windows that slide over a map.

/// Two-dimensional window geometry, in (height, width) order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Window {
    /// Size of the window.
    pub kernel: [usize; 2],
    /// Step between windows.
    pub stride: [usize; 2],
    /// Distance between the window's taps.
    pub dilation: [usize; 2],
    /// Entries added before and after each axis.
    pub pads: [(usize, usize); 2],
}

impl Window {
    /// How many windows fit on each axis of a map of this height and width; `None` where none does,
    /// or if the window has no taps or does not move.
    pub fn outputs(&self, size: [usize; 2]) -> Option<[usize; 2]> {
        let mut outputs = [0; 2];
        for i in 0..2 {
            let (before, after) = self.pads[i];
            let padded = size[i].checked_add(before)?.checked_add(after)?;
            let reach = self.kernel[i]
                .checked_sub(1)?
                .checked_mul(self.dilation[i])?;
            // The first window takes one entry more than it reaches.
            let room = padded.checked_sub(reach)?.checked_sub(1)?;
            outputs[i] = room.checked_div(self.stride[i])? + 1;
        }
        Some(outputs)
    }
}
