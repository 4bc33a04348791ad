//! Proof that an author signed two deltas for one position of its chain.

use borsh::{BorshDeserialize, BorshSerialize};
use types::{ContextId, DeltaId, MemberKey, Tagged as _};

use crate::{delta::SignedHeader, rejection::Rejection};

/// Two headers of one author with one `seq`. Kept by every node, and handed on.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ForkProof {
    /// The one with the lower id.
    lower: SignedHeader,
    /// The one with the higher id.
    higher: SignedHeader,
}

impl ForkProof {
    /// The proof that these two make.
    ///
    /// # Errors
    /// [`Rejection::NotAFork`] if they are one, or differ in author, position or context. The
    /// signatures are the caller's to know; see [`ForkProof::verify`].
    pub fn new(one: SignedHeader, other: SignedHeader) -> Result<Self, Rejection> {
        let (a, b) = (&one.body, &other.body);
        let alike = a.context == b.context && a.author == b.author && a.seq == b.seq;
        match one.digest().cmp(&other.digest()) {
            core::cmp::Ordering::Less if alike => Ok(Self { lower: one, higher: other }),
            core::cmp::Ordering::Greater if alike => Ok(Self { lower: other, higher: one }),
            _ => Err(Rejection::NotAFork),
        }
    }

    /// Whether this is a proof about an author in `context`: checks both signatures.
    ///
    /// # Errors
    /// [`Rejection::OtherContext`], [`Rejection::NotAFork`] or [`Rejection::BadSignature`].
    pub fn verify(&self, context: &ContextId) -> Result<(), Rejection> {
        if self.lower.body.context != *context {
            return Err(Rejection::OtherContext);
        }
        Self::new(self.lower.clone(), self.higher.clone())
            .and_then(|proof| if proof == *self { Ok(()) } else { Err(Rejection::NotAFork) })?;
        let author = self.author();
        let bad = |_| Rejection::BadSignature { author };
        self.lower.verify(&author).map_err(bad)?;
        self.higher.verify(&author).map_err(bad)
    }

    /// Whose chain is forked.
    pub const fn author(&self) -> MemberKey {
        self.lower.body.author
    }

    /// The position with two deltas.
    pub const fn seq(&self) -> u64 {
        self.lower.body.seq
    }

    /// Both headers.
    pub const fn headers(&self) -> [&SignedHeader; 2] {
        [&self.lower, &self.higher]
    }

    /// The predecessor in the chain on which the delta `id` stands, if it is one of the two, or
    /// if both have the same.
    pub(crate) fn prev_of(&self, id: &DeltaId) -> Option<DeltaId> {
        let [lower, higher] = self.headers().map(|header| header.body.prev);
        let is = |header: &SignedHeader| DeltaId::from(header.body.digest()) == *id;
        if lower == higher || is(&self.lower) {
            Some(lower)
        } else {
            is(&self.higher).then_some(higher)
        }
    }
}
