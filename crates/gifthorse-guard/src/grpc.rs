//! The protocol over gRPC: one message in each direction, in its frame.

mod answer;
mod frame;
mod request;
mod weigh;

pub(crate) use answer::{correct, mark};
pub(crate) use frame::{framed, unframed};
pub(crate) use request::{model_name, read};

#[cfg(test)]
mod tests;
