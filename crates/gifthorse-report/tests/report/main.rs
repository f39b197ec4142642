//! Reports as files, pages and text.

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
