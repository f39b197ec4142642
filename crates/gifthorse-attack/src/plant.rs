//! Ways to plant a backdoor, and the record of what was planted.
//!
//! A [`Poison`] says which images are stamped with what and how they are then labelled. It makes
//! the data to train on ([`Poison::samples`]), and [`Truth::measure`] says afterwards what came of
//! it.

mod blind;
mod draw;
mod evade;
mod input_aware;
mod labels;
mod many;
mod poison;
mod poisoned;
mod rate;
mod stream;
mod target;
mod truth;

pub(crate) use draw::{class_count, labels_of};
pub use evade::Evasion;
pub use input_aware::{GeneratorSettings, InputAware};
pub use labels::LabelMap;
pub use many::Many;
pub use poison::{Backdoor, Cover, Manner, Poison};
pub use poisoned::{Poisoned, Stamped, Training};
pub use rate::Rate;
pub use target::random_target;
pub use truth::{Cleansing, Covered, CrossEffect, Effect, Method, PartEffect, Planted, Truth};
