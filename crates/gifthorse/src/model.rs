//! A model file made ready to be scanned.

use std::path::Path;
use std::sync::Arc;

use gifthorse_engine::{Classifier, Device, Layout, Preprocess};
use gifthorse_onnx::{Graph, Model};
use gifthorse_report::report;

use crate::Error;
use crate::hash;
use crate::memory::check_weights;

/// A classifier and what its file says about itself.
pub struct OpenModel {
    /// The classifier, under the preprocessing that it was opened with.
    pub classifier: Classifier,
    /// What is in the file.
    pub graph: Arc<Graph>,
    /// The file, as a report describes it.
    pub described: report::Model,
}

impl OpenModel {
    /// Reads an ONNX file and makes it ready to run on the CPU.
    ///
    /// `size` is height and width of its images, where the file leaves them open.
    ///
    /// # Errors
    /// A file that cannot be read or run, preprocessing that does not fit its channels.
    pub fn read(
        path: &Path,
        preprocess: Preprocess,
        size: Option<[usize; 2]>,
    ) -> Result<Self, Error> {
        let in_file = |error| Error::Model {
            path: path.to_owned(),
            source: Box::new(error),
        };
        let model = Model::read(path).map_err(in_file)?;
        let graph = Arc::new(model.graph().map_err(in_file)?);
        check_weights(path, &graph)?;
        let sha256 = hash::of_model(path, &model)?;
        let classifier = Classifier::new(graph.clone(), preprocess, size, &Device::flex())
            .map_err(|error| Error::Engine {
                path: path.to_owned(),
                source: Box::new(error),
            })?;
        let network = classifier.network();
        let ends = network.ends();
        let (name, version) = model.producer();
        let described = report::Model {
            path: path.to_string_lossy().into_owned(),
            sha256,
            classes: classifier.classes(),
            input: report::ModelInput {
                name: ends.input.name.clone(),
                shape: classifier.shape(),
                layout: layout_in_report(classifier.layout()),
                batch: network.declared_batch(),
            },
            opset: graph.opset("").unwrap_or_default(),
            producer: format!("{name} {version}").trim().to_owned(),
            output: match &ends.cut {
                Some(operator) => format!("{} cut off", operator.to_lowercase()),
                None => "logits".to_owned(),
            },
        };
        Ok(Self {
            classifier,
            graph,
            described,
        })
    }
}

/// The order of dimensions as reports write it.
pub fn layout_in_report(layout: Layout) -> report::Layout {
    match layout {
        Layout::Nchw => report::Layout::Nchw,
        Layout::Nhwc => report::Layout::Nhwc,
    }
}
