//! How far each author's chain is merged.

use std::collections::BTreeMap;

use borsh::{BorshDeserialize, BorshSerialize};
use types::{DeltaId, Hash, MemberKey, Tagged};

use crate::delta::NO_DELTA;

/// A position in one author's chain.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
pub struct Head {
    /// Number of deltas up to here.
    pub seq: u64,
    /// Id of the last; all zero at 0.
    pub id: DeltaId,
}

/// The last merged delta of each author that has one.
pub type Frontier = BTreeMap<MemberKey, Head>;

impl Head {
    /// Before the first delta.
    pub const NONE: Self = Self { seq: 0, id: NO_DELTA };
}

/// What two nodes compare to know whether they merged the same deltas. Linear in the authors.
pub fn frontier_hash(frontier: &Frontier) -> Hash {
    FrontierRef(frontier).digest()
}

#[derive(BorshSerialize)]
struct FrontierRef<'a>(&'a Frontier);

impl Tagged for FrontierRef<'_> {
    const TAG: &'static str = "anchorhold/frontier/1";
}
