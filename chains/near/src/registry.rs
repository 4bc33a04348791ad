//! The registry's contract: what it is called with, what it keeps under which keys, what it tells.
//! Source: `contracts/near`.

mod call;
mod host;
mod kept;
mod told;

pub use self::call::call_arguments;
pub(crate) use self::{
    call::Ask,
    host::Host,
    kept::{Keys, heads, open_proposals, record, revision, seats},
    told::{Done, Told, code_of, done, revisions},
};

/// SHA-256 of the contract that this node knows.
///
/// An account's code is compared with it, so that a registry of another version is none.
pub(crate) fn code_hash() -> crate::CryptoHash {
    crate::CryptoHash::of(CODE)
}

/// The contract itself, as `cargo x contracts` builds it.
pub(crate) const CODE: &[u8] = include_bytes!("../../../contracts/near/artifact/registry.wasm");
