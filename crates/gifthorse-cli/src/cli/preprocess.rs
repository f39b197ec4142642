//! How pixels become the model's input, from flags or from a file.

use std::path::Path;

use anyhow::{Context, anyhow, bail};
use clap::{Args, ValueEnum};
use gifthorse::PreprocessChoice;
use gifthorse_engine::{Channels, Layout, PixelRange, Preprocess};

use super::hugging_face;

/// Largest file of preprocessing that is read, in bytes.
const LARGEST_FILE: u64 = 1 << 16;

/// Flags of preprocessing.
#[derive(Args, Debug)]
#[command(next_help_heading = "Preprocessing")]
pub struct PreprocessArgs {
    /// Range that pixels are scaled to [default: 0..1].
    #[arg(long, value_enum, value_name = "RANGE", allow_hyphen_values = true)]
    range: Option<Range>,
    /// Taken off each channel, in units of the range: one number, or one for each channel.
    #[arg(
        long,
        value_name = "A,B,C",
        value_delimiter = ',',
        allow_hyphen_values = true
    )]
    mean: Vec<f32>,
    /// Each channel is divided by this, in units of the range: one number, or one for each channel.
    #[arg(
        long,
        value_name = "A,B,C",
        value_delimiter = ',',
        allow_hyphen_values = true
    )]
    std: Vec<f32>,
    /// Order of the channels that the model takes [default: rgb].
    #[arg(long, value_enum, value_name = "ORDER")]
    channels: Option<ChannelOrder>,
    /// Order of the dimensions of the model's input; found from its shape where that says it.
    #[arg(long, value_enum, value_name = "LAYOUT")]
    layout: Option<LayoutArg>,
    /// A TOML file with range, mean, std, channels and layout, or Hugging Face's
    /// preprocessor_config.json; or `auto`: the usual preprocessing under which the model is most
    /// accurate.
    #[arg(long, value_name = "FILE.toml|FILE.json|auto", conflicts_with_all = ["range", "mean", "std", "channels"])]
    preprocess: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Range {
    #[value(name = "0..1")]
    Unit,
    #[value(name = "0..255")]
    Byte,
    #[value(name = "-1..1")]
    Signed,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ChannelOrder {
    Rgb,
    Bgr,
    #[value(alias = "gray")]
    Grey,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum LayoutArg {
    Nchw,
    Nhwc,
}

impl PreprocessArgs {
    /// What the flags ask for; reads the file if one is named.
    ///
    /// # Errors
    /// A file that cannot be read or is no preprocessing.
    pub fn choice(&self) -> anyhow::Result<PreprocessChoice> {
        let layout = self.layout.map(|layout| match layout {
            LayoutArg::Nchw => Layout::Nchw,
            LayoutArg::Nhwc => Layout::Nhwc,
        });
        Ok(match self.preprocess.as_deref() {
            Some("auto") => PreprocessChoice::Auto { layout },
            Some(file) => {
                let read = from_file(Path::new(file))?;
                PreprocessChoice::Given(Preprocess {
                    layout: layout.or(read.layout),
                    ..read
                })
            }
            None if self.is_empty() => PreprocessChoice::Default,
            None => PreprocessChoice::Given(Preprocess {
                range: match self.range {
                    Some(Range::Byte) => PixelRange::Byte,
                    Some(Range::Signed) => PixelRange::Signed,
                    Some(Range::Unit) | None => PixelRange::Unit,
                },
                mean: self.mean.clone(),
                std: self.std.clone(),
                channels: match self.channels {
                    Some(ChannelOrder::Bgr) => Channels::Bgr,
                    Some(ChannelOrder::Grey) => Channels::Grey,
                    Some(ChannelOrder::Rgb) | None => Channels::Rgb,
                },
                layout,
            }),
        })
    }

    fn is_empty(&self) -> bool {
        self.range.is_none()
            && self.mean.is_empty()
            && self.std.is_empty()
            && self.channels.is_none()
            && self.layout.is_none()
    }
}

fn from_file(path: &Path) -> anyhow::Result<Preprocess> {
    let unread = || format!("the preprocessing {} cannot be read", path.display());
    let size = std::fs::metadata(path).with_context(unread)?.len();
    if size > LARGEST_FILE {
        bail!(
            "{}: it has {size} bytes, and a few lines are expected",
            unread()
        );
    }
    let text = std::fs::read_to_string(path).with_context(unread)?;
    if path
        .extension()
        .is_some_and(|extension| extension == "json")
    {
        return hugging_face::parse(&text)
            .with_context(|| format!("{} is no preprocessing", path.display()));
    }
    toml::from_str(&text).map_err(|error| {
        anyhow!(
            "{} is no preprocessing: {}",
            path.display(),
            error.message()
        )
    })
}
