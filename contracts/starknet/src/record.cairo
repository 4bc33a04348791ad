//! One context's record in storage, and what all transitions do with it.

use core::num::traits::Zero;
use starknet::storage::{
    Map, Mutable, StoragePath, StoragePathEntry, StoragePathMutableConversion,
    StoragePointerReadAccess, StoragePointerWriteAccess,
};
use starknet::storage_access::StorePacking;
use starknet::{ContractAddress, get_block_timestamp, get_caller_address};
use crate::bytes::{SpongeTrait, keccak};
use crate::bytes32::Bytes32;
use crate::error;
use crate::event::{Event, Rev, emit};
use crate::head::{ACTIVE, Head, HeadTrait};

// Revision kinds that are no action: 0x80 + number of the transition.
pub const CREATED: u8 = 0x80;
pub const ADMIN_ACCEPTED: u8 = 0x88;
pub const ADMIN_RENOUNCED: u8 = 0x89;
pub const FROZEN: u8 = 0x8D;

/// Longer, and a mistake could not be undone in time: 30 days.
const DELAY_MAX_S: u32 = 30 * 24 * 60 * 60;

const SHIFT_8: u128 = 0x100;
const SHIFT_24: u128 = 0x1000000;
const SHIFT_32: u128 = 0x100000000;
const SHIFT_40: u128 = 0x10000000000;
const SHIFT_64: u128 = 0x10000000000000000;

/// A context's record. Members of one word or two lie at an address of their own each, the
/// anchor's four words in a row.
#[starknet::storage_node]
pub struct RecordNode {
    pub anchor: Anchor,
    pub context_key_hash: Bytes32,
    pub app_hash: Bytes32,
    pub members_root: Bytes32,
    pub meta_hash: Bytes32,
    pub invite_root: Bytes32,
    pub settings: Settings,
    pub guardian: ContractAddress,
    /// The revision at which each seat was taken; 0 for the creator's first.
    pub seat_since: Map<u8, u64>,
    pub admins: Map<ContractAddress, Admin>,
    pub proposals: Map<u64, OpenProposal>,
    pub pending_delays: Map<u8, PendingDelay>,
    pub nullifiers: Map<Bytes32, bool>,
}

/// A record that a transition changes.
pub type Record = StoragePath<Mutable<RecordNode>>;
/// A record that is looked at.
pub type View = StoragePath<RecordNode>;

/// What a storage proof shows: the packed head and the log head, each its high half first.
#[derive(Copy, Drop, starknet::Store)]
pub struct Anchor {
    pub head: Bytes32,
    pub log_head: Bytes32,
}

/// What most transitions look at, in one word.
#[derive(Copy, Drop)]
pub struct Settings {
    /// Seconds per class.
    pub delays: [u32; 4],
    pub members_count: u32,
    pub open_proposals: u8,
    /// Bit per class: its entry in `pending_delays` holds.
    pub lowering: u8,
    /// How long the last freeze lasts.
    pub freeze_s: u32,
    /// Unix seconds; 0 for never.
    pub last_freeze: u64,
}

/// An account that is or was an admin or a nominee. `seat` is the index + 1; 0 = no seat.
#[derive(Copy, Drop)]
pub struct Admin {
    pub seat: u8,
    pub open: u8,
    pub nominated_until: u64,
}

/// A proposal that is not closed yet.
#[derive(Copy, Drop, starknet::Store)]
pub struct OpenProposal {
    pub ballot: Ballot,
    pub actions_hash: Bytes32,
    pub proposer: ContractAddress,
}

/// What changes while a proposal is open and what its guards look at, in one word.
///
/// Bitmaps of seats have 32 bits, since there are no more seats. `eta` is 0 until the approvals
/// are enough; `expiry` is 0 only if there is no such proposal.
#[derive(Copy, Drop)]
pub struct Ballot {
    pub approvals: u32,
    pub withdrawn: u32,
    pub created_rev: u64,
    pub eta: u64,
    pub expiry: u64,
    pub threshold: u8,
    pub class: u8,
    pub sets_guardian: bool,
}

/// A delay that was lowered, and from when on it counts.
#[derive(Copy, Drop)]
pub struct PendingDelay {
    pub delay_s: u32,
    pub effective: u64,
}

// ---------------------------------------------------------------- log

/// Who calls. A transaction always has a caller; a call that nobody sent has none.
pub fn caller() -> ContractAddress {
    let caller = get_caller_address();
    assert(caller.is_non_zero(), error::ZERO_CALLER);
    caller
}

/// Unix seconds.
pub fn now() -> u64 {
    get_block_timestamp()
}

#[generate_trait]
pub impl RecordImpl of RecordTrait {
    fn load(self: Record) -> Head {
        HeadTrait::unpack(self.anchor.head.read())
    }

    fn store(self: Record, head: Head) {
        self.anchor.head.write(head.pack());
    }

    /// A single revision.
    fn advance_once(self: Record, context: Bytes32, ref head: Head, kind: u8, payload: ByteArray) {
        let mut log_head = self.anchor.log_head.read();
        advance(context, ref head, ref log_head, kind, payload);
        self.anchor.log_head.write(log_head);
    }

    fn seat_of(self: Record, account: ContractAddress) -> u8 {
        self.admins.entry(account).read().seat
    }

    /// Seconds that batches of `class` wait at present.
    fn delay_of(self: Record, class: u8) -> u32 {
        self.as_non_mut().shown_delay(self.settings.read(), class)
    }

    /// Raises a delay at once; lowers it after the present one, so that nobody can skip it.
    fn set_delay(self: Record, class: u8, delay_s: u32) {
        assert(delay_s <= DELAY_MAX_S, error::E56_BAD_DELAY);
        let mut settings = self.settings.read();
        let present = self.as_non_mut().shown_delay(settings, class);
        let bit = bit(class);
        if delay_s >= present {
            settings.put_delay(class, delay_s);
            if settings.lowering & bit != 0 {
                settings.lowering -= bit;
            }
        } else {
            settings.put_delay(class, present);
            settings.lowering = settings.lowering | bit;
            let effective = now() + present.into();
            self.pending_delays.entry(class).write(PendingDelay { delay_s, effective });
        }
        self.settings.write(settings);
    }
}

#[generate_trait]
pub impl ViewImpl of ViewTrait {
    /// Seconds that batches of `class` wait at present.
    fn shown_delay(self: View, settings: Settings, class: u8) -> u32 {
        if settings.lowering & bit(class) != 0 {
            let pending = self.pending_delays.entry(class).read();
            if pending.effective <= now() {
                return pending.delay_s;
            }
        }
        let [routine, app, admin, root] = settings.delays;
        match class {
            0 => routine,
            1 => app,
            2 => admin,
            _ => root,
        }
    }
}

#[generate_trait]
pub impl SettingsImpl of SettingsTrait {
    fn is_frozen(self: @Settings) -> bool {
        now() < self.frozen_until()
    }

    /// Unix seconds, exclusive; 0 if it never was frozen.
    fn frozen_until(self: @Settings) -> u64 {
        *self.last_freeze + (*self.freeze_s).into()
    }

    fn put_delay(ref self: Settings, class: u8, delay_s: u32) {
        let [routine, app, admin, root] = self.delays;
        self.delays = match class {
            0 => [delay_s, app, admin, root],
            1 => [routine, delay_s, admin, root],
            2 => [routine, app, delay_s, root],
            _ => [routine, app, admin, delay_s],
        };
    }
}

/// The next revision: counts it in `head`, tells it, and puts the log head after it in `log_head`.
pub fn advance(
    context: Bytes32, ref head: Head, ref log_head: Bytes32, kind: u8, payload: ByteArray,
) {
    let rev = head.rev + 1;
    head.rev = rev;
    let mut preimage = SpongeTrait::new();
    preimage.absorb_word(log_head);
    preimage.absorb(rev.into(), 8);
    preimage.absorb(kind.into(), 1);
    preimage.absorb_word(keccak(@payload));
    log_head = preimage.squeeze();
    emit(Event::Rev(Rev { context, rev, kind, payload, log_head }));
}

/// Refuses what asks for a record that governs.
pub fn require_active(head: @Head) {
    assert(*head.status == ACTIVE, error::E10_NOT_ACTIVE);
}

/// Delays that a record may begin with.
pub fn require_delays(delays: [u32; 4]) {
    for delay_s in delays.span() {
        assert(*delay_s <= DELAY_MAX_S, error::E03_BAD_TERMS);
    }
}

fn bit(class: u8) -> u8 {
    match class {
        0 => 1,
        1 => 2,
        2 => 4,
        _ => 8,
    }
}

// ---------------------------------------------------------------- words

/// `members count u32 | open u8 | lowering u8 | freeze seconds u24 | last freeze u40`, and in the
/// low half the delays, class 0 in the lowest bits.
impl SettingsPacking of StorePacking<Settings, felt252> {
    fn pack(value: Settings) -> felt252 {
        let [routine, app, admin, root] = value.delays;
        let low = routine.into()
            + app.into() * SHIFT_32
            + (admin.into() + root.into() * SHIFT_32) * SHIFT_64;
        let high = value.last_freeze.into()
            + value.freeze_s.into() * SHIFT_40
            + (value.lowering.into()
                + value.open_proposals.into() * SHIFT_8
                + value.members_count.into() * 0x10000)
                * SHIFT_64;
        join(high, low)
    }

    fn unpack(value: felt252) -> Settings {
        let u256 { low, high } = value.into();
        let (upper, lower) = split(low, SHIFT_64);
        let (app, routine) = split(lower, SHIFT_32);
        let (root, admin) = split(upper, SHIFT_32);
        let (upper, lower) = split(high, SHIFT_64);
        let (freeze_s, last_freeze) = split(lower, SHIFT_40);
        let (upper, lowering) = split(upper, SHIFT_8);
        let (members_count, open_proposals) = split(upper, SHIFT_8);
        Settings {
            delays: [
                routine.try_into().unwrap(), app.try_into().unwrap(), admin.try_into().unwrap(),
                root.try_into().unwrap(),
            ],
            members_count: members_count.try_into().unwrap(),
            open_proposals: open_proposals.try_into().unwrap(),
            lowering: lowering.try_into().unwrap(),
            freeze_s: freeze_s.try_into().unwrap(),
            last_freeze: last_freeze.try_into().unwrap(),
        }
    }
}

/// `nominated until u64 | open u8 | seat u8`.
impl AdminPacking of StorePacking<Admin, felt252> {
    fn pack(value: Admin) -> felt252 {
        let nominated = value.nominated_until.into() * 0x10000;
        let packed: u128 = nominated + value.open.into() * SHIFT_8 + value.seat.into();
        packed.into()
    }

    fn unpack(value: felt252) -> Admin {
        let packed: u128 = value.try_into().unwrap();
        let (upper, seat) = split(packed, SHIFT_8);
        let (nominated_until, open) = split(upper, SHIFT_8);
        Admin {
            seat: seat.try_into().unwrap(),
            open: open.try_into().unwrap(),
            nominated_until: nominated_until.try_into().unwrap(),
        }
    }
}

/// `eta u40 | expiry u40 | threshold u8 | class u8 | sets guardian u8`, and in the low half
/// `approvals u32 | withdrawn u32 | created rev u64`.
impl BallotPacking of StorePacking<Ballot, felt252> {
    fn pack(value: Ballot) -> felt252 {
        let seats = value.approvals.into() * SHIFT_32 + value.withdrawn.into();
        let low = seats * SHIFT_64 + value.created_rev.into();
        let flag = if value.sets_guardian {
            1
        } else {
            0
        };
        let small = (value.threshold.into() * SHIFT_8 + value.class.into()) * SHIFT_8 + flag;
        let times = value.eta.into() * SHIFT_40 + value.expiry.into();
        join(times * SHIFT_24 + small, low)
    }

    fn unpack(value: felt252) -> Ballot {
        let u256 { low, high } = value.into();
        let (seats, created_rev) = split(low, SHIFT_64);
        let (approvals, withdrawn) = split(seats, SHIFT_32);
        let (times, small) = split(high, SHIFT_24);
        let (eta, expiry) = split(times, SHIFT_40);
        let (small, flag) = split(small, SHIFT_8);
        let (threshold, class) = split(small, SHIFT_8);
        Ballot {
            approvals: approvals.try_into().unwrap(),
            withdrawn: withdrawn.try_into().unwrap(),
            created_rev: created_rev.try_into().unwrap(),
            eta: eta.try_into().unwrap(),
            expiry: expiry.try_into().unwrap(),
            threshold: threshold.try_into().unwrap(),
            class: class.try_into().unwrap(),
            sets_guardian: flag != 0,
        }
    }
}

/// `effective u64 | seconds u32`.
impl PendingDelayPacking of StorePacking<PendingDelay, felt252> {
    fn pack(value: PendingDelay) -> felt252 {
        let packed: u128 = value.effective.into() * SHIFT_32 + value.delay_s.into();
        packed.into()
    }

    fn unpack(value: felt252) -> PendingDelay {
        let packed: u128 = value.try_into().unwrap();
        let (effective, delay_s) = split(packed, SHIFT_32);
        PendingDelay {
            delay_s: delay_s.try_into().unwrap(), effective: effective.try_into().unwrap(),
        }
    }
}

/// Fits: the high half of everything that is packed here has fewer than 123 bits.
fn join(high: u128, low: u128) -> felt252 {
    u256 { low, high }.try_into().unwrap()
}

fn split(value: u128, shift: u128) -> (u128, u128) {
    DivRem::div_rem(value, shift.try_into().unwrap())
}
