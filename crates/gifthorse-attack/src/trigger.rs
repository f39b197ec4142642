//! Triggers: what an attacker puts on an image to make a backdoored model answer.
//!
//! A trigger lives in image space: it changes `[0, 1]` pixels before any preprocessing. As plain
//! data it is an [`AnyTrigger`]; fitted to images of one shape it is a [`Stamp`], which can no
//! longer fail. [`GALLERY`] has those of the papers by name.

mod additive;
mod any;
mod blended;
mod bpp;
mod checkerboard;
mod colour;
mod combination;
mod error;
mod face;
mod face_item;
mod gallery;
mod generated;
mod generator;
mod gotham;
mod hue;
mod mosaic;
mod multiplicative;
mod one_of;
mod overlay;
mod patch;
mod pattern;
mod picture;
mod picture_file;
mod pieces;
mod pixels;
mod place;
mod resample;
mod rounding;
mod rows;
mod square;
mod stamp;
#[cfg(test)]
mod test;
mod texture;
mod triangle;
mod wanet;

pub use additive::Additive;
pub use any::AnyTrigger;
pub use blended::{Blended, Source};
pub use bpp::Bpp;
pub use checkerboard::Checkerboard;
pub use combination::Combination;
pub use error::TriggerError;
pub use face::{Face, FaceBox};
pub use face_item::Item;
pub use gallery::{GALLERY, Named, named};
pub use generated::Generated;
pub(crate) use generator::blend;
pub use gotham::{Gotham, Variant};
pub use mosaic::Mosaic;
pub use multiplicative::Multiplicative;
pub use one_of::OneOf;
pub use patch::Patch;
pub use pattern::Pattern;
pub use picture::Picture;
pub use picture_file::read_image;
pub use pieces::Pieces;
pub use pixels::Pixels;
pub use place::{Corner, Edge, Place};
pub use rounding::Rounding;
pub use square::Square;
pub use stamp::{Stamp, Trigger, on_grey, stamp};
pub use texture::Texture;
pub use triangle::Triangle;
pub use wanet::WaNet;
