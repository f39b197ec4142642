//! The pages of `docs/detectors`, `docs/repairs`, `docs/filters` and `docs/audits` hold what the methods' modules
//! and rows say, word for word: the prose exists once, in the modules.
//!
//! `GIFTHORSE_UPDATE_PAGES=1 cargo test --release -p gifthorse-defense --test pages` writes it into
//! the pages; without the variable the test compares.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

mod block;
mod module_doc;
mod overview;
mod page;

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use block::Block;
use gifthorse_defense::{
    audit::AUDITS,
    detect::{Choice, DETECTORS},
    filter::FILTERS,
    repair::REPAIRS,
    verdict::{Library, Method},
};
use module_doc::{AUDIT, DETECTOR, FILTER, Kind, ModuleDoc, REPAIR};

fn page(kind: Kind, file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../docs")
        .join(kind.pages)
        .join(file)
}

/// Whether the shipped library has values of the detector with its default settings, without which
/// it has no part in a verdict by that library.
fn has_a_part(library: &Library, choice: &Choice) -> bool {
    library.methods().contains_key(&Method {
        detector: choice.name.clone(),
        preset: choice.preset.clone(),
    })
}

/// What is wrong with the file: nothing if its block holds `text`, or does now.
fn hold(kind: Kind, file: &str, source: &str, text: &str) -> Option<String> {
    let block = Block { source };
    let path = page(kind, file);
    let file = format!("docs/{}/{file}", kind.pages);
    let Ok(held) = fs::read_to_string(&path) else {
        return Some(format!(
            "{file} is missing: write it, with the lines\n{}\n{}\nwhere the text of \
             {source} shall stand, then run this test with GIFTHORSE_UPDATE_PAGES=1",
            block.begin(),
            block.end()
        ));
    };
    let Some(wanted) = block.filled(&held, text) else {
        return Some(format!(
            "{file} lacks the lines\n{}\n{}",
            block.begin(),
            block.end()
        ));
    };
    if env::var_os("GIFTHORSE_UPDATE_PAGES").is_some() {
        fs::write(&path, wanted).unwrap();
        return None;
    }
    (held != wanted).then(|| {
        format!(
            "{file} differs from {source}: run this test with \
             GIFTHORSE_UPDATE_PAGES=1 and commit the page"
        )
    })
}

#[test]
fn every_detector_has_a_page_that_says_what_its_module_says() {
    let library = Library::shipped().unwrap();
    let mut wrong = Vec::new();
    for (row, choice) in DETECTORS.iter().zip(Choice::all()) {
        let name = row.about.name;
        match ModuleDoc::read(DETECTOR, name) {
            Ok(doc) => {
                let text = page::text(row.about, &doc, has_a_part(&library, &choice));
                let (file, source) = (format!("{name}.md"), DETECTOR.source(name));
                wrong.extend(hold(DETECTOR, &file, &source, &text));
            }
            Err(error) => wrong.push(error),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn every_repair_has_a_page_that_says_what_its_module_says() {
    let mut wrong = Vec::new();
    for row in &REPAIRS {
        let name = row.about.name;
        match ModuleDoc::read(REPAIR, name) {
            Ok(doc) => {
                let text = page::of_repair(row.about, &doc);
                let (file, source) = (format!("{name}.md"), REPAIR.source(name));
                wrong.extend(hold(REPAIR, &file, &source, &text));
            }
            Err(error) => wrong.push(error),
        }
    }
    let source = "REPAIRS in crates/gifthorse-defense/src/repair.rs";
    wrong.extend(hold(REPAIR, "README.md", source, &overview::of_repairs()));
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn every_filter_has_a_page_that_says_what_its_module_says() {
    let mut wrong = Vec::new();
    let mut modules: Vec<&str> = Vec::new();
    for row in &FILTERS {
        let module = FILTER.module(row.about.name);
        if !modules.contains(&module) {
            modules.push(module);
        }
    }
    for module in modules {
        match ModuleDoc::read(FILTER, module) {
            Ok(doc) => {
                let of_module = FILTERS.iter().map(|row| row.about);
                let of_module = of_module.filter(|about| FILTER.module(about.name) == module);
                let text = page::of_filters(&of_module.collect::<Vec<_>>(), &doc);
                let (file, source) = (format!("{module}.md"), FILTER.source(module));
                wrong.extend(hold(FILTER, &file, &source, &text));
            }
            Err(error) => wrong.push(error),
        }
    }
    let source = "FILTERS in crates/gifthorse-defense/src/filter.rs";
    wrong.extend(hold(FILTER, "README.md", source, &overview::of_filters()));
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn every_audit_has_a_page_that_says_what_its_module_says() {
    let mut wrong = Vec::new();
    for row in &AUDITS {
        let name = row.about.name;
        match ModuleDoc::read(AUDIT, name) {
            Ok(doc) => {
                let text = page::of_audit(row.about, &doc);
                let (file, source) = (format!("{name}.md"), AUDIT.source(name));
                wrong.extend(hold(AUDIT, &file, &source, &text));
            }
            Err(error) => wrong.push(error),
        }
    }
    let source = "AUDITS in crates/gifthorse-defense/src/audit.rs";
    wrong.extend(hold(AUDIT, "README.md", source, &overview::of_audits()));
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn the_overview_has_every_detector() {
    let library = Library::shipped().unwrap();
    let text = overview::text(|choice| has_a_part(&library, choice));
    for row in &DETECTORS {
        assert!(text.contains(&format!("({}.md)", row.about.name)));
    }
    let wrong = hold(
        DETECTOR,
        "README.md",
        "DETECTORS in crates/gifthorse-defense/src/detect.rs",
        &text,
    );
    assert!(wrong.is_none(), "{}", wrong.unwrap());
}
