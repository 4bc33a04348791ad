//! Short words for calls and actions.

use crate::script::{Ask, Batch, Deed, Hex, Signature, Terms, What};

/// 32 times one byte.
pub(crate) fn h(byte: u8) -> Hex {
    Hex::of([byte; 32])
}

/// No hash.
pub(crate) fn zero() -> Hex {
    h(0)
}

/// The members root that records begin with.
pub(crate) const MEMBERS: u8 = 0x10;

/// No delays, claims, a guardian.
pub(crate) fn terms() -> Terms {
    Terms {
        app: h(0x0a),
        members_root: h(MEMBERS),
        members_count: 1,
        flags: 1,
        delays_s: [0; 4],
        guardian: Some(crate::scene::GUARDIAN.to_owned()),
        context: h(0x0c),
    }
}

pub(crate) fn create(terms: Terms) -> Ask {
    Ask::Create { salt: h(7), terms }
}

pub(crate) fn propose(actions: Vec<Deed>, expiry_s: u64) -> Ask {
    Ask::Propose { batch: Batch::Actions { actions }, expiry_s }
}

pub(crate) fn propose_raw(bytes: impl AsRef<[u8]>, expiry_s: u64) -> Ask {
    Ask::Propose { batch: raw(bytes), expiry_s }
}

pub(crate) fn act(actions: Vec<Deed>, expiry_s: u64) -> Ask {
    Ask::Act { batch: Batch::Actions { actions }, expiry_s }
}

pub(crate) fn act_raw(bytes: impl AsRef<[u8]>, expiry_s: u64) -> Ask {
    Ask::Act { batch: raw(bytes), expiry_s }
}

pub(crate) fn approve(seq: u64, actions: Vec<Deed>) -> Ask {
    Ask::Approve { seq, what: What::Actions { actions } }
}

pub(crate) fn approve_and_execute(seq: u64, actions: Vec<Deed>) -> Ask {
    Ask::ApproveAndExecute { seq, batch: Batch::Actions { actions } }
}

pub(crate) fn execute(seq: u64, actions: Vec<Deed>) -> Ask {
    Ask::Execute { seq, batch: Batch::Actions { actions } }
}

/// Which method takes the bytes of a batch that was proposed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Part {
    /// `execute`.
    Execute,
    /// `approveAndExecute`.
    Approve,
}

pub(crate) fn execute_raw(part: Part, seq: u64, bytes: &[u8]) -> Ask {
    let batch = raw(bytes);
    match part {
        Part::Execute => Ask::Execute { seq, batch },
        Part::Approve => Ask::ApproveAndExecute { seq, batch },
    }
}

pub(crate) fn raw(bytes: impl AsRef<[u8]>) -> Batch {
    Batch::Raw { raw_actions: Hex::of(bytes) }
}

/// A signature over just what is sent.
pub(crate) fn by(name: &str) -> Signature {
    Signature::By { by: name.to_owned(), over: None, flaw: None }
}

// --- actions

pub(crate) fn nominate(name: &str, ttl_s: u32) -> Deed {
    Deed::NominateAdmin { account: name.to_owned(), ttl_s }
}

pub(crate) fn remove(name: &str) -> Deed {
    Deed::RemoveAdmin { account: name.to_owned() }
}

pub(crate) fn threshold(threshold: u8) -> Deed {
    Deed::SetThreshold { threshold }
}

pub(crate) fn delay(class: u8, delay_s: u32) -> Deed {
    Deed::SetDelay { class, delay_s }
}

/// From one members root to another.
pub(crate) fn members(prev: u8, new: u8) -> Deed {
    Deed::SetMembersRoot { prev: h(prev), new: h(new), count: 2, delta_hash: h(0x0d) }
}

pub(crate) fn app(byte: u8) -> Deed {
    Deed::SetApp { app: h(byte), migration: zero() }
}

pub(crate) fn invites(prev: Hex, new: Hex) -> Deed {
    Deed::SetInviteRoot { prev, new }
}

pub(crate) fn caps(key_hash: u8, caps: u32) -> Deed {
    Deed::SetCaps { key_hash: h(key_hash), caps }
}

pub(crate) fn guardian(name: Option<&str>) -> Deed {
    Deed::SetGuardian { guardian: name.map(str::to_owned) }
}

pub(crate) fn meta(byte: u8) -> Deed {
    Deed::SetMeta { meta: h(byte) }
}

// --- who is named

/// The accounts that a call names, its caller aside.
pub(crate) fn names(ask: &Ask) -> Vec<&str> {
    match ask {
        Ask::Create { terms, .. } => terms.guardian.as_deref().into_iter().collect(),
        Ask::Propose { batch, .. }
        | Ask::Act { batch, .. }
        | Ask::Execute { batch, .. }
        | Ask::ApproveAndExecute { batch, .. } => match batch {
            Batch::Actions { actions } => named_by(actions),
            Batch::Raw { .. } => Vec::new(),
        },
        Ask::Approve { what, .. } => named_in(what),
        Ask::ApproveBySigs { what, approvals, .. } => {
            let mut names = named_in(what);
            for signed in approvals {
                names.push(&signed.signer);
                names.extend(signers(&signed.signature));
            }
            names
        }
        Ask::Bind { signature, .. } | Ask::ClaimInvite { signature, .. } => {
            overs(signature).collect()
        }
        _ => Vec::new(),
    }
}

fn named_in(what: &What) -> Vec<&str> {
    match what {
        What::Actions { actions } => named_by(actions),
        What::Hash { .. } => Vec::new(),
    }
}

fn named_by(actions: &[Deed]) -> Vec<&str> {
    let named = actions.iter().filter_map(|deed| match deed {
        Deed::NominateAdmin { account, .. } | Deed::RemoveAdmin { account } => Some(account),
        Deed::SetGuardian { guardian } => guardian.as_ref(),
        _ => None,
    });
    named.map(String::as_str).collect()
}

fn signers(signature: &Signature) -> impl Iterator<Item = &str> {
    let by = match signature {
        Signature::By { by, .. } => Some(by.as_str()),
        Signature::Bytes(_) => None,
    };
    by.into_iter()
}

fn overs(signature: &Signature) -> impl Iterator<Item = &str> {
    let account = match signature {
        Signature::By { over: Some(over), .. } => over.account.as_deref(),
        _ => None,
    };
    account.into_iter()
}
