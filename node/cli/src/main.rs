//! The one binary: daemon and commands.
fn main() {}
