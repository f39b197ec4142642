//! Class names in JSON, in the forms that frameworks write.

use serde_json::{Map, Value};

use super::{ClassNames, in_order};

const FORMS: &str = "give a list of names, {\"0\": \"name\"}, {\"name\": 0}, or a model's config.json with `id2label`";

/// Reads a list of names, a map from indices to names or from names to indices, or an object that
/// has such a map as `id2label` or `label2id`. Where a name is a list, as in ImageNet's class
/// index, its last entry is the name and the others are aliases.
pub(super) fn parse(bytes: &[u8]) -> Result<ClassNames, String> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let value: Value =
        serde_json::from_slice(bytes).map_err(|error| format!("is not JSON: {error}"))?;
    match value {
        Value::Array(names) => collect(names.into_iter().enumerate().collect()),
        Value::Object(map) => of_config(&map).unwrap_or_else(|| of_map(map)),
        _ => Err(format!("holds no class names: {FORMS}")),
    }
}

/// The names of a model's configuration, if it is one that has them.
fn of_config(config: &Map<String, Value>) -> Option<Result<ClassNames, String>> {
    let maps = ["id2label", "label2id"].into_iter();
    let mut maps = maps.filter_map(|key| config.get(key)?.as_object());
    maps.next().map(|map| of_map(map.clone()))
}

fn of_map(map: Map<String, Value>) -> Result<ClassNames, String> {
    let by_index = map.keys().all(|key| key.parse::<usize>().is_ok());
    if by_index {
        let pairs = map.into_iter();
        let pairs = pairs.filter_map(|(index, name)| Some((index.parse().ok()?, name)));
        return collect(pairs.collect());
    }
    let pairs = map.into_iter().map(|(name, index)| {
        let number = match &index {
            Value::String(text) => text.parse().ok(),
            other => other.as_u64().and_then(|index| usize::try_from(index).ok()),
        };
        number
            .map(|number| (number, Value::String(name.clone())))
            .ok_or_else(|| format!("gives {name:?} the index {index}: {FORMS}"))
    });
    collect(pairs.collect::<Result<_, _>>()?)
}

fn collect(pairs: Vec<(usize, Value)>) -> Result<ClassNames, String> {
    let mut read = ClassNames::default();
    for (index, value) in in_order(pairs)?.into_iter().enumerate() {
        let calls = match value {
            Value::Array(calls) => calls,
            one => vec![one],
        };
        let calls = calls.into_iter().map(|call| match call {
            Value::String(call) => Ok(call),
            other => Err(format!(
                "calls class {index} {other}, which is no text: {FORMS}"
            )),
        });
        let mut calls: Vec<String> = calls.collect::<Result<_, _>>()?;
        let name = calls
            .pop()
            .ok_or_else(|| format!("gives class {index} no name"))?;
        read.names.push(name);
        read.aliases
            .extend(calls.into_iter().map(|call| (index, call)));
    }
    Ok(read)
}
