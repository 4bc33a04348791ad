//! T10 to T12: what accounts say about member keys. Evidence alone: membership changes by batches.

use starknet::storage::{
    StoragePathEntry, StoragePointerReadAccess, StoragePointerWriteAccess,
};
use crate::bytes::{WriterTrait, keccak, keccak_pair, keccak_word};
use crate::bytes32::{Bytes32, Bytes32Trait};
use crate::error;
use crate::event::{Bound, Claimed, Event, Unbound, emit};
use crate::head::Head;
use crate::interface::Invite;
use crate::record::{Record, RecordTrait, caller, now, require_active};
use crate::signature;

/// Bit of the flags: invitations may be claimed on chain.
pub const FLAG_CLAIMS: u8 = 1;
const PROOF_MAX: usize = 32;
/// A BLS12-381 key in G2 has 96 bytes.
const KEY_BYTES_MAX: usize = 96;
const SIGNATURE_BYTES_MAX: usize = 256;

/// Tells that the caller and `key` belong together, once `key` signed so.
pub fn bind(
    record: Record,
    context: Bytes32,
    domain: Bytes32,
    scheme: u8,
    key: ByteArray,
    signature: ByteArray,
    expiry: u64,
) {
    let by = caller();
    require_active(@record.load());
    let length = signature.len();
    let sized = is_key(@key) && length != 0 && length <= SIGNATURE_BYTES_MAX;
    assert(sized && now() <= expiry, error::E60_BAD_BINDING);
    let mut preimage: ByteArray = "cam1-bind";
    preimage.put_word(domain);
    preimage.put_account(by);
    preimage.put_u8(scheme);
    preimage.put_short(@key);
    preimage.put_u64(expiry);
    let digest = keccak(@preimage);
    let holds = signature::is_by_key(scheme, @key, digest, @signature);
    assert(holds, error::E60_BAD_BINDING);
    emit(Event::Bound(Bound { context, by, scheme, key, signature, expiry }));
}

/// Tells that the caller and `key` belong together no longer.
pub fn unbind(record: Record, context: Bytes32, key: ByteArray) {
    let by = caller();
    require_active(@record.load());
    emit(Event::Unbound(Unbound { context, by, key }));
}

/// Uses one use of an invitation up, for the caller and `key`.
pub fn claim(
    record: Record,
    context: Bytes32,
    domain: Bytes32,
    key: ByteArray,
    invite: Invite,
    use_number: u32,
    proof: Span<Bytes32>,
    signature: ByteArray,
) {
    let by = caller();
    let leaf = invited(record, @record.load(), invite, use_number, proof);
    let mut used = "";
    used.put_word(leaf);
    used.put_u32(use_number);
    let nullifier = keccak(@used);
    assert(!record.nullifiers.entry(nullifier).read(), error::E74_INVITE_USED);
    assert(is_key(@key), error::E73_BAD_INVITE_SIGNATURE);
    let mut preimage: ByteArray = "cam1-claim";
    preimage.put_word(domain);
    preimage.put_account(by);
    preimage.put_short(@key);
    let holds = signature::is_by(invite.key, keccak(@preimage), @signature);
    assert(holds, error::E73_BAD_INVITE_SIGNATURE);
    record.nullifiers.entry(nullifier).write(true);
    emit(Event::Claimed(Claimed { context, by, key, leaf, use_number }));
}

/// Whether `leaf` is under `root`, with sorted pairs; nothing is under no root.
pub fn is_under(root: Bytes32, leaf: Bytes32, proof: Span<Bytes32>) -> bool {
    if root.is_zero() || proof.len() > PROOF_MAX {
        return false;
    }
    let mut node: u256 = leaf.into();
    for sibling in proof {
        let sibling: u256 = (*sibling).into();
        node = if node < sibling {
            keccak_pair(node, sibling).into()
        } else {
            keccak_pair(sibling, node).into()
        };
    }
    node == root.into()
}

/// The leaf of an invitation that has such a use and did not end.
fn invited(
    record: Record, head: @Head, invite: Invite, use_number: u32, proof: Span<Bytes32>,
) -> Bytes32 {
    require_active(head);
    assert(*head.flags & FLAG_CLAIMS != 0, error::E70_NO_CLAIMS);
    let mut fields = "";
    fields.append_word(invite.key.into(), 20);
    fields.put_u64(invite.expiry);
    fields.put_u8(invite.role);
    fields.put_u32(invite.uses);
    let leaf = keccak_word(keccak(@fields));
    let there = use_number < invite.uses && is_under(record.invite_root.read(), leaf, proof);
    assert(there, error::E71_NOT_INVITED);
    assert(now() <= invite.expiry, error::E72_INVITE_EXPIRED);
    leaf
}

fn is_key(key: @ByteArray) -> bool {
    let length = key.len();
    length != 0 && length <= KEY_BYTES_MAX
}
