//! Class distance: how near is each class to images of the others?
//!
//! # What it does
//! For some images of other classes, finds for each by itself a small change that leads it to the
//! class: steps along the gradient of the margin, each as long as it would take if the margin were
//! linear (DeepFool, Moosavi-Dezfooli et al. 2016, towards a given class). Training on a trigger
//! draws the target near to images of all classes, in a direction of its own.
//!
//! # Threat model
//! A trigger of any kind that works on images of all other classes. White-box access to gradients;
//! a few clean images. Two classes are enough.
//!
//! # Statistic and decision
//! The mean length of the changes, in pixel values over the whole image. Small is suspicious,
//! beside the model's other classes. Models are not compared: how far their classes are from one
//! another depends on the data. What is unusually small is decided by `verdict` among clean models.
//! Told beside it is `transferability`, the share of pairs of images of which the change of the
//! first leads the second to the class too: Xiang et al. (2022) call a model backdoored where such
//! a share is above 1/2, with changes that are estimated several times from random starts, and not
//! as small as possible.
//!
//! # Cost
//! For each class up to 30 passes of 16 images forwards and backwards, and 240 images forwards: a
//! tenth of Neural Cleanse or less. With more than 100 classes there are 4 images instead of 16.
//!
//! # Known failures
//! Backdoors of single source classes, and all to all. Classes that are near all others by nature.
//! Models trained with adversarial images keep all classes far away, and others may keep the
//! target. The smallest changes hardly carry over from image to image (0.12 at most of 30 backdoored
//! models), so that the published rule finds none of these.
//!
//! # References
//! S.-M. Moosavi-Dezfooli, A. Fawzi, P. Frossard, "DeepFool", CVPR 2016. R. Wang et al., "Practical
//! Detection of Trojan Neural Networks", ECCV 2020, for changes of single images as a witness.
//! Z. Xiang, D. J. Miller, G. Kesidis, "Post-Training Detection of Backdoor Attacks for Two-Class
//! and Multi-Attack Scenarios", ICLR 2022.

mod class_search;
mod detector;

pub(super) use detector::ROW;
