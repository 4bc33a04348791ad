//! Fixed values whose digests must never change: a layout change needs another tag.

use alloc::{
    format,
    string::{String, ToString as _},
    vec,
    vec::Vec,
};

use types::{
    ContextId, EntryId, Hash, InvitationId, MemberKey, Signature, Signed, Tagged, decode,
    seal::Envelope,
};

use super::world::{START_S, account, app, chain_genesis, cut, key, owner_genesis};
use crate::{
    log::{
        Acceptance, Admission, Batch, BlockRef, Caps, Change, Claim, ClaimBody, Entry, Envelopes,
        ExchangeProof, Invitation, Invitee, MemberRecord, Order, OwnerOrder, OwnershipAcceptance,
        Policy, Renunciation, Revision, Role, WalletProof,
    },
    members_root::Leaf,
};

const CONTEXT: ContextId = ContextId::from_bytes([0xc0; 32]);

#[track_caller]
fn check(value: &impl Tagged, digest: &str) {
    assert_eq!(value.digest().to_string(), digest);
    assert_eq!(Hash::of(&value.preimage()).to_string(), digest, "digest is of the preimage");
}

fn record() -> MemberRecord {
    MemberRecord {
        key: MemberKey::from_bytes([1; 32]),
        exchange: types::ExchangeKey::from_bytes([2; 32]),
        exchange_proof: Signature::from_bytes([3; 64]),
    }
}

fn invitation() -> Invitation {
    Invitation {
        context: CONTEXT,
        inviter: MemberKey::from_bytes([4; 32]),
        role: Role::Member,
        caps: Caps::INVITE,
        invitee: Invitee::Account(account("dave")),
        expires_epoch: Some(5),
        expires_at_s: Some(START_S),
        max_uses: 6,
        salt: [7; 16],
    }
}

fn claim() -> Claim {
    Claim {
        invitation: InvitationId::from_bytes([8; 32]),
        member: record(),
        account: Some(account("dave")),
        member_proof: Signature::from_bytes([9; 64]),
        open_proof: Some(format!("{}1b", "0a".repeat(64)).parse().expect("65 bytes")),
        wallet_proof: Some(WalletProof { scheme: 1, message: vec![11], signature: vec![12, 13] }),
    }
}

/// One of every kind, in the order of their tags.
fn changes() -> Vec<Change> {
    let (member, proof) = (MemberKey::from_bytes([14; 32]), Signature::from_bytes([15; 64]));
    let invited = Admission::Invited {
        invitation: Signed { body: invitation(), signature: proof }.into(),
        claim: claim().into(),
    };
    vec![
        Change::Add {
            member: record(),
            role: Role::ReadOnly,
            caps: Caps::UPGRADE,
            account: None,
            admission: invited,
        },
        Change::Remove { member },
        Change::SetRole { member, role: Role::Member },
        Change::SetCaps { member, caps: Caps::PERMIT_CALLS },
        Change::Nominate { member, expires_epoch: 16 },
        Change::Accept { member, proof },
        Change::Renounce { member, proof },
        Change::RevokeInvitation { invitation: InvitationId::from_bytes([17; 32]) },
        Change::SetApplication { app: app("board") },
        Change::OfferOwnership { to: member },
        Change::AcceptOwnership { proof },
    ]
}

pub(super) fn batch() -> Batch {
    Batch {
        context: CONTEXT,
        prev: EntryId::from_bytes([18; 32]),
        epoch: 19,
        changes: changes(),
        cuts: vec![cut("bob", 5)],
        data_final: vec![cut("carl", 6)],
        key_epoch: 20,
        envelopes_hash: Hash::from_bytes([21; 32]),
        author: key("anna"),
    }
}

pub(super) fn envelopes() -> Envelopes {
    let envelope: Envelope = decode(&[22; 80], 80).expect("80 bytes");
    Envelopes { key_epoch: 20, list: vec![(key("bob"), envelope)] }
}

pub(super) fn revision() -> Revision {
    Revision {
        rev: 19,
        kind: 5,
        payload: vec![23; 100],
        log_head: Hash::from_bytes([24; 32]),
        block: BlockRef { height: 25, hash: Hash::from_bytes([26; 32]), time_s: START_S },
    }
}

pub(super) fn entry(order: Order) -> Entry {
    let batch = Signed { body: batch(), signature: Signature::from_bytes([27; 64]) };
    Entry {
        epoch: 19,
        prev: EntryId::from_bytes([18; 32]),
        order,
        batch: Some(batch),
        envelopes: Some(envelopes()),
    }
}

#[test]
fn digests_of_what_people_sign_are_fixed() {
    let (member, context) = (key("bob"), CONTEXT);
    let MemberRecord { key, exchange, .. } = record();
    check(
        &ExchangeProof { context, key, exchange },
        "553adc641832d875da895c0bc5e75140936b4b16da125beb3e7cd9fc5fc12f33",
    );
    check(
        &owner_genesis(1, Policy::default()).body,
        "a156bbb62e7b8f09aedb4c8a6837d9a41a0718e42026bf1c7389ee416e4f910d",
    );
    check(
        &chain_genesis().body,
        "d7c2e279d04f726998258ec36768035bb5c3bec48bd6418305151070c42d3c84",
    );
    check(&invitation(), "823343924e326666e614ec8c4c4510592915efbe484370d00637890b7900edc6");
    let Claim { invitation, member: record, account, .. } = claim();
    check(
        &ClaimBody { context, invitation, member: record, account },
        "d456096632175ceb81b44d8a5919eb22ebf85c69251ae056fde1260ca3ea9fa6",
    );
    check(&batch(), "bc974ca3d548ac2244d4d3c0e3248618ce51e8314324517b46ba704d70d65921");
    check(&envelopes(), "33760b78c0ec2b10d4be503cde80927b97b5c4b54d78d71fc2952a0a5d7f4aab");
    check(
        &Acceptance { context, member, nominated_epoch: 1 },
        "1accd4e10da3ce7e7ed8ff7315a803dd3d514f803e2541c68ed526421d55f8b8",
    );
    check(
        &Renunciation { context, member, epoch: 1 },
        "470863dbad140304aec34af33e91754c004fd43142c7b9e342c3cbf795e812b8",
    );
    check(
        &OwnershipAcceptance { context, member, offered_epoch: 1 },
        "22b11059793b5db75a3de8d7498333a6b5963b98bea3929fde8217df5c387971",
    );
    let (prev, batch) = (EntryId::from_bytes([18; 32]), Hash::from_bytes([28; 32]));
    check(
        &OwnerOrder { context, epoch: 1, prev, time_s: START_S, batch },
        "d665e5eda47030c92766b7e3acea52ac96c23f300ad7603bce44aa444e29b399",
    );
}

#[test]
fn ids_and_commitments_are_fixed() {
    let signature = Signature::from_bytes([29; 64]);
    let owner = entry(Order::Owner { time_s: START_S, signature });
    let chain = entry(Order::Chain(revision()));
    let bare = Entry { batch: None, envelopes: None, ..chain.clone() };
    let ids: Vec<String> =
        [&owner, &chain, &bare].map(|entry| entry.id(CONTEXT).to_string()).into();
    assert_eq!(
        ids,
        [
            "40bede5b90fa95e85bb57c91f6e318774b1664327862d7f1d827a3525e7e73ec",
            "4cb74fe29b660b01bb65d7cc952eb4e668462e0d6dd72543930191d8b40f5d27",
            "5ecad96c77d69aaf67d9efee2d6f4a05fc027571b3d4b7f28fa6a0b4431d3e4b"
        ]
    );
    assert_eq!(
        batch().digest_keccak().to_string(),
        "3b9fe95e3d346a475504e457d2cd28ec1d5dcb31663c895b6d839d4f448d201a"
    );
    let account = account("bob");
    let leaf = |account| Leaf { key: key("bob"), role: 1, caps: 2, joined_epoch: 3, account };
    assert_eq!(
        leaf(Some(&account)).hash().to_string(),
        "1a4ba6beb70332587e426e55c30e12a0bf5f697bfa7ab06798a87e8cd43fbff1"
    );
    assert_eq!(
        leaf(None).hash().to_string(),
        "95e432ad5d554f29e4470baab841c3ed2f543a8fd1dcafd2a2f8787f4e97aefd"
    );
}

#[test]
fn a_second_signature_makes_no_second_entry() {
    let order = |byte| Order::Owner { time_s: 1, signature: Signature::from_bytes([byte; 64]) };
    assert_eq!(entry(order(1)).id(CONTEXT), entry(order(2)).id(CONTEXT));
    let elsewhere = ContextId::from_bytes([1; 32]);
    assert_ne!(entry(order(1)).id(CONTEXT), entry(order(1)).id(elsewhere));
}
