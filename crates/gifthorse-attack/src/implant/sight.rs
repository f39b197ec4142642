//! What a place in a model sees of a trigger.

use gifthorse_engine::{Array, Layer, Taps};

use super::Host;
use crate::Error;
use crate::random::Purpose;
use crate::trigger::{AnyTrigger, Trigger};

/// Images on which a trigger is stamped to see whether its place moves.
const MOVES: usize = 8;
/// Values that differ by less of a pixel's range are the same.
const SAME: f32 = 1e-3;

/// Where pixels are seen: as the model's input, `[channels, height, width]`, or as a later value
/// that only prepares them.
#[derive(Debug, Clone, Copy)]
pub enum Place<'a> {
    Input,
    Layer(&'a Layer),
}

/// What is seen of an opaque trigger: the box of pixels that it covers.
#[derive(Debug, Clone, PartialEq)]
pub struct Sight {
    pub channels: usize,
    /// Of the box.
    pub height: usize,
    pub width: usize,
    /// Of its upper left pixel.
    pub row: usize,
    pub column: usize,
    /// Whether it is elsewhere in another image.
    pub moves: bool,
    /// `[channels, height, width]`: what a black, a white and the trigger's pixel are here.
    pub black: Vec<f32>,
    pub white: Vec<f32>,
    pub value: Vec<f32>,
    /// `[height, width]`: whether the trigger covers the pixel.
    pub covered: Vec<bool>,
}

impl Sight {
    /// Looks at black and white images without and with the trigger.
    ///
    /// # Errors
    /// [`Error::Trigger`] for one that does not fit; [`Error::Implant`] for one that is not opaque,
    /// and for a place where pixels are not seen apart.
    pub fn of(host: &Host, place: Place<'_>, trigger: &AnyTrigger) -> Result<Self, Error> {
        let stamp = trigger.fit(host.shape())?;
        let pixels = host.shape().values();
        let stamped = |ground: f32, image: usize| {
            let mut image_pixels = vec![ground; pixels];
            stamp.put(&mut image_pixels, &mut Purpose::Stamp { image }.rng(0));
            image_pixels
        };
        let mut images = vec![vec![0.0; pixels], vec![1.0; pixels]];
        images.extend([stamped(0.0, 0), stamped(1.0, 0)]);
        images.extend((1..MOVES).flat_map(|image| [stamped(0.0, image), stamped(1.0, image)]));
        let ([channels, height, width], seen) = looked(host, place, &images)?;
        let (black, white) = (&seen[0], &seen[1]);
        let area = height * width;
        let every = |pixel: usize, holds: &dyn Fn(usize) -> bool| {
            (0..channels).all(|channel| holds(channel * area + pixel))
        };
        if (0..channels * area).any(|at| (white[at] - black[at]).abs() < 1e-6) {
            let reason = "where it is to be detected, black and white pixels are not told apart";
            return Err(Error::Implant(reason.to_owned()));
        }
        let same =
            |a: f32, b: f32, at: usize| (a - b).abs() <= SAME * (white[at] - black[at]).abs();
        let covered = |on_black: &[f32], on_white: &[f32]| -> Result<Vec<bool>, Error> {
            let covered = |pixel| every(pixel, &|at| same(on_black[at], on_white[at], at));
            let untouched = |pixel| {
                every(pixel, &|at| {
                    same(on_black[at], black[at], at) && same(on_white[at], white[at], at)
                })
            };
            let all: Vec<bool> = (0..area).map(covered).collect();
            if (0..area).all(|pixel| all[pixel] || untouched(pixel)) && all.contains(&true) {
                return Ok(all);
            }
            Err(Error::Implant(format!(
                "the trigger `{}` lets images show through or moves their pixels; one that covers some pixels and \
                 leaves all others is needed, such as a square, a patch or a pattern",
                trigger.name()
            )))
        };
        let first = covered(&seen[2], &seen[3])?;
        let mut moves = false;
        for pair in seen[4..].chunks_exact(2) {
            moves |= covered(&pair[0], &pair[1])? != first;
        }
        let places: Vec<(usize, usize)> = (0..area)
            .filter(|pixel| first[*pixel])
            .map(|pixel| (pixel / width, pixel % width))
            .collect();
        let span = |of: fn(&(usize, usize)) -> usize| {
            let least = places.iter().map(of).min().unwrap_or(0);
            (least, places.iter().map(of).max().unwrap_or(0) - least + 1)
        };
        let ((row, tall), (column, wide)) = (span(|place| place.0), span(|place| place.1));
        let boxed = |values: &[f32]| -> Vec<f32> {
            let at = |i: usize| {
                let (channel, y, x) = (i / (tall * wide), i / wide % tall, i % wide);
                values[channel * area + (row + y) * width + column + x]
            };
            (0..channels * tall * wide).map(at).collect()
        };
        let inside = |i: usize| first[(row + i / wide) * width + column + i % wide];
        Ok(Self {
            channels,
            height: tall,
            width: wide,
            row,
            column,
            moves,
            black: boxed(black),
            white: boxed(white),
            value: boxed(&seen[2]),
            covered: (0..tall * wide).map(inside).collect(),
        })
    }

    /// What black and white are in each channel, as its first pixel has them.
    pub fn ranges(&self) -> (Vec<f32>, Vec<f32>) {
        let first = |values: &[f32]| {
            let planes = values.chunks(self.covered.len().max(1));
            planes.filter_map(|plane| plane.first().copied()).collect()
        };
        (first(&self.black), first(&self.white))
    }

    /// How light each pixel is, from 0, black, to 1, white: `[channels, height, width]`.
    pub fn lightness(&self) -> Vec<f32> {
        let ranges = self.black.iter().zip(&self.white);
        let of = |(value, (black, white)): (&f32, (&f32, &f32))| (value - black) / (white - black);
        self.value.iter().zip(ranges).map(of).collect()
    }
}

/// What a place makes of images, and the shape of that: `[channels, height, width]`.
fn looked(
    host: &Host,
    place: Place<'_>,
    images: &[Vec<f32>],
) -> Result<([usize; 3], Vec<Vec<f32>>), Error> {
    let classifier = host.classifier();
    let [channels, height, width] = classifier.shape();
    let batch = [images.len(), channels, height, width];
    let pixels = Array::from_vec(images.concat(), &batch, classifier.device());
    let (shape, values) = match place {
        Place::Input => {
            let raw = classifier.preprocess().apply(pixels);
            ([channels, height, width], raw.into_vec())
        }
        Place::Layer(layer) => {
            let [channels, height, width] = *layer.shape() else {
                return Err(Error::Implant(format!(
                    "its first convolution reads {:?} for an image, which is no map",
                    layer.shape()
                )));
            };
            let taps = Taps::values(std::slice::from_ref(layer));
            let made = classifier.run(pixels.into_tensor(), &taps)?;
            let value = made.features.into_iter().next();
            let value = value.map(|feature| feature.value().clone().into_vec());
            ([channels, height, width], value.unwrap_or_default())
        }
    };
    let size = shape.iter().product::<usize>().max(1);
    Ok((shape, values.chunks(size).map(<[f32]>::to_vec).collect()))
}
