//! The canonical encoding of actions: `kind u8 | length u16 | payload`, big endian. An account is
//! `length u8 | bytes`; on this chain always 32 bytes, and an address that there can be.

#[feature("byte-span")]
use core::byte_array::{ByteSpan, ByteSpanTrait};
use core::num::traits::Zero;
use starknet::ContractAddress;
use crate::bytes::{number_at, part_of, span_of, word_at};
use crate::bytes32::Bytes32;
use crate::error;

pub const CLASS_ROUTINE: u8 = 0;
pub const CLASS_APP: u8 = 1;
pub const CLASS_ADMIN: u8 = 2;
pub const CLASS_ROOT: u8 = 3;

/// A batch is read by people before they approve it.
const COUNT_MAX: usize = 16;
/// Keeps the cost of a batch far below a block's.
const BYTES_MAX: usize = 4096;
/// Kind and length.
const HEADER: usize = 3;

/// One governed change. Kinds that version 1 only reserves have no variant.
#[derive(Copy, Drop)]
pub enum Action {
    /// 01: account, seconds.
    NominateAdmin: (ContractAddress, u32),
    /// 02
    RemoveAdmin: ContractAddress,
    /// 03
    SetThreshold: u8,
    /// 04: class, seconds.
    SetDelay: (u8, u32),
    /// 05: previous, new, count. The delta hash is recorded alone.
    SetMembersRoot: (Bytes32, Bytes32, u32),
    /// 08: application. What moves the state over is recorded alone.
    SetApp: Bytes32,
    /// 09: previous, new.
    SetInviteRoot: (Bytes32, Bytes32),
    /// 0A: recorded alone.
    SetCaps,
    /// 0B: zero for nobody.
    SetGuardian: ContractAddress,
    /// 0F
    Dissolve,
    /// 10
    SetMeta: Bytes32,
}

/// An action as it stands in a batch.
#[derive(Drop)]
pub struct Entry {
    pub kind: u8,
    pub payload: ByteArray,
    pub action: Action,
}

/// The actions of a batch. Panics with E16 for malformed bytes and E17 for kinds outside this
/// version, by the first action that has either.
pub fn decode(actions: @ByteArray) -> Array<Entry> {
    let length = actions.len();
    assert(length != 0 && length <= BYTES_MAX, error::E16_BAD_ACTIONS);
    let bytes = span_of(actions);
    let mut entries = array![];
    let mut offset = 0;
    while offset < length {
        assert(entries.len() < COUNT_MAX, error::E16_BAD_ACTIONS);
        let start = offset + HEADER;
        assert(start <= length, error::E16_BAD_ACTIONS);
        let header: u32 = expect(number_at(@bytes, offset, HEADER)).try_into().unwrap();
        let (kind, size) = DivRem::div_rem(header, 0x10000);
        let end = start + size;
        let payload = expect(part_of(@bytes, start, end));
        let kind: u8 = kind.try_into().unwrap();
        let action = expect(read(kind, @payload));
        entries.append(Entry { kind, payload: payload.to_byte_array(), action });
        offset = end;
    }
    entries
}

/// The class of a batch, which is the highest of its actions, and whether it sets the guardian.
pub fn survey(entries: Span<Entry>, admins: u8) -> (u8, bool) {
    let mut class = CLASS_ROUTINE;
    let mut sets_guardian = false;
    for entry in entries {
        let own = class_of(*entry.action, admins);
        if own > class {
            class = own;
        }
        if let Action::SetGuardian(_) = *entry.action {
            sets_guardian = true;
        }
    }
    (class, sets_guardian)
}

/// Nominating is routine for an admin alone.
fn class_of(action: Action, admins: u8) -> u8 {
    match action {
        Action::SetMembersRoot(_) | Action::SetInviteRoot(_) |
        Action::SetMeta(_) => CLASS_ROUTINE,
        Action::SetApp(_) | Action::SetCaps => CLASS_APP,
        Action::SetDelay(_) | Action::SetGuardian(_) | Action::Dissolve => CLASS_ROOT,
        Action::NominateAdmin(_) => if admins < 2 {
            CLASS_ROUTINE
        } else {
            CLASS_ADMIN
        },
        Action::RemoveAdmin(_) | Action::SetThreshold(_) => CLASS_ADMIN,
    }
}

/// The action of this kind and payload; none if the payload is not exactly what the kind asks for.
/// Panics for kinds that have no action.
fn read(kind: u8, payload: @ByteSpan) -> Option<Action> {
    let length = (*payload).len();
    if length != length_of(kind, length) {
        return None;
    }
    match kind {
        0x01 => Some(Action::NominateAdmin((account_at(payload)?, u32_at(payload, 33)?))),
        0x02 => Some(Action::RemoveAdmin(account_at(payload)?)),
        0x03 => Some(Action::SetThreshold(u8_at(payload, 0)?)),
        0x04 => {
            let class = u8_at(payload, 0)?;
            if class > CLASS_ROOT {
                return None;
            }
            Some(Action::SetDelay((class, u32_at(payload, 1)?)))
        },
        0x05 => Some(
            Action::SetMembersRoot(
                (word_at(payload, 0)?, word_at(payload, 32)?, u32_at(payload, 64)?),
            ),
        ),
        0x08 => Some(Action::SetApp(word_at(payload, 0)?)),
        0x09 => Some(Action::SetInviteRoot((word_at(payload, 0)?, word_at(payload, 32)?))),
        0x0A => Some(Action::SetCaps),
        0x0B => {
            if length == 1 {
                return if u8_at(payload, 0)? == 0 {
                    Some(Action::SetGuardian(Zero::zero()))
                } else {
                    None
                };
            }
            Some(Action::SetGuardian(account_at(payload)?))
        },
        0x0F => Some(Action::Dissolve),
        0x10 => Some(Action::SetMeta(word_at(payload, 0)?)),
        _ => None,
    }
}

/// How long the payload of this kind is. No guardian is an account of length 0.
fn length_of(kind: u8, length: usize) -> usize {
    match kind {
        0x00 => core::panic_with_felt252(error::E16_BAD_ACTIONS),
        0x01 => 37,
        0x02 => 33,
        0x03 => 1,
        0x04 => 5,
        0x05 => 100,
        0x06 | 0x07 => core::panic_with_felt252(error::E17_RESERVED),
        0x08 | 0x09 => 64,
        0x0A => 36,
        0x0B => if length == 1 {
            1
        } else {
            33
        },
        0x0C | 0x0D | 0x0E => core::panic_with_felt252(error::E17_RESERVED),
        0x0F => 0,
        0x10 => 32,
        0x11 => core::panic_with_felt252(error::E17_RESERVED),
        _ => core::panic_with_felt252(error::E16_BAD_ACTIONS),
    }
}

/// The account that a payload begins with; none if no contract can have that address.
fn account_at(payload: @ByteSpan) -> Option<ContractAddress> {
    if u8_at(payload, 0)? != crate::bytes::ACCOUNT_BYTES {
        return None;
    }
    let number: u256 = word_at(payload, 1)?.into();
    let number: felt252 = number.try_into()?;
    let account: ContractAddress = number.try_into()?;
    if account.is_zero() {
        None
    } else {
        Some(account)
    }
}

fn u8_at(payload: @ByteSpan, offset: usize) -> Option<u8> {
    number_at(payload, offset, 1)?.try_into()
}

fn u32_at(payload: @ByteSpan, offset: usize) -> Option<u32> {
    number_at(payload, offset, 4)?.try_into()
}

fn expect<T, +Drop<T>>(read: Option<T>) -> T {
    match read {
        Some(value) => value,
        None => core::panic_with_felt252(error::E16_BAD_ACTIONS),
    }
}
