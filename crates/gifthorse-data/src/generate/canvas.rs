//! The picture while it is being painted: linear colour, any value, opaque paint laid over it by
//! coverage.

/// Red, green and blue, nominally in `[0, 1]`.
pub(super) type Colour = [f32; 3];

/// A square picture, row by row.
#[derive(Debug, Clone)]
pub(super) struct Canvas {
    size: usize,
    pixels: Vec<Colour>,
}

impl Canvas {
    /// A picture of one colour, `size` pixels wide and high.
    pub(super) fn filled(size: usize, colour: Colour) -> Self {
        Self {
            size,
            pixels: vec![colour; size * size],
        }
    }

    /// Width and height in pixels.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// Width and height as a length, for geometry.
    pub(super) fn side(&self) -> f32 {
        self.size as f32
    }

    /// The pixels, row by row.
    pub(super) fn pixels(&self) -> &[Colour] {
        &self.pixels
    }

    /// Lays `colour` over every pixel by the coverage in `[0, 1]` that `coverage` gives for the
    /// pixel's centre.
    pub(super) fn paint(&mut self, colour: Colour, coverage: impl Fn([f32; 2]) -> f32) {
        self.map(|centre, pixel| {
            let share = coverage(centre);
            mix(pixel, colour, share)
        });
    }

    /// Replaces every pixel by a function of its centre, in pixels from the top left corner, and
    /// its colour.
    pub(super) fn map(&mut self, mut change: impl FnMut([f32; 2], Colour) -> Colour) {
        for (index, pixel) in self.pixels.iter_mut().enumerate() {
            let centre = [
                (index % self.size) as f32 + 0.5,
                (index / self.size) as f32 + 0.5,
            ];
            *pixel = change(centre, *pixel);
        }
    }
}

/// The share of a pixel on the inner side of an edge whose signed distance from the pixel's centre
/// is `distance` pixels, when the edge is straight and spread over `softness` pixels (1 for a sharp
/// edge).
pub(super) fn coverage(distance: f32, softness: f32) -> f32 {
    (0.5 - distance / softness).clamp(0.0, 1.0)
}

/// `from` where `share` is 0, `to` where it is 1.
pub(super) fn mix(from: Colour, to: Colour, share: f32) -> Colour {
    std::array::from_fn(|channel| from[channel] + share * (to[channel] - from[channel]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paint_covers_by_share_at_pixel_centres() {
        let mut canvas = Canvas::filled(4, [0.0; 3]);
        canvas.paint([1.0, 0.5, 0.0], |[x, _]| coverage(x - 2.25, 1.0));
        let row: Vec<f32> = canvas.pixels()[..4].iter().map(|pixel| pixel[0]).collect();
        assert_eq!(row, [1.0, 1.0, 0.25, 0.0]);
        assert_eq!(canvas.pixels()[0], [1.0, 0.5, 0.0]);
    }
}
