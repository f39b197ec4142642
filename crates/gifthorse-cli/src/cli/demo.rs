//! Arguments of `demo`.

use std::path::PathBuf;

use clap::Args;

/// Arguments of `demo`.
#[derive(Args, Debug)]
pub struct DemoArgs {
    /// Folder for the models, the images, the truth and the reports; what an earlier demo left
    /// there is replaced.
    #[arg(long, short, value_name = "DIR", default_value = "gifthorse-demo")]
    pub out: PathBuf,
}
