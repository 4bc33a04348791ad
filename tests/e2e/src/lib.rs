//! The story, with real processes: one chain, three nodes, real keys, all through the command line.
//!
//! The test and `cargo x demo` play the same steps; each step says what it saw, or fails.

mod site;
mod story;
pub mod wallet;
mod world;

pub use site::{Ground, Site};
pub use story::{STEPS, Step};
pub use world::World;
