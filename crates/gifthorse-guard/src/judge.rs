//! What judges images.

/// What judges images: a fitted filter, as far as a guard knows it.
///
/// It is called on threads that may block, by several at a time.
pub trait Judge: Send + Sync + 'static {
    /// Channels, height and width of the images.
    fn shape(&self) -> [usize; 3];

    /// Judges images: pixels `[images, channels, height, width]` in [0, 1]. The answer has one
    /// entry for each image, in their order.
    ///
    /// # Errors
    /// Why these images cannot be judged.
    fn judge(&self, pixels: &[f32]) -> Result<Vec<Judged>, String>;

    /// Upper bounds of the buckets in which scores are counted, ascending. By default twelve
    /// between 0.01 and 20, for scores above zero.
    fn buckets(&self) -> Vec<f64> {
        vec![
            0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 20.0,
        ]
    }
}

/// What a judge says of one image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Judged {
    /// How suspicious the image is; larger is more suspicious.
    pub score: f64,
    /// The share of clean images that are at least as suspicious, in (0, 1].
    pub p_value: f64,
    /// Whether the score has reached the filter's threshold.
    pub flagged: bool,
    /// The class that the image is likely to have without what makes it suspicious, where the
    /// filter gives one.
    pub safe_label: Option<usize>,
}
