//! The statistic of all units on a logarithmic scale: every unit is a dot, and a backdoor is a dot
//! far towards the suspicious end.
//!
//! SVG elements are not void in HTML: each needs its end tag, or the next becomes its child and is
//! not drawn.

use maud::{Markup, html};

use super::Scan;
use crate::{
    escape::Shown,
    format::{count, number, words},
    report::{Detection, Tail, UnitFinding},
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

/// A logarithmic scale from values to the width of the chart.
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

    /// Where `value` lies; what is too small for a logarithm lies at the left edge.
    fn x(&self, value: f64) -> f64 {
        let part = (value.max(f64::MIN_POSITIVE).log10() - self.low) / (self.high - self.low);
        MARGIN + part.clamp(0.0, 1.0) * (WIDTH - 2.0 * MARGIN)
    }

    /// Round numbers inside the scale: powers of ten, with 2 and 5 between them where that makes
    /// few.
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

/// A unit in the chart.
struct Dot<'a> {
    finding: &'a UnitFinding,
    value: f64,
    is_target: bool,
    x: f64,
    y: f64,
    radius: f64,
}

/// The chart of one detector's statistic.
pub fn statistics(scan: &Scan<'_>, detection: &Detection) -> Markup {
    let statistic = &detection.unit_statistic;
    let name = words(&statistic.name);
    let values = detection
        .findings
        .iter()
        .filter_map(|found| found.statistic);
    let lines = [detection.unit_threshold, detection.median]
        .into_iter()
        .flatten();
    let Some(scale) = Scale::over(values.chain(lines)) else {
        return html! { p { "No class has a " (name) " that could be drawn." } };
    };
    let dots = dots(scan, detection, &scale);
    let eliminated = detection.eliminated();
    let without = detection.findings.len() - dots.len() - eliminated;
    let side = match statistic.suspicious {
        Tail::Small => "left",
        Tail::Large => "right",
    };
    let scale_name = format!(
        "{} in {}, logarithmic",
        Shown(&statistic.meaning),
        words(&statistic.unit)
    );
    html! {
        figure.chart {
            svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" aria-label=(summary(detection, &dots)) {
                @for tick in scale.ticks() {
                    line.grid x1=(px(scale.x(tick))) x2=(px(scale.x(tick))) y1=(AXIS) y2=(AXIS + 6.0) {}
                    text.tick x=(px(scale.x(tick))) y=(AXIS + 22.0) text-anchor="middle" { (number(tick)) }
                }
                line.axis x1=(MARGIN) x2=(WIDTH - MARGIN) y1=(AXIS) y2=(AXIS) {}
                text.tick x=(WIDTH / 2.0) y=(AXIS + 48.0) text-anchor="middle" { (scale_name) }
                @if let Some(median) = detection.median { (rule(&scale, median, "median", 44.0)) }
                @if let Some(threshold) = detection.unit_threshold { (rule(&scale, threshold, "threshold", 20.0)) }
                @for dot in &dots { (mark(dot)) }
                @for dot in dots.iter().filter(|dot| dot.is_target).take(NAMED) { (label(dot)) }
            }
            figcaption {
                "Each mark is a class; the further " (side) ", the more suspicious. Diamonds are target classes. "
                @if detection.unit_threshold.is_some() { "Marks " (side) " of the dashed threshold line stand out. " }
                @else { "No value would stand out by the threshold, so it has no line. " }
                @if without > 0 { "Not shown, because they have no " (name) ": " (count(without, "class", "classes")) ". " }
                @if eliminated > 0 { "Not shown, because eliminated early: " (count(eliminated, "class", "classes")) "." }
            }
        }
    }
}

/// Where every class goes: dots that would cover each other are stacked, targets lowest.
fn dots<'a>(scan: &Scan<'_>, detection: &'a Detection, scale: &Scale) -> Vec<Dot<'a>> {
    let column = |x: f64| ((x - MARGIN) / (2.0 * DOT + 0.5)) as usize;
    let mut dots: Vec<_> = detection
        .findings
        .iter()
        .filter_map(|finding| {
            let value = finding.statistic?;
            let is_target = scan.report().targets.contains(&finding.class);
            Some(Dot {
                finding,
                value,
                is_target,
                x: scale.x(value),
                y: 0.0,
                radius: DOT,
            })
        })
        .collect();
    let suspicious = detection.unit_statistic.suspicious;
    dots.sort_by(|a, b| {
        let by_value = suspicious.compare(Some(a.value), Some(b.value));
        b.is_target.cmp(&a.is_target).then(by_value)
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
    let finding = dot.finding;
    let title = html! {
        title {
            (Shown(&finding.name)) " (class " (finding.class)
            @if let Some(source) = finding.source { " from " (source) }
            "): " (number(dot.value))
        }
    };
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
fn label(dot: &Dot<'_>) -> Markup {
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
fn rule(scale: &Scale, value: f64, label: &str, top: f64) -> Markup {
    let x = scale.x(value);
    html! {
        line.(label) x1=(px(x)) x2=(px(x)) y1=(top + 6.0) y2=(AXIS) {}
        text.label x=(px(x)) y=(top) text-anchor=(anchor(x)) { (label) " " (number(value)) }
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

/// What the chart shows, for whoever cannot see it.
fn summary(detection: &Detection, dots: &[Dot<'_>]) -> String {
    let values = || dots.iter().map(|dot| dot.value);
    let line = |name: &str, value: Option<f64>| {
        value
            .map(|value| format!(", {name} {}", number(value)))
            .unwrap_or_default()
    };
    format!(
        "{} of {}{}{}{}{}",
        words(&detection.unit_statistic.name),
        count(dots.len(), "class", "classes"),
        line("smallest", values().min_by(f64::total_cmp)),
        line("largest", values().max_by(f64::total_cmp)),
        line("median", detection.median),
        line("threshold", detection.unit_threshold)
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
        for value in [0.0, 1e-300, 1e300] {
            assert!((MARGIN..=WIDTH - MARGIN).contains(&scale.x(value)));
        }
    }

    #[test]
    fn no_positive_value_gives_no_scale_and_one_gives_room() {
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
