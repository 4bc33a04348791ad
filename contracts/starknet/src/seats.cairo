//! T8, T9 and T13: who governs, and who may hold them back.

use starknet::storage::{
    StoragePathEntry, StoragePointerReadAccess, StoragePointerWriteAccess,
};
use starknet::ContractAddress;
use crate::bytes::WriterTrait;
use crate::bytes32::Bytes32;
use crate::error;
use crate::head::Head;
use crate::record::{
    ADMIN_ACCEPTED, ADMIN_RENOUNCED, FROZEN, Record, RecordTrait, caller, now, require_active,
};

/// The bitmap has 64 seats; more than 32 people do not govern one room.
const SEATS_MAX: u8 = 32;
/// Long enough to act, short enough that a guardian cannot hold a context hostage: 7 days.
const FREEZE_MAX_S: u32 = 7 * 24 * 60 * 60;
/// So that one freeze does not follow the other: 30 days.
const FREEZE_PAUSE_S: u64 = 30 * 24 * 60 * 60;

/// Bits of the seats that there can be.
const BITS: [u32; 32] = [
    0x1, 0x2, 0x4, 0x8, 0x10, 0x20, 0x40, 0x80, 0x100, 0x200, 0x400, 0x800, 0x1000, 0x2000, 0x4000,
    0x8000, 0x10000, 0x20000, 0x40000, 0x80000, 0x100000, 0x200000, 0x400000, 0x800000, 0x1000000,
    0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000, 0x80000000,
];

/// The bit of seat `index`, which is below 32.
pub fn bit(index: u8) -> u32 {
    *BITS.span().at(index.into())
}

/// Gives the caller, who was nominated, the lowest free seat.
pub fn accept(record: Record, context: Bytes32) {
    let account = caller();
    let mut head = record.load();
    require_active(@head);
    let mut admin = record.admins.entry(account).read();
    assert(admin.seat == 0, error::E51_ALREADY_ADMIN);
    let until = admin.nominated_until;
    assert(until != 0 && until >= now(), error::E50_NOT_NOMINATED);
    assert(head.admins < SEATS_MAX, error::E52_NO_FREE_SEAT);
    let index = lowest_free(head.active);
    admin.seat = index + 1;
    admin.nominated_until = 0;
    record.admins.entry(account).write(admin);
    head.active += bit(index).into();
    head.admins += 1;
    head.seats_epoch += 1;
    record.advance_once(context, ref head, ADMIN_ACCEPTED, payload_of(account));
    record.seat_since.entry(index).write(head.rev);
    record.store(head);
}

/// Takes the caller's seat back; the threshold sinks with the admins.
pub fn renounce(record: Record, context: Bytes32) {
    let account = caller();
    let mut head = record.load();
    require_active(@head);
    assert(record.seat_of(account) != 0, error::E12_NOT_ADMIN);
    assert(head.admins >= 2, error::E53_LAST_ADMIN);
    vacate(record, ref head, account);
    if head.threshold > head.admins {
        head.threshold = head.admins;
    }
    record.advance_once(context, ref head, ADMIN_RENOUNCED, payload_of(account));
    record.store(head);
}

/// Frees the seat of `account`, which holds one.
pub fn vacate(record: Record, ref head: Head, account: ContractAddress) {
    let mut admin = record.admins.entry(account).read();
    head.active -= bit(admin.seat - 1).into();
    head.admins -= 1;
    head.seats_epoch += 1;
    admin.seat = 0;
    record.admins.entry(account).write(admin);
}

/// Lets the guardian stop grave proposals and all executions for `secs` seconds.
pub fn freeze(record: Record, context: Bytes32, secs: u32) {
    let account = caller();
    let mut head = record.load();
    require_active(@head);
    let mut settings = record.settings.read();
    let last = settings.last_freeze;
    let rested = last == 0 || last + FREEZE_PAUSE_S <= now();
    let legal = secs != 0 && secs <= FREEZE_MAX_S && rested;
    assert(account == record.guardian.read() && legal, error::E80_FREEZE_REFUSED);
    settings.last_freeze = now();
    settings.freeze_s = secs;
    record.settings.write(settings);
    let mut payload = "";
    payload.put_u64(now() + secs.into());
    record.advance_once(context, ref head, FROZEN, payload);
    record.store(head);
}

fn payload_of(account: ContractAddress) -> ByteArray {
    let mut payload = "";
    payload.put_account(account);
    payload
}

/// Index of the lowest zero bit. The callers' bitmaps have one below 32.
fn lowest_free(bitmap: u64) -> u8 {
    let mut index = 0;
    while bitmap & bit(index).into() != 0 {
        index += 1;
    }
    index
}
