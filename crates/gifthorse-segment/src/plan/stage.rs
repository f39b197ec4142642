//! Fusing: a graph becomes stages, each of which writes memory once.

use std::sync::Arc;

use crate::kernels::contract::Kernel;
use crate::kernels::convolutions::trained::Trained;
use crate::kernels::norms::batch_norm::Norm;
use crate::kernels::parameter::Parameter;
use crate::lanes::finish::Clamp;
use crate::plan::graph::{Graph, Node, Value};
use crate::plan::operation::Body;

/// `output = clamp(kernel(inputs) + add)`, where each part but the inputs may be missing.
#[derive(Clone, Debug)]
pub(crate) struct Stage {
    /// The names of the nodes that it does the work of.
    pub(crate) names: Vec<String>,
    /// `None` hands its only input on.
    pub(crate) kernel: Option<Arc<dyn Kernel>>,
    /// What the kernel is made of for each set of parameters.
    pub(crate) trained: Option<Trained>,
    /// What looks at the whole batch before the kernel runs.
    pub(crate) norm: Option<Norm>,
    pub(crate) inputs: Vec<Value>,
    pub(crate) add: Option<Value>,
    pub(crate) clamp: Option<Clamp>,
    pub(crate) output: Value,
}

impl Stage {
    /// All values that it reads.
    pub(crate) fn reads(&self) -> impl Iterator<Item = Value> {
        self.inputs.iter().copied().chain(self.add)
    }

    /// All parameters that it reads.
    pub(crate) fn parameters(&self) -> impl Iterator<Item = Parameter> {
        let trained = self.trained.iter();
        let trained = trained.flat_map(|t| [Some(t.weight), t.bias]);
        let norm = self.norm.iter().map(|norm| &norm.spec);
        let norm = norm.flat_map(|spec| [Some(spec.scale), Some(spec.bias)]);
        trained.chain(norm).flatten()
    }

    /// Whether something can still be done to the result on its way to memory.
    fn is_open(&self) -> bool {
        let needed = self.kernel.as_ref().is_some_and(|k| k.needs().output);
        self.clamp.is_none() && !needed
    }
}

/// The stages of all nodes that an output depends on, in an order that can be run. All parameters
/// are zeros.
pub(crate) fn fuse(graph: &Graph) -> Vec<Stage> {
    let nodes = reached(graph);
    let mut uses = vec![0; graph.shapes.len()];
    let read = nodes.iter().flat_map(|node| &node.inputs);
    let given = graph.outputs.iter().map(|(value, _)| value);
    for value in read.chain(given) {
        uses[value.0] += 1;
    }
    let zeros: Vec<Vec<f32>> = graph.parameters.iter().map(|&n| vec![0.0; n]).collect();
    let mut fusing = Fusing {
        stages: Vec::new(),
        uses,
        zeros: zeros.iter().map(Vec::as_slice).collect(),
    };
    nodes.into_iter().for_each(|node| fusing.add(node));
    fusing.stages
}

/// Nodes that an output depends on.
fn reached(graph: &Graph) -> Vec<&Node> {
    let mut wanted = vec![false; graph.shapes.len()];
    for (value, _) in &graph.outputs {
        wanted[value.0] = true;
    }
    let mut nodes = Vec::new();
    for node in graph.nodes.iter().rev() {
        if wanted[node.output.0] {
            node.inputs.iter().for_each(|input| wanted[input.0] = true);
            nodes.push(node);
        }
    }
    nodes.reverse();
    nodes
}

struct Fusing<'z> {
    stages: Vec<Stage>,
    /// How often each value is read.
    uses: Vec<usize>,
    /// For each parameter.
    zeros: Vec<&'z [f32]>,
}

impl Fusing<'_> {
    fn add(&mut self, node: &Node) {
        match &node.body {
            Body::Kernel(kernel) => self.push(node, Some(kernel.clone()), None, None),
            Body::Trained(trained) => {
                self.push(node, Some(trained.kernel(&self.zeros)), None, None);
                if let Some(stage) = self.stages.last_mut() {
                    stage.trained = Some(trained.clone());
                }
            }
            Body::Norm(spec) => {
                let norm = spec.bound(&self.zeros);
                self.push(node, Some(norm.kernel.clone()), None, None);
                if let Some(stage) = self.stages.last_mut() {
                    stage.norm = Some(norm);
                }
            }
            Body::Clamp(clamp) => match self.only_read_here(node.inputs[0]) {
                Some(at) if self.stages[at].is_open() => {
                    let stage = &mut self.stages[at];
                    stage.clamp = Some(*clamp);
                    stage.output = node.output;
                    stage.names.push(node.name.clone());
                }
                _ => self.push(node, None, None, Some(*clamp)),
            },
            Body::Sum => {
                let [a, b] = [node.inputs[0], node.inputs[1]];
                let candidates = [(a, b), (b, a)].map(|(own, other)| {
                    let at = self.only_read_here(own)?;
                    let stage = &self.stages[at];
                    (stage.is_open() && stage.add.is_none() && stage.kernel.is_some())
                        .then_some((at, other))
                });
                // The later one: the earlier one's result would only have to live longer.
                match candidates.into_iter().flatten().max_by_key(|(at, _)| *at) {
                    Some((at, other)) => {
                        // It moves to the end, where the other operand is there for certain.
                        let mut stage = self.stages.remove(at);
                        stage.add = Some(other);
                        stage.output = node.output;
                        stage.names.push(node.name.clone());
                        self.stages.push(stage);
                    }
                    None => self.push(node, None, Some(b), None),
                }
            }
        }
    }

    /// A stage of its own.
    fn push(
        &mut self,
        node: &Node,
        kernel: Option<Arc<dyn Kernel>>,
        add: Option<Value>,
        clamp: Option<Clamp>,
    ) {
        let inputs = match add {
            Some(_) => vec![node.inputs[0]],
            None => node.inputs.clone(),
        };
        self.stages.push(Stage {
            names: vec![node.name.clone()],
            kernel,
            trained: None,
            norm: None,
            inputs,
            add,
            clamp,
            output: node.output,
        });
    }

    /// The stage that makes a value which is read once.
    fn only_read_here(&self, value: Value) -> Option<usize> {
        if self.uses[value.0] != 1 {
            return None;
        }
        // From the end: it is mostly the last one, and a file may have a hundred thousand.
        let mut stages = self.stages.iter();
        stages.rposition(|stage| stage.output == value)
    }
}
