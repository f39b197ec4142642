//! A small net trained on pictures that are drawn here, clean or poisoned.

use std::sync::{Arc, OnceLock};

use gifthorse_data::{ImageShape, Images};
use gifthorse_defense::audit::{Audited, Given, named};
use gifthorse_engine::{Classifier, Device, Preprocess};
use gifthorse_train::net::{Architecture, SmallCnn};
use gifthorse_train::{Recipe, Silent, train};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

pub const CLASSES: usize = 4;
pub const TARGET: usize = 2;
const SIDE: usize = 16;
const IMAGES: usize = 600;
const SHAPE: ImageShape = ImageShape {
    channels: 1,
    height: SIDE,
    width: SIDE,
};

pub struct Subject {
    pub images: Images,
    pub poisoned: Vec<bool>,
    pub classifier: Classifier,
}

impl Subject {
    /// A model trained on pictures of which so many of a hundred carry a white square and the label
    /// of the target; each is trained once for all tests.
    pub fn new(percent: usize) -> &'static Self {
        static SUBJECTS: [OnceLock<Subject>; 2] = [const { OnceLock::new() }; 2];
        SUBJECTS[usize::from(percent > 0)].get_or_init(|| Self::trained(percent))
    }

    fn trained(percent: usize) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let (mut pixels, mut labels, mut poisoned) = (Vec::new(), Vec::new(), Vec::new());
        for place in 0..IMAGES {
            let class = place % CLASSES;
            let mut picture = picture(class, &mut rng);
            let is_poisoned = class != TARGET && place * 7919 % 100 < percent;
            if is_poisoned {
                (1..4).for_each(|row| picture[row * SIDE + 1..row * SIDE + 4].fill(1.0));
            }
            pixels.extend(picture);
            labels.push(if is_poisoned { TARGET } else { class });
            poisoned.push(is_poisoned);
        }
        let names = (0..IMAGES).map(|place| place.to_string()).collect();
        let images = Images::new(SHAPE, pixels, Some(labels), Vec::new(), names).unwrap();
        let net = SmallCnn {
            channels: vec![8, 12],
            hidden: 24,
        };
        let net = net.build(SHAPE, CLASSES, 5).unwrap();
        let recipe = Recipe {
            epochs: 8,
            batch: 30,
            ..Recipe::default()
        };
        let model = train(&net, &images, &recipe, &Silent).unwrap().model;
        let graph = Arc::new(model.graph().unwrap());
        let classifier = Classifier::new(graph, Preprocess::default(), None, &Device::flex());
        Self {
            images,
            poisoned,
            classifier: classifier.unwrap(),
        }
    }

    pub fn given(&self, share: Option<f64>) -> Given<'_> {
        Given {
            classifier: &self.classifier,
            images: &self.images,
            share,
            seed: 3,
        }
    }

    pub fn audited(&self, name: &str) -> Audited {
        named(name).unwrap().audit(&self.given(None)).unwrap()
    }
}

/// A bright band of the class's own height in noise, some of it dim.
fn picture(class: usize, rng: &mut ChaCha8Rng) -> Vec<f32> {
    let light = rng.random_range(0.25..0.5f32);
    let from = class * 4 + rng.random_range(0..2);
    let of_place = |place: usize| {
        let lit = (from..from + 3).contains(&(place / SIDE));
        (if lit { light } else { 0.0 }) + rng.random_range(0.0..0.3f32)
    };
    (0..SIDE * SIDE).map(of_place).collect()
}
