//! Whom a reader believes when endpoints fail and lie.

use core::{num::NonZeroUsize, time::Duration};

use governance::anchor::{Action, Terms};
use proptest::prelude::*;
use types::{AccountId, ContextId, Hash};

use crate::{
    AccountKey, Call, Chain as _, ChainError, Finality, Inconsistent, Locator, Misdeed, Page,
    Position, Shown, Signer, Vouched, Wallets as _,
    fake::{FakeChain, FakeWallets, Lie},
};

const SALT: [u8; 32] = [7; 32];

fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    runtime.expect("a runtime").block_on(future)
}

fn locator() -> Locator {
    let id = "eip155:1337:0x00000000000000000000000000000000000a11ce".parse().expect("legal");
    Locator::new(id).expect("an account")
}

fn signer() -> Signer {
    Signer { account: account(), key: key() }
}

fn key() -> AccountKey {
    AccountKey::from_bytes([1; 32])
}

fn account() -> AccountId {
    FakeWallets.account(locator().chain(), &key()).expect("a key")
}

fn context() -> governance::anchor::OnChainId {
    locator().context(&account(), &SALT).expect("an account of the chain")
}

fn hash(byte: u8) -> Hash {
    Hash::from_bytes([byte; 32])
}

fn start() -> Position {
    locator().start(&context(), 0)
}

/// A chain with `count` endpoints of which `needed` must agree, and `revs` final revisions.
fn chain(count: usize, needed: usize, revs: usize) -> FakeChain {
    let number = |n| NonZeroUsize::new(n).expect("not zero");
    let chain = FakeChain::with_endpoints(locator(), 1_000, 2, (number(count), number(needed)));
    let chain = chain.expect("enough endpoints");
    let terms = Terms {
        app: hash(1),
        members_root: hash(0),
        members_count: 1,
        flags: 0,
        delays_s: [0; 4],
        guardian: None,
        context: ContextId::from_bytes([3; 32]),
    };
    run(chain.submit(&context(), &Call::Create { salt: SALT, terms }, &signer())).expect("created");
    (1..revs).for_each(|_| change(&chain));
    chain.mine(4, 12);
    chain
}

fn change(chain: &FakeChain) {
    let actions = vec![Action::SetMeta { meta: hash(9) }];
    let call = Call::Act { actions, expiry_s: chain.time_s() + 60 };
    run(chain.submit(&context(), &call, &signer())).expect("an admin acts");
}

fn read(chain: &FakeChain, finality: Finality) -> Result<Page, ChainError> {
    run(chain.revisions(&context(), &start(), finality))
}

/// What the named endpoints (counted from 1) are blamed for.
fn blamed(chain: &FakeChain) -> Vec<(String, Misdeed)> {
    chain.faults().into_iter().map(|fault| (fault.endpoint, fault.misdeed)).collect()
}

#[track_caller]
fn check(story: &str, needed: usize, lies: &[Option<Lie>], expected: Result<(), ()>) {
    let chain = chain(lies.len(), needed, 3);
    for (endpoint, lie) in chain.endpoints().iter().zip(lies) {
        endpoint.set_lie(*lie);
    }
    let page = read(&chain, Finality::Final);
    match (&page, expected) {
        (Ok(page), Ok(())) => {
            assert_eq!(page.revisions.len(), 3, "{story}");
            let trust = page.head.expect("there is a record").trust;
            assert_eq!(trust.answer, Shown::Proved, "{story}");
        }
        (Err(_), Err(())) => {}
        _ => panic!("{story}: {page:?}"),
    }
    let honest = lies.iter().enumerate().filter(|(_, lie)| lie.is_none());
    if expected.is_ok() {
        for (index, _) in honest {
            let name = format!("endpoint {}", index + 1);
            assert!(blamed(&chain).iter().all(|(blamed, _)| *blamed != name), "{story}: {name}");
        }
    }
}

#[test]
fn one_honest_endpoint_is_enough_once_a_block_is_agreed() {
    let (omits, alters) = (Some(Lie::Omit(2)), Some(Lie::Alter(2)));
    let (value, place) = (Some(Lie::WrongValue), Some(Lie::Misplace(2)));
    check("nobody lies", 2, &[None, None], Ok(()));
    check("the first gives a wrong value", 2, &[value, None], Ok(()));
    check("the second gives a wrong value", 2, &[None, value], Ok(()));
    check("the first leaves an event out", 2, &[omits, None], Ok(()));
    check("the first leaves the last event out", 2, &[Some(Lie::Omit(3)), None], Ok(()));
    check("the first alters an event", 2, &[alters, None], Ok(()));
    check("the first moves an event", 2, &[place, None], Ok(()));
    check("all but the last lie", 4, &[omits, value, alters, None], Ok(()));
    check("all lie about events", 2, &[omits, alters], Err(()));
    check("all lie about values", 2, &[value, value], Err(()));
}

#[test]
fn blocks_are_settled_by_the_threshold_and_by_no_plurality() {
    let (other, old) = (Some(Lie::OtherBlock), Some(Lie::OldHead(2)));
    check("one of three invents blocks", 2, &[other, None, None], Ok(()));
    check("one of three is behind", 2, &[None, old, None], Ok(()));
    check("one of two invents blocks", 2, &[None, other], Err(()));
    check("two of three invent other blocks than the third", 3, &[other, other, None], Err(()));
    check("all must agree and one is behind", 2, &[None, old], Ok(()));
}

#[test]
fn a_liar_is_named_with_its_lie() {
    for (lie, text) in [
        (Lie::WrongValue, "endpoint 1 gave a wrong value: "),
        (Lie::Omit(2), "endpoint 1 left events out or altered them: revision 2 is missing"),
        (Lie::Alter(2), "endpoint 1 left events out or altered them: revision 2 does not continue"),
        (Lie::Misplace(2), "endpoint 1 left events out or altered them: revision 2 is not in the"),
        (Lie::OtherBlock, "endpoint 1 gave 0x"),
    ] {
        let chain = chain(3, 2, 3);
        chain.endpoints()[0].set_lie(Some(lie));
        read(&chain, Finality::Final).expect("two are honest");
        let faults: Vec<String> = chain.faults().iter().map(ToString::to_string).collect();
        assert!(faults.iter().any(|fault| fault.starts_with(text)), "{lie:?}: {faults:?}");
    }
}

#[test]
fn an_endpoint_that_is_far_behind_is_named() {
    let chain = chain(3, 2, 1);
    chain.endpoints()[1].set_lie(Some(Lie::OldHead(1)));
    read(&chain, Finality::Final).expect("two are up to date");
    assert_eq!(blamed(&chain), []);
    chain.mine(3, 1_000);
    read(&chain, Finality::Final).expect("two are up to date");
    let [(name, Misdeed::OldHead { .. })] = &blamed(&chain)[..] else {
        panic!("{:?}", blamed(&chain))
    };
    assert_eq!(name, "endpoint 2");
}

#[test]
fn an_error_is_no_agreement() {
    let chain = chain(3, 2, 3);
    chain.endpoints()[0].set_reachable(false);
    read(&chain, Finality::Final).expect("two are left");
    chain.endpoints()[1].set_reachable(false);
    let alone = read(&chain, Finality::Final);
    assert!(
        matches!(alone, Err(ChainError::Disagreement { agreeing: 1, asked: 3, needed: 2, .. })),
        "{alone:?}"
    );
    chain.endpoints()[2].set_reachable(false);
    let silent = read(&chain, Finality::Final);
    assert!(matches!(silent, Err(ChainError::Unreachable { .. })), "{silent:?}");
    let kinds: Vec<bool> = chain.faults().iter().map(|fault| fault.misdeed.is_a_lie()).collect();
    assert_eq!(kinds, [false; 3]);
}

#[test]
fn an_endpoint_that_hangs_is_not_waited_for() {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().start_paused(true).build().expect("a runtime");
    let chain = chain(3, 2, 3);
    chain.endpoints()[1].set_delay(Duration::from_secs(3_600));
    runtime.block_on(async {
        let began = tokio::time::Instant::now();
        let page = chain.revisions(&context(), &start(), Finality::Final).await;
        assert_eq!(page.expect("two answer").revisions.len(), 3);
        assert_eq!(began.elapsed(), Duration::from_secs(2));
        // It was silent just now, and is hardly waited for again.
        chain.head(&context(), Finality::Final).await.expect("two answer");
        assert!(began.elapsed() < Duration::from_secs(3));
    });
    let faults = blamed(&chain);
    let [(name, Misdeed::Unreachable { .. })] = &faults[..] else { panic!("{faults:?}") };
    assert_eq!(name, "endpoint 2");
}

#[test]
fn without_proofs_enough_must_tell_the_same_and_it_says_so() {
    let chain = chain(3, 2, 3);
    chain.endpoints().iter().for_each(|endpoint| endpoint.set_proves(false));
    chain.endpoints()[0].set_lie(Some(Lie::WrongValue));
    let page = read(&chain, Finality::Final).expect("two tell the same");
    let trust = page.head.expect("there is a record").trust;
    assert_eq!(trust.answer, Shown::Told { agreeing: 2, of: 3 });
    assert_eq!(blamed(&chain).first().map(|(name, _)| name.as_str()), Some("endpoint 1"));
    chain.endpoints()[1].set_reachable(false);
    assert!(read(&chain, Finality::Final).is_err());
    // A proof needs no agreement.
    chain.endpoints()[2].set_proves(true);
    chain.endpoints()[1].set_reachable(true);
    let head = run(chain.head(&context(), Finality::Final)).expect("one proves").expect("there");
    assert_eq!(head.trust.answer, Shown::Proved);
}

#[test]
fn consensus_takes_the_place_of_agreement() {
    let chain = chain(2, 1, 3).with_consensus();
    chain.endpoints()[0].set_lie(Some(Lie::OtherBlock));
    for finality in [Finality::Final, Finality::Safe] {
        let page = read(&chain, finality).expect("one has the block");
        assert_eq!(page.head.expect("there is a record").trust.block, Vouched::Consensus);
    }
    assert!(matches!(&blamed(&chain)[..], [(_, Misdeed::OtherBlock { .. })]));
    chain.endpoints()[0].set_lie(Some(Lie::Misplace(2)));
    assert_eq!(read(&chain, Finality::Final).expect("one is honest").revisions.len(), 3);
    chain.endpoints()[1].set_lie(Some(Lie::OtherBlock));
    chain.endpoints()[0].set_lie(Some(Lie::OtherBlock));
    assert!(read(&chain, Finality::Final).is_err());
}

#[test]
fn a_long_history_comes_in_pages_that_are_proved_whole() {
    let chain = chain(2, 2, 600);
    let mut at = start();
    let mut found = Vec::new();
    loop {
        let page = run(chain.revisions(&context(), &at, Finality::Final)).expect("consistent");
        found.extend(page.revisions.iter().map(|revision| revision.rev));
        at = page.next;
        if page.is_last() {
            break;
        }
    }
    assert_eq!(found, (1..=600).collect::<Vec<u64>>());
    // A lie at its end is found before its beginning is given.
    let liar = self::chain(1, 1, 600);
    liar.endpoints()[0].set_lie(Some(Lie::Alter(599)));
    let page = read(&liar, Finality::Final);
    assert!(
        matches!(
            page,
            Err(ChainError::Inconsistent { source: Inconsistent::Altered { rev: 599 }, .. })
        ),
        "{page:?}"
    );
}

#[test]
fn a_final_revision_that_the_chain_takes_back_is_inconsistent() {
    let chain = chain(1, 1, 3);
    let known = read(&chain, Finality::Final).expect("consistent").next;
    let stranger = Position { log_head: hash(8), ..known };
    let answer = run(chain.revisions(&context(), &stranger, Finality::Final));
    assert!(
        matches!(
            answer,
            Err(ChainError::Inconsistent { source: Inconsistent::OtherHead { rev: 3 }, .. })
        ),
        "{answer:?}"
    );
    chain.reorganise(60);
    let gone = run(chain.revisions(&context(), &known, Finality::Latest));
    let behind = Inconsistent::Behind { known: 3, head: 0 };
    assert!(
        matches!(&gone, Err(ChainError::Inconsistent { source, .. }) if *source == behind),
        "{gone:?}"
    );
}

#[test]
fn a_provisional_revision_goes_with_its_block_and_the_final_ones_stay() {
    let chain = chain(2, 2, 2);
    let last_final = read(&chain, Finality::Final).expect("consistent").next;
    let provisional = |chain: &FakeChain| {
        let page = run(chain.revisions(&context(), &last_final, Finality::Latest));
        page.expect("consistent").revisions.len()
    };
    change(&chain);
    assert_eq!(provisional(&chain), 1);
    chain.reorganise(1);
    assert_eq!(provisional(&chain), 0);
    change(&chain);
    chain.mine(2, 12);
    let page = run(chain.revisions(&context(), &last_final, Finality::Final)).expect("consistent");
    assert_eq!(page.next.rev, 3);
    assert_eq!(blamed(&chain), []);
}

fn lies() -> impl Strategy<Value = Option<Lie>> {
    prop_oneof![
        Just(None),
        Just(Some(Lie::WrongValue)),
        Just(Some(Lie::OtherBlock)),
        (1_u64..6).prop_map(|rev| Some(Lie::Omit(rev))),
        (1_u64..6).prop_map(|rev| Some(Lie::Alter(rev))),
        (1_u64..6).prop_map(|rev| Some(Lie::Misplace(rev))),
        (0_u64..4).prop_map(|blocks| Some(Lie::OldHead(blocks))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// With a block that two agree on, whatever a reader is given is the beginning of the truth.
    #[test]
    fn no_mix_of_liars_is_believed(
        lies in prop::collection::vec(lies(), 2..5),
        reachable in prop::collection::vec(any::<bool>(), 5),
        proves in prop::collection::vec(any::<bool>(), 5),
    ) {
        let invented = lies.iter().filter(|lie| **lie == Some(Lie::OtherBlock)).count();
        let told_wrong = lies.iter().filter(|lie| **lie == Some(Lie::WrongValue)).count();
        let alike = |lie: &Option<Lie>| lies.iter().filter(|other| *other == lie).count();
        let misplaced = lies.iter().filter(|lie| matches!(lie, Some(Lie::Misplace(_)))).map(alike);
        // Two that lie alike are an agreement, which no threshold of two can tell from truth.
        prop_assume!(invented < 2 && told_wrong < 2 && misplaced.max().unwrap_or(0) < 2);
        let honest = chain(1, 1, 5);
        let truth = read(&honest, Finality::Final).expect("honest").revisions;
        let chain = chain(lies.len(), 2, 5);
        for (index, endpoint) in chain.endpoints().iter().enumerate() {
            endpoint.set_lie(lies[index]);
            endpoint.set_reachable(reachable[index]);
            endpoint.set_proves(proves[index]);
        }
        for _ in 0..3 {
            if let Ok(page) = read(&chain, Finality::Final) {
                prop_assert!(truth.starts_with(&page.revisions), "{:?}", page.revisions);
                prop_assert!(!page.is_last() || page.revisions.len() as u64 == page.next.rev);
            }
        }
    }
}
