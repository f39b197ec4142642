//! Masks: numbers in [0, 1] that are searched without bounds.

/// From all numbers to [0, 1], as published.
pub fn to_unit(raw: f32) -> f32 {
    0.5 * raw.tanh() + 0.5
}

/// The number that gives `value`, which lies between 0 and 1.
pub fn to_raw(value: f32) -> f32 {
    (2.0 * value - 1.0).atanh()
}

/// The mean of a mask.
pub fn share(mask: &[f32]) -> f64 {
    mask.iter().map(|&m| f64::from(m)).sum::<f64>() / mask.len().max(1) as f64
}

/// The slopes along the raw numbers, from those along the mask, of a function with a price on the
/// mask where it is larger than `bound`, as a share.
///
/// The price of a value is the root mean square of the slopes, or more the further the mask is
/// beyond its bound: what does more than most others goes on growing, and the rest shrinks. The
/// published price is 10 or 1, whatever the slopes; that takes thousands of updates to be forgotten
/// by Adam's second moment.
pub fn slopes_with_price(mask: &[f32], slopes: &[f32], bound: f64) -> Vec<f32> {
    let beyond = share(mask) / bound - 1.0;
    let price = if beyond > 0.0 {
        let squares: f64 = slopes.iter().map(|&s| f64::from(s).powi(2)).sum();
        (1.0 + beyond) * (squares / slopes.len().max(1) as f64).sqrt()
    } else {
        0.0
    };
    let values = mask.iter().zip(slopes);
    values
        .map(|(m, slope)| (slope + price as f32) * 2.0 * m * (1.0 - m))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raw_numbers_and_values_belong_together() {
        for value in [0.05, 0.5, 0.9] {
            assert!((to_unit(to_raw(value)) - value).abs() < 1e-6);
        }
    }

    #[test]
    fn only_what_does_more_than_most_grows_beyond_the_bound() {
        let (mask, slopes) = ([0.5; 4], [-3.0, -0.1, -0.1, 0.1]);
        let free = slopes_with_price(&mask, &slopes, 0.6);
        assert_eq!(free, [-1.5, -0.05, -0.05, 0.05]);
        let priced = slopes_with_price(&mask, &slopes, 0.4);
        assert!(priced[0] < 0.0 && priced[1..].iter().all(|&slope| slope > 0.0));
    }
}
