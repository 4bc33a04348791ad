//! What a record is proved to be, and every lie about it, through a replica of our own.

mod replica;

use std::sync::{Arc, Mutex};

use chain::Misdeed;
use governance::{
    anchor::{Head, Status, log_head},
    log::{BlockRef, Revision},
};

use self::replica::{Boundary, Lie, Record, World};
use super::*;
use crate::forge::Net;

const CONTEXT: OnChainId = OnChainId::new(Hash::from_bytes([7; 32]));
/// When the first revision happened.
const BEGAN_S: u64 = 1_700_000_000;

fn registry() -> AccountId {
    let net = Net::new();
    AccountId::new(&net.root.network(), &net.canister.to_string()).expect("legal")
}

fn head(rev: u64) -> Head {
    Head {
        rev,
        seats_epoch: 1,
        seq: 0,
        threshold: 1,
        admins: 1,
        status: Status::Active,
        flags: 0,
        active: 1,
    }
}

/// A record with `count` revisions.
fn world(count: u64) -> World {
    let start = Locator::new(registry()).expect("an account").start(&CONTEXT, 0);
    let mut last = start.log_head;
    let (mut revisions, mut times) = (Vec::new(), [0; 32]);
    for rev in 1..=count {
        let payload = rev.to_be_bytes().to_vec();
        last = log_head(&last, rev, 0x10, &payload);
        let time_s = BEGAN_S + rev / 2;
        let time_ns = (time_s * 1_000_000_000).to_be_bytes();
        times = sha256(&[&times, &rev.to_be_bytes(), &time_ns]);
        let block = BlockRef { height: time_s, hash: last, time_s };
        revisions.push(Revision { rev, kind: 0x10, payload, log_head: last, block });
    }
    let record = (count > 0).then(|| Record { head: head(count).pack(), log_head: last, times });
    World { context: CONTEXT, record, revisions, module_hash: None }
}

struct Stage {
    world: Arc<Mutex<World>>,
    nodes: Vec<Boundary>,
    icp: Icp,
}

async fn stage(world: World, nodes: usize) -> Stage {
    let world = Arc::new(Mutex::new(world));
    let mut started = Vec::new();
    for _ in 0..nodes {
        started.push(Boundary::start(Arc::clone(&world)).await);
    }
    let config = IcpConfig {
        endpoints: started.iter().map(|node| node.url.clone()).collect(),
        timeout: Duration::from_secs(2),
        ..IcpConfig::new(started[0].url.clone())
    };
    let icp = Icp::new(registry(), config).expect("a registry");
    Stage { world, nodes: started, icp }
}

fn start() -> Position {
    Locator::new(registry()).expect("an account").start(&CONTEXT, 0)
}

#[tokio::test]
async fn a_record_is_proved_by_any_one_endpoint() {
    let Stage { icp, world, nodes: _nodes } = stage(world(3), 2).await;
    let found = icp.head(&CONTEXT, Finality::Final).await.expect("proved").expect("a record");
    assert_eq!((found.head, found.trust), (head(3), PROVED));
    assert_eq!(found.block.height, found.block.time_s, "a moment's height is its time");
    world.lock().expect("not poisoned").record = None;
    assert_eq!(icp.head(&CONTEXT, Finality::Final).await.expect("proved"), None);
    assert_eq!(icp.faults(), []);
}

const LIES: [Lie; 13] = [
    Lie::Stale,
    Lie::Future,
    Lie::ForgedSignature,
    Lie::OtherSubnet,
    Lie::ForgedDelegation,
    Lie::OtherCanister,
    Lie::TamperedWitness,
    Lie::PrunedWitness,
    Lie::DeniedRecord,
    Lie::NoCertificate,
    Lie::OtherRoot,
    Lie::OtherStatus,
    Lie::Html,
];

/// What the liar is named for.
fn names(lie: Lie, misdeed: &Misdeed) -> bool {
    let says = |part: &str| match misdeed {
        Misdeed::WrongValue { why } | Misdeed::BadAnswer { why } => why.contains(part),
        _ => false,
    };
    match lie {
        Lie::Nothing => false,
        Lie::Stale => says("ago"),
        Lie::Future => says("yet to come"),
        Lie::ForgedSignature => says("under the key of the subnet: the BLS signature"),
        Lie::OtherSubnet => says("is not in the ranges of subnet"),
        Lie::ForgedDelegation => says("the delegation, under the root key"),
        Lie::OtherCanister => says("no certified data"),
        Lie::TamperedWitness | Lie::DeniedRecord => says("not the one that the canister certifies"),
        Lie::PrunedWitness => says("the record is unknown"),
        Lie::NoCertificate => says("no certificate"),
        Lie::OtherRoot | Lie::OtherStatus => matches!(misdeed, Misdeed::OtherChain { .. }),
        Lie::Html => matches!(misdeed, Misdeed::BadAnswer { .. }),
        Lie::OmittedRevision => says("revision 1 is missing"),
        Lie::AlteredRevision => says("revision 1 does not continue the contract's log"),
        Lie::MovedRevision => says("at other times"),
        Lie::Silence => matches!(misdeed, Misdeed::Unreachable { .. }),
    }
}

#[tokio::test]
async fn every_lie_about_a_head_is_refused_and_its_teller_named() {
    for lie in LIES {
        let Stage { icp, nodes, .. } = stage(world(3), 1).await;
        nodes[0].lie(lie);
        let answer = icp.head(&CONTEXT, Finality::Final).await;
        assert!(answer.is_err(), "{lie:?}: {answer:?}");
        let faults = icp.faults();
        let [fault] = faults.as_slice() else { panic!("{lie:?}: {faults:?}") };
        assert!(names(lie, &fault.misdeed), "{lie:?}: {fault}");
        assert!(fault.endpoint.ends_with(&nodes[0].url.port().expect("one").to_string()));
    }
}

#[tokio::test]
async fn beside_a_liar_one_honest_endpoint_is_enough() {
    for lie in LIES.into_iter().chain([Lie::Silence]) {
        let Stage { icp, nodes, .. } = stage(world(3), 2).await;
        nodes[0].lie(lie);
        let found = icp.head(&CONTEXT, Finality::Final).await.expect("proved by the other");
        assert_eq!(found.expect("a record").head, head(3), "{lie:?}");
        let faults = icp.faults();
        assert!(names(lie, &faults[0].misdeed), "{lie:?}: {faults:?}");
    }
}

#[tokio::test]
async fn a_history_comes_in_pages_that_lead_to_the_head() {
    let Stage { icp, world, nodes: _nodes } = stage(world(300), 1).await;
    let first = icp.revisions(&CONTEXT, &start(), Finality::Final).await.expect("proved");
    assert_eq!((first.revisions.len(), first.is_last()), (PAGE, false));
    let second = icp.revisions(&CONTEXT, &first.next, Finality::Final).await.expect("proved");
    assert_eq!((second.revisions.len(), second.is_last()), (300 - PAGE, true));
    let told = [first.revisions, second.revisions].concat();
    assert_eq!(told, world.lock().expect("not poisoned").revisions);
    let none = icp.revisions(&CONTEXT, &second.next, Finality::Final).await.expect("proved");
    assert_eq!((none.revisions.len(), none.next, none.is_last()), (0, second.next, true));
    assert_eq!(icp.faults(), []);
}

const PAGE: usize = chain::PAGE_MAX;

#[tokio::test]
async fn every_lie_about_revisions_is_refused_and_its_teller_named() {
    for lie in [Lie::OmittedRevision, Lie::AlteredRevision, Lie::MovedRevision] {
        let Stage { icp, nodes, world } = stage(world(3), 2).await;
        nodes[0].lie(lie);
        let page = icp.revisions(&CONTEXT, &start(), Finality::Final).await.expect("by the other");
        assert_eq!(page.revisions, of(&world).revisions, "{lie:?}");
        let faults = icp.faults();
        assert!(names(lie, &faults[0].misdeed), "{lie:?}: {faults:?}");
    }
}

/// The hash over times begins with the first revision.
#[tokio::test]
async fn a_reader_who_comes_back_checks_the_whole_history() {
    let Stage { icp, nodes, world } = stage(world(5), 1).await;
    let after = Position::after(&of(&world).revisions[2]);
    nodes[0].lie(Lie::MovedRevision);
    let answer = icp.revisions(&CONTEXT, &after, Finality::Final).await;
    assert!(matches!(answer, Err(ChainError::Lied { .. })), "{answer:?}");
    nodes[0].lie(Lie::Nothing);
    let elsewhere = Position { log_head: Hash::ZERO, ..after };
    let answer = icp.revisions(&CONTEXT, &elsewhere, Finality::Final).await;
    let other = Inconsistent::OtherHead { rev: 3 };
    assert!(
        matches!(answer, Err(ChainError::Inconsistent { source, .. }) if source == other),
        "{answer:?}"
    );
    let page = icp.revisions(&CONTEXT, &after, Finality::Final).await.expect("proved");
    assert_eq!(page.revisions, of(&world).revisions[3..]);
}

/// Whoever followed from the beginning asks only for what is later.
#[tokio::test]
async fn a_reader_who_follows_goes_on_where_it_was() {
    let whole = world(5);
    let Stage { icp, nodes, world } = stage(world(3), 1).await;
    let page = icp.revisions(&CONTEXT, &start(), Finality::Final).await.expect("proved");
    *world.lock().expect("not poisoned") = whole;
    let next = icp.revisions(&CONTEXT, &page.next, Finality::Final).await.expect("proved");
    assert_eq!(next.revisions, of(&world).revisions[3..]);
    nodes[0].lie(Lie::MovedRevision);
    let again = icp.revisions(&CONTEXT, &page.next, Finality::Final).await;
    assert!(matches!(again, Err(ChainError::Lied { .. })), "it is read again: {again:?}");
}

fn of(world: &Mutex<World>) -> World {
    world.lock().expect("not poisoned").clone()
}

#[tokio::test]
async fn a_history_that_does_not_lead_to_the_head_is_refused() {
    let check = async |story: &str, change: fn(&mut Vec<Revision>)| {
        let mut world = world(4);
        change(&mut world.revisions);
        let Stage { icp, nodes: _nodes, .. } = stage(world, 1).await;
        let told = icp.revisions(&CONTEXT, &start(), Finality::Final).await;
        assert!(matches!(told, Err(ChainError::Lied { .. })), "{story}: {told:?}");
    };
    check("one left out", |revisions| drop(revisions.remove(1))).await;
    check("the last left out", |revisions| drop(revisions.pop())).await;
    check("another payload", |revisions| revisions[2].payload[0] ^= 1).await;
    check("another kind", |revisions| revisions[2].kind = 0x0f).await;
    check("another time", |revisions| revisions[3].block.time_s += 1).await;
}

#[tokio::test]
async fn what_the_chain_took_back_is_told() {
    let Stage { icp, nodes: _nodes, .. } = stage(world(3), 1).await;
    let known = Position { rev: 4, log_head: Hash::ZERO, height: 0 };
    let answer = icp.revisions(&CONTEXT, &known, Finality::Final).await;
    let behind = Inconsistent::Behind { known: 4, head: 3 };
    assert!(
        matches!(answer, Err(ChainError::Inconsistent { source, .. }) if source == behind),
        "{answer:?}"
    );
    let other = Position { rev: 3, log_head: Hash::ZERO, height: 0 };
    let answer = icp.revisions(&CONTEXT, &other, Finality::Final).await;
    let other = Inconsistent::OtherHead { rev: 3 };
    assert!(
        matches!(answer, Err(ChainError::Inconsistent { source, .. }) if source == other),
        "{answer:?}"
    );
    assert_eq!(icp.faults(), [], "no endpoint did that");
}

#[tokio::test]
async fn a_record_that_is_not_there_has_no_history() {
    let Stage { icp, nodes: _nodes, .. } = stage(world(0), 1).await;
    let page = icp.revisions(&CONTEXT, &start(), Finality::Final).await.expect("proved");
    assert_eq!((page.revisions.len(), page.head, page.is_last()), (0, None, true));
}

#[tokio::test]
async fn the_registry_is_known_by_its_certified_module() {
    let Stage { icp, world, nodes } = stage(world(0), 1).await;
    assert!(matches!(icp.verify_registry().await, Err(ChainError::NoRegistry { .. })));
    world.lock().expect("not poisoned").module_hash = Some([1; 32]);
    assert!(matches!(icp.verify_registry().await, Err(ChainError::OtherRegistry { .. })));
    nodes[0].lie(Lie::ForgedSignature);
    assert!(matches!(icp.verify_registry().await, Err(ChainError::Lied { .. })));
}

#[test]
fn a_registry_is_a_canister_of_a_network_that_is_named_after_its_key() {
    let config = || IcpConfig::new("http://localhost".parse().expect("an address"));
    for text in [
        "icp:737ba355e855bd4b61279056603e0550:2vxsx-fae",
        "icp:737ba355e855bd4b61279056603e0550:aaaaa-aa",
        "icp:737ba355e855bd4b61279056603e0550:\
         ghaya-cncjm-ntxgt-af5pp-6hzsz-tvwlv-hrlfc-ocq3t-ai7vk-vyixr-cqe",
        "icp:mainnet:ryjl3-tyaaa-aaaaa-aaaba-cai",
        "eip155:1:0x00000000000000000000000000000000000a11ce",
    ] {
        let answer = Icp::new(text.parse().expect("legal"), config());
        assert!(matches!(answer, Err(ChainError::BadAccount { .. })), "{text}");
    }
    let text = "icp:737ba355e855bd4b61279056603e0550:ryjl3-tyaaa-aaaaa-aaaba-cai";
    assert!(Icp::new(text.parse().expect("legal"), config()).is_ok());
    let two = IcpConfig { needed: NonZeroUsize::new(2).expect("two"), ..config() };
    let answer = Icp::new(text.parse().expect("legal"), two);
    assert!(matches!(answer, Err(ChainError::TooFewEndpoints { given: 1, needed: 2 })));
}
