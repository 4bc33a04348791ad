//! Proofs about the Internet Computer's state, from nothing but a root key that is trusted.
//!
//! Pure: no clock, no network. A value is found, proved absent, unknown, or no value; the four are
//! never mixed up. Reading order: `cbor` → `hash_tree` → `bls` → `certificate` → `witness` →
//! `outcome`.

mod bls;
pub(crate) mod cbor;
mod certificate;
mod claims;
mod hash_tree;
mod outcome;
mod witness;

pub(crate) use self::{
    bls::DER_PREFIX,
    certificate::{leb128, principals},
    claims::{root_key, said, verify},
};
pub use self::{
    bls::{BadBls, BlsKey, RootKey},
    cbor::BadCbor,
    certificate::{AGE_MAX_NS, BadCertificate, Certified, Scope, certificate},
    hash_tree::{BadTree, HashTree, Lookup},
    outcome::{Outcome, outcome},
    witness::{BadWitness, witness},
};
