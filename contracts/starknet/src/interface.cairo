//! What the registry is asked, in the order of ../../README.md's table.

use starknet::{ContractAddress, EthAddress};
use crate::bytes32::Bytes32;

/// How a record begins. `flags` has bit 0 if invitations may be claimed on chain; `delays` are
/// seconds per class (routine, app, admin, root); a zero `guardian` is none.
#[derive(Drop, Serde)]
pub struct Terms {
    pub app_hash: Bytes32,
    pub members_root: Bytes32,
    pub members_count: u32,
    pub flags: u8,
    pub delays: [u32; 4],
    pub guardian: ContractAddress,
    pub context_key_hash: Bytes32,
}

/// An invitation: the address of the key that its link carries, its last second, what its holder
/// becomes, and how many may come with it.
#[derive(Copy, Drop, Serde)]
pub struct Invite {
    pub key: EthAddress,
    pub expiry: u64,
    pub role: u8,
    pub uses: u32,
}

/// What stands beside the head. `delays` are those that count at present; `frozen_until` and
/// `last_freeze` are Unix seconds, 0 if it never was frozen; a zero `guardian` is none.
#[derive(Drop, Serde)]
pub struct Record {
    pub context_key_hash: Bytes32,
    pub app_hash: Bytes32,
    pub members_root: Bytes32,
    pub meta_hash: Bytes32,
    pub invite_root: Bytes32,
    pub members_count: u32,
    pub delays: [u32; 4],
    pub open_proposals: u8,
    pub guardian: ContractAddress,
    pub frozen_until: u64,
    pub last_freeze: u64,
}

/// Whether an account holds a seat, which one and since which revision; until when a nomination of
/// it may be accepted (Unix seconds, 0 = none); how many proposals it has open.
#[derive(Drop, Serde)]
pub struct Admin {
    pub seated: bool,
    pub seat: u8,
    pub since: u64,
    pub nominated_until: u64,
    pub open: u8,
}

/// A proposal that is still open; all zero once it is closed or if it never was. `status` is 1
/// while approvals are missing, 2 once it is queued.
#[derive(Drop, Serde)]
pub struct Proposal {
    pub actions_hash: Bytes32,
    pub approvals: u64,
    pub withdrawn: u64,
    pub created_rev: u64,
    pub eta: u64,
    pub expiry: u64,
    pub threshold: u8,
    pub class: u8,
    pub status: u8,
    pub sets_guardian: bool,
    pub proposer: ContractAddress,
}

#[starknet::interface]
pub trait IRegistry<T> {
    /// Makes the record `context_id(caller, salt)` with the caller as its only admin.
    fn create(ref self: T, salt: Bytes32, terms: Terms) -> Bytes32;
    /// Proposes a batch of actions; the proposer approves by proposing. Gives its number.
    fn propose(ref self: T, context: Bytes32, actions: ByteArray, expiry: u64) -> u64;
    /// Proposes and, if one approval is enough and the class has no delay, executes.
    fn act(ref self: T, context: Bytes32, actions: ByteArray, expiry: u64) -> u64;
    /// Approves proposal `seq`, whose actions must hash to `actions_hash`.
    fn approve(ref self: T, context: Bytes32, seq: u64, actions_hash: Bytes32);
    /// Approves and, if that was the last approval needed and there is no delay, executes.
    fn approve_and_execute(ref self: T, context: Bytes32, seq: u64, actions: ByteArray);
    /// Takes the caller's approval back.
    fn unapprove(ref self: T, context: Bytes32, seq: u64);
    /// Withdraws a proposal: its proposer, or any admin once the proposer holds no seat.
    fn cancel(ref self: T, context: Bytes32, seq: u64);
    /// Refuses a proposal, as the guardian; not one that sets the guardian and that all admins
    /// approve.
    fn veto(ref self: T, context: Bytes32, seq: u64);
    /// Carries out a queued proposal whose delay is over. Anyone may.
    fn execute(ref self: T, context: Bytes32, seq: u64, actions: ByteArray);
    /// Frees the record of a proposal that ran out. Anyone may.
    fn expire(ref self: T, context: Bytes32, seq: u64);
    /// Takes the seat that the caller was nominated for.
    fn accept_admin(ref self: T, context: Bytes32);
    /// Gives the caller's seat up.
    fn renounce(ref self: T, context: Bytes32);
    /// Tells that the caller and the member `key` belong together. `scheme` 1 is Ed25519, which
    /// nodes check; 2 secp256k1 (`r ‖ s ‖ v`), 3 P-256 (`r ‖ s`), both with a key `x ‖ y`.
    fn bind(
        ref self: T,
        context: Bytes32,
        scheme: u8,
        key: ByteArray,
        signature: ByteArray,
        expiry: u64,
    );
    /// Tells that the caller and the member `key` belong together no longer.
    fn unbind(ref self: T, context: Bytes32, key: ByteArray);
    /// Uses use `use_number` (from 0) of an invitation up for the caller and its member `key`.
    fn claim_invite(
        ref self: T,
        context: Bytes32,
        key: ByteArray,
        invite: Invite,
        use_number: u32,
        proof: Span<Bytes32>,
        signature: ByteArray,
    );
    /// Stops grave proposals and all executions for 1 second up to 7 days, as the guardian, once
    /// in 30 days.
    fn freeze(ref self: T, context: Bytes32, secs: u32);

    /// Packed head and log head, as a storage proof shows them. Zero if unknown.
    fn head(self: @T, context: Bytes32) -> (Bytes32, Bytes32);
    /// The values beside the head.
    fn record(self: @T, context: Bytes32) -> Record;
    /// What `account` is there.
    fn admin(self: @T, context: Bytes32, account: ContractAddress) -> Admin;
    /// An open proposal.
    fn proposal(self: @T, context: Bytes32, seq: u64) -> Proposal;
    /// Whether `leaf` is under the members root. The caller must have computed `leaf` from a
    /// member's fields: an inner node given as a leaf would pass. At most 32 steps of proof.
    fn is_member(self: @T, context: Bytes32, leaf: Bytes32, proof: Span<Bytes32>) -> bool;
    /// `RD = keccak256("cam-1" ‖ len ‖ caip2 ‖ len ‖ registry)`.
    fn registry_domain(self: @T) -> Bytes32;
    /// The id of the record that `creator` makes with `salt`.
    fn context_id(self: @T, creator: ContractAddress, salt: Bytes32) -> Bytes32;
    /// `keccak256(RD ‖ context)`: where the log begins, and what member and invite keys sign about.
    fn domain(self: @T, context: Bytes32) -> Bytes32;
}
