//! The real program, run on small models and images that the tests make themselves.

mod bench;
mod inspect;
mod logits;
mod preflight;
mod real_models;
mod scan;
mod usage;
