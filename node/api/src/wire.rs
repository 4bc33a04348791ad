//! The JSON that clients send and get. Ids and keys are their text forms; times are seconds.

mod proposal;

use engine::{BlockRef, request};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

pub use self::proposal::{
    Act, Action, Bind, Freeze, Members, Proposal, Propose, Provisional, Receipt,
};

/// Why a request was not done.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Failure {
    /// A word for programs.
    pub error: String,
    /// A sentence for people.
    pub message: String,
    /// Whether the same request may succeed later.
    pub retry: bool,
}

/// `GET /v1/node`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Node {
    /// The network id.
    pub peer: String,
    /// Where it listens.
    pub listen: Vec<String>,
    /// Connected peers.
    pub peers: usize,
    /// Contexts on it.
    pub contexts: usize,
    /// Whether acknowledged writes are on disk.
    pub durable: bool,
}

/// `GET /v1/apps`, `POST /v1/apps` (the module's bytes).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct App {
    /// Its id.
    pub app: String,
    /// Component size in bytes.
    pub size_bytes: u64,
    /// Its methods.
    pub methods: Vec<Method>,
}

/// One method of an application.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Method {
    /// Its name.
    pub name: String,
    /// Whether it writes.
    pub mutates: bool,
}

/// `POST /v1/accounts`.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImportAccount {
    /// CAIP-2 chain.
    pub chain: String,
    /// CAIP-10 account; by default the one that the key names.
    #[serde(default)]
    pub account: Option<String>,
    /// The secret key: 64 hex digits.
    pub secret: String,
}

impl std::fmt::Debug for ImportAccount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ImportAccount").field("chain", &self.chain).finish_non_exhaustive()
    }
}

/// An account by its CAIP-10 name.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Account {
    /// The name.
    pub account: String,
}

/// `POST /v1/contexts`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateContext {
    /// Installed application.
    pub app: String,
    /// Where to anchor it; absent for no chain.
    #[serde(default)]
    pub anchor: Option<Anchor>,
    /// Arguments of the application's `init`.
    #[serde(default)]
    pub init: Option<Box<RawValue>>,
}

/// Where a context is anchored.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Anchor {
    /// CAIP-10 account that creates the record; this node must hold its key.
    pub account: String,
    /// Delays per class (routine, app, admin, root), in seconds: 0, 1 h, 24 h, 48 h by default.
    #[serde(default = "safe_delays")]
    pub delays_secs: [u32; 4],
    /// CAIP-10 account that may veto and freeze.
    #[serde(default)]
    pub guardian: Option<String>,
}

const fn safe_delays() -> [u32; 4] {
    [0, 3_600, 24 * 3_600, 48 * 3_600]
}

/// Names a context.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Context {
    /// Its id.
    pub context: String,
}

/// `GET /v1/contexts`, `GET /v1/contexts/{id}`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Status {
    /// Its id.
    pub context: String,
    /// What it runs.
    pub app: String,
    /// This node's member.
    pub member: String,
    /// Its role; absent once removed.
    pub role: Option<String>,
    /// Epoch of the newest log entry.
    pub epoch: u64,
    /// The newest log entry.
    pub head: String,
    /// Epoch of the newest key.
    pub key_epoch: u32,
    /// Root of shared storage.
    pub root: String,
    /// Deltas counted.
    pub deltas: u64,
    /// Members.
    pub members: usize,
    /// Connected peers that proved membership.
    pub peers: usize,
    /// Peers with an equal root.
    pub peers_in_sync: usize,
    /// Deltas that wait.
    pub pending: usize,
    /// The chain side.
    pub anchor: Option<AnchorStatus>,
    /// What the rules wait for.
    pub waiting: Vec<String>,
    /// How many changes of the rules that were asked of this node failed since its start.
    pub failures: u64,
    /// Why the last of them did.
    pub failure: Option<String>,
}

/// The chain side of a context.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AnchorStatus {
    /// The registry.
    pub registry: String,
    /// The context's record there.
    pub record: String,
    /// Highest final revision.
    pub final_rev: u64,
    /// Highest revision seen.
    pub seen_rev: u64,
    /// Revisions that are not final: shown, and counted nowhere.
    #[serde(default)]
    pub provisional: Vec<Provisional>,
    /// How what is final was checked, in words.
    #[serde(default)]
    pub trust: Option<String>,
    /// The block as of which it was read.
    #[serde(default)]
    pub block: Option<Block>,
    /// Seconds since the chain was read.
    pub stale_secs: Option<u64>,
    /// Whether that is too long for changes of the rules.
    #[serde(default)]
    pub is_stale: bool,
    /// Endpoints that do not answer as they should, and how.
    #[serde(default)]
    pub faults: Vec<String>,
    /// Why reading failed.
    pub error: Option<String>,
}

/// A block of a chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    /// Its height.
    pub height: u64,
    /// Its hash.
    pub hash: String,
    /// Its time (Unix).
    pub time: u64,
}

/// `GET /v1/contexts/{id}/members`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Member {
    /// Its key.
    pub member: String,
    /// Its role.
    pub role: String,
    /// Capability bits.
    pub caps: u8,
    /// Its account.
    pub account: Option<String>,
    /// Since which epoch.
    pub since_epoch: u64,
    /// Whether it is this node's.
    pub is_self: bool,
    /// Whether the chain no longer confirms the account: its key was taken from it since.
    pub has_lapsed: bool,
}

/// `POST /v1/contexts/{id}/call` and `…/view`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// The method.
    pub method: String,
    /// Its arguments by name.
    #[serde(default)]
    pub args: Option<Box<RawValue>>,
}

/// The answer of a call.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Answer {
    /// What the method returned.
    pub value: Box<RawValue>,
    /// The delta it wrote.
    pub delta: Option<String>,
    /// What it logged.
    pub logs: Vec<String>,
}

/// `POST /v1/contexts/{id}/invitations`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Invite {
    /// CAIP-10 account that may come.
    #[serde(default)]
    pub account: Option<String>,
    /// Member key that may come. Neither: whoever holds the link.
    #[serde(default)]
    pub member: Option<String>,
    /// `member` or `read-only`.
    pub role: String,
    /// Capability bits.
    #[serde(default)]
    pub caps: u8,
    /// How many may come with it.
    #[serde(default = "one")]
    pub uses: u32,
    /// For how long.
    #[serde(default)]
    pub ttl_secs: Option<u64>,
}

const fn one() -> u32 {
    1
}

/// An invitation that was made.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Invited {
    /// Its id.
    pub invitation: String,
    /// The link to pass on.
    pub link: String,
}

/// `POST /v1/join/plan`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanJoin {
    /// The link.
    pub link: String,
    /// The account to come with.
    #[serde(default)]
    pub account: Option<String>,
}

/// What a join needs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct JoinPlan {
    /// The context.
    pub context: String,
    /// The member key made for it.
    pub member: String,
    /// The account that must sign.
    pub account: Option<String>,
    /// What its wallet is given to sign: on Ethereum a text for `personal_sign`, on NEAR the
    /// `{message, recipient, nonce}` of NEP-413, on the Internet Computer a text for an identity,
    /// on Starknet the typed data of SNIP-12.
    pub message: Option<String>,
}

/// `POST /v1/join`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Join {
    /// The link.
    pub link: String,
    /// The account to come with; this node's own key signs unless `proof` is given.
    #[serde(default)]
    pub account: Option<String>,
    /// What a wallet elsewhere made for the account.
    #[serde(default)]
    pub proof: Option<Proof>,
}

/// A wallet's signature. The message is part of it: each planned one carries its own time.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// The planned message, byte for byte as it was signed.
    pub message: String,
    /// What the wallet answered: the signature in hex; on NEAR `{accountId, publicKey, signature}`,
    /// on the Internet Computer `{publicKey, signature}` with a delegation if there is one, on
    /// Starknet the list of felts.
    pub signature: String,
    /// Whether the account is a contract, which is asked whether it signed.
    #[serde(default)]
    pub contract: bool,
}

/// `GET /v1/join/{context}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinState {
    /// `waiting`, `joined`, `refused` or `failed`.
    pub state: String,
    /// What is waited for, or why not.
    pub why: Option<String>,
}

/// Names a member.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamesMember {
    /// Its key.
    pub member: String,
    /// The role to give, where one is given.
    #[serde(default)]
    pub role: Option<String>,
}

/// How far a change of the rules has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Governance {
    /// The epoch of its entry, once sequenced.
    pub epoch: Option<u64>,
    /// What it waits for, before.
    pub waiting: Option<String>,
}

/// One event: a line of `GET /v1/contexts/{id}/events`, a message of `…/stream`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Event {
    /// Resumes a stream.
    pub seq: u64,
    /// What happened.
    pub kind: String,
    /// Details.
    pub data: Box<RawValue>,
}

/// Events in ascending order.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Events {
    /// How many between are no longer kept.
    pub lost: u64,
    /// Those that are.
    pub events: Vec<Event>,
}

// --- from the engine's values

/// JSON bytes as raw JSON; anything else as a JSON string, so that an answer is always JSON.
pub(crate) fn raw(bytes: Vec<u8>) -> Box<RawValue> {
    let text = String::from_utf8_lossy(&bytes).into_owned();
    RawValue::from_string(text.clone()).unwrap_or_else(|_| {
        serde_json::value::to_raw_value(&text).expect("a string is always JSON")
    })
}

impl From<request::NodeStatus> for Node {
    fn from(node: request::NodeStatus) -> Self {
        let request::NodeStatus { peer, listen, peers, contexts, durable } = node;
        Self { peer, listen, peers, contexts, durable }
    }
}

impl From<request::AppInfo> for App {
    fn from(info: request::AppInfo) -> Self {
        let methods = info.methods.into_iter().map(|(name, mutates)| Method { name, mutates });
        Self { app: info.app.to_string(), size_bytes: info.size_bytes, methods: methods.collect() }
    }
}

impl From<request::ContextStatus> for Status {
    fn from(status: request::ContextStatus) -> Self {
        Self {
            context: status.context.to_string(),
            app: status.app.to_string(),
            member: status.member.to_string(),
            role: status.role.map(|role| engine::role_name(role).to_owned()),
            epoch: status.epoch,
            head: status.head.to_string(),
            key_epoch: status.key_epoch,
            root: status.root.to_string(),
            deltas: status.deltas,
            members: status.members,
            peers: status.peers,
            peers_in_sync: status.peers_in_sync,
            pending: status.pending,
            anchor: status.anchor.map(AnchorStatus::from),
            waiting: status.waiting,
            failures: status.failures.0,
            failure: status.failures.1,
        }
    }
}

impl From<BlockRef> for Block {
    fn from(block: BlockRef) -> Self {
        Self { height: block.height, hash: block.hash.to_string(), time: block.time_s }
    }
}

impl From<request::AnchorStatus> for AnchorStatus {
    fn from(anchor: request::AnchorStatus) -> Self {
        Self {
            registry: anchor.locator,
            record: anchor.record,
            final_rev: anchor.final_rev,
            seen_rev: anchor.seen_rev,
            provisional: anchor.provisional.into_iter().map(Provisional::from).collect(),
            trust: anchor.trust,
            block: anchor.block.map(Block::from),
            stale_secs: anchor.stale_secs,
            is_stale: anchor.is_stale,
            faults: anchor.faults,
            error: anchor.error,
        }
    }
}

impl From<request::MemberInfo> for Member {
    fn from(info: request::MemberInfo) -> Self {
        Self {
            member: info.member.to_string(),
            role: engine::role_name(info.role).to_owned(),
            caps: info.caps.bits(),
            account: info.account.map(|account| account.to_string()),
            since_epoch: info.since_epoch,
            is_self: info.is_self,
            has_lapsed: info.has_lapsed,
        }
    }
}

impl From<request::Answer> for Answer {
    fn from(answer: request::Answer) -> Self {
        Self {
            value: raw(answer.value),
            delta: answer.delta.map(|delta| delta.to_string()),
            logs: answer.logs,
        }
    }
}

impl From<request::JoinState> for JoinState {
    fn from(state: request::JoinState) -> Self {
        let (state, why) = match state {
            request::JoinState::Waiting(why) => ("waiting", Some(why)),
            request::JoinState::Joined => ("joined", None),
            request::JoinState::Refused(why) => ("refused", Some(why)),
            request::JoinState::Failed(why) => ("failed", Some(why)),
        };
        Self { state: state.to_owned(), why }
    }
}

impl From<request::GovernanceState> for Governance {
    fn from(state: request::GovernanceState) -> Self {
        match state {
            request::GovernanceState::Sequenced(epoch) => {
                Self { epoch: Some(epoch), waiting: None }
            }
            request::GovernanceState::Waiting(why) => Self { epoch: None, waiting: Some(why) },
        }
    }
}

impl From<request::EventsPage> for Events {
    fn from(page: request::EventsPage) -> Self {
        let events = page.events.into_iter().map(Event::from).collect();
        Self { lost: page.lost, events }
    }
}

impl From<request::ContextEvent> for Event {
    fn from(event: request::ContextEvent) -> Self {
        Self { seq: event.seq, kind: event.kind, data: raw(event.data) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_bytes_of_a_guest_are_json(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let value = raw(bytes);
            prop_assert!(serde_json::from_str::<serde_json::Value>(value.get()).is_ok());
        }

        #[test]
        fn any_body_is_a_request_or_an_error(text in "\\PC*|[{}\\[\\]\":,a-z0-9 ]*") {
            drop(serde_json::from_str::<CreateContext>(&text));
            drop(serde_json::from_str::<Call>(&text));
            drop(serde_json::from_str::<Invite>(&text));
            drop(serde_json::from_str::<Join>(&text));
            drop(serde_json::from_str::<NamesMember>(&text));
        }

        #[test]
        fn joins_survive_json(link in ".*", message in ".*", signature in "[0-9a-f]*") {
            let proof = Some(Proof { message, signature, contract: false });
            let join = Join { link, account: Some("eip155:1:0xab".to_owned()), proof };
            let text = serde_json::to_string(&join).expect("plain strings");
            let back: Join = serde_json::from_str(&text).expect("what was written");
            prop_assert_eq!(back.link, join.link);
            let proofs = (back.proof.expect("kept"), join.proof.expect("given"));
            prop_assert_eq!(proofs.0.message, proofs.1.message);
            prop_assert_eq!(proofs.0.signature, proofs.1.signature);
        }
    }

    #[test]
    fn json_of_a_guest_is_kept_as_it_is() {
        assert_eq!(raw(b"{\"a\": 1}".to_vec()).get(), "{\"a\": 1}");
        assert_eq!(raw(b"plain".to_vec()).get(), "\"plain\"");
        assert_eq!(raw(Vec::new()).get(), "\"\"");
    }

    #[test]
    fn imported_secrets_are_not_printed() {
        let import =
            ImportAccount { chain: "eip155:1".to_owned(), account: None, secret: "0b".repeat(32) };
        assert!(!format!("{import:?}").contains("0b0b"));
    }
}
