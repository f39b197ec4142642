//! What a trigger does, in lines for a terminal.

use comfy_table::{CellAlignment, Table, presets::NOTHING};
use gifthorse::{Explanation, Similarity};
use gifthorse_report::escape::Shown;
use gifthorse_report::report::{Effect, LayerEffect, Performance, Share};

/// Channels that are listed of each layer.
const CHANNELS: usize = 10;
/// Classes whose images are followed.
const SOURCES: usize = 15;
/// Longest class name that fits the table, in characters.
const NAME: usize = 32;

/// All of it; untrusted strings are escaped.
pub fn text(explained: &Explanation) -> String {
    let effect = &explained.effect;
    let class = |index: usize| class(&explained.class_names, index);
    let mut text = format!(
        "The trigger {} leads to {}: {} of the images of other classes\n",
        Shown(&explained.trigger),
        class(effect.target),
        share(&effect.success),
    );
    if let (Some(original), Some(success)) = (&explained.original, &effect.original_success) {
        text += &format!("  planted, {}: {}\n", Shown(original), share(success));
    }
    text += &format!(
        "  clean images taken for what they are: {}\n\n",
        share(&effect.accuracy)
    );
    for layer in &effect.layers {
        text += &at_layer(layer);
    }
    text += &sources(effect, class);
    if let Some(similarity) = &explained.similarity {
        text += &alike(similarity);
    }
    text
}

fn at_layer(layer: &LayerEffect) -> String {
    let is_known = layer.original.is_some();
    let mut text = format!(
        "Layer {}: the first {} of {} channels by how much they rise\n",
        Shown(&layer.layer),
        layer.top,
        layer.channels
    );
    text += &format!(
        "  mean activation: {} on clean images, {} on stamped ones",
        number(layer.clean),
        number(layer.stamped)
    );
    if is_known {
        text += &format!(", {} with the planted trigger", number(layer.original));
    }
    text.push('\n');
    if let Some(overlap) = layer.overlap {
        text += &format!(
            "  in common with the planted trigger's: {overlap:.3} (intersection over union)\n"
        );
    }
    let line = |what: &str, how: &Performance| {
        format!(
            "  {what}: success {}, of the same images without the trigger {}, accuracy {}\n",
            share(&how.success),
            share(&how.unstamped),
            share(&how.accuracy)
        )
    };
    text += &line("only these kept", &layer.kept);
    text += &line("only these switched off", &layer.zeroed);
    let mut table = table(&["rank", "channel", "clean", "stamped", "rise"]);
    for (rank, neuron) in layer.neurons.iter().take(CHANNELS).enumerate() {
        let rise = neuron.stamped.zip(neuron.clean);
        table.add_row([
            (rank + 1).to_string(),
            neuron.channel.to_string(),
            number(neuron.clean),
            number(neuron.stamped),
            number(rise.map(|(stamped, clean)| stamped - clean)),
        ]);
    }
    right(&mut table, 0..5);
    text + &format!("{}\n\n", table.trim_fmt())
}

/// Whom it leads where, those that it leads to its target least in front.
fn sources(effect: &Effect, class: impl Fn(usize) -> String) -> String {
    let mut sources: Vec<_> = effect.sources.iter().collect();
    sources.retain(|source| source.class != effect.target);
    sources.sort_by(|a, b| {
        let rate = |share: &Share| share.rate().unwrap_or_default();
        rate(&a.success).total_cmp(&rate(&b.success))
    });
    let mut table = table(&["from", "success", "mostly goes to", "share"]);
    for source in sources.iter().take(SOURCES) {
        table.add_row([
            class(source.class),
            share(&source.success),
            class(source.to),
            percent(source.to_share),
        ]);
    }
    right(&mut table, [3]);
    let mut text = format!(
        "From each class, those that are led to the target least in front\n{}\n",
        table.trim_fmt()
    );
    if let hidden @ 1.. = sources.len().saturating_sub(SOURCES) {
        text += &format!("  and {hidden} more, in explain.json\n");
    }
    text
}

fn alike(similarity: &Similarity) -> String {
    let numbers: Vec<String> = (1..=similarity.triggers.len())
        .map(|at| at.to_string())
        .collect();
    let mut header = vec!["patch"];
    header.extend(numbers.iter().map(String::as_str));
    let mut table = table(&header);
    for (at, (name, row)) in similarity
        .triggers
        .iter()
        .zip(&similarity.cosines)
        .enumerate()
    {
        let mut cells = vec![format!("{}: {}", at + 1, Shown(name))];
        cells.extend(row.iter().map(|&value| number(value)));
        table.add_row(cells);
    }
    right(&mut table, 1..header.len());
    format!(
        "\nHow alike the patches are (cosine of what they show)\n{}\n",
        table.trim_fmt()
    )
}

fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_preset(NOTHING);
    table.set_header(header);
    table
}

fn right(table: &mut Table, columns: impl IntoIterator<Item = usize>) {
    for column in columns {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}

/// A class as its index, and its name where it has one.
fn class(names: &[String], index: usize) -> String {
    let name = names.get(index);
    let name = name.filter(|name| !name.is_empty() && **name != index.to_string());
    let Some(name) = name else {
        return format!("class {index}");
    };
    let shown: String = Shown(name).to_string().chars().take(NAME).collect();
    format!("{index} “{shown}”")
}

fn share(share: &Share) -> String {
    let [low, high] = share.interval;
    match share.rate() {
        Some(rate) => format!("{} ({} to {})", percent(rate), percent(low), percent(high)),
        None => "–".to_owned(),
    }
}

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

fn number(value: Option<f64>) -> String {
    value.map_or("–".to_owned(), |value| format!("{value:.3}"))
}
