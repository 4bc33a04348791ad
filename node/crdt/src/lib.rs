//! Holds replicated values that merge.
