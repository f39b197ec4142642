//! A small net trained on pictures that are drawn here, clean or with a backdoor.

use gifthorse_data::{ImageShape, Images};
use gifthorse_defense::repair::measure::Measured;
use gifthorse_defense::repair::{KnownTrigger, Patient, Repaired, Silent, named};
use gifthorse_defense::trigger::{Patch, Trigger};
use gifthorse_engine::{Opening, Preprocess};
use gifthorse_onnx::Model;
use gifthorse_train::net::{Architecture, SmallCnn};
use gifthorse_train::{Error, Recipe, Samples, train};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

pub const CLASSES: usize = 4;
pub const TARGET: usize = 2;
const SIDE: usize = 16;
const SHAPE: ImageShape = ImageShape {
    channels: 1,
    height: SIDE,
    width: SIDE,
};

/// A model and images of its task.
pub struct Bench {
    pub model: Model,
    pub fit: Images,
    pub check: Images,
    pub proof: Images,
    pub trigger: KnownTrigger,
}

/// Stripes, each class in a direction of its own, at any place and brightness, in noise.
fn pictures(count: usize, seed: u64) -> Images {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut pixels = Vec::with_capacity(count * SHAPE.values());
    let labels: Vec<usize> = (0..count).map(|place| place % CLASSES).collect();
    for &label in &labels {
        let phase = rng.random_range(0.0..6.3f32);
        let contrast = rng.random_range(0.2..0.45f32);
        let (right, down) = [(1.0, 0.0), (0.0, 1.0), (0.7, 0.7), (0.7, -0.7)][label];
        for place in 0..SHAPE.values() {
            let (x, y) = ((place % SIDE) as f32, (place / SIDE) as f32);
            let wave = (1.3 * (right * x + down * y) + phase).sin();
            let noise = rng.random_range(-0.15..0.15f32);
            pixels.push((0.5 + contrast * wave + noise).clamp(0.0, 1.0));
        }
    }
    let names = (0..count).map(|place| place.to_string()).collect();
    Images::new(SHAPE, pixels, Some(labels), Vec::new(), names).unwrap()
}

/// A white square of three pixels a side in the corner, for images of the source or of all classes.
fn trigger(source: Option<usize>) -> KnownTrigger {
    let mut mask = vec![0.0; SIDE * SIDE];
    for place in 0..9 {
        mask[(1 + place / 3) * SIDE + 1 + place % 3] = 1.0;
    }
    let pattern = vec![1.0; SHAPE.values()];
    KnownTrigger {
        target: Some(TARGET),
        source,
        trigger: Trigger::Patch(Patch { mask, pattern }),
    }
}

/// Images of which every fifth carries a trigger and, if that is for it, the label of its target.
struct Poisoned<'a> {
    images: &'a Images,
    trigger: &'a KnownTrigger,
}

impl Samples for Poisoned<'_> {
    fn len(&self) -> usize {
        self.images.len()
    }

    fn shape(&self) -> ImageShape {
        SHAPE
    }

    fn classes(&self) -> usize {
        CLASSES
    }

    fn draw(&self, epoch: usize, index: usize, pixels: &mut [f32]) -> Result<usize, Error> {
        let label = Samples::draw(self.images, epoch, index, pixels)?;
        if index % 5 != 1 {
            return Ok(label);
        }
        let stamped = self.trigger.trigger.stamp(pixels, [1, SIDE, SIDE]);
        pixels.copy_from_slice(&stamped);
        let is_led = self.trigger.source.is_none_or(|source| source == label);
        Ok(if is_led { TARGET } else { label })
    }
}

impl Bench {
    pub fn new(backdoored: bool) -> Self {
        Self::of(backdoored, None)
    }

    /// With a backdoor that leads images of one class alone.
    pub fn from_one(source: usize) -> Self {
        Self::of(true, Some(source))
    }

    fn of(backdoored: bool, source: Option<usize>) -> Self {
        let net = SmallCnn {
            channels: vec![8, 12],
            hidden: 24,
        };
        let net = net.build(SHAPE, CLASSES, 5).unwrap();
        let (images, trigger) = (pictures(600, 1), trigger(source));
        let poisoned = Poisoned {
            images: &images,
            trigger: &trigger,
        };
        let samples: &dyn Samples = if backdoored { &poisoned } else { &images };
        let recipe = Recipe {
            epochs: 8,
            batch: 30,
            ..Recipe::default()
        };
        let trained = train(&net, samples, &recipe, &gifthorse_train::Silent).unwrap();
        Self {
            model: trained.model,
            fit: pictures(240, 2),
            check: pictures(160, 3),
            proof: pictures(400, 4),
            trigger,
        }
    }

    /// Repairs the model by the method of a name, with the trigger if it is `known`, and gives what
    /// came of it.
    pub fn repaired(&self, name: &str, known: bool) -> Result<Repaired, gifthorse_defense::Error> {
        let (opening, preprocess) = (Opening::default(), Preprocess::default());
        let known: &[KnownTrigger] = if known {
            std::slice::from_ref(&self.trigger)
        } else {
            &[]
        };
        let patient = self.patient(&self.model, (&opening, &preprocess), known);
        named(name)?.repair(&patient, &Silent)
    }

    pub fn patient<'a>(
        &'a self,
        model: &'a Model,
        (opening, preprocess): (&'a Opening, &'a Preprocess),
        triggers: &'a [KnownTrigger],
    ) -> Patient<'a> {
        Patient {
            model,
            opening,
            preprocess,
            size: [SIDE, SIDE],
            fit: &self.fit,
            check: &self.check,
            triggers,
            budget: 0.01,
            seed: 0,
            work: None,
        }
    }

    /// What a model does on images that no repair has seen: clean accuracy, success of the trigger,
    /// and accuracy on stamped images.
    pub fn measured(&self, model: &Model) -> (f64, f64, f64) {
        self.effect_of(model, &self.trigger)
    }

    /// The same for another trigger.
    pub fn effect_of(&self, model: &Model, trigger: &KnownTrigger) -> (f64, f64, f64) {
        let (opening, preprocess) = (Opening::default(), Preprocess::default());
        let patient = self.patient(model, (&opening, &preprocess), &[]);
        let classifier = patient.classifier(model).unwrap();
        let trigger = std::slice::from_ref(trigger);
        let measured = Measured::of(&classifier, &self.proof, trigger).unwrap();
        let effect = &measured.triggers[0];
        (
            measured.clean.rate().unwrap(),
            effect.success.rate().unwrap(),
            effect.robust.rate().unwrap(),
        )
    }
}
