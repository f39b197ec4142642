//! Layers that look through a window: convolutions and pools.

use gifthorse_onnx::Attribute;

use super::Layers;

/// A convolution with a square kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conv {
    outputs: usize,
    window: Pool,
    bias: bool,
}

impl Conv {
    /// With a kernel of odd size, padded so that height and width stay.
    #[must_use]
    pub fn same(outputs: usize, kernel: usize) -> Self {
        Self::valid(outputs, kernel).pad(kernel / 2)
    }

    /// Without padding: height and width shrink by one less than the kernel.
    #[must_use]
    pub fn valid(outputs: usize, kernel: usize) -> Self {
        Self {
            outputs,
            window: Pool::new(kernel, 1),
            bias: true,
        }
    }

    /// Rows and columns of zeros on each side.
    #[must_use]
    pub fn pad(mut self, pad: usize) -> Self {
        self.window.pad = pad;
        self
    }

    /// Pixels from one window to the next.
    #[must_use]
    pub fn stride(mut self, stride: usize) -> Self {
        self.window.stride = stride;
        self
    }

    /// Without a bias, as before a normalisation, which would take it away.
    #[must_use]
    pub fn no_bias(mut self) -> Self {
        self.bias = false;
        self
    }
}

/// Square windows of a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pool {
    kernel: usize,
    stride: usize,
    pad: usize,
}

impl Pool {
    /// Windows of `kernel` pixels a side, `stride` pixels apart.
    #[must_use]
    pub const fn new(kernel: usize, stride: usize) -> Self {
        Self {
            kernel,
            stride,
            pad: 0,
        }
    }

    /// Padding on each side: counted as zeros by a mean, not counted by a maximum.
    #[must_use]
    pub const fn pad(mut self, pad: usize) -> Self {
        self.pad = pad;
        self
    }

    /// How many windows there are on a side; `None` if not even one fits.
    fn count(self, side: usize) -> Option<usize> {
        let free = (side + 2 * self.pad).checked_sub(self.kernel)?;
        (self.stride > 0 && self.kernel > 0).then(|| free / self.stride + 1)
    }

    fn attributes(self) -> [(&'static str, Attribute); 3] {
        let (kernel, stride, pad) = (self.kernel as i64, self.stride as i64, self.pad as i64);
        [
            ("kernel_shape", [kernel, kernel].into()),
            ("strides", [stride, stride].into()),
            ("pads", [pad, pad, pad, pad].into()),
        ]
    }
}

impl Layers {
    /// A convolution with a square kernel of odd size, padded so that height and width stay.
    pub fn conv(&mut self, name: &str, channels: usize, kernel: usize) -> &mut Self {
        self.convolve(name, Conv::same(channels, kernel))
    }

    /// A convolution.
    pub fn convolve(&mut self, name: &str, conv: Conv) -> &mut Self {
        let kernel = conv.window.kernel;
        let inputs = self.shape[0];
        if !self.slide(name, conv.window) {
            return self;
        }
        self.shape[0] = conv.outputs;
        let weight = self.weight(name, &[conv.outputs, inputs, kernel, kernel], 1.0);
        let bias = conv.bias.then(|| self.bias(name, conv.outputs));
        let parameters: Vec<&str> = std::iter::once(&weight)
            .chain(&bias)
            .map(String::as_str)
            .collect();
        self.node("Conv", name, &parameters, conv.window.attributes())
    }

    /// The largest of each 2x2 window; halves height and width, rounded down.
    pub fn max_pool(&mut self, name: &str) -> &mut Self {
        self.max_pool_of(name, Pool::new(2, 2))
    }

    /// The largest of each window.
    pub fn max_pool_of(&mut self, name: &str, pool: Pool) -> &mut Self {
        if !self.slide(name, pool) {
            return self;
        }
        self.node("MaxPool", name, &[], pool.attributes())
    }

    /// The mean of each window, padding counted as zeros.
    pub fn average_pool(&mut self, name: &str, pool: Pool) -> &mut Self {
        if !self.slide(name, pool) {
            return self;
        }
        let [kernel, strides, pads] = pool.attributes();
        let padded = ("count_include_pad", Attribute::from(1));
        self.node("AveragePool", name, &[], [kernel, strides, pads, padded])
    }

    /// The mean of each channel, as features.
    pub fn global_average(&mut self, name: &str) -> &mut Self {
        self.shape.truncate(1);
        self.node("GlobalAveragePool", name, &[], [])
            .flatten(&format!("{name}.flatten"))
    }

    /// Moves the shape on; false if that is impossible, or something before was.
    fn slide(&mut self, name: &str, window: Pool) -> bool {
        let &[channels, height, width] = self.shape.as_slice() else {
            self.mistake(format!(
                "`{name}` needs a map, and the layer before it gives none"
            ));
            return false;
        };
        if self.misfit.is_some() {
            return false;
        }
        match (window.count(height), window.count(width)) {
            (Some(rows), Some(columns)) => {
                self.shape = vec![channels, rows, columns];
                true
            }
            _ => {
                let Pool { kernel, pad, .. } = window;
                let padded = if pad > 0 {
                    format!(" with {pad} of padding")
                } else {
                    String::new()
                };
                self.refuse(format!(
                    "{height}x{width} pixels{padded} are left for the {kernel}x{kernel} windows of `{name}`"
                ));
                false
            }
        }
    }
}
