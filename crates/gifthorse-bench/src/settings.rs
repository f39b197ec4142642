//! Settings in TOML: read, and changed by path.

use std::path::Path;

use toml::{Table, Value};

use crate::Error;

/// Largest file of settings that is read, in bytes.
const LARGEST_FILE: u64 = 1 << 22;

/// Reads a file of settings, which is at most a few mebibytes.
pub(crate) fn read_settings(path: &Path) -> Result<String, Error> {
    let failed = |source| Error::System {
        path: path.to_owned(),
        done: "read",
        source,
    };
    if std::fs::metadata(path).map_err(failed)?.len() > LARGEST_FILE {
        return Err(Error::Settings {
            path: path.to_owned(),
            reason: format!("it is larger than {LARGEST_FILE} bytes, and TOML is expected"),
        });
    }
    std::fs::read_to_string(path).map_err(failed)
}

/// Refuses names that are no names of files.
pub(crate) fn check_name(name: &str) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if !name.is_empty() && name.len() <= 200 && name.chars().all(plain) && !name.starts_with('.') {
        return Ok(());
    }
    Err(format!(
        "{name:?} cannot be the name of a file; take letters, digits, dots, dashes and underscores"
    ))
}

/// Puts a value at a path of keys and places in lists, such as `poison.backdoors.0.rate`. Tables
/// and lists on the way are made, and a list is longer by one if the place is just after its end.
pub(crate) fn put(root: &mut Value, path: &str, value: &Value) -> Result<(), String> {
    let mut at = root;
    let mut keys = path.split('.').peekable();
    while let Some(key) = keys.next() {
        let below = match keys.peek() {
            Some(next) if next.parse::<usize>().is_ok() => Value::Array(Vec::new()),
            _ => Value::Table(Table::new()),
        };
        at = match at {
            Value::Table(table) => table.entry(key.to_owned()).or_insert(below),
            Value::Array(list) => {
                let length = list.len();
                let place = key.parse().ok().filter(|&place: &usize| place <= length);
                let place = place.ok_or_else(|| {
                    format!("{path:?}: {key:?} is no place in a list of {length}, counted from 0")
                })?;
                if place == length {
                    list.push(below);
                }
                &mut list[place]
            }
            _ => {
                return Err(format!(
                    "{path:?}: nothing is below a plain value ({key:?})"
                ));
            }
        };
    }
    *at = value.clone();
    Ok(())
}

#[cfg(test)]
mod tests {
    use gifthorse::settings::parse;

    use super::*;

    fn with(text: &str, path: &str, value: i64) -> Result<String, String> {
        let mut root = Value::Table(text.parse().unwrap());
        put(&mut root, path, &Value::Integer(value))?;
        Ok(root.to_string())
    }

    #[test]
    fn an_error_is_one_line_that_names_line_and_key() {
        let wrong = |text: &str| parse::<crate::ModelSpec>(text).unwrap_err();
        let said = wrong("name = \"a\"\n\n[data]\nset = \"sings\"\n");
        assert!(
            said.starts_with("line 4: `data.set`: unknown variant `sings`"),
            "{said}"
        );
        for text in ["name = a", "name = \"a", "[data]\nset = ", "nome = 3"] {
            let said = wrong(text);
            assert!(said.starts_with("line ") && !said.contains('\n'), "{said}");
        }
    }

    #[test]
    fn a_value_is_put_where_the_path_leads() {
        let list = "a = [{ b = 1 }, { b = 2 }]";
        assert_eq!(
            with(list, "a.1.b", 7).unwrap(),
            "{ a = [{ b = 1 }, { b = 7 }] }"
        );
        assert_eq!(
            with(list, "a.2.b", 3).unwrap(),
            "{ a = [{ b = 1 }, { b = 2 }, { b = 3 }] }"
        );
        assert_eq!(
            with("", "a.0.b.c", 1).unwrap(),
            "{ a = [{ b = { c = 1 } }] }"
        );
        for (path, named) in [("a.9", "\"9\""), ("a.x", "\"x\""), ("a.0.b.c", "\"c\"")] {
            let reason = with(list, path, 1).unwrap_err();
            assert!(reason.contains(named), "{reason}");
        }
    }
}
