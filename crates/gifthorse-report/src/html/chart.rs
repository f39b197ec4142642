//! Norms of all classes on a logarithmic scale: every class is a dot, and a backdoor is a dot far to the left.
//!
//! SVG elements are not void in HTML: each needs its end tag, or the next becomes its child and is not drawn.

use maud::{Markup, html};

use super::Scan;
use crate::{
    escape::Shown,
    format::{count, number},
    report::{ClassFinding, Detection},
};

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 250.0;
const MARGIN: f64 = 24.0;
/// Height of the axis, counted from the top.
const AXIS: f64 = 190.0;
/// Height that stacked dots may take.
const STACK: f64 = 112.0;
const DOT: f64 = 4.5;
/// Targets that get their name written beside the dot.
const NAMED: usize = 3;
/// Longest name written in the chart, in characters.
const NAME_LIMIT: usize = 20;

/// A logarithmic scale from norms to the width of the chart.
struct Scale {
    low: f64,
    high: f64,
}

impl Scale {
    /// A scale that holds all positive values with some room, or none if there are none.
    fn over(values: impl Iterator<Item = f64>) -> Option<Self> {
        let (low, high) = values
            .filter(|value| value.is_finite() && *value > 0.0)
            .map(f64::log10)
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), log| {
                (low.min(log), high.max(log))
            });
        let room = ((high - low) * 0.06).max(0.08);
        (low <= high).then_some(Self {
            low: low - room,
            high: high + room,
        })
    }

    /// Where `norm` lies; what is too small for a logarithm lies at the left edge.
    fn x(&self, norm: f64) -> f64 {
        let part = (norm.max(f64::MIN_POSITIVE).log10() - self.low) / (self.high - self.low);
        MARGIN + part.clamp(0.0, 1.0) * (WIDTH - 2.0 * MARGIN)
    }

    /// Round numbers inside the scale: powers of ten, with 2 and 5 between them where that makes few.
    fn ticks(&self) -> Vec<f64> {
        let steps: &[f64] = match self.high - self.low {
            span if span < 0.7 => &[1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0],
            span if span < 2.2 => &[1.0, 2.0, 5.0],
            _ => &[1.0],
        };
        let stride = ((self.high - self.low) / 8.0).ceil() as usize;
        (self.low.floor() as i32..=self.high.ceil() as i32)
            .step_by(stride.max(1))
            .flat_map(|decade| steps.iter().map(move |step| step * 10f64.powi(decade)))
            .filter(|tick| (self.low..=self.high).contains(&tick.log10()))
            .collect()
    }
}

/// A class in the chart.
struct Dot<'a> {
    finding: &'a ClassFinding,
    norm: f64,
    is_target: bool,
    x: f64,
    y: f64,
    radius: f64,
}

/// The chart of one detector's norms.
pub fn norms(scan: &Scan<'_>, detection: &Detection) -> Markup {
    let norms = detection.classes.iter().filter_map(|finding| finding.norm);
    let lines = [detection.norm_threshold, detection.norm_median]
        .into_iter()
        .flatten();
    let Some(scale) = Scale::over(norms.chain(lines)) else {
        return html! { p { "No class was reached, so there are no norms to draw." } };
    };
    let dots = dots(scan, detection, &scale);
    let eliminated = detection.eliminated();
    let without = detection.classes.len() - dots.len() - eliminated;
    html! {
        figure.chart {
            svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" aria-label=(summary(detection, &dots)) {
                @for tick in scale.ticks() {
                    line.grid x1=(px(scale.x(tick))) x2=(px(scale.x(tick))) y1=(AXIS) y2=(AXIS + 6.0) {}
                    text.tick x=(px(scale.x(tick))) y=(AXIS + 22.0) text-anchor="middle" { (number(tick)) }
                }
                line.axis x1=(MARGIN) x2=(WIDTH - MARGIN) y1=(AXIS) y2=(AXIS) {}
                text.tick x=(WIDTH / 2.0) y=(AXIS + 48.0) text-anchor="middle" { "L1 norm of the mask in pixels, logarithmic" }
                @if let Some(median) = detection.norm_median { (rule(&scale, median, "median", 44.0)) }
                @if let Some(threshold) = detection.norm_threshold { (rule(&scale, threshold, "threshold", 20.0)) }
                @for dot in &dots { (mark(dot)) }
                @for dot in dots.iter().filter(|dot| dot.is_target).take(NAMED) { (name(dot)) }
            }
            figcaption {
                "Each mark is a class; the further left, the smaller the trigger that leads to it. Diamonds are target \
                 classes. "
                @if detection.norm_threshold.is_some() { "Marks left of the dashed threshold line stand out. " }
                @else { "No positive norm would stand out by the threshold, so it has no line. " }
                @if without > 0 { "Not shown, because no trigger to them was found: " (count(without, "class", "classes")) ". " }
                @if eliminated > 0 { "Not shown, because eliminated early: " (count(eliminated, "class", "classes")) "." }
            }
        }
    }
}

/// Where every class goes: dots that would cover each other are stacked, targets lowest.
fn dots<'a>(scan: &Scan<'_>, detection: &'a Detection, scale: &Scale) -> Vec<Dot<'a>> {
    let column = |x: f64| ((x - MARGIN) / (2.0 * DOT + 0.5)) as usize;
    let mut dots: Vec<_> = detection
        .classes
        .iter()
        .filter_map(|finding| {
            let norm = finding.norm?;
            let is_target = scan.report().targets.contains(&finding.class);
            Some(Dot {
                finding,
                norm,
                is_target,
                x: scale.x(norm),
                y: 0.0,
                radius: DOT,
            })
        })
        .collect();
    dots.sort_by(|a, b| {
        b.is_target
            .cmp(&a.is_target)
            .then(a.norm.total_cmp(&b.norm))
    });
    let mut heights = vec![0usize; column(WIDTH) + 1];
    let levels: Vec<usize> = dots
        .iter()
        .map(|dot| {
            let height = &mut heights[column(dot.x)];
            *height += 1;
            *height - 1
        })
        .collect();
    let tallest = heights.into_iter().max().unwrap_or(1).max(1);
    let step = (2.0 * DOT + 0.5).min(STACK / tallest as f64);
    for (dot, level) in dots.iter_mut().zip(levels) {
        dot.y = AXIS - DOT - 2.0 - step * level as f64;
        dot.radius = (step * 0.6).clamp(1.8, DOT);
    }
    dots
}

fn mark(dot: &Dot<'_>) -> Markup {
    let (x, y) = (dot.x, dot.y);
    let title = html! { title { (Shown(&dot.finding.name)) " (class " (dot.finding.class) "): " (number(dot.norm)) } };
    if !dot.is_target {
        return html! { circle.class cx=(px(x)) cy=(px(y)) r=(px(dot.radius)) { (title) } };
    }
    let half = DOT * 1.6;
    let points = format!(
        "{x:.1},{:.1} {:.1},{y:.1} {x:.1},{:.1} {:.1},{y:.1}",
        y - half,
        x + half,
        y + half,
        x - half
    );
    html! { polygon.target points=(points) { (title) } }
}

/// The name of a target, above its mark.
fn name(dot: &Dot<'_>) -> Markup {
    let finding = dot.finding;
    let full = if finding.name.is_empty() {
        format!("class {}", finding.class)
    } else {
        Shown(&finding.name).to_string()
    };
    let short: String = full.chars().take(NAME_LIMIT).collect();
    let cut = if short.len() < full.len() { "…" } else { "" };
    html! { text.name x=(px(dot.x)) y=(px(dot.y - 14.0)) text-anchor=(anchor(dot.x)) { (short) (cut) } }
}

/// A vertical line with a label at height `top`.
fn rule(scale: &Scale, norm: f64, label: &str, top: f64) -> Markup {
    let x = scale.x(norm);
    html! {
        line.(label) x1=(px(x)) x2=(px(x)) y1=(top + 6.0) y2=(AXIS) {}
        text.label x=(px(x)) y=(top) text-anchor=(anchor(x)) { (label) " " (number(norm)) }
    }
}

/// The side on which text at `x` stays inside the chart.
fn anchor(x: f64) -> &'static str {
    match x / WIDTH {
        part if part < 0.25 => "start",
        part if part > 0.75 => "end",
        _ => "middle",
    }
}

fn px(value: f64) -> String {
    format!("{value:.1}")
}

fn summary(detection: &Detection, dots: &[Dot<'_>]) -> String {
    let smallest = dots
        .iter()
        .map(|dot| dot.norm)
        .fold(f64::INFINITY, f64::min);
    let largest = dots.iter().map(|dot| dot.norm).fold(0.0, f64::max);
    let line = |name: &str, value: Option<f64>| {
        value
            .map(|value| format!(", {name} {}", number(value)))
            .unwrap_or_default()
    };
    format!(
        "Norms of {}: smallest {}, largest {}{}{}",
        count(dots.len(), "class", "classes"),
        number(smallest),
        number(largest),
        line("median", detection.norm_median),
        line("threshold", detection.norm_threshold)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_is_logarithmic_and_stays_inside() {
        let scale = Scale::over([1.0, 100.0].into_iter()).unwrap();
        let middle = scale.x(10.0);
        assert!((middle - WIDTH / 2.0).abs() < 1e-9);
        assert!(scale.x(1.0) < middle && middle < scale.x(100.0));
        for norm in [0.0, 1e-300, 1e300] {
            assert!((MARGIN..=WIDTH - MARGIN).contains(&scale.x(norm)));
        }
    }

    #[test]
    fn no_positive_norm_gives_no_scale_and_one_gives_room() {
        assert!(Scale::over([0.0, f64::NAN].into_iter()).is_none());
        let scale = Scale::over([5.0].into_iter()).unwrap();
        assert!(scale.low < 5f64.log10() && 5f64.log10() < scale.high);
    }

    #[test]
    fn ticks_are_few_and_round() {
        for (low, high) in [(1.0, 2.0), (3.0, 90.0), (0.01, 1e5), (1e-300, 1e300)] {
            let ticks = Scale::over([low, high].into_iter()).unwrap().ticks();
            assert!((1..=9).contains(&ticks.len()), "{ticks:?}");
        }
    }
}
