//! A guard in front of a small server of the protocol that the tests have themselves: REST by
//! hyper, gRPC by tonic with messages written down once more.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail by panicking"
)]

mod admin;
mod broken;
mod calls;
mod client;
mod corner;
mod messages;
mod modes;
mod passing;
mod pressure;
mod rig;
mod server;
mod slow;
mod stop;
mod tls;
mod upstream;
mod ways_round;
