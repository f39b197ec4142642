//! The three transforms of Winograd's F(4x4, 3x3) with the points 0, ±3/4, ±3/2 and infinity.
//!
//! In one dimension, four outputs of a three-tap filter `g` over six inputs `d` are
//! `A^T [(G g) * (B^T d)]`: six products instead of twelve (Lavin and Gray, 2016). The rows of
//! `B^T` are the coefficients of `M(x) / (x - point)`, where `M` is the product of
//! `(x - point)` over the finite points, `G` evaluates the filter at the points and divides
//! by the derivative of `M` there, and `A^T` holds the powers of the points.
//!
//! The usual points 0, ±1, ±2 are cheaper by a few additions but four times less accurate;
//! these are exact in binary too, and so are all constants below.

use crate::lanes::{Lane, Lanes, Pair, ROWS};

/// Products per tile: 6 x 6.
pub(super) const PRODUCTS: usize = 36;
/// Outputs of a tile along an axis.
pub(super) const OUTPUTS: usize = 4;
/// Inputs of a tile along an axis.
pub(super) const INPUTS: usize = 6;

const NEAR: f32 = 0.75;
const FAR: f32 = 1.5;
const NEAR2: f32 = NEAR * NEAR;
const FAR2: f32 = FAR * FAR;

/// `G g G^T` for sixteen 3x3 filters, row-major, in f64 so that only one rounding is left.
#[inline(always)]
pub(super) fn filters(g: &[[f64; 16]; 9]) -> [[f64; 16]; PRODUCTS] {
    let columns = [0, 1, 2].map(|j| filter_line([&g[j], &g[3 + j], &g[6 + j]]));
    let mut out = [[0.0; 16]; PRODUCTS];
    for (i, row) in out.chunks_exact_mut(INPUTS).enumerate() {
        row.copy_from_slice(&filter_line([
            &columns[0][i],
            &columns[1][i],
            &columns[2][i],
        ]));
    }
    out
}

/// `G g`
#[inline(always)]
fn filter_line(g: [&[f64; 16]; 3]) -> [[f64; 16]; INPUTS] {
    const NEAR2: f64 = (NEAR * NEAR) as f64;
    const FAR2: f64 = (FAR * FAR) as f64;
    const NEAR_SLOPE: f64 = 2.0 * NEAR2 * (NEAR2 - FAR2);
    const FAR_SLOPE: f64 = 2.0 * FAR2 * (FAR2 - NEAR2);
    let mut out = [[0.0; 16]; INPUTS];
    for i in 0..16 {
        let [a, b, c] = [g[0][i], g[1][i], g[2][i]];
        let (near_even, near_odd) = (a + NEAR2 * c, NEAR as f64 * b);
        let (far_even, far_odd) = (a + FAR2 * c, FAR as f64 * b);
        out[0][i] = a * (1.0 / (NEAR2 * FAR2));
        out[1][i] = (near_even + near_odd) * (1.0 / NEAR_SLOPE);
        out[2][i] = (near_even - near_odd) * (1.0 / NEAR_SLOPE);
        out[3][i] = (far_even + far_odd) * (1.0 / FAR_SLOPE);
        out[4][i] = (far_even - far_odd) * (1.0 / FAR_SLOPE);
        out[5][i] = c;
    }
    out
}

/// `B^T d`
#[inline(always)]
fn input_line<L: Lanes>(lanes: L, d: [L::V; INPUTS]) -> [L::V; INPUTS] {
    let product = lanes.splat(NEAR2 * FAR2);
    let minus_sum = lanes.splat(-(NEAR2 + FAR2));
    let (minus_near2, minus_far2) = (lanes.splat(-NEAR2), lanes.splat(-FAR2));
    let near_even = lanes.mul_add(d[2], minus_far2, d[4]);
    let near_odd = lanes.mul_add(d[1], minus_far2, d[3]);
    let far_even = lanes.mul_add(d[2], minus_near2, d[4]);
    let far_odd = lanes.mul_add(d[1], minus_near2, d[3]);
    [
        lanes.mul_add(d[0], product, lanes.mul_add(d[2], minus_sum, d[4])),
        lanes.mul_add(near_odd, lanes.splat(NEAR), near_even),
        lanes.mul_add(near_odd, lanes.splat(-NEAR), near_even),
        lanes.mul_add(far_odd, lanes.splat(FAR), far_even),
        lanes.mul_add(far_odd, lanes.splat(-FAR), far_even),
        lanes.mul_add(d[1], product, lanes.mul_add(d[3], minus_sum, d[5])),
    ]
}

/// `A^T m`
#[inline(always)]
fn output_line<L: Lanes>(lanes: L, m: [L::V; INPUTS]) -> [L::V; OUTPUTS] {
    let (near_even, near_odd) = (lanes.add(m[1], m[2]), lanes.sub(m[1], m[2]));
    let (far_even, far_odd) = (lanes.add(m[3], m[4]), lanes.sub(m[3], m[4]));
    let weighted = |near, near_weight: f32, far, far_weight: f32| {
        let far = lanes.mul(far, lanes.splat(far_weight));
        lanes.mul_add(near, lanes.splat(near_weight), far)
    };
    [
        lanes.add(m[0], lanes.add(near_even, far_even)),
        weighted(near_odd, NEAR, far_odd, FAR),
        weighted(near_even, NEAR2, far_even, FAR2),
        lanes.add(weighted(near_odd, NEAR * NEAR2, far_odd, FAR * FAR2), m[5]),
    ]
}

/// `A y`
#[inline(always)]
fn gradient_line<L: Lanes>(lanes: L, y: [L::V; OUTPUTS]) -> [L::V; INPUTS] {
    let [near, minus_near] = gradient_at(lanes, y, NEAR);
    let [far, minus_far] = gradient_at(lanes, y, FAR);
    [y[0], near, minus_near, far, minus_far, y[3]]
}

/// The polynomial with coefficients `y`, at a point and at minus that.
#[inline(always)]
fn gradient_at<L: Lanes>(lanes: L, y: [L::V; OUTPUTS], point: f32) -> [L::V; 2] {
    let square = lanes.splat(point * point);
    let even = lanes.mul_add(y[2], square, y[0]);
    let odd = lanes.mul(lanes.mul_add(y[3], square, y[1]), lanes.splat(point));
    [lanes.add(even, odd), lanes.sub(even, odd)]
}

/// `G^T s`
#[inline(always)]
fn weight_line<L: Lanes>(lanes: L, s: [L::V; INPUTS]) -> [L::V; 3] {
    let times = |value, factor: f32| lanes.mul(value, lanes.splat(factor));
    let (near, far) = (
        1.0 / (2.0 * NEAR2 * (NEAR2 - FAR2)),
        1.0 / (2.0 * FAR2 * (FAR2 - NEAR2)),
    );
    let near_even = times(lanes.add(s[1], s[2]), near);
    let near_odd = times(lanes.sub(s[1], s[2]), near * NEAR);
    let far_even = times(lanes.add(s[3], s[4]), far);
    let far_odd = times(lanes.sub(s[3], s[4]), far * FAR);
    let first = times(s[0], 1.0 / (NEAR2 * FAR2));
    let last = lanes.mul_add(near_even, lanes.splat(NEAR2), s[5]);
    [
        lanes.add(first, lanes.add(near_even, far_even)),
        lanes.add(near_odd, far_odd),
        lanes.mul_add(far_even, lanes.splat(FAR2), last),
    ]
}

/// `A y A^T` of a 4x4 tile of gradients to outputs.
#[inline(always)]
pub(super) fn gradient_tile<L: Lanes>(
    lanes: L,
    tile: [[L::V; OUTPUTS]; OUTPUTS],
    out: &mut [[Lane; 1]; PRODUCTS],
) {
    // Not `map`: what it calls would not be compiled for the instruction set.
    let mut rows = [[lanes.splat(0.0); INPUTS]; OUTPUTS];
    for i in 0..OUTPUTS {
        rows[i] = gradient_line(lanes, tile[i]);
    }
    for j in 0..INPUTS {
        let column = gradient_line(lanes, [rows[0][j], rows[1][j], rows[2][j], rows[3][j]]);
        for i in 0..INPUTS {
            lanes.store(&mut out[INPUTS * i + j][0].0, column[i]);
        }
    }
}

/// `G^T s G` of one row of the sums: the gradient to sixteen filters, row-major.
#[inline(always)]
pub(super) fn weight_tile<L: Lanes>(
    lanes: L,
    sums: &[[Pair; ROWS]; PRODUCTS],
    row: usize,
    lane: usize,
) -> [L::V; 9] {
    let zero = lanes.splat(0.0);
    let mut lines = [[zero; INPUTS]; 3];
    for j in 0..INPUTS {
        let mut column = [zero; INPUTS];
        for i in 0..INPUTS {
            column[i] = lanes.load(&sums[INPUTS * i + j][row][lane].0);
        }
        let column = weight_line(lanes, column);
        for i in 0..3 {
            lines[i][j] = column[i];
        }
    }
    let mut out = [zero; 9];
    for i in 0..3 {
        let line = weight_line(lanes, lines[i]);
        out[3 * i..3 * i + 3].copy_from_slice(&line);
    }
    out
}

/// `B^T d B` of a 6x6 tile, into row `row` of each product's operand.
#[inline(always)]
pub(super) fn input_tile<L: Lanes, const R: usize>(
    lanes: L,
    tile: [[L::V; INPUTS]; INPUTS],
    out: &mut [[Lane; R]; PRODUCTS],
    row: usize,
) {
    // Row `j` of `lines` is column `j` of `B^T d`.
    let mut lines = tile;
    for j in 0..INPUTS {
        let mut column = tile[0];
        for i in 0..INPUTS {
            column[i] = tile[i][j];
        }
        lines[j] = input_line(lanes, column);
    }
    for i in 0..INPUTS {
        let mut line = lines[0];
        for j in 0..INPUTS {
            line[j] = lines[j][i];
        }
        let line = input_line(lanes, line);
        for j in 0..INPUTS {
            lanes.store(&mut out[INPUTS * i + j][row].0, line[j]);
        }
    }
}

/// `A^T m A` of one row of the products: four lines of outputs.
#[inline(always)]
pub(super) fn output_tile<L: Lanes>(
    lanes: L,
    products: &[[Pair; ROWS]; PRODUCTS],
    row: usize,
    lane: usize,
) -> [[L::V; OUTPUTS]; OUTPUTS] {
    let zero = lanes.splat(0.0);
    let mut lines = [[zero; INPUTS]; OUTPUTS];
    for j in 0..INPUTS {
        let mut column = [zero; INPUTS];
        for i in 0..INPUTS {
            column[i] = lanes.load(&products[INPUTS * i + j][row][lane].0);
        }
        let column = output_line(lanes, column);
        for i in 0..OUTPUTS {
            lines[i][j] = column[i];
        }
    }
    let mut out = [[zero; OUTPUTS]; OUTPUTS];
    for i in 0..OUTPUTS {
        out[i] = output_line(lanes, lines[i]);
    }
    out
}
