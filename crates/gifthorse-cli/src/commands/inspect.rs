//! `gifthorse inspect`: what is in a model file.

use std::process::ExitCode;

use gifthorse::{Inspection, inspect};
use gifthorse_report::escape::Shown;
use gifthorse_report::report::{Branch, BranchScope};

use super::plan_table;
use crate::cli::InspectArgs;
use crate::output;

/// Prints what is in the file.
///
/// # Errors
/// A file that is no ONNX model.
pub fn run(args: &InspectArgs) -> anyhow::Result<ExitCode> {
    let batch = args.plan.then_some(args.batch);
    let inspection = inspect(&args.model, args.input_size, &args.opening.opening(), batch)?;
    if args.json {
        output::print(&format!("{}\n", serde_json::to_string_pretty(&inspection)?))?;
    } else if let Some(plan) = &inspection.plan {
        output::print(&plan_table::text(plan))?;
    } else if args.structure {
        output::print(&structure(&inspection))?;
    } else {
        output::print(&text(&inspection))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The inspection as text, in which no string of the file can move a cursor.
fn text(found: &Inspection) -> String {
    let mut lines = Lines::default();
    lines.fact("model", &found.path);
    lines.fact("sha256", &found.sha256);
    let producer = if found.producer.is_empty() {
        "not said"
    } else {
        &found.producer
    };
    lines.fact("producer", producer);
    let opsets = found
        .opsets
        .iter()
        .map(|(domain, version)| format!("{domain} {version}"));
    let opsets: Vec<String> = opsets.collect();
    lines.fact(
        "format",
        &format!("IR {}, opset {}", found.ir_version, opsets.join(", ")),
    );
    for (key, value) in &found.metadata {
        lines.fact("metadata", &format!("{key} = {value}"));
    }
    for (label, ends) in [("input", &found.inputs), ("output", &found.outputs)] {
        for end in ends {
            let shape = end
                .shape
                .as_ref()
                .map_or("?".to_owned(), |shape| shape.join(", "));
            let element = end.element_type.as_deref().unwrap_or("unknown type");
            let looks = end.looks.as_ref();
            let looks = looks.map_or(String::new(), |looks| format!("  {looks}"));
            lines.fact(label, &format!("{} {element} [{shape}]{looks}", end.name));
        }
    }
    lines.fact("parameters", &found.parameters.to_string());
    for operator in &found.operators {
        let note = if operator.supported {
            ""
        } else {
            "  NOT SUPPORTED"
        };
        lines.fact(
            "operator",
            &format!("{:5} {}{note}", operator.count, operator.name),
        );
    }
    if let Some(classifier) = &found.classifier {
        let [channels, height, width] = classifier.image;
        let batch = match classifier.batch {
            None => "any batch".to_owned(),
            Some(batch) if classifier.batches_together => {
                format!("batch of {batch} in the file, any works")
            }
            Some(batch) => format!("batch of {batch} alone"),
        };
        let layout = match classifier.layout {
            gifthorse_report::report::Layout::Nchw => "NCHW",
            gifthorse_report::report::Layout::Nhwc => "NHWC",
        };
        lines.fact(
            "image",
            &format!("{channels} x {height} x {width} ({layout}), {batch}"),
        );
        let names = match &classifier.class_names[..] {
            [] => String::new(),
            names => format!(": {}", names.join(", ")),
        };
        lines.fact("classes", &format!("{}{names}", classifier.classes));
        let cut = classifier
            .cut
            .as_ref()
            .map_or(String::new(), |cut| format!(", {cut} after it cut off"));
        if found.outputs.len() > 1 {
            lines.fact("scanned", &classifier.output);
        }
        lines.fact("logits", &format!("{}{cut}", classifier.logits));
        let (single, wide): (Vec<&Branch>, Vec<&Branch>) = classifier
            .branches
            .iter()
            .partition(|branch| branch.scope == BranchScope::Element);
        for branch in wide {
            let what = match branch.scope {
                BranchScope::Image => "SWITCHES THE WHOLE IMAGE",
                _ => "several numbers at once",
            };
            let said = format!("{} {}  {what}", branch.operator, branch.node);
            lines.fact("by the image", &said);
        }
        if !single.is_empty() {
            let said = format!("{} number by number, as activations do", single.len());
            lines.fact("by the image", &said);
        }
        for found in &classifier.structure {
            let said = format!("{}: {}", found.rule.id(), found.in_words());
            lines.fact("structure", &said);
        }
        for layer in &classifier.layers {
            lines.fact("layer", &format!("{} {:?}", layer.name, layer.shape));
        }
    }
    if let Some(problem) = &found.problem {
        lines.fact("cannot be scanned", problem);
    }
    lines.text
}

/// The structural findings in full, each with a picture of what is looked at.
fn structure(found: &Inspection) -> String {
    let mut lines = Lines::default();
    lines.fact("model", &found.path);
    lines.fact("sha256", &found.sha256);
    if let Some(problem) = &found.problem {
        lines.fact("cannot be read", problem);
    }
    let findings = found.classifier.iter();
    let findings: Vec<_> = findings.flat_map(|classes| &classes.structure).collect();
    for finding in &findings {
        lines.text.push('\n');
        lines.fact("rule", finding.rule.id());
        lines.fact("node", &finding.node);
        lines.fact("what", finding.rule.says());
        let numbers: Vec<String> = finding.constants.iter().map(f32::to_string).collect();
        if !numbers.is_empty() {
            lines.fact("constants", &numbers.join(", "));
        }
        if let Some(branch) = &finding.branch {
            lines.fact("branch", branch);
        }
        for node in &finding.path {
            lines.fact("path", node);
        }
        let rows = finding.region.iter().flat_map(|region| &region.picture);
        rows.for_each(|row| lines.fact("looks at", row));
    }
    if findings.is_empty() && found.problem.is_none() {
        lines.fact("structure", "nothing that backdoors are built of by hand");
    }
    lines.text
}

/// Lines of a label and a value; equal labels are written once.
#[derive(Default)]
struct Lines {
    text: String,
    last: String,
}

impl Lines {
    fn fact(&mut self, label: &str, value: &str) {
        let head = if self.last == label { "" } else { label };
        self.text += &format!("{head:<12} {}\n", Shown(value));
        label.clone_into(&mut self.last);
    }
}
