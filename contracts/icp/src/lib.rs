//! Anchors of all contexts on the Internet Computer: CAM-1, version 1, as a canister.
//!
//! Keeps who governs a context, its application and the root of its members; orders what they
//! decide. What a call does is the model's to say (`governance::anchor`); here it is read from
//! stable memory, asked, and written back. Calls no other canister.
//!
//! Reading order: `wire` (Candid types) → `row` (what is stored) → `store` (the tables) → `room`
//! (who may write how much) → `heads` (the certified tree) → `host` (signatures) → `ask` (a call
//! and its batch as bytes) → `registry` (one transition) → `words` (a call in words) → `gate` (who
//! may call at all) → `updates`, `views`, `validate`, `lifecycle` (the methods).
//!
//! # Invariants
//! - A message does all of its work without waiting for another canister, so a trap undoes it all.
//! - A refused call changes nothing.
//! - Every path `["head", context]` of the certified tree is `head ‖ log head` of that record.
//! - What one message reads and writes is bounded: seats and open proposals are few, what a record
//!   collects over time is looked up by key.

mod ask;
mod gate;
mod heads;
mod host;
mod lifecycle;
mod registry;
mod room;
mod row;
mod store;
mod updates;
mod validate;
mod views;
mod wire;
mod words;

#[cfg(test)]
mod tests;

/// The interface, for whoever asks the canister for it; a test proves that it is the code's.
#[cfg(target_family = "wasm")]
#[expect(unsafe_code, reason = "the name of a section is all that is unsafe about it")]
#[unsafe(link_section = "icp:public candid:service")]
#[used]
static INTERFACE: [u8; include_bytes!("../registry.did").len()] =
    *include_bytes!("../registry.did");
