//! From a graph to a plan: what is computed, in which steps and in which memory.
//!
//! A `graph` is a list of nodes, each an `operation` on values. `stage` fuses them, `backward`
//! lists the steps of the backward pass, and `compiled` is the whole: the plan, which knows when
//! each value is last used. `groups` says how many samples go through it together, `arena` has the
//! memory that they use again and again, and `memory` foretells how much that will be. `profile`
//! has the time that each stage took, and `describe` puts a plan in words and numbers.

pub(crate) mod arena;
pub(crate) mod backward;
pub(crate) mod compiled;
pub(crate) mod describe;
pub(crate) mod graph;
pub(crate) mod groups;
pub(crate) mod memory;
pub(crate) mod operation;
pub(crate) mod profile;
pub(crate) mod stage;
