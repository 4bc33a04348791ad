//! A record whole, as the contract keeps it: who holds which seat, which proposals are open, what
//! they would do.

use chain::{ChainError, Claimed, OpenProposal};
use governance::anchor::{Account, Action, OnChainId, Proposal, Record, decode_actions};
use types::{Hash, keccak256};

use crate::{
    endpoint::{Node, Values},
    proof::FullBlock,
    registry::{self, Keys},
    wire::{CryptoHash, Malformed},
};

/// Which state is read.
#[derive(Clone, Copy, Debug)]
pub(crate) enum At<'a> {
    /// The one that a block commits to, with proofs.
    Committed(&'a FullBlock),
    /// The one after a block, to which no block commits yet.
    After(&'a CryptoHash),
}

/// Reads one record from one endpoint.
#[derive(Debug)]
pub(crate) struct Reading<'a> {
    node: &'a Node,
    context: &'a OnChainId,
    at: At<'a>,
    /// Whether all that was read so far was proved.
    pub(crate) is_proved: bool,
}

impl Node {
    /// The open proposals of a record in the state that `block` commits to.
    ///
    /// # Errors
    /// [`ChainError::Lied`] if what the endpoint tells does not fit what it proves.
    pub(crate) async fn proposals(
        &self,
        context: &OnChainId,
        block: &FullBlock,
    ) -> Result<Claimed<Vec<OpenProposal>>, ChainError> {
        let mut reading = Reading::new(self, context, At::Committed(block));
        let open = match reading.record(Hash::ZERO).await? {
            Some(record) => reading.open(&record).await?,
            None => Vec::new(),
        };
        Ok(if reading.is_proved { Claimed::Proved(open) } else { Claimed::Told(open) })
    }
}

impl<'a> Reading<'a> {
    pub(crate) fn new(node: &'a Node, context: &'a OnChainId, at: At<'a>) -> Self {
        let is_proved = matches!(at, At::Committed(_));
        Self { node, context, at, is_proved }
    }

    /// The record with its seats and proposals, without nominations and used invitations; `None`
    /// if there is none.
    pub(crate) async fn record(&mut self, domain: Hash) -> Result<Option<Record>, ChainError> {
        let keys = Keys(self.context);
        let Some(value) = self.value(keys.record()).await? else { return Ok(None) };
        let mut record =
            registry::record(self.context, domain, &value).map_err(|error| self.bad(error))?;
        let seats = self.value(keys.seats()).await?.unwrap_or_default();
        record.seats = registry::seats(&seats).map_err(|error| self.bad(error))?;
        let open = self.value(keys.proposals()).await?.unwrap_or_default();
        record.proposals = registry::open_proposals(&open).map_err(|error| self.bad(error))?;
        Ok(Some(record))
    }

    /// Until when `account` may take a seat, Unix seconds.
    pub(crate) async fn nomination(
        &mut self,
        account: &Account,
    ) -> Result<Option<u64>, ChainError> {
        let value = self.value(Keys(self.context).nomination(account)).await?;
        let read = |value: Vec<u8>| {
            let bytes = value.try_into().map_err(|_| self.bad(Malformed("nomination")))?;
            Ok(u64::from_be_bytes(bytes))
        };
        value.map(read).transpose()
    }

    async fn open(&mut self, record: &Record) -> Result<Vec<OpenProposal>, ChainError> {
        if record.proposals.is_empty() {
            return Ok(Vec::new());
        }
        let keys = Keys(self.context);
        let batches: Vec<Vec<u8>> = record.proposals.keys().map(|seq| keys.batch(*seq)).collect();
        let batches = self.values(&keys.batches(), &batches).await?;
        let with_batches = record.proposals.iter().zip(batches);
        with_batches
            .map(|((seq, proposal), batch)| {
                let actions = self.actions(proposal, batch)?;
                Ok(shown(record, *seq, proposal, actions))
            })
            .collect()
    }

    fn actions(
        &self,
        proposal: &Proposal,
        batch: Option<Vec<u8>>,
    ) -> Result<Vec<Action>, ChainError> {
        let batch = batch.ok_or_else(|| self.bad(Malformed("batch: it is left out")))?;
        if keccak256(&batch) != proposal.actions_hash {
            return Err(self.node.rpc.lied("view_state", "a proposal has other actions"));
        }
        decode_actions(&batch).map_err(|_| self.bad(Malformed("batch")))
    }

    async fn value(&mut self, key: Vec<u8>) -> Result<Option<Vec<u8>>, ChainError> {
        let values = self.values(&key.clone(), &[key]).await?;
        Ok(values.into_iter().next().flatten())
    }

    async fn values(&mut self, prefix: &[u8], keys: &[Vec<u8>]) -> Result<Values, ChainError> {
        match self.at {
            At::Committed(block) => match self.node.values(prefix, keys, block).await? {
                Claimed::Proved(values) => Ok(values),
                Claimed::Told(values) => {
                    self.is_proved = false;
                    Ok(values)
                }
            },
            At::After(at) => self.node.values_after(prefix, keys, at).await,
        }
    }

    fn bad(&self, error: Malformed) -> ChainError {
        self.node.rpc.nonsense("view_state", error.0)
    }
}

fn shown(record: &Record, seq: u64, proposal: &Proposal, actions: Vec<Action>) -> OpenProposal {
    let counts = |index: u8, since: u64| {
        let bit = 1_u64.checked_shl(index.into()).unwrap_or(0);
        proposal.approvals & record.head.active & bit != 0 && since <= proposal.created_rev
    };
    let mut approvals: Vec<(u8, &Account)> = record
        .seats
        .iter()
        .filter(|(_, seat)| counts(seat.index, seat.since))
        .map(|(account, seat)| (seat.index, account))
        .collect();
    approvals.sort_unstable_by_key(|(index, _)| *index);
    OpenProposal {
        seq,
        proposer: proposal.proposer.clone(),
        actions,
        class: proposal.class,
        approvals: approvals.into_iter().map(|(_, account)| account.clone()).collect(),
        needed: proposal.threshold.max(record.head.threshold),
        eta_s: proposal.eta_s,
        expiry_s: proposal.expiry_s,
    }
}
