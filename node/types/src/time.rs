//! Times, always passed in, always with their unit.

use borsh::{BorshDeserialize, BorshSerialize};

/// Milliseconds since the Unix epoch.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
pub struct UnixMillis(pub u64);

/// A hybrid logical clock reading: wall milliseconds, then a counter within them.
///
/// Source: Kulkarni et al., "Logical Physical Clocks", 2014, §3.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    BorshSerialize,
    BorshDeserialize,
)]
pub struct Hlc {
    /// Milliseconds since the Unix epoch, at least the largest ever seen.
    pub millis: u64,
    /// Breaks ties within one millisecond.
    pub count: u32,
}

impl Hlc {
    /// How far ahead of the local wall clock a received reading may be, in milliseconds.
    /// More would let one fast clock win every later write.
    pub const DRIFT_MAX_MILLIS: u64 = 60_000;

    /// The reading for an event at wall time `now`, after everything up to `self`.
    #[must_use]
    pub fn tick(self, now: UnixMillis) -> Self {
        if now.0 > self.millis {
            return Self { millis: now.0, count: 0 };
        }
        match self.count.checked_add(1) {
            Some(count) => Self { millis: self.millis, count },
            None => Self { millis: self.millis.saturating_add(1), count: 0 },
        }
    }

    /// The clock after seeing `remote`: the later of both, so that the next [`Hlc::tick`] exceeds
    /// it.
    #[must_use]
    pub fn observe(self, remote: Self) -> Self {
        self.max(remote)
    }

    /// Whether `self` lies more than [`Hlc::DRIFT_MAX_MILLIS`] after `now`.
    pub fn is_too_far_ahead(self, now: UnixMillis) -> bool {
        self.millis > now.0.saturating_add(Self::DRIFT_MAX_MILLIS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tick_exceeds_everything_seen_even_when_the_wall_clock_lags() {
        let seen = Hlc { millis: 500, count: 7 };
        assert_eq!(seen.tick(UnixMillis(100)), Hlc { millis: 500, count: 8 });
        assert_eq!(seen.tick(UnixMillis(900)), Hlc { millis: 900, count: 0 });
        let full = Hlc { millis: 500, count: u32::MAX };
        assert!(full.tick(UnixMillis(0)) > full);
    }

    #[test]
    fn a_minute_ahead_is_the_limit() {
        let now = UnixMillis(1_000);
        assert!(!Hlc { millis: 61_000, count: 9 }.is_too_far_ahead(now));
        assert!(Hlc { millis: 61_001, count: 0 }.is_too_far_ahead(now));
    }
}
