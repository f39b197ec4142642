//! Untrusted text where SARIF reads more than text: messages, in which braces and brackets mean
//! something, and URIs.

use std::path::Path;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What is written as it is in a path of a URI (RFC 3986 §2.3).
const IN_PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');

/// `text` as a message that means just that: braces would be placeholders (SARIF 2.1.0 §3.11.5),
/// brackets links (§3.11.6).
pub fn literal(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '{' => escaped.push_str("{{"),
            '}' => escaped.push_str("}}"),
            '\\' | '[' | ']' => escaped.extend(['\\', character]),
            other => escaped.push(other),
        }
    }
    escaped
}

/// The URI of the file at `path`: relative if the path is, which platforms take as relative to the
/// repository.
pub fn file_uri(path: &str) -> String {
    let absolute = Path::new(path).is_absolute();
    let slashes = if cfg!(windows) {
        path.replace('\\', "/")
    } else {
        path.to_owned()
    };
    let relative = slashes.strip_prefix("./").unwrap_or(&slashes);
    let encoded = utf8_percent_encode(relative, IN_PATH).to_string();
    match absolute {
        true if encoded.starts_with('/') => format!("file://{encoded}"),
        true => format!("file:///{encoded}"),
        false => encoded,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_in_a_message_is_text() {
        assert_eq!(
            literal(r"{0} [click](http://a.b) \"),
            r"{{0}} \[click\](http://a.b) \\"
        );
    }

    #[test]
    fn paths_become_uris() {
        assert_eq!(file_uri("models/net.onnx"), "models/net.onnx");
        assert_eq!(file_uri("./a b#1?.onnx"), "a%20b%231%3F.onnx");
        assert_eq!(file_uri("c:evil"), "c%3Aevil");
        if cfg!(unix) {
            assert_eq!(file_uri("/srv/ü.onnx"), "file:///srv/%C3%BC.onnx");
        }
    }
}
