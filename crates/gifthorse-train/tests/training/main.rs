//! What a training run does beside learning: it sits exams, stops, is saved and goes on.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]
#![allow(
    clippy::print_stdout,
    reason = "says which files were trained on, or that there are none"
)]

#[path = "../common/blobs.rs"]
mod blobs;
mod errors;
mod exam;
mod fine_tuning;
mod further_losses;
mod inner;
mod look;
mod loss_graph;
mod repeatable;
mod resume;
mod shaping;
mod small;
mod threads;
mod write_back;

use gifthorse_data::ImageShape;
use gifthorse_train::net::{AnyNet, Net, Table8};
use gifthorse_train::{Augment, Optimiser, Recipe, Schedule};

const SHAPE: ImageShape = ImageShape {
    channels: 1,
    height: 22,
    width: 22,
};

/// A network with dropout.
fn net(seed: u64) -> Net {
    let net = AnyNet::Table8(Table8 {
        channels: [3, 4, 5],
        hidden: 8,
        ..Table8::default()
    });
    net.build(SHAPE, 4, seed).unwrap()
}

/// Everything that depends on chance or on time: augmentation, dropout, momentum, a schedule.
fn recipe(epochs: usize) -> Recipe {
    Recipe {
        epochs,
        batch: 16,
        optimiser: Optimiser::ADAM,
        schedule: Schedule::Cosine {},
        augment: Augment {
            crop: 1,
            flip: false,
        },
        ..Recipe::default()
    }
}
