//! Open proposals, as a node of the subnet tells them, where a record is proved to stand.

use chain::{Beside, ChainError, OpenProposal, Quorum};
use governance::anchor::OnChainId;

use crate::{
    endpoint::{Anchored, Node},
    wire,
};

/// The open proposals of a record, in the order of their numbers.
///
/// The registry certifies no proposals: one node of the subnet signs what it tells, and so many
/// endpoints as must agree tell the same. Whoever approves one names its batch's hash, which the
/// registry compares.
pub(crate) async fn read(
    quorum: &Quorum<Node>,
    context: &OnChainId,
) -> Result<Vec<OpenProposal>, ChainError> {
    if quorum.needed() == 1 {
        return quorum.any(|node| Box::pin(node.proposals(context))).await;
    }
    let told = quorum.agree("open proposals", |node| Box::pin(node.proposals(context)));
    Ok(told.await?.0)
}

impl Node {
    async fn proposals(&self, context: &OnChainId) -> Result<Vec<OpenProposal>, ChainError> {
        const METHOD: &str = wire::PROPOSALS;
        let answer = self.signed_query(METHOD, wire::proposals_args(context)).await?;
        let told = wire::proposals_answer(&answer);
        let (proof, mut open) = told.map_err(|error| self.nonsense(METHOD, error))?;
        let stand = self.proved(METHOD, context, &proof).await?;
        let Some(Anchored { head, .. }) = stand.record else { return Ok(Vec::new()) };
        if open.iter().any(|one| one.seq > head.seq) {
            return Err(self.lied(METHOD, "a proposal that was not made yet"));
        }
        // As many must approve as when it was made, or as must now.
        open.iter_mut().for_each(|one| one.needed = one.needed.max(head.threshold));
        open.sort_by_key(|one| one.seq);
        Ok(open)
    }

    /// What is told to stand beside a record that is proved to be there; `None` for no record.
    pub(crate) async fn beside(&self, context: &OnChainId) -> Result<Option<Beside>, ChainError> {
        const METHOD: &str = wire::RECORD;
        let answer = self.signed_query(METHOD, wire::record_args(context)).await?;
        let told = wire::record_answer(&answer);
        let (proof, beside) = told.map_err(|error| self.nonsense(METHOD, error))?;
        let stand = self.proved(METHOD, context, &proof).await?;
        if stand.record.is_some() == beside.is_some() {
            Ok(beside)
        } else {
            Err(self.lied(METHOD, "a record that is certified otherwise"))
        }
    }
}
