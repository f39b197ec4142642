//! How far a file's constants may unfold: a few bytes can ask for any number of large ones, each of
//! them within bounds.

use std::collections::HashSet;

use gifthorse_onnx::{Graph, Tensor};

use crate::lower::context::Lowered;
use crate::program::{Operand, Step, ValueId};

/// Most numbers that may be computed from constants alone, whatever the file holds: 256 MiB.
const FREE: usize = 1 << 26;
/// The same limit for files with large constants of their own, as a multiple of their numbers.
const TIMES: usize = 16;

/// What is left for values that are computed from constants alone. They are held as long as the
/// program.
pub struct Budget {
    limit: usize,
    left: usize,
    constant: HashSet<ValueId>,
}

impl Budget {
    /// The budget of a file.
    pub fn of(graph: &Graph) -> Self {
        let held = graph.tensors().map(Tensor::len);
        let limit = held.fold(0, usize::saturating_add).saturating_mul(TIMES);
        let limit = limit.max(FREE);
        Self {
            limit,
            left: limit,
            constant: HashSet::new(),
        }
    }

    /// Charges what a node added: its outputs, where they are known, and those of its steps that
    /// depend on constants alone.
    ///
    /// # Errors
    /// The reason, if that is more than is left.
    pub fn take(&mut self, outputs: &[Lowered], steps: &[Step]) -> Result<(), String> {
        for output in outputs {
            if let Lowered::Constant(constant) = output {
                self.spend(constant.len())?;
            }
        }
        for step in steps {
            let is_constant = |operand: &Operand| match operand {
                Operand::Param(_) => true,
                Operand::Value(id) => self.constant.contains(id),
            };
            if step.inputs.iter().all(is_constant) {
                self.constant.insert(step.output);
                self.spend(step.shape.iter().product())?;
            }
        }
        Ok(())
    }

    /// Charges the inputs of a node whose output depends on constants alone, whatever the size of
    /// that output.
    ///
    /// # Errors
    /// The reason, if that is more than is left.
    pub fn look(&mut self, read: usize) -> Result<(), String> {
        self.spend(read)
    }

    fn spend(&mut self, count: usize) -> Result<(), String> {
        let left = self.left.checked_sub(count).ok_or_else(|| {
            format!(
                "what is computed from constants alone has and reads more than {} numbers by now, far more than the file holds",
                self.limit
            )
        })?;
        self.left = left;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use gifthorse_onnx::{Attribute, ElementType, GraphBuilder};

    use super::*;

    #[test]
    fn weights_in_nodes_are_the_files_own() {
        let limit = |count: usize| {
            let weight = Tensor::from_bytes("w", &[count], ElementType::I8, vec![1; count].into());
            let value = [("value", Attribute::Tensor(weight.unwrap()))];
            let model = GraphBuilder::new("held", 17)
                .input("x", ElementType::F32, &[])
                .node("Constant", "held", &[], &["c"], value)
                .node("Add", "add", &["x", "c"], &["y"], [])
                .output("y", ElementType::F32, &[])
                .finish();
            Budget::of(&model.unwrap().graph().unwrap()).limit
        };
        assert_eq!(limit(1), FREE);
        let many = FREE / TIMES + 1;
        assert_eq!(limit(many), many * TIMES);
    }
}
