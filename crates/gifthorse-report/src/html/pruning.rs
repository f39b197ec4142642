//! What pruning comes to, neuron by neuron: a picture of its own, as an SVG file.

use maud::{Markup, html};

use crate::escape::Shown;

const WIDTH: f64 = 560.0;
/// Height of one layer's chart.
const HEIGHT: f64 = 210.0;
const LEFT: f64 = 48.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 34.0;
const BOTTOM: f64 = 30.0;
const GRID: [f64; 3] = [0.0, 0.5, 1.0];

/// One layer, pruned.
#[derive(Clone, Debug, PartialEq)]
pub struct PruningCurve {
    /// Name of the layer, not to be trusted.
    pub layer: String,
    /// Neurons that it has.
    pub neurons: usize,
    /// In the order in which they were switched off: how many are off, clean accuracy, and how much
    /// more often images go where the trigger leads with it than without, both in [0, 1].
    pub points: Vec<(usize, f64, f64)>,
}

/// The curves below one another, each layer with clean accuracy and the success of the trigger over
/// the share of its neurons that is off.
pub fn render_pruning(curves: &[PruningCurve]) -> String {
    picture(curves).into_string() + "\n"
}

/// The same, to stand inside a page.
pub(super) fn picture(curves: &[PruningCurve]) -> Markup {
    let height = HEIGHT * curves.len() as f64;
    let charts = curves.iter().enumerate().map(|(place, curve)| {
        let down = HEIGHT * place as f64;
        html! { g transform={ "translate(0 " (down) ")" } { (chart(curve)) } }
    });
    html! {
        svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="clean accuracy and success of the trigger by the share of neurons that is off"
            viewBox={ "0 0 " (WIDTH) " " (height) } font-family="sans-serif" font-size="12" {
            rect width="100%" height="100%" fill="white" {}
            @for chart in charts { (chart) }
        }
    }
}

fn chart(curve: &PruningCurve) -> Markup {
    let last = curve.points.iter().map(|(off, ..)| *off).max();
    let end = last.unwrap_or(0).max(1) as f64 / curve.neurons.max(1) as f64;
    let x = |off: usize| {
        let share = off as f64 / curve.neurons.max(1) as f64 / end;
        LEFT + share * (WIDTH - LEFT - RIGHT)
    };
    let y = |share: f64| TOP + (1.0 - share.clamp(0.0, 1.0)) * (HEIGHT - TOP - BOTTOM);
    let line = |of: fn(&(usize, f64, f64)) -> f64| {
        let at = |point: &(usize, f64, f64)| format!("{:.1},{:.1}", x(point.0), y(of(point)));
        curve.points.iter().map(at).collect::<Vec<_>>().join(" ")
    };
    html! {
        text x=(LEFT) y="16" { (Shown(&curve.layer)) ", " (curve.neurons) " neurons" }
        @for share in GRID {
            line x1=(LEFT) x2=(WIDTH - RIGHT) y1=(y(share)) y2=(y(share)) stroke="#ddd" {}
            text x=(LEFT - 6.0) y=(y(share) + 4.0) text-anchor="end" { (100.0 * share) " %" }
        }
        text x=(LEFT) y=(HEIGHT - 10.0) { "0 % off" }
        text x=(WIDTH - RIGHT) y=(HEIGHT - 10.0) text-anchor="end" { (format!("{:.1} % off", 100.0 * end)) }
        polyline points=(line(|point| point.1)) fill="none" stroke="#1a7f37" stroke-width="2" {}
        polyline points=(line(|point| point.2)) fill="none" stroke="#b3261e" stroke-width="2" stroke-dasharray="5 3" {}
        text x=(WIDTH - RIGHT) y="16" text-anchor="end" {
            tspan fill="#1a7f37" { "clean accuracy" } "  " tspan fill="#b3261e" { "success of the trigger" }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_layer_has_two_lines_from_end_to_end_and_its_name_is_escaped() {
        let curve = |layer: &str| PruningCurve {
            layer: layer.to_owned(),
            neurons: 20,
            points: vec![(0, 1.0, 1.0), (5, 1.0, 0.5), (10, 0.9, 0.0)],
        };
        let svg = render_pruning(&[curve("conv"), curve("<script>")]);
        assert_eq!(svg.matches("<polyline").count(), 4);
        assert!(svg.contains("&lt;script&gt;") && !svg.contains("<script>"));
        assert!(svg.contains("50.0 % off"));
        // From the left edge and the top, over the middle, to the right edge and the bottom.
        let whole = format!("{LEFT:.1},{TOP:.1} ");
        assert!(svg.contains(&whole), "{svg}");
        let ended = format!("{:.1},{:.1}\"", WIDTH - RIGHT, HEIGHT - BOTTOM);
        assert!(svg.contains(&ended), "{svg}");
    }
}
