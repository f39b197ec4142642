//! The verdict on models made of numbers: what it keeps (false alarms), what it finds, and what it
//! admits not to know.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod calibration;
mod faint;
mod findings;
mod gates;
mod invariance;
mod library;
mod library_file;
mod limits;
mod models;
mod naming;
mod of_model;
mod population;
mod references;
mod shipped;
mod sources;
mod thinned;
mod witnesses;
