//! MM-BD on models whose truth is known, small enough to be searched in moments.

mod bench;
mod gamma;
mod margins;
mod resume;
mod saturation;
