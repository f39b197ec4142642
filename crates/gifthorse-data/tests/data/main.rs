//! Images from archives, folders and data sets.

mod archives;
mod common;
mod folders;
mod pictures;
mod real_data;
mod source;
