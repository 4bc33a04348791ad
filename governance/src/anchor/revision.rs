//! What a revision says, by its kind.

use alloc::vec::Vec;
use core::fmt;

use types::{ContextId, Hash};

use crate::anchor::{Account, Action, Code, account, reader::Reader};

const CREATED: u8 = 0x80;
const ADMIN_ACCEPTED: u8 = 0x88;
const ADMIN_RENOUNCED: u8 = 0x89;
const FROZEN: u8 = 0x8D;

/// One revision. Kinds below 0x80 are actions; the others are 0x80 + the transition's number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happened {
    /// 80: the record was made.
    Created(Created),
    /// 88: a nominee took its seat.
    AdminAccepted(Account),
    /// 89: an admin gave its seat up.
    AdminRenounced(Account),
    /// 8D: the guardian stopped grave proposals and all executions.
    Frozen {
        /// Until then (Unix seconds, exclusive).
        until_s: u64,
    },
    /// An action of an executed proposal.
    Done(Action),
}

/// How a record began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Created {
    /// The first admin.
    pub creator: Account,
    /// With the creator it makes the id.
    pub salt: [u8; 32],
    /// What the creator asked for.
    pub terms: Terms,
}

/// What a record begins with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The application at first.
    pub app: Hash,
    /// Root over the first members.
    pub members_root: Hash,
    /// How many they are.
    pub members_count: u32,
    /// Which options the record has: bit 0, invitations may be claimed on chain.
    pub flags: u8,
    /// Seconds of delay per class, in the order of their numbers; each at most 30 days.
    pub delays_s: [u32; 4],
    /// Who may veto and freeze.
    pub guardian: Option<Account>,
    /// The context whose genesis names this record.
    pub context: ContextId,
}

impl Happened {
    /// Its kind.
    pub const fn kind(&self) -> u8 {
        match self {
            Self::Created(_) => CREATED,
            Self::AdminAccepted(_) => ADMIN_ACCEPTED,
            Self::AdminRenounced(_) => ADMIN_RENOUNCED,
            Self::Frozen { .. } => FROZEN,
            Self::Done(action) => action.kind(),
        }
    }

    /// Its payload.
    pub fn payload(&self) -> Vec<u8> {
        match self {
            Self::Created(created) => created.payload(),
            Self::AdminAccepted(account) | Self::AdminRenounced(account) => {
                let mut out = Vec::new();
                account::put(Some(account), &mut out);
                out
            }
            Self::Frozen { until_s } => until_s.to_be_bytes().to_vec(),
            Self::Done(action) => action.payload(),
        }
    }

    /// What a revision of this kind with this payload says.
    ///
    /// # Errors
    /// [`Code::E16`] if the payload is not exactly what the kind asks for, or the kind is unknown;
    /// [`Code::E17`] for a kind that version 1 only reserves.
    pub fn decode(kind: u8, payload: &[u8]) -> Result<Self, Code> {
        let mut reader = Reader::new(payload);
        let happened = match kind {
            CREATED => Self::Created(Created::read(&mut reader)?),
            ADMIN_ACCEPTED => Self::AdminAccepted(reader.account()?),
            ADMIN_RENOUNCED => Self::AdminRenounced(reader.account()?),
            FROZEN => Self::Frozen { until_s: reader.u64()? },
            _ => return Action::decode(kind, payload).map(Self::Done),
        };
        reader.finish()?;
        Ok(happened)
    }
}

impl fmt::Display for Happened {
    /// In words, for people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Created(created) => write!(f, "created by {}", created.creator),
            Self::AdminAccepted(account) => write!(f, "{account} became an admin"),
            Self::AdminRenounced(account) => write!(f, "{account} is no admin any more"),
            Self::Frozen { until_s } => write!(f, "frozen until Unix second {until_s}"),
            Self::Done(action) => action.fmt(f),
        }
    }
}

impl Created {
    fn payload(&self) -> Vec<u8> {
        let Self { creator, salt, terms } = self;
        let mut out = Vec::with_capacity(256);
        account::put(Some(creator), &mut out);
        out.extend_from_slice(salt);
        out.extend_from_slice(terms.app.as_bytes());
        out.extend_from_slice(terms.members_root.as_bytes());
        out.extend_from_slice(&terms.members_count.to_be_bytes());
        out.push(terms.flags);
        for delay_s in terms.delays_s {
            out.extend_from_slice(&delay_s.to_be_bytes());
        }
        account::put(terms.guardian.as_ref(), &mut out);
        out.extend_from_slice(terms.context.as_bytes());
        out
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Code> {
        Ok(Self { creator: reader.account()?, salt: reader.array()?, terms: Terms::read(reader)? })
    }
}

impl Terms {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Code> {
        Ok(Self {
            app: reader.hash()?,
            members_root: reader.hash()?,
            members_count: reader.u32()?,
            flags: reader.u8()?,
            delays_s: [reader.u32()?, reader.u32()?, reader.u32()?, reader.u32()?],
            guardian: reader.account_if_any()?,
            context: ContextId::from_bytes(reader.array()?),
        })
    }
}
