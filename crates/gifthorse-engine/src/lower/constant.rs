//! Values known before the model runs: weights, and the integers that shapes are made of.

use gifthorse_onnx::Tensor;

use crate::error::Error;

/// Elements of a constant. Truth values are integers 0 and 1.
#[derive(Clone, Debug, PartialEq)]
pub enum Elements {
    /// Real numbers.
    Float(Vec<f32>),
    /// Integers and truth values.
    Int(Vec<i64>),
}

/// A named constant in row-major order.
#[derive(Clone, Debug)]
pub struct Constant {
    /// Name of the initialiser, or one made from the node's name.
    pub name: String,
    /// Length of every axis.
    pub shape: Vec<usize>,
    /// Its elements.
    pub elements: Elements,
}

impl Constant {
    /// A constant of real numbers.
    pub fn float(name: String, shape: Vec<usize>, values: Vec<f32>) -> Self {
        Self {
            name,
            shape,
            elements: Elements::Float(values),
        }
    }

    /// A constant of integers.
    pub fn int(name: String, shape: Vec<usize>, values: Vec<i64>) -> Self {
        Self {
            name,
            shape,
            elements: Elements::Int(values),
        }
    }

    /// Decodes a tensor of the file; strings are refused by the reader's conversion.
    pub fn from_tensor(name: &str, tensor: &Tensor) -> Result<Self, Error> {
        let shape = tensor.shape().to_vec();
        let elements = if tensor.element_type().is_float() {
            Elements::Float(tensor.to_f32()?)
        } else {
            Elements::Int(tensor.to_i64()?)
        };
        Ok(Self {
            name: name.to_string(),
            shape,
            elements,
        })
    }

    /// Elements as f32.
    pub fn to_f32(&self) -> Vec<f32> {
        match &self.elements {
            Elements::Float(values) => values.clone(),
            Elements::Int(values) => values.iter().map(|&v| v as f32).collect(),
        }
    }

    /// Elements as integers; real numbers lose what follows the point.
    pub fn to_i64(&self) -> Vec<i64> {
        match &self.elements {
            Elements::Float(values) => values.iter().map(|&v| v as i64).collect(),
            Elements::Int(values) => values.clone(),
        }
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        match &self.elements {
            Elements::Float(values) => values.len(),
            Elements::Int(values) => values.len(),
        }
    }
}
