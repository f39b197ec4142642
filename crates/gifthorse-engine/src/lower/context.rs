//! What the lowering knows while it walks the graph.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use burn_tensor::Device;
use gifthorse_onnx::{ElementType, Graph, Node, Tensor};

use crate::error::Error;
use crate::execute::array::Array;
use crate::lower::constant::{Constant, Elements};
use crate::lower::kind;
use crate::lower::scope::{Found, Named, Scopes};
use crate::mode::Mode;
use crate::program::branch::Choice;
use crate::program::stored::Stored;
use crate::program::{Binary, Operand, Param, ParamId, Primitive, Running, Step, Unary, ValueId};

/// What an ONNX value name stands for.
#[derive(Clone, Debug)]
pub enum Lowered {
    /// Known before the model runs, and small enough to compute with on the host.
    Constant(Arc<Constant>),
    /// A weight.
    Param(ParamId),
    /// Computed from the input.
    Value(ValueId),
}

/// Weights of the file, by the address of the graph that they are in (that of the model, or a
/// branch's) and by name.
pub type Weights = HashMap<(usize, String), Stored>;

impl Lowered {
    /// What a step reads or makes, under a name.
    pub fn of(operand: Operand) -> Self {
        match operand {
            Operand::Value(id) => Self::Value(id),
            Operand::Param(id) => Self::Param(id),
        }
    }
}

/// The state of one lowering: names seen so far, steps and constants made so far.
pub struct Context<'g> {
    pub graph: &'g Graph,
    /// Batch size that the program is made for.
    pub batch: usize,
    /// Batch size written into the file, where it is a number.
    pub declared_batch: Option<usize>,
    pub device: Device,
    pub scopes: Scopes<'g>,
    pub shapes: Vec<Vec<usize>>,
    pub steps: Vec<Step>,
    /// The values that depend on the input.
    pub dependent: HashSet<ValueId>,
    /// Values that do not, as far as they were wanted.
    pub computed: HashMap<ValueId, Array>,
    /// For each node that chooses between two values by a third.
    pub choices: Vec<Choice>,
    /// Whether something was computed from all images of a batch together that is meant for one.
    pub looks_across: bool,
    pub params: Vec<Param>,
    pub mode: &'g Mode,
    /// For each batch norm in training mode.
    pub running: Vec<Running>,
    /// Dropouts in training mode so far.
    pub dropouts: usize,
    /// Constants that are parameters already, by where they are in memory.
    params_of: HashMap<*const Constant, (Arc<Constant>, ParamId)>,
    /// Weights that programs share.
    weights: &'g mut Weights,
}

impl<'g> Context<'g> {
    pub fn new(
        graph: &'g Graph,
        batch: usize,
        declared_batch: Option<usize>,
        device: Device,
        mode: &'g Mode,
        weights: &'g mut Weights,
    ) -> Self {
        Self {
            graph,
            batch,
            declared_batch,
            device,
            scopes: Scopes::new(graph),
            shapes: Vec::new(),
            steps: Vec::new(),
            dependent: HashSet::new(),
            computed: HashMap::new(),
            choices: Vec::new(),
            looks_across: false,
            params: Vec::new(),
            mode,
            running: Vec::new(),
            dropouts: 0,
            params_of: HashMap::new(),
            weights,
        }
    }

    /// A new value of this shape that no step has made yet.
    pub fn new_value(&mut self, shape: Vec<usize>) -> ValueId {
        self.shapes.push(shape);
        ValueId(self.shapes.len() - 1)
    }

    /// A constant as an operand; the same one gives the same parameter.
    pub fn param(&mut self, constant: &Arc<Constant>) -> Operand {
        let place = Arc::as_ptr(constant);
        if let Some((_, id)) = self.params_of.get(&place) {
            return Operand::Param(*id);
        }
        let value = Array::from_vec(constant.to_f32(), &constant.shape, &self.device);
        let id = self.add_param(constant.name.clone(), Stored::array(value), false);
        self.params_of.insert(place, (constant.clone(), id));
        Operand::Param(id)
    }

    /// What a lowered value is to a step.
    pub fn operand(&mut self, lowered: &Lowered) -> Operand {
        match lowered {
            Lowered::Constant(constant) => self.param(constant),
            Lowered::Param(id) => Operand::Param(*id),
            Lowered::Value(id) => Operand::Value(*id),
        }
    }

    /// Its shape.
    pub fn shape(&self, lowered: &Lowered) -> Vec<usize> {
        match lowered {
            Lowered::Constant(constant) => constant.shape.clone(),
            Lowered::Param(id) => self.params[id.0].value.shape().to_vec(),
            Lowered::Value(id) => self.shapes[id.0].clone(),
        }
    }

    /// Shape of an operand.
    pub fn shape_of(&self, operand: Operand) -> Vec<usize> {
        self.shape(&Lowered::of(operand))
    }

    /// What a name stands for at this place.
    ///
    /// # Errors
    /// A name that nothing lowered so far has, and a tensor that cannot be read.
    pub fn resolve(&mut self, name: &str) -> Result<Named, Error> {
        let (depth, tensor) = match self.scopes.find(name) {
            Some(Found::Known(named)) => return Ok(named),
            Some(Found::Tensor(depth, tensor)) => (depth, tensor),
            None => {
                let reason = format!("the value `{name}` is read but made by no supported output");
                return Err(Error::NotAClassifier(reason));
            }
        };
        let kind = tensor.element_type();
        let lowered = if kind.is_float() && tensor.len() > 1 {
            Lowered::Param(self.weight(depth, name, tensor)?)
        } else {
            let prefix = self.scopes.at(depth).map_or("", |(_, prefix)| prefix);
            let name = format!("{prefix}{name}");
            Lowered::Constant(Arc::new(Constant::from_tensor(&name, tensor)?))
        };
        let named = Named {
            lowered,
            kind: Some(kind),
        };
        self.scopes.bind_at(depth, name, named.clone());
        Ok(named)
    }

    /// A weight of the file, the same for all programs.
    fn weight(&mut self, depth: usize, name: &str, tensor: &Tensor) -> Result<ParamId, Error> {
        let (graph, prefix) = self.scopes.at(depth).unwrap_or((self.graph, ""));
        let full = format!("{prefix}{name}");
        let key = (std::ptr::from_ref(graph).addr(), name.to_owned());
        let value = match self.weights.get(&key) {
            Some(value) => value.clone(),
            None => {
                let value = Stored::file(tensor, &self.device)?;
                self.weights.insert(key, value.clone());
                value
            }
        };
        Ok(self.add_param(full, value, true))
    }

    /// A constant made by the lowering itself.
    pub fn constant_of(&mut self, name: String, values: Vec<f32>, shape: Vec<usize>) -> Operand {
        let value = Array::from_vec(values, &shape, &self.device);
        Operand::Param(self.add_param(name, Stored::array(value), false))
    }

    fn add_param(&mut self, name: String, value: Stored, in_file: bool) -> ParamId {
        let id = ParamId(self.params.len());
        self.params.push(Param {
            name,
            value,
            in_file,
            trained: false,
        });
        id
    }

    /// Adds a step of the node of this name; gives its value.
    pub fn push(
        &mut self,
        node: &str,
        primitive: Primitive,
        inputs: Vec<Operand>,
        shape: Vec<usize>,
    ) -> ValueId {
        let output = self.new_value(shape.clone());
        let values = inputs.iter().filter_map(Operand::value);
        if values.into_iter().any(|id| self.dependent.contains(&id)) {
            self.dependent.insert(output);
        }
        self.steps.push(Step {
            node: node.to_owned(),
            primitive,
            inputs,
            output,
            shape,
        });
        output
    }
}

/// A node with its inputs resolved: what each operator's lowering is written against.
pub struct Call<'a, 'g> {
    pub node: &'a Node,
    pub context: &'a mut Context<'g>,
    pub inputs: Vec<Option<Lowered>>,
    /// Types of the inputs in the file, where they are known.
    pub kinds: Vec<Option<ElementType>>,
}

impl Call<'_, '_> {
    /// Whether input `index` is there.
    pub fn has(&self, index: usize) -> bool {
        matches!(self.inputs.get(index), Some(Some(_)))
    }

    fn lowered(&self, index: usize) -> Result<&Lowered, Error> {
        match self.inputs.get(index) {
            Some(Some(lowered)) => Ok(lowered),
            _ => Err(self.shape_error(format!("input {index} is missing"))),
        }
    }

    /// Shape of input `index`.
    pub fn shape(&self, index: usize) -> Result<Vec<usize>, Error> {
        Ok(self.context.shape(self.lowered(index)?))
    }

    /// Input `index` as an operand of a step.
    pub fn operand(&mut self, index: usize) -> Result<Operand, Error> {
        let lowered = self.lowered(index)?.clone();
        Ok(self.context.operand(&lowered))
    }

    /// Name of the initialiser that input `index` is, if it is one.
    pub fn initializer(&self, index: usize) -> Option<String> {
        let name = match self.lowered(index).ok()? {
            Lowered::Constant(constant) => constant.name.clone(),
            Lowered::Param(id) => self.context.params[id.0].name.clone(),
            Lowered::Value(_) => return None,
        };
        let known = self.context.graph.initializers.contains_key(&name);
        known.then_some(name)
    }

    /// Input `index` if it is known before the model runs.
    pub fn constant(&self, index: usize) -> Option<Arc<Constant>> {
        match self.inputs.get(index) {
            Some(Some(Lowered::Constant(constant))) => Some(constant.clone()),
            _ => None,
        }
    }

    /// Input `index` as real numbers if it is known before the model runs, a weight included.
    pub fn known_floats(&self, index: usize) -> Option<Vec<f32>> {
        match self.inputs.get(index)?.as_ref()? {
            Lowered::Constant(constant) => Some(constant.to_f32()),
            Lowered::Param(id) => Some(self.context.params[id.0].value.get().ok()?.into_vec()),
            Lowered::Value(_) => None,
        }
    }

    /// Input `index`, which has to be known before the model runs, as integers.
    pub fn ints(&self, index: usize, name: &str) -> Result<Option<Vec<i64>>, Error> {
        if !self.has(index) {
            return Ok(None);
        }
        match self.constant(index) {
            Some(constant) => Ok(Some(constant.to_i64())),
            None => Err(self.unsupported(name, "it depends on the model's input")),
        }
    }

    /// Adds a step whose first operand is `x`; gives its value as an operand.
    pub fn step(
        &mut self,
        primitive: Primitive,
        inputs: Vec<Operand>,
        shape: Vec<usize>,
    ) -> Operand {
        Operand::Value(self.context.push(&self.node.name, primitive, inputs, shape))
    }

    /// Adds a step that applies a function to each number of `x`, which has this shape.
    pub fn unary(&mut self, function: Unary, x: Operand, shape: &[usize]) -> Operand {
        self.step(Primitive::Unary(function), vec![x], shape.to_vec())
    }

    /// Adds a step on two operands that broadcast to this shape.
    pub fn binary(&mut self, function: Binary, a: Operand, b: Operand, shape: &[usize]) -> Operand {
        self.step(Primitive::Binary(function), vec![a, b], shape.to_vec())
    }

    /// Type of input `index` in the file, where it is known.
    pub fn kind(&self, index: usize) -> Option<ElementType> {
        self.kinds.get(index).copied().flatten()
    }

    /// Whether input `index` holds integers. Values are f32 whatever the file calls them, so that
    /// only this tells a division that drops the remainder from one that does not.
    pub fn is_integer(&self, index: usize) -> bool {
        match (self.kind(index), self.constant(index)) {
            (Some(kind), _) => kind::is_integer(kind),
            (None, Some(constant)) => matches!(constant.elements, Elements::Int(_)),
            (None, None) => false,
        }
    }

    /// A constant made by the lowering itself, under a name of its own.
    pub fn fresh(&mut self, part: &str, values: Vec<f32>, shape: Vec<usize>) -> Operand {
        let name = format!("{}:{part}", self.node.name);
        self.context.constant_of(name, values, shape)
    }

    /// Name for a constant that is the node's only output. A file may call two nodes alike, but
    /// never two values.
    pub fn output_name(&self) -> String {
        let name = self.node.output(0).unwrap_or(&self.node.name);
        format!("{}{name}", self.context.scopes.prefix())
    }

    /// Reshapes an operand; nothing is added when the shape is the same.
    pub fn reshape(&mut self, x: Operand, from: &[usize], to: &[usize]) -> Operand {
        if from == to {
            return x;
        }
        self.step(Primitive::Reshape, vec![x], to.to_vec())
    }

    /// Binds the node's only output.
    pub fn finish(self, output: Operand) -> Result<Vec<Lowered>, Error> {
        Ok(vec![Lowered::of(output)])
    }

    /// Refuses attributes that this lowering has not read.
    pub fn only_attributes(&self, known: &[&str]) -> Result<(), Error> {
        Ok(self.node.allow_attributes(known)?)
    }

    /// An attribute or input that is not supported, by name.
    pub fn unsupported(&self, attribute: &str, reason: impl Into<String>) -> Error {
        Error::UnsupportedAttribute {
            node: self.node.name.clone(),
            operator: self.node.op_type.clone(),
            opset: self.node.opset,
            attribute: attribute.to_string(),
            reason: reason.into(),
        }
    }

    /// Shapes that do not fit.
    pub fn shape_error(&self, reason: impl Into<String>) -> Error {
        Error::Shape {
            node: self.node.name.clone(),
            operator: self.node.op_type.clone(),
            reason: reason.into(),
        }
    }

    /// An axis counted from either end, as an index below `rank`.
    pub fn axis(&self, axis: i64, rank: usize) -> Result<usize, Error> {
        let counted = if axis < 0 { axis + rank as i64 } else { axis };
        usize::try_from(counted)
            .ok()
            .filter(|&a| a < rank)
            .ok_or_else(|| self.shape_error(format!("axis {axis} of a value of rank {rank}")))
    }

    /// The axes that an attribute (older opsets) or input (newer ones) names.
    pub fn axes(&self, input: usize, rank: usize) -> Result<Option<Vec<usize>>, Error> {
        let named = match self.ints(input, "axes")? {
            Some(axes) => Some(axes),
            None => self.node.ints_opt("axes")?.map(|axes| axes.to_vec()),
        };
        named
            .map(|axes| axes.into_iter().map(|axis| self.axis(axis, rank)).collect())
            .transpose()
    }

    /// The shape that two shapes broadcast to.
    pub fn broadcast(&self, a: &[usize], b: &[usize]) -> Result<Vec<usize>, Error> {
        let rank = a.len().max(b.len());
        let at =
            |shape: &[usize], i: usize| (i + shape.len()).checked_sub(rank).map_or(1, |j| shape[j]);
        (0..rank)
            .map(|i| match (at(a, i), at(b, i)) {
                (x, y) if x == y => Ok(x),
                (1, y) => Ok(y),
                (x, 1) => Ok(x),
                _ => Err(self.shape_error(format!("{a:?} and {b:?} do not broadcast"))),
            })
            .collect()
    }
}
