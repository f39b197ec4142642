//! `report.sarif`: what was found, for a platform that collects the findings of many tools (SARIF
//! 2.1.0).
//!
//! A finding is one class that a backdoor leads to, that the scan could not tell, that the model
//! switches itself by the image, or that a dormant unit decides its answers; a clean model has none, which closes the findings of earlier
//! scans. A finding keeps its fingerprint as long as path and class stay what they are, so the same
//! backdoor in a newer file is the same finding. Platforms want a line: a model has none, so it is
//! always the first.

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

/// Writes `report` as a SARIF 2.1.0 log of one run.
///
/// # Errors
/// [`JsonError::Unwritable`] if the log has no JSON.
pub fn render(report: &Report) -> Result<String, JsonError> {
    let uri = file_uri(&report.model.path);
    let mut results = match report.verdict {
        Verdict::Clean => Vec::new(),
        Verdict::Backdoored => report
            .targets
            .iter()
            .map(|&target| backdoor(report, &uri, target))
            .collect(),
        Verdict::Inconclusive => {
            let reason = report.reasons.first().map_or("", String::as_str);
            let message = format!("{} {reason}", wording::wording(report).headline);
            vec![finding(Rule::Inconclusive, &uri, message, "model")]
        }
    };
    if let Some(warning) = report.model.switch_warning() {
        results.push(finding(Rule::Switch, &uri, warning, "model"));
    }
    results.extend(report.model.structure.iter().map(|found| {
        let what = format!("{}:{}", found.rule.id(), found.node);
        let mut result = finding(Rule::Structure, &uri, found.in_words(), &what);
        if !found.takes_clean_back() {
            result.level = Some(ResultLevel::Note);
        }
        result
    }));
    let dormant = report.dormant_units.as_ref();
    if let Some(warning) = dormant.and_then(DormantUnits::warning) {
        results.push(finding(Rule::DormantUnit, &uri, warning, "model"));
    }
    let driver = ToolComponent::builder()
        .name("gifthorse")
        .version(report.version.clone())
        .semantic_version(report.version.clone())
        .rules(Rule::ALL.map(Rule::descriptor).to_vec())
        .build();
    let model = Artifact::builder()
        .location(place(&uri))
        .hashes(BTreeMap::from([(
            "sha-256".to_owned(),
            report.model.sha256.clone(),
        )]))
        .roles(vec![json!("analysisTarget")])
        .build();
    let run = Run::builder()
        .tool(Tool::builder().driver(driver).build())
        .automation_details(
            RunAutomationDetails::builder()
                .id(format!("gifthorse/{uri}/"))
                .build(),
        )
        .invocations(vec![
            Invocation::builder()
                .execution_successful(true)
                .start_time_utc(report.started.clone())
                .build(),
        ])
        .artifacts(vec![model])
        .results(results)
        .properties(properties(report))
        .build();
    let log = Sarif::builder()
        .schema(SCHEMA)
        .version("2.1.0")
        .runs(vec![run])
        .build();
    let text = serde_json::to_string_pretty(&log).map_err(|error| JsonError::Unwritable {
        field: ".".to_owned(),
        reason: error.to_string(),
    })?;
    Ok(text + "\n")
}

fn backdoor(report: &Report, uri: &str, target: usize) -> Finding {
    let message = wording::target(report, target);
    let mut found = finding(Rule::Backdoor, uri, message, &format!("class-{target}"));
    found.baseline_state = report.baseline.as_ref().map(|baseline| {
        let new = baseline.added.contains(&target);
        json!(if new { "new" } else { "unchanged" })
    });
    found
}

/// A finding in the model at `uri`. `what` is the part of the model that tells it from other
/// findings of the same rule.
fn finding(rule: Rule, uri: &str, message: String, what: &str) -> Finding {
    let region = Region::builder().start_line(1).build();
    let physical = PhysicalLocation::builder()
        .artifact_location(place(uri))
        .region(region)
        .build();
    let fingerprint = format!("{}:{what}", rule.id());
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

fn place(uri: &str) -> ArtifactLocation {
    ArtifactLocation::builder().uri(uri).index(0).build()
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
