//! The value of a constant: held, or made whenever it is asked for.
//!
//! A large weight is wanted once, by the segment that packs it. If the program held it as well, a
//! model would take its size several times over.

use std::sync::{Arc, OnceLock};

use burn_tensor::Device;
use gifthorse_onnx::Tensor;

use crate::error::Error;
use crate::execute::array::Array;
use crate::execute::reference::evaluate;
use crate::program::Primitive;

/// Numbers that a constant has to have for its value not to be held.
const LARGE: usize = 1 << 18;

/// The value of a constant. A clone is the same value.
#[derive(Clone, Debug)]
pub struct Stored(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    shape: Vec<usize>,
    source: Source,
    /// The value, once it was asked to be kept.
    kept: OnceLock<Array>,
}

#[derive(Debug)]
enum Source {
    Array(Array),
    File {
        tensor: Tensor,
        device: Device,
    },
    /// A weight of the file with its axes in another order, or in another shape.
    Moved(Primitive, Stored),
}

impl Stored {
    /// A value that is held.
    pub fn array(value: Array) -> Self {
        Self::new(value.shape(), Source::Array(value))
    }

    /// A weight of the file, held if it is small.
    ///
    /// # Errors
    /// A tensor of strings, and data that cannot be read.
    pub fn file(tensor: &Tensor, device: &Device) -> Result<Self, Error> {
        if tensor.len() < LARGE {
            return Ok(Self::array(decode(tensor, device)?));
        }
        let source = Source::File {
            tensor: tensor.clone(),
            device: device.clone(),
        };
        Ok(Self::new(tensor.shape().to_vec(), source))
    }

    /// What a primitive makes of constants: held, unless it only moves the numbers of a large
    /// weight of the file.
    ///
    /// # Errors
    /// As the reference's.
    pub fn made(primitive: &Primitive, of: &[&Self], shape: &[usize]) -> Result<Self, Error> {
        let moves = matches!(primitive, Primitive::Permute(_) | Primitive::Reshape);
        if let [from] = of
            && moves
            && matches!(from.0.source, Source::File { .. })
        {
            let source = Source::Moved(primitive.clone(), (*from).clone());
            return Ok(Self::new(shape.to_vec(), source));
        }
        let operands = of.iter().map(|stored| stored.get());
        let value = evaluate(primitive, operands.collect::<Result<_, _>>()?, shape)?;
        Ok(Self::new(shape.to_vec(), Source::Array(value)))
    }

    fn new(shape: Vec<usize>, source: Source) -> Self {
        Self(Arc::new(Inner {
            shape,
            source,
            kept: OnceLock::new(),
        }))
    }

    /// A value of no numbers, on the same device, for a constant that nobody reads any more.
    pub fn given_up(&self) -> Self {
        let device = match &self.0.source {
            Source::Array(value) => value.device(),
            Source::File { device, .. } => device.clone(),
            Source::Moved(_, from) => return from.given_up(),
        };
        Self::array(Array::from_vec(Vec::new(), &[0], &device))
    }

    /// Length of every axis.
    pub fn shape(&self) -> &[usize] {
        &self.0.shape
    }

    /// The value, for somebody who needs it once.
    ///
    /// # Errors
    /// Data that cannot be read.
    pub fn get(&self) -> Result<Array, Error> {
        if let Some(kept) = self.0.kept.get() {
            return Ok(kept.clone());
        }
        match &self.0.source {
            Source::Array(value) => Ok(value.clone()),
            Source::File { tensor, device } => decode(tensor, device),
            Source::Moved(primitive, from) => evaluate(primitive, vec![from.get()?], &self.0.shape),
        }
    }

    /// The value, for somebody who needs it again and again: it is held from now on.
    ///
    /// # Errors
    /// As of [`get`](Self::get).
    pub fn keep(&self) -> Result<Array, Error> {
        if let Source::Array(value) = &self.0.source {
            return Ok(value.clone());
        }
        let value = self.get()?;
        Ok(self.0.kept.get_or_init(|| value).clone())
    }

    /// Whether the value is held whether anybody keeps it or not.
    pub fn is_held(&self) -> bool {
        matches!(self.0.source, Source::Array(_))
    }

    /// Whether both have the same numbers in the same shape.
    ///
    /// # Errors
    /// As of [`get`](Self::get).
    pub fn equals(&self, other: &Self) -> Result<bool, Error> {
        if self.has_source_of(other) {
            return Ok(true);
        }
        let alike = self.0.shape == other.0.shape;
        Ok(alike && self.get()?.into_vec() == other.get()?.into_vec())
    }

    /// Whether both are made in the same way of the same weight of the file, which needs no look at
    /// their numbers.
    fn has_source_of(&self, other: &Self) -> bool {
        if Arc::ptr_eq(&self.0, &other.0) {
            return true;
        }
        match (&self.0.source, &other.0.source) {
            (Source::Moved(one, from), Source::Moved(another, of)) => {
                one == another && self.0.shape == other.0.shape && from.has_source_of(of)
            }
            _ => false,
        }
    }
}

fn decode(tensor: &Tensor, device: &Device) -> Result<Array, Error> {
    Ok(Array::from_vec(tensor.to_f32()?, tensor.shape(), device))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weight(count: usize) -> Stored {
        let values: Vec<f32> = (0..count).map(|n| n as f32).collect();
        let tensor = Tensor::from_f32("w", &[count / 2, 2], &values).unwrap();
        Stored::file(&tensor, &Device::flex()).unwrap()
    }

    #[test]
    fn large_weights_and_what_moves_them_are_not_held() {
        let turn = Primitive::Permute(vec![1, 0]);
        let turned = |from: &Stored| {
            let shape = [2, from.shape()[0]];
            Stored::made(&turn, &[from], &shape).unwrap()
        };
        let (small, large) = (weight(8), weight(LARGE));
        assert!(small.is_held() && turned(&small).is_held());
        assert!(!large.is_held() && !turned(&large).is_held());
        let twice = Stored::made(&turn, &[&turned(&large)], large.shape()).unwrap();
        assert!(twice.is_held());
        assert_eq!(
            turned(&small).get().unwrap().into_vec()[..4],
            [0.0, 2.0, 4.0, 6.0]
        );
        assert_eq!(
            turned(&large).get().unwrap().into_vec()[..4],
            [0.0, 2.0, 4.0, 6.0]
        );
        assert_eq!(
            twice.get().unwrap().into_vec(),
            large.get().unwrap().into_vec()
        );
    }

    #[test]
    fn what_is_kept_is_the_same_value() {
        let large = weight(LARGE);
        let before = large.get().unwrap().into_vec();
        assert_eq!(large.keep().unwrap().into_vec(), before);
        assert_eq!(large.get().unwrap().into_vec(), before);
    }

    #[test]
    fn sources_are_compared_without_their_numbers() {
        let large = weight(LARGE);
        let made = |axes: [usize; 2]| {
            let shape = axes.map(|axis| large.shape()[axis]);
            Stored::made(&Primitive::Permute(axes.to_vec()), &[&large], &shape).unwrap()
        };
        assert!(large.has_source_of(&large.clone()));
        assert!(made([1, 0]).has_source_of(&made([1, 0])));
        assert!(!made([1, 0]).has_source_of(&made([0, 1])));
        assert!(!large.has_source_of(&weight(LARGE)));
    }
}
