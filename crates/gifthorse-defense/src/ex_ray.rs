//! EX-RAY (Y. Liu et al. 2022).

mod exchange;

use gifthorse_engine::{Classifier, Layer};

use crate::error::Error;
use crate::subject::Subject;
use crate::trigger::Trigger;
use exchange::Exchange;

/// Most pairs of images that are exchanged.
pub const PAIRS: usize = 12;
/// With fewer pairs, masks say little.
const FEWEST_PAIRS: usize = 4;

/// What the features of a trigger have in common with those of its target.
#[derive(Clone, Debug, PartialEq)]
pub struct Opinion {
    /// The class whose images were led away.
    pub victim: usize,
    /// Name of the layer.
    pub layer: String,
    /// Pairs of images.
    pub pairs: [usize; 2],
    /// Channels of the layer.
    pub channels: usize,
    /// Mask between the two classes, and between images without the trigger and with it.
    pub masks: [Vec<f32>; 2],
    /// Shares of images that the other's mask exchanges.
    pub transfer: [[f64; 2]; 2],
}

/// The layers.
pub fn layers(classifier: &Classifier) -> Result<Vec<Layer>, Error> {
    let hinges = classifier.network().hinges()?;
    let mut layers: Vec<Layer> = Vec::new();
    for hinge in hinges.iter().rev() {
        if !layers.contains(&hinge.after) && classifier.split_at(&hinge.after).is_ok() {
            layers.push(hinge.after.clone());
        }
    }
    Ok(layers)
}

/// The opinion on a trigger towards `target` from the images of `victim`.
pub fn opinion(
    subject: &Subject<'_>,
    layer: &Layer,
    trigger: &Trigger,
    (victim, target): (usize, usize),
) -> Result<Option<Opinion>, Error> {
    let classifier = subject.classifier;
    let (head, tail) = classifier.split_at(layer)?;
    let search = subject.images()?.search;
    let labels = search.labels().ok_or(Error::NoLabels)?;
    let right = subject.facts.right(subject)?;
    let of_class = |class: usize| -> Vec<usize> {
        (0..labels.len())
            .filter(|&i| labels[i] == class && right[i])
            .collect()
    };
    let pixels = |places: &[usize]| -> Vec<f32> {
        places
            .iter()
            .flat_map(|&place| search.image(place))
            .copied()
            .collect()
    };
    let victims = of_class(victim);
    let mut targets = of_class(target);
    let answers = crate::search::answers(classifier, search, &victims, trigger)?;
    let mut led: Vec<usize> = victims
        .iter()
        .zip(answers)
        .filter(|(_, answer)| *answer == target)
        .map(|(&place, _)| place)
        .collect();
    led.truncate(PAIRS);
    let count = victims.len().min(targets.len()).min(PAIRS);
    targets.truncate(count);
    let victims = &victims[..count];
    if led.len() < FEWEST_PAIRS || count < FEWEST_PAIRS {
        return Ok(None);
    }
    let of = |pixels: &[f32]| head.evaluate(pixels);
    let (own, others) = (of(&pixels(victims))?, of(&pixels(&targets))?);
    let natural = Exchange::new(&tail, [(&own, victim), (&others, target)]);
    let plain = pixels(&led);
    let stamped = trigger.stamp(&plain, classifier.shape());
    let (own, stamped) = (of(&plain)?, of(&stamped)?);
    let by_trigger = Exchange::new(&tail, [(&own, victim), (&stamped, target)]);
    let (Some(one), Some(other)) = (natural.smallest_mask()?, by_trigger.smallest_mask()?) else {
        return Ok(None);
    };
    Ok(Some(Opinion {
        victim,
        layer: layer.name().to_owned(),
        pairs: [natural.pairs(), by_trigger.pairs()],
        channels: layer.channels(),
        transfer: [natural.rates(&other)?, by_trigger.rates(&one)?],
        masks: [one, other],
    }))
}
