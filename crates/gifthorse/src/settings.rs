//! Files of settings in TOML, with errors that name the key that is wrong.

use serde::de::DeserializeOwned;

/// Settings from TOML.
///
/// # Errors
/// In one line, with the number of the line and the key that is wrong.
pub fn parse<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    let line = |error: &toml::de::Error| {
        let before = error.span().and_then(|span| text.get(..span.start));
        before.map_or(String::new(), |before| {
            format!("line {}: ", 1 + before.matches('\n').count())
        })
    };
    let deserializer = toml::Deserializer::parse(text)
        .map_err(|error| format!("{}{}", line(&error), error.message()))?;
    serde_path_to_error::deserialize(deserializer)
        .map_err(|error| format!("{}{}", line(error.inner()), in_words(&error)))
}

/// What is wrong with which key, in one line.
pub fn in_words(error: &serde_path_to_error::Error<toml::de::Error>) -> String {
    let path = error.path().to_string();
    let said = error.inner().message();
    match path.as_str() {
        "." => said.to_owned(),
        path => format!("`{path}`: {said}"),
    }
}
