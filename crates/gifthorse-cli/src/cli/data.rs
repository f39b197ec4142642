//! Arguments of `data`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use gifthorse_data::source::Set;

/// Arguments of `data`.
#[derive(Args, Debug)]
pub struct DataArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: DataCommand,
}

/// What to do with data sets.
#[derive(Debug, Subcommand)]
pub enum DataCommand {
    /// List the data sets that are known by name, and whether they are there.
    List {
        /// Folder that holds the data sets [default: the variable GIFTHORSE_DATA].
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
    },
    /// Download a public data set, and check that it is what was published.
    Fetch {
        /// mnist, fashion_mnist, cifar10 or gtsrb.
        #[arg(value_name = "NAME", value_parser = set)]
        set: Set,
        /// Folder that is to hold it [default: the variable GIFTHORSE_DATA].
        #[arg(long, value_name = "DIR")]
        to: Option<PathBuf>,
    },
}

/// A data set by its name.
fn set(text: &str) -> Result<Set, String> {
    let known = Set::ALL.into_iter().find(|set| set.name() == text);
    known.ok_or_else(|| {
        let names: Vec<&str> = Set::ALL.iter().map(|set| set.name()).collect();
        format!(
            "there is no data set {text}; there are {}",
            names.join(", ")
        )
    })
}
