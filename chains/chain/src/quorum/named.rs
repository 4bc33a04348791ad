//! A block that somebody names by height and hash.

use super::{Agreed, Quorum};
use crate::{BlockId, ChainError, Endpoint, Finality, Header as _, Vouched};

/// What became of a block that is named.
#[derive(Clone, Debug)]
pub enum Named<H> {
    /// It is final.
    Final(Agreed<H>),
    /// The chain has not come to that height, as far as is final.
    Ahead,
    /// The chain has another block there.
    Elsewhere,
}

/// Two answers are the same if they are about the same block.
struct ByHash<H>(Option<H>);

impl<H: crate::Header> PartialEq for ByHash<H> {
    fn eq(&self, other: &Self) -> bool {
        let hash = |header: &Option<H>| header.as_ref().map(|header| header.block().hash);
        hash(&self.0) == hash(&other.0)
    }
}

impl<E: Endpoint> Quorum<E> {
    /// Whether the chain has the block `id`, and it is final.
    ///
    /// # Errors
    /// As for [`Quorum::head`]; [`ChainError::NothingFinal`] if nothing is.
    pub async fn named(&self, id: BlockId) -> Result<Named<E::Header>, ChainError> {
        let newest = self.block(Finality::Final).await?.ok_or(ChainError::NothingFinal)?;
        let block = newest.header.block();
        if id.height > block.height {
            return Ok(Named::Ahead);
        }
        if id.height == block.height {
            let is_it = id.hash == block.hash;
            return Ok(if is_it { Named::Final(newest) } else { Named::Elsewhere });
        }
        let height = id.height;
        let (ByHash(header), agreeing) = self
            .agree("the block", |endpoint| {
                Box::pin(async move { endpoint.header(height).await.map(ByHash) })
            })
            .await?;
        let of = self.endpoints().len();
        let vouched = Vouched::Endpoints { agreeing, of };
        Ok(match header {
            Some(header) if header.block().hash == id.hash && header.block().height == height => {
                Named::Final(Agreed { header, vouched })
            }
            Some(_) => Named::Elsewhere,
            // Endpoints forget old blocks; that says nothing about the chain.
            None => Named::Ahead,
        })
    }
}
