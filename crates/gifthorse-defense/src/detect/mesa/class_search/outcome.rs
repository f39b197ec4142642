//! What the generators of a class came to together.

use super::ClassSearch;
use crate::detect::mesa::judgement::Ended;
use crate::detect::mesa::task::Draw;
use crate::detect::mesa::training::Which;
use crate::error::Error;
use crate::finding::Measure;
use crate::trigger::Trigger;

/// Smaller losses of a size count as this one: no square is trusted beyond it.
pub const LEAST_LOSS: f64 = 0.01;
/// Share of the images that a square works on.
pub const WORKS: f64 = 0.6;
/// Places that are tried for the square that is shown,
const PLACES: usize = 16;
/// and images that they are tried on.
const TRIED: usize = 32;

impl ClassSearch<'_> {
    /// The best square of each size, of those that have ended, the smallest size in front.
    pub(super) fn of_sizes(&self) -> Vec<(Which, &Ended)> {
        let mut best: Vec<(Which, &Ended)> = Vec::new();
        for (&which, ended) in self.generators.iter().zip(&self.ended) {
            match best.last_mut() {
                Some(last) if last.0.squares.side == which.squares.side => {
                    if ended.loss < last.1.loss {
                        *last = (which, ended);
                    }
                }
                _ => best.push((which, ended)),
            }
        }
        best
    }

    /// The square to show: of the smallest size that works, else the one of the lowest loss; at the
    /// best of some places.
    pub(super) fn trigger(&self) -> Result<Option<(Trigger, Which, &Ended)>, Error> {
        let of_sizes = self.of_sizes();
        let works = of_sizes.iter().find(|(_, ended)| ended.success >= WORKS);
        let lowest = || of_sizes.iter().min_by(|a, b| a.1.loss.total_cmp(&b.1.loss));
        let Some(&(which, ended)) = works.or_else(lowest) else {
            return Ok(None);
        };
        let images = self.task.first(TRIED)?;
        let count = TRIED.min(self.task.images.len());
        let mut random = self.task.random(which.number, Draw::Places);
        let mut best = None;
        for place in which.squares.places(PLACES, &mut random) {
            let places = vec![place; count];
            let shown = (images.as_slice(), places.as_slice());
            let tried = self.task.tried(which.squares, &ended.square, shown)?;
            if best.is_none_or(|(_, least)| tried.loss < least) {
                best = Some((place, tried.loss));
            }
        }
        Ok(best.map(|(place, _)| {
            let patch = which.squares.patch(&ended.square, place);
            (Trigger::Patch(patch), which, ended)
        }))
    }

    /// The geometric mean of the losses of the sizes; not a number where one is none.
    pub(super) fn loss(&self) -> f64 {
        let of_sizes = self.of_sizes();
        let logarithms = of_sizes.iter().map(|(_, ended)| match ended.loss.is_nan() {
            true => f64::NAN,
            false => ended.loss.max(LEAST_LOSS).ln(),
        });
        (logarithms.sum::<f64>() / of_sizes.len().max(1) as f64).exp()
    }

    pub(super) fn measures(&self, which: Which, shown: &Ended) -> Vec<Measure> {
        let mut measures = Vec::new();
        for (which, ended) in self.of_sizes() {
            let name = format!("success_of_side_{}", which.squares.side);
            measures.push((name, ended.success, "share"));
        }
        measures.push(("side".to_owned(), which.squares.side as f64, "pixels"));
        measures.push(("information".to_owned(), shown.information, "nats"));
        let measure = |(name, value, unit): (String, f64, &str)| Measure {
            name,
            value,
            unit: unit.to_owned(),
        };
        measures.into_iter().map(measure).collect()
    }
}
