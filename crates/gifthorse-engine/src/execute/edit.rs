//! Changes to values while a program runs.

use std::collections::HashMap;

use crate::error::Error;
use crate::execute::array::Array;
use crate::execute::reference::evaluate;
use crate::program::{Binary, Primitive, ValueId};

/// A value becomes a function of itself and of an operand that is given with each run, before
/// anything reads it.
#[derive(Clone, Debug)]
pub struct Edit {
    /// What becomes of it.
    pub function: Binary,
    /// The other operand, which broadcasts against the value.
    pub operand: Array,
}

/// The edits of a run, by value, in the order in which they are made.
pub type Edits = HashMap<ValueId, Vec<Edit>>;

impl Edit {
    /// The value after it.
    ///
    /// # Errors
    /// As the reference's.
    pub fn apply(&self, value: Array) -> Result<Array, Error> {
        let shape = value.shape();
        let operands = vec![value, self.operand.clone()];
        evaluate(&Primitive::Binary(self.function), operands, &shape)
    }
}
