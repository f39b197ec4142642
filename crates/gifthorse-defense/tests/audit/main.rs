//! Audits of training sets whose truth is known.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod methods;
mod subject;
