//! Networks that are trained and poisoned here, on images that are made here.

mod backdoor;
mod blobs;
mod errors;
mod export;
mod repeatable;
