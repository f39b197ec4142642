//! What a trigger does, in numbers.

use gifthorse_data::Images;
use gifthorse_defense::explain::{
    Carried, Case, Count, Performance, Ranking, Success, mean_activations, overlap,
};
use gifthorse_engine::{Classifier, Layer};
use gifthorse_report::report::{self, Effect, LayerEffect, Neuron, SourceEffect};

use crate::Error;

/// Channels of a layer that are listed: no fewer, where there are as many,
const FEWEST_LISTED: usize = 10;
/// and no more.
const MOST_LISTED: usize = 50;

/// Labelled images, and their pixels under triggers.
pub struct Stamped<'a> {
    /// The clean images.
    pub images: &'a Images,
    /// With the trigger.
    pub trigger: &'a [f32],
    /// With the one that was planted, if it is known.
    pub original: Option<&'a [f32]>,
}

/// Measures what a trigger does, at these layers and with the first `share` of their channels.
/// Without a `target` it is the class that it leads most images to.
///
/// # Errors
/// Images without labels; a trigger that leads nowhere; a model that cannot be run.
pub fn of(
    classifier: &Classifier,
    stamped: &Stamped<'_>,
    target: Option<usize>,
    layers: &[Layer],
    share: f64,
) -> Result<Effect, Error> {
    let labels = stamped
        .images
        .labels()
        .ok_or(gifthorse_defense::Error::NoLabels)?;
    let case = |pixels| Case::new(classifier, labels, stamped.images.pixels(), pixels);
    let of_trigger = case(stamped.trigger)?;
    let success = Success::of(&of_trigger, target)?;
    let target = success.target;
    let original = stamped.original.map(case).transpose()?;
    let original = original.map(|case| Success::of(&case, Some(target)));
    let original = original.transpose()?.map(|success| success.overall);
    let mut layers = layers
        .iter()
        .map(|layer| at_layer(classifier, &of_trigger, stamped, layer, target, share))
        .collect::<Result<Vec<_>, _>>()?;
    layers.dedup_by(|second, first| says_the_same(first, second));
    Ok(Effect {
        target,
        images: labels.len(),
        accuracy: in_report(Performance::of(&of_trigger, classifier, target)?.accuracy)?,
        success: in_report(success.overall)?,
        original_success: original.map(in_report).transpose()?,
        sources: success
            .sources
            .iter()
            .map(|source| {
                Ok(SourceEffect {
                    class: source.class,
                    success: in_report(source.success)?,
                    to: source.to.class,
                    to_share: source.to.share,
                })
            })
            .collect::<Result<_, Error>>()?,
        layers,
    })
}

/// Whether two layers are one by their channels, as maps and the mean of each are.
fn says_the_same(one: &LayerEffect, other: &LayerEffect) -> bool {
    let channels = |layer: &LayerEffect| -> Vec<usize> {
        let first = layer.neurons.iter().take(layer.top);
        first.map(|neuron| neuron.channel).collect()
    };
    one.channels == other.channels
        && channels(one) == channels(other)
        && (one.kept, one.zeroed) == (other.kept, other.zeroed)
}

fn at_layer(
    classifier: &Classifier,
    case: &Case<'_>,
    stamped: &Stamped<'_>,
    layer: &Layer,
    target: usize,
    share: f64,
) -> Result<LayerEffect, Error> {
    let means = |pixels: &[f32]| mean_activations(classifier, layer, pixels);
    let clean = means(stamped.images.pixels())?;
    let ranking = Ranking::new(clean.clone(), means(stamped.trigger)?);
    let original = stamped.original.map(means).transpose()?;
    let original = original.map(|means| Ranking::new(clean, means));
    let top = ranking.top(share);
    let mean = |values: &[f64]| {
        let sum: f64 = top.iter().map(|&channel| values[channel]).sum();
        finite(sum / top.len() as f64)
    };
    let listed = top.len().clamp(FEWEST_LISTED, MOST_LISTED);
    let neuron = |&channel: &usize| Neuron {
        channel,
        clean: finite(ranking.clean[channel]),
        stamped: finite(ranking.stamped[channel]),
        original: original
            .as_ref()
            .and_then(|original| finite(original.stamped[channel])),
    };
    let carried = Carried::by(case, layer, top, target)?;
    Ok(LayerEffect {
        layer: layer.name().to_owned(),
        channels: ranking.order.len(),
        top: top.len(),
        neurons: ranking.order.iter().take(listed).map(neuron).collect(),
        clean: mean(&ranking.clean),
        stamped: mean(&ranking.stamped),
        original: original
            .as_ref()
            .and_then(|original| mean(&original.stamped)),
        overlap: original
            .as_ref()
            .map(|original| overlap(top, original.top(share))),
        kept: performance(carried.kept)?,
        zeroed: performance(carried.zeroed)?,
    })
}

fn performance(measured: Performance) -> Result<report::Performance, Error> {
    Ok(report::Performance {
        success: in_report(measured.success)?,
        unstamped: in_report(measured.unstamped)?,
        accuracy: in_report(measured.accuracy)?,
    })
}

fn in_report(count: Count) -> Result<report::Share, Error> {
    let interval = count.interval()?;
    Ok(report::Share {
        hits: count.hits,
        trials: count.trials,
        interval: [interval.lower, interval.upper],
    })
}

fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_and_their_means_are_told_once() {
        let share = report::Share {
            hits: 3,
            trials: 4,
            interval: [0.3, 0.95],
        };
        let performance = report::Performance {
            success: share,
            unstamped: share,
            accuracy: share,
        };
        let layer = |name: &str, channel| LayerEffect {
            layer: name.to_owned(),
            channels: 8,
            top: 1,
            neurons: vec![Neuron {
                channel,
                clean: Some(0.0),
                stamped: Some(1.0),
                original: None,
            }],
            clean: Some(0.0),
            stamped: Some(1.0),
            original: None,
            overlap: None,
            kept: performance,
            zeroed: performance,
        };
        assert!(says_the_same(&layer("mean", 3), &layer("maps", 3)));
        assert!(!says_the_same(&layer("mean", 3), &layer("maps", 4)));
        let spared = LayerEffect {
            zeroed: report::Performance {
                success: report::Share { hits: 2, ..share },
                ..performance
            },
            ..layer("maps", 3)
        };
        assert!(!says_the_same(&layer("mean", 3), &spared));
    }
}
