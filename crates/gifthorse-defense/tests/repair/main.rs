//! Repairs on small nets that are trained here, with a backdoor and without.

mod bench;
mod graphs;
mod methods;
mod proof;
