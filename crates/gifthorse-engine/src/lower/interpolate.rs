//! Where the entries of a resized axis come from, and with which weights.

/// How a place of the result is carried over to the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transformation {
    HalfPixel,
    HalfPixelSymmetric,
    PytorchHalfPixel,
    AlignCorners,
    Asymmetric,
    TfHalfPixelForNn,
}

impl Transformation {
    /// The mode that an attribute's value names.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "half_pixel" => Self::HalfPixel,
            "half_pixel_symmetric" => Self::HalfPixelSymmetric,
            "pytorch_half_pixel" => Self::PytorchHalfPixel,
            "align_corners" => Self::AlignCorners,
            "asymmetric" => Self::Asymmetric,
            "tf_half_pixel_for_nn" => Self::TfHalfPixelForNn,
            _ => return None,
        })
    }
}

/// How a place between two entries becomes one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nearest {
    RoundPreferFloor,
    RoundPreferCeil,
    Floor,
    Ceil,
}

impl Nearest {
    /// The mode that an attribute's value names.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "round_prefer_floor" => Self::RoundPreferFloor,
            "round_prefer_ceil" => Self::RoundPreferCeil,
            "floor" => Self::Floor,
            "ceil" => Self::Ceil,
            _ => return None,
        })
    }
}

/// How the entries near a place are weighed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kernel {
    /// Two entries.
    Linear,
    /// Four entries, with the coefficient `cubic_coeff_a`.
    Cubic(f64),
}

impl Kernel {
    fn reach(self) -> f64 {
        match self {
            Self::Linear => 1.0,
            Self::Cubic(_) => 2.0,
        }
    }

    /// Keys' kernels: "Cubic convolution interpolation for digital image processing", 1981.
    fn weight(self, distance: f64) -> f64 {
        let x = distance.abs();
        match self {
            Self::Linear => (1.0 - x).max(0.0),
            Self::Cubic(a) if x <= 1.0 => ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0,
            Self::Cubic(a) if x < 2.0 => ((x - 5.0) * x + 8.0) * x * a - 4.0 * a,
            Self::Cubic(_) => 0.0,
        }
    }
}

/// One axis before and after.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Axis {
    /// Entries before.
    pub from: usize,
    /// Entries after.
    pub to: usize,
    /// The factor that the file states, or their ratio.
    pub scale: f32,
    pub transformation: Transformation,
}

impl Axis {
    /// The place on the input of entry `at` of the result, in f32 as runtimes compute it: which
    /// entry is nearest can hang on the last bit.
    fn place(&self, at: usize) -> f32 {
        let (x, from, to) = (at as f32, self.from as f32, self.to as f32);
        let half = (x + 0.5) / self.scale - 0.5;
        match self.transformation {
            Transformation::HalfPixel => half,
            Transformation::HalfPixelSymmetric => {
                let adjustment = to / (self.scale * from);
                from / 2.0 * (1.0 - adjustment) + half
            }
            Transformation::PytorchHalfPixel if self.to == 1 => 0.0,
            Transformation::PytorchHalfPixel => half,
            Transformation::AlignCorners if self.to == 1 => 0.0,
            Transformation::AlignCorners => x * (from - 1.0) / (to - 1.0),
            Transformation::Asymmetric => x / self.scale,
            Transformation::TfHalfPixelForNn => (x + 0.5) / self.scale,
        }
    }

    /// For each entry of the result, the nearest of the input.
    pub fn nearest(&self, mode: Nearest) -> Vec<usize> {
        let source = |at| {
            let place = self.place(at);
            let chosen = match mode {
                Nearest::RoundPreferFloor => (place - 0.5).ceil(),
                Nearest::RoundPreferCeil => (place + 0.5).floor(),
                Nearest::Floor => place.floor(),
                Nearest::Ceil => place.ceil(),
            };
            (chosen.max(0.0) as usize).min(self.from - 1)
        };
        (0..self.to).map(source).collect()
    }

    /// The matrix `[to, from]` that interpolates. `antialias` widens the kernel of an axis that
    /// shrinks; beyond the ends the last entry goes on, or with `exclude_outside` nothing does.
    pub fn matrix(&self, kernel: Kernel, antialias: bool, exclude_outside: bool) -> Vec<f32> {
        let narrow = if antialias {
            f64::from(self.scale).min(1.0)
        } else {
            1.0
        };
        let reach = kernel.reach() / narrow;
        let mut matrix = vec![0.0; self.to * self.from];
        for (row, at) in matrix.chunks_exact_mut(self.from).zip(0..) {
            let place = f64::from(self.place(at));
            let (first, last) = (
                (place - reach).floor() as i64,
                (place + reach).ceil() as i64,
            );
            let mut weights = vec![0.0; self.from];
            for tap in first..=last {
                let inside = (0..self.from as i64).contains(&tap);
                if inside || !exclude_outside {
                    let entry = tap.clamp(0, self.from as i64 - 1) as usize;
                    weights[entry] += kernel.weight((tap as f64 - place) * narrow);
                }
            }
            let total: f64 = weights.iter().sum();
            for (entry, weight) in row.iter_mut().zip(weights) {
                *entry = (weight / total) as f32;
            }
        }
        matrix
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(from: usize, to: usize, transformation: Transformation) -> Axis {
        Axis {
            from,
            to,
            scale: to as f32 / from as f32,
            transformation,
        }
    }

    #[test]
    fn twice_as_many_repeats_each() {
        let double = axis(2, 4, Transformation::Asymmetric);
        assert_eq!(double.nearest(Nearest::Floor), [0, 0, 1, 1]);
        let half_pixel = axis(2, 4, Transformation::HalfPixel);
        assert_eq!(half_pixel.nearest(Nearest::RoundPreferFloor), [0, 0, 1, 1]);
    }

    #[test]
    fn half_a_pixel_is_mixed_one_to_three() {
        let matrix = axis(2, 4, Transformation::HalfPixel).matrix(Kernel::Linear, false, false);
        assert_eq!(matrix, [1.0, 0.0, 0.75, 0.25, 0.25, 0.75, 0.0, 1.0]);
    }

    #[test]
    fn corners_stay_where_they_are() {
        let matrix = axis(3, 2, Transformation::AlignCorners).matrix(Kernel::Linear, false, false);
        assert_eq!(matrix, [1.0, 0.0, 0.0, 0.0, 0.0, 1.0]);
    }

    #[test]
    fn all_weights_of_a_place_are_one() {
        for (antialias, exclude) in [(false, false), (false, true), (true, false), (true, true)] {
            let smaller = axis(7, 3, Transformation::HalfPixel);
            let matrix = smaller.matrix(Kernel::Cubic(-0.75), antialias, exclude);
            for row in matrix.chunks_exact(7) {
                assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-6, "{row:?}");
            }
        }
    }
}
