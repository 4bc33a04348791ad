//! Names and signs things: ids, keys, hashes, signed envelopes, seals, the canonical encoding.
//!
//! Refuses to do I/O, read a clock or make randomness: callers pass a random source.
//! The only crate that knows the crypto libraries.
//!
//! Reading order: `encode` → `id` → `key` → `signed` → `account` → `time` → `seal` → `keccak`.
//!
//! # Invariants
//! - Whatever is hashed or signed goes through [`encode::Tagged`]: a domain tag, a version, borsh.
//! - [`decode`] is bounded and accepts exactly one encoding of each value: no trailing bytes.
//! - Secrets never appear in `Debug`, and are wiped when dropped.
#![no_std]

extern crate alloc;

pub mod account;
pub mod encode;
mod id;
mod keccak;
pub mod key;
pub mod seal;
mod signed;
mod time;

pub use account::{AccountId, ChainId};
pub use encode::{DecodeError, Tagged, decode, encode};
pub use id::{AppId, ContextId, DeltaId, EntryId, Hash, InvitationId, ParseIdError, Root, TopicId};
pub use keccak::{keccak256, keccak256_concat};
pub use key::{
    ExchangeKey, ExchangeSecret, InviteAddress, InviteSecret, InviteSignature, MemberKey,
    MemberSecret, Signature, SignatureError,
};
pub use signed::Signed;
pub use time::{Hlc, UnixMillis};
