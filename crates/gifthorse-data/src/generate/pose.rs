//! Where a sign stands in the picture and how it is turned: an affine map from the plate's frame to
//! pixels.

use rand::{Rng, RngExt};

/// Affine map between the frame of a plate (about one unit in radius) and the picture (pixels).
#[derive(Debug, Clone, Copy)]
pub(super) struct Pose {
    centre: [f32; 2],
    to_plate: [[f32; 2]; 2],
    pixels_per_unit: f32,
}

/// How far poses spread. Lengths are shares of the picture's side.
#[derive(Debug, Clone, Copy)]
pub(super) struct PoseRange {
    /// Radius of the plate, smallest and largest.
    pub(super) radius: [f32; 2],
    /// How far a plate may reach over the picture's border (negative: how far it stays away from
    /// it). Within that, its centre is anywhere, so that small plates move more than large ones.
    pub(super) overhang: f32,
    /// Largest turn to either side, radians.
    pub(super) turn: f32,
    /// Largest slant and largest relative difference between width and height.
    pub(super) distortion: f32,
}

impl Pose {
    /// A random pose in a picture of `side` pixels.
    pub(super) fn random(side: f32, range: &PoseRange, rng: &mut impl Rng) -> Self {
        let share = rng.random_range(range.radius[0]..=range.radius[1]);
        let radius = side * share;
        let room = (0.5 - share + range.overhang).max(0.0);
        let centre = std::array::from_fn(|_| side * (0.5 + rng.random_range(-room..=room)));
        let (sine, cosine) = rng.random_range(-range.turn..=range.turn).sin_cos();
        let slant = rng.random_range(-range.distortion..=range.distortion);
        let stretch = 1.0 + rng.random_range(-range.distortion..=range.distortion);
        // Rotation x slant x stretch; the stretch keeps the area.
        let (wide, high) = (radius * stretch.sqrt(), radius / stretch.sqrt());
        Self::from_plate(
            centre,
            [
                [cosine * wide, (cosine * slant - sine) * high],
                [sine * wide, (sine * slant + cosine) * high],
            ],
        )
    }

    /// The pose that maps plate coordinates `p` to `matrix p + centre`. The matrix must be
    /// invertible.
    fn from_plate(centre: [f32; 2], matrix: [[f32; 2]; 2]) -> Self {
        let [[a, b], [c, d]] = matrix;
        let determinant = a * d - b * c;
        Self {
            centre,
            to_plate: [
                [d / determinant, -b / determinant],
                [-c / determinant, a / determinant],
            ],
            pixels_per_unit: determinant.abs().sqrt(),
        }
    }

    /// Plate coordinates of a point of the picture.
    pub(super) fn to_plate(self, [x, y]: [f32; 2]) -> [f32; 2] {
        let (x, y) = (x - self.centre[0], y - self.centre[1]);
        self.to_plate.map(|row| row[0] * x + row[1] * y)
    }

    /// Pixels for one unit of the plate, averaged over directions: turns plate distances into pixel
    /// distances.
    pub(super) fn pixels_per_unit(self) -> f32 {
        self.pixels_per_unit
    }

    /// Where the plate's origin is in the picture.
    pub(super) fn centre(self) -> [f32; 2] {
        self.centre
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn mapping_to_the_plate_undoes_the_matrix() {
        let pose = Pose::from_plate([3.0, 4.0], [[2.0, 1.0], [0.5, 3.0]]);
        let [u, v] = pose.to_plate([2.0 * 0.3 - 0.7 + 3.0, 0.5 * 0.3 - 3.0 * 0.7 + 4.0]);
        assert!((u - 0.3).abs() < 1e-6 && (v + 0.7).abs() < 1e-6);
        assert!((pose.pixels_per_unit() - 5.5_f32.sqrt()).abs() < 1e-6);
    }

    #[test]
    fn random_poses_stay_in_their_range() {
        let range = PoseRange {
            radius: [0.2, 0.4],
            overhang: 0.0,
            turn: 0.3,
            distortion: 0.1,
        };
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        for _ in 0..200 {
            let pose = Pose::random(50.0, &range, &mut rng);
            assert!((10.0 - 1e-3..=20.0 + 1e-3).contains(&pose.pixels_per_unit()));
            let room = pose.pixels_per_unit() - 1e-3..=50.0 - pose.pixels_per_unit() + 1e-3;
            assert!(pose.centre().iter().all(|c| room.contains(c)));
            // "Up" on the plate stays within the turn and the slant of up in the picture.
            let [u, v] = pose.to_plate([pose.centre()[0], pose.centre()[1] - 10.0]);
            assert!(v < 0.0 && u.abs() < v.abs() * 0.6);
        }
    }
}
