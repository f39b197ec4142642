//! What is known of the images of a scan beside their pixels, and how it is told.

use std::path::PathBuf;

use gifthorse_data::{Exif, LabelOrder, PassedOver};
use gifthorse_engine::Preprocess;
use gifthorse_report::report;

use crate::ScanRequest;

/// Unreadable images that are named one by one.
const NAMED: usize = 10;

/// What is known of an image set beside its pixels.
pub struct AboutImages {
    pub path: PathBuf,
    /// Names of the classes as the image set or the user gives them; may be fewer than the classes.
    pub class_names: Vec<String>,
    /// What was wrong with single images, and how often.
    pub warnings: Vec<String>,
    /// How many images are used.
    pub count: usize,
    /// Whether fewer are used than were read.
    pub cut: bool,
    /// Whether they have labels of their own.
    pub labelled: bool,
    /// Number of classes that they are labelled with, or whose names are given.
    pub label_classes: Option<usize>,
    /// Most images that were asked for.
    pub max_images: usize,
    /// What the image set calls the labels of class 0, 1, ...; empty where it has none.
    pub calls: Vec<String>,
    /// Files that are not used, by reason.
    pub passed_over: Vec<PassedOver>,
    /// What was done with turns that pictures carry,
    pub exif: Exif,
    /// and how many do.
    pub turned: usize,
    /// The preprocessing that these were judged with, where it was left open.
    pub preprocess: Option<Preprocess>,
    pub format: String,
    pub available: usize,
    /// Hash over pixels and labels.
    pub sha256: String,
}

impl AboutImages {
    /// The images as a report describes them, `search` of them to search on and `holdout` held out.
    pub fn described(
        &self,
        request: &ScanRequest,
        [search, holdout]: [usize; 2],
    ) -> report::Images {
        let path = |path: &PathBuf| path.to_string_lossy().into_owned();
        report::Images {
            path: path(&self.path),
            format: self.format.clone(),
            count: self.count,
            available: self.available,
            labelled: self.labelled,
            labels: request.labels.as_ref().map(path),
            class_names: request.class_names.as_ref().map(path),
            label_order: (request.label_order != LabelOrder::Auto)
                .then(|| request.label_order.to_string()),
            split: request.split.to_string(),
            max_images: Some(self.max_images),
            sha256: self.sha256.clone(),
            search,
            holdout,
            warnings: self.warnings.clone(),
            turned: self.turned,
            exif: (self.turned > 0).then(|| match self.exif {
                Exif::Apply => "applied".to_owned(),
                Exif::Ignore => "ignored".to_owned(),
            }),
            passed_over: self.passed_over.iter().map(passed_over).collect(),
        }
    }

    /// In a line, the files that are not used; `None` if all are.
    pub fn passed_over_in_words(&self) -> Option<String> {
        passed_over_in_words(&self.passed_over)
    }
}

/// Files that are not used, by reason, in words; `None` if all are.
pub fn passed_over_in_words(passed_over: &[PassedOver]) -> Option<String> {
    let count: usize = passed_over.iter().map(|passed| passed.count).sum();
    let reason =
        |passed: &PassedOver| format!("{} {} ({})", passed.count, passed.reason, passed.first);
    let reasons: Vec<String> = passed_over.iter().map(reason).collect();
    let files = if count == 1 { "file was" } else { "files were" };
    (count > 0).then(|| format!("{count} {files} passed over: {}", reasons.join("; ")))
}

fn passed_over(passed: &PassedOver) -> report::PassedOver {
    report::PassedOver {
        reason: passed.reason.to_string(),
        count: passed.count,
        first: passed.first.clone(),
    }
}

/// The first warnings in full, and how many there are if there are more.
pub fn in_words(warnings: &[gifthorse_data::Warning]) -> Vec<String> {
    let mut words: Vec<String> = warnings
        .iter()
        .take(NAMED)
        .map(ToString::to_string)
        .collect();
    match warnings.len() {
        0 => {}
        1 => words.insert(0, "1 image could not be read and is left out".to_owned()),
        count => words.insert(
            0,
            format!("{count} images could not be read and are left out"),
        ),
    }
    words
}
