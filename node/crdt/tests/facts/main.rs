//! What holds of merged state, seen from outside.

mod bytes;
mod guest;
mod laws;
mod proofs;
mod scale;
mod voids;
mod world;
