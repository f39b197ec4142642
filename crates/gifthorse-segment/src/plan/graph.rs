//! What a segment computes, before anything is fused or planned.

use crate::kernels::parameter::Parameter;
use crate::lanes::map::MapShape;
use crate::lanes::order::Order;
use crate::plan::operation::{Body, Operation};

/// A value of a [`Graph`]: one of its inputs or a node's result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Value(pub(crate) usize);

/// A list of operations in an order that can be run. Grown node by node.
#[derive(Debug, Default)]
pub struct Graph {
    /// Bytes from which on a weight is packed once; `None` for never.
    once: Option<usize>,
    pub(crate) shapes: Vec<MapShape>,
    /// For each value, the one whose memory it is: itself, but for recast ones.
    roots: Vec<Value>,
    pub(crate) inputs: Vec<(Value, Order)>,
    pub(crate) nodes: Vec<Node>,
    pub(crate) outputs: Vec<(Value, Order)>,
    /// The length of each parameter.
    pub(crate) parameters: Vec<usize>,
}

#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) body: Body,
    pub(crate) inputs: Vec<Value>,
    pub(crate) output: Value,
}

impl Graph {
    /// An empty graph.
    pub fn new() -> Self {
        Self::default()
    }

    /// From now on, weights of `bytes` or more are packed once for both directions, where a kernel
    /// can do with that: half the memory, for a backward pass that takes half as long again.
    /// Otherwise each direction has them in its own order.
    pub fn pack_once(&mut self, bytes: usize) {
        self.once = Some(bytes);
    }

    /// Adds an input, which comes in the given order. It has a pixel and a channel.
    pub fn input(&mut self, shape: MapShape, order: Order) -> Value {
        let value = self.value(shape);
        self.inputs.push((value, order));
        value
    }

    /// Adds a parameter of `length` numbers.
    pub fn parameter(&mut self, length: usize) -> Parameter {
        self.parameters.push(length);
        Parameter(self.parameters.len() - 1)
    }

    /// Adds an operation on values; `name` is what it is called in a printed plan. `None` if there
    /// is no kernel for it or the operands have other shapes, or the parameters other lengths, than
    /// it takes, or if the result would be empty.
    pub fn add(&mut self, name: &str, operation: Operation, inputs: &[Value]) -> Option<Value> {
        let shapes: Vec<MapShape> = inputs.iter().map(|&input| self.shape(input)).collect();
        if shapes.iter().any(|shape| shape.elements() == 0) {
            return None;
        }
        let body = operation.body(&shapes, self.once)?;
        let shape = match &body {
            Body::Kernel(kernel) => {
                if kernel.inputs() != shapes {
                    return None;
                }
                kernel.output()
            }
            Body::Trained(trained) => {
                if shapes != [trained.spec.input] || !trained.fits(&self.parameters) {
                    return None;
                }
                trained.spec.output
            }
            Body::Norm(norm) => {
                if shapes.len() != 1 || !norm.fits(&self.parameters) {
                    return None;
                }
                norm.shape
            }
            Body::Sum => match shapes[..] {
                [a, b] if a == b => a,
                _ => return None,
            },
            Body::Clamp(_) => match shapes[..] {
                [a] => a,
                _ => return None,
            },
        };
        if shape.elements() == 0 {
            return None;
        }
        let output = self.value(shape);
        self.nodes.push(Node {
            name: name.to_owned(),
            body,
            inputs: inputs.iter().map(|input| self.roots[input.0]).collect(),
            output,
        });
        Some(output)
    }

    /// Makes a value an output, which goes out in the given order.
    pub fn output(&mut self, value: Value, order: Order) {
        self.outputs.push((self.roots[value.0], order));
    }

    /// Shape of a value.
    pub fn shape(&self, value: Value) -> MapShape {
        self.shapes[value.0]
    }

    /// The same numbers in the same memory with another height and width; `None` unless pixels and
    /// channels are as many.
    pub fn recast(&mut self, value: Value, shape: MapShape) -> Option<Value> {
        let from = self.shape(value);
        if from.pixels() != shape.pixels() || from.channels != shape.channels {
            return None;
        }
        let root = self.roots[value.0];
        let recast = self.value(shape);
        self.roots[recast.0] = root;
        Some(recast)
    }

    fn value(&mut self, shape: MapShape) -> Value {
        let value = Value(self.shapes.len());
        self.shapes.push(shape);
        self.roots.push(value);
        value
    }
}
