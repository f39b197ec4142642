//! What is done to each number by itself: functions of one (`pointwise`) and of two (`binary`), a
//! scale and an offset for each channel (`affine`), and `dropout`.

pub(crate) mod affine;
pub(crate) mod binary;
pub(crate) mod dropout;
pub(crate) mod pointwise;
