//! What is written in a `zoo.toml`.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::{Table, Value};

/// The whole file: tables by name, and what is made of them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ZooFile {
    /// What images there are.
    #[serde(default)]
    pub data: BTreeMap<String, Table>,
    /// What networks.
    #[serde(default)]
    pub net: BTreeMap<String, Table>,
    /// What ways to train.
    #[serde(default)]
    pub train: BTreeMap<String, Table>,
    /// What can be planted.
    #[serde(default)]
    pub poison: BTreeMap<String, Table>,
    /// What can be put in by hand.
    #[serde(default)]
    pub implant: BTreeMap<String, Table>,
    /// The models, in groups.
    #[serde(default)]
    pub models: Vec<Group>,
}

/// Models that are made of every combination of some tables.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Begins the names of the models.
    pub name: Option<String>,
    /// The tables of images, networks and training that are combined.
    pub data: OneOrMore,
    /// See `data`.
    pub net: OneOrMore,
    /// See `data`.
    pub train: OneOrMore,
    /// The table of images that the net is trained on first, where an implant tunes it on `data`.
    pub pretrain: Option<String>,
    /// Clean models without, and without `implant`.
    pub poison: Option<OneOrMore>,
    /// What is put into clean models by hand.
    pub implant: Option<OneOrMore>,
    /// A model of each; 0 alone by default.
    #[serde(default = "one_seed")]
    pub seeds: Vec<u64>,
    /// Settings that replace those of the tables, by path: `"train.epochs" = 3`,
    /// `"poison.backdoors.0.rate.share" = 0.1`.
    #[serde(default)]
    pub set: BTreeMap<String, Value>,
    /// As `set`, but lists of values, each of which makes models of its own.
    #[serde(default)]
    pub vary: BTreeMap<String, Vec<Value>>,
    /// In place of the names of network and training.
    pub recipe: Option<String>,
    /// As in [`super::Planned`].
    pub clean_accuracy: Option<f64>,
    /// As in [`super::Planned`].
    pub attack_success: Option<f64>,
}

/// Names of tables of one kind.
#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a name or a list of names")]
pub enum OneOrMore {
    /// One name.
    One(String),
    /// A list of them.
    More(Vec<String>),
}

impl OneOrMore {
    /// The names.
    pub fn names(&self) -> &[String] {
        match self {
            Self::One(name) => std::slice::from_ref(name),
            Self::More(names) => names,
        }
    }
}

fn one_seed() -> Vec<u64> {
    vec![0]
}

/// The kinds of tables.
pub const KINDS: [&str; 5] = ["data", "net", "train", "poison", "implant"];

impl ZooFile {
    /// The tables of a kind.
    pub fn tables(&self, kind: &str) -> &BTreeMap<String, Table> {
        match kind {
            "data" => &self.data,
            "net" => &self.net,
            "train" => &self.train,
            "poison" => &self.poison,
            _ => &self.implant,
        }
    }
}
