//! Pairs of classes (after Wang et al. 2019, §VII-E): the pair whose patch is smaller than those of
//! all other pairs let expect.
//!
//! # What it does
//! For each ordered pair of classes, searches mask and pattern as Neural Cleanse does (equation 3),
//! stamped on images of the first class alone and asking for the second. Then it takes apart what
//! makes a pair's patch small: that its source is easy to leave, that its target is easy to reach,
//! that the two classes are near one another by nature, or none of these. The pair that stands out
//! most is searched once more with more images, and that trigger is tried on held-out images of
//! its source and shown.
//!
//! # Threat model
//! One trigger of limited size at a fixed place, which works on images of one class or of a few,
//! and leads them to one class. White-box access to gradients, and some clean images of each class.
//!
//! # Statistic and decision
//! The *strength* of the strongest pair, on a logarithmic scale and the same for all models: how far
//! the norm of its patch is below what its row and column of the table of pairs let expect (by a
//! median polish), plus how far it is below the norm of the way back, beside how much harder either
//! class is to reach than to leave. Classes that
//! are near by nature are so both ways, and mostly near a third class as well; a backdoor leads one
//! way. Large is suspicious, beside clean models. What is unusually large is decided by `verdict`
//! among these. A trigger that convicts has to lead more than half of the held-out images of its
//! source to the target, with a confidence of 95 %. The paper takes the norms of pairs as they are,
//! and an anomaly index above 2 among them.
//!
//! # Cost
//! For each pair of classes a search with half the passes of Neural Cleanse's and a quarter of the
//! images in each: all pairs of ten classes take about as long as Neural Cleanse. The divide and
//! conquer that the paper hopes for (§VII-E) is not made. Models with images of more than 20
//! classes are not searched.
//!
//! # Known failures
//! Classes of which one is near the other and not the other way round
//! (docs/detectors/source_target.md). All to one and all to all, which make the whole table small.
//! Whatever is no patch: blends, filters, warps. Fewer than five classes with six images each that
//! the model is right on.
//!
//! # References
//! Wang et al., "Neural Cleanse", IEEE S&P 2019, §VII-E. Shen et al., "Backdoor Scanning for Deep
//! Neural Networks through K-Arm Optimization", ICML 2021, whose symmetric check holds the trigger
//! of a pair against that of the way back. That both are needed, and the sum, are our own.

mod detector;
mod model_search;
mod table;

pub(super) use detector::ROW;
