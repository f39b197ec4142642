//! What is painted on a plate: a few round-ended strokes, as a signed distance.

/// Mark in the middle of a sign, within about one unit of the origin. The vertical axis points
/// down, as in images.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Glyph {
    Bar,
    Dots,
    Cross,
    ArrowUp,
    ArrowRight,
    Exclamation,
    Seven,
}

/// A straight stroke from one point to another; a point twice is a dot.
type Stroke = [[f32; 2]; 2];

impl Glyph {
    /// Every mark, for tests that compare them.
    #[cfg(test)]
    pub(super) const ALL: [Self; 7] = [
        Self::Bar,
        Self::Dots,
        Self::Cross,
        Self::ArrowUp,
        Self::ArrowRight,
        Self::Exclamation,
        Self::Seven,
    ];

    /// Distance of `point` to the edge of the strokes: negative on the paint.
    pub(super) fn distance(self, point: [f32; 2]) -> f32 {
        let (strokes, half_width) = self.strokes();
        strokes
            .iter()
            .map(|stroke| distance_to_stroke(point, stroke))
            .fold(f32::INFINITY, f32::min)
            - half_width
    }

    /// The centre lines and half their width.
    fn strokes(self) -> (&'static [Stroke], f32) {
        match self {
            Self::Bar => (&[[[-0.7, 0.0], [0.7, 0.0]]], 0.30),
            Self::Dots => (
                &[[[-0.52, 0.0], [-0.52, 0.0]], [[0.52, 0.0], [0.52, 0.0]]],
                0.38,
            ),
            Self::Cross => (
                &[
                    [[-0.62, -0.62], [0.62, 0.62]],
                    [[-0.62, 0.62], [0.62, -0.62]],
                ],
                0.22,
            ),
            Self::ArrowUp => (
                &[
                    [[0.0, 0.8], [0.0, -0.8]],
                    [[0.0, -0.8], [-0.6, -0.1]],
                    [[0.0, -0.8], [0.6, -0.1]],
                ],
                0.20,
            ),
            Self::ArrowRight => (
                &[
                    [[-0.8, 0.0], [0.8, 0.0]],
                    [[0.8, 0.0], [0.1, -0.6]],
                    [[0.8, 0.0], [0.1, 0.6]],
                ],
                0.20,
            ),
            Self::Exclamation => (
                &[[[0.0, -0.8], [0.0, 0.15]], [[0.0, 0.75], [0.0, 0.75]]],
                0.24,
            ),
            Self::Seven => (
                &[[[-0.5, -0.75], [0.5, -0.75]], [[0.5, -0.75], [-0.15, 0.8]]],
                0.21,
            ),
        }
    }
}

fn distance_to_stroke(point: [f32; 2], [start, end]: &Stroke) -> f32 {
    let along = [end[0] - start[0], end[1] - start[1]];
    let from_start = [point[0] - start[0], point[1] - start[1]];
    let length_squared = along[0] * along[0] + along[1] * along[1];
    let share = if length_squared > 0.0 {
        ((from_start[0] * along[0] + from_start[1] * along[1]) / length_squared).clamp(0.0, 1.0)
    } else {
        0.0
    };
    (from_start[0] - share * along[0]).hypot(from_start[1] - share * along[1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stroke_is_a_capsule() {
        let stroke = [[0.0, 0.0], [2.0, 0.0]];
        assert_eq!(distance_to_stroke([1.0, 3.0], &stroke), 3.0);
        assert_eq!(distance_to_stroke([5.0, 4.0], &stroke), 5.0);
        assert_eq!(
            distance_to_stroke([3.0, 4.0], &[[0.0, 0.0], [0.0, 0.0]]),
            5.0
        );
    }

    #[test]
    fn no_two_glyphs_paint_nearly_the_same_points() {
        let painted = |glyph: Glyph| -> Vec<bool> {
            (0..441)
                .map(|i| [(i % 21) as f32 / 10.0 - 1.0, (i / 21) as f32 / 10.0 - 1.0])
                .map(|point| glyph.distance(point) < 0.0)
                .collect()
        };
        for (i, first) in Glyph::ALL.into_iter().enumerate() {
            let first_painted = painted(first);
            assert!(
                first_painted.iter().filter(|on| **on).count() > 40,
                "{first:?} is too thin"
            );
            for second in Glyph::ALL.into_iter().skip(i + 1) {
                let second_painted = painted(second);
                let differing = first_painted
                    .iter()
                    .zip(&second_painted)
                    .filter(|(a, b)| a != b)
                    .count();
                assert!(
                    differing > 30,
                    "{first:?} and {second:?} differ in {differing} of 441 points"
                );
            }
        }
    }
}
