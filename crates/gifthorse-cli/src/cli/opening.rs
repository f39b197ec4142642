//! Which output of a file is meant, and what its inputs beside the image are.

use std::collections::BTreeMap;

use clap::Args;
use gifthorse_engine::Opening;

use super::parse;

/// Flags for files with several inputs or outputs, where one output is meant.
#[derive(Args, Debug)]
pub struct OpeningArgs {
    /// The output to take, where the file has several that are scores of classes: `inspect` lists
    /// them.
    #[arg(long, value_name = "NAME", help_heading = "Model")]
    output: Option<String>,
    #[command(flatten)]
    inputs: InputArgs,
}

/// Flags for files with several inputs.
#[derive(Args, Debug)]
pub struct InputArgs {
    /// A number for an input beside the image, such as keep_prob=1; all its entries get it. Can be
    /// given several times.
    #[arg(long, value_name = "NAME=VALUE", value_parser = parse::input, help_heading = "Model")]
    input: Vec<(String, f32)>,
}

impl OpeningArgs {
    /// What the flags say.
    pub fn opening(&self) -> Opening {
        self.inputs.opening(self.output.clone())
    }
}

impl InputArgs {
    /// What the flags say, at this output.
    pub fn opening(&self, output: Option<String>) -> Opening {
        let inputs: BTreeMap<String, f32> = self.input.iter().cloned().collect();
        Opening { output, inputs }
    }
}
