//! The story, with real processes.
