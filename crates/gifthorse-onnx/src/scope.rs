//! Which values a graph defines, and which ones it sees.

use std::{collections::HashMap, fmt};

use crate::{Error, proto::GraphProto};

/// What produces a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Producer {
    Input,
    Initializer,
    /// The node at this position in the file.
    Node(usize),
}

impl fmt::Display for Producer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Input => write!(f, "an input"),
            Self::Initializer => write!(f, "an initialiser"),
            Self::Node(index) => write!(f, "node {index}"),
        }
    }
}

/// The values of a graph, inside those of the graph around it.
pub(crate) struct Scope<'a> {
    producers: HashMap<&'a str, Producer>,
    parent: Option<&'a Scope<'a>>,
}

impl<'a> Scope<'a> {
    /// Collects what a graph defines; `outputs` are the output names of each of its nodes.
    pub(crate) fn new(
        proto: &'a GraphProto,
        outputs: impl Iterator<Item = &'a [String]>,
        parent: Option<&'a Scope<'a>>,
    ) -> Result<Self, Error> {
        let mut producers = HashMap::new();
        for tensor in &proto.initializer {
            define(&mut producers, tensor.name(), Producer::Initializer)?;
        }
        for input in &proto.input {
            // Files up to IR version 3 list every initialiser among the inputs too.
            if producers.get(input.name()) != Some(&Producer::Initializer) {
                define(&mut producers, input.name(), Producer::Input)?;
            }
        }
        for (index, names) in outputs.enumerate() {
            for name in names.iter().filter(|name| !name.is_empty()) {
                define(&mut producers, name, Producer::Node(index))?;
            }
        }
        Ok(Self { producers, parent })
    }

    /// How many graphs there are from the outermost one to this one.
    pub(crate) fn depth(&self) -> usize {
        1 + self.parent.map_or(0, Scope::depth)
    }

    /// What produces the value inside this graph itself.
    pub(crate) fn local(&self, name: &str) -> Option<Producer> {
        self.producers.get(name).copied()
    }

    /// Whether a graph around this one produces the value.
    pub(crate) fn is_outer(&self, name: &str) -> bool {
        let mut scope = self.parent;
        while let Some(outer) = scope {
            if outer.producers.contains_key(name) {
                return true;
            }
            scope = outer.parent;
        }
        false
    }
}

fn define<'a>(
    producers: &mut HashMap<&'a str, Producer>,
    name: &'a str,
    producer: Producer,
) -> Result<(), Error> {
    match producers.insert(name, producer) {
        Some(first) => Err(Error::DuplicateValue {
            value: name.to_owned(),
            first: first.to_string(),
            second: producer.to_string(),
        }),
        None => Ok(()),
    }
}
