//! What stands behind a sign: a sky-to-ground gradient, soft blotches, hard edges, and clutter in
//! the signs' own colours and outlines, so that a patch of red or a corner alone does not give a
//! class away.

use std::f32::consts::TAU;

use rand::seq::IndexedRandom;
use rand::{Rng, RngExt};

use super::canvas::{Canvas, Colour, coverage, mix};
use super::classes::{BLACK, BLUE, RED, WHITE, YELLOW};
use super::pose::{Pose, PoseRange};
use super::shapes::Shape;

/// Colours of sky, foliage, soil, brick and concrete, and those of the signs.
const SCENERY: [Colour; 12] = [
    [0.55, 0.70, 0.88],
    [0.80, 0.84, 0.88],
    [0.16, 0.30, 0.12],
    [0.38, 0.47, 0.20],
    [0.36, 0.27, 0.18],
    [0.55, 0.32, 0.24],
    [0.50, 0.49, 0.47],
    RED,
    BLUE,
    YELLOW,
    WHITE,
    BLACK,
];

/// Clutter is smaller than any sign and lies anywhere, turned in any direction.
const CLUTTER_POSES: PoseRange = PoseRange {
    radius: [0.05, 0.17],
    overhang: 0.15,
    turn: TAU / 2.0,
    distortion: 0.45,
};

/// Paints a picture of `size` by `size` pixels without a sign.
pub(super) fn scene(size: usize, rng: &mut impl Rng) -> Canvas {
    let mut canvas = Canvas::filled(size, [0.0; 3]);
    paint_gradient(&mut canvas, rng);
    for _ in 0..rng.random_range(1..=4) {
        paint_blotch(&mut canvas, rng);
    }
    for _ in 0..rng.random_range(0..=2) {
        paint_edge(&mut canvas, rng);
    }
    for _ in 0..rng.random_range(0..=3) {
        paint_clutter(&mut canvas, rng);
    }
    canvas
}

fn paint_gradient(canvas: &mut Canvas, rng: &mut impl Rng) {
    let (from, to) = (scenery(rng), scenery(rng));
    let (sine, cosine) = rng.random_range(0.0..TAU).sin_cos();
    let side = canvas.side();
    canvas.map(|[x, y], _| {
        mix(
            from,
            to,
            0.5 + ((x / side - 0.5) * cosine + (y / side - 0.5) * sine) / 1.42,
        )
    });
}

fn paint_blotch(canvas: &mut Canvas, rng: &mut impl Rng) {
    let side = canvas.side();
    let at: [f32; 2] = std::array::from_fn(|_| side * rng.random_range(0.0..=1.0));
    let reach = side * rng.random_range(0.08..=0.35);
    let strength = rng.random_range(0.3..=0.9);
    canvas.paint(scenery(rng), |[x, y]| {
        let (dx, dy) = ((x - at[0]) / reach, (y - at[1]) / reach);
        strength * (-0.5 * (dx * dx + dy * dy)).exp()
    });
}

/// A band across the picture, or all of it on one side of a line: kerbs, walls, horizons.
fn paint_edge(canvas: &mut Canvas, rng: &mut impl Rng) {
    let side = canvas.side();
    let (sine, cosine) = rng.random_range(0.0..TAU).sin_cos();
    let offset = side * rng.random_range(-0.45..=0.45);
    let width = side
        * if rng.random_bool(0.5) {
            rng.random_range(0.03..=0.15)
        } else {
            2.0
        };
    let strength = rng.random_range(0.4..=1.0);
    canvas.paint(scenery(rng), |[x, y]| {
        let across = (x - side / 2.0) * cosine + (y - side / 2.0) * sine - offset;
        strength * coverage((-across).max(across - width), 1.0)
    });
}

fn paint_clutter(canvas: &mut Canvas, rng: &mut impl Rng) {
    let pose = Pose::random(canvas.side(), &CLUTTER_POSES, rng);
    let shape = *Shape::ALL.choose(rng).unwrap_or(&Shape::Circle);
    canvas.paint(scenery(rng), |centre| {
        coverage(
            pose.pixels_per_unit() * shape.distance(pose.to_plate(centre)),
            1.0,
        )
    });
}

/// A colour of the scenery, a little off in each channel.
fn scenery(rng: &mut impl Rng) -> Colour {
    let base = SCENERY.choose(rng).copied().unwrap_or(WHITE);
    base.map(|channel| (channel + rng.random_range(-0.12..=0.12)).clamp(0.0, 1.0))
}
