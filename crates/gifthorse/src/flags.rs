//! Preprocessing in the words of the command line, so that an error can say what to type.

use gifthorse_engine::{Channels, Layout, PixelRange, Preprocess};

/// The flags that ask for a preprocessing of images with so many channels; all are named that
/// differ from the defaults, and the range always.
pub fn flags(preprocess: &Preprocess, channels: usize) -> String {
    let range = match preprocess.range {
        PixelRange::Unit => "0..1",
        PixelRange::Byte => "0..255",
        PixelRange::Signed => "-1..1",
    };
    // A value that begins with a hyphen has to be joined by an equals sign.
    let mut words = vec![format!("--range={range}")];
    let list = |values: &[f32]| {
        let words: Vec<String> = values.iter().map(f32::to_string).collect();
        words.join(",")
    };
    if !preprocess.mean.is_empty() {
        words.push(format!("--mean={}", list(&preprocess.mean)));
    }
    if !preprocess.std.is_empty() {
        words.push(format!("--std={}", list(&preprocess.std)));
    }
    if preprocess.channels != Channels::Rgb && channels > 1 {
        words.push(format!(
            "--channels {}",
            channel_order(preprocess, channels)
        ));
    }
    if let Some(layout) = preprocess.layout {
        let layout = match layout {
            Layout::Nchw => "nchw",
            Layout::Nhwc => "nhwc",
        };
        words.push(format!("--layout {layout}"));
    }
    words.join(" ")
}

/// The order of the channels by its name on the command line.
pub fn channel_order(preprocess: &Preprocess, channels: usize) -> &'static str {
    match preprocess.channels {
        _ if channels == 1 => "grey",
        Channels::Rgb => "rgb",
        Channels::Bgr => "bgr",
        Channels::Grey => "grey",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_name_what_differs_from_the_defaults() {
        assert_eq!(flags(&Preprocess::default(), 3), "--range=0..1");
        let caffe = Preprocess {
            range: PixelRange::Byte,
            mean: vec![103.939, 116.779, 123.68],
            std: vec![],
            channels: Channels::Bgr,
            layout: Some(Layout::Nhwc),
        };
        assert_eq!(
            flags(&caffe, 3),
            "--range=0..255 --mean=103.939,116.779,123.68 --channels bgr --layout nhwc"
        );
    }
}
