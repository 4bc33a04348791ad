//! Says what a node needs from a chain.
