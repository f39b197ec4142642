//! Constants that differ.

use super::{ConstantChange, ConstantEdit, TensorType};
use crate::{ElementType, Error, Graph, Tensor};

pub(super) fn compared(before: &Graph, after: &Graph) -> Result<Vec<ConstantChange>, Error> {
    let mut found = Vec::new();
    for (name, old) in &before.initializers {
        let new = after.initializers.get(name);
        if let Some(new) = new
            && is_same(old, new)?
        {
            continue;
        }
        let values = new.map(|new| edit(old, new)).transpose()?.flatten();
        found.push(ConstantChange {
            name: name.clone(),
            before: Some(type_of(old)),
            after: new.map(type_of),
            values,
        });
    }
    let new = after.initializers.iter();
    let new = new.filter(|(name, _)| !before.initializers.contains_key(*name));
    found.extend(new.map(|(name, new)| ConstantChange {
        name: name.clone(),
        before: None,
        after: Some(type_of(new)),
        values: None,
    }));
    Ok(found)
}

/// Whether two tensors hold the same, wherever they do and whatever they are called.
pub(super) fn is_same(one: &Tensor, other: &Tensor) -> Result<bool, Error> {
    let alike = one.element_type() == other.element_type() && one.shape() == other.shape();
    Ok(alike && one.strings() == other.strings() && one.bytes()? == other.bytes()?)
}

fn type_of(tensor: &Tensor) -> TensorType {
    TensorType {
        element: tensor.element_type().to_string(),
        shape: tensor.shape().to_vec(),
    }
}

/// `None` where elements do not belong together or are no numbers.
fn edit(before: &Tensor, after: &Tensor) -> Result<Option<ConstantEdit>, Error> {
    let types = [before.element_type(), after.element_type()];
    if before.shape() != after.shape() || types.contains(&ElementType::String) {
        return Ok(None);
    }
    let (old, new) = (before.to_f64()?, after.to_f64()?);
    let differs: Vec<bool> = if types[0] == types[1] {
        let (old, new) = (before.bytes()?, after.bytes()?);
        let (old, new) = (old.unwrap_or_default(), new.unwrap_or_default());
        let size = types[0].size();
        let pairs = old.chunks_exact(size).zip(new.chunks_exact(size));
        pairs.map(|(old, new)| old != new).collect()
    } else {
        let pairs = old.iter().zip(&new);
        pairs
            .map(|(old, new)| old != new && !(old.is_nan() && new.is_nan()))
            .collect()
    };
    let mut edit = ConstantEdit {
        elements: before.len(),
        changed: 0,
        largest: 0.0,
        relative: None,
        not_finite: 0,
    };
    let mut squares = 0.0;
    let pairs = old.iter().zip(&new).zip(differs);
    for ((old, new), _) in pairs.filter(|(_, differs)| *differs) {
        edit.changed += 1;
        if old.is_finite() && new.is_finite() {
            let difference = (old - new).abs();
            edit.largest = edit.largest.max(difference.min(f64::MAX));
            squares += difference * difference;
        } else {
            edit.not_finite += 1;
        }
    }
    let finite = old.iter().filter(|value| value.is_finite());
    let before: f64 = finite.map(|value| value * value).sum();
    let relative = (squares / before).sqrt();
    edit.relative = (before > 0.0 && relative.is_finite()).then_some(relative);
    Ok(Some(edit))
}
