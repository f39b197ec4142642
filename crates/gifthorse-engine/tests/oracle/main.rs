//! The engine against onnxruntime and PyTorch.
//!
//! The golden files and the scripts that make them are described in `oracle/README.md`; only
//! the answers are stored, inputs and weights come from the formulas in `formula.rs`.

// Helpers of tests fail as tests do, and what was measured is printed.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod accuracy;
mod formula;
mod golden;
mod layers;
mod run;

mod nodes;
mod shared_models;
mod torchvision;
mod training;
