//! Pools: `max_pool` and `average_pool` over windows, of which `sliding` says what they read, and
//! `global_pool` over all pixels of a map.

pub(crate) mod average_pool;
pub(crate) mod global_pool;
pub(crate) mod max_pool;
mod sliding;
