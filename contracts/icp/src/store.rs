//! The tables in stable memory. What stands in them outlives an upgrade as it is: nothing is
//! written out before one, so that nothing can fail then.

use std::fmt;

use candid::Principal;
use governance::anchor::{Account, OnChainId, Record};
use ic_stable_structures::{
    DefaultMemoryImpl, StableBTreeMap, StableCell,
    memory_manager::{MemoryId, MemoryManager, VirtualMemory},
};
use types::Hash;

use crate::row::{
    BatchRow, CreatorRow, Hashed, Named, NominationRow, NullifierRow, Numbered, ProposalRow,
    RecordRow, RecordV1, RevisionRow, SettingsRow, hashed, named, number_of, numbered,
};

/// Stable memory is taken in steps of 1 MiB a table: in the usual 8 MiB, most would lie idle and
/// be paid for. 32 768 steps are 32 GiB.
const STEP_PAGES: u16 = 16;

type Memory = VirtualMemory<DefaultMemoryImpl>;
type Table<K, V> = StableBTreeMap<K, V, Memory>;

/// All that is stored. Tables are numbered for good: a number is never given twice.
pub(crate) struct Store {
    settings: StableCell<SettingsRow, Memory>,
    records: Table<[u8; 32], RecordRow>,
    revisions: Table<Numbered, RevisionRow>,
    proposals: Table<Numbered, ProposalRow>,
    batches: Table<Numbered, BatchRow>,
    nominations: Table<Named, NominationRow>,
    nullifiers: Table<Hashed, NullifierRow>,
    creators: Table<Principal, CreatorRow>,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("records", &self.records.len()).finish_non_exhaustive()
    }
}

impl Store {
    /// The tables in `memory`, empty ones if it is new.
    pub(crate) fn open(memory: DefaultMemoryImpl) -> Self {
        let manager = MemoryManager::init_with_bucket_size(memory, STEP_PAGES);
        let table = |number| manager.get(MemoryId::new(number));
        Self {
            settings: StableCell::init(table(0), SettingsRow::Empty),
            records: Table::init(table(1)),
            revisions: Table::init(table(2)),
            proposals: Table::init(table(3)),
            batches: Table::init(table(4)),
            nominations: Table::init(table(5)),
            nullifiers: Table::init(table(6)),
            creators: Table::init(table(7)),
        }
    }

    pub(crate) fn settings(&self) -> &SettingsRow {
        self.settings.get()
    }

    pub(crate) fn set_settings(&mut self, row: SettingsRow) {
        self.settings.set(row);
    }

    pub(crate) fn records(&self) -> u64 {
        self.records.len()
    }

    /// Every record's name and row.
    pub(crate) fn each_record(&self) -> impl Iterator<Item = (OnChainId, RecordV1)> + '_ {
        self.records.iter().map(|entry| {
            let RecordRow::V1(row) = entry.value();
            (OnChainId::new(Hash::from_bytes(*entry.key())), row)
        })
    }

    pub(crate) fn record(&self, context: &OnChainId) -> Option<RecordV1> {
        let RecordRow::V1(row) = self.records.get(context.as_hash().as_bytes())?;
        Some(row)
    }

    pub(crate) fn set_record(&mut self, context: &OnChainId, row: RecordV1) {
        self.records.insert(*context.as_hash().as_bytes(), RecordRow::V1(row));
    }

    /// Puts the open proposals in. There are at most 64, and the machine counts them.
    pub(crate) fn load_proposals(&self, record: &mut Record) {
        let keys = numbered(&record.id, 0)..=numbered(&record.id, u64::MAX);
        record.proposals = self
            .proposals
            .range(keys)
            .map(|entry| (number_of(entry.key()), entry.value().proposal()))
            .collect();
    }

    /// The encoded batch of an open proposal.
    pub(crate) fn batch(&self, context: &OnChainId, seq: u64) -> Option<Vec<u8>> {
        let BatchRow::V1(bytes) = self.batches.get(&numbered(context, seq))?;
        Some(bytes)
    }

    pub(crate) fn set_batch(&mut self, context: &OnChainId, seq: u64, bytes: Vec<u8>) {
        self.batches.insert(numbered(context, seq), BatchRow::V1(bytes));
    }

    pub(crate) fn set_proposal(&mut self, context: &OnChainId, seq: u64, row: ProposalRow) {
        self.proposals.insert(numbered(context, seq), row);
    }

    /// Forgets a proposal that is closed, and its batch.
    pub(crate) fn close_proposal(&mut self, context: &OnChainId, seq: u64) {
        self.proposals.remove(&numbered(context, seq));
        self.batches.remove(&numbered(context, seq));
    }

    /// Until when (Unix seconds) `account` may take a seat.
    pub(crate) fn nomination(&self, context: &OnChainId, account: &Account) -> Option<u64> {
        let NominationRow::V1 { until_s } = self.nominations.get(&named(context, account))?;
        Some(until_s)
    }

    pub(crate) fn set_nomination(
        &mut self,
        context: &OnChainId,
        account: &Account,
        until_s: Option<u64>,
    ) {
        let key = named(context, account);
        match until_s {
            Some(until_s) => {
                self.nominations.insert(key, NominationRow::V1 { until_s });
            }
            None => {
                self.nominations.remove(&key);
            }
        }
    }

    /// Whether a use of an invitation is used up.
    pub(crate) fn is_used(&self, context: &OnChainId, nullifier: &Hash) -> bool {
        self.nullifiers.contains_key(&hashed(context, nullifier))
    }

    pub(crate) fn set_used(&mut self, context: &OnChainId, nullifier: &Hash) {
        self.nullifiers.insert(hashed(context, nullifier), NullifierRow::V1);
    }

    /// Revisions after number `after`, at most `limit`.
    pub(crate) fn revisions(
        &self,
        context: &OnChainId,
        after: u64,
        limit: usize,
    ) -> Vec<(u64, RevisionRow)> {
        let Some(first) = after.checked_add(1) else { return Vec::new() };
        let keys = numbered(context, first)..=numbered(context, u64::MAX);
        let entries = self.revisions.range(keys).take(limit);
        entries.map(|entry| (number_of(entry.key()), entry.value())).collect()
    }

    pub(crate) fn set_revision(&mut self, context: &OnChainId, rev: u64, row: RevisionRow) {
        self.revisions.insert(numbered(context, rev), row);
    }

    /// What `account` made without paying, and what was bought for it.
    pub(crate) fn creator(&self, account: &Principal) -> (u32, u32) {
        match self.creators.get(account) {
            Some(CreatorRow::V1 { made, bought }) => (made, bought),
            None => (0, 0),
        }
    }

    pub(crate) fn set_creator(&mut self, account: Principal, (made, bought): (u32, u32)) {
        self.creators.insert(account, CreatorRow::V1 { made, bought });
    }
}
