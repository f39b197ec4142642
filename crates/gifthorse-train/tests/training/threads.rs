use gifthorse_train::net::{AnyNet, Net, ResNet18};
use gifthorse_train::{Recipe, Silent, train};
use rayon::ThreadPoolBuilder;

use crate::blobs::blobs;
use crate::{SHAPE, net, recipe};

fn bytes(net: &Net, recipe: &Recipe, threads: usize) -> Vec<u8> {
    let pool = ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .unwrap();
    let images = blobs(SHAPE, 48);
    let trained = pool.install(|| train(net, &images, recipe, &Silent).unwrap());
    trained.model.to_bytes().unwrap()
}

/// More threads than shards and fewer, with dropout, augmentation and batch normalisation.
#[test]
fn same_seed_same_bytes_whatever_the_threads() {
    let residual = AnyNet::ResNet18(ResNet18 { width: 2 });
    for net in [net(1), residual.build(SHAPE, 4, 1).unwrap()] {
        for shards in [1, 2] {
            let recipe = Recipe {
                shards,
                ..recipe(2)
            };
            let once = bytes(&net, &recipe, 1);
            assert!(once == bytes(&net, &recipe, 2));
            assert!(once == bytes(&net, &recipe, 3));
            let other = Recipe { seed: 1, ..recipe };
            assert!(once != bytes(&net, &other, 2));
        }
    }
}
