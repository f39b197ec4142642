//! From an output of the file back to the scores that it was made from.
//!
//! What ends a classifier (probabilities, the winner, its name) orders the classes as the scores
//! before it do, but takes the gradients away where it saturates or decides. So it is left off.

use std::collections::HashMap;

use gifthorse_onnx::{Graph, Node, Tensor};

use super::trail_step::{Step, step};

/// Most nodes that are gone back over from one output.
const LONGEST: usize = 64;
/// Factors of the scores in this range stay: they belong to what was trained, as the scale of
/// cosines does. Smaller ones (the temperature of a calibration) would take the searches' gradients
/// away, and so would larger ones, once there is a softmax in the loss.
const USUAL_FACTORS: std::ops::RangeInclusive<f32> = 1.0..=128.0;

/// The values that an output goes back to, the output itself first. Each orders the classes as the
/// one before it does, if its demand is met.
pub struct Trail {
    /// The values.
    pub points: Vec<Point>,
    /// The last value that orders the classes as the last point does: that one, or what is scaled
    /// to be it.
    pub root: String,
    /// Names of the classes, where a table of the file has them.
    pub class_names: Vec<String>,
}

/// A value that an output goes back to.
pub struct Point {
    /// Its name.
    pub value: String,
    /// The operators after it, in the order of computation.
    pub left_off: Vec<String>,
    /// What has to hold for the operators after it to be left off.
    pub demand: Demand,
}

/// What has to hold of the value before an operator, for the operator to keep the order of classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Demand {
    /// Nothing: each number is kept or grows with the one before it.
    Any,
    /// A single score for each image, which says one of two classes by its sign.
    OneScore,
    /// A score for each of several classes.
    SeveralScores,
    /// The classes lie along this axis.
    Along {
        /// The axis, counted from either end.
        axis: i64,
        /// Whether all axes from there on are taken together.
        and_after: bool,
    },
}

/// The node that makes each value.
pub struct Producers<'g>(HashMap<&'g str, &'g Node>);

impl<'g> Producers<'g> {
    /// Those of a graph.
    pub fn of(graph: &'g Graph) -> Self {
        let made = graph.nodes.iter().flat_map(|node| {
            let outputs = node.outputs.iter().flatten();
            outputs.map(move |output| (output.as_str(), node))
        });
        Self(made.collect())
    }

    /// The node that makes a value, if one does.
    pub fn get(&self, value: &str) -> Option<&'g Node> {
        self.0.get(value).copied()
    }

    /// The constant of this name: an initialiser, or what a `Constant` holds.
    pub fn constant(&self, graph: &'g Graph, value: &str) -> Option<&'g Tensor> {
        if let Some(tensor) = graph.initializers.get(value) {
            return Some(tensor);
        }
        let node = self.get(value).filter(|node| node.op_type == "Constant")?;
        node.tensor_opt("value").ok()?
    }
}

impl Trail {
    /// The trail of an output.
    pub fn back_from(graph: &Graph, producers: &Producers, output: &str) -> Self {
        let mut trail = Self {
            points: vec![Point {
                value: output.to_owned(),
                left_off: Vec::new(),
                demand: Demand::Any,
            }],
            root: output.to_owned(),
            class_names: Vec::new(),
        };
        let mut at = output;
        // Whether something was passed since the last point that only what follows can justify.
        let mut pending = false;
        // In the order in which they are gone over, which is the reverse of computation.
        let mut passed: Vec<&str> = Vec::new();
        let mut looked_up = false;
        let mut factor = 1.0;
        for _ in 0..LONGEST {
            let Some(node) = producers.get(at) else { break };
            let Some(step) = step(graph, producers, node, at) else {
                break;
            };
            // What is looked up in a table by anything but a decision is no class.
            let kept =
                !looked_up || matches!(step, Step::Same(_) | Step::Decides(..) | Step::LooksUp(..));
            if !kept {
                break;
            }
            let demand = match step {
                Step::Same(input) => {
                    at = input;
                    if !pending {
                        trail.root = at.to_owned();
                    }
                    continue;
                }
                Step::Monotone(input) => {
                    at = input;
                    pending = true;
                    None
                }
                Step::Scaled(input, by) => {
                    at = input;
                    factor *= by;
                    (!USUAL_FACTORS.contains(&factor)).then_some(Demand::Any)
                }
                Step::Ends(input, demand) => {
                    at = input;
                    factor = 1.0;
                    Some(demand)
                }
                Step::Decides(input, demand) => {
                    at = input;
                    looked_up = false;
                    Some(demand)
                }
                Step::LooksUp(input, names) => {
                    at = input;
                    looked_up = true;
                    pending = true;
                    trail.take_names(names);
                    None
                }
                Step::Names(input, names) => {
                    at = input;
                    trail.take_names(names);
                    Some(Demand::Any)
                }
            };
            passed.push(&node.op_type);
            pending &= demand.is_none();
            if !pending {
                trail.root = at.to_owned();
            }
            if let Some(demand) = demand {
                trail.points.push(Point {
                    value: at.to_owned(),
                    left_off: passed.iter().rev().map(|&name| name.to_owned()).collect(),
                    demand,
                });
            }
        }
        trail
    }

    fn take_names(&mut self, names: Vec<String>) {
        if !names.is_empty() {
            self.class_names = names;
        }
    }
}
