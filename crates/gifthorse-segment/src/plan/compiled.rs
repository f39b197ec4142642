//! A segment compiled: stages, the steps of the backward pass, and when each value dies.

use std::sync::Arc;

use crate::alone::for_each;
use crate::kernels::parameter::Binding;
use crate::lanes::Isa;
use crate::lanes::map::MapShape;
use crate::lanes::order::Order;
use crate::plan::arena::{Arena, Pool, Tape};
use crate::plan::backward::{BackwardPlan, Slot, Wanted};
use crate::plan::graph::{Graph, Value};
use crate::plan::profile::Clock;
use crate::plan::stage::{Stage, fuse};

/// A compiled segment, ready to run on any number of samples from several threads at once.
#[derive(Clone, Debug)]
pub struct Plan {
    pub(crate) stages: Vec<Stage>,
    pub(crate) shapes: Vec<MapShape>,
    pub(crate) inputs: Vec<(Value, Order)>,
    pub(crate) outputs: Vec<(Value, Order)>,
    /// The length of each parameter.
    parameters: Vec<usize>,
    pub(crate) wanted: Wanted,
    /// For what is random.
    pub(crate) seed: u64,
    pub(crate) backward: BackwardPlan,
    /// For each stage, the values that die with it where there will be no backward pass.
    pub(crate) dead_after: Vec<Vec<Value>>,
    /// Values that a backward pass reads.
    pub(crate) kept: Vec<bool>,
    /// For each step of the backward pass, the gradients that die with it.
    pub(crate) gradients_dead_after: Vec<Vec<Slot>>,
    pub(crate) arenas: Arc<Pool<Arena>>,
    pub(crate) tapes: Arc<Pool<Tape>>,
    pub(crate) clock: Arc<Clock>,
    pub(crate) isa: Isa,
}

impl Plan {
    /// Compiles a graph. Backward passes give the gradients to all inputs; parameters are zeros
    /// without a gradient until they are bound.
    pub fn new(graph: &Graph) -> Self {
        let stages = fuse(graph);
        let wanted = Wanted {
            inputs: vec![true; graph.inputs.len()],
            parameters: vec![false; graph.parameters.len()],
        };
        let mut plan = Self {
            dead_after: deaths(&stages, graph.shapes.len(), &values(&graph.outputs)),
            clock: Arc::new(Clock::new(stages.len())),
            shapes: graph.shapes.clone(),
            inputs: graph.inputs.clone(),
            outputs: graph.outputs.clone(),
            stages,
            parameters: graph.parameters.clone(),
            wanted: wanted.clone(),
            seed: 0,
            backward: BackwardPlan::default(),
            kept: Vec::new(),
            gradients_dead_after: Vec::new(),
            arenas: Arc::default(),
            tapes: Arc::default(),
            isa: Isa::detect(),
        };
        plan.want(wanted);
        plan
    }

    /// The plan with these values of its parameters, whose backward passes give the gradients to
    /// those parameters that say so, and to the inputs (in order) that `inputs` says. Gradients to
    /// parameters do not depend on the number of threads. Plans bound from the same one share
    /// memory and timing.
    ///
    /// # Panics
    ///
    /// Unless there is a binding of the right length for each parameter, and a flag for each input.
    #[must_use]
    pub fn bind(&self, parameters: &[Binding<'_>], inputs: &[bool]) -> Self {
        let given: Vec<usize> = parameters.iter().map(|p| p.values.len()).collect();
        assert_eq!(given, self.parameters, "lengths of the parameters");
        assert_eq!(inputs.len(), self.inputs.len(), "number of flags");
        let values: Vec<&[f32]> = parameters.iter().map(|p| p.values).collect();
        let mut plan = self.clone();
        plan.stages = for_each(plan.stages, |mut stage| {
            if let Some(trained) = &stage.trained {
                stage.kernel = Some(trained.kernel(&values));
            }
            if let Some(norm) = &mut stage.norm {
                *norm = norm.spec.bound(&values);
                stage.kernel = Some(norm.kernel.clone());
            }
            stage
        });
        let wanted = Wanted {
            inputs: inputs.to_vec(),
            parameters: parameters.iter().map(|p| p.gradient).collect(),
        };
        if wanted != plan.wanted {
            plan.want(wanted);
        }
        plan
    }

    /// The plan with this seed for what is random in it, forward and backward; it is 0 before.
    #[must_use]
    pub fn with_seed(&self, seed: u64) -> Self {
        Self {
            seed,
            ..self.clone()
        }
    }

    /// Plans the backward pass for the gradients that are wanted.
    fn want(&mut self, wanted: Wanted) {
        let (inputs, outputs) = (values(&self.inputs), values(&self.outputs));
        let (stages, count) = (&self.stages, self.shapes.len());
        self.backward = BackwardPlan::new(stages, count, (&inputs, &outputs), &wanted);
        self.gradients_dead_after = gradient_deaths(&self.backward);
        self.kept = vec![false; count];
        for stage in stages {
            if let Some(needs) = stage.kernel.as_ref().map(|kernel| kernel.needs()) {
                if needs.inputs {
                    stage
                        .inputs
                        .iter()
                        .for_each(|input| self.kept[input.0] = true);
                }
                self.kept[stage.output.0] |= needs.output;
            }
        }
        for step in &self.backward.weights {
            self.kept[stages[step.stage].inputs[0].0] |= step.asked.weight;
        }
        self.wanted = wanted;
    }

    /// Whether it has batch norms, whose [`Statistics`](crate::Statistics) a saving forward pass
    /// gives.
    pub fn looks_at_batches(&self) -> bool {
        self.stages.iter().any(|stage| stage.norm.is_some())
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

fn values(ends: &[(Value, Order)]) -> Vec<Value> {
    ends.iter().map(|end| end.0).collect()
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
    let weights = plan.weights.iter().map(|step| (step.gradient, step.after));
    let norms = plan.norms.iter().map(|step| (step.gradient, step.after));
    for (gradient, after) in weights.chain(norms) {
        // It is run at the end of that step.
        let at = after.checked_sub(1);
        last[gradient.0] = last[gradient.0].max(at);
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
