//! What travels: every message survives its encoding, and no bytes make a decoder panic.

use anchorhold_sync::{
    Authentic, Delta, DeltaBody, Dep, FORKS_MAX, ForkProof, Head, Heartbeat, MESSAGE_MAX_BYTES,
    Message, NO_DELTA, Positions, RANGES_MAX, Range, Reply, signed_header,
};
use governance::log::{Batch, Change, Cut, Entry, Envelopes, Order, Proposal, Role};
use proptest::{collection::vec, prelude::*};
use types::{
    ContextId, DecodeError, DeltaId, EntryId, Hash, Hlc, MemberKey, MemberSecret, Root, Signature,
    Signed, Tagged as _, decode, encode,
};

fn key() -> impl Strategy<Value = MemberKey> {
    any::<[u8; 32]>().prop_map(MemberKey::from_bytes)
}

fn signature() -> impl Strategy<Value = Signature> {
    (any::<[u8; 32]>(), any::<[u8; 32]>()).prop_map(|(a, b)| {
        let mut bytes = [0; 64];
        bytes[..32].copy_from_slice(&a);
        bytes[32..].copy_from_slice(&b);
        Signature::from_bytes(bytes)
    })
}

prop_compose! {
    fn delta()(
        (context, prev, acl_hash) in any::<([u8; 32], [u8; 32], [u8; 32])>(),
        author in key(),
        (seq, acl_epoch, millis) in any::<(u64, u64, u64)>(),
        (count, key_epoch) in any::<(u32, u32)>(),
        deps in vec((key(), any::<u64>()), 0..5),
        payload in vec(any::<u8>(), 0..200),
        signature in signature(),
    ) -> Delta {
        let deps = deps.into_iter().map(|(author, seq)| Dep { author, seq }).collect();
        let body = DeltaBody {
            context: ContextId::from_bytes(context),
            author,
            seq,
            prev: DeltaId::from_bytes(prev),
            deps,
            acl_epoch,
            acl_hash: EntryId::from_bytes(acl_hash),
            hlc: Hlc { millis, count },
            key_epoch,
            payload,
        };
        Signed { body, signature }
    }
}

prop_compose! {
    fn proposal()(
        (context, prev, envelopes_hash) in any::<([u8; 32], [u8; 32], [u8; 32])>(),
        (epoch, key_epoch, seq) in any::<(u64, u32, u64)>(),
        author in key(),
        members in vec(key(), 1..4),
        signature in signature(),
    ) -> Proposal {
        let cut = |member: &MemberKey| Cut { member: *member, seq, id: DeltaId::from_bytes(prev) };
        let role = Role::ReadOnly;
        let changes = members.iter().map(|member| Change::SetRole { member: *member, role });
        let body = Batch {
            context: ContextId::from_bytes(context),
            prev: EntryId::from_bytes(prev),
            epoch,
            changes: changes.collect(),
            cuts: members.iter().map(cut).collect(),
            data_final: Vec::new(),
            key_epoch,
            envelopes_hash: Hash::from_bytes(envelopes_hash),
            author,
        };
        Proposal { batch: Signed { body, signature }, envelopes: Envelopes::none(key_epoch) }
    }
}

fn entry() -> impl Strategy<Value = Entry> {
    (proposal(), any::<u64>(), signature()).prop_map(|(proposal, time_s, signature)| Entry {
        epoch: proposal.batch.body.epoch,
        prev: proposal.batch.body.prev,
        order: Order::Owner { time_s, signature },
        batch: Some(proposal.batch),
        envelopes: Some(proposal.envelopes),
    })
}

fn positions() -> impl Strategy<Value = Positions> {
    let head = (key(), any::<(u64, [u8; 32])>())
        .prop_map(|(key, (seq, id))| (key, Head { seq, id: DeltaId::from_bytes(id) }));
    let reply = prop_oneof![Just(Reply::Wanted), Just(Reply::Given)];
    (reply, vec(head, 0..9), vec((key(), any::<u64>()), 0..9))
        .prop_map(|(reply, heads, forks)| Positions { reply, heads, forks })
}

fn fork() -> impl Strategy<Value = ForkProof> {
    (delta(), delta()).prop_map(|(one, mut other)| {
        (other.body.author, other.body.seq) = (one.body.author, one.body.seq);
        other.body.context = one.body.context;
        ForkProof::new(signed_header(&one), signed_header(&other)).expect("two places alike")
    })
}

fn message() -> impl Strategy<Value = Message> {
    let range = (key(), any::<(u64, u64)>()).prop_map(|(author, (after_seq, up_to))| Range {
        author,
        after_seq,
        up_to,
    });
    let beat = any::<(u64, [u8; 32], [u8; 32], [u8; 32])>().prop_map(|(acl_epoch, a, b, c)| {
        let (acl_head, frontier) = (EntryId::from_bytes(a), Hash::from_bytes(b));
        Heartbeat { acl_epoch, acl_head, frontier, root: Root::from_bytes(c) }
    });
    prop_oneof![
        beat.prop_map(Message::Heartbeat),
        delta().prop_map(|delta| Message::Fresh(Box::new(delta))),
        positions().prop_map(Message::Frontier),
        (any::<u32>(), vec(range, 0..9))
            .prop_map(|(request, ranges)| Message::WantDeltas { request, ranges }),
        (any::<u32>(), vec(delta(), 0..5))
            .prop_map(|(request, deltas)| Message::Deltas { request, deltas }),
        vec(key(), 0..9).prop_map(Message::WantForks),
        vec(fork(), 0..4).prop_map(Message::Forks),
        any::<u64>().prop_map(|after_epoch| Message::WantEntries { after_epoch }),
        vec(entry(), 0..4).prop_map(Message::Entries),
        proposal().prop_map(|proposal| Message::Proposal(Box::new(proposal))),
    ]
}

proptest! {
    #[test]
    fn messages_survive_their_encoding(message in message()) {
        prop_assert_eq!(Message::decode(&message.encode()), Ok(message));
    }

    #[test]
    fn any_bytes_are_a_message_or_an_error(bytes in vec(any::<u8>(), 0..400)) {
        drop(Message::decode(&bytes));
        drop(Message::decode(&[&[Message::VERSION], bytes.as_slice()].concat()));
        drop(decode::<Delta>(&bytes, MESSAGE_MAX_BYTES));
        drop(decode::<ForkProof>(&bytes, MESSAGE_MAX_BYTES));
    }

    #[test]
    fn a_changed_byte_gives_an_error_or_another_message(
        message in message(),
        at in any::<prop::sample::Index>(),
        by in 1..=255_u8,
    ) {
        let mut bytes = message.encode();
        let at = at.index(bytes.len());
        bytes[at] ^= by;
        prop_assert_ne!(Message::decode(&bytes), Ok(message));
    }

    #[test]
    fn a_shorter_or_longer_message_is_refused(message in message(), end in any::<u8>()) {
        let bytes = message.encode();
        prop_assert!(Message::decode(&bytes[..bytes.len() - 1]).is_err());
        prop_assert!(Message::decode(&[bytes.as_slice(), &[end]].concat()).is_err());
    }

    #[test]
    fn headers_have_the_digest_and_signature_bytes_of_their_delta(delta in delta()) {
        let header = signed_header(&delta);
        prop_assert_eq!(header.body.preimage(), delta.body.preimage());
        prop_assert_eq!(header.digest(), delta.digest());
    }
}

#[test]
fn lists_beyond_their_bound_are_refused() {
    let range = Range { author: MemberKey::from_bytes([1; 32]), after_seq: 0, up_to: 1 };
    let fits = Message::WantDeltas { request: 0, ranges: vec![range; RANGES_MAX] };
    assert_eq!(Message::decode(&fits.encode()), Ok(fits));
    let bloated = Message::WantDeltas { request: 0, ranges: vec![range; RANGES_MAX + 1] };
    assert_eq!(Message::decode(&bloated.encode()), Err(DecodeError::Malformed));
    let bloated = Message::WantForks(vec![range.author; FORKS_MAX + 1]);
    assert_eq!(Message::decode(&bloated.encode()), Err(DecodeError::Malformed));
    let size = MESSAGE_MAX_BYTES + 1;
    let long = [&[Message::VERSION], vec![0; size].as_slice()].concat();
    let too_long = DecodeError::TooLong { size, max: MESSAGE_MAX_BYTES };
    assert_eq!(Message::decode(&long), Err(too_long));
    assert_eq!(Message::decode(&[2, 0]), Err(DecodeError::Malformed));
    assert_eq!(Message::decode(&[]), Err(DecodeError::Malformed));
}

/// Changing this fixture means changing the protocol: raise the version in the tag instead.
#[test]
fn the_encoding_of_a_delta_is_fixed() {
    let secret = MemberSecret::from_seed(&[1; 32]);
    let body = DeltaBody {
        context: ContextId::from_bytes([2; 32]),
        author: secret.public(),
        seq: 1,
        prev: NO_DELTA,
        deps: vec![Dep { author: MemberKey::from_bytes([3; 32]), seq: 4 }],
        acl_epoch: 5,
        acl_hash: EntryId::from_bytes([6; 32]),
        hlc: Hlc { millis: 7, count: 8 },
        key_epoch: 9,
        payload: b"payload".to_vec(),
    };
    let delta = Authentic::sign(body, &secret).expect("well-formed");
    let id = "5a54d12dde4bdb58722e7a6c348dad201e50a95c0e7973969c106dae1d1bfc42";
    assert_eq!(delta.id().to_string(), id);
    let bytes = Hash::of(&encode(delta.delta()));
    assert_eq!(
        bytes.to_string(),
        "61f621d1141ce5279a949d3c4c461b89b59a359f7836acd7762818806b0e4fef"
    );
    let message = Message::Fresh(Box::new(delta.into_delta())).encode();
    assert_eq!(
        Hash::of(&message).to_string(),
        "7451fb18c7cf2e17f4d5d9b86488519014aaebee63ae247725aed134d5c9909e"
    );
}
