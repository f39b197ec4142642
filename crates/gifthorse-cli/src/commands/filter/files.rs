//! What `filter` writes: numbers as JSON, a line for each image as CSV, and a page.

use std::fs;
use std::path::Path;

use anyhow::Context;
use gifthorse::FilterFile;
use gifthorse::filter::Suspects;
use gifthorse_report::html::{Suspect, SuspectsPage, render_suspects};
use serde_json::Value;

/// A filter as JSON without what its method has kept, which is long and for programs alone.
///
/// # Errors
/// A number that JSON cannot hold.
pub fn without_state(filter: &FilterFile) -> anyhow::Result<String> {
    let mut value = serde_json::to_value(filter)?;
    if let Value::Object(fields) = &mut value {
        fields.remove("state");
        if let Some(Value::Object(images)) = fields.get_mut("images") {
            images.remove("seen");
        }
        if let Some(Value::Object(threshold)) = fields.get_mut("threshold") {
            threshold.remove("scores");
        }
    }
    Ok(format!("{}\n", serde_json::to_string_pretty(&value)?))
}

/// What was found as JSON.
///
/// # Errors
/// A number that JSON cannot hold.
pub fn json(suspects: &Suspects) -> anyhow::Result<String> {
    Ok(format!("{}\n", serde_json::to_string(suspects)?))
}

/// Writes `suspects.json`, `suspects.csv` and `suspects.html` to a folder, which is made if it is not
/// there.
///
/// # Errors
/// What cannot be written.
pub fn write(folder: &Path, suspects: &Suspects) -> anyhow::Result<()> {
    fs::create_dir_all(folder)
        .with_context(|| format!("the folder {} cannot be made (--out)", folder.display()))?;
    let put = |name: &str, bytes: &[u8]| {
        let path = folder.join(name);
        fs::write(&path, bytes)
            .with_context(|| format!("{} cannot be written (--out)", path.display()))
    };
    put("suspects.json", json(suspects)?.as_bytes())?;
    put("suspects.csv", &csv(suspects)?)?;
    put("suspects.html", page(suspects).as_bytes())
}

fn csv(suspects: &Suspects) -> anyhow::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for verdict in &suspects.verdicts {
        writer.serialize(verdict)?;
    }
    Ok(writer.into_inner()?)
}

fn page(suspects: &Suspects) -> String {
    let shown = suspects.shown.iter().map(|(place, heated)| {
        let verdict = &suspects.verdicts[*place];
        Suspect {
            name: &verdict.name,
            heated,
            p_value: verdict.p_value,
            flagged: verdict.flagged,
            safe_label: verdict.safe_label,
        }
    });
    render_suspects(&SuspectsPage {
        method: &suspects.method,
        sha256: &suspects.model_sha256,
        class_names: &suspects.class_names,
        images: suspects.images,
        flagged: suspects.flagged,
        fpr: suspects.fpr,
        chance: suspects.chance,
        more_than_expected: suspects.more_than_expected,
        shown: &shown.collect::<Vec<_>>(),
        warnings: &suspects.warnings,
    })
}
