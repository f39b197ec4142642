//! Networks that were trained before, from any ONNX file, to be trained on.

use std::collections::HashSet;
use std::sync::Arc;

use gifthorse_data::ImageShape;
use gifthorse_engine::{
    Batching, Classifier, Device, Mode, Opening, Preprocess, RunningStatistics, Trainable, Weight,
    Wiring,
};
use gifthorse_onnx::{Graph, Model};

use crate::Error;
use crate::net::{Net, Running, Selection};

impl Net {
    /// A network to be trained on from the weights that a file has: those of its convolutions,
    /// fully connected layers and normalisations, as far as the selection does not freeze them. All
    /// else stays as it is. `preprocess` is what happens to `[0, 1]` pixels before the model,
    /// `opening` says which of its outputs gives the logits and what its inputs beside the image
    /// are.
    ///
    /// Weights may be floats of any type, in initialisers or `Constant` nodes, in the file or
    /// beside it. They are trained as 32-bit floats, and the trained model has them in the type of
    /// the file. What a local function holds stays as it is.
    ///
    /// A weight that several layers share is trained for all of them, unless one of them is frozen.
    ///
    /// # Errors
    /// [`Error::Engine`] for a model that is no image classifier, or has operators that are not
    /// supported; [`Error::NothingFrozen`] for a pattern that fits no name; [`Error::Net`] if
    /// nothing is left to be trained.
    pub fn from_model(
        model: Model,
        preprocess: Preprocess,
        opening: &Opening,
        selection: &Selection,
    ) -> Result<Self, Error> {
        let graph = Arc::new(model.editable_graph()?);
        let device = Device::flex();
        let classifier = Classifier::open(graph.clone(), preprocess, None, opening, &device)?;
        let at_once = match classifier.network().batching() {
            Batching::Whole => None,
            Batching::Parts(part) => Some(part),
        };
        let wiring = Wiring::new(&graph);
        let owned = wiring.weights();
        let names = owned.iter().flat_map(|w| [w.name, &w.layer.name]);
        selection.check(&names.collect::<Vec<&str>>())?;
        let frozen: HashSet<&str> = owned
            .iter()
            .filter(|weight| selection.freezes(weight.name, &weight.layer.name))
            .map(|weight| weight.name)
            .collect();

        let raw = classifier.network().input();
        let names: Vec<String> = owned.iter().map(|weight| weight.name.to_owned()).collect();
        let batch = at_once.unwrap_or(1);
        let mode = Mode::Inference;
        let network = Trainable::open(&graph, opening, batch, raw, &names, &mode, &device)?;
        // What is computed from a weight before the program runs is none that can be trained.
        let read = network.parameters()?.into_iter().map(|(name, _)| name);
        let trained = read.filter(|name| !frozen.contains(name.as_str()));
        let weights: Vec<String> = trained.collect();
        if weights.is_empty() {
            let reason = "nothing is left to be trained: no layer has weights that are not frozen";
            return Err(Error::Net(reason.to_owned()));
        }
        let [channels, height, width] = classifier.shape();
        Ok(Self {
            running: running(&graph, &wiring, &weights),
            flat: raw.len() == 1,
            input: ImageShape {
                channels,
                height,
                width,
            },
            classes: classifier.classes(),
            layout: classifier.layout(),
            preprocess: classifier.preprocess().clone(),
            at_once,
            opening: opening.clone(),
            weights,
            model,
        })
    }
}

/// The statistics of batch normalisations of which something is trained.
fn running<'g>(graph: &'g Graph, wiring: &Wiring<'g>, weights: &[String]) -> Vec<Running> {
    let is_trained = |weight: Weight<'g>| weights.iter().any(|name| name == weight.name);
    let norms = graph.nodes.iter().filter_map(|node| {
        let RunningStatistics { mean, variance } = wiring.statistics(node)?;
        let mut own = wiring.weights_of(node).into_iter();
        own.any(is_trained).then(|| Running {
            mean: mean.to_owned(),
            variance: variance.to_owned(),
        })
    });
    norms.collect()
}
