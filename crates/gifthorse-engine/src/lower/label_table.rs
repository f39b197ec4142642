//! What converters of classical learning put at the end of a file: tables of class names, and what
//! makes probabilities of scores.

use gifthorse_onnx::{Graph, Node, Tensor};

use super::trail::Producers;
use super::trail_step::Step;

/// Most names of classes that are read from a table.
const MOST_NAMES: usize = 1 << 20;

/// Whether the operator reads the winner's name from a table, puts the scores into a map by name,
/// or makes probabilities of them that sum up to one: it is left off, and never run.
pub fn only_names(node: &Node) -> bool {
    node.domain == "ai.onnx.ml"
        && matches!(
            node.op_type.as_str(),
            "ArrayFeatureExtractor" | "LabelEncoder" | "Normalizer" | "ZipMap"
        )
}

/// What an operator of the domain for classical learning does to its input; `None` for one that
/// does something else than to name.
pub fn step<'g>(graph: &'g Graph, producers: &Producers<'g>, node: &'g Node) -> Option<Step<'g>> {
    let input = node.input(0)?;
    let strings = |name: &str| {
        node.strings_opt(name)
            .ok()
            .flatten()
            .map(<[String]>::to_vec)
    };
    let ints = |name: &str| node.ints_opt(name).ok().flatten();
    Some(match node.op_type.as_str() {
        "ArrayFeatureExtractor" => {
            let table = producers.constant(graph, input)?;
            Step::LooksUp(node.input(1)?, names(table))
        }
        "LabelEncoder" => {
            let by_place = strings("classes_strings");
            let by_key = || named_by_key(ints("keys_int64s")?, &strings("values_strings")?);
            Step::LooksUp(input, by_place.or_else(by_key).unwrap_or_default())
        }
        // Each row by a positive number: what keeps the order of probabilities.
        "Normalizer" => {
            let norm = node.string_or("norm", "MAX").ok()?;
            matches!(norm, "L1" | "L2").then_some(Step::Monotone(input))?
        }
        "ZipMap" => {
            let numbers = || Some(in_words(ints("classlabels_int64s")?));
            let names = strings("classlabels_strings").or_else(numbers);
            Step::Names(input, names.unwrap_or_default())
        }
        _ => return None,
    })
}

/// The names in a table of strings or numbers; none where it is too long for one of classes.
pub fn names(table: &Tensor) -> Vec<String> {
    if table.len() > MOST_NAMES {
        return Vec::new();
    }
    match table.strings() {
        Some(strings) => strings
            .iter()
            .map(|name| String::from_utf8_lossy(name).into_owned())
            .collect(),
        None => table.to_i64().map_or(Vec::new(), |ids| in_words(&ids)),
    }
}

/// Numbers as names, unless each is its own place.
fn in_words(numbers: &[i64]) -> Vec<String> {
    let own_place = |(place, &number): (usize, &i64)| usize::try_from(number) == Ok(place);
    if numbers.iter().enumerate().all(own_place) {
        return Vec::new();
    }
    numbers.iter().map(i64::to_string).collect()
}

/// Names by the class that their key says, if the keys are the numbers of classes.
fn named_by_key(keys: &[i64], values: &[String]) -> Option<Vec<String>> {
    let mut names = vec![None; keys.len()];
    for (&key, value) in keys.iter().zip(values) {
        *names.get_mut(usize::try_from(key).ok()?)? = Some(value.clone());
    }
    names.into_iter().collect()
}
