//! Reports as files, pages and text.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod baseline;
mod contract;
mod effect;
mod folder;
mod page;
mod repair;
mod sample;
mod sarif;
mod suspects;
mod terminal;
