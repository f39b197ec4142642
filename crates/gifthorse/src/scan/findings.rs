//! What the detector found, as a report describes it.

use gifthorse_defense::detect::neural_cleanse::{ClassFinding, Config, State, statistic};
use gifthorse_defense::verdict::{
    Decision, PublishedRules, SetAside, WitnessSays, interval::clopper_pearson, median,
};
use gifthorse_report::report::{self, ClassState, Detection, PublishedRule};

use super::checks::Fit;
use super::conclusion::Conclusion;
use super::search::Searched;

/// Confidence of the intervals of success rates.
const CONFIDENCE: f64 = 0.95;

/// The findings of Neural Cleanse for the model and for each class.
pub fn detection(
    searched: &Searched,
    conclusion: &Conclusion,
    config: &Config,
    fit: &Fit,
    class_names: &[String],
) -> Detection {
    let decision = &conclusion.decision;
    let says = said(decision);
    let [_, height, width] = fit.classifier.shape();
    let compared = compared(searched);
    let norms: Vec<f64> = compared.iter().map(|finding| finding.norm).collect();
    let reached = compared
        .iter()
        .filter(|finding| finding.state == State::Reached);
    let published = PublishedRules::apply(&norms);
    let indices = signed_indices(searched, &norms, published.as_ref());
    let classes = searched.findings.iter().map(|finding| {
        let mut statistics = decision.classes.iter();
        let statistics = statistics.find(|class| class.class == finding.class);
        let index = indices.iter().find(|(class, _)| *class == finding.class);
        report::ClassFinding {
            name: class_names.get(finding.class).cloned().unwrap_or_default(),
            anomaly_index: index.map(|(_, index)| *index),
            p_value: statistics.and_then(|class| class.p_value),
            ..class_finding(finding, fit)
        }
    });
    let of_rules = |value: fn(&PublishedRules) -> Option<f64>| published.as_ref().and_then(value);
    Detection {
        name: "neural_cleanse".to_owned(),
        preset: config.preset.name().to_owned(),
        p_value: decision.p_value,
        statistic_name:
            "distance of the smallest triggers below the others, in units of their scale".to_owned(),
        statistic: says.and_then(|says| says.statistic),
        threshold: says.and_then(|says| says.threshold),
        flagged: !conclusion.targets.is_empty(),
        seconds: searched.seconds,
        parameters: config.parameters(),
        anomaly_index: of_rules(|rules| rules.anomaly_index),
        max_min_ratio: of_rules(|rules| rules.max_min_ratio),
        percent_difference: of_rules(|rules| rules.percent_difference),
        norm_median: median(reached.map(|finding| finding.norm).collect()),
        norm_threshold: norm_threshold(decision, height * width),
        unreached: searched
            .ended()
            .filter(|finding| finding.state == State::Unreached)
            .map(|finding| finding.class)
            .collect(),
        sampled: searched.sampled.clone(),
        classes: classes.collect(),
        published_rules: published.as_ref().map_or_else(Vec::new, rules),
    }
}

fn said(decision: &Decision) -> Option<&WitnessSays> {
    decision.witnesses.first()?.said.as_ref().ok()
}

/// The norm, in pixels, below which a trigger is too small for a clean model.
pub fn norm_threshold(decision: &Decision, pixels: usize) -> Option<f64> {
    let value = said(decision)?.value_threshold?;
    Some(statistic(pixels).number(value))
}

fn class_finding(finding: &ClassFinding, fit: &Fit) -> report::ClassFinding {
    let [_, height, width] = fit.classifier.shape();
    let ended = matches!(finding.state, State::Reached | State::Unreached);
    let norm = (finding.state == State::Reached).then_some(finding.norm);
    let tried = finding.holdout.filter(|tried| tried.trials > 0);
    report::ClassFinding {
        class: finding.class,
        name: String::new(),
        source: None,
        norm,
        share: norm.map(|norm| norm / (height * width) as f64),
        anomaly_index: None,
        p_value: None,
        success_rate: ended.then_some(finding.success_rate),
        holdout_success_rate: tried.map(|tried| tried.successes as f64 / tried.trials as f64),
        holdout_interval: tried
            .and_then(|tried| clopper_pearson(tried.successes, tried.trials, CONFIDENCE).ok())
            .map(|interval| [interval.lower, interval.upper]),
        holdout_worst_source: tried
            .and_then(|tried| tried.worst_source)
            .filter(|worst| worst.trials > 0)
            .map(|worst| worst.successes as f64 / worst.trials as f64),
        state: match finding.state {
            State::Reached => ClassState::Reached,
            State::Unreached => ClassState::Unreached,
            State::Eliminated => ClassState::Eliminated,
            State::Skipped => ClassState::Skipped,
        },
        updates: finding.updates,
        seconds: finding.seconds,
        trigger: None,
    }
}

/// The classes whose search ended, in class order, and after them one for each eliminated class: the one that stands
/// for it. Without these a median would be that of the smallest classes alone.
fn compared(searched: &Searched) -> Vec<&ClassFinding> {
    let mut compared: Vec<&ClassFinding> = searched.ended().collect();
    let set_aside = SetAside {
        classes: searched.eliminated(),
        sample: searched.stand_ins(),
    };
    let by_norm = |a: &&ClassFinding, b: &&ClassFinding| a.norm.total_cmp(&b.norm);
    compared.extend(set_aside.stand_ins(&compared, |finding| finding.class, by_norm));
    compared
}

/// The anomaly index of each class whose search ended, positive below the median and negative above it.
fn signed_indices(
    searched: &Searched,
    norms: &[f64],
    published: Option<&PublishedRules>,
) -> Vec<(usize, f64)> {
    let indices = published.and_then(|rules| rules.anomaly_indices.as_ref());
    let (Some(indices), Some(median)) = (indices, median(norms.to_vec())) else {
        return Vec::new();
    };
    let signed = |(finding, index): (&ClassFinding, &f64)| {
        let sign = if finding.norm <= median { 1.0 } else { -1.0 };
        (finding.class, sign * index)
    };
    searched.ended().zip(indices).map(signed).collect()
}

fn rules(published: &PublishedRules) -> Vec<PublishedRule> {
    let ratio = |name: &str, statistic, threshold| PublishedRule {
        name: name.to_owned(),
        statistic,
        threshold,
        flagged: published.ratio_flagged.is_some(),
        source: "paper 000: both are asked for".to_owned(),
    };
    vec![
        PublishedRule {
            name: "anomaly index > 2".to_owned(),
            statistic: published.anomaly_index,
            threshold: 2.0,
            flagged: !published.anomaly_flagged.is_empty(),
            source: "Neural Cleanse (IEEE S&P 2019), section IV".to_owned(),
        },
        ratio("max/min ratio > 1.8", published.max_min_ratio, 1.8),
        ratio(
            "percent difference > 25",
            published.percent_difference,
            25.0,
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_is_between_the_middle_two() {
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![]), None);
    }
}
