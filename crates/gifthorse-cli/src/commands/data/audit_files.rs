//! What `data audit` writes: numbers as JSON, a line for each image as CSV, and a page.

use std::fs;
use std::path::Path;

use anyhow::Context;
use gifthorse::AuditFile;
use gifthorse_report::html::{AuditPage, AuditedClass, AuditedPicture, render_audit};

/// What was found as JSON.
///
/// # Errors
/// A number that JSON cannot hold.
pub fn json(audited: &AuditFile) -> anyhow::Result<String> {
    Ok(format!("{}\n", serde_json::to_string(audited)?))
}

/// Writes `audit.json`, `audit.csv` and `audit.html` to a folder, which is made if it is not there.
///
/// # Errors
/// What cannot be written.
pub fn write(folder: &Path, audited: &AuditFile) -> anyhow::Result<()> {
    fs::create_dir_all(folder)
        .with_context(|| format!("the folder {} cannot be made (--out)", folder.display()))?;
    let put = |name: &str, bytes: &[u8]| {
        let path = folder.join(name);
        fs::write(&path, bytes)
            .with_context(|| format!("{} cannot be written (--out)", path.display()))
    };
    put("audit.json", json(audited)?.as_bytes())?;
    put("audit.csv", &csv(audited)?)?;
    put("audit.html", page(audited).as_bytes())
}

fn csv(audited: &AuditFile) -> anyhow::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for image in &audited.images {
        writer.serialize(image)?;
    }
    Ok(writer.into_inner()?)
}

fn page(audited: &AuditFile) -> String {
    let shown = audited.shown.iter().map(|(place, heated)| {
        let image = &audited.images[*place];
        AuditedPicture {
            name: &image.name,
            heated,
            class: image.class,
            score: image.score,
            removed: image.removed,
        }
    });
    let suspicious = audited
        .classes
        .iter()
        .filter(|of_class| of_class.suspicious);
    let suspicious = suspicious.map(|of_class| AuditedClass {
        class: of_class.class,
        images: of_class.images,
        removed: of_class.removed,
        kept: of_class.kept,
    });
    render_audit(&AuditPage {
        title: &audited.title,
        sha256: &audited.model.sha256,
        class_names: &audited.class_names,
        images: audited.set.images,
        removed: audited.removed,
        belonging: audited.belonging,
        suspicious: &suspicious.collect::<Vec<_>>(),
        shown: &shown.collect::<Vec<_>>(),
        warnings: &audited.warnings,
    })
}
