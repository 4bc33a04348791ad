//! The life of records in a registry on a development replica, and boundary nodes that lie about
//! it.

mod proxy;

use std::{num::NonZeroUsize, time::Duration};

use anchorhold_icp::{Icp, IcpConfig};
use chain::{
    AccountKey, Call, Chain as _, ChainError, Finality, Misdeed, Position, Receipt, Signer,
};
use devnet_icp::{DevAccount, Devnet, chain_id};
use governance::{
    anchor::{Account, Action, Code, OnChainId, Terms, actions_hash},
    log::{Answer, Revision},
};
use types::{AccountId, ChainId, ContextId, Hash};
use url::Url;

use self::proxy::{Lie, Proxy};

const SALT: [u8; 32] = [7; 32];
/// The last second of what is proposed here.
const LATER_S: u64 = 30 * 24 * 60 * 60;

struct Stage {
    devnet: Devnet,
    chain: ChainId,
    icp: Icp,
}

fn hash(byte: u8) -> Hash {
    Hash::from_bytes([byte; 32])
}

fn signer(chain: &ChainId, index: u32) -> Signer {
    let DevAccount { principal, secret } = DevAccount::new(index);
    let account = AccountId::new(chain, &principal.to_text()).expect("legal");
    Signer { account, key: AccountKey::from_bytes(secret) }
}

async fn stage() -> Stage {
    let devnet = Devnet::start().await.expect("a free port");
    let chain: ChainId = chain_id(&devnet.root_key()).parse().expect("legal");
    let config = IcpConfig::new(devnet.url().parse().expect("an address"));
    let icp = Icp::deploy(config, &signer(&chain, 1)).await.expect("deployed");
    Stage { devnet, chain, icp }
}

impl Stage {
    fn account(&self, index: u32) -> Account {
        Account::from_id(&signer(&self.chain, index).account).expect("an account")
    }

    fn context(&self) -> OnChainId {
        let creator = signer(&self.chain, 1).account;
        self.icp.locator().context(&creator, &SALT).expect("an account of the chain")
    }

    fn start(&self) -> Position {
        self.icp.locator().start(&self.context(), 0)
    }

    async fn submit(&self, by: u32, call: &Call) -> Result<Receipt, ChainError> {
        self.icp.submit(&self.context(), call, &signer(&self.chain, by)).await
    }

    async fn does(&self, by: u32, call: Call) -> Receipt {
        self.submit(by, &call).await.expect("accepted")
    }

    async fn refuses(&self, by: u32, call: Call, expected: Code) {
        let answer = self.submit(by, &call).await;
        assert!(
            matches!(answer, Err(ChainError::Refused { code }) if code == expected),
            "{call:?}: {answer:?}"
        );
    }

    async fn revisions(&self) -> Vec<Revision> {
        let page = self.icp.revisions(&self.context(), &self.start(), Finality::Final).await;
        page.expect("proved").revisions
    }

    /// The same registry through these endpoints.
    fn through(&self, endpoints: &[&Url]) -> Icp {
        let config = IcpConfig {
            endpoints: endpoints.iter().map(|url| (*url).clone()).collect(),
            timeout: Duration::from_secs(3),
            ..IcpConfig::new(endpoints[0].clone())
        };
        Icp::new(self.icp.locator().id().clone(), config).expect("a registry")
    }

    fn url(&self) -> Url {
        self.devnet.url().parse().expect("an address")
    }
}

fn now_s() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.expect("after 1970").as_secs()
}

fn create(context: u8) -> Call {
    let terms = Terms {
        app: hash(1),
        members_root: hash(2),
        members_count: 1,
        flags: 0,
        delays_s: [0; 4],
        guardian: None,
        context: ContextId::from_bytes([context; 32]),
    };
    Call::Create { salt: SALT, terms }
}

fn act(action: Action) -> Call {
    Call::Act { actions: vec![action], expiry_s: now_s() + LATER_S }
}

fn members(prev: u8, new: u8) -> Action {
    Action::SetMembersRoot { prev: hash(prev), new: hash(new), count: 2, delta_hash: hash(9) }
}

#[tokio::test]
async fn a_record_lives_from_creation_to_its_end() {
    let stage = stage().await;
    let context = stage.context();
    stage.icp.verify_registry().await.expect("it is ours");
    assert_eq!(stage.icp.head(&context, Finality::Final).await.expect("proved"), None);
    stage.refuses(1, Call::Renounce, Code::E10).await;
    let made = stage.does(1, create(3)).await;
    assert_eq!((made.rev, made.seq, made.transaction.is_some()), (Some(1), None, true));
    assert!(made.block.is_some());
    assert_eq!(stage.does(1, create(3)).await.transaction, None, "it is there already");
    stage.refuses(1, create(4), Code::E01).await;
    stage.refuses(2, act(members(2, 4)), Code::E12).await;
    for by in [2, 3] {
        let account = stage.account(by);
        stage.does(1, act(Action::NominateAdmin { account, ttl_s: 60 })).await;
        stage.does(by, Call::AcceptAdmin).await;
    }
    assert_eq!(stage.does(3, Call::AcceptAdmin).await.transaction, None, "seated already");
    stage.does(1, act(Action::SetThreshold { threshold: 2 })).await;

    let proposed = stage.does(1, act(members(2, 4))).await;
    let seq = proposed.seq.expect("a proposal");
    assert_eq!(proposed.rev, None);
    let open = stage.icp.proposals(&context).await.expect("told");
    let [one] = open.as_slice() else { panic!("one is open: {open:?}") };
    assert_eq!((one.seq, one.needed, one.eta_s), (seq, 2, None));
    assert_eq!((&one.actions, &one.approvals), (&vec![members(2, 4)], &vec![stage.account(1)]));
    let actions_hash = actions_hash(&[members(2, 4)]).expect("a batch");
    stage.refuses(4, Call::Approve { seq, actions_hash }, Code::E23).await;
    stage.refuses(2, Call::Approve { seq, actions_hash: hash(1) }, Code::E22).await;
    let done = stage.does(2, Call::ApproveAndExecute { seq, actions: vec![members(2, 4)] }).await;
    assert_eq!(done.rev, Some(7));
    assert_eq!(stage.icp.proposals(&context).await.expect("told"), []);
    stage.does(3, Call::Renounce).await;

    let head = stage.icp.head(&context, Finality::Final).await.expect("proved").expect("a record");
    assert_eq!((head.head.rev, head.head.admins, head.head.threshold), (8, 2, 2));
    let told = stage.revisions().await;
    assert_eq!(told.len(), 8);
    assert_eq!(told.last().map(|revision| revision.log_head), Some(head.log_head));
    assert!(told.iter().all(|revision| revision.block.time_s.abs_diff(now_s()) < 120));
    let other = stage.through(&[&stage.url()]);
    let page = other.revisions(&context, &stage.start(), Finality::Final).await.expect("proved");
    assert_eq!(page.revisions, told, "whoever reads reads the same, times included");
    assert_eq!(stage.icp.faults(), []);
}

#[tokio::test]
async fn a_history_of_many_pages_is_read_whole() {
    let stage = stage().await;
    stage.does(1, create(3)).await;
    let mut root = 2;
    for _ in 0..70 {
        let new = if root == 2 { 4 } else { 2 };
        stage.does(1, act(members(root, new))).await;
        root = new;
    }
    let told = stage.revisions().await;
    assert_eq!(told.len(), 71);
    let after = Position::after(&told[65]);
    let late = stage.through(&[&stage.url()]);
    let page = late.revisions(&stage.context(), &after, Finality::Final).await.expect("proved");
    assert_eq!(page.revisions, told[66..]);
    assert!(page.is_last());
}

#[tokio::test]
async fn lying_boundary_nodes_are_refused_and_named() {
    let stage = stage().await;
    stage.does(1, create(3)).await;
    let honest = stage.url();
    let liar = Proxy::start(&honest).await;
    let context = stage.context();
    let head = stage.icp.head(&context, Finality::Final).await.expect("proved").expect("a record");
    let lies = [
        Lie::Forged,
        Lie::Altered(head.head.pack().to_vec()),
        Lie::Altered(head.log_head.as_bytes().to_vec()),
        Lie::Silence,
    ];
    for lie in lies {
        let alone = stage.through(&[&liar.url]);
        liar.lie(lie.clone());
        let answer = alone.revisions(&context, &stage.start(), Finality::Final).await;
        assert!(answer.is_err(), "{lie:?}: {answer:?}");
        let both = stage.through(&[&liar.url, &honest]);
        let found = both.revisions(&context, &stage.start(), Finality::Final).await;
        assert_eq!(found.expect("by the honest one").revisions.len(), 1, "{lie:?}");
        let faults = both.faults();
        let is_named = |fault: &chain::Fault| match lie {
            Lie::Silence => matches!(fault.misdeed, Misdeed::Unreachable { .. }),
            _ => matches!(fault.misdeed, Misdeed::WrongValue { .. }),
        };
        assert!(faults.iter().any(is_named), "{lie:?}: {faults:?}");
    }
}

/// Whoever hides that a call was taken makes it no second one.
#[tokio::test]
async fn a_call_is_carried_out_once_whatever_boundary_nodes_say() {
    let stage = stage().await;
    stage.does(1, create(3)).await;
    let honest = stage.url();
    let liar = Proxy::start(&honest).await;
    liar.lie(Lie::Forged);
    let both = stage.through(&[&liar.url, &honest]);
    let call = act(members(2, 4));
    let done = both.submit(&stage.context(), &call, &signer(&stage.chain, 1)).await;
    assert_eq!(done.expect("by the honest one").rev, Some(2));
    assert!(matches!(both.faults()[0].misdeed, Misdeed::WrongValue { .. }));
    let alone = stage.through(&[&liar.url]);
    let call = act(members(4, 5));
    let failed = alone.submit(&stage.context(), &call, &signer(&stage.chain, 1)).await;
    assert!(matches!(failed, Err(ChainError::Lied { .. })), "{failed:?}");
    liar.lie(Lie::Nothing);
    let again = alone.submit(&stage.context(), &call, &signer(&stage.chain, 1)).await;
    assert_eq!(again.expect("it was done before").rev, Some(3));
    assert_eq!(stage.revisions().await.len(), 3);
}

#[tokio::test]
async fn another_network_is_told_by_its_key() {
    let stage = stage().await;
    let elsewhere = stage.icp.locator().id().address().to_owned();
    let network: ChainId = "icp:00000000000000000000000000000000".parse().expect("legal");
    let id = AccountId::new(&network, &elsewhere).expect("legal");
    let config = IcpConfig::new(stage.url());
    let other = Icp::new(id, config.clone()).expect("a registry");
    let answer = other.verify_registry().await;
    assert!(matches!(answer, Err(ChainError::OtherChain { .. })), "{answer:?}");
    let mainnet: ChainId = "icp:737ba355e855bd4b61279056603e0550".parse().expect("legal");
    let id = AccountId::new(&mainnet, &elsewhere).expect("legal");
    let other = Icp::new(id, config.clone()).expect("a registry");
    let answer = other.head(&stage.context(), Finality::Final).await;
    assert!(matches!(answer, Err(ChainError::Lied { .. })), "under the mainnet's key: {answer:?}");
    let refused = Icp::deploy(config, &signer(&mainnet, 1)).await;
    assert!(matches!(refused, Err(ChainError::BadCall { .. })), "{refused:?}");
}

#[tokio::test]
async fn keys_and_accounts_belong_together() {
    let stage = stage().await;
    let Signer { account, .. } = signer(&stage.chain, 1);
    let thief = Signer { account: account.clone(), key: signer(&stage.chain, 2).key };
    let answer = stage.icp.submit(&stage.context(), &create(3), &thief).await;
    assert!(matches!(answer, Err(ChainError::BadKey)), "{answer:?}");
    let answer = stage.submit(2, &create(3)).await;
    assert!(matches!(answer, Err(ChainError::BadCall { .. })), "another's record: {answer:?}");
    let foreign: AccountId =
        "eip155:1:0x00000000000000000000000000000000000a11ce".parse().expect("legal");
    let answer = stage.icp.balance(&foreign).await;
    assert!(matches!(answer, Err(ChainError::BadAccount { .. })), "{answer:?}");
    assert_eq!(stage.icp.balance(&account).await.expect("one of this network"), u128::MAX);
    let signed = stage.icp.account_signed(&account, &hash(1), b"", None).await.expect("read");
    assert_eq!(signed.answer, Answer::Unknown, "the network has no say");
}

#[tokio::test]
async fn so_many_endpoints_as_must_tell_the_same_about_proposals() {
    let stage = stage().await;
    stage.does(1, create(3)).await;
    let account = stage.account(2);
    stage.does(1, act(Action::NominateAdmin { account, ttl_s: 60 })).await;
    stage.does(2, Call::AcceptAdmin).await;
    stage.does(1, act(Action::SetThreshold { threshold: 2 })).await;
    stage.does(1, act(members(2, 4))).await;
    let (one, two) = (Proxy::start(&stage.url()).await, Proxy::start(&stage.url()).await);
    let config = IcpConfig {
        endpoints: vec![one.url.clone(), two.url.clone()],
        needed: NonZeroUsize::new(2).expect("two"),
        timeout: Duration::from_secs(3),
        ..IcpConfig::new(one.url.clone())
    };
    let icp = Icp::new(stage.icp.locator().id().clone(), config).expect("a registry");
    assert_eq!(icp.proposals(&stage.context()).await.expect("both").len(), 1);
    two.lie(Lie::Silence);
    let answer = icp.proposals(&stage.context()).await;
    assert!(matches!(answer, Err(ChainError::Disagreement { .. })), "{answer:?}");
    let head = icp.head(&stage.context(), Finality::Final).await;
    assert!(head.expect("one certificate is enough").is_some());
}
