//! A segment compiled: stages, the steps of the backward pass, and when each value dies.

use crate::arena::{Arena, Pool, Tape};
use crate::backward::{BackwardPlan, Slot};
use crate::graph::{Graph, Order, Value};
use crate::lanes::Isa;
use crate::map::MapShape;
use crate::profile::Clock;
use crate::stage::{Stage, fuse};

/// A compiled segment, ready to run on any number of samples from several threads at once.
#[derive(Debug)]
pub struct Plan {
    pub(crate) stages: Vec<Stage>,
    pub(crate) shapes: Vec<MapShape>,
    pub(crate) inputs: Vec<(Value, Order)>,
    pub(crate) outputs: Vec<(Value, Order)>,
    pub(crate) backward: BackwardPlan,
    /// For each stage, the values that die with it where there will be no backward pass.
    pub(crate) dead_after: Vec<Vec<Value>>,
    /// Values that a backward pass reads.
    pub(crate) kept: Vec<bool>,
    /// For each step of the backward pass, the gradients that die with it.
    pub(crate) gradients_dead_after: Vec<Vec<Slot>>,
    pub(crate) arenas: Pool<Arena>,
    pub(crate) tapes: Pool<Tape>,
    pub(crate) clock: Clock,
    pub(crate) isa: Isa,
}

impl Plan {
    /// Compiles a graph.
    pub fn new(graph: &Graph) -> Self {
        let stages = fuse(graph);
        let values = |ends: &[(Value, Order)]| ends.iter().map(|end| end.0).collect::<Vec<_>>();
        let (inputs, outputs) = (values(&graph.inputs), values(&graph.outputs));
        let backward = BackwardPlan::new(&stages, graph.shapes.len(), &inputs, &outputs);
        let mut kept = vec![false; graph.shapes.len()];
        for stage in &stages {
            if let Some(needs) = stage.kernel.as_ref().map(|kernel| kernel.needs()) {
                if needs.inputs {
                    stage.inputs.iter().for_each(|input| kept[input.0] = true);
                }
                kept[stage.output.0] |= needs.output;
            }
        }
        Self {
            dead_after: deaths(&stages, graph.shapes.len(), &outputs),
            gradients_dead_after: gradient_deaths(&backward),
            clock: Clock::new(stages.len()),
            shapes: graph.shapes.clone(),
            inputs: graph.inputs.clone(),
            outputs: graph.outputs.clone(),
            stages,
            backward,
            kept,
            arenas: Pool::default(),
            tapes: Pool::default(),
            isa: Isa::detect(),
        }
    }

    /// Shapes of the inputs for one sample, and the order that they come in.
    pub fn inputs(&self) -> impl Iterator<Item = (MapShape, Order)> {
        self.ends(&self.inputs)
    }

    /// Shapes of the outputs for one sample, and the order that they go out in.
    pub fn outputs(&self) -> impl Iterator<Item = (MapShape, Order)> {
        self.ends(&self.outputs)
    }

    fn ends(&self, ends: &[(Value, Order)]) -> impl Iterator<Item = (MapShape, Order)> {
        ends.iter()
            .map(|(value, order)| (self.shape(*value), *order))
    }

    pub(crate) fn shape(&self, value: Value) -> MapShape {
        self.shapes[value.0]
    }
}

/// For each stage, the values that nothing reads after it.
fn deaths(stages: &[Stage], values: usize, outputs: &[Value]) -> Vec<Vec<Value>> {
    let mut last = vec![None; values];
    for (at, stage) in stages.iter().enumerate() {
        last[stage.output.0] = Some(at);
        stage.reads().for_each(|value| last[value.0] = Some(at));
    }
    let mut dead_after = vec![Vec::new(); stages.len()];
    for (value, at) in last.into_iter().enumerate() {
        if let Some(at) = at
            && !outputs.contains(&Value(value))
        {
            dead_after[at].push(Value(value));
        }
    }
    dead_after
}

/// For each step, the gradients that nothing reads after it.
fn gradient_deaths(plan: &BackwardPlan) -> Vec<Vec<Slot>> {
    let mut last = vec![None; plan.slots.len()];
    for (at, step) in plan.steps.iter().enumerate() {
        last[step.result.0] = Some(at);
        step.reads().for_each(|slot| last[slot.0] = Some(at));
    }
    let mut dead_after = vec![Vec::new(); plan.steps.len()];
    for (slot, at) in last.into_iter().enumerate() {
        if let Some(at) = at
            && !plan.gradients.contains(&Some(Slot(slot)))
        {
            dead_after[at].push(Slot(slot));
        }
    }
    dead_after
}

#[cfg(test)]
mod tests;
