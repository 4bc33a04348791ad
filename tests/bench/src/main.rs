//! Ratios against physical limits and rivals.
fn main() {}
