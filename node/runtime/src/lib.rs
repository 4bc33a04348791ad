//! Runs one guest call under a budget.
