//! The outlines of things worn on a face.

use serde::{Deserialize, Serialize};

/// A thing that is worn on a face.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Item {
    /// Two lenses joined at the top, as wide as the face.
    Sunglasses,
    /// Two lips.
    Lipstick,
    /// Two eyebrows.
    Eyebrows,
}

impl Item {
    /// As errors name it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Sunglasses => "sunglasses",
            Self::Lipstick => "lipstick",
            Self::Eyebrows => "eyebrows",
        }
    }

    /// Its own colour. That of the sunglasses is the mean of the published picture; the papers do
    /// not give the others.
    pub(super) fn colour(self) -> [u8; 3] {
        match self {
            Self::Sunglasses => [106, 11, 201],
            Self::Lipstick => [208, 16, 64],
            Self::Eyebrows => [32, 192, 64],
        }
    }

    /// Top, left, height and width of its box, in fractions of the face. That of the sunglasses is
    /// rows 15 to 34 of 55.
    pub(super) fn in_face(self) -> [f32; 4] {
        match self {
            Self::Sunglasses => [15.0 / 55.0, 0.0, 20.0 / 55.0, 1.0],
            Self::Lipstick => [0.76, 0.275, 0.14, 0.45],
            Self::Eyebrows => [0.22, 0.085, 0.1, 0.83],
        }
    }

    /// Whether a point of its box is inside; both numbers go from 0 to 1, down and to the right.
    pub(super) fn contains(self, down: f32, right: f32) -> bool {
        // All three are symmetric: 0 at the middle, 1 at either side.
        let aside = (2.0 * right - 1.0).abs();
        match self {
            Self::Sunglasses => {
                let bridge = down < 0.15 && aside < 0.5;
                let (x, y) = ((aside - 0.56) / 0.44, (down - 0.5) / 0.5);
                bridge || x * x + y * y <= 1.0
            }
            Self::Lipstick => {
                // The upper lip has a dip in the middle and two peaks, the lower is a wide arc.
                let upper = 0.45 * (1.0 - aside * aside) - 0.15 * (1.0 - (aside / 0.3).min(1.0));
                let lower = 0.55 * (1.0 - aside * aside);
                let middle = 0.45;
                (middle - upper..=middle + lower).contains(&down)
            }
            Self::Eyebrows => {
                // From 0 near the nose to 1 at the temple: an arch that thins out.
                let along = (aside - 0.2) / 0.8;
                let middle = 0.65 - 0.55 * along + 0.5 * along * along;
                let half = 0.3 - 0.18 * along;
                (0.0..=1.0).contains(&along) && (down - middle).abs() <= half
            }
        }
    }
}
