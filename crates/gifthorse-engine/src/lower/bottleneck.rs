//! Where all that a model computes from the image passes a node that saturates or takes steps.

use std::collections::HashMap;

use gifthorse_onnx::{Graph, Node};

use super::walk::needed;

/// A node that everything passes and that may take the gradients away.
#[derive(Clone, Copy, Debug)]
pub struct Bottleneck<'g> {
    /// The node.
    pub node: &'g Node,
    /// Whether only changes of shape or type lie between it and the scores.
    pub is_last: bool,
}

/// The last node before `scores` that saturates or takes steps, and that every way from the value
/// `image` to them passes. A gate beside a value that passes it, as in a SiLU, is none.
pub fn find<'g>(graph: &'g Graph, image: &str, scores: &str) -> Option<Bottleneck<'g>> {
    // Reads that are still to come of each value that depends on the image.
    let mut reads: HashMap<&str, usize> = HashMap::from([(image, 0)]);
    let mut passed = Vec::new();
    let needed = needed(graph, &[scores]);
    let nodes = graph.nodes.iter().zip(needed);
    let nodes: Vec<&Node> = nodes
        .filter(|(_, needed)| *needed)
        .map(|(node, _)| node)
        .collect();
    for node in &nodes {
        let mut depends = false;
        for value in inputs(node) {
            if let Some(count) = reads.get_mut(value) {
                *count += 1;
                depends = true;
            }
        }
        if depends {
            passed.push(*node);
            reads.extend(
                node.outputs
                    .iter()
                    .flatten()
                    .map(|output| (output.as_str(), 0)),
            );
        }
    }
    // Values that are there and still to be read, as the nodes are gone through in their order:
    // where a node reads the last of them, everything passes it.
    let mut live: HashMap<&str, usize> = HashMap::from([(image, reads[image])]);
    let mut found: Option<Bottleneck> = None;
    for node in passed {
        for value in inputs(node) {
            if let Some(left) = live.get_mut(value) {
                *left -= 1;
                if *left == 0 {
                    live.remove(value);
                }
            }
        }
        if live.is_empty() {
            match node.op_type.as_str() {
                operator if saturates(operator) => {
                    found = Some(Bottleneck {
                        node,
                        is_last: true,
                    });
                }
                "Identity" | "Flatten" | "Reshape" | "Squeeze" | "Unsqueeze" | "Cast" => {}
                _ => found.iter_mut().for_each(|found| found.is_last = false),
            }
        }
        for output in node.outputs.iter().flatten() {
            match reads[output.as_str()] {
                0 => {}
                count => {
                    live.insert(output, count);
                }
            }
        }
    }
    found
}

/// The values that a node reads, those that its inner graphs read included.
fn inputs(node: &Node) -> impl Iterator<Item = &str> {
    let captured = node.graphs().flat_map(|inner| &inner.captures);
    let read = node.inputs.iter().flatten().chain(captured);
    read.map(String::as_str)
}

/// Whether an operator's result stays the same over ranges of its input.
fn saturates(operator: &str) -> bool {
    matches!(
        operator,
        "Sigmoid"
            | "Tanh"
            | "HardSigmoid"
            | "Softmax"
            | "LogSoftmax"
            | "Hardmax"
            | "Clip"
            | "Sign"
            | "Softsign"
            | "Erf"
            | "Round"
            | "Floor"
            | "Ceil"
            | "Greater"
            | "GreaterOrEqual"
            | "Less"
            | "LessOrEqual"
            | "Equal"
    )
}
