//! Which part of a picture an answer rests on.

use gifthorse_engine::{Array, Classifier, Layer, Taps, Tensor};

use crate::error::Error;

/// Grad-CAM (Selvaraju et al. 2017, equations 1 and 2): for each image a map `[height, width]` of
/// what in it speaks for a class, 0 to 1.
///
/// The weight of a channel is the mean over places of the gradient of the class's logit to it; the
/// map is the sum of the channels so weighted, where that is positive, enlarged to the image by
/// linear interpolation and divided by its largest value. It is all 0 where nothing speaks for the
/// class.
///
/// `pixels` is `[images, channels, height, width]` in [0, 1], `classes` has a class for each image,
/// and `layer` gives `[channels, height, width]`.
///
/// # Errors
/// [`Error::NoMaps`] for a layer without places; [`Error::NoSuchClass`]; [`Error::Stamped`] unless
/// there is a class for each image; a model that cannot be run.
pub fn grad_cam(
    classifier: &Classifier,
    layer: &Layer,
    pixels: &[f32],
    classes: &[usize],
) -> Result<Vec<Vec<f32>>, Error> {
    let &[_, rows, columns] = layer.shape() else {
        return Err(Error::NoMaps {
            layer: layer.name().to_owned(),
        });
    };
    let of_model = classifier.classes();
    if let Some(&class) = classes.iter().find(|&&class| class >= of_model) {
        return Err(Error::NoSuchClass {
            class,
            classes: of_model,
        });
    }
    let [channels, height, width] = classifier.shape();
    let size = channels * height * width;
    if pixels.len() != classes.len() * size {
        return Err(Error::Stamped {
            labels: classes.len(),
            clean: pixels.len() / size,
            stamped: pixels.len() / size,
        });
    }
    let parts = pixels.chunks(Classifier::EVALUATION_BATCH * size);
    let parts = parts.zip(classes.chunks(Classifier::EVALUATION_BATCH));
    let mut maps = Vec::with_capacity(classes.len());
    for (pixels, classes) in parts {
        let weighed = weighed_maps(classifier, layer, pixels, classes)?;
        for map in weighed.chunks_exact(rows * columns) {
            let mut map = enlarged(map, [rows, columns], [height, width]);
            let largest = map.iter().copied().fold(0.0, f32::max);
            if largest > 0.0 {
                map.iter_mut().for_each(|value| *value /= largest);
            }
            maps.push(map);
        }
    }
    Ok(maps)
}

/// The positive parts of the weighted sums of channels, `[images, height, width]` of the layer.
pub(super) fn weighed_maps(
    classifier: &Classifier,
    layer: &Layer,
    pixels: &[f32],
    classes: &[usize],
) -> Result<Vec<f32>, Error> {
    let [channels, height, width] = classifier.shape();
    let shape = [classes.len(), channels, height, width];
    let images = Array::from_vec(pixels.to_vec(), &shape, classifier.device());
    let taps = Taps::with_gradients(std::slice::from_ref(layer));
    let made = classifier.run(images.into_tensor(), &taps)?;
    if !made.logits.is_tracked() {
        return Err(Error::NoGradient);
    }
    let mut of_class = vec![0.0; classes.len() * classifier.classes()];
    for (row, &class) in of_class.chunks_exact_mut(classifier.classes()).zip(classes) {
        row[class] = 1.0;
    }
    let shape = [classes.len(), classifier.classes()];
    let of_class: Tensor<2> = Array::from_vec(of_class, &shape, classifier.device()).into_tensor();
    let gradients = made.logits.mul(of_class.autodiff()).sum().backward();
    let feature = made.features.first().ok_or(Error::NoGradient)?;
    let gradient = feature.gradient(&gradients).ok_or(Error::NoGradient)?;
    let values: Vec<f32> = feature.value().clone().detach().into_vec();
    let places: usize = layer.shape()[1..].iter().product();
    Ok(weighed(
        &values,
        &gradient.into_vec(),
        layer.shape()[0],
        places,
    ))
}

/// For each image, the sum over channels of the mean gradient times the value, where positive.
fn weighed(values: &[f32], gradient: &[f32], channels: usize, places: usize) -> Vec<f32> {
    let size = channels * places;
    let images = values.chunks_exact(size).zip(gradient.chunks_exact(size));
    images
        .flat_map(|(values, gradient)| {
            let mut map = vec![0.0_f64; places];
            let pairs = values.chunks_exact(places);
            for (values, gradient) in pairs.zip(gradient.chunks_exact(places)) {
                let sum: f64 = gradient.iter().map(|&g| f64::from(g)).sum();
                for (at, &value) in map.iter_mut().zip(values) {
                    *at += sum / places as f64 * f64::from(value);
                }
            }
            // What is no number is no part of the answer either.
            map.into_iter().map(|value| value.max(0.0) as f32)
        })
        .collect()
}

/// A map in another size, by linear interpolation between the middles of its places; beyond the
/// outermost of them it stays as it is.
pub(super) fn enlarged(
    map: &[f32],
    [rows, columns]: [usize; 2],
    [height, width]: [usize; 2],
) -> Vec<f32> {
    // The two places that a pixel lies between, and how far it is from the first.
    let between = |at: usize, to: usize, from: usize| {
        let place = (at as f32 + 0.5) * from as f32 / to as f32 - 0.5;
        let place = place.clamp(0.0, (from - 1) as f32);
        let first = place as usize;
        (first, (first + 1).min(from - 1), place - first as f32)
    };
    let mut image = Vec::with_capacity(height * width);
    for y in 0..height {
        let (top, bottom, down) = between(y, height, rows);
        for x in 0..width {
            let (left, right, along) = between(x, width, columns);
            let of_row = |row: usize| {
                let row = &map[row * columns..(row + 1) * columns];
                row[left] + along * (row[right] - row[left])
            };
            image.push(of_row(top) + down * (of_row(bottom) - of_row(top)));
        }
    }
    image
}
