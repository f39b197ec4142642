//! Normalisations: over the channels of a pixel (`layer_norm`, `softmax`), and over all pixels of
//! all samples of the batch (`batch_norm`, as in training).

pub(crate) mod batch_norm;
pub(crate) mod layer_norm;
pub(crate) mod softmax;
