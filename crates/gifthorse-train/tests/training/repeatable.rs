use std::sync::atomic::{AtomicUsize, Ordering};

use gifthorse_train::{
    EpochSummary, Observer, Optimiser, Recipe, Schedule, Silent, StepSummary, train,
};
use rayon::ThreadPoolBuilder;

use crate::small::{images, net, recipe};

fn bytes(recipe: &Recipe, net_seed: u64, threads: usize) -> Vec<u8> {
    let pool = ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .unwrap();
    let trained = pool
        .install(|| train(&net(net_seed), &images(200), recipe, &Silent))
        .unwrap();
    trained.model.to_bytes().unwrap()
}

#[test]
fn same_seed_same_bytes_whatever_the_threads() {
    let recipe = Recipe {
        shards: 4,
        ..recipe(2)
    };
    let once = bytes(&recipe, 1, 1);
    assert!(once == bytes(&recipe, 1, 1));
    assert!(once == bytes(&recipe, 1, 2));
    assert!(once == bytes(&recipe, 1, 4));
    assert!(
        once != bytes(&recipe, 2, 1),
        "the network's seed changes nothing"
    );
    assert!(
        once != bytes(&Recipe { seed: 1, ..recipe }, 1, 1),
        "the recipe's seed changes nothing"
    );
}

/// Shards are a matter of speed: but for rounding, the gradient is that of the whole batch.
#[test]
fn the_number_of_shards_hardly_matters() {
    let images = images(100);
    let weights = |shards| {
        let recipe = Recipe {
            shards,
            optimiser: Optimiser::Sgd {
                momentum: 0.9,
                weight_decay: 0.0,
            },
            schedule: Schedule::Constant {},
            ..recipe(1)
        };
        let model = train(&net(1), &images, &recipe, &Silent).unwrap().model;
        let graph = model.graph().unwrap();
        let values: Vec<f32> = graph
            .initializers
            .values()
            .flat_map(|t| t.to_f32().unwrap())
            .collect();
        values
    };
    let (one, five) = (weights(1), weights(5));
    let largest = one
        .iter()
        .zip(&five)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f32::max);
    assert!(largest < 1e-4, "{largest}");
}

#[test]
fn the_observer_sees_every_step_and_the_loss_falls() {
    #[derive(Default)]
    struct Count(AtomicUsize);
    impl Observer for Count {
        fn step(&self, step: &StepSummary) {
            assert_eq!(self.0.fetch_add(1, Ordering::Relaxed) + 1, step.done);
            assert_eq!((step.total, step.epoch), (3 * 10, step.done.div_ceil(10)));
            assert!(step.loss > 0.0);
        }
        fn epoch(&self, summary: &EpochSummary) {
            assert_eq!(self.0.load(Ordering::Relaxed), 10 * summary.epoch);
        }
    }
    let count = Count::default();
    let trained = train(&net(1), &images(205), &recipe(3), &count).unwrap();
    assert_eq!(count.0.into_inner(), 30);
    assert_eq!(trained.epochs.len(), 3);
    assert!(trained.epochs[2].loss < 0.7 * trained.epochs[0].loss);
    assert!(trained.epochs[2].accuracy > trained.epochs[0].accuracy);
}
