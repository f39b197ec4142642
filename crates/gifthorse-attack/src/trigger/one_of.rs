//! One of several triggers, another in each image.

use gifthorse_data::ImageShape;
use rand::RngExt;
use serde::{Deserialize, Serialize};

use crate::trigger::{
    AnyTrigger, Combination, Corner, Patch, Place, Square, Stamp, Trigger, TriggerError,
};

/// One of several triggers, drawn at random for each image: the training images of Adaptive-Patch
/// (Qi et al. 2023 §5.2), which carry one of four faint patches. When it is used, two of them are
/// there at once, and opaque.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OneOf {
    /// At least two triggers, all equally likely.
    pub triggers: Vec<AnyTrigger>,
}

/// Pixels along the patches that stand for the paper's pictures.
const PATCH: usize = 8;

impl OneOf {
    /// Four patches with the opacities of the authors' program: 0.5, 0.2, 0.5 and 0.3. The paper's
    /// are pictures, which cannot be passed on; random colours take the place of three of them, and
    /// a white square that of four pixels.
    #[must_use]
    pub fn adaptive_patch() -> Self {
        let patch = |seed, corner, opacity| Self::patch(seed, corner, opacity);
        Self {
            triggers: vec![
                patch(1, Corner::TopLeft, 0.5),
                patch(2, Corner::TopRight, 0.2),
                Self::square(0.5),
                patch(3, Corner::BottomLeft, 0.3),
            ],
        }
    }

    /// What a model with [`OneOf::adaptive_patch`] in its training answers to: the first of the
    /// patches and the square, opaque.
    #[must_use]
    pub fn adaptive_patch_in_use() -> Combination {
        Combination {
            parts: vec![Self::patch(1, Corner::TopLeft, 1.0), Self::square(1.0)],
        }
    }

    fn patch(seed: u64, corner: Corner, opacity: f32) -> AnyTrigger {
        AnyTrigger::Patch(Patch {
            size: PATCH,
            cells: Some(PATCH / 2),
            seed,
            place: Place::Corner { corner, margin: 1 },
            transparency: 1.0 - opacity,
            ..Patch::default()
        })
    }

    fn square(opacity: f32) -> AnyTrigger {
        AnyTrigger::Square(Square {
            size: 3,
            transparency: 1.0 - opacity,
            ..Square::default()
        })
    }
}

impl Trigger for OneOf {
    fn name(&self) -> &'static str {
        "one_of"
    }

    fn fit(&self, shape: ImageShape) -> Result<Stamp, TriggerError> {
        if self.triggers.len() < 2 {
            return Err(TriggerError::Setting {
                trigger: self.name(),
                setting: "triggers",
                value: format!("{} trigger(s)", self.triggers.len()),
                wanted: "there are at least two to draw from",
            });
        }
        let stamps: Vec<Stamp> = (self.triggers.iter())
            .map(|trigger| trigger.fit(shape))
            .collect::<Result<_, _>>()?;
        Ok(Stamp::new(move |image, rng| {
            let drawn = rng.random_range(0..stamps.len());
            stamps[drawn].put(image, rng);
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trigger::test::{black, changed, refusal, rng, shape, stamped};

    #[test]
    fn each_image_has_one_and_all_of_them_come_up() {
        let shape = shape(3, 24, 24);
        let four = OneOf::adaptive_patch();
        let alone: Vec<Vec<f32>> = (four.triggers.iter())
            .map(|trigger| stamped(trigger, shape, &black(shape)))
            .collect();
        let mut counts = [0; 4];
        for image in 0..200 {
            let mut pixels = black(shape);
            four.apply(&mut pixels, shape, &mut rng(image)).unwrap();
            let which = alone.iter().position(|alone| *alone == pixels);
            counts[which.expect("it is none of the four")] += 1;
        }
        assert!(counts.iter().all(|count| *count > 25), "{counts:?}");
    }

    #[test]
    fn in_use_two_of_them_are_there_and_stronger() {
        let shape = shape(1, 24, 24);
        let ground = black(shape);
        let both = stamped(&OneOf::adaptive_patch_in_use(), shape, &ground);
        let four = OneOf::adaptive_patch();
        let mut pixels = Vec::new();
        for faint in [&four.triggers[0], &four.triggers[2]] {
            let faint = stamped(faint, shape, &ground);
            assert!(both.iter().zip(&faint).all(|(both, faint)| both >= faint));
            pixels.extend(changed(shape, &ground, &faint));
        }
        pixels.sort_unstable();
        assert_eq!(changed(shape, &ground, &both), pixels);
    }

    #[test]
    fn one_is_no_choice_and_one_that_does_not_fit_is_named() {
        let mut four = OneOf::adaptive_patch();
        let error = refusal(&four, shape(3, 4, 32)).to_string();
        assert!(error.contains("`patch`"), "{error}");
        four.triggers.truncate(1);
        let error = refusal(&four, shape(3, 24, 24)).to_string();
        assert!(error.contains("at least two"), "{error}");
    }
}
