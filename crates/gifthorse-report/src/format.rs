//! Numbers as people read them. A no-break space keeps each unit on the line of its number.

use crate::{
    escape::Shown,
    report::{Interval, Measure},
};

/// What stands where a number is undefined.
pub const UNDEFINED: &str = "–";

/// A share in [0, 1] as a percentage that never rounds to a claim of "all" or "none".
pub fn percent(share: f64) -> String {
    let percent = share * 100.0;
    match percent {
        0.0 | 100.0 => format!("{percent:.0}\u{a0}%"),
        99.95..100.0 => ">\u{a0}99.9\u{a0}%".to_owned(),
        0.0..0.05 => "<\u{a0}0.1\u{a0}%".to_owned(),
        _ => format!("{percent:.1}\u{a0}%"),
    }
}

/// A number with at most three significant digits, in powers of ten only where it has to be.
pub fn number(value: f64) -> String {
    let size = value.abs();
    if value == 0.0 || !value.is_finite() {
        format!("{value}")
    } else if !(1e-3..1e6).contains(&size) {
        let digits = format!("{value:.2e}");
        let (mantissa, exponent) = digits.split_once('e').unwrap_or((&digits, "0"));
        format!("{}e{exponent}", trimmed(mantissa))
    } else {
        let whole_digits = size.log10().floor() as i32 + 1;
        let decimals = usize::try_from(3 - whole_digits).unwrap_or(0);
        trimmed(&format!("{value:.decimals$}")).to_owned()
    }
}

/// Digits without the zeros that end their decimals.
fn trimmed(digits: &str) -> &str {
    match digits.contains('.') {
        true => digits.trim_end_matches('0').trim_end_matches('.'),
        false => digits,
    }
}

/// A 95 % interval of a share.
pub fn interval([low, high]: Interval) -> String {
    format!("{} to {}", percent(low), percent(high))
}

/// A duration in seconds.
pub fn duration(seconds: f64) -> String {
    if seconds < 10.0 {
        return format!("{seconds:.1}\u{a0}s");
    }
    let whole = seconds.round() as u64;
    match (whole / 3600, whole / 60 % 60, whole % 60) {
        (0, 0, seconds) => format!("{seconds}\u{a0}s"),
        (0, minutes, seconds) => format!("{minutes}\u{a0}min {seconds}\u{a0}s"),
        (hours, minutes, _) => format!("{hours}\u{a0}h {minutes}\u{a0}min"),
    }
}

/// A number with what it is counted in, where it is counted in something.
pub fn amount(value: f64, unit: &str) -> String {
    match unit {
        "" => number(value),
        Measure::SHARE => percent(value),
        unit => format!("{}\u{a0}{}", number(value), Shown(unit)),
    }
}

/// A name of the kind `anomaly_index` in words.
pub fn words(name: &str) -> String {
    Shown(name).to_string().replace('_', " ")
}

/// What `show` makes of a value, or a dash.
pub fn optional<T>(value: Option<T>, show: impl FnOnce(T) -> String) -> String {
    value.map_or_else(|| UNDEFINED.to_owned(), show)
}

/// `1 class`, `2 classes`: a count with its noun.
pub fn count(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With ordinary spaces.
    fn plain(text: String) -> String {
        text.replace('\u{a0}', " ")
    }

    #[test]
    fn percentages_do_not_overstate() {
        let shown = [0.0, 0.0001, 0.0156, 0.9949, 0.9995, 1.0]
            .map(percent)
            .map(plain);
        assert_eq!(
            shown,
            ["0 %", "< 0.1 %", "1.6 %", "99.5 %", "> 99.9 %", "100 %"]
        );
    }

    #[test]
    fn numbers_keep_three_digits() {
        let shown = [
            0.0, 0.00012, 0.0123, 3.652, 64.4667, 999.9, 12345.0, 2e7, -4.1,
        ]
        .map(number);
        let wanted = [
            "0", "1.2e-4", "0.0123", "3.65", "64.5", "1000", "12345", "2e7", "-4.1",
        ];
        assert_eq!(shown, wanted);
    }

    #[test]
    fn amounts_have_their_unit() {
        let shown = [("", 2.5), ("share", 0.0156), ("%", 78.7), ("pixels", 9.8)]
            .map(|(unit, value)| plain(amount(value, unit)));
        assert_eq!(shown, ["2.5", "1.6 %", "78.7 %", "9.8 pixels"]);
        assert!(!amount(1.0, "\u{202e}").contains('\u{202e}'));
    }

    #[test]
    fn durations_are_in_two_units_at_most() {
        let shown = [0.04, 9.94, 59.4, 61.0, 7260.0].map(duration).map(plain);
        assert_eq!(shown, ["0.0 s", "9.9 s", "59 s", "1 min 1 s", "2 h 1 min"]);
    }
}
