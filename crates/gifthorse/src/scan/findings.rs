//! What a detector found, as a report describes it.

use gifthorse_defense::detect::{self, About, Published};
use gifthorse_defense::finding::{Finding, State, Unit};
use gifthorse_defense::stats::{Decision, Thinning, interval::clopper_pearson, median};
use gifthorse_report::report::{
    Detection, FindingState, Measure, PublishedRule, Tail, UnitFinding, UnitStatistic,
};

use super::search::Searched;

/// Confidence of the intervals of success rates.
const CONFIDENCE: f64 = 0.95;

/// The findings of one detector for the model and for each unit; `shape` is channels, height and width of the model's images.
pub fn detection(
    searched: &Searched<'_>,
    decision: Option<&Decision>,
    shape: [usize; 3],
    class_names: &[String],
) -> Detection {
    let detector = searched.detector;
    let about = detector.about();
    let compared = compared(searched);
    let published = detector.published(&compared, shape);
    let reached = compared
        .iter()
        .filter(|finding| finding.state == State::Reached)
        .map(|finding| finding.statistic);
    let findings = searched.findings.units.iter().filter_map(|finding| {
        let class = finding.unit.target()?;
        let statistics = decision.and_then(|decision| {
            let mut classes = decision.classes.iter();
            classes.find(|known| known.class == class)
        });
        Some(UnitFinding {
            name: class_names.get(class).cloned().unwrap_or_default(),
            p_value: statistics.and_then(|class| class.p_value),
            measures: measures(finding, &compared, &published),
            ..unit_finding(finding, class)
        })
    });
    Detection {
        name: about.name.to_owned(),
        title: about.title.to_owned(),
        preset: detector.preset().to_owned(),
        p_value: decision.and_then(|decision| decision.p_value),
        statistic_name: format!(
            "distance of the most suspicious {}s from the others, in units of their scale",
            about.statistic.name
        ),
        statistic: decision.and_then(|decision| decision.statistic),
        threshold: decision.and_then(|decision| decision.threshold),
        flagged: decision.is_some_and(|decision| !decision.targets.is_empty()),
        seconds: searched.seconds,
        parameters: detector.settings(),
        unit_statistic: unit_statistic(about),
        median: median(reached.collect()),
        unit_threshold: decision.and_then(|decision| decision.norm_threshold),
        measures: published
            .measures
            .iter()
            .map(|(name, value)| Measure::new(name, *value, ""))
            .collect(),
        unreached: searched
            .findings
            .ended()
            .filter(|finding| finding.state == State::Unreached)
            .filter_map(|finding| finding.unit.target())
            .collect(),
        sampled: targets(&searched.findings.sampled),
        findings: findings.collect(),
        published_rules: published.rules.iter().map(rule).collect(),
    }
}

/// The classes that units are about.
pub fn targets(units: &[Unit]) -> Vec<usize> {
    units.iter().filter_map(|unit| unit.target()).collect()
}

fn unit_statistic(about: &About) -> UnitStatistic {
    let statistic = &about.statistic;
    UnitStatistic {
        name: statistic.name.to_owned(),
        unit: statistic.unit.to_owned(),
        meaning: statistic.meaning.to_owned(),
        suspicious: match statistic.suspicious {
            detect::Tail::Small => Tail::Small,
            detect::Tail::Large => Tail::Large,
        },
    }
}

/// What else is known of a unit: from the search, and from the papers' rules for the units compared.
fn measures(finding: &Finding, compared: &[&Finding], published: &Published) -> Vec<Measure> {
    let own = finding.measures.iter();
    let own = own.map(|own| Measure::new(&own.name, Some(own.value), &own.unit));
    let place = compared.iter().position(|known| known.unit == finding.unit);
    let of_rules = published.unit_measures.iter().map(|measure| {
        let value = place.and_then(|place| measure.values.get(place).copied().flatten());
        Measure::new(measure.name, value, measure.unit)
    });
    of_rules.chain(own).collect()
}

fn unit_finding(finding: &Finding, class: usize) -> UnitFinding {
    let tried = finding.confirmation.filter(|tried| tried.trials > 0);
    UnitFinding {
        class,
        name: String::new(),
        source: match finding.unit {
            Unit::Pair { source, .. } => Some(source),
            Unit::Class(_) | Unit::Model => None,
        },
        statistic: (finding.state == State::Reached).then_some(finding.statistic),
        measures: Vec::new(),
        p_value: None,
        success_rate: finding.success_rate.filter(|_| finding.state.has_ended()),
        holdout_success_rate: tried.map(|tried| tried.successes as f64 / tried.trials as f64),
        holdout_interval: tried
            .and_then(|tried| clopper_pearson(tried.successes, tried.trials, CONFIDENCE).ok())
            .map(|interval| [interval.lower, interval.upper]),
        holdout_worst_source: tried
            .and_then(|tried| tried.worst_source)
            .filter(|worst| worst.trials > 0)
            .map(|worst| worst.successes as f64 / worst.trials as f64),
        state: match finding.state {
            State::Reached => FindingState::Reached,
            State::Unreached => FindingState::Unreached,
            State::Eliminated => FindingState::Eliminated,
            State::Skipped => FindingState::Skipped,
        },
        updates: finding.updates,
        seconds: finding.seconds,
        trigger: None,
    }
}

/// The units whose search ended, in order, and after them one for each eliminated unit: the one that stands
/// for it. Without these a median would be that of the most suspicious units alone.
fn compared<'a>(searched: &'a Searched<'_>) -> Vec<&'a Finding> {
    let findings = &searched.findings;
    let mut compared: Vec<&Finding> = findings.ended().collect();
    let drawn = findings.stand_ins();
    let mut sample: Vec<&Finding> = findings
        .ended()
        .filter(|finding| drawn.contains(&finding.unit))
        .collect();
    sample.sort_by(|a, b| a.statistic.total_cmp(&b.statistic));
    let thinning = Thinning {
        finalists: compared.len() - sample.len(),
        sample: sample.len(),
        set_aside: findings.eliminated(),
    };
    for (finding, weight) in sample.into_iter().zip(thinning.weights()) {
        compared.extend(vec![finding; weight - 1]);
    }
    compared
}

fn rule(rule: &detect::PublishedRule) -> PublishedRule {
    PublishedRule {
        name: rule.name.to_owned(),
        statistic: rule.statistic,
        threshold: rule.threshold,
        flagged: rule.flagged,
        source: rule.source.to_owned(),
    }
}
