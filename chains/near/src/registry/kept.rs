//! What the contract keeps, under which keys. Source: `contracts/near/src/state.rs`.

use std::collections::{BTreeMap, BTreeSet};

use governance::anchor::{
    Account, Class, Head, OnChainId, PendingDelay, Proposal, Record, Seat, Terms,
};
use types::{ContextId, Hash};

use super::told::Told;
use crate::wire::{Malformed, Reader};

/// The form of what follows the two heads in a record's value.
const VERSION: u8 = 1;
/// Most seats that are read: a record has 32.
const SEATS_MAX: usize = 64;
/// Most open proposals that are read: a record has 64.
const PROPOSALS_MAX: usize = 64;
/// Longest account.
const ACCOUNT_BYTES_MAX: usize = 64;

/// Who holds which seat, since when.
pub(crate) type Seats = BTreeMap<Account, Seat>;

/// The keys of one record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Keys<'a>(pub(crate) &'a OnChainId);

impl Keys<'_> {
    /// `head ‖ log head ‖` the rest of the record.
    pub(crate) fn record(self) -> Vec<u8> {
        self.key(0, &[])
    }

    /// Who holds which seat.
    pub(crate) fn seats(self) -> Vec<u8> {
        self.key(1, &[])
    }

    /// The open proposals without their batches.
    pub(crate) fn proposals(self) -> Vec<u8> {
        self.key(2, &[])
    }

    /// What all keys of batches begin with.
    pub(crate) fn batches(self) -> Vec<u8> {
        self.key(3, &[])
    }

    /// The batch of an open proposal.
    pub(crate) fn batch(self, seq: u64) -> Vec<u8> {
        self.key(3, &seq.to_be_bytes())
    }

    /// A revision.
    pub(crate) fn revision(self, rev: u64) -> Vec<u8> {
        self.key(4, &rev.to_be_bytes())
    }

    /// Until when an account may take a seat.
    pub(crate) fn nomination(self, account: &Account) -> Vec<u8> {
        self.key(5, account.as_bytes())
    }

    fn key(self, kind: u8, rest: &[u8]) -> Vec<u8> {
        [&[kind], &self.0.as_hash().as_bytes()[..], rest].concat()
    }
}

/// The two heads that a record's value begins with.
pub(crate) fn heads(value: &[u8]) -> Option<(Head, Hash)> {
    let (head, rest) = value.split_first_chunk()?;
    let log_head = rest.first_chunk()?;
    Some((Head::unpack(head)?, Hash::from_bytes(*log_head)))
}

/// The record in `value`, without seats, proposals, nominations and used invitations.
pub(crate) fn record(id: &OnChainId, domain: Hash, value: &[u8]) -> Result<Record, Malformed> {
    let (head, log_head) = heads(value).ok_or(Malformed("heads of a record"))?;
    let mut reader = Reader::new(value.get(64..).unwrap_or_default());
    if reader.u8()? != VERSION {
        return Err(Malformed("version of a record"));
    }
    let (app, members_root) = (word(&mut reader)?, word(&mut reader)?);
    let members_count = reader.u32()?;
    let mut delays_s = [0; 4];
    for delay_s in &mut delays_s {
        *delay_s = reader.u32()?;
    }
    let mut pending_delays = [None; 4];
    for pending in &mut pending_delays {
        let (delay_s, effective_s) = (reader.u32()?, reader.u64()?);
        *pending = (effective_s != 0).then_some(PendingDelay { delay_s, effective_s });
    }
    let context = ContextId::from_bytes(reader.array()?);
    let (meta, invite_root) = (word(&mut reader)?, word(&mut reader)?);
    let (frozen_until_s, last_freeze_s) = (reader.u64()?, reader.u64()?);
    let guardian = Account::new(reader.bytes(ACCOUNT_BYTES_MAX)?);
    reader.end()?;
    let flags = head.flags;
    let terms = Terms { app, members_root, members_count, flags, delays_s, guardian, context };
    Ok(Record {
        id: *id,
        domain,
        head,
        log_head,
        terms,
        pending_delays,
        meta,
        invite_root,
        seats: Seats::new(),
        nominated: BTreeMap::new(),
        proposals: BTreeMap::new(),
        frozen_until_s,
        last_freeze_s,
        nullifiers: BTreeSet::new(),
    })
}

/// Who holds which seat.
pub(crate) fn seats(value: &[u8]) -> Result<Seats, Malformed> {
    let mut reader = Reader::new(value);
    let count = reader.count(SEATS_MAX)?;
    let mut seats = Seats::new();
    for _ in 0..count {
        let account = account(&mut reader)?;
        let (index, since) = (reader.u8()?, reader.u64()?);
        if usize::from(index) >= SEATS_MAX || seats.insert(account, Seat { index, since }).is_some()
        {
            return Err(Malformed("seat"));
        }
    }
    reader.end()?;
    Ok(seats)
}

/// The open proposals, by their numbers.
pub(crate) fn open_proposals(value: &[u8]) -> Result<BTreeMap<u64, Proposal>, Malformed> {
    let mut reader = Reader::new(value);
    let count = reader.count(PROPOSALS_MAX)?;
    let mut open = BTreeMap::new();
    for _ in 0..count {
        let seq = reader.u64()?;
        let proposal = proposal(&mut reader)?;
        if open.insert(seq, proposal).is_some() {
            return Err(Malformed("number of a proposal"));
        }
    }
    reader.end()?;
    Ok(open)
}

fn proposal(reader: &mut Reader<'_>) -> Result<Proposal, Malformed> {
    let actions_hash = word(reader)?;
    let (approvals, withdrawn, created_rev) = (reader.u64()?, reader.u64()?, reader.u64()?);
    let (eta_s, expiry_s) = (reader.u64()?, reader.u64()?);
    let (threshold, class) = (reader.u8()?, reader.u8()?);
    let sets_guardian = match reader.u8()? {
        0 => false,
        1 => true,
        _ => return Err(Malformed("flag")),
    };
    Ok(Proposal {
        actions_hash,
        approvals,
        withdrawn,
        created_rev,
        eta_s: (eta_s != 0).then_some(eta_s),
        expiry_s,
        threshold,
        class: Class::from_number(class).ok_or(Malformed("class"))?,
        sets_guardian,
        proposer: account(reader)?,
    })
}

/// Revision `rev`.
pub(crate) fn revision(rev: u64, value: &[u8]) -> Option<Told> {
    let (kind, rest) = value.split_first()?;
    let (height, rest) = rest.split_first_chunk()?;
    let (time_ns, rest) = rest.split_first_chunk()?;
    let (payload, log_head) = rest.split_last_chunk()?;
    Some(Told {
        rev,
        kind: *kind,
        height: u64::from_be_bytes(*height),
        time_ns: u64::from_be_bytes(*time_ns),
        payload: payload.to_vec(),
        log_head: Hash::from_bytes(*log_head),
    })
}

fn word(reader: &mut Reader<'_>) -> Result<Hash, Malformed> {
    reader.array().map(Hash::from_bytes)
}

fn account(reader: &mut Reader<'_>) -> Result<Account, Malformed> {
    Account::new(reader.bytes(ACCOUNT_BYTES_MAX)?).ok_or(Malformed("account"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CONTEXT: OnChainId = OnChainId::new(Hash::from_bytes([1; 32]));

    #[test]
    fn keys_stand_where_the_contract_keeps_things() {
        let keys = Keys(&CONTEXT);
        let begins = |kind: u8| [&[kind][..], &[1; 32]].concat();
        assert_eq!(keys.record(), begins(0));
        assert_eq!(keys.batch(2), [begins(3), vec![0, 0, 0, 0, 0, 0, 0, 2]].concat());
        assert_eq!(keys.revision(1), [begins(4), vec![0, 0, 0, 0, 0, 0, 0, 1]].concat());
        let account = Account::new(b"a.near").expect("bytes");
        assert_eq!(keys.nomination(&account), [begins(5), b"a.near".to_vec()].concat());
    }

    #[test]
    fn a_revision_is_read_from_both_its_ends() {
        let value = [
            &[0x10][..],
            &7_u64.to_be_bytes(),
            &2_500_000_000_u64.to_be_bytes(),
            b"payload",
            &[9; 32],
        ]
        .concat();
        let expected = Told {
            rev: 3,
            kind: 0x10,
            height: 7,
            time_ns: 2_500_000_000,
            payload: b"payload".to_vec(),
            log_head: Hash::from_bytes([9; 32]),
        };
        assert_eq!(revision(3, &value), Some(expected));
        assert_eq!(revision(3, &value[..48]), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_judged(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let _either = heads(&bytes).is_some();
            let _either = record(&CONTEXT, Hash::ZERO, &bytes).is_ok();
            let _either = seats(&bytes).is_ok();
            let _either = open_proposals(&bytes).is_ok();
            let _either = revision(1, &bytes).is_some();
        }
    }
}
