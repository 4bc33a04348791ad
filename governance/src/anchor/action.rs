//! Actions that admins decide on: `kind u8 | length u16 | payload`, one after the other.

use alloc::vec::Vec;
use core::fmt;

use types::{Hash, keccak256};

use crate::anchor::{Account, Code, account, reader::Reader};

/// Most actions in one batch: people read a batch before they approve it.
pub const ACTIONS_MAX: usize = 16;

/// Longest encoded batch, in bytes: keeps its cost far below a block's.
pub const ACTIONS_BYTES_MAX: usize = 4096;

/// One governed change. Kinds that version 1 only reserves have no variant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// 01: lets `account` take a seat within `ttl_s` seconds.
    NominateAdmin {
        /// Who may accept.
        account: Account,
        /// Seconds from the block that executes this.
        ttl_s: u32,
    },
    /// 02: takes `account`'s seat away.
    RemoveAdmin {
        /// Whose.
        account: Account,
    },
    /// 03: so many admins must approve.
    SetThreshold {
        /// 1 up to the number of admins after the batch.
        threshold: u8,
    },
    /// 04: batches of a class wait so long.
    SetDelay {
        /// Which class.
        class: Class,
        /// At most 30 days.
        delay_s: u32,
    },
    /// 05: replaces the members root, if it still is `prev`.
    SetMembersRoot {
        /// The root that the batch was made for.
        prev: Hash,
        /// The root after it.
        new: Hash,
        /// Members under the new root.
        count: u32,
        /// keccak-256 of the membership batch, which travels off chain.
        delta_hash: Hash,
    },
    /// 08: runs another application.
    SetApp {
        /// Its id.
        app: Hash,
        /// What moves the state over; zero for none.
        migration: Hash,
    },
    /// 09: replaces the root of open invitations, if it still is `prev`.
    SetInviteRoot {
        /// The root that this replaces.
        prev: Hash,
        /// The root after it.
        new: Hash,
    },
    /// 0A: capabilities of one member, or of all who have none of their own.
    SetCaps {
        /// keccak-256 of the member key; zero for the default.
        key_hash: Hash,
        /// Bit set.
        caps: u32,
    },
    /// 0B: who may veto and freeze.
    SetGuardian {
        /// `None` for nobody.
        guardian: Option<Account>,
    },
    /// 0F: ends the record for good.
    Dissolve,
    /// 10: what the context says about itself.
    SetMeta {
        /// Hash of it.
        meta: Hash,
    },
}

/// How grave a batch is, and so how long it waits: the gravest of its actions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Members, invitations, meta.
    Routine,
    /// The application.
    App,
    /// Seats and threshold.
    Admin,
    /// The rules themselves.
    Root,
}

impl Action {
    /// Its number.
    pub const fn kind(&self) -> u8 {
        match self {
            Self::NominateAdmin { .. } => 0x01,
            Self::RemoveAdmin { .. } => 0x02,
            Self::SetThreshold { .. } => 0x03,
            Self::SetDelay { .. } => 0x04,
            Self::SetMembersRoot { .. } => 0x05,
            Self::SetApp { .. } => 0x08,
            Self::SetInviteRoot { .. } => 0x09,
            Self::SetCaps { .. } => 0x0A,
            Self::SetGuardian { .. } => 0x0B,
            Self::Dissolve => 0x0F,
            Self::SetMeta { .. } => 0x10,
        }
    }

    /// Its class where `admins` seats are taken. Nominating is routine for an admin alone.
    pub const fn class(&self, admins: u8) -> Class {
        match self {
            Self::SetMembersRoot { .. } | Self::SetInviteRoot { .. } | Self::SetMeta { .. } => {
                Class::Routine
            }
            Self::NominateAdmin { .. } if admins < 2 => Class::Routine,
            Self::SetApp { .. } | Self::SetCaps { .. } => Class::App,
            Self::NominateAdmin { .. } | Self::RemoveAdmin { .. } | Self::SetThreshold { .. } => {
                Class::Admin
            }
            Self::SetDelay { .. } | Self::SetGuardian { .. } | Self::Dissolve => Class::Root,
        }
    }

    /// What follows kind and length; also the payload of the revision that it makes.
    pub fn payload(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(100);
        match self {
            Self::NominateAdmin { account, ttl_s } => {
                account::put(Some(account), &mut out);
                out.extend_from_slice(&ttl_s.to_be_bytes());
            }
            Self::RemoveAdmin { account } => account::put(Some(account), &mut out),
            Self::SetThreshold { threshold } => out.push(*threshold),
            Self::SetDelay { class, delay_s } => {
                out.push(class.number());
                out.extend_from_slice(&delay_s.to_be_bytes());
            }
            Self::SetMembersRoot { prev, new, count, delta_hash } => {
                out.extend_from_slice(prev.as_bytes());
                out.extend_from_slice(new.as_bytes());
                out.extend_from_slice(&count.to_be_bytes());
                out.extend_from_slice(delta_hash.as_bytes());
            }
            Self::SetApp { app: first, migration: second }
            | Self::SetInviteRoot { prev: first, new: second } => {
                out.extend_from_slice(first.as_bytes());
                out.extend_from_slice(second.as_bytes());
            }
            Self::SetCaps { key_hash, caps } => {
                out.extend_from_slice(key_hash.as_bytes());
                out.extend_from_slice(&caps.to_be_bytes());
            }
            Self::SetGuardian { guardian } => account::put(guardian.as_ref(), &mut out),
            Self::Dissolve => {}
            Self::SetMeta { meta } => out.extend_from_slice(meta.as_bytes()),
        }
        out
    }

    /// The action of this kind and payload.
    ///
    /// # Errors
    /// [`Code::E16`] if the payload is not exactly what the kind asks for, or nobody numbered the
    /// kind; [`Code::E17`] if version 1 only reserves it.
    pub fn decode(kind: u8, payload: &[u8]) -> Result<Self, Code> {
        let mut reader = Reader::new(payload);
        let action = Self::read(kind, &mut reader)?;
        reader.finish()?;
        Ok(action)
    }

    fn read(kind: u8, reader: &mut Reader<'_>) -> Result<Self, Code> {
        Ok(match kind {
            0x01 => Self::NominateAdmin { account: reader.account()?, ttl_s: reader.u32()? },
            0x02 => Self::RemoveAdmin { account: reader.account()? },
            0x03 => Self::SetThreshold { threshold: reader.u8()? },
            0x04 => {
                let class = Class::from_number(reader.u8()?).ok_or(Code::E16)?;
                Self::SetDelay { class, delay_s: reader.u32()? }
            }
            0x05 => Self::SetMembersRoot {
                prev: reader.hash()?,
                new: reader.hash()?,
                count: reader.u32()?,
                delta_hash: reader.hash()?,
            },
            0x08 => Self::SetApp { app: reader.hash()?, migration: reader.hash()? },
            0x09 => Self::SetInviteRoot { prev: reader.hash()?, new: reader.hash()? },
            0x0A => Self::SetCaps { key_hash: reader.hash()?, caps: reader.u32()? },
            0x0B => Self::SetGuardian { guardian: reader.account_if_any()? },
            0x0F => Self::Dissolve,
            0x10 => Self::SetMeta { meta: reader.hash()? },
            0x06 | 0x07 | 0x0C..=0x0E | 0x11 => return Err(Code::E17),
            _ => return Err(Code::E16),
        })
    }
}

impl fmt::Display for Action {
    /// In words, for people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NominateAdmin { account, ttl_s } => write!(f, "nominate {account} for {ttl_s} s"),
            Self::RemoveAdmin { account } => write!(f, "remove admin {account}"),
            Self::SetThreshold { threshold } => write!(f, "ask for {threshold} approvals"),
            Self::SetDelay { class, delay_s } => {
                write!(f, "delay class {} by {delay_s} s", class.number())
            }
            Self::SetMembersRoot { new, count, .. } => write!(f, "set {count} members, root {new}"),
            Self::SetApp { app, .. } => write!(f, "run application {app}"),
            Self::SetInviteRoot { new, .. } => write!(f, "set the invitations' root {new}"),
            Self::SetCaps { key_hash, caps } => write!(f, "capabilities {caps} for {key_hash}"),
            Self::SetGuardian { guardian: Some(account) } => write!(f, "make {account} guardian"),
            Self::SetGuardian { guardian: None } => f.write_str("have no guardian"),
            Self::Dissolve => f.write_str("dissolve"),
            Self::SetMeta { meta } => write!(f, "set the description's hash {meta}"),
        }
    }
}

impl Class {
    /// 0 to 3.
    pub const fn number(self) -> u8 {
        match self {
            Self::Routine => 0,
            Self::App => 1,
            Self::Admin => 2,
            Self::Root => 3,
        }
    }

    /// The class of this number.
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Routine),
            1 => Some(Self::App),
            2 => Some(Self::Admin),
            3 => Some(Self::Root),
            _ => None,
        }
    }
}

/// The bytes of a batch.
///
/// # Errors
/// [`Code::E16`] for no action, more than [`ACTIONS_MAX`], or more than [`ACTIONS_BYTES_MAX`].
pub fn encode_actions(actions: &[Action]) -> Result<Vec<u8>, Code> {
    let mut out = Vec::with_capacity(256);
    for action in actions {
        let payload = action.payload();
        let len = u16::try_from(payload.len()).map_err(|_| Code::E16)?;
        out.push(action.kind());
        out.extend_from_slice(&len.to_be_bytes());
        out.extend_from_slice(&payload);
    }
    let fits = (1..=ACTIONS_MAX).contains(&actions.len()) && out.len() <= ACTIONS_BYTES_MAX;
    if fits { Ok(out) } else { Err(Code::E16) }
}

/// keccak-256 of the bytes of a batch: what admins approve.
///
/// # Errors
/// [`Code::E16`] as for [`encode_actions`].
pub fn actions_hash(actions: &[Action]) -> Result<Hash, Code> {
    encode_actions(actions).map(|bytes| keccak256(&bytes))
}

/// The batch that these bytes are.
///
/// # Errors
/// [`Code::E16`] and [`Code::E17`] as for [`encode_actions`] and [`Action::decode`].
pub fn decode_actions(bytes: &[u8]) -> Result<Vec<Action>, Code> {
    if bytes.is_empty() || bytes.len() > ACTIONS_BYTES_MAX {
        return Err(Code::E16);
    }
    let mut actions = Vec::new();
    let mut reader = Reader::new(bytes);
    while !reader.is_empty() {
        if actions.len() == ACTIONS_MAX {
            return Err(Code::E16);
        }
        let kind = reader.u8()?;
        let len = reader.u16()?;
        actions.push(Action::decode(kind, reader.bytes(usize::from(len))?)?);
    }
    Ok(actions)
}

/// The class of a batch where `admins` seats are taken.
pub fn class_of(actions: &[Action], admins: u8) -> Class {
    actions.iter().map(|action| action.class(admins)).max().unwrap_or(Class::Routine)
}
