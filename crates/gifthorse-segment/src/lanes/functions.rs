//! Exponentials and what is made of them, sixteen at a time and without branches.
//!
//! Errors are given in units in the last place of the exact result, with fused multiplication; the
//! tests measure them.

use super::arithmetic::Lanes;

/// Adding and subtracting it rounds a number below 2^22 to a whole one.
const ROUND: f32 = 12_582_912.0;

/// ln 2 in two parts; the first has so few digits that its whole multiples are exact.
const LN_2_HIGH: f32 = 0.693_359_4;
const LN_2_LOW: f32 = -2.121_944_4e-4;

/// `|x|`
#[inline(always)]
pub(crate) fn abs<L: Lanes>(l: L, x: L::V) -> L::V {
    l.max(x, negative(l, x))
}

/// `0 - x`
#[inline(always)]
pub(crate) fn negative<L: Lanes>(l: L, x: L::V) -> L::V {
    l.sub(l.splat(0.0), x)
}

/// `e^x`: 0 for minus infinity, infinity above 88.73, NaN for NaN. Within 2 units where the result
/// is a normal number.
///
/// `e^x = 2^n e^r` with `n` whole and `|r| <= ln 2 / 2`, `e^r` by its Taylor polynomial.
#[inline(always)]
pub(crate) fn exp<L: Lanes>(l: L, x: L::V) -> L::V {
    // Beyond these bounds the result is 0 or infinite anyway. NaN passes both comparisons.
    let x = l.min(l.splat(89.0), l.max(l.splat(-104.0), x));
    let log2_e = l.splat(std::f32::consts::LOG2_E);
    let n = l.sub(l.mul_add(x, log2_e, l.splat(ROUND)), l.splat(ROUND));
    let r = l.mul_add(n, l.splat(-LN_2_HIGH), x);
    let r = l.mul_add(n, l.splat(-LN_2_LOW), r);
    let taylor = [1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5];
    let sum = horner(l, r, 1.0 / 5040.0, taylor);
    let power = l.add(l.mul_add(sum, l.mul(r, r), r), l.splat(1.0));
    l.scale(power, n)
}

/// `((first x + rest[0]) x + rest[1]) x ...`
#[inline(always)]
fn horner<L: Lanes, const N: usize>(l: L, x: L::V, first: f32, rest: [f32; N]) -> L::V {
    let mut sum = l.splat(first);
    for coefficient in rest {
        sum = l.mul_add(sum, x, l.splat(coefficient));
    }
    sum
}

/// `1 / (1 + e^-x)`, within 3 units.
#[inline(always)]
pub(crate) fn sigmoid<L: Lanes>(l: L, x: L::V) -> L::V {
    let one = l.splat(1.0);
    // The exponential never exceeds 1, so nothing overflows.
    let e = exp(l, negative(l, abs(l, x)));
    let numerator = l.if_below(x, l.splat(0.0), e, one);
    l.div(numerator, l.add(one, e))
}

/// `ln(1 + x)` for `x` in 0..=1, within 3 units: `2 artanh(x / (2 + x))` by its series.
#[inline(always)]
pub(crate) fn log_1p<L: Lanes>(l: L, x: L::V) -> L::V {
    let s = l.div(x, l.add(x, l.splat(2.0)));
    let odd = [
        1.0 / 15.0,
        1.0 / 13.0,
        1.0 / 11.0,
        1.0 / 9.0,
        1.0 / 7.0,
        1.0 / 5.0,
        1.0 / 3.0,
        1.0,
    ];
    l.mul(l.add(s, s), horner(l, l.mul(s, s), 1.0 / 17.0, odd))
}

/// Hyperbolic tangent, within 5 units.
#[inline(always)]
pub(crate) fn tanh<L: Lanes>(l: L, x: L::V) -> L::V {
    let size = abs(l, x);
    // Near zero `1 - 2 / (e^2x + 1)` loses digits; there the continued fraction
    // `x / (1 + x^2 / (3 + x^2 / (5 + ...)))`, cut after 9 and made one quotient, does not.
    let z = l.mul(x, x);
    let above = horner(l, z, 1.0, [105.0, 945.0]);
    let below = horner(l, z, 15.0, [420.0, 945.0]);
    let small = l.div(l.mul(x, above), below);
    let one = l.splat(1.0);
    let power = exp(l, l.add(size, size));
    let large = l.sub(one, l.div(l.splat(2.0), l.add(power, one)));
    let large = l.if_below(x, l.splat(0.0), negative(l, large), large);
    l.if_below(size, l.splat(0.5), small, large)
}

/// Gauss error function, within 3 units.
///
/// Up to 0.9 it is `x + x p(x^2)`, above `1 - e^(x q(x))`. The polynomials are minimax fits of
/// `erf(x) / x - 1` and of `ln(erfc(x)) / x`, the latter weighted by the error that it makes in the
/// result, which is 1 in single precision from 4 on.
#[inline(always)]
pub(crate) fn erf<L: Lanes>(l: L, x: L::V) -> L::V {
    let p = horner(
        l,
        l.mul(x, x),
        8.538_839e-5,
        [
            -8.181_927e-4,
            5.204_436e-3,
            -2.686_075_3e-2,
            0.112_837_195,
            -0.376_126_35,
            0.128_379_17,
        ],
    );
    let small = l.mul_add(x, p, x);
    let size = abs(l, x);
    let bounded = l.min(l.splat(4.0), size);
    let q = horner(
        l,
        bounded,
        -1.076_336e-5,
        [
            3.180_614_7e-4,
            -3.622_925_6e-3,
            2.372_02e-2,
            -0.106_187_63,
            -0.635_181_5,
            -1.128_641,
        ],
    );
    let large = l.sub(l.splat(1.0), exp(l, l.mul(bounded, q)));
    let large = l.if_below(x, l.splat(0.0), negative(l, large), large);
    l.if_below(size, l.splat(0.9), small, large)
}

#[cfg(test)]
mod tests;
