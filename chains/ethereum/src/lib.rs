//! Translates between the chain seam and Ethereum.
