//! What has a name and can be said in a few words.

use std::collections::HashSet;

use indexmap::IndexMap;

use super::Entry;
use crate::{Dim, Graph, Model, ValueInfo};

/// Names with what they stand for, in the order of the file.
pub(super) type Named = IndexMap<String, String>;

/// Every name that does not stand for the same in both.
pub(super) fn entries(before: Named, mut after: Named) -> Vec<Entry> {
    let mut found = Vec::new();
    for (key, before) in before {
        let after = after.shift_remove(&key);
        if after.as_ref() != Some(&before) {
            found.push(Entry {
                key,
                before: Some(before),
                after,
            });
        }
    }
    found.extend(after.into_iter().map(|(key, after)| Entry {
        key,
        before: None,
        after: Some(after),
    }));
    found
}

pub(super) fn values(before: &[ValueInfo], after: &[ValueInfo]) -> Vec<Entry> {
    let named = |all: &[ValueInfo]| -> Named {
        let all = all.iter();
        all.map(|value| (value.name.clone(), described(value)))
            .collect()
    };
    let mut found = entries(named(before), named(after));
    found.extend(reordered(before, after));
    found
}

/// Values that both have, where one lists them in another order: who takes them by place gets
/// others.
fn reordered(before: &[ValueInfo], after: &[ValueInfo]) -> Option<Entry> {
    let common = |own: &[ValueInfo], other: &[ValueInfo]| {
        let there: HashSet<&str> = other.iter().map(|value| value.name.as_str()).collect();
        let names = own.iter().map(|value| value.name.as_str());
        let shared: Vec<&str> = names.filter(|name| there.contains(name)).collect();
        shared.join(", ")
    };
    let (one, other) = (common(before, after), common(after, before));
    (one != other).then(|| Entry {
        key: "order".to_owned(),
        before: Some(one),
        after: Some(other),
    })
}

pub(super) fn opsets(before: &Graph, after: &Graph) -> Vec<Entry> {
    let named = |graph: &Graph| -> Named {
        let all = graph.opsets();
        all.map(|(domain, version)| (domain.to_owned(), version.to_string()))
            .collect()
    };
    entries(named(before), named(after))
}

/// A key that is given several times has all its values, one a line.
pub(super) fn metadata(model: &Model) -> Named {
    let mut named = Named::new();
    for (key, value) in model.metadata() {
        let known = named.entry(key.to_owned());
        known
            .and_modify(|all| *all = format!("{all}\n{value}"))
            .or_insert_with(|| value.to_owned());
    }
    named
}

pub(super) fn header(model: &Model) -> Named {
    let (name, version) = model.producer();
    [
        ("ir_version", model.ir_version().to_string()),
        ("producer_name", name.to_owned()),
        ("producer_version", version.to_owned()),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into()
}

/// `float32 [batch, 3, 32, 32]`.
fn described(value: &ValueInfo) -> String {
    let element = value.element_type.map(|element| element.to_string());
    let element = element.unwrap_or_else(|| "unknown type".to_owned());
    let dim = |dim: &Dim| match dim {
        Dim::Fixed(n) => n.to_string(),
        Dim::Named(name) => name.clone(),
        Dim::Unknown => "?".to_owned(),
    };
    match &value.shape {
        Some(shape) => {
            let dims: Vec<String> = shape.iter().map(dim).collect();
            format!("{element} [{}]", dims.join(", "))
        }
        None => format!("{element} of unknown shape"),
    }
}
