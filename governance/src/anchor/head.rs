//! A record's head: 256 bits, so that one storage proof shows it whole.

/// `rev u64 | seats epoch u32 | seq u64 | threshold u8 | admins u8 | status u8 | flags u8 |
/// active u64`, most significant first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Number of the last revision.
    pub rev: u64,
    /// Counts changes of seats or threshold, from 1.
    pub seats_epoch: u32,
    /// Number of the last proposal.
    pub seq: u64,
    /// How many admins must approve.
    pub threshold: u8,
    /// How many seats are taken.
    pub admins: u8,
    /// Where the record is in its life.
    pub status: Status,
    /// Which options the record has: bit 0, invitations may be claimed on chain.
    pub flags: u8,
    /// Which seats are taken, lowest bit first.
    pub active: u64,
}

/// Where a record is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It governs.
    Active,
    /// It ended.
    Dissolved,
    /// Another record took over.
    Migrated,
}

impl Head {
    /// The word that contracts store.
    pub fn pack(&self) -> [u8; 32] {
        let mut word = [0; 32];
        let (rev, rest) = word.split_at_mut(8);
        let (seats_epoch, rest) = rest.split_at_mut(4);
        let (seq, rest) = rest.split_at_mut(8);
        let (small, active) = rest.split_at_mut(4);
        rev.copy_from_slice(&self.rev.to_be_bytes());
        seats_epoch.copy_from_slice(&self.seats_epoch.to_be_bytes());
        seq.copy_from_slice(&self.seq.to_be_bytes());
        small.copy_from_slice(&[self.threshold, self.admins, self.status.number(), self.flags]);
        active.copy_from_slice(&self.active.to_be_bytes());
        word
    }

    /// The head in a stored word; `None` if no record is there, or its status is unknown.
    pub fn unpack(word: &[u8; 32]) -> Option<Self> {
        let (rev, rest) = word.split_first_chunk()?;
        let (seats_epoch, rest) = rest.split_first_chunk()?;
        let (seq, rest) = rest.split_first_chunk()?;
        let ([threshold, admins, status, flags], rest) = rest.split_first_chunk()?;
        Some(Self {
            rev: u64::from_be_bytes(*rev),
            seats_epoch: u32::from_be_bytes(*seats_epoch),
            seq: u64::from_be_bytes(*seq),
            threshold: *threshold,
            admins: *admins,
            status: Status::from_number(*status)?,
            flags: *flags,
            active: u64::from_be_bytes(*rest.first_chunk()?),
        })
    }
}

impl Status {
    /// 1 to 3; 0 is no record.
    pub const fn number(self) -> u8 {
        match self {
            Self::Active => 1,
            Self::Dissolved => 2,
            Self::Migrated => 3,
        }
    }

    /// The status of this number.
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Active),
            2 => Some(Self::Dissolved),
            3 => Some(Self::Migrated),
            _ => None,
        }
    }
}
