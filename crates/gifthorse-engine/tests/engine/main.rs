//! What runs graphs: layers, wiring, branches, structure, ends, and hostile ones.

mod affine;
mod branches;
mod ends;
mod hostile;
mod layers;
mod structure;
mod ties;
mod wiring;
