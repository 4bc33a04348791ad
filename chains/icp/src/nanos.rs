//! The Internet Computer's time, kept apart from the node's.

use types::UnixMillis;

/// Nanoseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixNanos(pub u64);

impl UnixNanos {
    /// The same time; the last that there is for times after the year 2554.
    pub const fn from_millis(millis: UnixMillis) -> Self {
        Self(millis.0.saturating_mul(1_000_000))
    }

    /// In whole seconds.
    pub const fn as_secs(self) -> u64 {
        self.0 / 1_000_000_000
    }
}
