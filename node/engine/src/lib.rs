//! Owns contexts and carries out outputs in order.
