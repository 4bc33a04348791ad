//! Keeps replicas of one context in step, without I/O.
