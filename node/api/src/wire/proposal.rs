//! Proposals of admins, as JSON. Accounts are CAIP-10, hashes are hex, times are seconds.

use engine::{
    ChainAccount, ChainAction, Class,
    request::{self, MembersChange, ProposalInfo},
};
use serde::{Deserialize, Serialize};
use types::{AccountId, ChainId, Hash};

/// One governed change of a context's record on its chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Action {
    /// Lets an account take an admin's seat.
    NominateAdmin {
        /// Whose.
        account: String,
        /// For how long, counted from the execution.
        ttl_secs: u32,
    },
    /// Takes an admin's seat away.
    RemoveAdmin {
        /// Whose.
        account: String,
    },
    /// How many admins must approve.
    SetThreshold {
        /// 1 up to the number of admins.
        threshold: u8,
    },
    /// How long batches of a class wait.
    SetDelay {
        /// `routine`, `app`, `admin` or `root`.
        class: String,
        /// At most 30 days.
        secs: u32,
    },
    /// Replaces the members by those that a batch leaves. Shown, never taken: members change by
    /// invitations, removals and roles.
    SetMembers {
        /// Root before.
        prev: String,
        /// Root after.
        new: String,
        /// How many they are.
        count: u32,
        /// Hash of the batch.
        delta_hash: String,
    },
    /// Runs another application.
    SetApp {
        /// Its id.
        app: String,
        /// What moves the state over.
        #[serde(default)]
        migration: Option<String>,
    },
    /// Replaces the root of invitations that may be claimed on chain.
    SetInvites {
        /// Root before.
        prev: String,
        /// Root after.
        new: String,
    },
    /// Capabilities, recorded on chain.
    SetCaps {
        /// Hash of the member's key; zero for the default.
        key_hash: String,
        /// Bits.
        caps: u32,
    },
    /// Who may veto and freeze; none without an account.
    SetGuardian {
        /// Whom.
        #[serde(default)]
        account: Option<String>,
    },
    /// Ends the record for good.
    Dissolve {},
    /// What the context says about itself.
    SetMeta {
        /// Its hash.
        meta: String,
    },
}

/// `POST /v1/contexts/{id}/proposals`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Propose {
    /// 1 to 16, done in this order, all or none.
    pub actions: Vec<Action>,
    /// For how long it may be approved and carried out; 7 days unless told otherwise.
    #[serde(default)]
    pub ttl_secs: Option<u64>,
    /// As whom: an account whose key the node holds, instead of its member's own.
    #[serde(default)]
    pub account: Option<String>,
}

/// `POST /v1/contexts/{id}/proposals/{seq}` and `POST /v1/contexts/{id}/seat`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Act {
    /// `approve`, `unapprove`, `execute`, `cancel`, `veto` or `expire`; of a seat `accept` or
    /// `renounce`.
    pub act: String,
    /// As [`Propose::account`].
    #[serde(default)]
    pub account: Option<String>,
}

/// `POST /v1/contexts/{id}/freeze`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Freeze {
    /// 1 second up to 7 days.
    pub secs: u32,
    /// As [`Propose::account`].
    #[serde(default)]
    pub account: Option<String>,
}

/// `POST /v1/contexts/{id}/bind`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bind {
    /// The account, whose key the node holds.
    pub account: String,
    /// For how long the binding holds; a year unless told otherwise.
    #[serde(default)]
    pub ttl_secs: Option<u64>,
}

/// What a chain made of a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The transaction; absent if nothing had to be sent.
    pub transaction: Option<String>,
    /// The block that took it in; not final yet.
    pub height: Option<u64>,
    /// The proposal that it made.
    pub seq: Option<u64>,
    /// The last revision that it made.
    pub rev: Option<u64>,
}

/// An open proposal: a line of `GET /v1/contexts/{id}/proposals`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Proposal {
    /// Its number.
    pub seq: u64,
    /// Who made it.
    pub proposer: String,
    /// What it does.
    pub actions: Vec<Action>,
    /// What its members batch does, if it has one and the batch is here.
    pub members: Option<Members>,
    /// Who approves it, of those that count.
    pub approvals: Vec<String>,
    /// How many must.
    pub needed: u8,
    /// `routine`, `app`, `admin` or `root`.
    pub class: String,
    /// From when on it may be executed (Unix), once it has its approvals.
    pub executable_at: Option<u64>,
    /// Its last second (Unix).
    pub expires_at: u64,
    /// Why this node would not approve it.
    pub objection: Option<String>,
}

/// What a members batch does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Members {
    /// Keys that come.
    pub added: Vec<String>,
    /// Keys that go.
    pub removed: Vec<String>,
    /// How many other changes there are: roles, revoked invitations.
    pub others: usize,
}

/// A revision that is not final: it may still be undone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provisional {
    /// Its number.
    pub rev: u64,
    /// What it says, in words.
    pub what: String,
    /// The block that has it.
    pub height: u64,
}

impl Action {
    /// The action on `chain`.
    ///
    /// # Errors
    /// Naming the field that does not parse.
    pub(crate) fn parse(&self, chain: &ChainId) -> Result<ChainAction, String> {
        Ok(match self {
            Self::NominateAdmin { account: text, ttl_secs } => {
                ChainAction::NominateAdmin { account: account(text, chain)?, ttl_s: *ttl_secs }
            }
            Self::RemoveAdmin { account: text } => {
                ChainAction::RemoveAdmin { account: account(text, chain)? }
            }
            Self::SetThreshold { threshold } => ChainAction::SetThreshold { threshold: *threshold },
            Self::SetDelay { class, secs } => {
                ChainAction::SetDelay { class: parse_class(class)?, delay_s: *secs }
            }
            Self::SetApp { app, migration } => ChainAction::SetApp {
                app: hash(app, "app")?,
                migration: migration.as_deref().map_or(Ok(Hash::ZERO), |m| hash(m, "migration"))?,
            },
            Self::SetInvites { prev, new } => {
                ChainAction::SetInviteRoot { prev: hash(prev, "prev")?, new: hash(new, "new")? }
            }
            Self::SetCaps { key_hash, caps } => {
                ChainAction::SetCaps { key_hash: hash(key_hash, "key_hash")?, caps: *caps }
            }
            Self::SetGuardian { account: text } => {
                let guardian = text.as_deref().map(|text| account(text, chain)).transpose()?;
                ChainAction::SetGuardian { guardian }
            }
            Self::Dissolve {} => ChainAction::Dissolve,
            Self::SetMeta { meta } => ChainAction::SetMeta { meta: hash(meta, "meta")? },
            Self::SetMembers { .. } => {
                return Err("members change by invitations, removals and roles".to_owned());
            }
        })
    }

    pub(crate) fn of(action: &ChainAction, chain: &ChainId) -> Self {
        let name = |account: &ChainAccount| name(account, chain);
        match action {
            ChainAction::NominateAdmin { account, ttl_s } => {
                Self::NominateAdmin { account: name(account), ttl_secs: *ttl_s }
            }
            ChainAction::RemoveAdmin { account } => Self::RemoveAdmin { account: name(account) },
            ChainAction::SetThreshold { threshold } => Self::SetThreshold { threshold: *threshold },
            ChainAction::SetDelay { class, delay_s } => {
                Self::SetDelay { class: class_name(*class).to_owned(), secs: *delay_s }
            }
            ChainAction::SetMembersRoot { prev, new, count, delta_hash } => Self::SetMembers {
                prev: prev.to_string(),
                new: new.to_string(),
                count: *count,
                delta_hash: delta_hash.to_string(),
            },
            ChainAction::SetApp { app, migration } => Self::SetApp {
                app: app.to_string(),
                migration: (*migration != Hash::ZERO).then(|| migration.to_string()),
            },
            ChainAction::SetInviteRoot { prev, new } => {
                Self::SetInvites { prev: prev.to_string(), new: new.to_string() }
            }
            ChainAction::SetCaps { key_hash, caps } => {
                Self::SetCaps { key_hash: key_hash.to_string(), caps: *caps }
            }
            ChainAction::SetGuardian { guardian } => {
                Self::SetGuardian { account: guardian.as_ref().map(name) }
            }
            ChainAction::Dissolve => Self::Dissolve {},
            ChainAction::SetMeta { meta } => Self::SetMeta { meta: meta.to_string() },
        }
    }
}

fn account(text: &str, chain: &ChainId) -> Result<ChainAccount, String> {
    let id: AccountId = text.parse().map_err(|error| format!("account: {error}"))?;
    if id.chain() != *chain {
        return Err(format!("account: {id} is not on {chain}"));
    }
    ChainAccount::from_id(&id).ok_or_else(|| format!("account: {id} is no account of its chain"))
}

fn hash(text: &str, what: &str) -> Result<Hash, String> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    digits.parse().map_err(|error| format!("{what}: {error}"))
}

fn name(account: &ChainAccount, chain: &ChainId) -> String {
    account.to_id(chain).map_or_else(|| format!("{account:?}"), |id| id.to_string())
}

/// The word for a class of gravity.
pub(crate) const fn class_name(class: Class) -> &'static str {
    match class {
        Class::Routine => "routine",
        Class::App => "app",
        Class::Admin => "admin",
        Class::Root => "root",
    }
}

fn parse_class(word: &str) -> Result<Class, String> {
    let all = [Class::Routine, Class::App, Class::Admin, Class::Root];
    let found = all.into_iter().find(|class| class_name(*class) == word);
    found.ok_or_else(|| "class: expected `routine`, `app`, `admin` or `root`".to_owned())
}

impl From<ProposalInfo> for Proposal {
    fn from(info: ProposalInfo) -> Self {
        let ProposalInfo { chain, open, members, objection } = info;
        Self {
            seq: open.seq,
            proposer: name(&open.proposer, &chain),
            actions: open.actions.iter().map(|action| Action::of(action, &chain)).collect(),
            members: members.map(Members::from),
            approvals: open.approvals.iter().map(|account| name(account, &chain)).collect(),
            needed: open.needed,
            class: class_name(open.class).to_owned(),
            executable_at: open.eta_s,
            expires_at: open.expiry_s,
            objection,
        }
    }
}

impl From<MembersChange> for Members {
    fn from(change: MembersChange) -> Self {
        let names = |keys: Vec<types::MemberKey>| keys.iter().map(ToString::to_string).collect();
        Self { added: names(change.added), removed: names(change.removed), others: change.others }
    }
}

impl From<request::Receipt> for Receipt {
    fn from(receipt: request::Receipt) -> Self {
        Self {
            transaction: receipt.transaction.map(|hash| hash.to_string()),
            height: receipt.block.map(|block| block.height),
            seq: receipt.seq,
            rev: receipt.rev,
        }
    }
}

impl From<request::Provisional> for Provisional {
    fn from(revision: request::Provisional) -> Self {
        let request::Provisional { rev, what, height, .. } = revision;
        Self { rev, what, height }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CHAIN: &str = "eip155:31337";
    const ALICE: &str = "eip155:31337:0x00000000000000000000000000000000000000ab";

    fn chain() -> ChainId {
        CHAIN.parse().expect("a chain")
    }

    #[test]
    fn actions_survive_the_way_to_the_chain_and_back() {
        let hash = "0b".repeat(32);
        for action in [
            Action::NominateAdmin { account: ALICE.to_owned(), ttl_secs: 60 },
            Action::RemoveAdmin { account: ALICE.to_owned() },
            Action::SetThreshold { threshold: 3 },
            Action::SetDelay { class: "root".to_owned(), secs: 5 },
            Action::SetApp { app: hash.clone(), migration: None },
            Action::SetApp { app: hash.clone(), migration: Some(hash.clone()) },
            Action::SetInvites { prev: "00".repeat(32), new: hash.clone() },
            Action::SetCaps { key_hash: hash.clone(), caps: 7 },
            Action::SetGuardian { account: None },
            Action::SetGuardian { account: Some(ALICE.to_owned()) },
            Action::Dissolve {},
            Action::SetMeta { meta: hash.clone() },
        ] {
            let text = serde_json::to_string(&action).expect("plain JSON");
            let back: Action = serde_json::from_str(&text).expect("what was written");
            let parsed = back.parse(&chain()).expect("an action");
            assert_eq!(Action::of(&parsed, &chain()), action, "{text}");
        }
    }

    #[test]
    fn bad_actions_name_the_field() {
        let elsewhere = "eip155:1:0x00000000000000000000000000000000000000ab".to_owned();
        let short = "eip155:31337:0xab".to_owned();
        let class = Action::SetDelay { class: "grave".to_owned(), secs: 0 };
        for (action, said) in [
            (Action::RemoveAdmin { account: elsewhere }, "is not on eip155:31337"),
            (Action::RemoveAdmin { account: short }, "no account of its chain"),
            (Action::RemoveAdmin { account: "bob".to_owned() }, "account: "),
            (class, "class: "),
            (Action::SetMeta { meta: "0b".to_owned() }, "meta: "),
        ] {
            let why = action.parse(&chain()).expect_err("bad");
            assert!(why.contains(said), "{action:?}: {why}");
        }
    }

    proptest! {
        #[test]
        fn any_body_is_a_request_or_an_error(text in "\\PC*|[{}\\[\\]\":,a-z0-9 ]*") {
            drop(serde_json::from_str::<Propose>(&text));
            drop(serde_json::from_str::<Act>(&text));
            drop(serde_json::from_str::<Freeze>(&text));
            drop(serde_json::from_str::<Bind>(&text));
        }
    }
}
