//! A light client: what is final, on the word of block producers with two thirds of the stake.
//!
//! It starts from a block that its operator trusts, and needs at least one block of every epoch
//! after (7 to 12 hours), each of which names the next epoch's producers. Source: nomicon, "Light
//! Client".

use super::{
    block::{Block, Header, InnerLite},
    producers::{Producer, Producers, next_bp_hash},
};
use crate::wire::CryptoHash;

/// Why a block is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// It is not above the head.
    #[error("its height is not above the head's")]
    Height,
    /// It is neither of the head's epoch nor of the next one.
    #[error("it is of an epoch that the head does not know")]
    Epoch,
    /// It begins an epoch, and does not name the next one's producers.
    #[error("it does not name the next epoch's block producers")]
    NoProducers,
    /// The producers are not those that the block commits to, or more than there may be.
    #[error("the block producers are not those that the block names")]
    OtherProducers,
    /// An approval is not the producer's.
    #[error("an approval is not signed by its block producer")]
    Signature,
    /// Those who approved it have at most two thirds of the stake.
    #[error("{approved} of a stake of {total} approved it, not more than two thirds")]
    TooLittle {
        /// Of those who approved, in yoctoNEAR.
        approved: u128,
        /// Of all.
        total: u128,
    },
}

/// How much stake stands behind a block, in yoctoNEAR.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stake {
    /// Of those who approved it.
    pub approved: u128,
    /// Of all.
    pub total: u128,
}

/// A light client of one network.
#[derive(Clone, Debug)]
pub struct LightClient {
    head: Header,
    hash: CryptoHash,
    /// Of the head's epoch; not known before the first step into an epoch.
    current: Option<Producers>,
    /// Of the epoch after; checked against what the head commits to.
    next: Vec<Producer>,
}

impl LightClient {
    /// Begins at `head`, which the operator trusts; `next` are the producers of the epoch after,
    /// from anybody.
    ///
    /// Follows from the next epoch on: nothing in a block says who produces its own.
    ///
    /// # Errors
    /// [`Refused::OtherProducers`] if `next` are not those that `head` commits to.
    pub fn start(head: Header, next: Vec<Producer>) -> Result<Self, Refused> {
        check_producers(&head.inner, &next)?;
        Ok(Self { hash: head.hash(), head, current: None, next })
    }

    /// Takes a block in.
    ///
    /// # Errors
    /// [`Refused`]; the client is then as before.
    pub fn advance(&mut self, block: Block) -> Result<Stake, Refused> {
        let epoch = block.header.inner.epoch_id;
        let hash = block.header.hash();
        let current = self.current.as_ref().filter(|_| epoch == self.head.inner.epoch_id);
        let stake = if let Some(producers) = current {
            check(&self.head.inner, producers, &block, &hash)?
        } else if epoch == self.head.inner.next_epoch_id {
            check_order(&self.head.inner, &block)?;
            let producers = Producers::new(&self.next, self.current.as_ref());
            let producers = producers.ok_or(Refused::OtherProducers)?;
            let stake = check(&self.head.inner, &producers, &block, &hash)?;
            self.current = Some(producers);
            stake
        } else {
            return Err(Refused::Epoch);
        };
        if let Some(next) = block.next_producers {
            self.next = next;
        }
        (self.head, self.hash) = (block.header, hash);
        Ok(stake)
    }

    /// Whether it knows who produces the head's epoch, and so can follow within it.
    pub const fn knows_epoch(&self) -> bool {
        self.current.is_some()
    }

    /// The newest block that is known to be final.
    pub const fn head(&self) -> &Header {
        &self.head
    }

    /// Its hash.
    pub const fn hash(&self) -> &CryptoHash {
        &self.hash
    }
}

/// Whether `block`, whose hash is `hash`, follows `head`; `producers` are those of its epoch.
pub(super) fn check(
    head: &InnerLite,
    producers: &Producers,
    block: &Block,
    hash: &CryptoHash,
) -> Result<Stake, Refused> {
    check_order(head, block)?;
    if let Some(next) = &block.next_producers {
        check_producers(&block.header.inner, next)?;
    }
    let message = block.approval_message(hash).ok_or(Refused::Height)?;
    let approved = producers.approved(&block.approvals, &message).ok_or(Refused::Signature)?;
    let total = producers.total();
    // approved · 3 > total · 2, written so that it fits: approved > 2 · missing.
    let missing = total.saturating_sub(approved);
    let is_enough = approved.checked_sub(missing).is_some_and(|rest| rest > missing);
    if is_enough {
        Ok(Stake { approved, total })
    } else {
        Err(Refused::TooLittle { approved, total })
    }
}

/// What costs nothing to check.
fn check_order(head: &InnerLite, block: &Block) -> Result<(), Refused> {
    let inner = &block.header.inner;
    if inner.height <= head.height {
        return Err(Refused::Height);
    }
    let begins_epoch = inner.epoch_id == head.next_epoch_id;
    if inner.epoch_id != head.epoch_id && !begins_epoch {
        return Err(Refused::Epoch);
    }
    if begins_epoch && block.next_producers.is_none() {
        return Err(Refused::NoProducers);
    }
    Ok(())
}

fn check_producers(inner: &InnerLite, next: &[Producer]) -> Result<(), Refused> {
    let is_bounded = next.len() <= super::producers::PRODUCERS_MAX;
    let is_same = is_bounded && next_bp_hash(next) == inner.next_bp_hash;
    if is_same { Ok(()) } else { Err(Refused::OtherProducers) }
}

#[cfg(test)]
mod tests;
