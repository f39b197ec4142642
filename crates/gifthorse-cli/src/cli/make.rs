//! Arguments of `train` and `plant`.

use std::path::PathBuf;

use clap::{ArgGroup, Args};
use gifthorse_bench::Change;
use toml::Value;

use super::data::audits;
use super::parse;

/// Arguments of `train`.
#[derive(Args, Debug)]
pub struct TrainArgs {
    /// The model that is to be made.
    #[command(flatten)]
    pub model: ModelArgs,
}

/// Arguments of `plant`.
#[derive(Args, Debug)]
pub struct PlantArgs {
    /// The model that is to be made.
    #[command(flatten)]
    pub model: ModelArgs,
    /// What is planted.
    #[command(flatten)]
    pub poison: PoisonArgs,
    /// Measure the clean twin too: the file given by --twin=FILE.onnx, or one that is trained alike
    /// but for the poison and written to NAME-twin.onnx. Beside an --implant, which is always
    /// measured beside the model before (hidden_trigger beside one that is tuned on clean images),
    /// it writes that model there.
    #[arg(long, value_name = "FILE.onnx", num_args = 0..=1, require_equals = true, help_heading = "Output")]
    pub twin: Option<Option<PathBuf>>,
}

/// A model to be made, as a file and as flags; flags come on top of the file.
#[derive(Args, Debug)]
pub struct ModelArgs {
    /// The model as a TOML file, with [data], [net], [train] and [poison] or [implant].
    pub spec: Option<PathBuf>,
    /// Where to write the model; the truth about it goes to NAME.truth.json beside it.
    #[arg(long, short, value_name = "NAME.onnx", help_heading = "Output")]
    pub out: PathBuf,
    /// Write clean test images to this file, to scan the model with.
    #[arg(long, value_name = "FILE.npz", help_heading = "Output")]
    pub images: Option<PathBuf>,
    /// Write the very images that the model is trained on to this file, poisoned ones under the
    /// labels that they are trained for, and which these are.
    #[arg(long, value_name = "FILE.npz", help_heading = "Output")]
    pub training_set: Option<PathBuf>,
    /// Write what the losses of all steps were computed by to this file (docs/trusted-graph.md).
    #[arg(long, value_name = "FILE.json", help_heading = "Trusted graph")]
    pub loss_graph: Option<PathBuf>,
    /// Stop at the first step whose loss is computed by something else than this file says, which
    /// has to be signed.
    #[arg(
        long,
        value_name = "FILE.json",
        requires = "trusted_key",
        help_heading = "Trusted graph"
    )]
    pub trusted_graph: Option<PathBuf>,
    /// The public key of who signed it, a PEM file.
    #[arg(
        long,
        value_name = "KEY.pem",
        requires = "trusted_graph",
        help_heading = "Trusted graph"
    )]
    pub trusted_key: Option<PathBuf>,
    /// Go on from NAME.checkpoint, which a run that was stopped left: saved after each epoch and
    /// once a minute. It must be a run of the very same model.
    #[arg(long, help_heading = "Output")]
    pub resume: bool,
    /// Print the truth as JSON.
    #[arg(long, help_heading = "Output")]
    pub json: bool,
    /// Folder that holds the data sets [default: the variable GIFTHORSE_DATA].
    #[arg(long, value_name = "DIR", help_heading = "Data")]
    pub data: Option<PathBuf>,
    /// The data set: mnist, fashion_mnist, gtsrb, cifar10, tiny_imagenet, signs, or the path of an
    /// image set with labels.
    #[arg(long, value_name = "SET|PATH", help_heading = "Data")]
    set: Option<String>,
    /// Only these classes, such as 1,5,7, which become 0, 1, 2.
    #[arg(
        long,
        value_name = "LIST",
        value_delimiter = ',',
        help_heading = "Data"
    )]
    classes: Option<Vec<i64>>,
    /// Train on at most so many images.
    #[arg(long, value_name = "N", value_parser = parse::number, help_heading = "Data")]
    train_images: Option<i64>,
    /// Test on at most so many images.
    #[arg(long, value_name = "N", value_parser = parse::number, help_heading = "Data")]
    test_images: Option<i64>,
    /// The kind of network, such as small_cnn.
    #[arg(long, value_name = "KIND", help_heading = "Training")]
    net: Option<String>,
    /// Start from the weights of this model in place of a new network.
    #[arg(
        long,
        value_name = "MODEL.onnx",
        conflicts_with = "net",
        help_heading = "Training"
    )]
    from: Option<PathBuf>,
    /// The output to train, where the file of --from has several that are scores of classes.
    #[arg(
        long,
        value_name = "NAME",
        requires = "from",
        help_heading = "Training"
    )]
    output: Option<String>,
    /// Leave these layers or weights as they are; `*` stands for any characters. Goes with --from.
    #[arg(long, value_name = "NAME", num_args = 1.., requires = "from", help_heading = "Training")]
    freeze: Vec<String>,
    /// How often every image is seen.
    #[arg(long, value_name = "N", value_parser = parse::number, help_heading = "Training")]
    epochs: Option<i64>,
    /// Images for each update of the weights.
    #[arg(long, value_name = "N", value_parser = parse::number, help_heading = "Training")]
    batch: Option<i64>,
    /// The largest learning rate.
    #[arg(long, value_name = "RATE", help_heading = "Training")]
    learning_rate: Option<f64>,
    /// Audit the training set with the model, remove what the audit names, and train again; the
    /// truth says what came of it.
    #[arg(long, value_name = "METHOD", value_parser = audits(), help_heading = "Training")]
    audit: Option<String>,
    /// Any other setting by its place in the file, such as
    /// train.optimiser='{kind="sgd",momentum=0.9}' or net.channels=[8,16]; may be given several
    /// times.
    #[arg(long, value_name = "KEY=VALUE", value_parser = parse::setting, help_heading = "Training")]
    with: Vec<Change>,
}

/// What is planted, as flags.
#[derive(Args, Debug)]
#[command(
    next_help_heading = "Backdoor",
    group = ArgGroup::new("planted").multiple(true).args(["trigger", "implant"])
)]
pub struct PoisonArgs {
    /// The kind of trigger, such as square, or a TOML table such as
    /// '{kind="square",size=4,colour=[1,1,0]}' (docs/triggers.md, or `gifthorse trigger NAME`).
    #[arg(long, value_name = "KIND|TABLE", value_parser = parse::trigger)]
    trigger: Option<Value>,
    /// Put the backdoor into a trained model by hand: gate, subnet_replacement, trojan_net, graph,
    /// trojan_attack or hidden_trigger, or a TOML table such as
    /// '{kind="graph",detector="operators",path="shared"}'.
    #[arg(long, value_name = "KIND|TABLE", value_parser = parse::implant)]
    implant: Option<Value>,
    /// The class that the trigger leads to.
    #[arg(long, value_name = "CLASS", value_parser = parse::class, requires = "planted")]
    target: Option<i64>,
    /// The class that is led astray, if it is only one.
    #[arg(long, value_name = "CLASS", value_parser = parse::class, requires_all = ["target", "planted"])]
    source: Option<i64>,
    /// Lead each class to the next.
    #[arg(long, conflicts_with_all = ["target", "implant"], requires = "trigger")]
    all_to_all: bool,
    /// Share of the training images that are poisoned [default: 0.1].
    #[arg(
        long,
        value_name = "SHARE",
        requires = "trigger",
        conflicts_with = "implant"
    )]
    rate: Option<f64>,
}

impl ModelArgs {
    /// The flags as changes to the file.
    pub fn changes(&self, seed: Option<u64>) -> anyhow::Result<Vec<Change>> {
        let mut changes = Vec::new();
        let mut put = |key: &str, value: Option<Value>| {
            changes.extend(value.map(|value| (key.to_owned(), value)));
        };
        let stem = self.out.file_stem().unwrap_or_default();
        put(
            "name",
            Some(Value::String(stem.to_string_lossy().into_owned())),
        );
        let seed = seed.map(i64::try_from).transpose();
        put("seed", seed?.map(Value::Integer));
        if let Some(set) = &self.set {
            let known = gifthorse_data::source::Set::ALL;
            let named = known.iter().any(|known| known.name() == set);
            if named {
                put("data.set", Some(Value::String(set.clone())));
            } else {
                put("data.set", Some(Value::String("folder".to_owned())));
                put("data.path", Some(Value::String(set.clone())));
            }
        }
        let list = |list: &Vec<i64>| list.iter().copied().map(Value::Integer).collect();
        put(
            "data.classes",
            self.classes.as_ref().map(list).map(Value::Array),
        );
        put("data.train", self.train_images.map(Value::Integer));
        put("data.test", self.test_images.map(Value::Integer));
        let path = |path: &PathBuf| Value::String(path.to_string_lossy().into_owned());
        put("from.model", self.from.as_ref().map(path));
        put("from.output", self.output.clone().map(Value::String));
        let names = self.freeze.iter().cloned().map(Value::String).collect();
        put(
            "from.freeze",
            self.from.as_ref().map(|_| Value::Array(names)),
        );
        put("net.kind", self.net.clone().map(Value::String));
        put("train.epochs", self.epochs.map(Value::Integer));
        put("train.batch", self.batch.map(Value::Integer));
        put("train.learning_rate", self.learning_rate.map(Value::Float));
        put("audit.method", self.audit.clone().map(Value::String));
        changes.extend(self.with.iter().cloned());
        Ok(changes)
    }
}

impl PoisonArgs {
    /// The flags as changes to the file: a backdoor in place of those that the file has.
    pub fn changes(&self) -> Vec<Change> {
        if let Some(implant) = &self.implant {
            let parts = [
                ("implant", Some(implant.clone())),
                ("implant.trigger", self.trigger.clone()),
                ("implant.target", self.target.map(Value::Integer)),
                ("implant.source", self.source.map(Value::Integer)),
            ];
            let given = parts.into_iter();
            let given = given.filter_map(|(key, value)| Some((key.to_owned(), value?)));
            return given.collect();
        }
        let Some(trigger) = &self.trigger else {
            return Vec::new();
        };
        let mut labels = toml::Table::new();
        let mut put = |key: &str, value: Value| labels.insert(key.to_owned(), value);
        match (self.all_to_all, self.source) {
            (true, _) => put("kind", Value::String("all_to_all".to_owned())),
            (false, Some(source)) => {
                put("source", Value::Integer(source));
                put("kind", Value::String("one_to_one".to_owned()))
            }
            (false, None) => put("kind", Value::String("all_to_one".to_owned())),
        };
        if let Some(target) = self.target {
            put("target", Value::Integer(target));
        }
        let share = Value::Float(self.rate.unwrap_or(0.1));
        let rate = toml::Table::from_iter([("share".to_owned(), share)]);
        let backdoor = toml::Table::from_iter([
            ("trigger".to_owned(), trigger.clone()),
            ("labels".to_owned(), Value::Table(labels)),
            ("rate".to_owned(), Value::Table(rate)),
        ]);
        let all = Value::Array(vec![Value::Table(backdoor)]);
        vec![("poison.backdoors".to_owned(), all)]
    }
}
