//! Each network: its weights and shapes against the papers' tables, images that it can take, that
//! it learns, and that its file means the same elsewhere.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

#[path = "../common/blobs.rs"]
mod blobs;
mod counts;
mod elsewhere;
mod learning;
mod sizes;

use gifthorse_data::ImageShape;

/// A shape of images.
const fn shape(channels: usize, height: usize, width: usize) -> ImageShape {
    ImageShape {
        channels,
        height,
        width,
    }
}
