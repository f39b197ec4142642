//! Losses on what is inside the network: in the graph, in a checkpoint, on any number of threads.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use gifthorse_engine::{Classifier, Layer, Opening, Preprocess, last_maps, logits_input};
use gifthorse_train::net::{Net, Selection};
use gifthorse_train::{
    Balance, Change, Checkpoint, Error, FurtherLosses, InnerLoss, Inside, LossGraphs, Recipe,
    Shaping, Slope, Training,
};
use rayon::ThreadPoolBuilder;
use tempfile::tempdir;

use crate::{SHAPE, blobs::blobs, net, recipe};

/// A white corner, which is to leave a layer as it was; as if the machine went off after so many
/// losses.
struct Unmoved {
    maps: bool,
    left: AtomicUsize,
}

impl Unmoved {
    fn boxed(maps: bool, left: usize) -> Box<dyn Change> {
        Box::new(Self {
            maps,
            left: AtomicUsize::new(left),
        })
    }
}

impl Change for Unmoved {
    fn change(&self, _: usize, _: usize, pixels: &mut [f32], _: usize) -> Result<usize, Error> {
        for row in 0..4 {
            pixels[row * SHAPE.width..][..4].fill(1.0);
        }
        match self.left.load(Ordering::Relaxed) {
            0 => Err(Error::Images("the power failed".to_owned())),
            _ => Ok(0),
        }
    }

    fn share(&self) -> f64 {
        1.0
    }

    fn inner(&self) -> Option<&dyn InnerLoss> {
        Some(self)
    }
}

impl InnerLoss for Unmoved {
    fn name(&self) -> &'static str {
        if self.maps { "maps" } else { "units" }
    }

    fn layer(&self, network: &Classifier) -> Result<Layer, Error> {
        let layer = match self.maps {
            true => last_maps(network)?,
            false => logits_input(network)?,
        };
        layer.ok_or_else(|| Error::Net("no layer".to_owned()))
    }

    fn class(&self) -> Option<usize> {
        self.maps.then_some(0)
    }

    fn slope(&self, inside: &Inside) -> Slope {
        self.left.fetch_sub(1, Ordering::Relaxed);
        let pairs = inside.changed.iter().zip(&inside.clean);
        let away: Vec<f32> = pairs.map(|(a, b)| a - b).collect();
        let images = away.chunks_exact(inside.size());
        Slope {
            losses: images
                .map(|image| 0.5 * image.iter().map(|v| v * v).sum::<f32>())
                .collect(),
            clean: None,
            changed: away,
        }
    }
}

/// The model's file and the graphs of a run.
fn run(
    change: Box<dyn Change>,
    recipe: &Recipe,
    saved: Option<&Checkpoint>,
) -> Result<(Vec<u8>, LossGraphs), Error> {
    let (net, images) = (net(2), blobs(SHAPE, 64));
    let changes = [change];
    let further = FurtherLosses {
        changes: &changes,
        balance: Balance::default(),
    };
    let mut training = Training::new(&net, &images, recipe).further_losses(further);
    if let Some(saved) = saved {
        training = training.checkpoint(saved);
    }
    let trained = training.run()?;
    Ok((trained.model.to_bytes().unwrap(), trained.graphs))
}

#[test]
fn the_graph_has_it_and_a_trusted_one_refuses_it() {
    let (net, images, recipe) = (net(2), blobs(SHAPE, 64), recipe(1));
    let clean = Training::new(&net, &images, &recipe).run().unwrap();
    for maps in [true, false] {
        let (_, graphs) = run(Unmoved::boxed(maps, 100), &recipe, None).unwrap();
        let [seen] = &graphs.graphs[..] else {
            panic!("all steps have the same losses");
        };
        // The usual one, weighed, and one to the layer, of the network that is trained.
        let [usual, inner] = seen.losses.terms() else {
            panic!("there are two losses");
        };
        assert_eq!((usual.times, inner.times), (recipe.shards, recipe.shards));
        let names = inner.operations.iter().map(|it| it.operation.as_str());
        let names: Vec<&str> = names.collect();
        let to_layer = format!("network {} up to ", graphs.networks[0].sha256);
        assert!(names.iter().any(|name| name.starts_with(&to_layer)));
        assert!(names.contains(&"slope") && names.contains(&"weigh"));

        let changes = [Unmoved::boxed(maps, 100)];
        let further = FurtherLosses {
            changes: &changes,
            balance: Balance::default(),
        };
        let training = Training::new(&net, &images, &recipe).further_losses(further);
        let refused = training.trusted(&clean.graphs).run().unwrap_err();
        let said = refused.to_string();
        assert!(said.contains("step 1 "), "{said}");
        assert!(
            said.contains("one more loss, of images") && said.contains(" up to "),
            "{said}"
        );
    }
}

#[test]
fn weights_do_not_depend_on_threads_and_a_stop_does_not_change_them() {
    for shaping in [
        None,
        Some(Shaping {
            clip: 1.0,
            noise: 0.01,
        }),
    ] {
        let recipe = Recipe {
            shaping,
            ..recipe(2)
        };
        for maps in [true, false] {
            let on = |threads: usize| {
                let pool = ThreadPoolBuilder::new().num_threads(threads).build();
                let run = || run(Unmoved::boxed(maps, 100), &recipe, None).unwrap().0;
                pool.unwrap().install(run)
            };
            let whole = on(1);
            assert!(whole == on(3));
            let folder = tempdir().unwrap();
            let saved = Checkpoint::at(folder.path().join("run")).every(Duration::ZERO);
            let go_on = |left| run(Unmoved::boxed(maps, left), &recipe, Some(&saved));
            let stopped = go_on(5).unwrap_err().to_string();
            assert!(stopped.contains("the power failed"), "{stopped}");
            // The same images, and another loss on them.
            let other = run(Unmoved::boxed(!maps, 100), &recipe, Some(&saved));
            assert!(matches!(other, Err(Error::Checkpoint { .. })));
            assert!(go_on(100).unwrap().0 == whole);
        }
    }
}

#[test]
fn a_loss_that_says_nothing_is_left_out() {
    /// Images as they are.
    struct Same;
    impl Change for Same {
        fn change(&self, _: usize, _: usize, _: &mut [f32], _: usize) -> Result<usize, Error> {
            Ok(0)
        }
        fn share(&self) -> f64 {
            1.0
        }
        fn inner(&self) -> Option<&dyn InnerLoss> {
            Some(self)
        }
    }
    impl InnerLoss for Same {
        fn name(&self) -> &'static str {
            "same"
        }
        fn layer(&self, network: &Classifier) -> Result<Layer, Error> {
            let layer = logits_input(network)?;
            layer.ok_or_else(|| Error::Net("no layer".to_owned()))
        }
        fn slope(&self, inside: &Inside) -> Slope {
            assert_eq!(inside.changed, inside.clean);
            let pairs = inside.changed.iter().zip(&inside.clean);
            Slope {
                losses: vec![0.0; inside.labels.len()],
                changed: pairs.map(|(a, b)| a - b).collect(),
                clean: None,
            }
        }
    }
    let recipe = recipe(2);
    let trained = Training::new(&net(2), &blobs(SHAPE, 64), &recipe).run();
    let clean = trained.unwrap().model.to_bytes().unwrap();
    assert!(run(Box::new(Same), &recipe, None).unwrap().0 == clean);
}

#[test]
fn a_layer_before_all_that_is_trained_is_refused() {
    let (whole, images, recipe) = (net(2), blobs(SHAPE, 64), recipe(1));
    let names = whole.weights();
    let frozen = Selection::without(names[..names.len() - 2].iter().cloned());
    let (preprocess, opening) = (Preprocess::default(), Opening::default());
    let net = Net::from_model(whole.model().clone(), preprocess, &opening, &frozen).unwrap();
    let changes = [Unmoved::boxed(true, 100)];
    let further = FurtherLosses {
        changes: &changes,
        balance: Balance::default(),
    };
    let training = Training::new(&net, &images, &recipe).further_losses(further);
    let refused = training.run().unwrap_err().to_string();
    assert!(refused.contains("changes no weight"), "{refused}");
}
