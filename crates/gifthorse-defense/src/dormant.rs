//! Dormant units: what no clean image wakes, and what happens once it is awake.
//!
//! A backdoor can be built into a model as a unit behind a ReLU (or a clip, a saturated sigmoid, a
//! comparison) that stays on the flat stretch of it unless the trigger is in the image. No gradient
//! leads there from the answers, so that no search by gradients finds it, and on clean images the
//! model is an ordinary one.
//!
//! Ordinary nets have such units too, most of them dead since their training. They are told apart
//! by what they do. What the unit is given *before* the flat function has a gradient, so that
//! images can be moved until it wakes. The same images are then put through the model once more,
//! with all units that were dormant kept where they were on clean images. Where these make the
//! difference between the answers that there are without them and others, the unit that was woken
//! is a *dormant switch*, by itself or together with others that wake with it. Dead units of an
//! ordinary net have a few votes among many, however far they are driven.

mod census;
mod influence;
mod starts;
mod trial;
mod waking;

use std::time::Instant;

use gifthorse_engine::{Hinge, Layer};

use crate::error::Error;
use crate::subject::Subject;
use census::{Ranges, census, ranges};
use influence::most_influential;
use starts::Starts;
use trial::{Compared, Sleepers, asleep};
use waking::Call;

/// Units that are woken at most, in a model.
const MOST_TRIED: usize = 128;
/// Images on which each is woken first: two, of different answers, so that one of them is not of
/// the class that a unit leads to.
const FIRST: usize = 2;
/// Units that are then woken on all images, at most: those that changed logits most.
const MOST_SUSPECTS: usize = 8;

/// Values that differ by less than this share of themselves differ by rounding.
const ROUNDING: f32 = 1e-6;
/// How far those images are moved of what wakes the unit: a unit that looks at all of an image may
/// wake long before nothing is left of what the image shows.
const FAR: [f32; 3] = [0.25, 0.5, 1.0];

/// What the look at dormant units came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dormancy {
    /// Clean images that were looked at.
    pub images: usize,
    /// Units behind a function with a flat stretch: channels of a map, or single numbers.
    pub units: usize,
    /// Those that are on it on all images.
    pub dormant: usize,
    /// Dormant units that were tried: images were moved to wake them.
    pub tried: usize,
    /// Those of them that changed a logit then.
    pub woken: usize,
    /// Those that are switches, the one that changed logits most in front.
    pub switches: Vec<DormantUnit>,
    /// The one that changed the largest share of the answers that it could change, be it a switch
    /// or not; `None` if none changed an answer.
    pub strongest: Option<DormantUnit>,
}

/// What a dormant unit does once it is awake, with those that wake together with it.
#[derive(Clone, Debug, PartialEq)]
pub struct DormantUnit {
    /// Name of the node whose flat stretch it lies on.
    pub node: String,
    /// Name of the layer that it is a channel of.
    pub layer: String,
    /// The channel.
    pub channel: usize,
    /// The class that it leads most images to.
    pub class: usize,
    /// Images that were moved to wake it.
    pub images: usize,
    /// Those whose answer was not the class before.
    pub others: usize,
    /// Those that keep the answer that they had before as long as dormant units are kept where they
    /// were, and have another one with the unit awake.
    pub changed: usize,
    /// Those of these that are led to the class.
    pub led: usize,
    /// Those that keep the answer that they had before as long as dormant units are kept where they
    /// were.
    pub kept: usize,
}

/// Looks for dormant units and wakes them, until it is late. What is found depends on the seed
/// alone if there is time enough.
///
/// # Errors
/// [`Error::NeedsImages`] without clean images; what the engine refuses.
pub fn look(subject: &Subject<'_>, until: Option<Instant>) -> Result<Dormancy, Error> {
    let (classifier, images) = (subject.classifier, subject.images()?);
    let network = classifier.network();
    let hinges = network.hinges()?;
    let sets = [images.search.pixels(), images.holdout.pixels()];
    let counted = census(classifier, hinges, &sets, until)?;
    // A section holds its weights once more: no more than one is kept at a time.
    network.forget_sections();
    let sleepers: Vec<Sleepers<'_>> = hinges
        .iter()
        .zip(&counted.seen)
        .map(|(hinge, seen)| Sleepers {
            hinge,
            clean: &seen.after,
            calls: sleeping(hinge, &seen.before),
        })
        .filter(|sleepers| !sleepers.calls.is_empty())
        .collect();
    let mut found = Dormancy {
        images: counted.images,
        units: hinges.iter().map(|hinge| hinge.after.channels()).sum(),
        dormant: sleepers.iter().map(|sleepers| sleepers.calls.len()).sum(),
        ..Dormancy::default()
    };
    if found.dormant == 0 || late(until) {
        return Ok(found);
    }
    let starts = Starts::draw(classifier, images.search, subject.seed)?;
    let mut tried = Vec::new();
    for Sleepers { hinge, calls, .. } in &sleepers {
        if late(until) {
            break;
        }
        let share = (MOST_TRIED * calls.len()).div_ceil(found.dormant.max(MOST_TRIED));
        let calls = most_influential(&hinge.after, calls, share, &starts, subject.seed)?;
        network.forget_sections();
        let moved = starts.wake(&hinge.before, &calls, FIRST)?;
        network.forget_sections();
        let units = calls.into_iter().zip(moved);
        tried.extend(units.map(|(call, moved)| Awake { hinge, call, moved }));
    }
    let asleep = asleep(classifier, &sleepers)?;
    let mut suspects = Vec::new();
    for unit in &tried {
        let compared = Compared::of(classifier, &asleep, &unit.moved)?;
        found.tried += 1;
        found.woken += usize::from(compared.change() > 0.0);
        if compared.changes_an_answer() {
            suspects.push((compared.change(), unit));
        }
    }
    suspects.sort_by(|a, b| b.0.total_cmp(&a.0));
    suspects.truncate(MOST_SUSPECTS);
    network.forget_sections();
    let mut seen = Vec::new();
    for (_, unit) in suspects {
        let moved = starts.wake(&unit.hinge.before, &[unit.call], starts.answers.len())?;
        seen.push((unit, moved.concat()));
        network.forget_sections();
    }
    for (unit, moved) in seen {
        let mut deeds = Vec::new();
        for far in FAR {
            let compared = Compared::of(classifier, &asleep, &starts.towards(&moved, far))?;
            deeds.push(compared.deed(unit.hinge, unit.call, &starts.answers));
        }
        let most = |a: &DormantUnit, b: &DormantUnit| a.share().total_cmp(&b.share());
        let Some(deed) = deeds.into_iter().max_by(most) else {
            continue;
        };
        let strongest = found.strongest.as_ref().map_or(0.0, DormantUnit::share);
        if deed.tells() && deed.share() > strongest {
            found.strongest = Some(deed.clone());
        }
        if deed.is_switch() {
            found.switches.push(deed);
        }
    }
    network.forget_sections();
    Ok(found)
}

/// A unit, and images that were moved to wake it.
struct Awake<'a> {
    hinge: &'a Hinge,
    call: Call,
    moved: Vec<f32>,
}

/// Whether each layer rests: is the same, channel by channel, on all clean images that were looked
/// at before it got late.
///
/// # Errors
/// [`Error::NeedsImages`] without clean images; layers of another model.
pub fn rest(
    subject: &Subject<'_>,
    layers: &[Layer],
    until: Option<Instant>,
) -> Result<Vec<bool>, Error> {
    let images = subject.images()?;
    let sets = [images.search.pixels(), images.holdout.pixels()];
    let (ranges, _) = ranges(subject.classifier, layers, &sets, until)?;
    subject.classifier.network().forget_sections();
    let rests = |range: &Ranges| {
        let mut pairs = range.least.iter().zip(&range.most);
        pairs.all(|(least, most)| most - least <= ROUNDING * least.abs().max(most.abs()))
    };
    Ok(ranges.iter().map(rests).collect())
}

/// The channels that lie on a flat stretch on all images, each with the way out of it.
fn sleeping(hinge: &Hinge, before: &Ranges) -> Vec<Call> {
    let ranges = before.least.iter().zip(&before.most).enumerate();
    let calls = ranges.filter_map(|(channel, (&least, &most))| {
        let sign = if most <= hinge.flat_below {
            1.0
        } else if least >= hinge.flat_above {
            -1.0
        } else {
            return None;
        };
        Some(Call { channel, sign })
    });
    calls.collect()
}

fn late(until: Option<Instant>) -> bool {
    until.is_some_and(|until| Instant::now() >= until)
}
