//! The input that takes the image, and what the other inputs of a file are given.

use std::collections::BTreeMap;

use gifthorse_onnx::{Dim, ElementType, Graph, ValueInfo};

use crate::error::Error;

/// What the user says of a file's ends, where the file leaves that open.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Opening {
    /// The output to take, by name; found from the outputs themselves if absent.
    pub output: Option<String>,
    /// A number for each input that takes no image, by name: all its entries have it.
    pub inputs: BTreeMap<String, f32>,
}

/// The input that takes images.
#[derive(Clone, Debug, PartialEq)]
pub struct ImageInput {
    /// Name, type and shape. Where the file has no batch axis, one of length one stands before the
    /// others here.
    pub info: ValueInfo,
    /// Whether the file takes a single image, without a batch axis.
    pub without_batch: bool,
}

impl ImageInput {
    /// The only input that is given no number.
    ///
    /// # Errors
    /// [`Error::NotAClassifier`] when that is not exactly one, or none of numbers;
    /// [`Error::Input`] for a number for an input that there is not.
    pub fn find(graph: &Graph, opening: &Opening) -> Result<Self, Error> {
        let names = || -> String {
            let described = graph.inputs.iter().map(described);
            described.collect::<Vec<_>>().join(", ")
        };
        let known = |name: &String| graph.inputs.iter().any(|input| input.name == *name);
        if let Some(unknown) = opening.inputs.keys().find(|name| !known(name)) {
            return Err(Error::Input(format!(
                "the model has no input `{unknown}` to give a number to (--input); it takes {}",
                names()
            )));
        }
        let open: Vec<&ValueInfo> = graph
            .inputs
            .iter()
            .filter(|input| !opening.inputs.contains_key(&input.name))
            .collect();
        let [input] = open[..] else {
            let reason = if open.is_empty() {
                "no input is left for the image".to_owned()
            } else {
                format!(
                    "it takes {} inputs, one image is expected: {}. Give each of them but the image a number with \
                     --input NAME=VALUE",
                    open.len(),
                    names()
                )
            };
            return Err(Error::NotAClassifier(reason));
        };
        match input.element_type {
            Some(element @ (ElementType::Bool | ElementType::String)) => {
                let name = &input.name;
                let reason = format!("its input `{name}` is {element}, numbers are expected");
                Err(Error::NotAClassifier(reason))
            }
            _ => Ok(Self {
                info: input.clone(),
                without_batch: false,
            }),
        }
    }

    /// The same, where three axes that can only be those of one image are read as such.
    pub fn of_an_image(mut self) -> Self {
        let Some(shape @ [first, second, last]) = self.info.shape.as_deref() else {
            return self;
        };
        let fixed = |dim: &Dim, length| dim.fixed() == Some(length);
        let is_side = |dim: &Dim| dim.fixed().is_none_or(|length| length > 1);
        let colours_last = fixed(last, 3) && is_side(first) && is_side(second);
        let colours_first = fixed(first, 3) && is_side(second) && is_side(last);
        let grey_last = fixed(last, 1)
            && first.fixed().is_some_and(|length| length > 1)
            && second.fixed().is_some_and(|length| length > 1);
        if colours_last || colours_first || grey_last {
            let one = std::iter::once(Dim::Fixed(1));
            self.info.shape = Some(one.chain(shape.iter().cloned()).collect());
            self.without_batch = true;
        }
        self
    }

    /// Whether its values are whole numbers.
    pub fn is_integer(&self) -> bool {
        self.info.element_type.is_some_and(|e| !e.is_float())
    }
}

/// An input in words: name, shape and type.
fn described(input: &ValueInfo) -> String {
    let dim = |dim: &Dim| match dim {
        Dim::Fixed(size) => size.to_string(),
        Dim::Named(name) => name.clone(),
        Dim::Unknown => "?".to_owned(),
    };
    let shape = input.shape.as_ref().map_or("?".to_owned(), |shape| {
        shape.iter().map(dim).collect::<Vec<_>>().join(", ")
    });
    let element = input.element_type.map(|element| format!(" {element}"));
    format!("`{}` [{shape}]{}", input.name, element.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn without_batch(dims: [Option<usize>; 3]) -> bool {
        let shape = dims.map(|dim| dim.map_or(Dim::Unknown, Dim::Fixed));
        let info = ValueInfo {
            name: "x".to_owned(),
            element_type: Some(ElementType::U8),
            shape: Some(shape.to_vec()),
        };
        let input = ImageInput {
            info,
            without_batch: false,
        };
        input.of_an_image().without_batch
    }

    #[test]
    fn three_axes_are_one_image_where_they_can_be_nothing_else() {
        assert!(without_batch([Some(32), Some(30), Some(3)]));
        assert!(without_batch([None, None, Some(3)]));
        assert!(without_batch([Some(3), Some(32), Some(30)]));
        assert!(without_batch([Some(28), Some(28), Some(1)]));
        // A batch of flat vectors, or of grey images without an axis for the colour.
        assert!(!without_batch([None, Some(784), Some(1)]));
        assert!(!without_batch([Some(1), Some(784), Some(1)]));
        assert!(!without_batch([Some(1), Some(1), Some(784)]));
        assert!(!without_batch([Some(1), Some(28), Some(28)]));
        assert!(!without_batch([None, Some(28), Some(28)]));
    }
}
