//! `report.json`: text out, text in, and the schema.

use schemars::generate::SchemaSettings;
use thiserror::Error;

use super::{Report, SCHEMA_VERSION};

/// Why a report could not be written as JSON or read from it.
#[derive(Debug, Error)]
pub enum JsonError {
    /// The report holds a value that JSON cannot express, such as a NaN in a field that must be a
    /// number.
    #[error("the report cannot be written as JSON: field `{field}`: {reason}")]
    Unwritable {
        /// Path of the field, such as `detectors[0].seconds`.
        field: String,
        /// What is wrong with its value.
        reason: String,
    },
    /// The text is not a report.
    #[error("not a gifthorse report: field `{field}`: {reason}")]
    Malformed {
        /// Path of the field.
        field: String,
        /// What is wrong with it, and where in the text.
        reason: String,
    },
    /// The text is a report of another version.
    #[error(
        "the report has schema version {found}, this program reads version {SCHEMA_VERSION}: scan the \
         model again, or read the report with the program that wrote it"
    )]
    Version {
        /// The version that the text says.
        found: u64,
    },
}

impl Report {
    /// The report as JSON text with two spaces of indentation and a final newline.
    ///
    /// # Errors
    /// [`JsonError::Unwritable`] names a required number that is infinite or NaN.
    pub fn to_json(&self) -> Result<String, JsonError> {
        let unwritable = |field: String, reason: String| JsonError::Unwritable { field, reason };
        let mut text = serde_json::to_string_pretty(self)
            .map_err(|error| unwritable(".".to_owned(), error.to_string()))?;
        // JSON writers turn a NaN into null without a word; reading the text back finds it where a
        // number must be.
        serde_path_to_error::deserialize::<_, Report>(&mut serde_json::Deserializer::from_str(
            &text,
        ))
        .map_err(|error| {
            let field = error.path().to_string();
            unwritable(field, "infinite or NaN where a number must be".to_owned())
        })?;
        text.push('\n');
        Ok(text)
    }

    /// Reads a report from JSON text. Unknown fields are passed over, so that later additions can
    /// be read.
    ///
    /// # Errors
    /// [`JsonError::Version`] for a report of another schema version, [`JsonError::Malformed`] for
    /// anything else that is not a report.
    pub fn from_json(text: &str) -> Result<Self, JsonError> {
        #[derive(serde::Deserialize)]
        struct Versioned {
            schema_version: u64,
        }
        let found = parse::<Versioned>(text)?.schema_version;
        if found != u64::from(SCHEMA_VERSION) {
            return Err(JsonError::Version { found });
        }
        parse(text)
    }
}

fn parse<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, JsonError> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let field = error.path().to_string();
        let reason = error.into_inner().to_string();
        JsonError::Malformed { field, reason }
    })?;
    reader.end().map_err(|error| JsonError::Malformed {
        field: ".".to_owned(),
        reason: error.to_string(),
    })?;
    Ok(value)
}

/// The JSON schema (draft 2020-12) of `report.json`, generated from the types.
pub fn json_schema() -> serde_json::Value {
    SchemaSettings::draft2020_12()
        .for_serialize()
        .into_generator()
        .into_root_schema_for::<Report>()
        .to_value()
}
