//! What a detector found, as a report describes it.

use gifthorse_defense::detect::{self, About, Published};
use gifthorse_defense::finding::{Destination, Finding, Findings, State, Unit};
use gifthorse_defense::verdict::{self, SetAside, interval::clopper_pearson, median};
use gifthorse_report::report::{
    self, Detection, FindingState, Measure, Move, PublishedRule, Tail, UnitFinding, UnitStatistic,
};

use super::conclusion::Conclusion;
use super::search::Searched;

/// Confidence of the intervals of success rates.
const CONFIDENCE: f64 = 0.95;

/// The findings of one detector for the model and for each unit; `shape` is channels, height and
/// width of the model's images.
pub fn detection(
    searched: &Searched<'_>,
    conclusion: &Conclusion,
    shape: [usize; 3],
    class_names: &[String],
) -> Detection {
    let detector = searched.detector;
    let about = detector.about();
    let (place, says) = (conclusion.place(detector), conclusion.says(detector));
    let compared = compared(searched, shape);
    let published = detector.published(&compared, shape);
    let reached = compared
        .iter()
        .filter(|finding| finding.state == State::Reached)
        .map(|finding| finding.statistic);
    let findings = searched.findings.units.iter().filter_map(|finding| {
        let unit = unit_of(finding)?;
        let class = unit.class;
        let mut classes = conclusion.decision.classes.iter();
        let decided = classes.find(|known| known.class == class);
        let said = decided.and_then(|class| *class.witnesses.get(place?)?);
        let said = said.filter(|said| said.source == unit.source);
        Some(UnitFinding {
            name: class_names.get(class).cloned().unwrap_or_default(),
            p_value: said.map(|said| said.p_value),
            measures: measures(finding, &compared, &published),
            ..unit_finding(finding, unit)
        })
    });
    Detection {
        name: about.name.to_owned(),
        title: about.title.to_owned(),
        preset: detector.preset().to_owned(),
        p_value: says.map(|says| says.p_value),
        statistic_name: format!(
            "distance of the most suspicious {} from the others, in units of their scale",
            about.statistic.name
        ),
        statistic: says.and_then(|says| says.statistic),
        threshold: says.and_then(|says| says.threshold),
        flagged: says.is_some_and(|says| says.p_value <= conclusion.decision.fpr),
        seconds: searched.seconds,
        parameters: detector.settings(),
        unit_statistic: unit_statistic(about),
        median: median(reached.collect()),
        unit_threshold: says
            .and_then(|says| says.value_threshold)
            .map(|value| detector.statistic(shape).number(value)),
        measures: published
            .measures
            .iter()
            .map(|(name, value)| Measure::new(name, *value, ""))
            .collect(),
        unreached: searched
            .findings
            .ended()
            .filter(|finding| finding.state == State::Unreached)
            .filter_map(|finding| finding.unit.class_of_search())
            .collect(),
        sampled: classes(&searched.findings.sampled),
        findings: findings.collect(),
        published_rules: published.rules.iter().map(rule).collect(),
    }
}

/// The classes that units are about.
pub fn classes(units: &[Unit]) -> Vec<usize> {
    units
        .iter()
        .filter_map(|unit| unit.class_of_search())
        .collect()
}

/// Whether the searches were from classes, and not to them.
pub fn is_from_classes(findings: &Findings) -> bool {
    let mut units = findings.units.iter().map(|finding| finding.unit);
    units.any(|unit| matches!(unit, Unit::Source(_)))
}

/// What a finding is about, as a report has it. A search from a class that led nowhere has that
/// class on both sides; one on images of all classes has the class that it leads most of them to,
/// and is about nothing if it moved none.
pub fn unit_of(finding: &Finding) -> Option<report::Unit> {
    let (class, source) = match finding.led() {
        Unit::Class(class) => (class, None),
        Unit::Pair { source, target } => (target, Some(source)),
        Unit::Source(source) => (source, Some(source)),
        Unit::Model => (finding.leads_to?, None),
    };
    Some(report::Unit { class, source })
}

fn unit_statistic(about: &About) -> UnitStatistic {
    let statistic = &about.statistic;
    UnitStatistic {
        name: statistic.name.to_owned(),
        unit: statistic.unit.to_owned(),
        meaning: statistic.meaning.to_owned(),
        suspicious: match statistic.suspicious {
            verdict::Tail::Small => Tail::Small,
            verdict::Tail::Large => Tail::Large,
        },
    }
}

/// What else is known of a unit: from the search, and from the papers' rules for the units
/// compared.
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

/// Where the images of each class go that leave it.
fn map(finding: &Finding) -> Vec<Move> {
    let destinations = finding.map.iter().enumerate();
    let moves = destinations.filter_map(|(from, destination)| {
        let Destination { class, share } = (*destination)?;
        Some(Move {
            from,
            to: class,
            share,
        })
    });
    moves.collect()
}

fn unit_finding(finding: &Finding, unit: report::Unit) -> UnitFinding {
    let tried = finding.confirmation.filter(|tried| tried.trials > 0);
    UnitFinding {
        class: unit.class,
        name: String::new(),
        source: unit.source,
        map: map(finding),
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
        effect: None,
    }
}

/// The units whose search ended, in order, and after them one for each eliminated unit: the one
/// that stands for it. Without these a median would be that of the most suspicious units alone.
fn compared<'a>(searched: &'a Searched<'_>, shape: [usize; 3]) -> Vec<&'a Finding> {
    let findings = &searched.findings;
    let mut compared: Vec<&Finding> = findings.ended().collect();
    let set_aside = SetAside {
        classes: findings.eliminated(),
        sample: classes(&findings.stand_ins()),
    };
    let value = |finding: &Finding| searched.detector.value(finding.statistic, shape);
    let stand_ins = set_aside.stand_ins(
        &compared,
        |finding| finding.unit.class_of_search().unwrap_or(usize::MAX),
        |a, b| value(a).total_cmp(&value(b)),
    );
    compared.extend(stand_ins);
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
