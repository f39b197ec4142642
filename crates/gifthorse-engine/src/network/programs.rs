//! The programs of a model that were compiled so far.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError};

use super::Network;
use crate::error::Error;
use crate::execute::compiled::Compiled;
use crate::lower::{Target, Weights, lower};
use crate::mode::Mode;
use crate::program::Program;
use crate::program::section::{Section, value_named};

/// Sections that are kept compiled besides the whole model. Each holds its weights once more, in
/// the order of its kernels.
const KEPT: usize = 8;

/// What a network has compiled.
#[derive(Debug, Default)]
pub struct Programs {
    /// The weights that its programs share.
    pub weights: Weights,
    sections: HashMap<Section, Sizes>,
    uses: u64,
}

/// The programs of a section.
#[derive(Debug, Default)]
struct Sizes {
    by_batch: BTreeMap<usize, Arc<Compiled>>,
    last_use: u64,
}

impl Programs {
    /// The program of a section for a batch size, if it is kept.
    fn find(&mut self, section: &Section, batch: usize) -> Option<Arc<Compiled>> {
        self.uses += 1;
        let sizes = self.sections.get_mut(section)?;
        sizes.last_use = self.uses;
        sizes.by_batch.get(&batch).cloned()
    }

    /// The programs of a section for all batch sizes.
    fn of(&self, section: &Section) -> Vec<Arc<Compiled>> {
        let sizes = self.sections.get(section).into_iter();
        sizes.flat_map(|s| s.by_batch.values().cloned()).collect()
    }

    /// Keeps a program. Of too many sections, the one is given up that was longest not asked for.
    fn keep(&mut self, section: &Section, batch: usize, compiled: Arc<Compiled>) {
        let whole = Section::whole();
        let is_new = !self.sections.contains_key(section) && *section != whole;
        let parts = || self.sections.iter().filter(|(kept, _)| **kept != whole);
        if is_new && parts().count() >= KEPT {
            let oldest = parts().min_by_key(|(_, sizes)| sizes.last_use);
            if let Some(oldest) = oldest.map(|(section, _)| section.clone()) {
                self.sections.remove(&oldest);
            }
        }
        let sizes = self.sections.entry(section.clone()).or_default();
        sizes.last_use = self.uses;
        sizes.by_batch.insert(batch, compiled);
    }
}

impl Network {
    /// The program of a section for a batch size, made on first use.
    pub(crate) fn compiled(&self, batch: usize, section: &Section) -> Result<Arc<Compiled>, Error> {
        let mut programs = self.programs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(compiled) = programs.find(section, batch) {
            return Ok(compiled);
        }
        let program = lower(&self.graph, &self.target(batch), &mut programs.weights)?;
        let program = section.of(program)?;
        let named = |name: &String| value_named(&program, name);
        let taps = section.taps.iter().map(named);
        let taps = taps.collect::<Result<Vec<_>, Error>>()?;
        let cuts = section.cuts.iter().map(named);
        let cuts = cuts.collect::<Result<Vec<_>, Error>>()?;
        let others = programs.of(section);
        let compiled = Arc::new(Compiled::open_at(program, &taps, &cuts, &others)?);
        programs.keep(section, batch, compiled.clone());
        Ok(compiled)
    }

    /// Gives up what was compiled besides the whole model, with the copies of the weights in it:
    /// what was made for layers, heads, tails and interventions is made anew when it is asked for
    /// again.
    pub fn forget_sections(&self) {
        let mut programs = self.programs.lock().unwrap_or_else(PoisonError::into_inner);
        let whole = Section::whole();
        programs.sections.retain(|section, _| *section == whole);
    }

    /// Gives up all that was compiled, the whole model too, so that another form of it can be
    /// compiled without a second copy of the weights beside it.
    pub fn forget_programs(&self) {
        let mut programs = self.programs.lock().unwrap_or_else(PoisonError::into_inner);
        programs.sections.clear();
    }

    /// The program of a section for a batch size, not compiled.
    pub(crate) fn lowered(&self, batch: usize, section: &Section) -> Result<Program, Error> {
        let mut programs = self.programs.lock().unwrap_or_else(PoisonError::into_inner);
        section.of(lower(
            &self.graph,
            &self.target(batch),
            &mut programs.weights,
        )?)
    }

    pub(super) fn target(&self, batch: usize) -> Target<'_> {
        Target {
            ends: &self.ends,
            mode: &Mode::Inference,
            batch,
            input: &self.input,
            device: self.device.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use burn_tensor::{Device, Tensor};
    use gifthorse_onnx::{Dim, ElementType, GraphBuilder};

    use super::*;
    use crate::{Classifier, Intervention, Preprocess};

    const LAYERS: usize = KEPT + 2;

    /// One pixel of a channel through so many activations.
    fn chain() -> Classifier {
        let mut builder = GraphBuilder::new("chain", 17);
        let image = [
            Dim::Named("n".to_owned()),
            Dim::Fixed(3),
            Dim::Fixed(1),
            Dim::Fixed(1),
        ];
        builder
            .input("x", ElementType::F32, &image)
            .node("Flatten", "flat", &["x"], &["v0"], []);
        for at in 0..LAYERS {
            let (from, to) = (format!("v{at}"), format!("v{}", at + 1));
            builder.node("Tanh", &to, &[&from], &[&to], []);
        }
        builder.output(&format!("v{LAYERS}"), ElementType::F32, &[]);
        let graph = Arc::new(builder.finish().unwrap().graph().unwrap());
        Classifier::new(graph, Preprocess::default(), None, &Device::flex()).unwrap()
    }

    fn bounded(classifier: &Classifier, layer: &str, bound: f32) -> Classifier {
        let layer = classifier.layer(layer).unwrap();
        let bounds = Tensor::from_floats([bound; 3], &Device::flex());
        let bound = Intervention::bound(layer, bounds).unwrap();
        classifier.with([bound]).unwrap()
    }

    #[test]
    fn other_numbers_for_the_same_layers_run_the_same_program() {
        let classifier = chain();
        let section = Section {
            cuts: ["v2".to_owned()].into(),
            ..Section::whole()
        };
        let network = classifier.network();
        let low = bounded(&classifier, "v2", 0.1).evaluate(&[0.5; 3]).unwrap();
        let first = network.programs.lock().unwrap().find(&section, 1).unwrap();
        let high = bounded(&classifier, "v2", 0.2).evaluate(&[0.5; 3]).unwrap();
        let second = network.programs.lock().unwrap().find(&section, 1).unwrap();
        assert!(Arc::ptr_eq(&first, &second));
        assert!(low[0] < high[0]);
    }

    #[test]
    fn sections_are_forgotten_and_the_whole_is_not() {
        let classifier = chain();
        let network = classifier.network();
        let held = bounded(&classifier, "v2", 0.1);
        let (before, whole) = (
            held.evaluate(&[0.5; 3]).unwrap(),
            classifier.evaluate(&[0.5; 3]),
        );
        network.forget_sections();
        assert_eq!(network.programs.lock().unwrap().sections.len(), 1);
        assert_eq!(classifier.evaluate(&[0.5; 3]).unwrap(), whole.unwrap());
        assert_eq!(held.evaluate(&[0.5; 3]).unwrap(), before);
    }

    #[test]
    fn the_sections_that_are_kept_are_the_last_used_and_the_whole() {
        let classifier = chain();
        let network = classifier.network();
        let whole = classifier.evaluate(&[0.5; 3]).unwrap();
        for at in 1..=LAYERS {
            let changed = bounded(&classifier, &format!("v{at}"), 9.0);
            assert_eq!(changed.evaluate(&[0.5; 3]).unwrap(), whole);
            bounded(&classifier, "v1", 9.0).evaluate(&[0.5; 3]).unwrap();
        }
        let mut programs = network.programs.lock().unwrap();
        assert_eq!(programs.sections.len(), KEPT + 1);
        let mut kept = |cut: &str| {
            let section = Section {
                cuts: [cut.to_owned()].into(),
                ..Section::whole()
            };
            programs.find(&section, 1).is_some()
        };
        assert!(kept("v1") && kept(&format!("v{LAYERS}")) && !kept("v2"));
        assert!(programs.find(&Section::whole(), 1).is_some());
    }
}
