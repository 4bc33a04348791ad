//! When a revision happened: checks that it stands in the block that was told for it.
//!
//! What revisions say is proved by then. When they were said decides about expiries, and stands in
//! every node's log, so that it must be the same for all.

use std::collections::BTreeMap;

use futures::future::join_all;
use governance::{anchor::OnChainId, log::Revision};

use super::{Agreed, Asked, Quorum};
use crate::{ChainError, Endpoint, Finality, Header as _, Misdeed, Vouched};

/// Blocks that are asked for at the same time.
const BLOCKS_AT_ONCE: usize = 16;
/// How far back blocks are followed from parent to parent under a block that consensus made final.
/// A node that follows its chain asks for some hundred; older ones are agreed on by endpoints.
const ANCESTORS_MAX: u64 = 1_024;

impl<E: Endpoint> Quorum<E> {
    /// The first of `revisions` that is not in its block.
    ///
    /// A single endpoint that need agree with nobody said both, so that there is nothing to
    /// compare.
    pub(super) async fn misplaced(
        &self,
        context: &OnChainId,
        revisions: &[Revision],
        agreed: &Agreed<E::Header>,
    ) -> Result<Option<u64>, ChainError> {
        let is_consented = agreed.vouched == Vouched::Consensus;
        if revisions.is_empty() || (self.needed.get() == 1 && !is_consented) {
            return Ok(None);
        }
        let newest = agreed.header.block().height;
        let lowest = revisions.iter().map(|revision| revision.block.height).min().unwrap_or(newest);
        let is_near = newest.saturating_sub(lowest) <= ANCESTORS_MAX;
        let ancestors = if is_consented && is_near {
            self.ancestors(&agreed.header, lowest).await?
        } else {
            BTreeMap::new()
        };
        let blocks: Vec<&[Revision]> =
            revisions.chunk_by(|one, other| one.block == other.block).collect();
        for some in blocks.chunks(BLOCKS_AT_ONCE) {
            let mut checks: Vec<Asked<'_, bool>> = Vec::with_capacity(some.len());
            for same in some {
                checks.push(Box::pin(self.is_in_its_block(
                    context,
                    same,
                    agreed.vouched,
                    &ancestors,
                )));
            }
            for (same, is_there) in some.iter().zip(join_all(checks).await) {
                if !is_there? {
                    return Ok(same.first().map(|revision| revision.rev));
                }
            }
        }
        Ok(None)
    }

    /// Whether `revisions`, all of one block, are in it: as enough endpoints tell, or as is proved
    /// where they do not tell the same, or where consensus need take nobody's word.
    async fn is_in_its_block(
        &self,
        context: &OnChainId,
        revisions: &[Revision],
        vouched: Vouched,
        ancestors: &BTreeMap<u64, E::Header>,
    ) -> Result<bool, ChainError> {
        if vouched != Vouched::Consensus
            && let Ok(is_there) = self.is_told(context, revisions).await
        {
            return Ok(is_there);
        }
        let Some(block) = revisions.first().map(|revision| revision.block) else { return Ok(true) };
        let header = match ancestors.get(&block.height) {
            Some(header) => header.clone(),
            None => self.witnessed_at(block.height).await?,
        };
        if header.block() != block {
            return Ok(false);
        }
        let proved = self.any(|endpoint| endpoint.has_revisions(context, &header, revisions));
        match proved.await {
            Ok(is_there) => Ok(is_there),
            // Whoever made a proof up is no witness either.
            Err(lied @ ChainError::Lied { .. }) => Err(lied),
            // Nobody has the proof.
            Err(_) => self.is_told(context, revisions).await,
        }
    }

    async fn is_told(
        &self,
        context: &OnChainId,
        revisions: &[Revision],
    ) -> Result<bool, ChainError> {
        let Some(first) = revisions.first() else { return Ok(true) };
        let (after, height) = (first.rev.saturating_sub(1), first.block.height);
        let told = self.agree("the events of a block", |endpoint| {
            endpoint.revisions(context, after, height..=height)
        });
        let (told, _) = told.await?;
        Ok(revisions.iter().all(|revision| told.contains(revision)))
    }

    /// The header at `height` that enough endpoints give.
    async fn witnessed_at(&self, height: u64) -> Result<E::Header, ChainError> {
        let asked = self.ask_all(move |endpoint| endpoint.header(height)).await;
        let told = asked.into_iter().filter_map(|(index, answer)| Some((index, answer.ok()?)));
        let told: Vec<_> = told.collect();
        let agreed = self.agree_at(height, &told, Finality::Final).await;
        agreed
            .map(|agreed| agreed.header)
            .map_err(|agreeing| self.disagreement("the block of a revision", agreeing))
    }

    /// The headers from `lowest` up to below `header`, each the parent of the one above.
    async fn ancestors(
        &self,
        header: &E::Header,
        lowest: u64,
    ) -> Result<BTreeMap<u64, E::Header>, ChainError> {
        let mut failure = None;
        for index in self.blame.in_order(self.endpoints.len()) {
            match self.ancestors_by(index, header, lowest).await {
                Ok(Some(found)) => return Ok(found),
                Ok(None) => {}
                Err(error) => {
                    self.blame.error(self.endpoints[index].name(), index, &error);
                    failure.get_or_insert(error);
                }
            }
        }
        Err(failure.unwrap_or_else(|| self.disagreement("the block of a revision", 0)))
    }

    /// As [`Quorum::ancestors`], by one endpoint; `None` if it does not tell them, and is named.
    async fn ancestors_by(
        &self,
        index: usize,
        header: &E::Header,
        lowest: u64,
    ) -> Result<Option<BTreeMap<u64, E::Header>>, ChainError> {
        let endpoint = &self.endpoints[index];
        let mut found = BTreeMap::from([(header.block().height, header.clone())]);
        let (mut wanted, mut height) = (header.parent(), header.block().height);
        // At most ANCESTORS_MAX headers.
        while height > lowest {
            let from = lowest.max(height.saturating_sub(BLOCKS_AT_ONCE as u64));
            let asked = (from..height).rev().map(|height| endpoint.header(height));
            for answer in join_all(asked).await {
                height = height.saturating_sub(1);
                match answer? {
                    Some(header) if header.block().hash == wanted => {
                        wanted = header.parent();
                        found.insert(height, header);
                    }
                    // Some chains leave heights out. Who hides a block is found out at the next.
                    None => {}
                    Some(other) => {
                        self.blame_block(index, height, Some(&other));
                        return Ok(None);
                    }
                }
            }
        }
        Ok(Some(found))
    }

    /// Names the endpoint that told where a revision is.
    pub(super) fn blame_place(&self, index: usize, rev: u64) {
        let why = format!("revision {rev} is not in the block that it told");
        let misdeed = Misdeed::WrongEvents { why };
        self.blame.note(self.endpoints[index].name(), Some(index), misdeed);
    }
}
