//! What is in a model file, whether it can be scanned or not.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use gifthorse_engine::{Batching, Classifier, Device, Opening, Output, Preprocess, is_supported};
use gifthorse_onnx::{Dim, Graph, Model, ValueInfo};
use gifthorse_report::report::{Branch, Layout, StructureFinding};
use serde::Serialize;

use crate::Error;
use crate::hash;
use crate::memory::check_weights;
use crate::model::{branches_in_report, layout_in_report};
use crate::plan::ModelPlan;
use crate::structure::structure;

/// What a model file holds. Strings come from the file and are not to be trusted: escape them
/// wherever they are shown.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Inspection {
    /// Path as it was given.
    pub path: String,
    /// SHA-256 of the file, or, if it names files of external data, of the list of all their
    /// hashes.
    pub sha256: String,
    /// Version of the file format.
    pub ir_version: i64,
    /// Name and version of the program that wrote the file; empty if it does not say.
    pub producer: String,
    /// Version of each operator set; the standard one is called `ai.onnx`.
    pub opsets: BTreeMap<String, i64>,
    /// The file's metadata.
    pub metadata: Vec<(String, String)>,
    /// What goes in.
    pub inputs: Vec<End>,
    /// What comes out.
    pub outputs: Vec<End>,
    /// Number of floating-point constants, those of branches included.
    pub parameters: usize,
    /// Every operator, how often it occurs, in branches too, and whether it can be run.
    pub operators: Vec<Operator>,
    /// The model as a classifier of images; null if it is none that can be run.
    pub classifier: Option<Classes>,
    /// Why it is none.
    pub problem: Option<String>,
    /// How it is run, if that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<ModelPlan>,
}

/// An input or output of the graph.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct End {
    /// Its name.
    pub name: String,
    /// Type of its elements; null if unknown.
    pub element_type: Option<String>,
    /// Its dimensions, a free one by its name or as `?`; null if not even their number is known.
    pub shape: Option<Vec<String>>,
    /// What an output looks like: `scores of 4 classes`, `48 features`, `boxes`, ...; absent for
    /// inputs and where nothing is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub looks: Option<String>,
}

/// An operator of the graph.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Operator {
    /// Its name; with its domain before it where that is not the standard one.
    pub name: String,
    /// How many nodes have it.
    pub count: usize,
    /// Whether it can be run; single attributes may still be refused.
    pub supported: bool,
}

/// The model as a classifier of images.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Classes {
    /// `[channels, height, width]` of an image.
    pub image: [usize; 3],
    /// The order of the dimensions in the file.
    pub layout: Layout,
    /// The batch that the file fixes; null if it is free.
    pub batch: Option<usize>,
    /// Whether several batches can go through together although the batch is fixed.
    pub batches_together: bool,
    /// Number of classes.
    pub classes: usize,
    /// The output that is scanned.
    pub output: String,
    /// The value that holds the logits.
    pub logits: String,
    /// The operators after it that are left off for scans, such as `Softmax`, with commas; null if
    /// there are none.
    pub cut: Option<String>,
    /// Names of the classes in the file; empty, or one for each. Not to be trusted.
    pub class_names: Vec<String>,
    /// Where the model decides by the image which of two values goes on, in the order of
    /// computation.
    pub branches: Vec<Branch>,
    /// What in the structure of the file is how backdoors are built by hand, the strongest rules
    /// first.
    pub structure: Vec<StructureFinding>,
    /// Values that features can be taken from, in the order of computation.
    pub layers: Vec<Layer>,
}

/// A value that features can be taken from.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Layer {
    /// Its name in the file.
    pub name: String,
    /// Its shape for one image.
    pub shape: Vec<usize>,
}

/// Looks into a model file. `size` is height and width of its images, where the file leaves them
/// open, `opening` says which output to take and what the inputs beside the image are. `batch` asks
/// for the plan of batches of so many images; its memory is for as many threads as the current
/// rayon pool has.
///
/// # Errors
/// A file that is no ONNX model. One that is, but cannot be run, is told with the `problem`.
pub fn inspect(
    path: &Path,
    size: Option<[usize; 2]>,
    opening: &Opening,
    batch: Option<usize>,
) -> Result<Inspection, Error> {
    let in_file = |error| Error::Model {
        path: path.to_owned(),
        source: Box::new(error),
    };
    let model = Model::read(path).map_err(in_file)?;
    let graph = Arc::new(model.graph().map_err(in_file)?);
    check_weights(path, &graph)?;
    let sha256 = hash::of_model(path, &model)?;
    let looked = run(graph.clone(), size, opening, batch);
    let outputs = match looked {
        Ok(Run { ref outputs, .. }) => outputs.clone(),
        Err(Error::Detector(ref error)) => outputs_of(error).unwrap_or_default(),
        Err(_) => Vec::new(),
    };
    let (classifier, plan, problem) = match looked {
        Ok(run) => (Some(run.classes), run.plan, None),
        Err(error) => (None, None, Some(error.to_string())),
    };
    let (name, version) = model.producer();
    let text = |(key, value): (&str, &str)| (key.to_owned(), value.to_owned());
    Ok(Inspection {
        path: path.to_string_lossy().into_owned(),
        sha256,
        ir_version: model.ir_version(),
        producer: format!("{name} {version}").trim().to_owned(),
        opsets: graph
            .opsets()
            .map(|(domain, version)| (domain_name(domain).to_owned(), version))
            .collect(),
        metadata: model.metadata().map(text).collect(),
        inputs: graph.inputs.iter().map(end).collect(),
        outputs: graph
            .outputs
            .iter()
            .map(|output| end_that_looks(output, &outputs))
            .collect(),
        parameters: parameters(&graph),
        operators: operators(&graph),
        classifier,
        problem,
        plan,
    })
}

/// The model as a classifier, its plan and its outputs.
struct Run {
    classes: Classes,
    plan: Option<ModelPlan>,
    outputs: Vec<Output>,
}

fn run(
    graph: Arc<Graph>,
    size: Option<[usize; 2]>,
    opening: &Opening,
    batch: Option<usize>,
) -> Result<Run, Error> {
    let preprocess = Preprocess::default();
    let classifier = Classifier::open(graph, preprocess, size, opening, &Device::flex())?;
    let plan = batch
        .map(|batch| ModelPlan::new(classifier.network(), batch, rayon::current_num_threads()))
        .transpose()?;
    Ok(Run {
        classes: classes(&classifier)?,
        plan,
        outputs: classifier.network().ends().outputs.clone(),
    })
}

/// The outputs that an error lists.
fn outputs_of(error: &gifthorse_defense::Error) -> Option<Vec<Output>> {
    match error {
        gifthorse_defense::Error::Engine(gifthorse_engine::Error::SeveralOutputs(outputs)) => {
            Some(outputs.clone())
        }
        _ => None,
    }
}

fn end_that_looks(value: &ValueInfo, outputs: &[Output]) -> End {
    let known = outputs.iter().find(|output| output.name == value.name);
    End {
        looks: known.map(|output| output.look.to_string()),
        ..end(value)
    }
}

fn classes(classifier: &Classifier) -> Result<Classes, Error> {
    let network = classifier.network();
    let layers = network.layers()?;
    Ok(Classes {
        image: classifier.shape(),
        layout: layout_in_report(classifier.layout()),
        batch: network.declared_batch(),
        batches_together: network.batching() == Batching::Whole,
        classes: classifier.classes(),
        output: network.ends().output.clone(),
        logits: network.ends().logits.clone(),
        cut: network.ends().cut.clone(),
        class_names: network.ends().class_names.clone(),
        branches: branches_in_report(network.branches()),
        structure: structure(classifier)?,
        layers: layers
            .iter()
            .map(|layer| Layer {
                name: layer.name().to_owned(),
                shape: layer.shape().to_vec(),
            })
            .collect(),
    })
}

fn domain_name(domain: &str) -> &str {
    if domain.is_empty() { "ai.onnx" } else { domain }
}

fn end(value: &ValueInfo) -> End {
    let dim = |dim: &Dim| match dim {
        Dim::Fixed(size) => size.to_string(),
        Dim::Named(name) => name.clone(),
        Dim::Unknown => "?".to_owned(),
    };
    End {
        name: value.name.clone(),
        element_type: value.element_type.map(|element| element.to_string()),
        shape: value
            .shape
            .as_ref()
            .map(|shape| shape.iter().map(dim).collect()),
        looks: None,
    }
}

fn parameters(graph: &Graph) -> usize {
    let graphs = graph.with_nested().into_iter();
    let tensors = graphs.flat_map(|graph| graph.initializers.values());
    let floats = tensors.filter(|tensor| tensor.element_type().is_float());
    floats.map(gifthorse_onnx::Tensor::len).sum()
}

/// The operators, the most frequent first.
fn operators(graph: &Graph) -> Vec<Operator> {
    let mut counts = BTreeMap::<String, (usize, bool)>::new();
    for node in graph
        .with_nested()
        .into_iter()
        .flat_map(|graph| &graph.nodes)
    {
        let name = match node.domain.as_str() {
            "" => node.op_type.clone(),
            domain => format!("{domain}.{}", node.op_type),
        };
        counts.entry(name).or_insert((0, is_supported(node))).0 += 1;
    }
    let mut operators: Vec<Operator> = counts
        .into_iter()
        .map(|(name, (count, supported))| Operator {
            name,
            count,
            supported,
        })
        .collect();
    operators.sort_by_key(|operator| std::cmp::Reverse(operator.count));
    operators
}
