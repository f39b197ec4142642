//! What changed since an earlier report.

use crate::{
    escape::Shown,
    format::{amount, count, number, percent, words},
    report::{DetectorChange, Report, Tail, Verdict},
};

/// What changed since the earlier report, in a few sentences; none where there is no such report.
pub fn baseline(report: &Report) -> Option<String> {
    let baseline = report.baseline.as_ref()?;
    let names = |classes: &[usize]| {
        let name = |&class: &usize| format!("“{}”", Shown(&report.class_name(class)));
        classes.iter().map(name).collect::<Vec<_>>().join(", ")
    };
    let mut text = match (&baseline.added[..], report.verdict) {
        ([], Verdict::Inconclusive) => {
            "Whether a backdoor was added since the earlier report, this scan cannot tell."
                .to_owned()
        }
        ([], _) => "No target class was added since the earlier report.".to_owned(),
        (added, _) => format!(
            "{} added since the earlier report: {}.",
            count(added.len(), "target class was", "target classes were"),
            names(added)
        ),
    };
    if !baseline.kept.is_empty() {
        text += &format!(" Still a target: {}.", names(&baseline.kept));
    }
    if !baseline.gone.is_empty() {
        text += &format!(" No longer a target: {}.", names(&baseline.gone));
    }
    for detector in &baseline.detectors {
        text += &changed(report, detector).unwrap_or_default();
    }
    Some(text)
}

/// Which class changed most by one detector, in a sentence after a space.
fn changed(report: &Report, detector: &DetectorChange) -> Option<String> {
    let most = detector.changes.first()?;
    let middle = detector.changes.get(detector.changes.len() / 2)?;
    let mut detections = report.detectors.iter();
    let detection = detections.find(|found| found.name == detector.detector)?;
    let statistic = &detection.unit_statistic;
    let way = match statistic.suspicious {
        Tail::Small => "fell most or rose least",
        Tail::Large => "rose most or fell least",
    };
    Some(format!(
        " {}: the {} of “{}” {way}, from {} to {} ({}); the middle of all classes is {}.",
        Shown(&detection.title),
        words(&statistic.name),
        Shown(&report.class_name(most.class)),
        number(most.before),
        amount(most.now, &statistic.unit),
        percent(most.factor()),
        percent(middle.factor())
    ))
}
