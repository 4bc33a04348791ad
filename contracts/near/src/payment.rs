//! Who adds to the state pays for it.

use governance::anchor::{Account, Code};
use near_sdk::{AccountId, NearToken, env};

use crate::{state, turn};

/// What no access key can attach that may only call functions: whoever does signed with a key that
/// may do everything.
pub(crate) const YOCTO: NearToken = NearToken::from_yoctonear(1);

/// What one call may cost, and what it has added so far.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Payment {
    usage_bytes: u64,
}

/// What a closed proposal took, which goes back to who made it.
#[derive(Clone, Debug)]
pub(crate) struct Freed {
    to: Account,
    bytes: u64,
}

impl Payment {
    /// Before anything is kept.
    pub(crate) fn begin() -> Self {
        Self { usage_bytes: env::storage_usage() }
    }

    /// What was freed so far, all of it by closing a proposal of `to`.
    pub(crate) fn freed(&self, to: &Account) -> Freed {
        let bytes = self.usage_bytes.saturating_sub(env::storage_usage());
        Freed { to: to.clone(), bytes }
    }

    /// Takes the price of what was added out of the deposit, and gives the rest back, and what was
    /// freed to its proposer. Refuses the call unless the deposit covers that price and is at least
    /// `least`.
    pub(crate) fn settle(self, least: NearToken, freed: Option<Freed>) {
        let freed_bytes = freed.as_ref().map_or(0, |freed| freed.bytes);
        let base_bytes = self.usage_bytes.saturating_sub(freed_bytes);
        let cost = price(env::storage_usage().saturating_sub(base_bytes));
        let deposit = env::attached_deposit();
        let rest = deposit.checked_sub(cost).filter(|_| deposit >= least);
        let rest = rest.unwrap_or_else(|| turn::refuse(Code::E02));
        let (caller, back) = (env::predecessor_account_id(), freed.map(Freed::back));
        match back {
            Some((to, amount)) if to == caller => transfer(to, amount.saturating_add(rest)),
            back => {
                transfer(caller, rest);
                back.into_iter().for_each(|(to, amount)| transfer(to, amount));
            }
        }
    }
}

impl Freed {
    fn back(self) -> (AccountId, NearToken) {
        (state::name(&self.to), price(self.bytes))
    }
}

/// A single yoctoNEAR stays: giving it back would burn more gas than it is worth.
fn transfer(to: AccountId, amount: NearToken) {
    if amount > YOCTO {
        // `Promise` can do all that promises can, and brings the code of it all.
        let promise = env::promise_batch_create(&to);
        env::promise_batch_action_transfer(promise, amount);
    }
}

fn price(bytes: u64) -> NearToken {
    env::storage_byte_cost().saturating_mul(bytes.into())
}
