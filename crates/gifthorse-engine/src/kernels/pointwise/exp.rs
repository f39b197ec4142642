//! `e^x` without branches or calls, so that loops over it become vector instructions.

/// Adding and subtracting it rounds a number below 2^22 to a whole one, which then lies in
/// the low bits.
const ROUND: f32 = 12_582_912.0;

/// ln 2 in two parts; the first has so few digits that its whole multiples are exact.
const LN_2_HIGH: f32 = 0.693_359_4;
const LN_2_LOW: f32 = -2.121_944_4e-4;

/// `e^x`, with a relative error below 3e-7 where the result is a normal number; 0 for minus
/// infinity, infinity above 88.73, NaN for NaN.
///
/// `e^x = 2^n e^r` with `n` whole and `|r| <= ln 2 / 2`, `e^r` by its Taylor polynomial.
#[inline(always)]
pub(super) fn exp(x: f32) -> f32 {
    // Beyond these bounds the result is 0 or infinite anyway. NaN passes both comparisons.
    let x = if x < -104.0 { -104.0 } else { x };
    let x = if x > 89.0 { 89.0 } else { x };
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = (x - n * LN_2_HIGH) - n * LN_2_LOW;
    let mut sum = 1.0 / 5040.0;
    for coefficient in [1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5] {
        sum = sum * r + coefficient;
    }
    let power = (sum * (r * r) + r) + 1.0;
    // 2^n in two factors: by itself it can lie outside the range of normal numbers.
    let n = (shifted.to_bits() as i32).wrapping_sub(ROUND.to_bits() as i32);
    let half = n >> 1;
    power * power_of_two(half) * power_of_two(n.wrapping_sub(half))
}

/// `2^n` for `n` in -126..=127.
#[inline(always)]
fn power_of_two(n: i32) -> f32 {
    f32::from_bits((n.wrapping_add(127) << 23) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_error_is_small_where_the_result_is_normal() {
        let mut worst = 0.0f64;
        for i in 0..=2_000_000 {
            let x = (-87.3 + f64::from(i) * (88.7 + 87.3) / 2e6) as f32;
            let wanted = f64::from(x).exp();
            worst = worst.max((f64::from(exp(x)) - wanted).abs() / wanted);
        }
        assert!(worst < 3e-7, "{worst:e}");
    }

    #[test]
    fn ends_of_the_range() {
        assert!(exp(f32::NAN).is_nan());
        assert_eq!(exp(0.0), 1.0);
        assert_eq!(exp(-0.0), 1.0);
        assert_eq!(exp(f32::NEG_INFINITY), 0.0);
        assert_eq!(exp(-1e30), 0.0);
        assert_eq!(exp(f32::INFINITY), f32::INFINITY);
        assert_eq!(exp(88.8), f32::INFINITY);
        assert!(exp(88.7).is_finite());
        let subnormal = f64::from(exp(-95.0));
        assert!((subnormal - (-95f64).exp()).abs() < 1.5e-45);
    }
}
