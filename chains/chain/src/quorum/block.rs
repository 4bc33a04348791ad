//! Which block is read.

use governance::log::BlockRef;

use super::{Agreed, Quorum};
use crate::{ChainError, Consensus, Endpoint, Finality, Header as _, Misdeed, Vouched};

/// How far below the newest block a fork is looked past.
const FORK_BLOCKS_MAX: u64 = 3;

/// An endpoint, and what it says is its newest block.
pub(super) type Tip<H> = (usize, Option<H>);

impl<E: Endpoint> Quorum<E> {
    /// The newest block of `finality` that enough endpoints have; `None` if too few have any.
    ///
    /// # Errors
    /// [`ChainError::Disagreement`] if too few give the same; the endpoint's own error if there is
    /// but one, or none answers.
    pub async fn block(&self, finality: Finality) -> Result<Option<Agreed<E::Header>>, ChainError> {
        match &self.consensus {
            Some(consensus) if finality != Finality::Latest => self.consented(&**consensus).await,
            _ => self.witnessed(finality).await,
        }
    }

    async fn consented(
        &self,
        consensus: &dyn Consensus,
    ) -> Result<Option<Agreed<E::Header>>, ChainError> {
        let found = consensus.finalized().await;
        let block = found.inspect_err(|error| self.blame.consensus(consensus.name(), error))?;
        let Some(block) = block else { return Ok(None) };
        let mut failure = None;
        for index in self.blame.in_order(self.endpoints.len()) {
            match self.endpoints[index].header(block.height).await {
                Ok(Some(header)) if header.block().hash == block.hash => {
                    return Ok(Some(Agreed { header, vouched: Vouched::Consensus }));
                }
                Ok(other) => self.blame_block(index, block.height, other.as_ref()),
                Err(error) => {
                    self.blame.error(self.endpoints[index].name(), index, &error);
                    failure.get_or_insert(error);
                }
            }
        }
        Err(failure.unwrap_or_else(|| self.disagreement("the final block", 0)))
    }

    async fn witnessed(&self, finality: Finality) -> Result<Option<Agreed<E::Header>>, ChainError> {
        let mut tips: Vec<Tip<E::Header>> = Vec::with_capacity(self.endpoints.len());
        let mut failure = None;
        for (index, answer) in self.ask_all(|endpoint| endpoint.tip(finality)).await {
            match answer {
                Ok(tip) => tips.push((index, tip)),
                Err(error) => drop(failure.get_or_insert(error)),
            }
        }
        let needed = self.needed.get();
        match failure {
            Some(error) if tips.is_empty() => return Err(error),
            _ if tips.len() < needed => return Err(self.disagreement("the block", tips.len())),
            _ => {}
        }
        let mut heights: Vec<u64> = tips.iter().filter_map(height).collect();
        heights.sort_unstable_by(|one, other| other.cmp(one));
        // The highest that enough endpoints claim to have.
        let Some(height) = heights.get(needed - 1).copied() else { return Ok(None) };
        let lowest = match finality {
            Finality::Latest => height.saturating_sub(FORK_BLOCKS_MAX),
            Finality::Safe | Finality::Final => height,
        };
        let mut agreeing = 0;
        for height in (lowest..=height).rev() {
            match self.agree_at(height, &tips, finality).await {
                Ok(agreed) => {
                    self.blame_old(&tips, &agreed);
                    return Ok(Some(agreed));
                }
                Err(most) => agreeing = agreeing.max(most),
            }
        }
        Err(self.disagreement("the block", agreeing))
    }

    /// The header that enough endpoints give at `height`; else how many agree at most.
    pub(super) async fn agree_at(
        &self,
        height: u64,
        tips: &[Tip<E::Header>],
        finality: Finality,
    ) -> Result<Agreed<E::Header>, usize> {
        let known = tips.iter().filter_map(|(index, tip)| Some((*index, tip.clone()?)));
        let known: Vec<(usize, E::Header)> =
            known.filter(|(_, tip)| tip.block().height >= height).collect();
        let asked = known.into_iter().map(|(index, tip)| async move {
            if tip.block().height == height {
                return (index, Ok(Some(tip)));
            }
            (index, self.endpoints[index].header(height).await)
        });
        let mut headers: Vec<(usize, E::Header)> = Vec::new();
        for (index, answer) in futures::future::join_all(asked).await {
            match answer {
                Ok(Some(header)) if header.block().height == height => {
                    headers.push((index, header));
                }
                Ok(other) => self.blame_block(index, height, other.as_ref()),
                Err(error) => self.blame.error(self.endpoints[index].name(), index, &error),
            }
        }
        let agreeing = |header: &E::Header| {
            let same = |other: &&(usize, E::Header)| other.1.block().hash == header.block().hash;
            headers.iter().filter(same).count()
        };
        let best = headers.iter().max_by_key(|(_, header)| agreeing(header));
        let Some((_, header)) = best else { return Err(0) };
        let (agreeing, of) = (agreeing(header), self.endpoints.len());
        let is_settled = agreeing >= self.needed.get();
        // Forks near the newest block are nobody's fault.
        if finality != Finality::Latest || is_settled {
            let hash = header.block().hash;
            let is_other =
                |(_, other): &&(usize, E::Header)| other.block().hash != hash || !is_settled;
            for (index, other) in headers.iter().filter(is_other) {
                self.blame_block(*index, height, Some(other));
            }
        }
        if !is_settled {
            return Err(agreeing);
        }
        let vouched = Vouched::Endpoints { agreeing, of };
        Ok(Agreed { header: header.clone(), vouched })
    }

    pub(super) fn blame_block(&self, index: usize, height: u64, header: Option<&E::Header>) {
        let misdeed = match header.map(E::Header::block) {
            Some(BlockRef { hash, .. }) => Misdeed::OtherBlock { height, hash },
            None => Misdeed::OldHead { height },
        };
        self.blame.note(self.endpoints[index].name(), Some(index), misdeed);
    }

    /// Names those whose newest block is much older than what was agreed; where all must agree,
    /// than the newest of any.
    fn blame_old(&self, tips: &[Tip<E::Header>], agreed: &Agreed<E::Header>) {
        let times = tips.iter().filter_map(|(_, tip)| Some(tip.as_ref()?.block().time_s));
        let newest_s = if self.needed.get() == self.endpoints.len() {
            times.max().unwrap_or_default()
        } else {
            agreed.header.block().time_s
        };
        for (index, tip) in tips {
            let Some(block) = tip.as_ref().map(E::Header::block) else { continue };
            if newest_s.saturating_sub(block.time_s) > self.lag_max.as_secs() {
                let misdeed = Misdeed::OldHead { height: block.height };
                self.blame.note(self.endpoints[*index].name(), Some(*index), misdeed);
            }
        }
    }
}

fn height<H: crate::Header>((_, tip): &Tip<H>) -> Option<u64> {
    tip.as_ref().map(|header| header.block().height)
}
