//! Keeps bytes, atomically.
