//! What is asked of a record, and what it tells.

use alloc::{boxed::Box, vec::Vec};

use types::Hash;

use super::Invite;
use crate::anchor::{Account, Action, Code, Happened, Terms};

/// A transition that an account asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// T0: makes the record.
    Create {
        /// With the caller it makes the id.
        salt: [u8; 32],
        /// What it begins with.
        terms: Terms,
    },
    /// T1: proposes a batch, and approves it.
    Propose {
        /// The batch.
        actions: Vec<Action>,
        /// Unix time of its last second.
        expiry_s: u64,
    },
    /// T1x: proposes and, where one approval is enough and nothing is to be waited for, executes.
    Act {
        /// The batch.
        actions: Vec<Action>,
        /// Unix time of its last second.
        expiry_s: u64,
    },
    /// T2: approves.
    Approve {
        /// Which proposal.
        seq: u64,
        /// keccak-256 of its encoded batch.
        actions_hash: Hash,
    },
    /// T2b: approves for everybody who signed. Ethereum only.
    ApproveBySigs {
        /// Which proposal.
        seq: u64,
        /// keccak-256 of its encoded batch.
        actions_hash: Hash,
        /// Unix time of the signatures' last second.
        deadline_s: u64,
        /// Who approves, and the signature; 1 to 32, signers ascending.
        approvals: Vec<(Account, Vec<u8>)>,
    },
    /// T2x: approves and, where that was the last approval needed, executes.
    ApproveAndExecute {
        /// Which proposal.
        seq: u64,
        /// Its batch.
        actions: Vec<Action>,
    },
    /// T3: takes the caller's approval back.
    Unapprove {
        /// Which proposal.
        seq: u64,
    },
    /// T4: withdraws a proposal.
    Cancel {
        /// Which.
        seq: u64,
    },
    /// T5: refuses a proposal, as the guardian.
    Veto {
        /// Which.
        seq: u64,
    },
    /// T6: carries a queued proposal out.
    Execute {
        /// Which.
        seq: u64,
        /// Its batch.
        actions: Vec<Action>,
    },
    /// T7: frees a proposal that ran out.
    Expire {
        /// Which.
        seq: u64,
    },
    /// T8: takes the seat that the caller was nominated for.
    AcceptAdmin,
    /// T9: gives the caller's seat up.
    Renounce,
    /// T10: tells that the caller and a member key belong together.
    Bind {
        /// How the key signs.
        scheme: u8,
        /// The member key, 1 to 96 bytes.
        key: Vec<u8>,
        /// Its signature over [`super::binding_digest`], 1 to 256 bytes.
        signature: Vec<u8>,
        /// Unix time of the binding's last second.
        expiry_s: u64,
    },
    /// T11: tells that they no longer do.
    Unbind {
        /// The member key.
        key: Vec<u8>,
    },
    /// T12: uses an invitation up.
    ClaimInvite {
        /// The member key that comes.
        key: Vec<u8>,
        /// The invitation.
        invite: Invite,
        /// Which of its uses, from 0.
        use_number: u32,
        /// That the invitation is under the root, at most 32 steps.
        proof: Vec<Hash>,
        /// The invite key's over [`super::claim_digest`].
        signature: Vec<u8>,
    },
    /// T13: stops grave proposals and all executions for a while, as the guardian.
    Freeze {
        /// 1 up to 7 days.
        secs: u32,
    },
}

impl Call {
    /// Its method, as contracts spell it.
    pub const fn method(&self) -> &'static str {
        match self {
            Self::Create { .. } => "create",
            Self::Propose { .. } => "propose",
            Self::Act { .. } => "act",
            Self::Approve { .. } => "approve",
            Self::ApproveBySigs { .. } => "approveBySigs",
            Self::ApproveAndExecute { .. } => "approveAndExecute",
            Self::Unapprove { .. } => "unapprove",
            Self::Cancel { .. } => "cancel",
            Self::Veto { .. } => "veto",
            Self::Execute { .. } => "execute",
            Self::Expire { .. } => "expire",
            Self::AcceptAdmin => "acceptAdmin",
            Self::Renounce => "renounce",
            Self::Bind { .. } => "bind",
            Self::Unbind { .. } => "unbind",
            Self::ClaimInvite { .. } => "claimInvite",
            Self::Freeze { .. } => "freeze",
        }
    }

    /// What it is refused with where there is no record; none for the call that makes one.
    pub const fn refusal_without_record(&self) -> Option<Code> {
        match self {
            Self::Create { .. } => None,
            // These also clear up what a dissolved record leaves: they do not ask for its status.
            Self::Cancel { .. } | Self::Veto { .. } | Self::Expire { .. } => Some(Code::E20),
            _ => Some(Code::E10),
        }
    }
}

/// What a transition tells the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A revision.
    Rev {
        /// Its number.
        rev: u64,
        /// What it says.
        happened: Box<Happened>,
        /// The log head after it.
        log_head: Hash,
    },
    /// A proposal was made.
    Proposed {
        /// Its number.
        seq: u64,
    },
    /// Somebody approved a proposal.
    Approved {
        /// Which.
        seq: u64,
        /// Who.
        by: Account,
    },
    /// Somebody took an approval back.
    Unapproved {
        /// Of which.
        seq: u64,
    },
    /// A proposal has the approvals it needs.
    Queued {
        /// Which.
        seq: u64,
        /// From when on it may be executed, Unix seconds.
        eta_s: u64,
    },
    /// A proposal was carried out.
    Executed {
        /// Which.
        seq: u64,
    },
    /// A proposal was withdrawn.
    Canceled {
        /// Which.
        seq: u64,
    },
    /// The guardian refused a proposal.
    Vetoed {
        /// Which.
        seq: u64,
    },
    /// A proposal ran out and was freed.
    Expired {
        /// Which.
        seq: u64,
    },
    /// The caller and a key belong together.
    Bound {
        /// The key.
        key: Vec<u8>,
    },
    /// They no longer do.
    Unbound {
        /// The key.
        key: Vec<u8>,
    },
    /// An invitation was used.
    Claimed {
        /// The key that comes.
        key: Vec<u8>,
        /// The invitation's leaf.
        leaf: Hash,
        /// Which of its uses.
        use_number: u32,
    },
}

impl Event {
    /// Its name, as contracts spell it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Rev { .. } => "Rev",
            Self::Proposed { .. } => "Proposed",
            Self::Approved { .. } => "Approved",
            Self::Unapproved { .. } => "Unapproved",
            Self::Queued { .. } => "Queued",
            Self::Executed { .. } => "Executed",
            Self::Canceled { .. } => "Canceled",
            Self::Vetoed { .. } => "Vetoed",
            Self::Expired { .. } => "Expired",
            Self::Bound { .. } => "Bound",
            Self::Unbound { .. } => "Unbound",
            Self::Claimed { .. } => "Claimed",
        }
    }
}
