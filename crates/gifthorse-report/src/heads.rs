//! The reports of several outputs of one file, its heads, that were scanned by one command.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::Report;
use crate::report::{JsonError, SCHEMA_VERSION};

/// Longest name of a head's folder, in characters.
const LONGEST_NAME: usize = 64;

/// What came of each head that was asked for.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Heads {
    /// Version of the format of the reports, [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The heads, in the order in which they were scanned.
    pub heads: Vec<Head>,
}

/// What came of one head: a report, or why there is none.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Head {
    /// Name of the output, not to be trusted.
    pub output: String,
    /// The folder beside this file that has its report as a scan of this output alone writes it.
    pub folder: String,
    /// Its report.
    pub report: Option<Report>,
    /// Why it could not be scanned.
    pub error: Option<String>,
}

impl Heads {
    /// What came of these heads.
    pub fn new(heads: Vec<Head>) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            heads,
        }
    }

    /// The reports that there are.
    pub fn reports(&self) -> Vec<&Report> {
        let reports = self.heads.iter().filter_map(|head| head.report.as_ref());
        reports.collect()
    }

    /// All of it as JSON text with two spaces of indentation and a final newline.
    ///
    /// # Errors
    /// As [`Report::to_json`].
    pub fn to_json(&self) -> Result<String, JsonError> {
        for report in self.reports() {
            report.to_json()?;
        }
        let text = serde_json::to_string_pretty(self).map_err(|error| JsonError::Unwritable {
            field: ".".to_owned(),
            reason: error.to_string(),
        })?;
        Ok(text + "\n")
    }
}

/// A folder for each of these outputs. Their names come from the model and may be paths: all but
/// ASCII letters, digits, `-` and `_` becomes `_`, and what is the same then, also where case does
/// not count, gets a number.
pub fn folders(outputs: &[String]) -> Vec<String> {
    let mut taken = BTreeSet::new();
    let folder = |output: &String| {
        let plain = |c: char| match c {
            '-' | '_' => c,
            c if c.is_ascii_alphanumeric() => c,
            _ => '_',
        };
        let mut name: String = output.chars().take(LONGEST_NAME).map(plain).collect();
        if name.is_empty() {
            name.push('_');
        }
        let mut folder = name.clone();
        let mut number = 2;
        while !taken.insert(folder.to_ascii_lowercase()) {
            folder = format!("{name}-{number}");
            number += 1;
        }
        folder
    };
    outputs.iter().map(folder).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_leaves_the_folder_or_takes_anothers() {
        let names = [
            "logits",
            "../up",
            "a/b:0",
            "a_b_0",
            "A_B_0",
            "",
            "report.json",
        ];
        let folders = folders(&names.map(str::to_owned));
        assert_eq!(
            folders,
            [
                "logits",
                "___up",
                "a_b_0",
                "a_b_0-2",
                "A_B_0-3",
                "_",
                "report_json"
            ]
        );
    }
}
