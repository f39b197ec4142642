//! Which images a search stamps, and where the stamped ones are to go.

use gifthorse_data::Images;
use gifthorse_engine::{Array, Classifier, Tensor};

use super::class_search::Task;
use super::config::Loss;
use crate::error::Error;
use crate::finding::Unit;
use crate::search::{answers, evaluate_away, evaluate_from, evaluate_trigger};
use crate::trigger::Trigger;
use crate::verdict::Confirmation;

/// `-ln 1e-7`, the slope of the released program's loss.
const LINEAR_SLOPE: f32 = 16.118_096;
/// Tells the random streams of searches from a class from those of searches to it.
const FROM: u64 = 1 << 39;
/// The random stream of the search that moves all images.
const AWAY: u64 = 1 << 38;
/// Tells the random streams of searches of a pair from all others; the source lies above the
/// target.
const PAIR: u64 = 1 << 37;
/// How far: models have fewer classes than this has bits.
const SOURCE_BITS: u32 = 18;
/// Most images of a class that a search from it takes: as many as a scan of a thousand images has
/// of each of 43 classes, so that sizes are of searches with as many.
pub const MOST_OF_ONE: usize = 16;
/// Far below any logit: the exponential of its distance to another is 0.
const NOWHERE: f32 = -1e9;

/// The aim of a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aim {
    /// Images of all other classes are to go to this one (Wang et al. 2019, equation 3).
    To(usize),
    /// Images of this class are to go to any other.
    From(usize),
    /// Images of all classes are to go to any other than their own.
    Away,
    /// Images of one class are to go to one other (Wang et al. 2019, §VII-E).
    Pair {
        /// The class that they are of.
        source: usize,
        /// The class that they are to go to.
        target: usize,
    },
}

impl Aim {
    /// What the search is about.
    pub fn unit(self) -> Unit {
        match self {
            Self::To(class) => Unit::Class(class),
            Self::From(class) => Unit::Source(class),
            Self::Away => Unit::Model,
            Self::Pair { source, target } => Unit::Pair { source, target },
        }
    }

    /// The lower bits of the number of its random stream.
    pub fn stream(self) -> u64 {
        match self {
            Self::To(class) => class as u64,
            Self::From(class) => FROM | class as u64,
            Self::Away => AWAY,
            Self::Pair { source, target } => PAIR | (source as u64) << SOURCE_BITS | target as u64,
        }
    }

    /// Places of the images that are stamped. From a class or from all, only those that the model
    /// is right on, since the others are elsewhere already, and at most sixteen of a class.
    ///
    /// # Errors
    /// Images without labels, none to stamp, or a model that cannot be run.
    pub fn images(self, task: &Task<'_>) -> Result<Vec<usize>, Error> {
        let labels = task.search.labels().ok_or(Error::NoLabels)?;
        let all = 0..labels.len();
        let images: Vec<usize> = match self {
            Self::To(class) => all
                .filter(|&i| !task.config.exclude_target || labels[i] != class)
                .collect(),
            Self::From(class) | Self::Pair { source: class, .. } => {
                right(task, all.filter(|&i| labels[i] == class).collect())?
            }
            Self::Away => right(task, all.collect())?,
        };
        if images.is_empty() {
            return Err(match self {
                Self::To(class) => Error::NoImages(class),
                Self::From(class) | Self::Pair { source: class, .. } => Error::NoneRight(class),
                Self::Away => Error::NothingRight,
            });
        }
        Ok(images)
    }

    /// The share of images that any patch can lead where they are to go in a model of so many
    /// classes: one that covers all else still leads to some class, whose own images stay.
    pub fn attainable(self, classes: usize) -> f64 {
        match self {
            Self::To(_) | Self::From(_) | Self::Pair { .. } => 1.0,
            Self::Away => 1.0 - 1.0 / classes.max(2) as f64,
        }
    }

    /// Mean loss of `[batch, classes]` logits of images with these labels. From a class, or from
    /// all, it is `-ln(1 - p)` of the probability p of an image's own class: it may go to whichever
    /// other class is nearest.
    pub fn loss(self, loss: Loss, logits: Tensor<2>, labels: &[usize]) -> Tensor<1> {
        let class = match self {
            Self::To(class) | Self::Pair { target: class, .. } => class,
            Self::From(_) | Self::Away => return away(logits, labels),
        };
        let log_p = log_softmax(logits).narrow(1, class, 1);
        match loss {
            Loss::CrossEntropy => log_p.mean().neg(),
            Loss::LinearProbability => log_p
                .exp()
                .mean()
                .neg()
                .add_scalar(1.0)
                .mul_scalar(LINEAR_SLOPE),
        }
    }

    /// How many rows of `[batch, classes]`, of images with these labels, are where they are to go;
    /// of equal logits, the first class has the row.
    pub fn hits(self, logits: &Tensor<2>, labels: &[usize]) -> usize {
        let classes = logits.dims()[1];
        let values = Array::from_tensor(logits.clone().inner()).into_vec();
        let is_of = |row: &[f32], class: usize| {
            row.iter().enumerate().all(|(i, &v)| {
                if i < class {
                    v < row[class]
                } else {
                    v <= row[class]
                }
            })
        };
        let is_hit = |pair: &(&[f32], &usize)| match self {
            Self::To(class) | Self::Pair { target: class, .. } => is_of(pair.0, class),
            // A row that is not made of numbers has gone nowhere.
            Self::From(_) | Self::Away => {
                !is_of(pair.0, *pair.1) && pair.0.iter().all(|v| v.is_finite())
            }
        };
        let rows = values.chunks_exact(classes);
        rows.zip(labels).filter(is_hit).count()
    }

    /// Tries a trigger on labelled images: on those of other classes, or of the source of a pair,
    /// whether they go to the class; on those of the class, or on all that the model is right on,
    /// whether they leave it.
    ///
    /// # Errors
    /// Images of another shape than the model's, or without labels.
    pub fn tried(
        self,
        classifier: &Classifier,
        images: &Images,
        trigger: &Trigger,
    ) -> Result<Confirmation, Error> {
        let class = match self {
            Self::To(class) => return evaluate_trigger(classifier, images, trigger, class),
            Self::Away => return evaluate_away(classifier, images, trigger),
            Self::Pair { source, target } => {
                return evaluate_from(classifier, images, trigger, source, target);
            }
            Self::From(class) => class,
        };
        let labels = images.labels().ok_or(Error::NoLabels)?;
        let of_class: Vec<usize> = (0..labels.len()).filter(|&i| labels[i] == class).collect();
        let answers = answers(classifier, images, &of_class, trigger)?;
        Ok(Confirmation {
            successes: answers.iter().filter(|&&answer| answer != class).count() as u64,
            trials: answers.len() as u64,
            worst_source: None,
        })
    }
}

/// Of these images of the search, those that the model is right on, at most [`MOST_OF_ONE`] of a
/// class.
fn right(task: &Task<'_>, images: Vec<usize>) -> Result<Vec<usize>, Error> {
    let labels = task.search.labels().ok_or(Error::NoLabels)?;
    let predicted = task
        .classifier
        .predict(task.search.subset(&images).pixels())?;
    let mut taken = vec![0_usize; task.classifier.classes()];
    let right = images.into_iter().zip(predicted);
    let right = right.filter(|&(image, predicted)| {
        let room = predicted == labels[image] && taken[predicted] < MOST_OF_ONE;
        taken[predicted] += usize::from(room);
        room
    });
    Ok(right.map(|(image, _)| image).collect())
}

/// The mean of `-ln(1 - p)` of the probability p of each row's own class, as the difference of two
/// logarithms of sums of exponentials: exact also where p is nearly 1, and the gradient is largest.
fn away(logits: Tensor<2>, labels: &[usize]) -> Tensor<1> {
    let [rows, classes] = logits.dims();
    // A model of one class has nowhere to go.
    if classes < 2 {
        return logits.sum().mul_scalar(0.0);
    }
    let mut own = vec![0.0; rows * classes];
    for (row, &label) in own.chunks_exact_mut(classes).zip(labels) {
        row[label] = NOWHERE;
    }
    let own = Array::from_vec(own, &[rows, classes], &logits.device()).into_tensor();
    let of_others = log_sum_exp(logits.clone().add(own));
    let of_all = log_sum_exp(logits);
    of_all.sub(of_others).sum().div_scalar(rows.max(1) as f32)
}

/// The logarithm of the sum of exponentials of each row, `[batch, 1]`.
fn log_sum_exp(logits: Tensor<2>) -> Tensor<2> {
    let largest = logits.clone().detach().max_dim(1);
    let beside = logits.sub(largest.clone()).exp().sum_dim(1);
    beside.log().add(largest)
}

fn log_softmax(logits: Tensor<2>) -> Tensor<2> {
    Array::from_tensor(logits).log_softmax(1).into_tensor()
}

#[cfg(test)]
mod tests {
    use gifthorse_engine::Device;

    use super::*;

    fn tensor(values: &[f32], shape: [usize; 2]) -> Tensor<2> {
        Array::from_vec(values.to_vec(), &shape, &Device::flex()).into_tensor()
    }

    /// `-ln(1 - p)` in f64, from the same logits.
    fn expected(row: &[f32], class: usize) -> f64 {
        let exponentials: Vec<f64> = row.iter().map(|&z| f64::from(z).exp()).collect();
        let all: f64 = exponentials.iter().sum();
        let others = all - exponentials[class];
        all.ln() - others.ln()
    }

    #[test]
    fn the_loss_away_from_a_class_is_that_of_its_probability_and_stays_exact_where_it_is_one() {
        for row in [[0.3, -1.0, 2.5], [0.0, 0.0, 0.0], [25.0, -3.0, 1.0]] {
            for class in 0..3 {
                let loss =
                    Aim::From(class).loss(Loss::CrossEntropy, tensor(&row, [1, 3]), &[class]);
                let loss = f64::from(Array::from_tensor(loss).into_vec()[0]);
                let expected = expected(&row, class);
                assert!(
                    (loss - expected).abs() < 1e-5 * expected.max(1.0),
                    "{row:?} {class}: {loss} {expected}"
                );
            }
        }
    }

    #[test]
    fn its_gradient_is_the_slope_of_the_loss() {
        let row = [1.2_f32, -0.4, 0.9, 0.1];
        let logits = tensor(&row, [1, 4]).autodiff().require_grad();
        let loss = Aim::From(2).loss(Loss::CrossEntropy, logits.clone(), &[2]);
        let mut gradients = loss.backward();
        let gradient = logits.grad_remove(&mut gradients).unwrap();
        let gradient = Array::from_tensor(gradient).into_vec();
        for (place, &slope) in gradient.iter().enumerate() {
            let moved = |by: f32| {
                let mut row = row;
                row[place] += by;
                expected(&row, 2)
            };
            let numeric = (moved(1e-2) - moved(-1e-2)) / 2e-2;
            assert!(
                (f64::from(slope) - numeric).abs() < 1e-3,
                "{place}: {slope} {numeric}"
            );
        }
    }

    #[test]
    fn a_row_is_where_it_is_to_go_or_not() {
        let logits = tensor(&[2.0, 1.0, 1.0, 2.0, 1.0, 1.0, f32::NAN, 0.0], [4, 2]);
        assert_eq!(Aim::To(0).hits(&logits, &[0; 4]), 2);
        assert_eq!(Aim::From(0).hits(&logits, &[0; 4]), 1);
        assert_eq!(Aim::Away.hits(&logits, &[1, 0, 1, 1]), 3);
    }
}
