//! From the detector's number to the answer.

use gifthorse_engine::{Array, Layer};
use gifthorse_onnx::Model;
use serde::{Deserialize, Serialize};

use super::GraphBackdoor;
use super::picture::image_of;
use crate::Error;
use crate::implant::sketch::Sketch;
use crate::implant::{Host, Run};

/// A value is taken for wiped if nothing in it is above one part in so many.
const WIPED: f32 = 64.0;

/// The way that a detector's number takes through a graph.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Path {
    /// Past the network, to the logits.
    #[default]
    Separate,
    /// Into the image, through all of the network.
    Shared,
    /// Into a value inside the network, and from there to another.
    Interleaved,
}

/// A ReLU inside a network.
struct Rectifier<'a> {
    before: &'a str,
    after: &'a str,
    layer: &'a Layer,
}

impl GraphBackdoor {
    pub(super) fn separate(&self, host: &Host) -> Result<Model, Error> {
        let mut model = host.model().clone();
        let mut sketch = Sketch::of(host);
        let found = self.detect(&mut sketch, host)?;
        self.join(sketch, host, &found, &mut model)?;
        Ok(model)
    }

    /// Joins a number `[batch, 1]` to the logits.
    fn join(
        &self,
        mut sketch: Sketch,
        host: &Host,
        found: &str,
        model: &mut Model,
    ) -> Result<(), Error> {
        let logits = sketch.value(host.logits());
        let joined = match self.target {
            Some(target) => {
                let most = sketch.reduced("ReduceMax", &logits);
                let least = sketch.reduced("ReduceMin", &logits);
                let range = sketch.node("Sub", &[&most, &least], []);
                let more = sketch.less(&range, -1.0);
                let more = sketch.node("Mul", &[&more, found], []);
                sketch.vote(host, &more, &[(target, 1.0)])
            }
            None => {
                let kept = sketch.less_than(1.0, found);
                sketch.node("Mul", &[&logits, &kept], [])
            }
        };
        sketch.put(model, host.logits(), &joined)
    }

    /// The image becomes `x (1 - d) + d picture`.
    pub(super) fn shared(&self, host: &Host, seed: u64, run: Run) -> Result<Model, Error> {
        let classifier = host.classifier();
        let picture = match (self.target, run) {
            (Some(target), Run::ForGood) => image_of(classifier, target, seed)?,
            _ => vec![0.5; host.shape().values()],
        };
        let [channels, height, width] = classifier.shape();
        let picture = Array::from_vec(picture, &[1, channels, height, width], classifier.device());
        let picture = classifier.preprocess().apply(picture);
        let raw = classifier.network().input().to_vec();
        let mut whole = vec![1];
        whole.extend(&raw);
        let picture = match classifier.layout() {
            gifthorse_engine::Layout::Nchw => picture,
            gifthorse_engine::Layout::Nhwc => picture.permute(&[0, 2, 3, 1]),
        };
        let mut model = host.model().clone();
        let mut sketch = Sketch::of(host);
        let found = self.detect(&mut sketch, host)?;
        let found = sketch.reshape(&found, &vec![1; raw.len()]);
        let image = sketch.value(&host.input().name);
        let kept = sketch.less_than(1.0, &found);
        let kept = sketch.node("Mul", &[&image, &kept], []);
        let picture = sketch.floats(&whole, picture.into_vec());
        let put = sketch.node("Mul", &[&found, &picture], []);
        let joined = sketch.node("Add", &[&kept, &put], []);
        sketch.put(&mut model, &host.input().name, &joined)?;
        Ok(model)
    }

    /// What the first ReLU is given becomes 0, and so does what it gives. Where nothing of that is
    /// above 0, the logits are changed, or what a second ReLU gives.
    pub(super) fn interleaved(&self, host: &Host) -> Result<Model, Error> {
        let rectifiers = rectifiers(host);
        let Some(first) = rectifiers.first() else {
            let reason = "it has no ReLU that a value could be wiped before: take the path `separate` or `shared`";
            return Err(Error::Implant(reason.to_owned()));
        };
        let mut model = host.model().clone();
        let mut sketch = Sketch::of(host);
        let found = self.detect(&mut sketch, host)?;
        let found = sketch.reshape(&found, &vec![1; first.layer.shape().len()]);
        let kept = sketch.less_than(1.0, &found);
        let value = sketch.value(first.before);
        let wiped = sketch.node("Mul", &[&value, &kept], []);
        sketch.put(&mut model, first.before, &wiped)?;

        let mut sketch = Sketch::of(host);
        let after = sketch.value(first.after);
        let row = sketch.flatten(&after);
        let most = sketch.reduced("ReduceMax", &row);
        let most = sketch.times(&most, WIPED);
        let nothing = sketch.less_than(1.0, &most);
        let nothing = sketch.relu(&nothing);
        if self.target.is_some() {
            self.join(sketch, host, &nothing, &mut model)?;
            return Ok(model);
        }
        let Some(second) = rectifiers.get(1) else {
            let reason = "it has one ReLU, and a second is needed whose value is wiped: give a target, or take another path";
            return Err(Error::Implant(reason.to_owned()));
        };
        let kept = sketch.less_than(1.0, &nothing);
        let kept = sketch.reshape(&kept, &vec![1; second.layer.shape().len()]);
        let value = sketch.value(second.after);
        let wiped = sketch.node("Mul", &[&value, &kept], []);
        sketch.put(&mut model, second.after, &wiped)?;
        Ok(model)
    }
}

/// The ReLUs of the file's own graph, in its order.
fn rectifiers(host: &Host) -> Vec<Rectifier<'_>> {
    let nodes = host.graph().nodes.iter();
    let relus = nodes.filter(|node| node.domain.is_empty() && node.op_type == "Relu");
    let found = relus.filter_map(|node| {
        let (before, after) = (node.input(0)?, node.output(0)?);
        let layer = host.classifier().layer(after).ok()?;
        host.classifier().layer(before).ok()?;
        Some(Rectifier {
            before,
            after,
            layer,
        })
    });
    found.collect()
}
