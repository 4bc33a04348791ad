//! What the engine is asked, and what it answers: plain values that `api` and `cli` speak of.

pub use chain::{OpenProposal, Receipt};
use governance::{
    anchor,
    log::{BlockRef, Caps, Role},
};
use types::{
    AccountId, AppId, ChainId, ContextId, DeltaId, EntryId, Hash, InvitationId, MemberKey, Root,
};

/// A context to be created.
#[derive(Clone, Debug)]
pub struct CreateContext {
    /// Installed application that it will run.
    pub app: AppId,
    /// Chain that anchors it, or `None` for an owner-ordered context.
    pub anchor: Option<AnchorChoice>,
    /// JSON arguments of the application's `init`; `{}` where it takes none.
    pub init_args: Vec<u8>,
}

/// Where and as whom a context is anchored.
#[derive(Clone, Debug)]
pub struct AnchorChoice {
    /// One of the chains in the node's configuration.
    pub chain: ChainId,
    /// An account whose key this node holds; it pays and gets the first admin seat.
    pub account: AccountId,
    /// Seconds between approval and execution, per class: routine, app, admin, root.
    pub delays_secs: [u32; 4],
    /// Who may veto and freeze.
    pub guardian: Option<AccountId>,
}

/// An invitation to be signed.
#[derive(Clone, Debug)]
pub struct InviteRequest {
    /// Who may come.
    pub invitee: InviteeChoice,
    /// Read-only or member; more is granted by nomination.
    pub role: Role,
    /// Capabilities on top.
    pub caps: Caps,
    /// How many may come with it, 1 to 10,000.
    pub uses_max: u32,
    /// Until when, in seconds from now by the sequencer's clock; `None` is for ever.
    pub ttl_secs: Option<u64>,
}

/// Who may come with an invitation.
#[derive(Clone, Debug)]
pub enum InviteeChoice {
    /// Whoever controls this account.
    Account(AccountId),
    /// Whoever holds this member key.
    Member(MemberKey),
    /// Whoever holds the link.
    Open,
}

/// What a join needs before it can be claimed.
#[derive(Clone, Debug)]
pub struct JoinPlan {
    /// The context of the invitation.
    pub context: ContextId,
    /// The member key made for it on this node.
    pub member: MemberKey,
    /// The account that must sign [`JoinPlan::message`], if any.
    pub account: Option<AccountId>,
    /// The text that the account's wallet must sign, if any.
    pub message: Option<String>,
}

/// How the wallet signature of a join is had.
#[derive(Clone, Debug)]
pub enum JoinSignature {
    /// The invitation needs none.
    None,
    /// By the key that this node holds for the account.
    Held(AccountId),
    /// Made elsewhere over [`JoinPlan::message`].
    Given {
        /// By whom.
        account: AccountId,
        /// The message that was signed.
        message: String,
        /// What the wallet answered, in its chain's form.
        answer: String,
        /// Whether the account is a contract where others are not; it is asked whether it signed.
        is_contract: bool,
    },
}

/// How far a join has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JoinState {
    /// Not a member yet; the text says what is waited for.
    Waiting(String),
    /// A member; the context runs on this node.
    Joined,
    /// It will not happen; the text says why.
    Refused(String),
    /// It stopped on this node, and may be started again; the text says why.
    Failed(String),
}

/// The answer of a call.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The guest's return value, JSON.
    pub value: Vec<u8>,
    /// The delta it wrote, if it wrote any.
    pub delta: Option<DeltaId>,
    /// Lines the guest logged.
    pub logs: Vec<String>,
}

/// A member as the log has it.
#[derive(Clone, Debug)]
pub struct MemberInfo {
    /// Its key.
    pub member: MemberKey,
    /// Its role in force.
    pub role: Role,
    /// Its capabilities.
    pub caps: Caps,
    /// The account bound to it.
    pub account: Option<AccountId>,
    /// The epoch at which it came.
    pub since_epoch: u64,
    /// Whether it is this node's own member.
    pub is_self: bool,
    /// Whether the chain no longer confirms the account, as far as this node asked.
    pub has_lapsed: bool,
}

/// How a context stands.
#[derive(Clone, Debug)]
pub struct ContextStatus {
    /// Which context.
    pub context: ContextId,
    /// What it runs.
    pub app: AppId,
    /// This node's member in it.
    pub member: MemberKey,
    /// That member's role; `None` once removed.
    pub role: Option<Role>,
    /// Epoch of the newest log entry.
    pub epoch: u64,
    /// The newest log entry.
    pub head: EntryId,
    /// Epoch of the newest key.
    pub key_epoch: u32,
    /// Root of shared storage.
    pub root: Root,
    /// Deltas counted, of all authors.
    pub deltas: u64,
    /// Members in the log.
    pub members: usize,
    /// Connected peers that proved membership.
    pub peers: usize,
    /// Peers among them whose root was compared and equal since the last change.
    pub peers_in_sync: usize,
    /// Deltas and entries that wait for something.
    pub pending: usize,
    /// The anchor's state, for a context tied to a chain.
    pub anchor: Option<AnchorStatus>,
    /// What governance waits for, in words.
    pub waiting: Vec<String>,
    /// How many changes of the rules that were asked of this node failed since its start, and why
    /// the last one did.
    pub failures: (u64, Option<String>),
}

/// How the chain side of a context stands.
#[derive(Clone, Debug, Default)]
pub struct AnchorStatus {
    /// Chain and registry.
    pub locator: String,
    /// The record's id there.
    pub record: String,
    /// Highest final revision seen.
    pub final_rev: u64,
    /// Highest revision seen at all; above `final_rev` it is provisional.
    pub seen_rev: u64,
    /// Those in between, which the chain may still undo. Shown, and counted nowhere.
    pub provisional: Vec<Provisional>,
    /// How the last final reading was checked, in words.
    pub trust: Option<String>,
    /// As of which block it was.
    pub block: Option<BlockRef>,
    /// Seconds since the chain was last read.
    pub stale_secs: Option<u64>,
    /// Whether that is so long that changes of the rules pause.
    pub is_stale: bool,
    /// Endpoints that do not answer as they should, and how.
    pub faults: Vec<String>,
    /// Why the last reading or sending failed.
    pub error: Option<String>,
}

/// A revision in a block that is not final.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provisional {
    /// Its number.
    pub rev: u64,
    /// The log head after it: tells two revisions of one number apart.
    pub log_head: Hash,
    /// What it says, in words.
    pub what: String,
    /// The block that has it.
    pub height: u64,
}

/// What an account does on the chain of a context, beside changes of its members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Proposes a batch of actions; carries it out where one approval and no delay is asked.
    Propose {
        /// 1 to 16.
        actions: Vec<anchor::Action>,
        /// For how long it may be approved and carried out, in seconds.
        ttl_secs: u64,
    },
    /// Does something about an open proposal.
    OnProposal {
        /// Which.
        seq: u64,
        /// What.
        act: ProposalAct,
    },
    /// Takes the seat that the account was nominated for.
    Accept,
    /// Gives the account's seat up.
    Renounce,
    /// Stops proposals above routine, and all executions.
    Freeze {
        /// For how long.
        secs: u32,
    },
    /// Tells the chain that the account and this node's member belong together.
    Bind {
        /// For how long it holds.
        ttl_secs: u64,
    },
}

/// What can be done about a proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProposalAct {
    /// Approve; the last approval carries it out where there is no delay.
    Approve,
    /// Take one's approval back.
    Unapprove,
    /// Carry it out.
    Execute,
    /// Withdraw it.
    Cancel,
    /// Refuse it as the guardian.
    Veto,
    /// Free it once it ran out.
    Expire,
}

/// An open proposal, and what this node makes of it.
#[derive(Clone, Debug)]
pub struct ProposalInfo {
    /// The chain whose accounts it speaks of.
    pub chain: ChainId,
    /// As the contract has it.
    pub open: OpenProposal,
    /// What its members batch does, if it has one and this node knows it.
    pub members: Option<MembersChange>,
    /// Why this node would not approve it.
    pub objection: Option<String>,
}

/// What a batch does to the members.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MembersChange {
    /// Who comes.
    pub added: Vec<MemberKey>,
    /// Who goes.
    pub removed: Vec<MemberKey>,
    /// How many other changes there are.
    pub others: usize,
}

/// An installed application.
#[derive(Clone, Debug)]
pub struct AppInfo {
    /// Its id.
    pub app: AppId,
    /// Component size in bytes.
    pub size_bytes: u64,
    /// Methods, as `name` and whether it changes state.
    pub methods: Vec<(String, bool)>,
}

/// An invitation that was made.
#[derive(Clone, Debug)]
pub struct Invited {
    /// Its id, for revocation.
    pub invitation: InvitationId,
    /// The text to pass on.
    pub link: String,
}

/// Something that happened in a context, in the order in which this node committed it.
#[derive(Clone, Debug)]
pub struct ContextEvent {
    /// Position in this node's stream of the context; resumes a stream.
    pub seq: u64,
    /// What happened.
    pub kind: String,
    /// Details, JSON.
    pub data: Vec<u8>,
}

/// Events in ascending order.
#[derive(Clone, Debug, Default)]
pub struct EventsPage {
    /// How many events after the position asked for are no longer kept: read the state instead.
    pub lost: u64,
    /// Those that are there.
    pub events: Vec<ContextEvent>,
}

/// How the node stands.
#[derive(Clone, Debug)]
pub struct NodeStatus {
    /// Its network id.
    pub peer: String,
    /// Where it listens.
    pub listen: Vec<String>,
    /// Connected peers.
    pub peers: usize,
    /// Contexts on this node.
    pub contexts: usize,
    /// Whether acknowledged writes are synced to disk first.
    pub durable: bool,
}

/// How far a change of the rules has come when its request is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GovernanceState {
    /// In the log, as this epoch's entry.
    Sequenced(u64),
    /// Taken and kept; the text says what it waits for. [`ContextStatus::waiting`] follows it.
    Waiting(String),
}
