//! Where the contract keeps a record's head, so that proofs of it can be asked for. Source:
//! `records` and `Anchor` in `contracts/starknet/src`; Cairo, `starknet::storage::Map` and
//! `storage_node`.

use governance::anchor::OnChainId;
use starknet_types_core::felt::NonZeroFelt;

use super::serde::halves;
use crate::{
    felt::{Felt, starknet_keccak},
    hash::FeltHash,
    wallet::account::ADDRESS_BOUND,
};

/// The words of a record's head and log head, the high half of each first.
pub(crate) fn anchor(context: &OnChainId) -> [Felt; 4] {
    let base = member(context, &[starknet_keccak(b"anchor")]);
    [Felt::ZERO, Felt::ONE, Felt::TWO, Felt::THREE].map(|offset| base + offset)
}

/// The word of the revision since which seat `index` is held.
pub(crate) fn seat_since(context: &OnChainId, index: u8) -> Felt {
    member(context, &[starknet_keccak(b"seat_since"), Felt::from(index)])
}

/// The first word of a record's member.
fn member(context: &OnChainId, path: &[Felt]) -> Felt {
    let [high, low] = halves(context.as_hash().as_bytes());
    let steps = [high, low].into_iter().chain(path.iter().copied());
    let pair = |at: Felt, step: Felt| FeltHash::Pedersen.pair(&at, &step);
    let hash = steps.fold(starknet_keccak(b"records"), pair);
    hash.mod_floor(&NonZeroFelt::from_felt_unchecked(ADDRESS_BOUND))
}
