//! Versions of the operator sets that a model imports.

use indexmap::{IndexMap, map::Entry};

use crate::{Error, proto::OperatorSetIdProto};

/// Domain to version.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Opsets(IndexMap<String, i64>);

impl Opsets {
    pub(crate) fn decode(imports: &[OperatorSetIdProto]) -> Result<Self, Error> {
        let mut opsets = IndexMap::with_capacity(imports.len());
        for import in imports {
            let domain = canonical(import.domain());
            let wrong = |reason: String| Error::Opset {
                domain: domain.to_owned(),
                reason,
            };
            let version = import.version();
            if version < 1 {
                return Err(wrong(format!("version {version} does not exist")));
            }
            match opsets.entry(domain.to_owned()) {
                Entry::Vacant(entry) => {
                    entry.insert(version);
                }
                Entry::Occupied(entry) if *entry.get() == version => {}
                Entry::Occupied(entry) => {
                    let first = entry.get();
                    return Err(wrong(format!("both version {first} and {version}")));
                }
            }
        }
        Ok(Self(opsets))
    }

    /// Files of IR version 1 and 2 import nothing and mean version 1.
    pub(crate) fn of_old_files() -> Self {
        Self([(String::new(), 1)].into_iter().collect())
    }

    pub(crate) fn get(&self, domain: &str) -> Option<i64> {
        self.0.get(canonical(domain)).copied()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, i64)> {
        self.0
            .iter()
            .map(|(domain, version)| (domain.as_str(), *version))
    }
}

/// The standard domain has two names; this crate uses the empty one.
pub(crate) fn canonical(domain: &str) -> &str {
    match domain {
        "ai.onnx" => "",
        domain => domain,
    }
}
