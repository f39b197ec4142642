//! Ways to plant a backdoor, and the record of what was planted.

mod badnets;
mod truth;

pub use badnets::{BadNets, Poisoned, random_target};
pub use truth::{Backdoor, Method, Truth};
