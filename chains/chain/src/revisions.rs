//! What a list of revisions must satisfy before anybody believes it.

use governance::{anchor, log::Revision};

use crate::{AnchorHead, Position};

/// How revisions contradict the head, or what was known before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Inconsistent {
    /// A revision was left out or came twice.
    #[error("revision {expected} is missing, {found} came instead")]
    Gap {
        /// The one that should come.
        expected: u64,
        /// The one that came.
        found: u64,
    },
    /// A revision is not the one that the contract chained.
    #[error("revision {rev} does not continue the contract's log")]
    Altered {
        /// Which.
        rev: u64,
    },
    /// The contract's log head is not the one that the revisions lead to.
    #[error("revision {rev} does not lead to the contract's log head")]
    OtherHead {
        /// The last one.
        rev: u64,
    },
    /// The endpoint's block is older than what is known, or the chain took revisions back.
    #[error("the record stands at revision {head}, but revision {known} was seen")]
    Behind {
        /// What was known.
        known: u64,
        /// What the record says.
        head: u64,
    },
    /// A revision is not in the block that was told for it.
    #[error("revision {rev} is not in the block that was told for it")]
    Misplaced {
        /// Which.
        rev: u64,
    },
    /// The head has more revisions than the events tell of.
    #[error("the record stands at revision {head}, but events end at {found}")]
    Omitted {
        /// What the record says.
        head: u64,
        /// The last one that came.
        found: u64,
    },
}

/// Recomputes the log head over `revisions` from `after` on, and compares it with `head` where they
/// meet. Detects gaps, repetitions, alterations, forks, and a head behind what is known.
///
/// That events up to the head are complete is known only when the returned position's `rev` equals
/// `head.head.rev`.
///
/// # Errors
/// [`Inconsistent`], naming the first revision that does not fit.
pub fn check_revisions(
    after: &Position,
    revisions: &[Revision],
    head: &AnchorHead,
) -> Result<Position, Inconsistent> {
    let mut at = *after;
    if at.rev > head.head.rev {
        return Err(Inconsistent::Behind { known: at.rev, head: head.head.rev });
    }
    for revision in revisions {
        let expected = at.rev.saturating_add(1);
        if revision.rev != expected {
            return Err(Inconsistent::Gap { expected, found: revision.rev });
        }
        let chained =
            anchor::log_head(&at.log_head, revision.rev, revision.kind, &revision.payload);
        if chained != revision.log_head || revision.rev > head.head.rev {
            return Err(Inconsistent::Altered { rev: revision.rev });
        }
        at = Position::after(revision);
    }
    if at.rev == head.head.rev && at.log_head != head.log_head {
        return Err(Inconsistent::OtherHead { rev: at.rev });
    }
    Ok(at)
}

#[cfg(test)]
mod tests {
    use governance::{
        anchor::{Head, Status},
        log::BlockRef,
    };
    use proptest::prelude::*;
    use types::Hash;

    use super::*;
    use crate::{Shown, Trust, Vouched};

    const TRUST: Trust = Trust { block: Vouched::Consensus, answer: Shown::Proved };

    fn block(height: u64) -> BlockRef {
        BlockRef { height, hash: Hash::ZERO, time_s: 0 }
    }

    fn history(length: u64) -> (Position, Vec<Revision>, AnchorHead) {
        let start = Position { rev: 0, log_head: Hash::from_bytes([1; 32]), height: 0 };
        let mut log_head = start.log_head;
        let mut revisions = Vec::new();
        for rev in 1..=length {
            let payload = vec![7; 3];
            log_head = anchor::log_head(&log_head, rev, 0x10, &payload);
            revisions.push(Revision { rev, kind: 0x10, payload, log_head, block: block(rev) });
        }
        let head = Head {
            rev: length,
            seats_epoch: 1,
            seq: 0,
            threshold: 1,
            admins: 1,
            status: Status::Active,
            flags: 0,
            active: 1,
        };
        (start, revisions, AnchorHead { head, log_head, block: block(length), trust: TRUST })
    }

    #[track_caller]
    fn check(
        story: &str,
        change: impl FnOnce(&mut Position, &mut Vec<Revision>, &mut AnchorHead),
        expected: Result<u64, Inconsistent>,
    ) {
        let (mut after, mut revisions, mut head) = history(4);
        change(&mut after, &mut revisions, &mut head);
        let found = check_revisions(&after, &revisions, &head).map(|position| position.rev);
        assert_eq!(found, expected, "{story}");
    }

    #[test]
    fn only_the_contracts_own_history_passes() {
        let gap = |expected, found| Err(Inconsistent::Gap { expected, found });
        check("the whole history", |_, _, _| {}, Ok(4));
        check("its beginning", |_, revisions, _| revisions.truncate(2), Ok(2));
        check("nothing yet", |_, revisions, _| revisions.clear(), Ok(0));
        check("one left out", |_, revisions, _| drop(revisions.remove(1)), gap(2, 3));
        check("the first left out", |_, revisions, _| drop(revisions.remove(0)), gap(1, 2));
        check("one twice", |_, revisions, _| revisions[1] = revisions[0].clone(), gap(2, 1));
        check("swapped", |_, revisions, _| revisions.swap(1, 2), gap(2, 3));
        let altered = |rev| Err(Inconsistent::Altered { rev });
        check("another payload", |_, revisions, _| revisions[2].payload[0] = 0, altered(3));
        check("another kind", |_, revisions, _| revisions[2].kind = 0x0f, altered(3));
        check("another log head", |_, r, _| r[1].log_head = Hash::ZERO, altered(2));
        check("another start", |after, _, _| after.log_head = Hash::ZERO, altered(1));
        check("more than the head has", |_, _, head| head.head.rev = 3, altered(4));
        let other = Err(Inconsistent::OtherHead { rev: 4 });
        check("another head", |_, _, head| head.log_head = Hash::ZERO, other);
        let behind = Err(Inconsistent::Behind { known: 5, head: 4 });
        check("a head that is behind", |after, _, _| after.rev = 5, behind);
    }

    proptest! {
        #[test]
        fn any_changed_byte_of_a_payload_is_found(
            at in 0_usize..4,
            byte in 0_usize..3,
            flip in 1_u8..,
        ) {
            let (after, mut revisions, head) = history(4);
            revisions[at].payload[byte] ^= flip;
            let rev = revisions[at].rev;
            let found = check_revisions(&after, &revisions, &head);
            prop_assert_eq!(found, Err(Inconsistent::Altered { rev }));
        }
    }
}
