//! One signed batch of operations by one author, and the proofs of how far it was checked.

use borsh::{BorshDeserialize, BorshSerialize};
use types::{
    ContextId, DeltaId, EntryId, Hash, Hlc, MemberKey, MemberSecret, Signature, Signed, Tagged,
};

use crate::{bounded, rejection::Rejection};

/// Bytes of one payload at most: a guest's largest writes fit, and a message holds one whole.
pub const PAYLOAD_MAX_BYTES: usize = 4 << 20;

/// Dependencies of one delta at most: 40 kB of the header.
pub const DEPS_MAX: usize = 1_000;

/// A position in another author's chain that the author had merged.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
pub struct Dep {
    /// Whose chain.
    pub author: MemberKey,
    /// Up to which delta, from 1.
    pub seq: u64,
}

/// What an author says: operations, and where they stand among everybody's.
///
/// Signature and id cover the [`Header`], which holds the payload's hash: a large payload is
/// hashed once by BLAKE3 and never copied to be checked, and a proof about a delta stays small.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct DeltaBody {
    /// Where.
    pub context: ContextId,
    /// Whose chain.
    pub author: MemberKey,
    /// Position in the author's chain, from 1.
    pub seq: u64,
    /// The author's delta before; all zero at 1.
    pub prev: DeltaId,
    /// What the author had merged since its delta before, ascending by author, itself left out.
    #[borsh(deserialize_with = "bounded::list::<Dep, _, DEPS_MAX>")]
    pub deps: Vec<Dep>,
    /// The log entry under whose rules the author wrote.
    pub acl_epoch: u64,
    /// That entry's id.
    pub acl_hash: EntryId,
    /// The author's clock, above everything it had merged.
    pub hlc: Hlc,
    /// The key epoch in force.
    pub key_epoch: u32,
    /// Operations; `sync` never looks inside. At most [`PAYLOAD_MAX_BYTES`].
    #[borsh(deserialize_with = "bounded::bytes::<_, PAYLOAD_MAX_BYTES>")]
    pub payload: Vec<u8>,
}

/// A [`DeltaBody`] with its payload replaced by the payload's hash: what is signed.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Header {
    /// As in [`DeltaBody`], like all that follow.
    pub context: ContextId,
    /// Whose chain.
    pub author: MemberKey,
    /// Position in it.
    pub seq: u64,
    /// The one before.
    pub prev: DeltaId,
    /// What the author had merged.
    #[borsh(deserialize_with = "bounded::list::<Dep, _, DEPS_MAX>")]
    pub deps: Vec<Dep>,
    /// Epoch of the log entry that it cites.
    pub acl_epoch: u64,
    /// Id of that entry.
    pub acl_hash: EntryId,
    /// The author's clock.
    pub hlc: Hlc,
    /// The key epoch in force.
    pub key_epoch: u32,
    /// BLAKE3 of the payload.
    pub payload_hash: Hash,
}

/// A signed delta as it travels and is stored. Holding one proves nothing: see [`Authentic`].
pub type Delta = Signed<DeltaBody>;

/// A delta's header with the same signature as the delta.
pub type SignedHeader = Signed<Header>;

/// A well-formed delta whose author signed it. Whether it counts is still open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authentic {
    delta: Delta,
    id: DeltaId,
}

/// A delta that counts: its predecessor and dependencies are in, its author had the right to
/// write at the epoch that it cites, and no later cut excludes it. Only a replica makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified(Authentic);

impl DeltaBody {
    /// The part that is signed. Hashes the payload.
    pub fn header(&self) -> Header {
        Header {
            context: self.context,
            author: self.author,
            seq: self.seq,
            prev: self.prev,
            deps: self.deps.clone(),
            acl_epoch: self.acl_epoch,
            acl_hash: self.acl_hash,
            hlc: self.hlc,
            key_epoch: self.key_epoch,
            payload_hash: Hash::of(&self.payload),
        }
    }

    fn is_well_formed(&self) -> bool {
        let ascending = self.deps.is_sorted_by(|a, b| a.author < b.author);
        let foreign = |dep: &Dep| dep.author != self.author && dep.seq > 0;
        let first = self.prev == NO_DELTA;
        self.payload.len() <= PAYLOAD_MAX_BYTES
            && self.deps.len() <= DEPS_MAX
            && ascending
            && self.deps.iter().all(foreign)
            && self.seq > 0
            && (self.seq == 1) == first
    }
}

/// The `prev` of an author's first delta.
pub const NO_DELTA: DeltaId = DeltaId::from_bytes([0; 32]);

impl Tagged for DeltaBody {
    const TAG: &'static str = Header::TAG;

    /// The header's preimage.
    fn preimage(&self) -> Vec<u8> {
        self.header().preimage()
    }

    /// The header's digest.
    fn digest(&self) -> Hash {
        self.header().digest()
    }
}

impl Tagged for Header {
    const TAG: &'static str = "anchorhold/delta/1";
}

impl Authentic {
    /// Signs `body` as its author: the one way to make a delta.
    ///
    /// # Errors
    /// [`Rejection::Malformed`] if the body breaks a bound, or `secret` is not its author's.
    pub fn sign(body: DeltaBody, secret: &MemberSecret) -> Result<Self, Rejection> {
        if body.author != secret.public() || !body.is_well_formed() {
            return Err(Rejection::Malformed);
        }
        let preimage = body.preimage();
        let signature = secret.sign_bytes(&preimage);
        Ok(Self { id: Hash::of(&preimage).into(), delta: Delta { body, signature } })
    }

    /// Checks form, bounds and signature of a delta from anywhere. Costs one hash of the payload
    /// and one signature check; nothing later repeats either.
    ///
    /// # Errors
    /// [`Rejection::Malformed`] or [`Rejection::BadSignature`].
    pub fn check(delta: Delta) -> Result<Self, Rejection> {
        if !delta.body.is_well_formed() {
            return Err(Rejection::Malformed);
        }
        let preimage = delta.body.preimage();
        let author = delta.body.author;
        author
            .verify_bytes(&preimage, &delta.signature)
            .map_err(|_| Rejection::BadSignature { author })?;
        Ok(Self { id: Hash::of(&preimage).into(), delta })
    }

    /// The delta inside.
    pub const fn delta(&self) -> &Delta {
        &self.delta
    }

    /// What the author said.
    pub const fn body(&self) -> &DeltaBody {
        &self.delta.body
    }

    /// Its id, computed when it was checked.
    pub const fn id(&self) -> DeltaId {
        self.id
    }

    /// The delta, for sending on.
    pub fn into_delta(self) -> Delta {
        self.delta
    }

    pub(crate) fn signed_header(&self) -> SignedHeader {
        SignedHeader { body: self.delta.body.header(), signature: self.delta.signature }
    }
}

impl Verified {
    /// The caller has checked all that the type promises.
    pub(crate) const fn vouch(delta: Authentic) -> Self {
        Self(delta)
    }

    /// The delta inside.
    pub const fn delta(&self) -> &Delta {
        &self.0.delta
    }

    /// What the author said.
    pub const fn body(&self) -> &DeltaBody {
        &self.0.delta.body
    }

    /// Its id.
    pub const fn id(&self) -> DeltaId {
        self.0.id
    }

    /// The author's signature.
    pub const fn signature(&self) -> &Signature {
        &self.0.delta.signature
    }

    /// The delta, for storing or merging without a copy.
    pub fn into_delta(self) -> Delta {
        self.0.delta
    }
}

/// The signed header of `delta`, e.g. of one read from the store.
pub fn signed_header(delta: &Delta) -> SignedHeader {
    SignedHeader { body: delta.body.header(), signature: delta.signature }
}
