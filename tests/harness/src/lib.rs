//! Starts real nodes and chains for tests.
