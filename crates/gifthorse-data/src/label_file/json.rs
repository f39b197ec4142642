//! Labels in JSON, as the rows of the table that they could have been.

use csv::{Position, StringRecord};
use serde_json::{Map, Value};

use crate::limits::MAX_TABLE_ROWS;

/// Keys of an object that are looked at.
const MOST_KEYS: usize = 16;
/// What objects wrap such a list in.
const WRAPPERS: [&str; 4] = ["labels", "images", "data", "items"];
/// The forms, for an error.
const FORMS: &str = "give a list or lines of objects such as {\"file\": \"a.png\", \"label\": 3}, pairs [\"a.png\", 3], a map \
                     {\"a.png\": 3}, or a list of one label for each image";

/// The rows, if the text is JSON: a list of objects, of pairs or of labels, an object for each
/// line, a map from images to labels or to objects, or an object around one of these. Objects
/// become a table whose header has their keys.
pub(super) fn rows(bytes: &[u8]) -> Option<Result<Vec<StringRecord>, String>> {
    let begins = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    if !matches!(begins, Some(b'[' | b'{')) {
        return None;
    }
    let values = serde_json::Deserializer::from_slice(bytes).into_iter();
    let values: Result<Vec<Value>, _> = values.take(MAX_TABLE_ROWS + 1).collect();
    // A table may begin with a bracket too.
    let mut values = values.ok()?;
    let rows = match values.as_mut_slice() {
        [only] => of_value(only.take()),
        _ => of_list(values),
    };
    Some(rows.and_then(|rows| match rows.len() {
        0 => Err(format!("it holds no labels: {FORMS}")),
        n if n > MAX_TABLE_ROWS => Err(format!(
            "has more than the {MAX_TABLE_ROWS} rows that are read"
        )),
        _ => Ok(rows),
    }))
}

fn of_value(value: Value) -> Result<Vec<StringRecord>, String> {
    match value {
        Value::Array(values) => of_list(values),
        Value::Object(map) => of_map(map),
        _ => Err(format!("it holds no labels: {FORMS}")),
    }
}

fn of_map(mut map: Map<String, Value>) -> Result<Vec<StringRecord>, String> {
    let lists: Vec<&str> = WRAPPERS
        .into_iter()
        .filter(|key| {
            map.get(*key)
                .is_some_and(|value| value.is_array() || value.is_object())
        })
        .collect();
    match lists[..] {
        // More than one, such as images and annotations of COCO, have to be joined first.
        [only] if map.values().filter(|value| value.is_array()).count() <= 1 => {
            return of_value(map.remove(only).unwrap_or_default());
        }
        [] => {}
        _ => return Err(format!("it has its labels in several lists: {FORMS}")),
    }
    let are_objects = map.values().all(Value::is_object);
    let list = map.into_iter().map(|(file, value)| match value {
        Value::Object(mut object) if are_objects => {
            object.insert("file".to_owned(), Value::String(file));
            Value::Object(object)
        }
        value => Value::Array(vec![Value::String(file), value]),
    });
    of_list(list.collect())
}

fn of_list(values: Vec<Value>) -> Result<Vec<StringRecord>, String> {
    let mut keys: Vec<String> = Vec::new();
    for object in values.iter().filter_map(Value::as_object) {
        for key in object.keys() {
            if keys.len() < MOST_KEYS && !keys.contains(key) {
                keys.push(key.clone());
            }
        }
    }
    let mut rows = Vec::new();
    if !keys.is_empty() {
        rows.push(StringRecord::from(keys.clone()));
    }
    for (place, value) in values.iter().enumerate() {
        let cells: Option<Vec<String>> = match value {
            Value::Object(object) => {
                let cell = |key: &String| object.get(key).and_then(cell).unwrap_or_default();
                Some(keys.iter().map(cell).collect())
            }
            Value::Array(pair) if keys.is_empty() => {
                pair.iter().take(MOST_KEYS).map(cell).collect()
            }
            one if keys.is_empty() => cell(one).map(|cell| vec![cell]),
            _ => None,
        };
        let cells =
            cells.ok_or_else(|| format!("entry {} of it is no label: {FORMS}", place + 1))?;
        let mut row = StringRecord::from(cells);
        let mut position = Position::new();
        position.set_line(place as u64 + 1);
        row.set_position(Some(position));
        rows.push(row);
    }
    Ok(rows)
}

/// A text or a number as a cell of a table has it.
fn cell(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
