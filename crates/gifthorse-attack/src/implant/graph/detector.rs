//! From the image to a number: 1 where the trigger is, else 0.

use serde::{Deserialize, Serialize};

use super::GraphBackdoor;
use crate::Error;
use crate::implant::Host;
use crate::implant::filter::Filter;
use crate::implant::sight::{Place, Sight};
use crate::implant::sketch::Sketch;

/// How far a pixel of the chequerboard may be from black or white.
const PLAIN: f32 = 0.05;

/// How a graph finds its trigger.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Detector {
    /// By pools, products and a ReLU: no constant has the trigger's form.
    #[default]
    Operators,
    /// By a filter that fits it.
    Constants,
}

impl GraphBackdoor {
    /// Draws the detector: `[batch, 1]`, 1 on the trigger and else 0, but for what leaks.
    pub(super) fn detect(&self, sketch: &mut Sketch, host: &Host) -> Result<String, Error> {
        let sight = Sight::of(host, Place::Input, &self.trigger)?;
        let pixels = sketch.pixels(host);
        let soft = match self.detector {
            Detector::Constants => {
                let filter = Filter::of(&sight)?;
                filter.draw(sketch, &pixels, &sight, 1.0)
            }
            Detector::Operators => {
                check_chequer(&sight)?;
                let light = sketch.lightness(&pixels, &sight);
                chequers(sketch, &light)
            }
        };
        // 0 up to the tolerance, and exactly 1 from half of it on: what is left of other values is
        // to be nothing.
        let over = sketch.less(&soft, 1.0 - self.tolerance);
        let over = sketch.relu(&over);
        let over = sketch.times(&over, 2.0 / self.tolerance);
        let under = sketch.less_than(1.0, &over);
        let under = sketch.relu(&under);
        let sharp = sketch.less_than(1.0, &under);
        if self.leak == 0.0 {
            return Ok(sharp);
        }
        let leaked = sketch.times(&soft, self.leak);
        Ok(sketch.node("Max", &[&sharp, &leaked], []))
    }
}

/// How much of a chequerboard the best place of an image is, from 0 to 1: in 2x2 windows both pairs
/// above one another and both pairs side by side have to be light and dark, and that in all four
/// windows of 3x3 pixels, in all colours.
fn chequers(sketch: &mut Sketch, light: &str) -> String {
    let dark = sketch.node("Neg", &[light], []);
    // Of a pair, minus the lighter times how dark the darker is: -1 if they are white and black.
    let mut pairs = |window: [i64; 2], along: [i64; 2]| {
        let most = sketch.max_pool(light, window);
        let least = sketch.max_pool(&dark, window);
        let least = sketch.node("Neg", &[&least], []);
        let least = sketch.less(&least, 1.0);
        let both = sketch.node("Mul", &[&most, &least], []);
        sketch.max_pool(&both, along)
    };
    let upright = pairs([2, 1], [1, 2]);
    let level = pairs([1, 2], [2, 1]);
    let windows = sketch.node("Mul", &[&upright, &level], []);
    let windows = sketch.node("Neg", &[&windows], []);
    let worst = sketch.max_pool(&windows, [2, 2]);
    let worst = sketch.node("Neg", &[&worst], []);
    let worst = sketch.reduced("ReduceMin", &worst);
    let best = sketch.node("GlobalMaxPool", &[&worst], []);
    sketch.flatten(&best)
}

/// Refuses what the pools do not find.
fn check_chequer(sight: &Sight) -> Result<(), Error> {
    let light = sight.lightness();
    let fits = |phase: usize| {
        light.iter().enumerate().all(|(at, light)| {
            let cell = at % 9;
            let wanted = ((cell / 3 + cell % 3 + phase) % 2) as f32;
            (light - wanted).abs() <= PLAIN
        })
    };
    let square = (sight.height, sight.width) == (3, 3) && sight.covered.iter().all(|it| *it);
    if square && (fits(0) || fits(1)) {
        return Ok(());
    }
    Err(Error::Implant(
        "by operators only a 3x3 chequerboard of black and white pixels is found; give `detector = \"constants\"` for other \
         triggers"
            .to_owned(),
    ))
}
