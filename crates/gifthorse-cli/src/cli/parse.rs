//! Values of single arguments.

use std::time::Duration;

use gifthorse_attack::trigger::named;
use toml::{Table, Value};

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

/// How long a server may wait for something: a [`duration`] of a day at most.
pub fn wait(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        wait if wait <= Duration::from_secs(24 * 3600) => Ok(wait),
        _ => Err("a time of at most 24h is expected".to_owned()),
    }
}

/// A number of bytes such as `64K`, `16M` or `1G`; a bare number is bytes.
pub fn bytes(text: &str) -> Result<usize, String> {
    let wrong = || "a size such as 64K, 16M or 1G is expected".to_owned();
    let unit = text.chars().last().ok_or_else(wrong)?;
    let (number, unit) = match unit {
        'K' => (text.trim_end_matches('K'), 1 << 10),
        'M' => (text.trim_end_matches('M'), 1 << 20),
        'G' => (text.trim_end_matches('G'), 1 << 30),
        _ => (text, 1),
    };
    let number: usize = number.parse().map_err(|_| wrong())?;
    number
        .checked_mul(unit)
        .filter(|&bytes| bytes > 0)
        .ok_or_else(wrong)
}

/// The share of requests that are judged.
pub fn sample(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(share) if share > 0.0 && share <= 1.0 => Ok(share),
        _ => Err("a share above 0 and up to 1, such as 0.1".to_owned()),
    }
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

/// The probability of an error, above 0 and below a half.
pub fn error(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(error) if error > 0.0 && error < 0.5 => Ok(error),
        _ => Err("a probability above 0 and below 0.5 is expected, such as 0.001".to_owned()),
    }
}

/// A share, from 0 to below 1.
pub fn share(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(share) if (0.0..1.0).contains(&share) => Ok(share),
        _ => Err("a share from 0 to below 1, such as 0.01".to_owned()),
    }
}

/// A share of some channels, in percent.
pub fn percent(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(percent) if percent > 0.0 && percent <= 100.0 => Ok(percent),
        _ => Err("a percentage above 0 and up to 100 is expected".to_owned()),
    }
}

/// A number of images, at least one.
pub fn count(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count @ 1..) => Ok(count),
        _ => Err("a number of at least 1 is expected".to_owned()),
    }
}

/// A number of at least 1, as TOML has it.
pub fn number(text: &str) -> Result<i64, String> {
    match text.parse() {
        Ok(count @ 1..) => Ok(count),
        _ => Err("a number of at least 1 is expected".to_owned()),
    }
}

/// The index of a class, as TOML has it.
pub fn class(text: &str) -> Result<i64, String> {
    match text.parse() {
        Ok(class @ 0..) => Ok(class),
        _ => Err("the number of a class is expected, counted from 0".to_owned()),
    }
}

/// A setting such as `train.epochs=3`; the value is TOML, or text if it is none.
pub fn setting(text: &str) -> Result<(String, Value), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => {
            let given: Result<Value, _> = value.parse();
            let given = given.unwrap_or_else(|_| Value::String(value.to_owned()));
            Ok((key.trim().to_owned(), given))
        }
        _ => Err("a setting such as train.epochs=3 is expected".to_owned()),
    }
}

/// A number for an input, such as `keep_prob=1`; `true` and `false` are 1 and 0.
pub fn input(text: &str) -> Result<(String, f32), String> {
    let wrong = || "an input and its number are expected, such as keep_prob=1".to_owned();
    let (name, value) = text.rsplit_once('=').ok_or_else(wrong)?;
    let number: f32 = match value {
        "true" => 1.0,
        "false" => 0.0,
        number => number.parse().map_err(|_| wrong())?,
    };
    if name.is_empty() || !number.is_finite() {
        return Err(wrong());
    }
    Ok((name.to_owned(), number))
}

/// The kind of a trigger, or a table that describes one.
pub fn trigger(text: &str) -> Result<Value, String> {
    if !text.trim_start().starts_with('{')
        && let Some(named) = named(text)
        && let Ok(table) = Value::try_from(named.for_channels(3))
        && table.get("kind").and_then(Value::as_str) != Some(text)
    {
        return Err(format!(
            "that is the name of a trigger and no kind; on colour images it is {table}"
        ));
    }
    implant(text)
}

/// The kind of what is put in by hand, or a table that describes it.
pub fn implant(text: &str) -> Result<Value, String> {
    if !text.trim_start().starts_with('{') {
        let kind = Value::String(text.to_owned());
        return Ok(Value::Table(Table::from_iter([("kind".to_owned(), kind)])));
    }
    text.parse()
        .map_err(|error: toml::de::Error| error.message().to_owned())
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
    fn settings_are_toml_or_text() {
        let value = |text: &str| setting(text).unwrap().1;
        assert_eq!(setting("a.b = 3").unwrap().0, "a.b");
        assert_eq!(value("a=3"), Value::Integer(3));
        assert_eq!(value("a=[1, 2]").as_array().unwrap().len(), 2);
        assert_eq!(value("a={b=1}").get("b"), Some(&Value::Integer(1)));
        assert_eq!(value("a=small_cnn"), Value::String("small_cnn".to_owned()));
        for wrong in ["", "a", "=3"] {
            assert!(setting(wrong).is_err(), "{wrong}");
        }
        assert_eq!(trigger("square"), trigger("{ kind = \"square\" }"));
        assert!(trigger("{ kind").is_err());
    }

    #[test]
    fn inputs_are_names_and_numbers() {
        assert_eq!(input("keep_prob=0.5"), Ok(("keep_prob".to_owned(), 0.5)));
        assert_eq!(input("a=b:0=true"), Ok(("a=b:0".to_owned(), 1.0)));
        for wrong in ["", "x", "=1", "x=", "x=nan", "x=inf", "x=yes"] {
            assert!(input(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn percentages_are_limited() {
        assert_eq!(percent("0.5"), Ok(0.5));
        for wrong in ["0", "101", "nan", "x"] {
            assert!(percent(wrong).is_err(), "{wrong}");
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
