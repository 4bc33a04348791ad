//! For how long what a chain said last may be relied on.

/// After so many seconds without a newer final block nobody may rely on who governs: a day. An
/// outage of an endpoint is shorter, and who lost a seat keeps it no longer than this.
pub const STALE_AFTER_S: u64 = 24 * 60 * 60;

/// Whether a block of `block_time_s` is too old at `now_s` (both Unix seconds) to say who governs.
pub const fn is_stale(block_time_s: u64, now_s: u64) -> bool {
    now_s.saturating_sub(block_time_s) > STALE_AFTER_S
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_old_block_still_counts_and_an_older_one_does_not() {
        let block_s = 1_000_000;
        assert!(!is_stale(block_s, block_s + STALE_AFTER_S));
        assert!(is_stale(block_s, block_s + STALE_AFTER_S + 1));
        // A chain's clock may be ahead of ours.
        assert!(!is_stale(block_s, block_s - 1));
        assert!(is_stale(0, block_s));
    }
}
