//! The two hashes of Starknet, over pairs and over lists of felts.

use starknet_crypto::{PedersenHasher, pedersen_hash, poseidon_hash, poseidon_hash_many};

use crate::felt::Felt;

/// One of the two hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeltHash {
    /// On the Stark curve; the older one.
    Pedersen,
    /// Hades permutation, width 3.
    Poseidon,
}

impl FeltHash {
    /// Of two felts.
    pub fn pair(self, left: &Felt, right: &Felt) -> Felt {
        match self {
            Self::Pedersen => pedersen_hash(left, right),
            Self::Poseidon => poseidon_hash(*left, *right),
        }
    }

    /// Of a list, whose length counts.
    ///
    /// Pedersen: each item in turn from zero on, then how many there were. Poseidon: a sponge, with
    /// a one and zeros after the last item.
    pub fn list(self, items: &[Felt]) -> Felt {
        match self {
            Self::Pedersen => {
                let mut hasher = PedersenHasher::new();
                items.iter().for_each(|item| hasher.update(*item));
                hasher.finalize()
            }
            Self::Poseidon => poseidon_hash_many(items),
        }
    }
}
