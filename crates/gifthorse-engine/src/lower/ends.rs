//! Where a classifier begins and ends: its image input, and the value that holds the logits.

use gifthorse_onnx::{Graph, Node, ValueInfo};

use crate::error::Error;

/// The two ends of a classifier's graph.
#[derive(Clone, Debug)]
pub struct Ends {
    /// The image input.
    pub input: ValueInfo,
    /// Name of the value that holds the class scores before any final softmax.
    pub logits: String,
    /// The operator that was left off (`Softmax` or `LogSoftmax`), if there was one.
    pub cut: Option<String>,
}

impl Ends {
    /// Finds the only input and the first output; walks back over a final softmax, whose
    /// saturation would take the gradients away.
    ///
    /// # Errors
    /// `Error::NotAClassifier` when there is not exactly one float input, or no output.
    pub fn find(graph: &Graph) -> Result<Self, Error> {
        let [input] = &graph.inputs[..] else {
            let names: Vec<&str> = graph.inputs.iter().map(|i| i.name.as_str()).collect();
            let reason = format!(
                "it takes {} inputs {names:?}, one image is expected",
                names.len()
            );
            return Err(Error::NotAClassifier(reason));
        };
        if let Some(found) = input.element_type.filter(|element| !element.is_float()) {
            let reason = format!("its input `{}` is {found}, floats are expected", input.name);
            return Err(Error::NotAClassifier(reason));
        }
        let Some(output) = graph.outputs.first() else {
            return Err(Error::NotAClassifier("it has no output".to_string()));
        };
        let (logits, cut) = logits(graph, &output.name);
        Ok(Self {
            input: input.clone(),
            logits,
            cut,
        })
    }
}

/// Walks back from the output: operators that only rename or reshape are passed over when
/// a softmax stands behind them.
fn logits(graph: &Graph, output: &str) -> (String, Option<String>) {
    let mut name = output;
    while let Some(node) = producer(graph, name) {
        let Some(input) = node.input(0) else { break };
        match node.op_type.as_str() {
            "Softmax" | "LogSoftmax" => return (input.to_string(), Some(node.op_type.clone())),
            "Identity" | "Flatten" | "Reshape" | "Squeeze" | "Cast" => name = input,
            _ => break,
        }
    }
    (output.to_string(), None)
}

fn producer<'g>(graph: &'g Graph, name: &str) -> Option<&'g Node> {
    graph
        .nodes
        .iter()
        .find(|node| node.outputs.iter().flatten().any(|output| output == name))
}
