//! Open proposals in a block: which there are, what they would do, who approved.
//!
//! The contract's functions tell which are open and who holds a seat, which enough endpoints must
//! tell alike; batches stand in events, and are checked against the hash that the contract keeps.

use std::collections::BTreeMap;

use chain::{ChainError, Claimed, OpenProposal};
use futures::future::try_join_all;
use governance::anchor::{Account, Action, Head, OnChainId, decode_actions};
use types::{Hash, keccak256};

use crate::{
    block::Block,
    endpoint::Node,
    felt::Felt,
    wire::{self, Ballot, SEATS_MAX},
};

/// Questions that are asked at the same time.
const AT_ONCE: u64 = 16;
/// How many of the newest proposals are looked through. One that is older than a thousand others
/// and still open has been forgotten; it runs out within 90 days.
const LOOKED_AT_MAX: u64 = 1_024;
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
    block: &'a Block,
}

/// What events tell about one proposal.
#[derive(Default)]
struct Told {
    actions: Option<Vec<u8>>,
    accounts: Vec<Felt>,
}

/// A seat's holder, and since which revision.
type Seats = BTreeMap<u8, (Account, u64)>;

impl Node {
    /// The open proposals of a record that stands at `head` in `block`.
    ///
    /// # Errors
    /// [`ChainError::Lied`] if what the endpoint tells does not fit together.
    pub(crate) async fn proposals(
        &self,
        context: &OnChainId,
        block: &Block,
        head: &Head,
        span_blocks: u64,
    ) -> Result<Claimed<Vec<OpenProposal>>, ChainError> {
        let reading = Reading { node: self, context, block };
        let arguments = wire::context_arguments(context);
        let beside = self.view("record", &arguments, block, wire::beside).await?;
        let count = beside.map_or(0, |beside| usize::from(beside.open_proposals));
        let ballots = reading.ballots(head.seq, count).await?;
        if ballots.is_empty() {
            return Ok(Claimed::Told(Vec::new()));
        }
        reading.complete(&ballots, head, span_blocks).await.map(Claimed::Told)
    }
}

impl Reading<'_> {
    /// The ballots of the newest `count` open proposals, by their numbers.
    async fn ballots(
        &self,
        newest: u64,
        count: usize,
    ) -> Result<BTreeMap<u64, Ballot>, ChainError> {
        let mut found = BTreeMap::new();
        let mut last = newest;
        let lowest = newest.saturating_sub(LOOKED_AT_MAX);
        while found.len() < count && last > lowest {
            let first = last.saturating_sub(AT_ONCE).max(lowest);
            let asked = (first.saturating_add(1)..=last).map(|seq| self.ballot(seq));
            found.extend(try_join_all(asked).await?.into_iter().flatten());
            last = first;
        }
        if found.len() < count {
            return Err(self.lied("fewer proposals are open than the record counts"));
        }
        Ok(found)
    }

    async fn ballot(&self, seq: u64) -> Result<Option<(u64, Ballot)>, ChainError> {
        let [high, low] = wire::context_arguments(self.context);
        let arguments = [high, low, Felt::from(seq)];
        let ballot = self.node.view("proposal", &arguments, self.block, wire::ballot).await?;
        Ok(ballot.flatten().map(|ballot| (seq, ballot)))
    }

    async fn complete(
        &self,
        ballots: &BTreeMap<u64, Ballot>,
        head: &Head,
        span_blocks: u64,
    ) -> Result<Vec<OpenProposal>, ChainError> {
        let told = self.events(ballots, span_blocks).await?;
        let mut accounts: Vec<Felt> =
            told.values().flat_map(|told| told.accounts.iter().copied()).collect();
        accounts.sort_unstable();
        accounts.dedup();
        accounts.truncate(ACCOUNTS_MAX);
        let seats = self.seats(&accounts).await?;
        self.check_approvals(ballots, head, &seats).await?;
        let open = ballots.iter().map(|(seq, ballot)| {
            let actions = self.actions(told.get(seq), &ballot.actions_hash)?;
            Ok(OpenProposal {
                seq: *seq,
                proposer: ballot.proposer.clone(),
                actions,
                class: ballot.class,
                approvals: approvals(ballot, head, &seats),
                needed: ballot.threshold.max(head.threshold),
                eta_s: ballot.eta_s,
                expiry_s: ballot.expiry_s,
            })
        });
        open.collect()
    }

    /// Names an endpoint that leaves an approval out: one whose seat is held since before the
    /// proposal was made, by an account of which it tells nothing.
    async fn check_approvals(
        &self,
        ballots: &BTreeMap<u64, Ballot>,
        head: &Head,
        seats: &Seats,
    ) -> Result<(), ChainError> {
        for (seq, ballot) in ballots {
            for index in approving(ballot, head).filter(|index| !seats.contains_key(index)) {
                let key = wire::seat_since(self.context, index);
                let since = self.node.rpc.storage(self.node.registry, key, self.block.hash).await?;
                if since <= Felt::from(ballot.created_rev) {
                    return Err(self.lied(format!("an approval of proposal {seq} is left out")));
                }
            }
        }
        Ok(())
    }

    /// Who of `accounts` holds which seat.
    async fn seats(&self, accounts: &[Felt]) -> Result<Seats, ChainError> {
        let [high, low] = wire::context_arguments(self.context);
        let mut held = Seats::new();
        for some in accounts.chunks(AT_ONCE as usize) {
            let asked = some.iter().map(|account| async move {
                let arguments = [high, low, *account];
                self.node.view("admin", &arguments, self.block, wire::seat).await
            });
            for (account, seat) in some.iter().zip(try_join_all(asked).await?) {
                if let (Some((seat, since)), Some(account)) =
                    (seat.flatten(), wire::account(account))
                {
                    held.insert(seat, (account, since));
                }
            }
        }
        Ok(held)
    }

    fn actions(&self, told: Option<&Told>, hash: &Hash) -> Result<Vec<Action>, ChainError> {
        let actions = told.and_then(|told| told.actions.as_deref());
        let actions = actions.ok_or_else(|| self.lied("a proposal's event is left out"))?;
        if keccak256(actions) != *hash {
            return Err(self.lied("a proposal's event has other actions"));
        }
        let strange = |_| self.node.rpc.nonsense(EVENTS, "a batch that no contract takes");
        decode_actions(actions).map_err(strange)
    }

    /// What events tell about these proposals: about all blocks at once where the endpoint lets,
    /// else backwards until each was proposed.
    async fn events(
        &self,
        ballots: &BTreeMap<u64, Ballot>,
        span_blocks: u64,
    ) -> Result<BTreeMap<u64, Told>, ChainError> {
        let mut told = BTreeMap::new();
        let newest = self.block.height;
        match self.events_in(ballots, 0, newest, &mut told).await {
            Ok(()) => return Ok(told),
            Err(ChainError::EndpointRefused { .. }) => told.clear(),
            Err(error) => return Err(error),
        }
        let mut to = newest;
        for _ in 0..SPANS_MAX {
            let from = to.saturating_sub(span_blocks.saturating_sub(1));
            self.events_in(ballots, from, to, &mut told).await?;
            let is_known = |seq| told.get(seq).is_some_and(|told: &Told| told.actions.is_some());
            let Some(next) = from.checked_sub(1).filter(|_| !ballots.keys().all(is_known)) else {
                break;
            };
            to = next;
        }
        Ok(told)
    }

    async fn events_in(
        &self,
        ballots: &BTreeMap<u64, Ballot>,
        from: u64,
        to: u64,
        told: &mut BTreeMap<u64, Told>,
    ) -> Result<(), ChainError> {
        let keys = wire::proposal_keys(self.context);
        let registry = self.node.registry;
        for event in self.node.rpc.events(Some(registry), &keys, from..=to).await? {
            let read = wire::proposal_event(&event, registry, self.context);
            let stray = || self.node.rpc.nonsense(EVENTS, "not an event that was asked for");
            let (seq, by, actions) = read.ok_or_else(stray)?;
            if ballots.contains_key(&seq) {
                let known = told.entry(seq).or_default();
                known.accounts.push(by);
                known.actions = actions.or(known.actions.take());
            }
        }
        Ok(())
    }

    fn lied(&self, why: impl Into<String>) -> ChainError {
        self.node.rpc.lied(EVENTS, why)
    }
}

const EVENTS: &str = "starknet_getEvents";

/// The seats that approve and are held, in order.
fn approving(ballot: &Ballot, head: &Head) -> impl Iterator<Item = u8> + use<> {
    let bits = ballot.approvals & head.active;
    (0..SEATS_MAX).filter(move |index| bits & (1_u64 << index) != 0)
}

/// Whose approval counts: who approved, and holds the seat since before the proposal was made.
fn approvals(ballot: &Ballot, head: &Head, seats: &Seats) -> Vec<Account> {
    let holders = approving(ballot, head).filter_map(|index| seats.get(&index));
    let counting = holders.filter(|(_, since)| *since <= ballot.created_rev);
    counting.map(|(account, _)| account.clone()).collect()
}
