//! Paints one sign: pole, plate, rim and glyph.

use rand::{Rng, RngExt};

use super::canvas::{Canvas, Colour, coverage};
use super::classes::{BLACK, SignClass};
use super::pose::{Pose, PoseRange};

/// How much signs vary in place, size, turn and slant.
const POSES: PoseRange = PoseRange {
    radius: [0.31, 0.43],
    overhang: 0.015,
    turn: 0.26,
    distortion: 0.10,
};

/// Share of signs on a pole that can be seen.
const ON_POLE: f64 = 0.5;

/// Paints a sign of `class` over the picture.
pub(super) fn paint_sign(canvas: &mut Canvas, class: &SignClass, rng: &mut impl Rng) {
    let pose = Pose::random(canvas.side(), &POSES, rng);
    let rim_width = rng.random_range(0.12..=0.17);
    if rng.random_bool(ON_POLE) {
        paint_pole(canvas, pose, rng);
    }
    let inner = class.shape.inner_radius() - rim_width;
    // Glyphs reach about one unit in all directions: shrunk, they stay inside the rim.
    let glyph_scale = inner * rng.random_range(0.82..=0.95);

    let pixels = pose.pixels_per_unit();
    let plate = |centre, inset: f32| pixels * (class.shape.distance(pose.to_plate(centre)) + inset);
    canvas.paint(faded(class.rim, rng), |centre| {
        coverage(plate(centre, 0.0), 1.0)
    });
    canvas.paint(faded(class.fill, rng), |centre| {
        coverage(plate(centre, rim_width), 1.0)
    });
    canvas.paint(faded(class.ink, rng), |centre| {
        let point = pose
            .to_plate(centre)
            .map(|coordinate| coordinate / glyph_scale);
        coverage(pixels * glyph_scale * class.glyph.distance(point), 1.0)
    });
}

/// A grey bar from the sign's centre down to the lower edge.
fn paint_pole(canvas: &mut Canvas, pose: Pose, rng: &mut impl Rng) {
    let half_width = pose.pixels_per_unit() * rng.random_range(0.06..=0.14);
    let grey = rng.random_range(0.2..=0.7);
    let [x, y] = pose.centre();
    canvas.paint([grey; 3], |centre| {
        coverage(((centre[0] - x).abs() - half_width).max(y - centre[1]), 1.0)
    });
}

/// Paint as weather leaves it: paler or darker, each channel a little off.
fn faded(paint: Colour, rng: &mut impl Rng) -> Colour {
    let towards = if rng.random_bool(0.5) {
        [0.62; 3]
    } else {
        BLACK
    };
    let age = rng.random_range(0.0..=0.18);
    std::array::from_fn(|channel| {
        let faded = paint[channel] + age * (towards[channel] - paint[channel]);
        (faded + rng.random_range(-0.05..=0.05)).clamp(0.0, 1.0)
    })
}
