//! The paper's inference from the numbers of all classes, layer by layer.

use super::layers::MOST;
use crate::detect::mm_bd::GammaRule;
use crate::detect::{Published, PublishedRule};
use crate::finding::{Finding, State};
use crate::verdict::median;

/// The median absolute deviation of a normal distribution is its standard deviation over this.
const NORMAL: f64 = 1.4826;
/// The p-value of each layer.
const P_VALUES: [&str; MOST] = ["p_value_1", "p_value_2", "p_value_3", "p_value_4"];

/// Both ways of §3 and §3.1: the anomaly index of Neural Cleanse, and p-values of order statistics
/// as Xiang et al. 2022 have them, a gamma distribution fitted to what is large for a target, the
/// inverse spreads of the others. Of the layers the most extreme counts (§3.1); its p-value is
/// corrected for their number (Bonferroni), which the paper does not say.
pub fn published(compared: &[&Finding]) -> Published {
    let layers = 1..=MOST;
    let indices = layers.clone().flat_map(|layer| {
        [
            anomaly(&values(compared, &format!("spread_{layer}")), -1.0),
            anomaly(&values(compared, &format!("consensus_{layer}")), 1.0),
        ]
    });
    let index = indices.flatten().reduce(f64::max);
    let p_values: Vec<Option<f64>> = layers
        .map(|layer| p_value(&values(compared, &format!("spread_{layer}"))))
        .collect();
    let known: Vec<f64> = p_values.iter().flatten().copied().collect();
    let smallest = known.iter().copied().reduce(f64::min);
    let corrected = smallest.map(|p| (p * known.len() as f64).min(1.0));
    let mut measures = vec![("anomaly_index", index), ("layer_p_value", corrected)];
    let told = P_VALUES.into_iter().zip(p_values);
    measures.extend(told.filter(|(_, p)| p.is_some()));
    Published {
        measures,
        rules: vec![
            PublishedRule {
                name: "anomaly index at any layer > 2",
                statistic: index,
                threshold: 2.0,
                flagged: index.is_some_and(|index| index > 2.0),
                source: "CEPA (arXiv:2402.02034), with the threshold of Neural Cleanse (IEEE S&P 2019)",
            },
            PublishedRule {
                name: "smallest p-value of a layer, times their number <= 0.05",
                statistic: corrected,
                threshold: GammaRule::LEVEL,
                flagged: corrected.is_some_and(|p| p <= GammaRule::LEVEL),
                source: "CEPA (arXiv:2402.02034), with the p-value of Xiang et al. (IEEE TNNLS 2022)",
            },
        ],
        ..Published::default()
    }
}

/// A measure of the classes that were reached.
fn values(compared: &[&Finding], measure: &str) -> Vec<f64> {
    let reached = compared
        .iter()
        .filter(|finding| finding.state == State::Reached);
    let of = |finding: &&Finding| {
        let found = finding.measures.iter().find(|it| it.name == measure);
        found.map(|it| it.value)
    };
    reached.filter_map(of).collect()
}

/// How far the most suspicious value lies from the median, in median absolute deviations made
/// alike to standard deviations: upwards for `sign` 1, downwards for -1.
fn anomaly(values: &[f64], sign: f64) -> Option<f64> {
    let values: Vec<f64> = values.iter().map(|value| sign * value).collect();
    let centre = median(values.clone())?;
    let deviation = median(values.iter().map(|value| (value - centre).abs()).collect())?;
    let largest = values.iter().copied().reduce(f64::max)?;
    (deviation > 0.0).then(|| (largest - centre) / (NORMAL * deviation))
}

/// How unusually small the smallest spread is among the others.
fn p_value(spreads: &[f64]) -> Option<f64> {
    let inverse: Vec<f64> = spreads.iter().map(|spread| 1.0 / spread).collect();
    GammaRule::apply(&inverse).map(|rule| rule.p_value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::{Measure, Unit};

    /// Classes with these spreads at two layers.
    fn findings(spreads: &[[f64; 2]]) -> Vec<Finding> {
        let finding = |(class, spreads): (usize, &[f64; 2])| Finding {
            state: State::Reached,
            measures: (1..)
                .zip(spreads)
                .map(|(layer, &value)| Measure {
                    name: format!("spread_{layer}"),
                    value,
                    unit: String::new(),
                })
                .collect(),
            ..Finding::skipped(Unit::Class(class))
        };
        spreads.iter().enumerate().map(finding).collect()
    }

    fn of(spreads: &[[f64; 2]]) -> Published {
        let findings = findings(spreads);
        published(&findings.iter().collect::<Vec<_>>())
    }

    #[test]
    fn the_smallest_p_value_counts_for_the_number_of_layers() {
        let usual = [1.0, 1.1, 0.9, 1.05, 0.95, 1.02, 0.97, 1.04];
        let mut spreads: Vec<[f64; 2]> = usual.iter().map(|&it| [it, 2.0 - it]).collect();
        spreads.push([1.0, 0.3]);
        let found = of(&spreads);
        let of_name = |name| found.measures.iter().find(|it| it.0 == name).unwrap().1;
        let [first, second] = ["p_value_1", "p_value_2"].map(|name| of_name(name).unwrap());
        assert!(second < first / 100.0, "{first} {second}");
        assert_eq!(of_name("layer_p_value"), Some(2.0 * second));
        assert!(found.rules.iter().all(|rule| rule.flagged));
    }

    #[test]
    fn of_too_few_classes_nothing_can_be_said() {
        let found = of(&[[1.0, 1.0], [0.5, 0.5]]);
        assert!(found.rules.iter().all(|rule| !rule.flagged));
        assert_eq!(found.measures[1], ("layer_p_value", None));
    }
}
