use std::sync::Mutex;

use gifthorse_engine::Classifier;
use gifthorse_train::Error;
use gifthorse_train::{Augment, EpochSummary, Marks, Observer, Recipe, Silent, StopAt, Training};

use gifthorse_data::Images;

use crate::blobs::blobs;
use crate::{SHAPE, net, recipe};

#[derive(Default)]
struct Epochs(Mutex<Vec<EpochSummary>>);

impl Observer for Epochs {
    fn epoch(&self, summary: &EpochSummary) {
        self.0.lock().unwrap().push(*summary);
    }
}

fn aim(clean_accuracy: f64) -> Recipe {
    Recipe {
        stop_at: Some(StopAt {
            clean_accuracy: Some(clean_accuracy),
            attack_success: None,
        }),
        ..recipe(6)
    }
}

fn accuracy(model: &Classifier, images: &Images) -> Result<f64, Error> {
    let predicted = model.predict(images.pixels())?;
    let labels = images.labels().unwrap();
    let right = predicted.iter().zip(labels).filter(|(p, l)| p == l).count();
    Ok(right as f64 / labels.len() as f64)
}

#[test]
fn the_model_sits_an_exam_after_each_epoch_in_inference_form() {
    let images = blobs(SHAPE, 64);
    let exam = |model: &Classifier| {
        Ok(Marks {
            clean_accuracy: accuracy(model, &images)?,
            attack_success: Some(0.25),
        })
    };
    let (net, recipe, seen) = (net(1), recipe(3), Epochs::default());
    let run = Training::new(&net, &images, &recipe)
        .observer(&seen)
        .exam(&exam);
    let trained = run.run().unwrap();
    assert_eq!(*seen.0.lock().unwrap(), trained.epochs);
    assert_eq!(trained.epochs.len(), 3);
    // The last marks are those of the model that comes out.
    let graph = std::sync::Arc::new(trained.model.graph().unwrap());
    let device = gifthorse_engine::Device::flex();
    let model = Classifier::new(graph, Default::default(), None, &device).unwrap();
    let expected = exam(&model).unwrap();
    assert_eq!(trained.epochs[2].marks, Some(expected));
    // An exam changes nothing.
    let without = Training::new(&net, &images, &recipe).run().unwrap();
    let bytes = [&trained, &without].map(|trained| trained.model.to_bytes().unwrap());
    assert!(bytes[0] == bytes[1]);
    assert!(without.epochs.iter().all(|epoch| epoch.marks.is_none()));
}

#[test]
fn it_stops_as_soon_as_the_aim_is_reached() {
    let images = blobs(SHAPE, 32);
    let sat = Mutex::new(0);
    let exam = |_: &Classifier| {
        let mut sat = sat.lock().unwrap();
        *sat += 1;
        Ok(Marks {
            clean_accuracy: 0.3 * f64::from(*sat),
            attack_success: None,
        })
    };
    let net = net(1);
    let trained = Training::new(&net, &images, &aim(0.55)).exam(&exam).run();
    assert_eq!(trained.unwrap().epochs.len(), 2);
    *sat.lock().unwrap() = -100;
    let trained = Training::new(&net, &images, &aim(0.55)).exam(&exam).run();
    assert_eq!(trained.unwrap().epochs.len(), 6);
}

#[test]
fn an_aim_without_an_exam_is_refused_and_a_failed_exam_ends_the_run() {
    let images = blobs(SHAPE, 32);
    let net = net(1);
    let refused = Training::new(&net, &images, &aim(0.9)).run().unwrap_err();
    assert!(matches!(refused, Error::Recipe(_)), "{refused}");
    let exam = |_: &Classifier| Err::<Marks, _>(Error::Images("none".to_owned()));
    let recipe = aim(0.9);
    let run = Training::new(&net, &images, &recipe).observer(&Silent);
    assert!(matches!(run.exam(&exam).run(), Err(Error::Images(_))));
}

#[test]
fn a_crop_that_can_lose_the_image_is_refused() {
    let images = blobs(SHAPE, 32);
    let net = net(1);
    for crop in [SHAPE.height, usize::MAX] {
        let augment = Augment { crop, flip: false };
        let recipe = Recipe {
            augment,
            ..recipe(1)
        };
        let refused = Training::new(&net, &images, &recipe).run().unwrap_err();
        assert!(matches!(refused, Error::Recipe(_)), "{refused}");
    }
}
