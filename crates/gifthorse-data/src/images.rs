//! The one form in which images travel through the project.
//!
//! A trigger lives in image space, so images are kept as they look: `[0, 1]` pixels, before any
//! normalisation that a model may want. Every loader ends here and every consumer starts here.

use crate::Error;

/// Class indices must be below this, so that a hostile label file cannot make a consumer that
/// counts images per class allocate without bound.
pub const MAX_CLASSES: usize = 1 << 20;

/// Shape of one image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ImageShape {
    /// 1 (grey) or 3 (red, green, blue).
    pub channels: usize,
    /// Rows of pixels.
    pub height: usize,
    /// Columns of pixels.
    pub width: usize,
}

impl ImageShape {
    /// Values in one image: `channels * height * width`.
    ///
    /// Saturates instead of wrapping, so a size check against it stays safe for any claimed shape.
    #[must_use]
    pub fn values(&self) -> usize {
        self.channels
            .saturating_mul(self.height)
            .saturating_mul(self.width)
    }
}

impl std::fmt::Display for ImageShape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}x{}x{}", self.channels, self.height, self.width)
    }
}

/// Images as f32 pixels in `[0, 1]`, RGB or grey, all of one shape, with labels where known.
#[derive(Debug, Clone, PartialEq)]
pub struct Images {
    shape: ImageShape,
    pixels: Vec<f32>,
    labels: Option<Vec<usize>>,
    class_names: Vec<String>,
    names: Vec<String>,
}

impl Images {
    /// Puts images together and checks that the parts fit.
    ///
    /// * `pixels`: `[images, channels, height, width]`, row-major, each in `[0, 1]`;
    /// * `labels`: class index of each image, or `None` where unknown;
    /// * `class_names`: name of class 0, 1, ...; may be empty;
    /// * `names`: file or record name of each image; its length is the number of images.
    ///
    /// # Errors
    /// [`Error::Inconsistent`] if the shape is empty or has other than 1 or 3 channels, if lengths
    /// disagree, if a pixel is not a number in `[0, 1]`, or if a label is not below the number of
    /// class names (where there are any) and [`MAX_CLASSES`].
    pub fn new(
        shape: ImageShape,
        pixels: Vec<f32>,
        labels: Option<Vec<usize>>,
        class_names: Vec<String>,
        names: Vec<String>,
    ) -> Result<Self, Error> {
        if !matches!(shape.channels, 1 | 3) || shape.values() == 0 {
            return Err(Error::Inconsistent(format!(
                "image shape {shape} must have 1 or 3 channels and at least one pixel"
            )));
        }
        if pixels.len() != names.len().saturating_mul(shape.values()) {
            return Err(Error::Inconsistent(format!(
                "{} pixel values do not make {} images of shape {shape}",
                pixels.len(),
                names.len()
            )));
        }
        if let Some(at) = pixels.iter().position(|p| !(0.0..=1.0).contains(p)) {
            return Err(Error::Inconsistent(format!(
                "image {} holds the pixel value {}, outside 0..1",
                names[at / shape.values()],
                pixels[at]
            )));
        }
        let images = Self {
            shape,
            pixels,
            labels: None,
            class_names: Vec::new(),
            names,
        }
        .with_class_names(class_names)?;
        match labels {
            Some(labels) => images.with_labels(labels),
            None => Ok(images),
        }
    }

    /// Number of images.
    #[must_use]
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there is no image.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Shape of each image.
    #[must_use]
    pub fn shape(&self) -> ImageShape {
        self.shape
    }

    /// All pixels, `[images, channels, height, width]`, each in `[0, 1]`.
    #[must_use]
    pub fn pixels(&self) -> &[f32] {
        &self.pixels
    }

    /// Pixels of image `i`, `[channels, height, width]`.
    ///
    /// # Panics
    /// If `i >= self.len()`, as indexing a slice does.
    #[must_use]
    pub fn image(&self, i: usize) -> &[f32] {
        let size = self.shape.values();
        &self.pixels[i * size..(i + 1) * size]
    }

    /// Class index of each image, where known.
    #[must_use]
    pub fn labels(&self) -> Option<&[usize]> {
        self.labels.as_deref()
    }

    /// Name of class 0, 1, ...; empty where unknown.
    #[must_use]
    pub fn class_names(&self) -> &[String] {
        &self.class_names
    }

    /// File or record name of each image.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The images at `indices`, in that order; an index may come more than once.
    ///
    /// # Panics
    /// If an index is not below [`Images::len`], as indexing a slice does.
    #[must_use]
    pub fn subset(&self, indices: &[usize]) -> Self {
        let mut pixels = Vec::with_capacity(indices.len() * self.shape.values());
        for &i in indices {
            pixels.extend_from_slice(self.image(i));
        }
        Self {
            shape: self.shape,
            pixels,
            labels: self
                .labels
                .as_ref()
                .map(|labels| indices.iter().map(|&i| labels[i]).collect()),
            class_names: self.class_names.clone(),
            names: indices.iter().map(|&i| self.names[i].clone()).collect(),
        }
    }

    /// The images at `indices`, which must ascend, in the memory of them all: what is left out
    /// makes room.
    ///
    /// # Panics
    /// As [`Images::subset`], and if an index is not above the one before it.
    #[must_use]
    pub fn into_subset(mut self, indices: &[usize]) -> Self {
        assert!(indices.is_sorted_by(|a, b| a < b), "indices ascend");
        let values = self.shape.values();
        for (to, &from) in indices.iter().enumerate() {
            self.pixels
                .copy_within(from * values..(from + 1) * values, to * values);
            self.names.swap(to, from);
            if let Some(labels) = &mut self.labels {
                labels[to] = labels[from];
            }
        }
        self.pixels.truncate(indices.len() * values);
        self.pixels.shrink_to_fit();
        self.names.truncate(indices.len());
        if let Some(labels) = &mut self.labels {
            labels.truncate(indices.len());
        }
        self
    }

    /// The same images under other labels, e.g. a model's own predictions.
    ///
    /// # Errors
    /// [`Error::Inconsistent`] if there is not one label for each image, or if a label is not below
    /// the number of class names (where there are any) and [`MAX_CLASSES`].
    pub fn with_labels(mut self, labels: Vec<usize>) -> Result<Self, Error> {
        if labels.len() != self.len() {
            return Err(Error::Inconsistent(format!(
                "{} labels for {} images",
                labels.len(),
                self.len()
            )));
        }
        check_classes(&labels, &self.class_names)?;
        self.labels = Some(labels);
        Ok(self)
    }

    /// The same images with other names for the classes; none takes the names away.
    ///
    /// # Errors
    /// [`Error::Inconsistent`] if there are names, but fewer than the labels need.
    pub fn with_class_names(mut self, class_names: Vec<String>) -> Result<Self, Error> {
        if let Some(labels) = &self.labels {
            check_classes(labels, &class_names)?;
        }
        self.class_names = class_names;
        Ok(self)
    }
}

fn check_classes(labels: &[usize], class_names: &[String]) -> Result<(), Error> {
    let Some(&largest) = labels.iter().max() else {
        return Ok(());
    };
    if !class_names.is_empty() && largest >= class_names.len() {
        return Err(Error::Inconsistent(format!(
            "label {largest} has no name: there are {} class names, for classes 0 to {}",
            class_names.len(),
            class_names.len() - 1
        )));
    }
    if largest >= MAX_CLASSES {
        return Err(Error::Inconsistent(format!(
            "label {largest} is not below {MAX_CLASSES}, the most classes supported"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: ImageShape = ImageShape {
        channels: 1,
        height: 1,
        width: 2,
    };

    fn names(n: usize) -> Vec<String> {
        (0..n).map(|i| format!("image {i}")).collect()
    }

    fn three() -> Images {
        let pixels = vec![0.0, 0.1, 0.2, 0.3, 0.4, 0.5];
        Images::new(SHAPE, pixels, Some(vec![0, 1, 2]), Vec::new(), names(3)).unwrap()
    }

    #[test]
    fn a_subset_is_the_same_in_place() {
        for indices in [&[][..], &[0], &[2], &[0, 2], &[1, 2], &[0, 1, 2]] {
            assert_eq!(three().into_subset(indices), three().subset(indices));
        }
    }

    #[test]
    fn an_image_is_its_own_pixels() {
        assert_eq!(three().image(1), [0.2, 0.3]);
        assert_eq!(three().len(), 3);
    }

    #[test]
    fn subset_keeps_pixels_labels_and_names_together() {
        let some = three().subset(&[2, 0]);
        assert_eq!(some.pixels(), [0.4, 0.5, 0.0, 0.1]);
        assert_eq!(some.labels(), Some(&[2, 0][..]));
        assert_eq!(some.names(), ["image 2", "image 0"]);
    }

    #[test]
    fn parts_that_do_not_fit_are_refused() {
        let none = Vec::new;
        let grey = |channels| ImageShape { channels, ..SHAPE };
        let bad = |shape, pixels: Vec<f32>, labels, classes: Vec<String>, n| {
            matches!(
                Images::new(shape, pixels, labels, classes, names(n)),
                Err(Error::Inconsistent(_))
            )
        };
        assert!(bad(SHAPE, vec![0.0; 3], None, none(), 2));
        assert!(bad(grey(2), vec![0.0; 4], None, none(), 1));
        assert!(bad(grey(0), vec![], None, none(), 1));
        assert!(bad(SHAPE, vec![0.0, 1.1], None, none(), 1));
        assert!(bad(SHAPE, vec![0.0, f32::NAN], None, none(), 1));
        assert!(bad(SHAPE, vec![0.0; 4], Some(vec![0]), none(), 2));
        assert!(bad(SHAPE, vec![0.0; 2], Some(vec![1]), names(1), 1));
        assert!(bad(SHAPE, vec![0.0; 2], Some(vec![MAX_CLASSES]), none(), 1));
    }

    #[test]
    fn labels_and_class_names_are_checked_against_each_other() {
        assert!(three().with_class_names(names(2)).is_err());
        let named = three().with_class_names(names(3)).unwrap();
        assert!(named.clone().with_labels(vec![0, 0, 3]).is_err());
        assert_eq!(
            named.with_labels(vec![2, 2, 2]).unwrap().labels(),
            Some(&[2, 2, 2][..])
        );
    }
}
