//! Candid types, as far as this side reads or writes them: other fields and cases of the interface
//! are skipped.

use core::fmt;

use candid::{
    CandidType, Principal,
    types::{Serializer, Type, TypeInner},
};
use serde::{
    Deserialize, Deserializer,
    de::{Error, SeqAccess, Visitor},
};

/// Bytes, which go to and from Candid in one piece.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Blob(pub(crate) Vec<u8>);

impl CandidType for Blob {
    fn _ty() -> Type {
        TypeInner::Vec(TypeInner::Nat8.into()).into()
    }

    fn idl_serialize<S: Serializer>(&self, serializer: S) -> Result<(), S::Error> {
        serializer.serialize_blob(&self.0)
    }
}

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_byte_buf(Bytes).map(Self)
    }
}

struct Bytes;

impl<'de> Visitor<'de> for Bytes {
    type Value = Vec<u8>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bytes")
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
        Ok(bytes.to_vec())
    }

    fn visit_byte_buf<E: Error>(self, bytes: Vec<u8>) -> Result<Vec<u8>, E> {
        Ok(bytes)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Vec<u8>, A::Error> {
        let mut bytes = Vec::new();
        while let Some(byte) = items.next_element()? {
            bytes.push(byte);
        }
        Ok(bytes)
    }
}

/// The proof of where a record stands.
#[derive(Debug, CandidType, Deserialize)]
pub(crate) struct Certified {
    pub(super) certificate: Option<Blob>,
    pub(super) witness: Blob,
}

impl Certified {
    /// The subnet's certificate, if there is one.
    pub(crate) fn certificate(&self) -> Option<&[u8]> {
        self.certificate.as_ref().map(|blob| blob.0.as_slice())
    }

    /// The registry's hash tree, in CBOR.
    pub(crate) fn witness(&self) -> &[u8] {
        &self.witness.0
    }
}

#[derive(Debug, CandidType, Deserialize)]
pub(super) struct CertifiedRevisions {
    pub(super) revisions: Vec<RevisionView>,
}

#[derive(Debug, CandidType, Deserialize)]
pub(super) struct RevisionView {
    pub(super) rev: u64,
    pub(super) kind: u8,
    pub(super) time_ns: u64,
    pub(super) payload: Blob,
    pub(super) log_head: Blob,
}

#[derive(Debug, CandidType, Deserialize)]
pub(super) struct CertifiedRecord {
    pub(super) certified: Certified,
    pub(super) record: Option<RecordView>,
}

#[derive(Debug, CandidType, Deserialize)]
pub(super) struct RecordView {
    pub(super) context: Blob,
    pub(super) members_root: Blob,
}

#[derive(Debug, CandidType, Deserialize)]
pub(super) struct CertifiedProposals {
    pub(super) certified: Certified,
    pub(super) proposals: Vec<ProposalView>,
}

#[derive(Debug, CandidType, Deserialize)]
pub(super) struct ProposalView {
    pub(super) seq: u64,
    pub(super) actions: Blob,
    pub(super) actions_hash: Blob,
    pub(super) approved_by: Vec<Principal>,
    pub(super) eta_s: Option<u64>,
    pub(super) expiry_s: u64,
    pub(super) threshold: u8,
    pub(super) class: u8,
    pub(super) proposer: Principal,
}

#[derive(Debug, CandidType, Deserialize)]
pub(super) struct Outcome {
    pub(super) events: Vec<Event>,
}

/// A case that this side does not know is an error, not a guess.
#[derive(Debug, CandidType, Deserialize)]
pub(super) enum Event {
    Rev { rev: u64 },
    Proposed { seq: u64 },
    Approved {},
    Unapproved {},
    Queued {},
    Executed {},
    Canceled {},
    Vetoed {},
    Expired {},
    Bound {},
    Unbound {},
    Claimed {},
}

#[derive(Debug, CandidType, Deserialize)]
pub(super) struct Refusal {
    pub(super) code: u16,
}

#[derive(Debug, CandidType)]
pub(super) struct Terms {
    pub(super) app: Blob,
    pub(super) members_root: Blob,
    pub(super) members_count: u32,
    pub(super) flags: u8,
    pub(super) delays_s: Delays,
    pub(super) guardian: Option<Principal>,
    pub(super) context: Blob,
}

#[derive(Debug, CandidType)]
pub(super) struct Delays {
    pub(super) routine: u32,
    pub(super) app: u32,
    pub(super) admin: u32,
    pub(super) root: u32,
}

#[derive(Debug, CandidType)]
pub(super) struct Invite {
    pub(super) key: Blob,
    pub(super) expiry_s: u64,
    pub(super) role: u8,
    pub(super) uses: u32,
}
