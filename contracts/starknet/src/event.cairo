//! What the registry tells. Every event is keyed by the record that it is about.

use starknet::{ContractAddress, SyscallResultTrait, syscalls::emit_event_syscall};
use crate::bytes32::Bytes32;

/// Past tense, right after the change.
#[derive(Drop, starknet::Event)]
pub enum Event {
    Rev: Rev,
    Proposed: Proposed,
    Approved: Approved,
    Unapproved: Unapproved,
    Queued: Queued,
    Executed: Executed,
    Canceled: Canceled,
    Vetoed: Vetoed,
    Expired: Expired,
    Bound: Bound,
    Unbound: Unbound,
    Claimed: Claimed,
}

/// Revision `rev` happened. The payload is the canonical one, so that
/// `log_head = keccak256(previous ‖ rev ‖ kind ‖ keccak256(payload))` can be recomputed.
#[derive(Drop, starknet::Event)]
pub struct Rev {
    #[key]
    pub context: Bytes32,
    #[key]
    pub rev: u64,
    pub kind: u8,
    pub payload: ByteArray,
    pub log_head: Bytes32,
}

/// `by` proposed `actions`, and thereby approved them.
#[derive(Drop, starknet::Event)]
pub struct Proposed {
    #[key]
    pub context: Bytes32,
    #[key]
    pub seq: u64,
    #[key]
    pub by: ContractAddress,
    pub actions: ByteArray,
    pub expiry: u64,
}

/// `by` approved proposal `seq`.
#[derive(Drop, starknet::Event)]
pub struct Approved {
    #[key]
    pub context: Bytes32,
    #[key]
    pub seq: u64,
    #[key]
    pub by: ContractAddress,
}

/// `by` took the approval of proposal `seq` back.
#[derive(Drop, starknet::Event)]
pub struct Unapproved {
    #[key]
    pub context: Bytes32,
    #[key]
    pub seq: u64,
    #[key]
    pub by: ContractAddress,
}

/// Proposal `seq` has the approvals it needs, and may be executed from `eta` on.
#[derive(Drop, starknet::Event)]
pub struct Queued {
    #[key]
    pub context: Bytes32,
    #[key]
    pub seq: u64,
    pub eta: u64,
}

/// All actions of proposal `seq` took effect; their `Rev` events precede this one.
#[derive(Drop, starknet::Event)]
pub struct Executed {
    #[key]
    pub context: Bytes32,
    #[key]
    pub seq: u64,
    #[key]
    pub by: ContractAddress,
}

/// Proposal `seq` was withdrawn.
#[derive(Drop, starknet::Event)]
pub struct Canceled {
    #[key]
    pub context: Bytes32,
    #[key]
    pub seq: u64,
    #[key]
    pub by: ContractAddress,
}

/// The guardian `by` refused proposal `seq`.
#[derive(Drop, starknet::Event)]
pub struct Vetoed {
    #[key]
    pub context: Bytes32,
    #[key]
    pub seq: u64,
    #[key]
    pub by: ContractAddress,
}

/// Proposal `seq` ran out and its record was freed.
#[derive(Drop, starknet::Event)]
pub struct Expired {
    #[key]
    pub context: Bytes32,
    #[key]
    pub seq: u64,
}

/// `by` says that the member `key` is its own; the key signed so.
#[derive(Drop, starknet::Event)]
pub struct Bound {
    #[key]
    pub context: Bytes32,
    #[key]
    pub by: ContractAddress,
    pub scheme: u8,
    pub key: ByteArray,
    pub signature: ByteArray,
    pub expiry: u64,
}

/// `by` says that the member `key` is its own no longer.
#[derive(Drop, starknet::Event)]
pub struct Unbound {
    #[key]
    pub context: Bytes32,
    #[key]
    pub by: ContractAddress,
    pub key: ByteArray,
}

/// `by` came with the member `key` by use `use_number` of the invitation `leaf`.
#[derive(Drop, starknet::Event)]
pub struct Claimed {
    #[key]
    pub context: Bytes32,
    #[key]
    pub by: ContractAddress,
    pub key: ByteArray,
    pub leaf: Bytes32,
    pub use_number: u32,
}

/// Tells the world.
pub fn emit(event: Event) {
    let mut keys = array![];
    let mut data = array![];
    starknet::Event::append_keys_and_data(@event, ref keys, ref data);
    emit_event_syscall(keys.span(), data.span()).unwrap_syscall();
}
