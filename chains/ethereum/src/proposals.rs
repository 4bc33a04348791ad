//! Open proposals, proved under a header: which there are, what they would do, who approved.

use std::collections::BTreeMap;

use alloy::primitives::{Address, B256, U256};
use chain::{ChainError, Claimed, OpenProposal};
use governance::anchor::{Account, Action, Head, OnChainId, decode_actions};
use types::keccak256;

use crate::{
    endpoint::Node,
    proof::Header,
    wire::{self, Ballot, RecordAt, SEATS_MAX},
};

/// Proposals whose ballots are asked for at once.
const WINDOW: u64 = 64;
/// How many of the newest proposals are looked through. One that is older than two thousand others
/// and still open has been forgotten; it runs out within 90 days.
const LOOKED_AT_MAX: u64 = 2_048;
/// Words in one proof; endpoints have limits of their own.
const WORDS_MAX: usize = 100;
/// Questions about events, backwards from the newest block, where an endpoint does not answer for
/// all blocks at once.
const SPANS_MAX: usize = 64;
/// Accounts that are looked at as approvers: more have no seats at one time, but some came and
/// went.
const ACCOUNTS_MAX: usize = 256;

/// Reads one record in one block from one endpoint.
struct Reading<'a> {
    node: &'a Node,
    context: &'a OnChainId,
    header: &'a Header,
    record: RecordAt,
    is_proved: bool,
}

/// What events tell about one proposal.
#[derive(Default)]
struct Told {
    actions: Option<Vec<u8>>,
    accounts: Vec<Address>,
}

impl Node {
    /// The open proposals of a record that stands at `head` under `header`.
    ///
    /// # Errors
    /// [`ChainError::Lied`] if what the endpoint tells does not fit what it proves.
    pub(crate) async fn proposals(
        &self,
        context: &OnChainId,
        header: &Header,
        head: &Head,
        span_blocks: u64,
    ) -> Result<Claimed<Vec<OpenProposal>>, ChainError> {
        let record = RecordAt::new(context);
        let mut reading = Reading { node: self, context, header, record, is_proved: true };
        let counts = reading.words(&[record.counts()]).await?;
        let count = counts.first().map_or(0, |counts| wire::open_proposals(*counts));
        let ballots = reading.ballots(head.seq, count).await?;
        let open = if ballots.is_empty() {
            Vec::new()
        } else {
            reading.complete(ballots, head, span_blocks).await?
        };
        Ok(if reading.is_proved { Claimed::Proved(open) } else { Claimed::Told(open) })
    }
}

impl Reading<'_> {
    async fn words(&mut self, slots: &[U256]) -> Result<Vec<U256>, ChainError> {
        let mut values = Vec::with_capacity(slots.len());
        for some in slots.chunks(WORDS_MAX) {
            match self.node.words(self.node.registry, some, self.header).await? {
                Claimed::Proved(words) => values.extend(words),
                Claimed::Told(words) => {
                    self.is_proved = false;
                    values.extend(words);
                }
            }
        }
        Ok(values)
    }

    /// The ballots of the newest `count` open proposals, by their numbers.
    async fn ballots(
        &mut self,
        newest: u64,
        count: usize,
    ) -> Result<BTreeMap<u64, Ballot>, ChainError> {
        let mut found = BTreeMap::new();
        let mut last = newest;
        let lowest = newest.saturating_sub(LOOKED_AT_MAX);
        while found.len() < count && last > lowest {
            let first = last.saturating_sub(WINDOW).max(lowest);
            let seqs: Vec<u64> = (first.saturating_add(1)..=last).collect();
            let slots: Vec<U256> = seqs.iter().map(|seq| self.record.proposal(*seq)[1]).collect();
            for (seq, word) in seqs.into_iter().zip(self.words(&slots).await?) {
                let strange = || self.nonsense("a proposal of an unknown class");
                if let Some(ballot) = Ballot::read(word).ok_or_else(strange)? {
                    found.insert(seq, ballot);
                }
            }
            last = first;
        }
        Ok(found)
    }

    async fn complete(
        &mut self,
        ballots: BTreeMap<u64, Ballot>,
        head: &Head,
        span_blocks: u64,
    ) -> Result<Vec<OpenProposal>, ChainError> {
        let seqs: Vec<u64> = ballots.keys().copied().collect();
        let slots = seqs.iter().flat_map(|seq| {
            let [hash, _, proposer] = self.record.proposal(*seq);
            [hash, proposer]
        });
        let slots: Vec<U256> = slots.collect();
        let fixed = self.words(&slots).await?;
        let told = self.events(&seqs, span_blocks).await?;
        let mut accounts: Vec<Address> =
            told.values().flat_map(|told| told.accounts.iter().copied()).collect();
        accounts.sort_unstable();
        accounts.dedup();
        accounts.truncate(ACCOUNTS_MAX);
        let seats = self.seats(&accounts).await?;
        let since: Vec<U256> = self.record.seats_since().collect();
        let since = self.words(&since).await?;
        let mut open = Vec::with_capacity(seqs.len());
        for ((seq, ballot), fixed) in ballots.into_iter().zip(fixed.chunks(2)) {
            let [hash, proposer] = fixed else { return Err(self.nonsense("not two words")) };
            let actions = self.actions(told.get(&seq), B256::from(*hash))?;
            let counts = |index: &u8| {
                let bit = 1_u64 << index;
                ballot.approvals & head.active & bit != 0
                    && wire::seat_since(&since, *index)
                        .is_some_and(|since| since <= ballot.created_rev)
            };
            let holder = |index: u8| {
                let unknown = || self.lied(format!("an approval of proposal {seq} is left out"));
                seats.get(&index).cloned().ok_or_else(unknown)
            };
            open.push(OpenProposal {
                seq,
                proposer: self.account(*proposer)?,
                actions,
                class: ballot.class,
                approvals: (0..SEATS_MAX)
                    .filter(counts)
                    .map(holder)
                    .collect::<Result<_, ChainError>>()?,
                needed: ballot.threshold.max(head.threshold),
                eta_s: ballot.eta_s,
                expiry_s: ballot.expiry_s,
            });
        }
        Ok(open)
    }

    /// Who of `accounts` holds which seat.
    async fn seats(&mut self, accounts: &[Address]) -> Result<BTreeMap<u8, Account>, ChainError> {
        let slots: Vec<U256> = accounts.iter().map(|account| self.record.admin(*account)).collect();
        let words = self.words(&slots).await?;
        let held = accounts.iter().zip(words).filter_map(|(account, word)| {
            Some((wire::seat(word)?, Account::new(account.as_slice())?))
        });
        Ok(held.collect())
    }

    fn actions(&self, told: Option<&Told>, hash: B256) -> Result<Vec<Action>, ChainError> {
        let actions = told.and_then(|told| told.actions.as_deref());
        let actions = actions.ok_or_else(|| self.lied("a proposal's event is left out"))?;
        if wire::word(&keccak256(actions)) != hash {
            return Err(self.lied("a proposal's event has other actions"));
        }
        decode_actions(actions).map_err(|_| self.nonsense("a batch that no contract takes"))
    }

    fn account(&self, word: U256) -> Result<Account, ChainError> {
        let address = Address::from_word(word.into());
        Account::new(address.as_slice()).ok_or_else(|| self.nonsense("a proposal by nobody"))
    }

    /// What events tell about these proposals: about all blocks at once where the endpoint lets,
    /// else backwards until each was proposed.
    async fn events(
        &self,
        seqs: &[u64],
        span_blocks: u64,
    ) -> Result<BTreeMap<u64, Told>, ChainError> {
        let mut told = BTreeMap::new();
        let newest = self.header.number;
        match self.events_in(seqs, 0, newest, &mut told).await {
            Ok(()) => return Ok(told),
            Err(ChainError::EndpointRefused { .. }) => told.clear(),
            Err(error) => return Err(error),
        }
        let mut to = newest;
        for _ in 0..SPANS_MAX {
            let from = to.saturating_sub(span_blocks.saturating_sub(1));
            self.events_in(seqs, from, to, &mut told).await?;
            let is_known = |seq| told.get(seq).is_some_and(|told: &Told| told.actions.is_some());
            let Some(next) = from.checked_sub(1).filter(|_| !seqs.iter().all(is_known)) else {
                break;
            };
            to = next;
        }
        Ok(told)
    }

    async fn events_in(
        &self,
        seqs: &[u64],
        from: u64,
        to: u64,
        told: &mut BTreeMap<u64, Told>,
    ) -> Result<(), ChainError> {
        let topics = wire::proposal_topics(self.context, seqs);
        let logs = self.node.rpc.logs(self.node.registry, topics, from, to).await?;
        for log in &logs {
            let read = wire::proposal_event(log, self.node.registry, self.context);
            let read = read.filter(|(seq, _, _)| seqs.contains(seq));
            let stray = || self.node.rpc.nonsense("eth_getLogs", "not an event that was asked for");
            let (seq, by, actions) = read.ok_or_else(stray)?;
            let known = told.entry(seq).or_default();
            known.accounts.push(by);
            known.actions = actions.map(Into::into).or(known.actions.take());
        }
        Ok(())
    }

    fn nonsense(&self, what: &'static str) -> ChainError {
        self.node.rpc.nonsense("eth_getProof", what)
    }

    fn lied(&self, why: impl Into<String>) -> ChainError {
        self.node.rpc.lied("eth_getLogs", why)
    }
}
