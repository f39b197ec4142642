//! Preprocessing as reports describe it, there and back.

use gifthorse_data::Crop;
use gifthorse_engine::{Channels, Classifier, Layout, PixelRange, Preprocess};
use gifthorse_report::report;

use crate::flags::channel_order;
use crate::model::layout_in_report;
use crate::{Error, PreprocessChoice, ScanRequest};

/// The preprocessing of a classifier as the report of a scan describes it.
pub fn in_report(classifier: &Classifier, request: &ScanRequest) -> report::Preprocess {
    let [channels, height, width] = classifier.shape();
    let used = classifier.preprocess();
    report::Preprocess {
        range: match used.range {
            PixelRange::Unit => [0.0, 1.0],
            PixelRange::Byte => [0.0, 255.0],
            PixelRange::Signed => [-1.0, 1.0],
        },
        mean: as_typed(&used.mean),
        std: as_typed(&used.std),
        channels: channel_order(used, channels).to_owned(),
        layout: layout_in_report(classifier.layout()),
        crop: (request.crop == Crop::Roi).then(|| "roi".to_owned()),
        resize: Some(format!("to {height}x{width} where the size differs")),
        chosen_by: match request.preprocess {
            PreprocessChoice::Default => report::ChosenBy::Default,
            PreprocessChoice::Given(_) => report::ChosenBy::User,
            PreprocessChoice::Auto { .. } => report::ChosenBy::Auto,
        },
    }
}

/// Through text, so that a decimal that a user typed comes back as it was typed.
fn as_typed(values: &[f32]) -> Vec<f64> {
    let exact = |value: &f32| value.to_string().parse().unwrap_or(f64::from(*value));
    values.iter().map(exact).collect()
}

/// The preprocessing that a report describes.
///
/// # Errors
/// Values that no preprocessing of this program has.
pub fn of_report(described: &report::Preprocess) -> Result<Preprocess, Error> {
    let unknown = |what: String| {
        Error::Request(format!(
            "the report describes a preprocessing that this program does not have: {what}"
        ))
    };
    let narrow = |values: &[f64]| values.iter().map(|&value| value as f32).collect();
    Ok(Preprocess {
        range: match described.range {
            [0.0, 1.0] => PixelRange::Unit,
            [0.0, 255.0] => PixelRange::Byte,
            [-1.0, 1.0] => PixelRange::Signed,
            other => return Err(unknown(format!("range {other:?}"))),
        },
        mean: narrow(&described.mean),
        std: narrow(&described.std),
        channels: match described.channels.as_str() {
            "rgb" => Channels::Rgb,
            "bgr" => Channels::Bgr,
            "grey" => Channels::Grey,
            other => return Err(unknown(format!("channels {other:?}"))),
        },
        layout: Some(match described.layout {
            report::Layout::Nchw => Layout::Nchw,
            report::Layout::Nhwc => Layout::Nhwc,
        }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_come_back_as_typed() {
        assert_eq!(as_typed(&[0.4914, 0.1, 125.307]), [0.4914, 0.1, 125.307]);
    }
}
