//! What all generators of one class's search are trained with.

use gifthorse_engine::Classifier;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::config::Config;
use super::square::{Place, Squares};
use crate::detect::mm_bd::margin;
use crate::detect::shuffled::Shuffled;
use crate::error::Error;
use crate::subject::{Subject, spread_over_classes};

/// Tells the order of the images from all else that is drawn.
const ORDER: u64 = 1 << 39;
/// Classes have so many lower bits of a stream's number,
const CLASS_BITS: u32 = 18;
/// and what a generator draws so many above them.
const DRAW_BITS: u32 = 14;

/// What a generator draws random numbers for. Each purpose has a stream of its own, so that a
/// search that was laid by need not keep them.
#[derive(Clone, Copy, Debug)]
pub enum Draw {
    /// Its first weights, and its critic's.
    Weights,
    /// An update, counted from 0.
    Update(usize),
    /// The squares that it is judged by.
    Judgement,
    /// Places for the square that is shown.
    Places,
}

/// A search for squares that lead images to a class.
pub struct Task<'a> {
    pub subject: Subject<'a>,
    pub config: &'a Config,
    pub target: usize,
    /// Places of the images that are led there.
    pub images: Vec<usize>,
}

impl<'a> Task<'a> {
    /// Of images of other classes.
    ///
    /// # Errors
    /// Images without labels, or none of another class.
    pub fn new(subject: Subject<'a>, config: &'a Config, target: usize) -> Result<Self, Error> {
        let labels = subject.images()?.search.labels().ok_or(Error::NoLabels)?;
        let others = (0..labels.len()).filter(|&i| labels[i] != target);
        let images = spread_over_classes(labels, others, config.images);
        if images.is_empty() {
            return Err(Error::NoImages(target));
        }
        Ok(Self {
            subject,
            config,
            target,
            images,
        })
    }

    /// The model.
    pub fn classifier(&self) -> &'a Classifier {
        self.subject.classifier
    }

    /// Random numbers of the generator with this number.
    pub fn random(&self, generator: usize, draw: Draw) -> ChaCha8Rng {
        let last = (1 << DRAW_BITS) - 1;
        let draw = match draw {
            Draw::Weights => 0,
            Draw::Update(update) => 1 + update as u64,
            Draw::Judgement => last,
            Draw::Places => last - 1,
        };
        let purpose = (generator as u64) << DRAW_BITS | draw;
        let mut random = ChaCha8Rng::seed_from_u64(self.subject.seed);
        random.set_stream(purpose << CLASS_BITS | self.target as u64);
        random
    }

    /// The images of a pass, `[batch, channels, height, width]`.
    ///
    /// # Errors
    /// [`Error::NeedsImages`].
    pub fn batch(&self, number: usize) -> Result<Vec<f32>, Error> {
        let order = Shuffled {
            seed: self.subject.seed,
            stream: ORDER | self.target as u64,
            images: self.images.len(),
        };
        let places = order.batch(number, self.config.batch);
        let places: Vec<usize> = places.into_iter().map(|at| self.images[at]).collect();
        Ok(self
            .subject
            .images()?
            .search
            .subset(&places)
            .pixels()
            .to_vec())
    }

    /// The first images, spread over the classes, at most so many.
    ///
    /// # Errors
    /// [`Error::NeedsImages`].
    pub fn first(&self, most: usize) -> Result<Vec<f32>, Error> {
        let places = &self.images[..most.min(self.images.len())];
        Ok(self
            .subject
            .images()?
            .search
            .subset(places)
            .pixels()
            .to_vec())
    }

    /// How one square does on these images, at places of their own.
    ///
    /// # Errors
    /// A model that cannot be run.
    pub fn tried(
        &self,
        squares: Squares,
        square: &[f32],
        (images, places): (&[f32], &[Place]),
    ) -> Result<Tried, Error> {
        let stamped = squares.stamp(images, &square.repeat(places.len()), places);
        let logits = self.classifier().evaluate(&stamped)?;
        let rows = logits.chunks_exact(self.classifier().classes());
        let margins: Vec<f64> = rows
            .map(|row| f64::from(margin(row, self.target)))
            .collect();
        let count = margins.len().max(1) as f64;
        Ok(Tried {
            loss: margins.iter().map(|&margin| loss(margin)).sum::<f64>() / count,
            success: margins.iter().filter(|&&margin| margin > 0.0).count() as f64 / count,
        })
    }
}

/// How a square did.
#[derive(Clone, Copy, Debug)]
pub struct Tried {
    /// Mean logistic loss of the margins, `ln(1 + exp(-margin))`; not a number where a margin is
    /// none.
    pub loss: f64,
    /// Share of the images that went to the class.
    pub success: f64,
}

fn loss(margin: f64) -> f64 {
    (-margin).max(0.0) + (-margin.abs()).exp().ln_1p()
}
