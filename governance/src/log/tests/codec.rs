//! Everything decodes to what was encoded, and no bytes make a decoder panic.

use alloc::{vec, vec::Vec};

use borsh::{BorshDeserialize, BorshSerialize};
use proptest::prelude::*;
use types::{DecodeError, DeltaId, EntryId, Hash, MemberKey, Signature, decode, encode};

use super::golden;
use crate::log::{
    Batch, Caps, Change, Claim, Cut, Entry, Envelopes, Invitation, MemberRecord, Order, Proposal,
    Revision, Role, SignedBatch, SignedGenesis, SignedInvitation, WalletProof,
};

fn round_trip<T: BorshSerialize + BorshDeserialize + PartialEq + core::fmt::Debug>(value: &T) {
    let bytes = encode(value);
    assert_eq!(decode::<T>(&bytes, bytes.len()).as_ref(), Ok(value));
    let mut longer = bytes.clone();
    longer.push(0);
    assert_eq!(decode::<T>(&longer, longer.len()), Err(DecodeError::Malformed));
    let (_, shorter) = bytes.split_last().expect("some bytes");
    assert_eq!(decode::<T>(shorter, bytes.len()), Err(DecodeError::Malformed));
}

fn key() -> impl Strategy<Value = MemberKey> {
    any::<[u8; 32]>().prop_map(MemberKey::from_bytes)
}

fn signature() -> impl Strategy<Value = Signature> {
    any::<[u8; 32]>().prop_map(|half| {
        let mut bytes = [7; 64];
        bytes[..32].copy_from_slice(&half);
        Signature::from_bytes(bytes)
    })
}

fn position() -> impl Strategy<Value = Cut> {
    (key(), any::<u64>(), any::<[u8; 32]>()).prop_map(|(member, seq, id)| Cut {
        member,
        seq,
        id: DeltaId::from_bytes(id),
    })
}

fn simple_change() -> impl Strategy<Value = Change> {
    let role =
        prop_oneof![Just(Role::ReadOnly), Just(Role::Member), Just(Role::Admin), Just(Role::Owner)];
    let caps = (0u8..8).prop_map(|bits| Caps::from_bits(bits).expect("known"));
    prop_oneof![
        key().prop_map(|member| Change::Remove { member }),
        (key(), role).prop_map(|(member, role)| Change::SetRole { member, role }),
        (key(), caps).prop_map(|(member, caps)| Change::SetCaps { member, caps }),
        (key(), any::<u64>())
            .prop_map(|(member, expires_epoch)| { Change::Nominate { member, expires_epoch } }),
        (key(), signature()).prop_map(|(member, proof)| Change::Accept { member, proof }),
        (key(), signature()).prop_map(|(member, proof)| Change::Renounce { member, proof }),
        key().prop_map(|to| Change::OfferOwnership { to }),
        signature().prop_map(|proof| Change::AcceptOwnership { proof }),
    ]
}

fn batch() -> impl Strategy<Value = Batch> {
    let changes = proptest::collection::vec(simple_change(), 0..20);
    let positions = || proptest::collection::vec(position(), 0..20);
    (changes, positions(), positions(), any::<[u8; 32]>(), any::<u64>(), any::<u32>(), key())
        .prop_map(|(mut changes, cuts, data_final, hash, epoch, key_epoch, author)| {
            changes.extend(golden::batch().changes.into_iter().take(1));
            Batch {
                context: Hash::from_bytes(hash).into(),
                prev: EntryId::from_bytes(hash),
                epoch,
                changes,
                cuts,
                data_final,
                key_epoch,
                envelopes_hash: Hash::from_bytes(hash),
                author,
            }
        })
}

proptest! {
    #[test]
    fn entries_come_back_as_they_went(
        batch in batch(),
        signature in signature(),
        time_s: u64,
        rev: u64,
        kind: u8,
        payload in proptest::collection::vec(any::<u8>(), 0..300),
        is_chain: bool,
    ) {
        let order = if is_chain {
            Order::Chain(Revision { rev, kind, payload, ..golden::revision() })
        } else {
            Order::Owner { time_s, signature }
        };
        round_trip(&batch);
        let batch = Some(SignedBatch { body: batch, signature });
        round_trip(&Entry { batch, ..golden::entry(order) });
    }

    #[test]
    fn no_bytes_make_a_decoder_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        fn is_canonical<T: BorshSerialize + BorshDeserialize>(bytes: &[u8]) {
            if let Ok(value) = decode::<T>(bytes, bytes.len()) {
                assert_eq!(encode(&value), bytes);
            }
        }
        is_canonical::<Entry>(&bytes);
        is_canonical::<SignedBatch>(&bytes);
        is_canonical::<SignedGenesis>(&bytes);
        is_canonical::<SignedInvitation>(&bytes);
        is_canonical::<Claim>(&bytes);
        is_canonical::<Proposal>(&bytes);
        is_canonical::<Envelopes>(&bytes);
        is_canonical::<Revision>(&bytes);
        is_canonical::<MemberRecord>(&bytes);
        is_canonical::<Invitation>(&bytes);
    }

    #[test]
    fn a_changed_byte_of_an_entry_never_panics(at: proptest::sample::Index, byte: u8) {
        let order = Order::Owner { time_s: 1, signature: Signature::from_bytes([1; 64]) };
        let mut bytes = encode(&golden::entry(order));
        *at.get_mut(&mut bytes) = byte;
        if let Ok(entry) = decode::<Entry>(&bytes, bytes.len()) {
            assert_eq!(encode(&entry), bytes);
        }
    }
}

#[test]
fn unknown_capabilities_and_roles_are_refused() {
    for bits in 0..=u8::MAX {
        let known = bits < 8;
        assert_eq!(decode::<Caps>(&[bits], 1).is_ok(), known, "{bits}");
        assert_eq!(Caps::from_bits(bits).is_some(), known, "{bits}");
        assert_eq!(decode::<Role>(&[bits], 1).is_ok(), bits < 4, "{bits}");
    }
}

#[test]
fn lists_over_their_bound_are_refused_at_decode() {
    let too_many = Batch {
        changes: vec![Change::Remove { member: super::world::key("bob") }; 257],
        ..golden::batch()
    };
    let bytes = encode(&too_many);
    assert_eq!(decode::<Batch>(&bytes, bytes.len()), Err(DecodeError::Malformed));
    let long = WalletProof { scheme: 1, message: vec![0; 16_385], signature: Vec::new() };
    let bytes = encode(&long);
    assert_eq!(decode::<WalletProof>(&bytes, bytes.len()), Err(DecodeError::Malformed));
    let claims_much = [1, 255, 255, 255, 255];
    assert_eq!(decode::<WalletProof>(&claims_much, 5), Err(DecodeError::Malformed));
}
