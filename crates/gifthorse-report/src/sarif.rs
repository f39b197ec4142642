//! `report.sarif`: what was found, for a platform that collects the findings of many tools (SARIF
//! 2.1.0).
//!
//! A finding is one class that a backdoor leads to, that the scan could not tell, that the model
//! switches itself by the image, that a dormant unit decides its answers, or that an output which
//! may be scores was not looked at; a clean model has none, which closes the findings of earlier
//! scans. A finding keeps its fingerprint as long as path and class stay what they are, so the same
//! backdoor in a newer file is the same finding. Platforms want a line: a model has none, so it is
//! always the first.
//!
//! Of a file with several outputs each report is a run, and its output's name is part of what tells
//! runs and findings apart.

mod rules;
mod text;

use std::collections::BTreeMap;

use serde_json::{Value, json};
use serde_sarif::sarif::{
    Artifact, ArtifactLocation, Invocation, Location, Message, PhysicalLocation, PropertyBag,
    Region, Result as Finding, ResultLevel, Run, RunAutomationDetails, Sarif, Tool, ToolComponent,
};

use self::{
    rules::Rule,
    text::{file_uri, literal},
};
use crate::{
    Report,
    report::{DormantUnits, JsonError, Verdict},
    wording,
};

/// Where the standard keeps its schema.
const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// Writes reports as a SARIF 2.1.0 log, one run for each: those of the outputs of a file that were
/// scanned, in most cases one.
///
/// # Errors
/// [`JsonError::Unwritable`] if the log has no JSON.
pub fn render(reports: &[&Report]) -> Result<String, JsonError> {
    let log = Sarif::builder()
        .schema(SCHEMA)
        .version("2.1.0")
        .runs(
            reports
                .iter()
                .map(|report| run(report))
                .collect::<Vec<Run>>(),
        )
        .build();
    let text = serde_json::to_string_pretty(&log).map_err(|error| JsonError::Unwritable {
        field: ".".to_owned(),
        reason: error.to_string(),
    })?;
    Ok(text + "\n")
}

/// What one scan found.
fn run(report: &Report) -> Run {
    let place = Place::of(report);
    let mut results = match report.verdict {
        Verdict::Clean => Vec::new(),
        Verdict::Backdoored => report
            .targets
            .iter()
            .map(|&target| backdoor(report, &place, target))
            .collect(),
        Verdict::Inconclusive => {
            let reason = report.reasons.first().map_or("", String::as_str);
            let message = format!("{} {reason}", wording::wording(report).headline);
            vec![finding(Rule::Inconclusive, &place, message, "model")]
        }
    };
    if let Some(warning) = report.model.switch_warning() {
        results.push(finding(Rule::Switch, &place, warning, "model"));
    }
    if let Some(warning) = report.model.unseen_warning() {
        results.push(finding(Rule::Unseen, &place, warning, "model"));
    }
    results.extend(report.model.structure.iter().map(|found| {
        let what = format!("{}:{}", found.rule.id(), found.node);
        let mut result = finding(Rule::Structure, &place, found.in_words(), &what);
        if !found.takes_clean_back() {
            result.level = Some(ResultLevel::Note);
        }
        result
    }));
    let dormant = report.dormant_units.as_ref();
    if let Some(warning) = dormant.and_then(DormantUnits::warning) {
        results.push(finding(Rule::DormantUnit, &place, warning, "model"));
    }
    let driver = ToolComponent::builder()
        .name("gifthorse")
        .version(report.version.clone())
        .semantic_version(report.version.clone())
        .rules(Rule::ALL.map(Rule::descriptor).to_vec())
        .build();
    let model = Artifact::builder()
        .location(place.location())
        .hashes(BTreeMap::from([(
            "sha-256".to_owned(),
            report.model.sha256.clone(),
        )]))
        .roles(vec![json!("analysisTarget")])
        .build();
    Run::builder()
        .tool(Tool::builder().driver(driver).build())
        .automation_details(RunAutomationDetails::builder().id(place.run_id()).build())
        .invocations(vec![
            Invocation::builder()
                .execution_successful(true)
                .start_time_utc(report.started.clone())
                .build(),
        ])
        .artifacts(vec![model])
        .results(results)
        .properties(properties(report))
        .build()
}

fn backdoor(report: &Report, place: &Place, target: usize) -> Finding {
    let message = wording::target(report, target);
    let mut found = finding(Rule::Backdoor, place, message, &format!("class-{target}"));
    found.baseline_state = report.baseline.as_ref().map(|baseline| {
        let new = baseline.added.contains(&target);
        json!(if new { "new" } else { "unchanged" })
    });
    found
}

/// A finding in what was scanned. `what` is the part of it that tells it from other findings of the
/// same rule.
fn finding(rule: Rule, place: &Place, message: String, what: &str) -> Finding {
    let region = Region::builder().start_line(1).build();
    let physical = PhysicalLocation::builder()
        .artifact_location(place.location())
        .region(region)
        .build();
    let (fingerprint, message) = match &place.head {
        None => (format!("{}:{what}", rule.id()), message),
        Some(head) => (
            format!("{}:{head}:{what}", rule.id()),
            format!("In the output `{head}`: {message}"),
        ),
    };
    Finding::builder()
        .rule_id(rule.id())
        .rule_index(rule.index())
        .level(rule.level())
        .message(Message::builder().text(literal(&message)).build())
        .locations(vec![
            Location::builder().physical_location(physical).build(),
        ])
        .partial_fingerprints(BTreeMap::from([
            // The one that GitHub goes by, which it would otherwise make of a text file's lines.
            ("primaryLocationLineHash".to_owned(), fingerprint.clone()),
            ("gifthorse/v1".to_owned(), fingerprint),
        ]))
        .build()
}

/// What a run is about.
struct Place {
    /// The model file.
    uri: String,
    /// Its output, where several have reports.
    head: Option<String>,
}

impl Place {
    fn of(report: &Report) -> Self {
        Self {
            uri: file_uri(&report.model.path),
            head: report.model.head().map(str::to_owned),
        }
    }

    fn location(&self) -> ArtifactLocation {
        ArtifactLocation::builder()
            .uri(self.uri.clone())
            .index(0)
            .build()
    }

    /// What tells the run from those of other models and outputs.
    fn run_id(&self) -> String {
        let uri = &self.uri;
        match &self.head {
            None => format!("gifthorse/{uri}/"),
            Some(head) => format!("gifthorse/{uri}/{}/", file_uri(head)),
        }
    }
}

fn properties(report: &Report) -> PropertyBag {
    let verdict = wording::verdict(report.verdict);
    let images = report.images.as_ref().map(|images| &images.sha256);
    PropertyBag::builder()
        .additional_properties(BTreeMap::<String, Value>::from([
            ("verdict".to_owned(), json!(verdict)),
            ("pValue".to_owned(), json!(report.p_value)),
            ("falsePositiveRate".to_owned(), json!(report.fpr)),
            ("targets".to_owned(), json!(report.targets)),
            ("imagesSha256".to_owned(), json!(images)),
        ]))
        .build()
}
