//! `zoo.toml`: few lines for many models.
//!
//! Named tables say what data, networks, recipes and poisons there are; each `[[models]]` names some of each, and every
//! combination of them with every seed is a model.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use serde::Deserialize;
use toml::{Table, Value};

use super::ZooError;
use crate::settings::{parse, read_settings};
use crate::spec::{Change, ModelSpec};

/// The models to be made.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The models, in the order of the file.
    pub models: Vec<Planned>,
    /// Named tables that no model uses.
    pub unused: Vec<String>,
}

/// A model to be made, and what it is called for.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    /// The model.
    pub spec: ModelSpec,
    /// Models of one recipe are left out together when a library is validated.
    pub recipe: String,
    /// The name of its table of poison; `None` for a clean model.
    pub attack: Option<String>,
    /// A model that is right on fewer test images than this has collapsed; `None` takes a quarter of the way from
    /// chance to all.
    pub clean_accuracy: Option<f64>,
    /// A backdoor that leads fewer images to its target than this did not take.
    pub attack_success: Option<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ZooFile {
    #[serde(default)]
    data: BTreeMap<String, Table>,
    #[serde(default)]
    net: BTreeMap<String, Table>,
    #[serde(default)]
    train: BTreeMap<String, Table>,
    #[serde(default)]
    poison: BTreeMap<String, Table>,
    models: Vec<Group>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    /// Begins the names of the models.
    name: Option<String>,
    data: OneOrMore,
    net: OneOrMore,
    train: OneOrMore,
    /// Clean models without.
    poison: Option<OneOrMore>,
    #[serde(default = "one_seed")]
    seeds: Vec<u64>,
    /// Settings that replace those of the tables, by path: `"train.epochs" = 3`, `"poison.backdoors.0.rate.share" = 0.1`.
    #[serde(default)]
    set: BTreeMap<String, Value>,
    /// As `set`, but lists of values, each of which makes models of its own.
    #[serde(default)]
    vary: BTreeMap<String, Vec<Value>>,
    /// In place of the names of network and training.
    recipe: Option<String>,
    clean_accuracy: Option<f64>,
    attack_success: Option<f64>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a name or a list of names")]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

impl OneOrMore {
    fn names(&self) -> &[String] {
        match self {
            Self::One(name) => std::slice::from_ref(name),
            Self::More(names) => names,
        }
    }
}

fn one_seed() -> Vec<u64> {
    vec![0]
}

impl Plan {
    /// Reads a `zoo.toml`.
    ///
    /// # Errors
    /// [`ZooError::System`], or [`ZooError::Settings`] that names the table and key that is wrong.
    pub fn read(path: &Path) -> Result<Self, ZooError> {
        let text = read_settings(path)?;
        Self::parse(&text).map_err(|reason| ZooError::Settings {
            path: path.to_owned(),
            reason,
        })
    }

    /// The models that a text describes; the error names table and key.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let file: ZooFile = parse(text)?;
        let mut plan = Expansion {
            file: &file,
            used: HashSet::new(),
            names: HashSet::new(),
            models: Vec::new(),
        };
        for (index, group) in file.models.iter().enumerate() {
            let title = match &group.name {
                Some(name) => format!("[[models]] {name:?}"),
                None => format!("[[models]] number {}", index + 1),
            };
            plan.expand(group)
                .map_err(|reason| format!("{title}: {reason}"))?;
        }
        let tables = KINDS.map(|kind| file.tables(kind).keys().map(move |name| (kind, name)));
        let unused = tables
            .into_iter()
            .flatten()
            .filter(|&(kind, name)| !plan.used.contains(&(kind, name.as_str())))
            .map(|(kind, name)| format!("{kind}.{name}"))
            .collect();
        Ok(Self {
            models: plan.models,
            unused,
        })
    }
}

const KINDS: [&str; 4] = ["data", "net", "train", "poison"];

impl ZooFile {
    fn tables(&self, kind: &str) -> &BTreeMap<String, Table> {
        match kind {
            "data" => &self.data,
            "net" => &self.net,
            "train" => &self.train,
            _ => &self.poison,
        }
    }
}

/// The file on its way to models.
struct Expansion<'a> {
    file: &'a ZooFile,
    used: HashSet<(&'static str, &'a str)>,
    names: HashSet<String>,
    models: Vec<Planned>,
}

/// Settings that lead from the tables to a model, and the words that its name gets for them.
type Variant = (Vec<Change>, Vec<String>);

impl<'a> Expansion<'a> {
    fn expand(&mut self, group: &'a Group) -> Result<(), String> {
        let variants = variants(group)?;
        let none = [None];
        let poisons: Vec<Option<&String>> = match &group.poison {
            Some(names) => names.names().iter().map(Some).collect(),
            None => none.to_vec(),
        };
        for data in group.data.names() {
            for net in group.net.names() {
                for train in group.train.names() {
                    for &poison in &poisons {
                        for changes in &variants {
                            for &seed in &group.seeds {
                                self.add(group, [data, net, train], poison, changes, seed)?;
                            }
                        }
                    }
                }
            }
        }
        Ok(())
    }

    fn add(
        &mut self,
        group: &'a Group,
        [data, net, train]: [&'a String; 3],
        poison: Option<&'a String>,
        (changes, more_words): &Variant,
        seed: u64,
    ) -> Result<(), String> {
        let mut tables = vec![("data", data), ("net", net), ("train", train)];
        tables.extend(poison.map(|poison| ("poison", poison)));
        let mut root = Table::new();
        let mut words: Vec<String> = group.name.iter().cloned().collect();
        let mut used = Vec::new();
        for (kind, name) in tables {
            let table = self.file.tables(kind).get(name);
            let table = table.ok_or_else(|| format!("there is no table [{kind}.{name}]"))?;
            root.insert(kind.to_owned(), Value::Table(table.clone()));
            self.used.insert((kind, name));
            words.push(name.clone());
            used.push(format!("{kind}.{name}"));
        }
        words.extend(more_words.iter().cloned());
        words.push(format!("s{seed}"));
        let name = words.join("-");
        if !self.names.insert(name.clone()) {
            return Err(format!(
                "two models would be called {name}; give this group another `name`"
            ));
        }
        root.insert("name".to_owned(), Value::String(name));
        let seed = i64::try_from(seed).map_err(|_| format!("the seed {seed} is too large"))?;
        root.insert("seed".to_owned(), Value::Integer(seed));
        let spec = ModelSpec::from_table(root, changes)
            .map_err(|reason| format!("({}) {reason}", used.join(", ")))?;
        self.models.push(Planned {
            spec,
            recipe: match &group.recipe {
                Some(recipe) => recipe.clone(),
                None => format!("{net}/{train}"),
            },
            attack: poison.cloned(),
            clean_accuracy: group.clean_accuracy,
            attack_success: group.attack_success,
        });
        Ok(())
    }
}

/// The variants of a group: every combination of the values that vary, on top of what is set.
fn variants(group: &Group) -> Result<Vec<Variant>, String> {
    let set = group.set.iter();
    let set = set
        .map(|(path, value)| (path.clone(), value.clone()))
        .collect();
    let mut variants: Vec<Variant> = vec![(set, Vec::new())];
    for (path, values) in &group.vary {
        if values.is_empty() {
            return Err(format!("vary: {path:?} has no values"));
        }
        let mut longer = Vec::new();
        for (changes, words) in &variants {
            for (index, value) in values.iter().enumerate() {
                let (mut changes, mut words) = (changes.clone(), words.clone());
                changes.push((path.clone(), value.clone()));
                words.push(word(path, index, value));
                longer.push((changes, words));
            }
        }
        variants = longer;
    }
    Ok(variants)
}

/// How a value is called in the name of a model, such as `epochs3`; by its place in the list if it is no plain value.
fn word(path: &str, index: usize, value: &Value) -> String {
    let key = path.rsplit('.').next().unwrap_or(path);
    let plain = match value {
        Value::String(text) => text.clone(),
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Boolean(truth) => truth.to_string(),
        Value::Datetime(_) | Value::Array(_) | Value::Table(_) => format!("_{}", index + 1),
    };
    let plain: String = plain
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '.' || c == '-' {
                c
            } else {
                '_'
            }
        })
        .collect();
    format!("{key}{plain}")
}
