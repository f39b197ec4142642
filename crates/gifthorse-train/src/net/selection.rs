//! Which layers of a network that comes from a file are trained.

use serde::{Deserialize, Serialize};

use crate::Error;

/// How many names an error lists.
const NEAR: usize = 3;

/// Freezes layers by name; all others are trained.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Selection {
    /// Names of weights (initialisers) or of layers (nodes, with all of their weights) that stay as
    /// they are; `*` stands for any characters, also none. A frozen batch normalisation keeps its
    /// running statistics and uses them.
    pub frozen: Vec<String>,
}

impl Selection {
    /// Everything is trained.
    #[must_use]
    pub fn all() -> Self {
        Self::default()
    }

    /// All but these; see [`Selection::frozen`].
    #[must_use]
    pub fn without<S: Into<String>>(frozen: impl IntoIterator<Item = S>) -> Self {
        Self {
            frozen: frozen.into_iter().map(Into::into).collect(),
        }
    }

    /// Whether a weight of a layer is frozen.
    pub(super) fn freezes(&self, weight: &str, layer: &str) -> bool {
        let mut patterns = self.frozen.iter();
        patterns.any(|pattern| fits(pattern, weight) || fits(pattern, layer))
    }

    /// Refuses a pattern that fits none of these names.
    pub(super) fn check(&self, names: &[&str]) -> Result<(), Error> {
        let idle = |pattern: &&String| !names.iter().any(|name| fits(pattern, name));
        let Some(pattern) = self.frozen.iter().find(idle) else {
            return Ok(());
        };
        let mut near: Vec<(usize, &str)> = names
            .iter()
            .map(|name| (strsim::levenshtein(pattern, name), *name))
            .collect();
        near.sort_unstable();
        near.dedup();
        Err(Error::NothingFrozen {
            pattern: pattern.clone(),
            near: near
                .into_iter()
                .take(NEAR)
                .map(|(_, name)| format!("`{name}`"))
                .collect(),
        })
    }
}

/// Whether a name is as a pattern says, in which `*` stands for any characters.
fn fits(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else {
        return false;
    };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else {
        return rest.is_empty();
    };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_anything() {
        for (pattern, name, expected) in [
            ("conv1.weight", "conv1.weight", true),
            ("conv1", "conv1.weight", false),
            ("conv1*", "conv1.weight", true),
            ("conv1*", "conv1", true),
            ("*", "", true),
            ("*.bias", "conv1.bias", true),
            ("*.bias", "conv1.bias.old", false),
            ("layer*.conv*.weight", "layer1.0.conv2.weight", true),
            ("layer*.conv*.weight", "layer1.0.bn2.weight", false),
            ("a*a", "a", false),
            ("a*b*b", "aab", false),
            ("**", "x", true),
            ("é*", "été", true),
            ("*t*é", "été", true),
            ("t*", "été", false),
        ] {
            assert_eq!(fits(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn a_pattern_that_fits_nothing_is_an_error_with_near_names() {
        let names = [
            "conv1.weight",
            "conv1.bias",
            "fc.weight",
            "fc.weight",
            "norm.scale",
        ];
        assert!(
            Selection::without(["conv*", "fc.weight"])
                .check(&names)
                .is_ok()
        );
        let error = Selection::without(["conv*", "fc.wieght"]).check(&names);
        let text = error.unwrap_err().to_string();
        let start =
            "`fc.wieght` fits the name of no weight and no layer; there are such as `fc.weight`, ";
        assert!(text.starts_with(start), "{text}");
        // Each name once, the nearest three.
        assert_eq!(text.matches('`').count(), 2 + 2 * 3, "{text}");
        assert_eq!(text.matches("`fc.weight`").count(), 1, "{text}");
    }
}
