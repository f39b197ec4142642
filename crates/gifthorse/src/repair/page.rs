//! The record of a repair as its page shows it.

use std::path::Path;

use gifthorse_onnx::{ConstantChange, ModelDiff, NodeChange, NodeEdit, TensorType};
use gifthorse_report::html::{
    ChangedConstant, LinkedScan, MeasuredPair, PruningCurve, RepairAttempt, RepairChanges,
    RepairFile, RepairOutcome, RepairPage, RepairRound, render_repair,
};
use gifthorse_report::report;

use super::RepairRequest;
use super::record::{
    Attempted, BeforeAfter, Measurements, ModelFile, RepairRecord, Round, Scanned, Share,
};
use super::shown::Shown;

/// The page, as text.
pub(super) fn of(
    record: &RepairRecord,
    request: &RepairRequest,
    shown: &Shown,
    curves: &[PruningCurve],
) -> String {
    let path = Path::new(&record.model.path);
    let title = path.file_name().map(|name| name.to_string_lossy());
    let outcome = outcome(record);
    let (meaning, reasons) = meaning(record, outcome);
    render_repair(&RepairPage {
        title: title.as_deref().unwrap_or(&record.model.path),
        outcome,
        meaning,
        reasons,
        class_names: &shown.class_names,
        targets: &record.targets,
        model: file(&record.model),
        fixed: record.fixed.as_ref().map(file),
        images: record.images.map(|it| [it.fit, it.check, it.proof]),
        budget: record.budget,
        measured: record.proof.as_ref().map(measured).unwrap_or_default(),
        came_back: record.proof.iter().flat_map(came_back).collect(),
        triggers: &shown.triggers,
        rounds: record.rounds.iter().map(round).collect(),
        curves,
        scans: scans(record, &request.out),
        changes: record.changes.as_ref().map(changes),
        not_measured: &record.not_measured,
        seed: record.seed,
        seconds: record.seconds,
        version: &record.version,
    })
}

fn outcome(record: &RepairRecord) -> RepairOutcome {
    match (record.repaired, record.rounds.is_empty()) {
        (true, _) => RepairOutcome::Repaired,
        (false, false) => RepairOutcome::NotRepaired,
        (false, true) => RepairOutcome::NothingRepaired,
    }
}

/// Why it ended so in a sentence, and the other reasons.
fn meaning(record: &RepairRecord, outcome: RepairOutcome) -> (String, &[String]) {
    if outcome == RepairOutcome::Repaired {
        let proof = record.proof.as_ref();
        let works = match proof.is_some_and(|proof| !proof.triggers.is_empty()) {
            true => "no known trigger works any more",
            false => "the scan of the repaired model finds no backdoor",
        };
        let meaning = format!("Clean accuracy kept to the budget, and {works}.");
        return (meaning, &record.reasons);
    }
    match record.reasons.split_first() {
        Some((first, others)) => {
            let mut letters = first.chars();
            let capital = letters.next().into_iter().flat_map(char::to_uppercase);
            let meaning = capital.chain(letters).chain(['.']).collect();
            (meaning, others)
        }
        None => (String::new(), &[]),
    }
}

fn file(file: &ModelFile) -> RepairFile<'_> {
    RepairFile {
        path: &file.path,
        sha256: &file.sha256,
    }
}

fn measured(proof: &Measurements) -> Vec<MeasuredPair<'_>> {
    let pair = |what, trigger: Option<&String>, shares: &BeforeAfter| MeasuredPair {
        what,
        trigger: trigger.cloned(),
        before: share(&shares.before),
        after: share(&shares.after),
    };
    let mut rows = vec![pair("Clean accuracy (CA)", None, &proof.clean)];
    for trigger in &proof.triggers {
        let name = format!("{} {}", trigger.origin.title(), trigger.name);
        for (what, shares) in [
            ("Success (ASR)", &trigger.success),
            ("The same images without it", &trigger.without),
            ("Right class (RA)", &trigger.robust),
        ] {
            rows.push(pair(what, Some(&name), shares));
        }
    }
    rows
}

fn came_back(proof: &Measurements) -> Vec<report::Share> {
    proof.came_back.iter().map(share).collect()
}

fn share(share: &Share) -> report::Share {
    report::Share {
        hits: share.hits,
        trials: share.of,
        interval: share.interval,
    }
}

fn round(round: &Round) -> RepairRound<'_> {
    let attempt = |attempt| self::attempt(attempt, round.taken.as_deref());
    RepairRound {
        attempts: round.attempts.iter().map(attempt).collect(),
        why: &round.why,
    }
}

fn attempt<'a>(attempt: &'a Attempted, taken: Option<&str>) -> RepairAttempt<'a> {
    let notes = attempt.failed.iter().chain(&attempt.notes);
    RepairAttempt {
        title: &attempt.title,
        taken: taken == Some(&attempt.name),
        clean: attempt.clean.as_ref().map(|clean| clean.rate),
        excess: attempt.excess,
        notes: notes
            .chain(&attempt.shortfalls)
            .map(String::as_str)
            .collect(),
        seconds: attempt.seconds,
    }
}

/// The scan before, and those of repaired models.
fn scans<'a>(record: &'a RepairRecord, out: &Path) -> Vec<LinkedScan<'a>> {
    let before = record.before.iter();
    let before = before.map(|scan| (scan, "the model as it came".to_owned()));
    let rounds = record.rounds.iter().enumerate();
    let after = rounds.filter_map(|(place, round)| {
        let of = format!("the model after round {}", place + 1);
        Some((round.scan.as_ref()?, of))
    });
    let linked = |(scan, of): (&'a Scanned, String)| LinkedScan {
        of,
        verdict: scan.verdict,
        targets: &scan.targets,
        p_value: scan.p_value,
        page: page_of(scan, out),
        folder: &scan.folder,
    };
    before.chain(after).map(linked).collect()
}

/// Where the page of a scan lies seen from that of the repair, if it is below it.
fn page_of(scan: &Scanned, out: &Path) -> Option<String> {
    let inside = Path::new(&scan.folder).strip_prefix(out).ok()?;
    let name = inside.to_str().filter(|name| !name.is_empty())?;
    Some(format!("{name}/report.html"))
}

fn changes(changes: &ModelDiff) -> RepairChanges<'_> {
    let entries = [
        &changes.inputs,
        &changes.outputs,
        &changes.opsets,
        &changes.metadata,
        &changes.header,
    ];
    RepairChanges {
        constants: changes.constants.iter().map(constant).collect(),
        nodes: changes.nodes.iter().map(node).collect(),
        others: entries.iter().map(|entries| entries.len()).sum(),
    }
}

fn constant(change: &ConstantChange) -> ChangedConstant<'_> {
    let of = |kind: &TensorType| format!("{} {:?}", kind.element, kind.shape);
    let values = change.values.as_ref();
    ChangedConstant {
        name: &change.name,
        kind: match (&change.before, &change.after) {
            (None, Some(after)) => format!("added, {}", of(after)),
            (Some(before), None) => format!("removed, {}", of(before)),
            (Some(before), Some(after)) if before != after => {
                format!("{} -> {}", of(before), of(after))
            }
            (Some(kind), _) => of(kind),
            (None, None) => String::new(),
        },
        values: values.map(|edit| [edit.changed, edit.elements]),
        largest: values.map(|edit| edit.largest),
        relative: values.and_then(|edit| edit.relative),
    }
}

fn node(change: &NodeChange) -> [&str; 3] {
    let what = match change.edit {
        NodeEdit::Added => "added",
        NodeEdit::Removed => "removed",
        NodeEdit::Changed { .. } => "changed",
    };
    [what, &change.op_type, &change.name]
}
