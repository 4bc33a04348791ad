//! What the actions of a batch do to a record.

use starknet::ContractAddress;
use starknet::storage::{
    StoragePathEntry, StoragePointerReadAccess, StoragePointerWriteAccess,
};
use crate::action::{Action, Entry};
use crate::bytes32::Bytes32;
use crate::error;
use crate::head::{ACTIVE, DISSOLVED, Head};
use crate::record::{Record, RecordTrait, advance, now};
use crate::seats;

/// A nomination that nobody takes ends by itself: 90 days.
const TTL_MAX_S: u32 = 90 * 24 * 60 * 60;

/// Applies a batch in order, all or none; each action is a revision. Stores head and log head.
pub fn execute(record: Record, context: Bytes32, mut head: Head, entries: Array<Entry>) {
    let mut log_head = record.anchor.log_head.read();
    let mut sets_threshold = false;
    for entry in entries {
        let Entry { kind, payload, action } = entry;
        assert(head.status == ACTIVE, error::E10_NOT_ACTIVE);
        if let Action::SetThreshold(_) = action {
            sets_threshold = true;
        }
        apply(record, ref head, action);
        advance(context, ref head, ref log_head, kind, payload);
    }
    if head.threshold > head.admins {
        assert(!sets_threshold, error::E55_BAD_THRESHOLD);
        core::panic_with_felt252(error::E54_REMOVAL_REFUSED);
    }
    record.anchor.log_head.write(log_head);
    record.store(head);
}

fn apply(record: Record, ref head: Head, action: Action) {
    match action {
        Action::NominateAdmin((account, ttl_s)) => nominate(record, account, ttl_s),
        Action::RemoveAdmin(account) => {
            let seated = record.seat_of(account) != 0;
            assert(seated && head.admins >= 2, error::E54_REMOVAL_REFUSED);
            seats::vacate(record, ref head, account);
        },
        Action::SetThreshold(threshold) => {
            assert(threshold != 0, error::E55_BAD_THRESHOLD);
            head.threshold = threshold;
            head.seats_epoch += 1;
        },
        Action::SetDelay((class, delay_s)) => record.set_delay(class, delay_s),
        Action::SetMembersRoot((
            previous, root, count,
        )) => {
            assert(previous == record.members_root.read(), error::E57_STALE_ROOT);
            record.members_root.write(root);
            let mut settings = record.settings.read();
            settings.members_count = count;
            record.settings.write(settings);
        },
        Action::SetApp(app) => record.app_hash.write(app),
        Action::SetInviteRoot((
            previous, root,
        )) => {
            assert(previous == record.invite_root.read(), error::E57_STALE_ROOT);
            record.invite_root.write(root);
        },
        // Recorded: the revision is all there is.
        Action::SetCaps => {},
        Action::SetGuardian(guardian) => record.guardian.write(guardian),
        Action::Dissolve => head.status = DISSOLVED,
        Action::SetMeta(meta) => record.meta_hash.write(meta),
    }
}

fn nominate(record: Record, account: ContractAddress, ttl_s: u32) {
    assert(ttl_s != 0 && ttl_s <= TTL_MAX_S, error::E59_BAD_TTL);
    let mut admin = record.admins.entry(account).read();
    assert(admin.seat == 0, error::E58_NOMINEE_IS_ADMIN);
    admin.nominated_until = now() + ttl_s.into();
    record.admins.entry(account).write(admin);
}
