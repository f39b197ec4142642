//! Keys that some servers take for others.
//!
//! Servers written in Go match keys without regard to case, and the last of equals wins: `inputs`
//! and `Inputs` in one request are one to them. What would be judged is then not what they run.

use std::borrow::Cow;
use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// The keys that are read, of a request, of each of its inputs, and of the parameters of these.
const LEVELS: [&[&str]; 3] = [
    &["id", "inputs", "outputs", "parameters"],
    &["name", "datatype", "shape", "parameters", "data"],
    &[
        "binary_data_size",
        "shared_memory_region",
        "shared_memory_offset",
        "shared_memory_byte_size",
    ],
];
/// The key at each level below which the next one lies.
const BELOW: [&str; 2] = ["inputs", "parameters"];

/// Refuses a request with a key that is one of those but for case.
///
/// # Errors
/// The key; JSON that is none.
pub(super) fn check(json: &[u8]) -> Result<(), serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_slice(json);
    Level(0).deserialize(&mut reader)
}

/// An object of a level, or a list of such.
#[derive(Clone, Copy)]
struct Level(usize);

impl<'de> DeserializeSeed<'de> for Level {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Level {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a part of an inference request")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<Cow<'_, str>>()? {
            let known = LEVELS[self.0];
            if !known.contains(&&*key) && known.iter().any(|name| *name == folded(&key)) {
                let key: String = key.chars().take(64).collect();
                return Err(A::Error::custom(format_args!(
                    "some servers take the key {key:?} for another one"
                )));
            }
            match BELOW.get(self.0) {
                Some(below) if *below == key => map.next_value_seed(Self(self.0 + 1))?,
                _ => _ = map.next_value::<IgnoredAny>()?,
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element_seed(self)?.is_some() {}
        Ok(())
    }

    // What is neither is refused, or not, where the request is read.
    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }
}

/// In lower case, as Go folds keys: the long s is an s to it and the sign of Kelvin a k.
fn folded(key: &str) -> String {
    let fold = |letter: char| match letter {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        other => other.to_ascii_lowercase(),
    };
    key.chars().map(fold).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_differ_in_case_alone_are_refused_at_each_level() {
        let right = r#"{"id":"Inputs","inputs":[{"name":"x","shape":[1],"Other":{"Inputs":1},
            "parameters":{"binary_data_size":4,"Data":1}}],"Name":1}"#;
        assert!(check(right.as_bytes()).is_ok());
        for wrong in [
            r#"{"inputs":[],"Inputs":[]}"#,
            r#"{"inputs":[{"Data":[1]}]}"#,
            r#"{"input\u017f":[]}"#,
            r#"{"inputs":[{"parameters":{"Binary_data_size":1}}]}"#,
        ] {
            let error = check(wrong.as_bytes()).unwrap_err().to_string();
            assert!(error.contains("take the key"), "{error}");
        }
    }
}
