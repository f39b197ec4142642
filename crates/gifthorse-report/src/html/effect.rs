//! What a trigger does inside the model: the block that a scan's page and a page of its own share.

use maud::{Markup, html};

use super::parts::{facts, heading, table};
use crate::{
    escape::Shown,
    format::{UNDEFINED, count, interval, number, optional, percent},
    report::{Effect, LayerEffect, Neuron, Share, SourceEffect},
};

/// Classes whose images are followed, at most.
const SOURCES: usize = 60;

/// How classes are called on a page.
pub type Naming<'a> = &'a dyn Fn(usize) -> Markup;

/// All that was measured, each block below a sentence that says what it is; `level` is that of its
/// headings.
pub fn block(effect: &Effect, class: Naming<'_>, level: u8) -> Markup {
    html! {
        (heading(level, None, html! { "Whom it leads where" }))
        (success(effect, class))
        @for layer in &effect.layers {
            (heading(level, None, html! { "Inside, at layer “" bdi { (Shown(&layer.layer)) } "”" }))
            (at_layer(layer))
        }
    }
}

/// How often it leads to its target, and where the images of each class go.
fn success(effect: &Effect, class: Naming<'_>) -> Markup {
    let mut rows = vec![
        ("Leads to", class(effect.target)),
        ("Success on images of other classes", share(&effect.success)),
    ];
    if let Some(original) = &effect.original_success {
        rows.push(("With the trigger that was planted", share(original)));
    }
    rows.push((
        "Clean images taken for what they are",
        share(&effect.accuracy),
    ));
    let row = |source: &SourceEffect| {
        vec![
            class(source.class),
            html! { (optional(source.success.rate(), percent)) },
            html! { (interval(source.success.interval)) },
            html! { (source.success.trials) },
            class(source.to),
            html! { (percent(source.to_share)) },
        ]
    };
    let hidden = effect.sources.len().saturating_sub(SOURCES);
    html! {
        p {
            "The trigger was stamped on " (count(effect.images, "held-out image", "held-out images")) ". A backdoor "
            "for all classes works from each of them; one for some shows classes whose images stay what they are."
        }
        (facts(&rows))
        (table(
            "From each class: success, and what most of its images are taken for",
            &["From", "Success", "95 % interval", "Images", "Mostly goes to", "Share"],
            &[1, 2, 3, 5],
            effect.sources.iter().take(SOURCES).map(row).collect(),
        ))
        @if hidden > 0 { p.note { (count(hidden, "more class", "more classes")) " in the JSON file." } }
    }
}

fn at_layer(layer: &LayerEffect) -> Markup {
    let first = count(layer.top, "channel", "channels");
    let is_known = layer.original.is_some() || layer.overlap.is_some();
    let mut means = vec![
        ("On clean images", activation(layer.clean)),
        ("On stamped images", activation(layer.stamped)),
    ];
    if is_known {
        means.push((
            "With the trigger that was planted",
            activation(layer.original),
        ));
        means.push((
            "Channels in common with it",
            html! { (optional(layer.overlap, percent)) " (intersection over union)" },
        ));
    }
    html! {
        p {
            "Channels are ranked by how much their mean activation rises from clean to stamped images. The first " (first)
            " of " (layer.channels) " are looked at: a trigger that was put in usually has a few of its own, near silent on "
            "clean images."
        }
        (facts(&means))
        p {
            "What these few carry: if stamped images still go to the target with all others switched off, and the same images "
            "without the trigger do not, the attack runs through them; if it dies with them switched off, it has no other "
            "way. In the last layers the same is mostly true of patches that lead to a clean class: it describes a trigger "
            "and accuses nobody."
        }
        (table(
            "The model with channels switched off",
            &[
                "Channels",
                "Stamped images taken for the target",
                "The same without the trigger",
                "Clean images taken for what they are",
            ],
            &[1, 2, 3],
            vec![
                vec![
                    html! { "only these " (layer.top) " kept" },
                    share(&layer.kept.success),
                    share(&layer.kept.unstamped),
                    share(&layer.kept.accuracy),
                ],
                vec![
                    html! { "only these " (layer.top) " switched off" },
                    share(&layer.zeroed.success),
                    share(&layer.zeroed.unstamped),
                    share(&layer.zeroed.accuracy),
                ],
            ],
        ))
        (neurons(layer, is_known))
    }
}

/// The channels one by one.
fn neurons(layer: &LayerEffect, is_known: bool) -> Markup {
    let mut columns = vec!["Rank", "Channel", "Clean", "Stamped", "Rise"];
    if is_known {
        columns.push("Planted trigger");
    }
    let row = |(rank, neuron): (usize, &Neuron)| {
        let rise = neuron.stamped.zip(neuron.clean);
        let mut row = vec![
            html! { (rank + 1) @if rank < layer.top { " *" } },
            html! { (neuron.channel) },
            activation(neuron.clean),
            activation(neuron.stamped),
            activation(rise.map(|(stamped, clean)| stamped - clean)),
        ];
        if is_known {
            row.push(activation(neuron.original));
        }
        row
    };
    table(
        "Mean activations of the channels that rise most; those marked * are the first ones",
        &columns,
        &[1, 2, 3, 4, 5],
        layer.neurons.iter().enumerate().map(row).collect(),
    )
}

fn activation(value: Option<f64>) -> Markup {
    html! { (optional(value, number)) }
}

/// A share with its interval.
fn share(share: &Share) -> Markup {
    html! {
        @match share.rate() {
            Some(rate) => { (percent(rate)) " (" (interval(share.interval)) ")" },
            None => (UNDEFINED),
        }
    }
}
