//! Who may make records, and how much a record may keep. Every byte is kept for good and paid for
//! by the canister, so none is free to write.

use candid::Principal;
use governance::anchor::{Code, Happened, OnChainId};

use crate::{
    store::Store,
    wire::{Allowance, Refusal, Settings},
};

/// Longest list of accounts that need not pay.
const CREATORS_MAX: usize = 256;
/// Less, and a record could not even be set up: some 300 revisions.
const ROOM_BYTES_MIN: u64 = 64 * 1024;
/// More, and one record could fill the memory.
const ROOM_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Cycles of a record where nothing else is said: 1 MiB in a subnet of 34 nodes costs 10^10 a
/// year, so it lasts half a century.
const PRICE_CYCLES: u128 = 500_000_000_000;
/// What that price buys: some 5000 revisions.
const ROOM_BYTES: u64 = 1024 * 1024;
/// More, and making the certified tree anew might not fit in an upgrade: it takes some 2 million
/// instructions a record of the 300 billion that there are.
const RECORDS_MAX: u64 = 100_000;
/// Of a revision: key and fields beside the payload.
const REVISION_BYTES: u64 = 96;
/// Of a nomination, with its account.
const NOMINATION_BYTES: u64 = 80;
/// Of a used invitation.
const NULLIFIER_BYTES: u64 = 66;

/// Cycles that came with a message.
pub(crate) trait Till {
    /// How many may still be taken.
    fn available(&self) -> u128;
    /// Takes so many; the rest goes back by itself.
    fn accept(&mut self, cycles: u128);
}

impl Default for Settings {
    /// Nobody makes records without paying.
    fn default() -> Self {
        Self {
            creators: Vec::new(),
            records_per_creator: 0,
            price_cycles: Some(PRICE_CYCLES),
            room_bytes: ROOM_BYTES,
        }
    }
}

impl Settings {
    /// Whether they are in bounds.
    ///
    /// # Errors
    /// What is not.
    pub(crate) fn check(&self) -> Result<(), &'static str> {
        if self.creators.len() > CREATORS_MAX {
            return Err("at most 256 creators");
        }
        if self.creators.contains(&Principal::anonymous()) {
            return Err("the anonymous principal is nobody, and no creator");
        }
        if self.price_cycles == Some(0) {
            return Err("a price is more than 0; for no sale at all leave it out");
        }
        if !(ROOM_BYTES_MIN..=ROOM_BYTES_MAX).contains(&self.room_bytes) {
            return Err("the room of a record is 64 KiB up to 64 MiB");
        }
        Ok(())
    }

    /// How many records `account`, which made `made` so, still makes without paying.
    fn free(&self, account: &Principal, made: u32) -> u32 {
        let quota = if self.creators.contains(account) { self.records_per_creator } else { 0 };
        quota.saturating_sub(made)
    }

    fn pay(&self, till: &mut dyn Till) -> Result<(), Refusal> {
        let Some(price) = self.price_cycles else { return Err(unpaid("nothing is for sale here")) };
        let available = till.available();
        if available < price {
            let text = format!("the price is {price} cycles, and {available} came with the call");
            return Err(unpaid(&text));
        }
        till.accept(price);
        Ok(())
    }
}

/// How many records `account` may still make.
pub(crate) fn allowance(store: &Store, settings: &Settings, account: &Principal) -> Allowance {
    let (made, bought) = store.creator(account);
    Allowance { free: settings.free(account, made), bought }
}

/// Takes what one record costs `account`: of what is free to it, else of what was bought for it,
/// else of the cycles that came with the call.
///
/// # Errors
/// [`Code::E02`].
pub(crate) fn take_record(
    store: &mut Store,
    settings: &Settings,
    account: Principal,
    till: &mut dyn Till,
) -> Result<(), Refusal> {
    if store.records() >= RECORDS_MAX {
        return Err(unpaid("the registry is full: it has 100000 records"));
    }
    let (made, bought) = store.creator(&account);
    if settings.free(&account, made) > 0 {
        store.set_creator(account, (made.saturating_add(1), bought));
        return Ok(());
    }
    if let Some(rest) = bought.checked_sub(1) {
        store.set_creator(account, (made, rest));
        return Ok(());
    }
    settings.pay(till).map_err(|refusal| {
        let text = format!("no record is left that {account} makes without paying");
        Refusal { text: [&refusal.text, "; ", &text].concat(), ..refusal }
    })
}

/// Pays for one record that `account` will make.
///
/// # Errors
/// [`Code::E02`].
pub(crate) fn buy_record(
    store: &mut Store,
    settings: &Settings,
    account: Principal,
    till: &mut dyn Till,
) -> Result<Allowance, Refusal> {
    let (made, bought) = store.creator(&account);
    let more = bought.checked_add(1).ok_or_else(|| unpaid("more were bought than can be used"))?;
    settings.pay(till)?;
    store.set_creator(account, (made, more));
    Ok(allowance(store, settings, &account))
}

/// Pays for more room in a record.
///
/// # Errors
/// [`Code::E10`] if there is no such record, [`Code::E02`].
pub(crate) fn buy_room(
    store: &mut Store,
    settings: &Settings,
    context: &OnChainId,
    till: &mut dyn Till,
) -> Result<u64, Refusal> {
    let mut row = store.record(context).ok_or(Code::E10)?;
    let more = row.room.checked_add(settings.room_bytes);
    let more = more.ok_or_else(|| unpaid("more was bought than can be used"))?;
    settings.pay(till)?;
    row.room = more;
    store.set_record(context, row);
    Ok(more)
}

/// Bytes that a revision takes for good, with the nomination that it may make.
pub(crate) fn revision_bytes(happened: &Happened) -> u64 {
    let payload = u64::try_from(happened.payload().len()).unwrap_or(u64::MAX);
    let nomination = match happened {
        Happened::Done(governance::anchor::Action::NominateAdmin { .. }) => NOMINATION_BYTES,
        _ => 0,
    };
    payload.saturating_add(REVISION_BYTES).saturating_add(nomination)
}

/// Bytes that a used invitation takes for good.
pub(crate) const fn nullifier_bytes() -> u64 {
    NULLIFIER_BYTES
}

/// [`Code::E02`], and what is missing.
pub(crate) fn unpaid(text: &str) -> Refusal {
    Refusal { code: Code::E02.number(), text: format!("{}: {text}", Code::E02) }
}
