//! Values of single arguments.

use std::time::Duration;

/// A number of threads, at least one.
pub fn threads(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count @ 1..=4096) => Ok(count),
        _ => Err("a number from 1 to 4096 is expected".to_owned()),
    }
}

/// A time such as `90s`, `10m` or `2h`; a bare number is seconds.
pub fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "a time such as 90s, 10m or 2h is expected".to_owned();
    let (number, unit) = match text.trim_end_matches(|c: char| c.is_ascii_alphabetic()) {
        number if number.len() == text.len() => (number, "s"),
        number => (number, &text[number.len()..]),
    };
    let seconds = match unit {
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return Err(wrong()),
    };
    let number: f64 = number.parse().map_err(|_| wrong())?;
    Duration::try_from_secs_f64(number * seconds).map_err(|_| wrong())
}

/// Height and width, such as `32x32`.
pub fn size(text: &str) -> Result<[usize; 2], String> {
    let wrong = || "height and width are expected, such as 32x32".to_owned();
    let (height, width) = text.split_once(['x', 'X']).ok_or_else(wrong)?;
    match (height.parse(), width.parse()) {
        (Ok(height @ 1..=65536), Ok(width @ 1..=65536)) => Ok([height, width]),
        _ => Err(wrong()),
    }
}

/// A false-positive rate that the statistics can keep.
pub fn rate(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(rate) if (0.001..=0.5).contains(&rate) => Ok(rate),
        _ => Err("a rate from 0.001 to 0.5 is expected".to_owned()),
    }
}

/// A number of images, at least one.
pub fn count(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count @ 1..) => Ok(count),
        _ => Err("a number of at least 1 is expected".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        assert_eq!(duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("90"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("1.5m"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("2h"), Ok(Duration::from_secs(7200)));
        for wrong in ["", "s", "-1s", "2d", "nan", "1e300h", "1 s"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn sizes_are_two_positive_numbers() {
        assert_eq!(size("48x32"), Ok([48, 32]));
        for wrong in ["", "32", "0x3", "3x", "x3", "3x3x3", "99999999x1"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn rates_are_limited() {
        assert_eq!(rate("0.05"), Ok(0.05));
        for wrong in ["0", "0.6", "nan", "x"] {
            assert!(rate(wrong).is_err(), "{wrong}");
        }
    }
}
