//! Networks that are trained and poisoned here, on images that are made here.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod backdoor;
mod blind;
mod blobs;
mod errors;
mod export;
mod hidden_trigger;
mod input_aware;
mod inside;
mod label_maps;
mod spots;
mod triggers;
mod trojan_attack;
