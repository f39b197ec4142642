//! From the groups of a `zoo.toml` to single models.

use std::collections::HashSet;

use toml::{Table, Value};

use super::Planned;
use super::file::{Group, KINDS, OneOrMore, ZooFile};
use crate::spec::{Change, ModelSpec};

/// The file on its way to models.
pub struct Expansion<'a> {
    file: &'a ZooFile,
    used: HashSet<(&'static str, &'a str)>,
    names: HashSet<String>,
    /// The models so far.
    pub models: Vec<Planned>,
}

/// The kind of table that plants something, and its name.
type Attack<'a> = (&'static str, &'a String);

/// Settings that lead from the tables to a model, the words that its name gets for those that vary,
/// and how these are written.
#[derive(Clone)]
struct Variant {
    changes: Vec<Change>,
    words: Vec<String>,
    varied: Vec<(String, String)>,
}

impl<'a> Expansion<'a> {
    /// No models yet.
    pub fn new(file: &'a ZooFile) -> Self {
        Self {
            file,
            used: HashSet::new(),
            names: HashSet::new(),
            models: Vec::new(),
        }
    }

    /// The tables that no model uses.
    pub fn unused(&self) -> Vec<String> {
        let tables = KINDS.map(|kind| {
            let names = self.file.tables(kind).keys();
            names.map(move |name| (kind, name.as_str()))
        });
        let tables = tables.into_iter().flatten();
        let unused = tables.filter(|table| !self.used.contains(table));
        unused
            .map(|(kind, name)| format!("{kind}.{name}"))
            .collect()
    }

    /// Adds the models of a group; the error names table and key.
    pub fn expand(&mut self, group: &'a Group) -> Result<(), String> {
        refuse_none(group)?;
        let variants = variants(group)?;
        let named = |kind, names: &'a Option<OneOrMore>| {
            let names = names.iter().flat_map(OneOrMore::names);
            names.map(move |name| Some((kind, name)))
        };
        let mut attacks: Vec<Option<Attack<'a>>> = named("poison", &group.poison).collect();
        attacks.extend(named("implant", &group.implant));
        if attacks.is_empty() {
            attacks.push(None);
        }
        for data in group.data.names() {
            for net in group.net.names() {
                for train in group.train.names() {
                    for &attack in &attacks {
                        for variant in &variants {
                            for &seed in &group.seeds {
                                self.add(group, [data, net, train], attack, variant, seed)?;
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
        attack: Option<Attack<'a>>,
        variant: &Variant,
        seed: u64,
    ) -> Result<(), String> {
        let mut tables = vec![("data", data), ("net", net), ("train", train)];
        tables.extend(attack);
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
        if let Some(name) = &group.pretrain {
            let table = self.file.data.get(name);
            let table = table.ok_or_else(|| format!("there is no table [data.{name}]"))?;
            root.insert("pretrain".to_owned(), Value::Table(table.clone()));
            self.used.insert(("data", name));
        }
        words.extend(variant.words.iter().cloned());
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
        let spec = ModelSpec::from_table(root, &variant.changes)
            .map_err(|reason| format!("({}) {reason}", used.join(", ")))?;
        if spec.is_backdoored() != attack.is_some() {
            return Err(
                "`set` and `vary` change a poison or an implant, but the group names none: its models would count as clean; \
                 name a table with `poison` or `implant`"
                    .to_owned(),
            );
        }
        self.models.push(Planned {
            spec,
            recipe: match &group.recipe {
                Some(recipe) => recipe.clone(),
                None => format!("{net}/{train}"),
            },
            attack: attack.map(|(_, name)| name.clone()),
            varied: variant.varied.clone(),
            clean_accuracy: group.clean_accuracy,
            attack_success: group.attack_success,
        });
        Ok(())
    }
}

/// Refuses a group of no models, and settings that only the group itself can give.
fn refuse_none(group: &Group) -> Result<(), String> {
    let lists = [
        ("data", Some(&group.data)),
        ("net", Some(&group.net)),
        ("train", Some(&group.train)),
        ("poison", group.poison.as_ref()),
        ("implant", group.implant.as_ref()),
    ];
    let empty = |names: &OneOrMore| names.names().is_empty();
    let none = lists.iter().find(|(_, names)| names.is_some_and(empty));
    let none = none.map(|(key, _)| *key);
    if let Some(key) = none.or_else(|| group.seeds.is_empty().then_some("seeds")) {
        return Err(format!("`{key}` is empty, which makes no model"));
    }
    let mut changed = group.set.keys().chain(group.vary.keys());
    match changed.find(|path| ["name", "seed"].contains(&path.as_str())) {
        Some(path) => Err(format!(
            "{path:?} cannot be changed by `set` or `vary`: names come from `name` and the tables, seeds from `seeds`"
        )),
        None => Ok(()),
    }
}

/// The variants of a group: every combination of the values that vary, on top of what is set.
fn variants(group: &Group) -> Result<Vec<Variant>, String> {
    let set = group.set.iter();
    let changes = set
        .map(|(path, value)| (path.clone(), value.clone()))
        .collect();
    let mut variants = vec![Variant {
        changes,
        words: Vec::new(),
        varied: Vec::new(),
    }];
    for (path, values) in &group.vary {
        if values.is_empty() {
            return Err(format!("vary: {path:?} has no values"));
        }
        let mut longer = Vec::new();
        for shorter in &variants {
            for (index, value) in values.iter().enumerate() {
                let mut variant = shorter.clone();
                variant.changes.push((path.clone(), value.clone()));
                variant.words.push(word(path, index, value));
                variant.varied.push((path.clone(), value.to_string()));
                longer.push(variant);
            }
        }
        variants = longer;
    }
    Ok(variants)
}

/// How a value is called in the name of a model, such as `epochs3`; by its place in the list if it
/// is no plain value.
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
