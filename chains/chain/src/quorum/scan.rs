//! Reads a history from any one endpoint, and believes none of it before it leads to the head.

use std::collections::VecDeque;

use governance::{
    anchor::{self, OnChainId},
    log::{BlockRef, Revision},
};

use super::Quorum;
use crate::{
    AnchorHead, ChainError, Endpoint, Finality, Header as _, Inconsistent, Misdeed, Position,
};

/// Most questions about events in one call, so that a call ends in bounded time.
const SPANS_MAX: usize = 16;
/// Payload bytes that are held until they are proved. A longer history is chained to its end all
/// the same, and the rest of it read again afterwards.
const HELD_BYTES_MAX: usize = 16 << 20;
/// A history on its way.
#[derive(Debug)]
pub(super) struct Scan {
    /// What is known already: the first of `held` comes right after it.
    base: Position,
    /// How far the chain of hashes was computed.
    at: Position,
    held: VecDeque<Revision>,
    held_bytes: usize,
    /// Whether `held` is known to be the beginning of what leads to the head.
    is_proved: bool,
    /// Which endpoint tells it.
    pub(super) source: Option<usize>,
}

impl Scan {
    pub(super) const fn new(after: Position) -> Self {
        Self {
            base: after,
            at: after,
            held: VecDeque::new(),
            held_bytes: 0,
            is_proved: false,
            source: None,
        }
    }

    pub(super) fn begins_at(&self, after: &Position) -> bool {
        (self.base.rev, self.base.log_head) == (after.rev, after.log_head)
    }

    /// Whether it has something to give, or came some way. What was proved about the newest block
    /// is not kept: the chain may take it back.
    pub(super) fn is_worth_keeping(&self, finality: Finality) -> bool {
        if self.is_proved {
            return !self.held.is_empty() && finality != Finality::Latest;
        }
        self.at.height > self.base.height
    }

    /// The first `max` revisions, if they are proved.
    pub(super) fn give(&mut self, max: usize) -> Vec<Revision> {
        if !self.is_proved {
            return Vec::new();
        }
        let count = self.held.len().min(max);
        let given: Vec<Revision> = self.held.drain(..count).collect();
        if let Some(last) = given.last() {
            self.base = Position::after(last);
        }
        given
    }

    fn take(&mut self, revision: Revision) -> Result<(), Inconsistent> {
        let expected = self.at.rev.saturating_add(1);
        if revision.rev != expected {
            return Err(Inconsistent::Gap { expected, found: revision.rev });
        }
        let Revision { rev, kind, payload, log_head, block } = &revision;
        let chained = anchor::log_head(&self.at.log_head, *rev, *kind, payload);
        if chained != *log_head || block.height < self.at.height {
            return Err(Inconsistent::Altered { rev: *rev });
        }
        self.at = Position::after(&revision);
        let is_held = self.held.back().map_or(self.base.rev, |last| last.rev) == rev - 1;
        let bytes = self.held_bytes.saturating_add(payload.len());
        if is_held && bytes <= HELD_BYTES_MAX {
            self.held_bytes = bytes;
            self.held.push_back(revision);
        }
        Ok(())
    }

    /// Whether the head is reached.
    fn reaches(&self, head: &AnchorHead) -> Result<bool, Inconsistent> {
        let rev = self.at.rev;
        if rev < head.head.rev {
            return Ok(false);
        }
        let is_same = rev == head.head.rev && self.at.log_head == head.log_head;
        if is_same { Ok(true) } else { Err(Inconsistent::OtherHead { rev }) }
    }
}

/// Why an endpoint does not tell a history.
enum Stopped {
    /// It contradicts itself, or the head.
    Lied(Inconsistent),
    Failed(ChainError),
}

impl<E: Endpoint> Quorum<E> {
    /// Goes on with `scan` towards `head`; asks the next endpoint, from the beginning, where one
    /// fails or lies.
    pub(super) async fn scan(
        &self,
        context: &OnChainId,
        scan: &mut Scan,
        head: &AnchorHead,
        span_blocks: u64,
        finality: Finality,
    ) -> Result<(), ChainError> {
        if scan.is_proved && !scan.held.is_empty() {
            return Ok(());
        }
        let mut order = self.blame.in_order(self.endpoints.len());
        if let Some(source) = scan.source {
            order.retain(|index| *index != source);
            order.insert(0, source);
        }
        let mut failure = None;
        let mut order = VecDeque::from(order);
        while let Some(index) = order.pop_front() {
            let is_resumed = scan.source == Some(index);
            if !is_resumed {
                *scan = Scan { source: Some(index), ..Scan::new(scan.base) };
            }
            let stopped = match self.scan_one(context, scan, head, span_blocks, index).await {
                Ok(()) => return Ok(()),
                Err(stopped) => stopped,
            };
            scan.source = None;
            // The chain may have taken blocks back since the last call: once more, from the start.
            if is_resumed && finality == Finality::Latest {
                order.push_front(index);
                continue;
            }
            let error = match stopped {
                Stopped::Lied(source) => {
                    self.blame_events(index, &head.block, &source, finality).await;
                    ChainError::Inconsistent { context: *context, source }
                }
                Stopped::Failed(error) => {
                    self.blame.error(self.endpoints[index].name(), index, &error);
                    error
                }
            };
            failure.get_or_insert(error);
        }
        *scan = Scan::new(scan.base);
        Err(failure.expect("a quorum has an endpoint"))
    }

    async fn scan_one(
        &self,
        context: &OnChainId,
        scan: &mut Scan,
        head: &AnchorHead,
        span_blocks: u64,
        index: usize,
    ) -> Result<(), Stopped> {
        let last = head.block.height;
        let mut span_blocks = span_blocks.max(1);
        // At most SPANS_MAX turns.
        for _ in 0..SPANS_MAX {
            let from = scan.at.height;
            if from > last {
                let (head, found) = (head.head.rev, scan.at.rev);
                return Err(Stopped::Lied(Inconsistent::Omitted { head, found }));
            }
            let to = last.min(from.saturating_add(span_blocks.saturating_sub(1)));
            let told = match self.endpoints[index].revisions(context, scan.at.rev, from..=to).await
            {
                Ok(told) => told,
                // Endpoints have limits of their own, and say so each in its own words.
                Err(ChainError::EndpointRefused { .. }) if span_blocks > 1 => {
                    span_blocks = span_blocks.div_ceil(4);
                    continue;
                }
                Err(error) => return Err(Stopped::Failed(error)),
            };
            for revision in told {
                if !(from..=to).contains(&revision.block.height) {
                    return Err(Stopped::Lied(Inconsistent::Altered { rev: revision.rev }));
                }
                scan.take(revision).map_err(Stopped::Lied)?;
            }
            if scan.reaches(head).map_err(Stopped::Lied)? {
                scan.is_proved = true;
                return Ok(());
            }
            scan.at.height = to.saturating_add(1);
        }
        Ok(())
    }

    /// Names an endpoint whose events do not lead to the head; not if the chain was reorganised
    /// between the two questions.
    pub(super) async fn blame_events(
        &self,
        index: usize,
        head: &BlockRef,
        source: &Inconsistent,
        finality: Finality,
    ) {
        let endpoint = &self.endpoints[index];
        if finality == Finality::Latest {
            let now = endpoint.header(head.height).await;
            let is_same = now.is_ok_and(|now| now.is_some_and(|now| now.block() == *head));
            if !is_same {
                return;
            }
        }
        let misdeed = Misdeed::WrongEvents { why: source.to_string() };
        self.blame.note(endpoint.name(), Some(index), misdeed);
    }
}
