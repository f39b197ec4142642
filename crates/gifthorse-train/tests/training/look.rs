//! Further losses that look at the network first.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gifthorse_engine::{Classifier, Device};
use gifthorse_train::net::{Architecture, SmallCnn};
use gifthorse_train::{Balance, Change, Checkpoint, Error, FurtherLosses, Look, Training};
use tempfile::tempdir;

use crate::{SHAPE, blobs::blobs, net, recipe};

/// What was seen in the first look: images, labels and the gradient.
type Seen = (Vec<f32>, Vec<usize>, Vec<f32>);

/// Changes nothing, and keeps what it saw first.
#[derive(Default)]
struct Onlooker {
    seen: Mutex<Option<Seen>>,
}

impl Change for Onlooker {
    fn change(&self, _: usize, _: usize, _: &mut [f32], label: usize) -> Result<usize, Error> {
        Ok(label)
    }

    fn share(&self) -> f64 {
        1.0
    }

    fn look(&self, look: &Look<'_>) -> Result<(), Error> {
        let (pixels, labels) = look.images()?;
        let gradient = look.gradient(&pixels, &labels)?;
        let mut seen = self.seen.lock().unwrap();
        seen.get_or_insert((pixels, labels, gradient));
        Ok(())
    }
}

#[test]
fn the_gradient_to_pixels_is_that_of_finite_differences() {
    let net = SmallCnn::default().build(SHAPE, 4, 3).unwrap();
    let (images, recipe) = (blobs(SHAPE, 16), recipe(1));
    let onlooker = Arc::new(Onlooker::default());
    let changes: Vec<Box<dyn Change>> = vec![Box::new(Shared(onlooker.clone()))];
    let further = FurtherLosses {
        changes: &changes,
        balance: Balance::default(),
    };
    let training = Training::new(&net, &images, &recipe).further_losses(further);
    training.run().unwrap();
    let (pixels, labels, gradient) = onlooker.seen.lock().unwrap().take().unwrap();

    // The first step has the net's first weights.
    let graph = Arc::new(net.model().graph().unwrap());
    let preprocess = net.preprocess().clone();
    let classifier =
        Classifier::open(graph, preprocess, None, net.opening(), &Device::flex()).unwrap();
    let loss = |pixels: &[f32]| {
        let logits = classifier.evaluate(pixels).unwrap();
        let rows = logits.chunks_exact(4).zip(&labels);
        let losses = rows.map(|(row, &label)| {
            let sum: f64 = row.iter().map(|&logit| f64::from(logit).exp()).sum();
            sum.ln() - f64::from(row[label])
        });
        losses.sum::<f64>() / labels.len() as f64
    };
    let square: f64 = gradient.iter().map(|&g| f64::from(g).powi(2)).sum();
    let length = 2e-2 / square.sqrt() as f32;
    let moved = |by: f32| -> Vec<f32> {
        let pairs = pixels.iter().zip(&gradient);
        pairs.map(|(pixel, g)| pixel + by * g).collect()
    };
    let slope = (loss(&moved(length)) - loss(&moved(-length))) / (2.0 * f64::from(length));
    assert!((slope / square - 1.0).abs() < 0.03, "{slope}, not {square}");
}

/// One that the test can ask afterwards.
struct Shared(Arc<Onlooker>);

impl Change for Shared {
    fn change(&self, a: usize, b: usize, pixels: &mut [f32], label: usize) -> Result<usize, Error> {
        self.0.change(a, b, pixels, label)
    }

    fn share(&self) -> f64 {
        self.0.share()
    }

    fn look(&self, look: &Look<'_>) -> Result<(), Error> {
        self.0.look(look)
    }
}

/// Makes images as bright as it has seen gradients, so that what it remembers is in the weights;
/// fails once it has looked so often.
struct Brighter {
    bias: Mutex<f32>,
    left: AtomicUsize,
}

impl Brighter {
    fn failing_after(left: usize) -> Box<dyn Change> {
        Box::new(Self {
            bias: Mutex::new(0.0),
            left: AtomicUsize::new(left),
        })
    }
}

impl Change for Brighter {
    fn change(&self, _: usize, _: usize, pixels: &mut [f32], _: usize) -> Result<usize, Error> {
        let bias = *self.bias.lock().unwrap();
        pixels.iter_mut().for_each(|pixel| *pixel += bias);
        Ok(0)
    }

    fn share(&self) -> f64 {
        1.0
    }

    fn look(&self, look: &Look<'_>) -> Result<(), Error> {
        if self.left.fetch_sub(1, Ordering::Relaxed) == 0 {
            return Err(Error::Images("the power failed".to_owned()));
        }
        let (pixels, labels) = look.images()?;
        let gradient = look.gradient(&pixels, &labels)?;
        *self.bias.lock().unwrap() += gradient.iter().map(|g| g.abs()).sum::<f32>();
        Ok(())
    }

    fn memory(&self) -> Vec<f32> {
        vec![*self.bias.lock().unwrap()]
    }

    fn recall(&self, memory: &[f32]) {
        *self.bias.lock().unwrap() = memory[0];
    }
}

#[test]
fn what_it_remembers_survives_a_stop() {
    let (net, images, recipe) = (net(2), blobs(SHAPE, 64), recipe(3));
    let run = |change: Box<dyn Change>, saved: Option<&Checkpoint>| {
        let changes = [change];
        let further = FurtherLosses {
            changes: &changes,
            balance: Balance::default(),
        };
        let mut training = Training::new(&net, &images, &recipe).further_losses(further);
        if let Some(saved) = saved {
            training = training.checkpoint(saved);
        }
        Ok::<_, Error>(training.run()?.model.to_bytes().unwrap())
    };
    let whole = run(Brighter::failing_after(100), None).unwrap();
    let folder = tempdir().unwrap();
    let saved = Checkpoint::at(folder.path().join("run")).every(Duration::ZERO);
    let stopped = run(Brighter::failing_after(7), Some(&saved)).unwrap_err();
    assert!(
        stopped.to_string().contains("the power failed"),
        "{stopped}"
    );
    assert!(run(Brighter::failing_after(100), Some(&saved)).unwrap() == whole);
}
