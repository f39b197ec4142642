//! A model file made ready to be scanned.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use gifthorse_engine::{
    Branch, BranchScope, Classifier, Device, Ends, ImageInput, Layout, Opening, Output, Preprocess,
};
use gifthorse_onnx::{Graph, Model};
use gifthorse_report::report;

use crate::hash;
use crate::memory::check_weights;
use crate::metadata;
use crate::structure::structure;
use crate::{Error, PreprocessChoice};

/// A classifier and what its file says about itself.
pub struct OpenModel {
    /// The classifier, under the preprocessing that it was opened with.
    pub classifier: Classifier,
    /// What is in the file.
    pub graph: Arc<Graph>,
    /// The file, as a report describes it.
    pub described: report::Model,
    /// The preprocessing that its metadata names.
    pub said: Option<Preprocess>,
}

impl OpenModel {
    /// Reads an ONNX file and makes it ready to run on the CPU.
    ///
    /// `size` is height and width of its images, where the file leaves them open. `opening` says
    /// which output to take and what the inputs beside the image are.
    ///
    /// # Errors
    /// A file that cannot be read or run, preprocessing that does not fit its channels, several
    /// outputs that could each be scanned.
    pub fn read(
        path: &Path,
        preprocess: &PreprocessChoice,
        size: Option<[usize; 2]>,
        opening: &Opening,
    ) -> Result<Self, Error> {
        let in_file = |error| Error::Model {
            path: path.to_owned(),
            source: Box::new(error),
        };
        let model = Model::read(path).map_err(in_file)?;
        let graph = Arc::new(model.graph().map_err(in_file)?);
        check_weights(path, &graph)?;
        let files = hash::of_files(path, &model)?;
        let sha256 = hash::joined(path, &model, &files)?;
        let in_engine = |error| Error::Engine {
            path: path.to_owned(),
            source: Box::new(error),
        };
        let element = ImageInput::find(&graph, opening)
            .map_err(in_engine)?
            .info
            .element_type;
        let preprocess = preprocess.first(element);
        let classifier =
            Classifier::open(graph.clone(), preprocess, size, opening, &Device::flex())
                .map_err(in_engine)?;
        let network = classifier.network();
        let ends = network.ends();
        let (name, version) = model.producer();
        let described = report::Model {
            path: path.to_string_lossy().into_owned(),
            sha256,
            files: files.into_iter().map(file_in_report).collect(),
            classes: classifier.classes(),
            input: report::ModelInput {
                name: ends.input.name.clone(),
                shape: classifier.shape(),
                layout: layout_in_report(classifier.layout()),
                batch: network.declared_batch(),
            },
            opset: graph.opset("").unwrap_or_default(),
            opsets: graph
                .opsets()
                .map(|(domain, version)| (domain.to_owned(), version))
                .collect(),
            producer: format!("{name} {version}").trim().to_owned(),
            output: match &ends.cut {
                Some(operator) => format!("{} cut off", operator.to_lowercase()),
                None => "logits".to_owned(),
            },
            outputs: outputs_in_report(ends, None, &[]),
            given: ends.given.clone(),
            branches: branches_in_report(network.branches()),
            structure: structure(&classifier)?,
        };
        Ok(Self {
            classifier,
            graph,
            described,
            said: metadata::preprocessing(model.metadata()),
        })
    }
}

impl OpenModel {
    /// Notes which other outputs may be scores too, now that the images are known: `labels` is the
    /// number of classes that they are labelled with, `beside` the outputs that have a scan of
    /// their own.
    pub fn outputs_beside(
        classifier: &Classifier,
        labels: Option<usize>,
        beside: &[String],
    ) -> Vec<report::ModelOutput> {
        outputs_in_report(classifier.network().ends(), labels, beside)
    }
}

fn file_in_report((path, sha256): (PathBuf, String)) -> report::ModelFile {
    report::ModelFile {
        path: path.to_string_lossy().into_owned(),
        sha256,
    }
}

/// The file's outputs as reports write them.
fn outputs_in_report(
    ends: &Ends,
    labels: Option<usize>,
    beside: &[String],
) -> Vec<report::ModelOutput> {
    let unseen = ends.unseen(labels);
    let with_scan = ends
        .outputs
        .iter()
        .filter(|output| beside.contains(&output.name));
    let with_scan: Vec<&Output> = with_scan.collect();
    // One that is made from the scores of another has that one's verdict.
    let is_beside = |output: &Output| {
        with_scan.iter().any(|scanned| {
            scanned.name == output.name
                || scanned.scores.is_some() && scanned.scores == output.scores
        })
    };
    let output = |output: &Output| report::ModelOutput {
        name: output.name.clone(),
        shape: output.shape.clone(),
        looks: output.look.to_string(),
        part: if output.name == ends.output {
            report::OutputPart::Scanned
        } else if ends.is_same(output) {
            report::OutputPart::Same
        } else if is_beside(output) {
            report::OutputPart::Beside
        } else if unseen.contains(&output) {
            report::OutputPart::Unseen
        } else {
            report::OutputPart::Other
        },
    };
    ends.outputs.iter().map(output).collect()
}

/// The order of dimensions as reports write it.
pub fn layout_in_report(layout: Layout) -> report::Layout {
    match layout {
        Layout::Nchw => report::Layout::Nchw,
        Layout::Nhwc => report::Layout::Nhwc,
    }
}

/// The nodes that decide by the image, as reports write them.
pub fn branches_in_report(branches: &[Branch]) -> Vec<report::Branch> {
    let branch = |branch: &Branch| report::Branch {
        node: branch.node.clone(),
        operator: branch.operator.clone(),
        scope: match branch.scope {
            BranchScope::Image => report::BranchScope::Image,
            BranchScope::Region => report::BranchScope::Region,
            BranchScope::Element => report::BranchScope::Element,
        },
    };
    branches.iter().map(branch).collect()
}
