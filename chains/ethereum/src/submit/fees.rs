//! What a unit of gas is paid. Source: EIP-1559.

use alloy::primitives::U256;

/// Paid to the proposer where endpoints do not say what is usual: 1 gwei.
pub(super) const PRIORITY_DEFAULT: u128 = 1_000_000_000;
/// More than that no endpoint can talk an account into: 50 gwei.
const PRIORITY_MAX: u128 = 50_000_000_000;

/// What a transaction offers for a unit of gas, in wei.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fees {
    pub(super) max: u128,
    pub(super) priority: u128,
}

impl Fees {
    /// For a block whose base fee is `base`. Of what endpoints say is usual for proposers, the
    /// lower middle counts, so that one alone cannot raise it.
    ///
    /// It stays valid over six full blocks in a row, each of which raises the base fee by 1/8.
    pub(super) fn usual(base: U256, mut priorities: Vec<U256>) -> Self {
        priorities.sort_unstable();
        let middle = priorities.get(priorities.len().saturating_sub(1) / 2).copied();
        let told = middle.map_or(PRIORITY_DEFAULT, wei);
        let priority = told.min(PRIORITY_MAX);
        Self { max: wei(base).saturating_mul(2).saturating_add(priority), priority }
    }

    /// At least 1/8 more of both, which is what nodes ask of a replacement; more where more has
    /// become `usual`.
    pub(super) fn bumped(self, usual: Self) -> Self {
        let more = |wei: u128| wei.saturating_add(wei.div_ceil(8)).max(1);
        Self {
            max: more(self.max).max(usual.max),
            priority: more(self.priority).max(usual.priority),
        }
    }
}

fn wei(number: U256) -> u128 {
    u128::try_from(number).unwrap_or(u128::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_endpoint_cannot_raise_the_fee() {
        let told = |wei: &[u64]| wei.iter().map(|wei| U256::from(*wei)).collect::<Vec<_>>();
        let fees = |wei: &[u64]| Fees::usual(U256::from(100), told(wei));
        assert_eq!(fees(&[3]), Fees { max: 203, priority: 3 });
        assert_eq!(fees(&[u64::MAX, 3]).priority, 3);
        assert_eq!(fees(&[5, u64::MAX, 3]).priority, 5);
        assert_eq!(fees(&[]).priority, PRIORITY_DEFAULT);
        assert_eq!(fees(&[u64::MAX]).priority, PRIORITY_MAX);
    }

    proptest! {
        #[test]
        fn a_replacement_pays_an_eighth_more(max in 0_u128..1 << 100, priority in 0_u128..1 << 90) {
            let before = Fees { max, priority };
            let after = before.bumped(Fees { max: 0, priority: 0 });
            prop_assert!(after.max * 8 >= before.max * 9 && after.max > before.max);
            prop_assert!(after.priority * 8 >= before.priority * 9);
            prop_assert!(after.priority > before.priority);
        }
    }
}
