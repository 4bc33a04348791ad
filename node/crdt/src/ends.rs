//! Up to where an author's writes at one entry have ended.

use borsh::{BorshDeserialize, BorshSerialize};
use types::Hlc;

use crate::{Dot, Origin, Stamp};

/// All that was ever said about the end of one author's writes at one entry. A write has ended if
/// somebody named it, or a later one of its author, with a clock not before its own: nobody can end
/// what is still to be written, beyond the drift that clocks are allowed.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) struct Ends(
    /// None says less than another. One, unless somebody named dots before they were there.
    Vec<End>,
);

#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) struct End {
    /// The author's last delta that is named.
    seq: u64,
    /// Clock of the delta that names it.
    hlc: Hlc,
}

impl End {
    /// What `origin` says by observing `dot`. A delta cannot have seen itself or what its author
    /// wrote later; whether it saw what others wrote is not judged, but has the same effect in
    /// every order.
    pub(crate) fn new(origin: &Origin, dot: &Dot) -> Option<Self> {
        let may_observe = dot.author != origin.author || dot.seq < origin.seq;
        may_observe.then_some(Self { seq: dot.seq, hlc: origin.hlc })
    }

    /// Whether the author's `write` ends by this.
    pub(crate) fn covers(&self, write: &Stamp) -> bool {
        write.dot.seq <= self.seq && write.hlc <= self.hlc
    }

    /// Whether it may concern deltas of the author after `seq`.
    pub(crate) const fn reaches_beyond(&self, seq: u64) -> bool {
        self.seq > seq
    }

    fn says_all_of(&self, other: &Self) -> bool {
        self.seq >= other.seq && self.hlc >= other.hlc
    }
}

impl Ends {
    pub(crate) fn add(&mut self, end: End) {
        if self.0.iter().any(|known| known.says_all_of(&end)) {
            return;
        }
        self.0.retain(|known| !end.says_all_of(known));
        // One order for one set: later deltas first.
        let at = self.0.partition_point(|known| known.seq > end.seq);
        self.0.insert(at, end);
    }

    pub(crate) fn cover(&self, write: &Stamp) -> bool {
        self.0.iter().any(|end| end.covers(write))
    }

    /// Forgets what only concerns deltas up to `seq`.
    pub(crate) fn forget_until(&mut self, seq: u64) {
        self.0.retain(|end| end.reaches_beyond(seq));
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use types::MemberKey;

    use super::*;

    fn end(seq: u64, millis: u64) -> End {
        End { seq, hlc: Hlc { millis, count: 0 } }
    }

    #[test]
    fn ends_are_one_set_in_every_order_without_what_others_say() {
        let check = |said: &[End], expected: &[End]| {
            let backwards = said.iter().rev().copied().collect();
            for order in [said.to_vec(), backwards] {
                let mut ends = Ends::default();
                order.into_iter().for_each(|end| ends.add(end));
                assert_eq!(ends.0, expected, "{said:?}");
            }
        };
        check(&[end(1, 1), end(2, 2), end(2, 2)], &[end(2, 2)]);
        check(&[end(1, 5), end(2, 2)], &[end(2, 2), end(1, 5)]);
        check(&[end(1, 5), end(3, 1), end(2, 5)], &[end(3, 1), end(2, 5)]);
        check(&[end(1, 5), end(3, 1), end(3, 5)], &[end(3, 5)]);
    }

    #[test]
    fn a_write_ends_by_its_number_and_its_clock() {
        let write = |seq, millis| {
            let dot = Dot { author: MemberKey::from_bytes([1; 32]), seq };
            Stamp { hlc: Hlc { millis, count: 0 }, dot }
        };
        let mut ends = Ends(vec![end(5, 2), end(3, 9)]);
        assert!(ends.cover(&write(5, 2)));
        assert!(ends.cover(&write(3, 9)));
        assert!(!ends.cover(&write(4, 9)));
        assert!(!ends.cover(&write(6, 1)));
        ends.forget_until(4);
        assert!(!ends.cover(&write(3, 9)));
        assert!(!ends.is_empty());
        ends.forget_until(5);
        assert!(ends.is_empty());
    }
}
