//! A record's head: 256 bits, so that one proof of neighbouring storage words shows it whole.

use crate::bytes32::Bytes32;

pub const ACTIVE: u8 = 1;
pub const DISSOLVED: u8 = 2;

/// `rev u64 | seats epoch u32 | seq u64 | threshold u8 | admins u8 | status u8 | flags u8 |
/// active u64`, most significant first.
#[derive(Copy, Drop)]
pub struct Head {
    pub rev: u64,
    pub seats_epoch: u32,
    pub seq: u64,
    pub threshold: u8,
    pub admins: u8,
    pub status: u8,
    pub flags: u8,
    pub active: u64,
}

const SHIFT_8: u128 = 0x100;
const SHIFT_16: u128 = 0x10000;
const SHIFT_24: u128 = 0x1000000;
const SHIFT_32: u128 = 0x100000000;
const SHIFT_64: u128 = 0x10000000000000000;
const SHIFT_96: u128 = 0x1000000000000000000000000;

#[generate_trait]
pub impl HeadImpl of HeadTrait {
    /// The two halves that are stored.
    fn pack(self: Head) -> Bytes32 {
        let (seq_high, seq_low) = DivRem::div_rem(self.seq.into(), nonzero(SHIFT_32));
        let high = self.rev.into() * SHIFT_64 + self.seats_epoch.into() * SHIFT_32 + seq_high;
        let small = self.threshold.into() * SHIFT_24
            + self.admins.into() * SHIFT_16
            + self.status.into() * SHIFT_8
            + self.flags.into();
        let low = seq_low * SHIFT_96 + small * SHIFT_64 + self.active.into();
        Bytes32 { high, low }
    }

    /// The head in two stored halves; all zero where there is no record.
    fn unpack(word: Bytes32) -> Head {
        let (rev, rest) = DivRem::div_rem(word.high, nonzero(SHIFT_64));
        let (seats_epoch, seq_high) = DivRem::div_rem(rest, nonzero(SHIFT_32));
        let (upper, active) = DivRem::div_rem(word.low, nonzero(SHIFT_64));
        let (seq_low, small) = DivRem::div_rem(upper, nonzero(SHIFT_32));
        let (threshold, small) = DivRem::div_rem(small, nonzero(SHIFT_24));
        let (admins, small) = DivRem::div_rem(small, nonzero(SHIFT_16));
        let (status, flags) = DivRem::div_rem(small, nonzero(SHIFT_8));
        Head {
            rev: rev.try_into().unwrap(),
            seats_epoch: seats_epoch.try_into().unwrap(),
            seq: (seq_high * SHIFT_32 + seq_low).try_into().unwrap(),
            threshold: threshold.try_into().unwrap(),
            admins: admins.try_into().unwrap(),
            status: status.try_into().unwrap(),
            flags: flags.try_into().unwrap(),
            active: active.try_into().unwrap(),
        }
    }
}

fn nonzero(shift: u128) -> NonZero<u128> {
    shift.try_into().unwrap()
}
