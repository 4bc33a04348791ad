//! The story of one record on the chain in memory, and what its commands do.

use std::sync::Arc;

use governance::{
    anchor::{Action, Approval, Terms, actions_hash},
    log::{Answer, Binding, WalletVerifier as _},
};
use types::{ContextId, MemberKey, UnixMillis};

use super::*;
use crate::{AccountKey, Inconsistent, WalletSet, Wallets};

const SALT: [u8; 32] = [7; 32];

fn key(byte: u8) -> AccountKey {
    AccountKey::from_bytes([byte; 32])
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    runtime.expect("a runtime").block_on(future)
}

fn locator() -> Locator {
    let id = "eip155:1337:0x00000000000000000000000000000000000a11ce".parse().expect("legal");
    Locator::new(id).expect("an account")
}

fn signer(by: u8) -> Signer {
    Signer { account: account(by), key: key(by) }
}

fn account(by: u8) -> AccountId {
    FakeWallets.account(locator().chain(), &key(by)).expect("a key")
}

fn context() -> OnChainId {
    locator().context(&account(1), &SALT).expect("an account of the chain")
}

fn hash(byte: u8) -> Hash {
    Hash::from_bytes([byte; 32])
}

fn chain() -> FakeChain {
    let chain = FakeChain::new(locator(), 1_000, 2);
    let terms = Terms {
        app: hash(1),
        members_root: hash(2),
        members_count: 1,
        flags: 0,
        delays_s: [0; 4],
        guardian: None,
        context: ContextId::from_bytes([3; 32]),
    };
    submit(&chain, 1, &Call::Create { salt: SALT, terms }).expect("created");
    chain
}

fn submit(chain: &FakeChain, by: u8, call: &Call) -> Result<Receipt, ChainError> {
    block_on(chain.submit(&context(), call, &signer(by)))
}

fn act(chain: &FakeChain, action: Action) -> Call {
    Call::Act { actions: vec![action], expiry_s: chain.time_s() + 60 }
}

fn members(prev: u8, new: u8) -> Action {
    Action::SetMembersRoot { prev: hash(prev), new: hash(new), count: 2, delta_hash: hash(9) }
}

fn revisions(chain: &dyn Chain, finality: Finality) -> Result<Page, ChainError> {
    let start = locator().start(&context(), 0);
    block_on(chain.revisions(&context(), &start, finality))
}

fn count(chain: &FakeChain, finality: Finality) -> usize {
    revisions(chain, finality).expect("consistent").revisions.len()
}

#[track_caller]
fn refuses(chain: &FakeChain, by: u8, call: &Call, expected: Code) {
    let answer = submit(chain, by, call);
    assert!(matches!(answer, Err(ChainError::Refused { code }) if code == expected), "{answer:?}");
}

#[test]
fn an_admin_comes_acts_and_leaves() {
    let chain = chain();
    refuses(&chain, 1, &Call::Renounce, Code::E53);
    refuses(&chain, 2, &act(&chain, members(2, 4)), Code::E12);
    refuses(&chain, 2, &Call::AcceptAdmin, Code::E50);
    let nominee = Account::from_id(&account(2)).expect("an account");
    let nominate = act(&chain, Action::NominateAdmin { account: nominee, ttl_s: 60 });
    submit(&chain, 1, &nominate).expect("nominated");
    submit(&chain, 2, &Call::AcceptAdmin).expect("accepted");
    let receipt = submit(&chain, 2, &act(&chain, members(2, 4))).expect("an admin acts");
    assert_eq!((receipt.rev, receipt.seq), (Some(4), Some(2)));
    refuses(&chain, 1, &act(&chain, members(2, 5)), Code::E57);
    submit(&chain, 2, &Call::Renounce).expect("not the last");
    refuses(&chain, 1, &Call::Renounce, Code::E53);
    assert_eq!(count(&chain, Finality::Latest), 5);
}

#[test]
fn finality_lags() {
    let chain = chain();
    assert_eq!(revisions(&chain, Finality::Final).expect("consistent").head, None);
    assert_eq!(count(&chain, Finality::Latest), 1);
    chain.mine(1, 12);
    assert_eq!((count(&chain, Finality::Safe), count(&chain, Finality::Final)), (1, 0));
    chain.mine(1, 12);
    assert_eq!(count(&chain, Finality::Final), 1);
}

#[test]
fn a_reorganisation_takes_back_what_was_not_final() {
    let chain = chain();
    chain.mine(2, 12);
    submit(&chain, 1, &act(&chain, members(2, 4))).expect("accepted");
    let known = revisions(&chain, Finality::Latest).expect("consistent").next;
    chain.reorganise(1);
    assert_eq!(count(&chain, Finality::Latest), 1);
    let answer = block_on(chain.revisions(&context(), &known, Finality::Latest));
    let behind = Inconsistent::Behind { known: 2, head: 1 };
    assert!(
        matches!(answer, Err(ChainError::Inconsistent { source, .. }) if source == behind),
        "{answer:?}"
    );
    submit(&chain, 1, &act(&chain, members(2, 5))).expect("accepted");
    let answer = block_on(chain.revisions(&context(), &known, Finality::Latest));
    let other = Inconsistent::OtherHead { rev: 2 };
    assert!(
        matches!(answer, Err(ChainError::Inconsistent { source, .. }) if source == other),
        "{answer:?}"
    );
}

#[test]
fn an_outage_passes() {
    let chain = chain();
    chain.set_reachable(false);
    let error = submit(&chain, 1, &Call::Renounce).expect_err("switched off");
    assert!(error.is_transient(), "{error}");
    assert!(revisions(&chain, Finality::Final).is_err());
    chain.set_reachable(true);
    assert_eq!(count(&chain, Finality::Latest), 1);
}

#[test]
fn repeating_what_is_done_changes_nothing() {
    let chain = chain();
    let terms = chain.shared.lock().newest().records[&context()].record.terms.clone();
    let again = Call::Create { salt: SALT, terms: terms.clone() };
    assert_eq!(submit(&chain, 1, &again).expect("done already").transaction, None);
    let other = Terms { context: ContextId::from_bytes([4; 32]), ..terms };
    refuses(&chain, 1, &Call::Create { salt: SALT, terms: other }, Code::E01);
}

#[test]
fn an_open_proposal_is_told_with_its_batch_and_those_who_count() {
    let chain = chain();
    for by in [2, 3] {
        let nominee = Account::from_id(&account(by)).expect("an account");
        let nominate = act(&chain, Action::NominateAdmin { account: nominee, ttl_s: 60 });
        submit(&chain, 1, &nominate).expect("nominated");
        submit(&chain, by, &Call::AcceptAdmin).expect("accepted");
    }
    submit(&chain, 1, &act(&chain, Action::SetThreshold { threshold: 3 })).expect("accepted");
    let receipt = submit(&chain, 2, &act(&chain, members(2, 4))).expect("proposed");
    let seq = receipt.seq.expect("a proposal");
    let hash = actions_hash(&[members(2, 4)]).expect("a batch");
    let approval = Approval { context: context(), seq, actions_hash: hash, deadline_s: u64::MAX };
    let digest = FakeHost::approval_digest(&approval);
    let mut approvals: Vec<(Account, Vec<u8>)> = [1, 3]
        .map(|by| {
            let by_account = Account::from_id(&account(by)).expect("an account");
            (by_account, FakeHost::sign(&digest, &key(by)))
        })
        .into();
    approvals.sort();
    let (late, early) = (approvals.split_off(1), approvals);
    let by_sigs = |approvals| Call::ApproveBySigs {
        seq,
        actions_hash: hash,
        deadline_s: u64::MAX,
        approvals,
    };
    submit(&chain, 2, &by_sigs(early)).expect("one signed");
    let open = block_on(chain.proposals(&context())).expect("answers");
    let [open] = open.as_slice() else { panic!("one is open: {open:?}") };
    assert_eq!((open.seq, open.needed, open.approvals.len(), open.eta_s), (seq, 3, 2, None));
    assert_eq!(open.actions, [members(2, 4)]);
    submit(&chain, 2, &by_sigs(late)).expect("the other signed");
    let open = block_on(chain.proposals(&context())).expect("answers");
    assert!(open[0].eta_s.is_some());
    submit(&chain, 1, &Call::Execute { seq, actions: vec![members(2, 4)] }).expect("executed");
    assert_eq!(block_on(chain.proposals(&context())).expect("answers"), []);
}

#[test]
fn accounts_sign_digests_of_their_own() {
    let chain = chain();
    let signature = FakeHost::sign(&hash(7), &key(1));
    for (by, digest, expected) in
        [(1, 7, Answer::Valid), (2, 7, Answer::Invalid), (1, 8, Answer::Invalid)]
    {
        let (account, digest) = (account(by), hash(digest));
        let signed = block_on(chain.account_signed(&account, &digest, &signature, None));
        assert_eq!(signed.expect("answers").answer, expected);
    }
    let other = "eip155:1:0x00000000000000000000000000000000000a11ce".parse().expect("legal");
    let answer = block_on(chain.account_signed(&other, &hash(7), &signature, None));
    assert!(matches!(answer, Err(ChainError::BadAccount { .. })));
}

#[test]
fn whoever_waits_is_told_of_the_next_block() {
    let chain = chain();
    let mut changed = chain.changed();
    let waker = futures::task::noop_waker();
    let mut poll = || changed.as_mut().poll(&mut std::task::Context::from_waker(&waker));
    assert!(poll().is_pending() && poll().is_pending());
    chain.mine(1, 12);
    assert!(poll().is_ready());
}

#[test]
fn a_key_is_read_as_wallets_write_it() {
    let digits = "AB".repeat(32);
    for text in [digits.clone(), format!("0x{digits}"), digits.to_lowercase()] {
        let key: AccountKey = text.parse().expect("64 digits");
        assert_eq!(key.as_bytes(), &[0xab; 32]);
        assert_eq!(format!("{key:?}"), "AccountKey(…)");
    }
    for text in ["", "0x", "zz", &"ab".repeat(31), &"ab".repeat(33)] {
        assert!(text.parse::<AccountKey>().is_err(), "{text}");
    }
}

#[test]
fn wallets_prove_their_own_bindings_only() {
    let binding = Binding {
        context: ContextId::from_bytes([3; 32]),
        invitation: None,
        member: MemberKey::from_bytes([4; 32]),
        account: account(1),
        time_s: 0,
    };
    let wallets = WalletSet::new([("eip155", Arc::new(FakeWallets) as Arc<dyn Wallets>)]);
    let message = FakeWallets.message(&binding, UnixMillis(0)).expect("a message");
    let proof = FakeWallets.sign(&message, &key(1)).expect("signed");
    assert_eq!(wallets.verify(&binding, &proof), Answer::Valid);
    let other = FakeWallets.sign(&message, &key(2)).expect("signed");
    assert_eq!(wallets.verify(&binding, &other), Answer::Invalid);
    let member = MemberKey::from_bytes([5; 32]);
    assert_eq!(wallets.verify(&Binding { member, ..binding.clone() }, &proof), Answer::Invalid);
    assert_eq!(WalletSet::default().verify(&binding, &proof), Answer::Unknown);
}
