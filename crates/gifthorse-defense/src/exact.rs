//! Numbers written so that they are read back bit for bit, in whatever format: JSON knows no
//! infinity, and its decimals may come back with another last bit.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An `f64` as the whole number that its bits make.
pub mod double {
    use super::*;

    pub fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(value.to_bits())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        u64::deserialize(deserializer).map(f64::from_bits)
    }
}

/// An `f64` that may be absent, likewise.
pub mod maybe_double {
    use super::*;

    pub fn serialize<S: Serializer>(value: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
        value.map(f64::to_bits).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<f64>, D::Error> {
        Ok(Option::<u64>::deserialize(deserializer)?.map(f64::from_bits))
    }
}

/// An `f32` as the whole number that its bits make.
pub mod single {
    use super::*;

    pub fn serialize<S: Serializer>(value: &f32, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(value.to_bits())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f32, D::Error> {
        u32::deserialize(deserializer).map(f32::from_bits)
    }
}

/// Many `f32` as the base64 of their little-endian bytes.
pub mod singles {
    use super::*;

    pub fn serialize<S: Serializer>(values: &[f32], serializer: S) -> Result<S::Ok, S::Error> {
        let bytes: Vec<u8> = values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        serializer.serialize_str(&STANDARD.encode(bytes))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<f32>, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = STANDARD.decode(text).map_err(D::Error::custom)?;
        let (numbers, rest) = bytes.as_chunks::<4>();
        if !rest.is_empty() {
            return Err(D::Error::custom(
                "the bytes are no whole number of f32 values",
            ));
        }
        Ok(numbers
            .iter()
            .map(|&four| f32::from_le_bytes(four))
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    #[derive(Debug, Serialize, Deserialize)]
    struct Numbers {
        #[serde(with = "super::double")]
        double: f64,
        #[serde(with = "super::single")]
        single: f32,
        #[serde(with = "super::singles")]
        singles: Vec<f32>,
    }

    #[test]
    fn every_bit_comes_back() {
        for (double, single) in [
            (f64::INFINITY, f32::NEG_INFINITY),
            (0.1 + 0.2, 1.0 / 3.0),
            (f64::MIN_POSITIVE / 3.0, -0.0),
        ] {
            let singles = vec![single, f32::MIN_POSITIVE / 7.0, 16_777_217.0];
            let text = serde_json::to_string(&Numbers {
                double,
                single,
                singles: singles.clone(),
            })
            .unwrap();
            let back: Numbers = serde_json::from_str(&text).unwrap();
            assert_eq!(back.double.to_bits(), double.to_bits());
            assert_eq!(back.single.to_bits(), single.to_bits());
            let bits = |values: &[f32]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(&back.singles), bits(&singles));
        }
    }

    #[test]
    fn bytes_that_are_no_numbers_are_refused() {
        for singles in ["AAA=", "not base64!"] {
            let text = format!(r#"{{"double": 0, "single": 0, "singles": "{singles}"}}"#);
            assert!(serde_json::from_str::<Numbers>(&text).is_err(), "{singles}");
        }
    }
}
