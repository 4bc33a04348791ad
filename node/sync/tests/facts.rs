//! What one replica says to what it is told, row by row.

use anchorhold_sync::{
    Authentic, DEPS_MAX, Delta, DeltaBody, Dep, DraftError, Frontier, Head, Heartbeat, Input,
    Message, NO_DELTA, Output, PAYLOAD_MAX_BYTES, PENDING_MAX, PeerId, Positions, Range, Rejection,
    Replica, Reply, frontier_hash, page,
};
use governance::log::{
    Acl, Anchor, Answer, Batch, Binding, Change, Denied, Entry, Envelopes, Genesis, MemberRecord,
    Order, Policy, Proposal, Role, Sequencer, WalletProof, WalletVerifier,
};
use types::{
    AccountId, AppId, ContextId, DeltaId, EntryId, ExchangeSecret, Hash, Hlc, MemberKey,
    MemberSecret, Root, Signed, Tagged as _, UnixMillis,
};

struct NoWallets;

impl WalletVerifier for NoWallets {
    fn verify(&self, _: &Binding, _: &WalletProof) -> Answer {
        Answer::Unknown
    }
}

const NOW: UnixMillis = UnixMillis(1_000_000);
const ROOT: Root = Root::from_bytes([9; 32]);

fn owner() -> MemberSecret {
    MemberSecret::from_seed(&[1; 32])
}

fn acl() -> Acl {
    acl_ordered_by(Sequencer::Owner(owner().public()), None)
}

fn acl_ordered_by(sequencer: Sequencer, creator_account: Option<AccountId>) -> Acl {
    let secret = owner();
    let exchange = ExchangeSecret::from_bytes([2; 32]);
    let genesis = Genesis {
        version: Genesis::VERSION,
        creator: MemberRecord::new(Genesis::NO_CONTEXT, &secret, &exchange),
        creator_account,
        creator_proof: None,
        app: AppId::from_bytes([7; 32]),
        sequencer,
        policy: Policy::default(),
        salt: [1; 32],
    };
    Acl::open(&Signed::new(genesis, &secret), &NoWallets).expect("sound genesis")
}

/// A replica of another node of the context, with two peers.
fn replica() -> Replica {
    let mut replica = Replica::open(None, acl(), Frontier::new(), Hlc::default());
    for peer in [peer(1), peer(2)] {
        let member = owner().public();
        replica.handle(NOW, Input::PeerJoined { peer, member }, &NoWallets);
    }
    replica.handle(NOW, Input::Root(ROOT), &NoWallets);
    replica
}

fn peer(number: u8) -> PeerId {
    PeerId::from_bytes(&[number])
}

fn tell(replica: &mut Replica, from: u8, message: Message) -> Vec<Output> {
    replica.handle(NOW, Input::Received { from: peer(from), message }, &NoWallets)
}

/// The owner's delta at `seq`, after `change` was made to it.
fn body(seq: u64, prev: DeltaId, change: impl FnOnce(&mut DeltaBody)) -> DeltaBody {
    let acl = acl();
    let mut body = DeltaBody {
        context: acl.context(),
        author: owner().public(),
        seq,
        prev,
        deps: Vec::new(),
        acl_epoch: 0,
        acl_hash: acl.head(),
        hlc: Hlc { millis: NOW.0, count: 0 },
        key_epoch: 0,
        payload: vec![seq as u8],
    };
    change(&mut body);
    body
}

fn chain(len: u64) -> Vec<Delta> {
    let mut prev = NO_DELTA;
    (1..=len)
        .map(|seq| {
            let delta = Authentic::sign(body(seq, prev, |_| ()), &owner()).expect("well-formed");
            prev = delta.id();
            delta.into_delta()
        })
        .collect()
}

fn rejections(outputs: &[Output]) -> Vec<Rejection> {
    let why = |output: &Output| match output {
        Output::Reject { why, .. } => Some(why.clone()),
        _ => None,
    };
    outputs.iter().filter_map(why).collect()
}

fn appended(outputs: &[Output]) -> Vec<u64> {
    let seq = |output: &Output| match output {
        Output::AppendDelta(delta) => Some(delta.body().seq),
        _ => None,
    };
    outputs.iter().filter_map(seq).collect()
}

fn wants(outputs: &[Output]) -> Vec<(PeerId, u32, Vec<Range>)> {
    let want = |output: &Output| match output {
        Output::Send { to, message: Message::WantDeltas { request, ranges } } => {
            Some((to.clone(), *request, ranges.clone()))
        }
        _ => None,
    };
    outputs.iter().filter_map(want).collect()
}

fn fresh(delta: &Delta) -> Message {
    Message::Fresh(Box::new(delta.clone()))
}

fn claim(seq: u64) -> Message {
    let heads = vec![(owner().public(), Head { seq, id: DeltaId::from_bytes([8; 32]) })];
    Message::Frontier(Positions { reply: Reply::Given, heads, forks: Vec::new() })
}

#[test]
fn only_sound_deltas_of_writers_are_taken() {
    type Change = fn(&mut DeltaBody);
    let author = owner().public();
    let other_entry = EntryId::from_bytes([3; 32]);
    let wrong_prev = Denied::WrongPrev { found: other_entry };
    let rows: [(&str, Change, Result<(), Rejection>); 12] = [
        ("as it should be", |_| (), Ok(())),
        ("seq 0", |body| body.seq = 0, Err(Rejection::Malformed)),
        (
            "a first one with a predecessor",
            |body| body.prev = DeltaId::from_bytes([1; 32]),
            Err(Rejection::Malformed),
        ),
        ("a later one without", |body| body.seq = 2, Err(Rejection::Malformed)),
        (
            "depends on itself",
            |body| body.deps = vec![Dep { author: body.author, seq: 1 }],
            Err(Rejection::Malformed),
        ),
        (
            "depends on position 0",
            |body| body.deps = vec![Dep { author: MemberKey::from_bytes([5; 32]), seq: 0 }],
            Err(Rejection::Malformed),
        ),
        (
            "dependencies twice",
            |body| body.deps = vec![Dep { author: MemberKey::from_bytes([5; 32]), seq: 1 }; 2],
            Err(Rejection::Malformed),
        ),
        (
            "too many dependencies",
            |body| {
                body.deps = (0..=DEPS_MAX as u64)
                    .map(|n| {
                        let mut key = [0; 32];
                        key[..8].copy_from_slice(&n.to_be_bytes());
                        Dep { author: MemberKey::from_bytes(key), seq: 1 }
                    })
                    .collect();
            },
            Err(Rejection::Malformed),
        ),
        (
            "a payload too large",
            |body| body.payload = vec![0; PAYLOAD_MAX_BYTES + 1],
            Err(Rejection::Malformed),
        ),
        (
            "of another context",
            |body| body.context = ContextId::from_bytes([0; 32]),
            Err(Rejection::OtherContext),
        ),
        (
            "cites another log",
            |body| body.acl_hash = EntryId::from_bytes([3; 32]),
            Err(Rejection::NoRight { author, epoch: 0, why: wrong_prev }),
        ),
        (
            "a minute and more ahead",
            |body| body.hlc.millis = NOW.0 + 60_001,
            Err(Rejection::ClockAhead { author }),
        ),
    ];
    for (row, change, expected) in rows {
        let delta = Signed::new(body(1, NO_DELTA, change), &owner());
        check(row, &delta, expected);
    }
}

#[test]
fn a_delta_is_taken_in_its_signer_s_own_name_only() {
    let author = owner().public();
    let stranger = MemberKey::from_bytes([5; 32]);
    let mut delta = Signed::new(body(1, NO_DELTA, |_| ()), &owner());
    delta.body.payload.push(1);
    check("changed after signing", &delta, Err(Rejection::BadSignature { author }));
    let secret = MemberSecret::from_seed(&[4; 32]);
    let member = secret.public();
    let delta = Signed::new(body(1, NO_DELTA, |body| body.author = member), &secret);
    let why = Denied::NotMember { member };
    let denied = Rejection::NoRight { author: member, epoch: 0, why };
    check("by a stranger", &delta, Err(denied));
    let delta = Signed::new(body(1, NO_DELTA, |body| body.author = stranger), &secret);
    let forged = Rejection::BadSignature { author: stranger };
    check("in another's name", &delta, Err(forged));
}

#[track_caller]
fn check(row: &str, delta: &Delta, expected: Result<(), Rejection>) {
    let outputs = tell(&mut replica(), 1, fresh(delta));
    let (seqs, whys) = match expected {
        Ok(()) => (vec![1], vec![]),
        Err(why) => (vec![], vec![why]),
    };
    assert_eq!((appended(&outputs), rejections(&outputs)), (seqs, whys), "{row}");
}

#[test]
fn a_late_predecessor_releases_what_waits_once() {
    let deltas = chain(5);
    let mut replica = replica();
    for seq in [4, 2, 5, 3] {
        let outputs = tell(&mut replica, 1, fresh(&deltas[seq - 1]));
        assert_eq!(appended(&outputs), [0_u64; 0]);
    }
    assert_eq!(replica.status().waiting, 4);
    assert_eq!(appended(&tell(&mut replica, 2, fresh(&deltas[0]))), [1, 2, 3, 4, 5]);
    assert_eq!(appended(&tell(&mut replica, 2, fresh(&deltas[0]))), [0_u64; 0]);
    assert_eq!(replica.status().waiting, 0);
}

#[test]
fn an_author_far_ahead_keeps_the_nearest_that_fit() {
    let deltas = chain(PENDING_MAX as u64 + 11);
    let mut replica = replica();
    let mut refused = 0;
    for delta in deltas[1..].iter().rev() {
        refused += rejections(&tell(&mut replica, 1, fresh(delta))).len();
    }
    assert_eq!(refused, 0, "nearer ones take the place of farther ones");
    assert_eq!(replica.status().waiting, PENDING_MAX);
    let farther = tell(&mut replica, 1, fresh(&deltas[PENDING_MAX + 5]));
    assert_eq!(rejections(&farther), [Rejection::Full]);
    let released = appended(&tell(&mut replica, 1, fresh(&deltas[0])));
    assert_eq!(released.len(), PENDING_MAX + 1);
}

#[test]
fn a_peer_is_asked_for_what_it_claims_page_by_page() {
    let deltas = chain(1_500);
    let author = owner().public();
    let mut replica = replica();
    let mut asked = tell(&mut replica, 1, claim(1_500));
    let mut pages = 0;
    while let Some((to, request, ranges)) = wants(&asked).pop() {
        assert_eq!(to, peer(1));
        let deltas = page(&ranges, |_, seq| deltas.get(seq as usize - 1).cloned());
        asked = tell(&mut replica, 1, Message::Deltas { request, deltas });
        pages += 1;
    }
    assert_eq!(replica.frontier()[&author].seq, 1_500);
    assert_eq!(pages, 2);
}

#[test]
fn a_silent_peer_is_given_up_for_another() {
    let mut replica = replica();
    assert_eq!(wants(&tell(&mut replica, 1, claim(3))).len(), 1);
    assert_eq!(wants(&tell(&mut replica, 2, claim(3))), [], "asked once at a time");
    let early = UnixMillis(NOW.0 + 4_999);
    assert_eq!(wants(&replica.handle(early, Input::Tick, &NoWallets)), []);
    let late = UnixMillis(NOW.0 + 5_000);
    let asked = wants(&replica.handle(late, Input::Tick, &NoWallets));
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].0, peer(2));
}

#[test]
fn a_peer_that_does_not_deliver_what_it_claims_is_not_asked_in_circles() {
    let mut replica = replica();
    let (_, request, _) = wants(&tell(&mut replica, 1, claim(3))).remove(0);
    let outputs = tell(&mut replica, 1, Message::Deltas { request, deltas: Vec::new() });
    assert_eq!(wants(&outputs), []);
    let outputs = tell(&mut replica, 1, Message::Deltas { request, deltas: chain(1) });
    assert_eq!(rejections(&outputs), [Rejection::Unasked]);
}

#[test]
fn only_announced_peers_are_heard_and_answered() {
    let mut replica = replica();
    for message in [Message::WantEntries { after_epoch: 0 }, claim(1), fresh(&chain(1)[0])] {
        let outputs = tell(&mut replica, 7, message);
        assert!(
            matches!(outputs.as_slice(), [Output::Reject { why: Rejection::NotAMember, .. }]),
            "{outputs:?}"
        );
    }
}

#[test]
fn in_sync_is_said_only_after_roots_were_compared() {
    let acl = acl();
    let beat = |root: u8, frontier: Hash| {
        Message::Heartbeat(Heartbeat {
            acl_epoch: 0,
            acl_head: acl.head(),
            frontier,
            root: Root::from_bytes([root; 32]),
        })
    };
    let same = frontier_hash(&Frontier::new());
    let mut replica = replica();
    let is_in_sync =
        |outputs: &[Output]| outputs.iter().any(|output| matches!(output, Output::InSync(_)));
    let is_alarm =
        |outputs: &[Output]| outputs.iter().any(|output| matches!(output, Output::Diverged(_)));
    assert!(is_in_sync(&tell(&mut replica, 1, beat(9, same))));
    assert!(!is_in_sync(&tell(&mut replica, 1, beat(9, same))), "said once");
    assert!(is_alarm(&tell(&mut replica, 2, beat(8, same))));
    assert!(!replica.is_in_sync());
    let outputs = tell(&mut replica, 2, beat(9, Hash::from_bytes([1; 32])));
    assert!(matches!(
        outputs.as_slice(),
        [Output::Send { message: Message::Frontier(Positions { reply: Reply::Wanted, .. }), .. }]
    ));
    // Until the root of the new frontier is known, nothing is said.
    tell(&mut replica, 1, fresh(&chain(1)[0]));
    let ours = frontier_hash(replica.frontier());
    assert!(!is_in_sync(&tell(&mut replica, 2, beat(9, ours))));
    replica.handle(NOW, Input::Root(Root::from_bytes([4; 32])), &NoWallets);
    assert!(is_in_sync(&tell(&mut replica, 2, beat(4, ours))));
}

#[test]
fn heartbeats_come_when_they_were_announced() {
    let mut replica = replica();
    let mut now = NOW;
    let mut last = NOW;
    for count in 0..20 {
        let outputs = replica.handle(now, Input::Tick, &NoWallets);
        let beats = outputs.iter().filter(|it| matches!(it, Output::Publish(_))).count();
        let wake = outputs.iter().find_map(|output| match output {
            Output::WakeAt(at) => Some(*at),
            _ => None,
        });
        if beats == 1 {
            let gap = now.0 - last.0;
            assert!(count == 0 || (1_500..2_500).contains(&gap), "{gap} ms");
            last = now;
        }
        now = wake.unwrap_or(UnixMillis(now.0 + 100));
    }
}

#[test]
fn drafts_follow_the_own_head_and_name_what_was_merged() {
    let me = owner();
    let mut replica = Replica::open(Some(me.public()), acl(), Frontier::new(), Hlc::default());
    for seq in 1..=3 {
        let body = replica.draft(NOW, vec![1]).expect("owner writes");
        assert_eq!(body.seq, seq);
        assert!(body.deps.is_empty());
        let delta = Authentic::sign(body, &me).expect("drafted");
        let outputs = replica.handle(NOW, Input::Authored(Box::new(delta)), &NoWallets);
        assert_eq!(appended(&outputs), [seq]);
        assert!(matches!(outputs.get(1), Some(Output::Publish(Message::Fresh(_)))));
    }
    let stale = replica.draft(NOW, vec![1]).expect("owner writes");
    for expected in [vec![], vec![Rejection::Outdated]] {
        let delta = Authentic::sign(stale.clone(), &me).expect("drafted");
        let outputs = replica.handle(NOW, Input::Authored(Box::new(delta)), &NoWallets);
        assert_eq!(rejections(&outputs), expected);
    }
    let size = PAYLOAD_MAX_BYTES + 1;
    let too_large = DraftError::TooLarge { size, max: PAYLOAD_MAX_BYTES };
    assert_eq!(replica.draft(NOW, vec![0; size]), Err(too_large));
}

#[test]
fn a_large_delta_is_not_gossiped() {
    let me = owner();
    let mut replica = Replica::open(Some(me.public()), acl(), Frontier::new(), Hlc::default());
    let body = replica.draft(NOW, vec![0; 64 << 10]).expect("owner writes");
    let delta = Authentic::sign(body, &me).expect("drafted");
    let outputs = replica.handle(NOW, Input::Authored(Box::new(delta)), &NoWallets);
    assert_eq!(appended(&outputs), [1]);
    assert!(!outputs.iter().any(|output| matches!(output, Output::Publish(_))));
}

#[test]
fn who_has_no_right_to_write_cannot_draft() {
    let nobody = Replica::open(None, acl(), Frontier::new(), Hlc::default());
    assert_eq!(nobody.draft(NOW, vec![]), Err(DraftError::NoMember));
    let member = MemberKey::from_bytes([5; 32]);
    let stranger = Replica::open(Some(member), acl(), Frontier::new(), Hlc::default());
    let denied = DraftError::Denied(Denied::NotMember { member });
    assert_eq!(stranger.draft(NOW, vec![]), Err(denied));
}

#[test]
fn where_a_chain_orders_peers_are_believed_bodies_only() {
    let account = |text: &str| -> AccountId { text.parse().expect("an account") };
    let registry = account("eip155:31337:0x00000000000000000000000000000000000000aa");
    let creator = account("eip155:31337:0x00000000000000000000000000000000000000bb");
    let chain = Sequencer::Chain(Anchor { registry, salt: [3; 32] });
    let acl = acl_ordered_by(chain, Some(creator));
    let (context, prev) = (acl.context(), acl.head());
    let mut replica = Replica::open(None, acl, Frontier::new(), Hlc::default());
    let joined = Input::PeerJoined { peer: peer(1), member: owner().public() };
    replica.handle(NOW, joined, &NoWallets);
    let author = owner().public();
    let envelopes = Envelopes::none(0);
    let batch = Batch {
        context,
        prev,
        epoch: 1,
        changes: vec![Change::SetRole { member: author, role: Role::ReadOnly }],
        cuts: Vec::new(),
        data_final: Vec::new(),
        key_epoch: 0,
        envelopes_hash: envelopes.digest(),
        author,
    };
    let batch = Signed::new(batch, &owner());
    let body = Proposal { batch: batch.clone(), envelopes: envelopes.clone() };
    let order = Order::Owner { time_s: 1, signature: batch.signature };
    let entry = Entry { epoch: 1, prev, order, batch: Some(batch), envelopes: Some(envelopes) };
    let outputs = tell(&mut replica, 1, Message::Entries(vec![entry]));
    assert!(
        matches!(outputs.as_slice(), [Output::Bodies(bodies)] if *bodies == [body]),
        "{outputs:?}"
    );
    assert_eq!(replica.acl().epoch(), 0);
}

#[test]
fn two_deltas_for_one_place_stop_their_author() {
    let mut replica = replica();
    let deltas = chain(3);
    deltas.iter().for_each(|delta| drop(tell(&mut replica, 1, fresh(delta))));
    let rival = body(2, deltas[2 - 1].body.prev, |body| body.payload = vec![7]);
    let rival = Signed::new(rival, &owner());
    let outputs = tell(&mut replica, 2, fresh(&rival));
    let asked = outputs.iter().find_map(|output| match output {
        Output::LookUp { seq, .. } => Some(*seq),
        _ => None,
    });
    assert_eq!(asked, Some(2));
    let outputs = replica.handle(NOW, Input::Held(Box::new(deltas[1].clone())), &NoWallets);
    let proof = outputs.iter().find_map(|output| match output {
        Output::KeepFork(proof) => Some(proof.clone()),
        _ => None,
    });
    let proof = proof.expect("kept");
    assert_eq!(proof.verify(&acl().context()), Ok(()));
    assert!(
        outputs
            .iter()
            .any(|output| matches!(output, Output::Void { head: Head { seq: 1, .. }, .. }))
    );
    let again = rejections(&tell(&mut replica, 1, fresh(&deltas[1])));
    let author = owner().public();
    assert_eq!(again, [Rejection::Forked { author, seq: 2, fork: 2 }]);
}
