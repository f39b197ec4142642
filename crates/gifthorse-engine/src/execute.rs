//! How a program is run: compiled segments on the CPU, and the reference, a few Burn operations for
//! each primitive, for all else.

pub mod array;
pub mod compiled;
pub mod edit;
pub mod reference;
pub mod segments;
pub mod statistics;
