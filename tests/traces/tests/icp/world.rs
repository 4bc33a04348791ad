//! A replica with a registry on it.

use std::{fs, path::PathBuf};

use candid::{Decode, Encode, Nat, Principal, utils::ArgumentEncoder};
use devnet_icp::{Answer as Reply, Call as IcCall, InstallMode, Reject, Replica, ReplicaConfig};
use governance::anchor::{
    Account, Action, Call, Happened, OnChainId, Registry, Terms, actions_hash, log_head,
};
use sha2::{Digest as _, Sha256};
use types::{ContextId, Hash};

use crate::{
    wire::{
        Answer, Certified, CertifiedProposals, CertifiedRecord, CertifiedRevisions, Event, Outcome,
        ProposalView, RecordView, Revision, Settings, answer, argument, principal,
    },
    witness::Tree,
};

/// Where the traces begin, so that all tests are in the same years.
pub(crate) const START_S: u64 = 1_800_000_000;
/// Cycles of a record, in these tests.
pub(crate) const PRICE: u64 = 500_000_000_000;

/// The canister's code, as it is committed.
pub(crate) fn code() -> Vec<u8> {
    let path = folder().join("artifact/registry.wasm");
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

pub(crate) fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../contracts/icp")
}

/// A replica, a registry, and who may create records there without paying.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) replica: Replica,
    pub(crate) registry: Principal,
    /// The registry as the model knows it.
    pub(crate) name: Registry,
    now_s: u64,
}

impl World {
    /// With a registry where each of `creators` makes 1000 records.
    pub(crate) fn new(creators: &[&str]) -> Self {
        Self::with(ReplicaConfig::default(), Some(settings(creators)))
    }

    /// With these settings.
    pub(crate) fn with(config: ReplicaConfig, settings: Option<Settings>) -> Self {
        let config = ReplicaConfig { time_ns: START_S * 1_000_000_000, ..config };
        let mut replica = Replica::new(config);
        let registry = replica.create_canister(&[operator()]).expect("there is room");
        let arg = Encode!(&settings).expect("Candid");
        let installed = replica.install(registry, InstallMode::Install, &code(), &arg, operator());
        installed.expect("it is installed");
        let digest = hex::encode(Sha256::digest(replica.root_key()));
        let chain = format!("icp:{}", &digest[..32]).parse().expect("a chain");
        let account = Account::new(registry.as_slice()).expect("an account");
        Self { replica, registry, name: Registry { chain, account }, now_s: START_S }
    }

    /// Sets the time, which need not pass.
    pub(crate) fn at(&mut self, now_s: u64) {
        self.now_s = now_s;
        self.replica.set_time_ns(now_s * 1_000_000_000);
    }

    pub(crate) const fn now_s(&self) -> u64 {
        self.now_s
    }

    /// A week from now.
    pub(crate) const fn week_s(&self) -> u64 {
        self.now_s + 7 * 86_400
    }

    /// Calls any method as a user.
    pub(crate) fn send(
        &mut self,
        sender: Principal,
        method: &str,
        arg: Vec<u8>,
    ) -> Result<Reply, Reject> {
        let method = method.to_owned();
        self.replica.update(&IcCall { canister: self.registry, sender, method, arg })
    }

    /// Calls any method as a canister.
    pub(crate) fn pay(
        &mut self,
        sender: Principal,
        (method, arg): (&str, Vec<u8>),
        cycles: u64,
    ) -> Result<Reply, Reject> {
        let method = method.to_owned();
        let call = IcCall { canister: self.registry, sender, method, arg };
        self.replica.deliver(&call, u128::from(cycles))
    }

    /// Asks a query method, as nobody in particular.
    pub(crate) fn ask<T>(&mut self, method: &str, arguments: impl ArgumentEncoder) -> T
    where
        T: for<'de> serde::Deserialize<'de> + candid::CandidType,
    {
        let arg = candid::encode_args(arguments).expect("Candid");
        let (canister, sender) = (self.registry, Principal::anonymous());
        let call = IcCall { canister, sender, method: method.to_owned(), arg };
        let reply = self.replica.query(&call).expect("it answers").reply;
        Decode!(&reply, T).expect("what the interface says")
    }

    /// Makes a call as a user, and what it cost.
    pub(crate) fn measured(
        &mut self,
        by: &Account,
        (context, call): (&OnChainId, &Call),
        batch: Option<&[u8]>,
    ) -> (Answer, u64) {
        let (method, arg) = argument(context, call, batch);
        let reply = self.send(principal(by), method, arg).expect("it is answered");
        (answer(&reply.reply), reply.instructions)
    }

    /// Makes a call that is done.
    #[track_caller]
    pub(crate) fn done(&mut self, by: &Account, context: &OnChainId, call: &Call) -> Outcome {
        self.measured(by, (context, call), None).0.expect("it is done")
    }

    /// Makes a record of `creator` with no delays; its name.
    pub(crate) fn create(&mut self, creator: &Account, salt: u8) -> OnChainId {
        let salt = [salt; 32];
        let context = self.name.context(creator, &salt);
        let outcome = self.done(creator, &context, &Call::Create { salt, terms: terms() });
        assert_eq!(outcome.context, context.as_hash().as_bytes());
        context
    }

    /// Makes a record whose admins are `admins`, the first its creator, and sets the threshold.
    pub(crate) fn council(&mut self, admins: &[Account], threshold: u8) -> OnChainId {
        let (creator, others) = admins.split_first().expect("somebody");
        let context = self.create(creator, 1);
        let expiry_s = self.week_s();
        for admin in others {
            let action = Action::NominateAdmin { account: admin.clone(), ttl_s: 3600 };
            self.done(creator, &context, &Call::Act { actions: vec![action], expiry_s });
            self.done(admin, &context, &Call::AcceptAdmin);
        }
        let actions = vec![Action::SetThreshold { threshold }];
        self.done(creator, &context, &Call::Act { actions, expiry_s });
        context
    }

    pub(crate) fn head(&mut self, context: &OnChainId) -> Certified {
        self.ask("head", (bytes(context),))
    }

    pub(crate) fn record(&mut self, context: &OnChainId) -> Option<RecordView> {
        self.ask::<CertifiedRecord>("record", (bytes(context),)).record
    }

    pub(crate) fn proposals(&mut self, context: &OnChainId) -> Vec<ProposalView> {
        self.ask::<CertifiedProposals>("proposals", (bytes(context),)).proposals
    }

    /// All revisions, page by page.
    pub(crate) fn revisions(&mut self, context: &OnChainId) -> Vec<Revision> {
        let mut all: Vec<Revision> = Vec::new();
        loop {
            let after = all.last().map_or(0, |revision| revision.rev);
            let arguments = (bytes(context), after, u32::MAX);
            let page = self.ask::<CertifiedRevisions>("revisions", arguments).revisions;
            assert!(page.len() <= 64, "{} revisions in one answer", page.len());
            if page.is_empty() {
                return all;
            }
            all.extend(page);
        }
    }

    /// Everything that can be read of a record.
    pub(crate) fn snapshot(&mut self, context: &OnChainId) -> Snapshot {
        Snapshot {
            certified: self.replica.certified_data(self.registry).map(<[u8]>::to_vec),
            record: self.record(context),
            proposals: self.proposals(context),
            revisions: self.revisions(context),
        }
    }

    /// Checks that head and witness of a record agree with what is certified, and that they follow
    /// from its revisions.
    #[track_caller]
    pub(crate) fn check(&mut self, context: &OnChainId) {
        let Certified { head, log_head: told, certificate, witness } = self.head(context);
        assert!(certificate.is_some(), "a query has a certificate");
        let tree = Tree::read(&witness);
        let certified = self.replica.certified_data(self.registry).expect("it is there");
        assert_eq!(tree.digest(), certified, "the witness is of another tree");
        let id = &bytes(context)[..];
        let revisions = self.revisions(context);
        if revisions.is_empty() {
            assert_eq!((head, told), (vec![0; 32], vec![0; 32]));
            assert_eq!((tree.find(&[b"head", id]), tree.find(&[b"times", id])), (None, None));
            return;
        }
        assert_eq!(tree.find(&[b"head", id]), Some(&[head.clone(), told.clone()].concat()[..]));
        let mut chained = self.name.log_start(context);
        let mut times = [0; 32];
        for (number, revision) in (1..).zip(&revisions) {
            assert_eq!(revision.rev, number);
            Happened::decode(revision.kind, &revision.payload).expect("it reads back");
            chained = log_head(&chained, number, revision.kind, &revision.payload);
            assert_eq!(revision.log_head, chained.as_bytes(), "revision {number}");
            let time = revision.time_ns.to_be_bytes();
            times = Sha256::digest([&times[..], &number.to_be_bytes(), &time].concat()).into();
        }
        assert_eq!(told, chained.as_bytes(), "the log head is of other revisions");
        assert_eq!(tree.find(&[b"times", id]), Some(&times[..]));
        assert_eq!(head[..8], (revisions.len() as u64).to_be_bytes());
    }
}

/// Everything that can be read of a record.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Snapshot {
    pub(crate) certified: Option<Vec<u8>>,
    pub(crate) record: Option<RecordView>,
    pub(crate) proposals: Vec<ProposalView>,
    pub(crate) revisions: Vec<Revision>,
}

/// Who controls the canister.
pub(crate) fn operator() -> Principal {
    principal(&account("operator"))
}

/// A user's account: 29 bytes, as if a key were behind it.
pub(crate) fn account(name: &str) -> Account {
    let digest = Sha256::digest(name);
    let bytes = [&digest[..28], &[2]].concat();
    Account::new(&bytes).expect("an account")
}

/// Where each of `creators` makes 1000 records.
pub(crate) fn settings(creators: &[&str]) -> Settings {
    Settings {
        creators: creators.iter().map(|name| principal(&account(name))).collect(),
        records_per_creator: 1000,
        price_cycles: Some(Nat::from(PRICE)),
        room_bytes: 1 << 20,
    }
}

/// No delays, and grace as guardian.
pub(crate) fn terms() -> Terms {
    Terms {
        app: Hash::from_bytes([10; 32]),
        members_root: Hash::from_bytes([16; 32]),
        members_count: 1,
        flags: 1,
        delays_s: [0; 4],
        guardian: Some(account("grace")),
        context: ContextId::from_bytes([12; 32]),
    }
}

/// The change of the members' root that follows upon `from`.
pub(crate) fn members(from: u8) -> Action {
    let root = |byte| Hash::from_bytes([byte; 32]);
    let (prev, new) = (root(from), root(from + 1));
    Action::SetMembersRoot { prev, new, count: 2, delta_hash: root(9) }
}

pub(crate) fn approve(seq: u64, actions: &[Action]) -> Call {
    Call::Approve { seq, actions_hash: actions_hash(actions).expect("a batch") }
}

/// The names of what happened.
pub(crate) fn names(outcome: &Outcome) -> String {
    let name = |event: &Event| {
        let text = format!("{event:?}");
        text.split(' ').next().expect("a name").to_owned()
    };
    outcome.events.iter().map(name).collect::<Vec<_>>().join(" ")
}

pub(crate) fn bytes(context: &OnChainId) -> Vec<u8> {
    context.as_hash().as_bytes().to_vec()
}
