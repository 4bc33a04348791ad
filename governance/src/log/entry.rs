//! One entry of the log: a batch or an act of the chain, with its place in the order.

use borsh::{BorshDeserialize, BorshSerialize};
use types::{ContextId, EntryId, Hash, MemberSecret, Signature, Tagged};

use crate::log::{Acl, Batch, Envelopes, Proposal, Revision, SignedBatch};

/// One entry; entries number the epochs. Epoch 0 is the genesis.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Entry {
    /// Its number.
    pub epoch: u64,
    /// The entry before; [`Acl::genesis_entry`] for the first.
    pub prev: EntryId,
    /// Who put it here.
    pub order: Order,
    /// The change, unless the chain says it all.
    pub batch: Option<SignedBatch>,
    /// The keys it hands out; present if there are any. Not part of the id: the batch commits to
    /// them.
    pub envelopes: Option<Envelopes>,
}

/// Why an entry stands where it stands.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Order {
    /// The owner says so.
    Owner {
        /// The owner's clock, in Unix seconds; never less than in the entry before.
        time_s: u64,
        /// By the owner over the [`OwnerOrder`].
        signature: Signature,
    },
    /// A contract's record says so.
    Chain(Revision),
}

/// What an owner signs to order a batch.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct OwnerOrder {
    /// Where.
    pub context: ContextId,
    /// As which entry.
    pub epoch: u64,
    /// After which.
    pub prev: EntryId,
    /// When, in Unix seconds.
    pub time_s: u64,
    /// Digest of the batch.
    pub batch: Hash,
}

/// What an [`EntryId`] is the digest of. Signatures are left out, so that a second signature makes
/// no second id.
#[derive(BorshSerialize)]
struct EntryBody<'a> {
    context: ContextId,
    epoch: u64,
    prev: EntryId,
    order: OrderBody<'a>,
    batch: Option<Hash>,
}

#[derive(BorshSerialize)]
enum OrderBody<'a> {
    Owner { time_s: u64 },
    Chain(&'a Revision),
}

impl Entry {
    /// The entry that puts `proposal` next in the log of `acl`, by the owner whose secret this is.
    ///
    /// Takes the log's own time if `time_s` (Unix seconds) lies before it. Checks nothing:
    /// [`Acl::apply`] does.
    pub fn ordered_by_owner(
        acl: &Acl,
        proposal: Proposal,
        time_s: u64,
        owner: &MemberSecret,
    ) -> Self {
        let Batch { context, prev, epoch, .. } = proposal.batch.body;
        let time_s = time_s.max(acl.time_s());
        let batch = proposal.batch.digest();
        let signature = owner.sign(&OwnerOrder { context, epoch, prev, time_s, batch });
        Self {
            epoch,
            prev,
            order: Order::Owner { time_s, signature },
            batch: Some(proposal.batch),
            envelopes: Some(proposal.envelopes),
        }
    }

    /// The entry that `revision` makes next in the log of `acl`; `proposal` is the body that a
    /// members revision commits to. Checks nothing: [`Acl::apply`] does.
    pub fn ordered_by_chain(acl: &Acl, revision: Revision, proposal: Option<Proposal>) -> Self {
        let (batch, envelopes) =
            proposal.map(|proposal| (proposal.batch, proposal.envelopes)).unzip();
        let order = Order::Chain(revision);
        Self { epoch: acl.epoch().saturating_add(1), prev: acl.head(), order, batch, envelopes }
    }

    /// Its name in the log of `context`.
    pub fn id(&self, context: ContextId) -> EntryId {
        let order = match &self.order {
            Order::Owner { time_s, .. } => OrderBody::Owner { time_s: *time_s },
            Order::Chain(revision) => OrderBody::Chain(revision),
        };
        let batch = self.batch.as_ref().map(SignedBatch::digest);
        EntryBody { context, epoch: self.epoch, prev: self.prev, order, batch }.digest().into()
    }
}

impl Tagged for OwnerOrder {
    const TAG: &'static str = "anchorhold/owner-order/1";
}

impl Tagged for EntryBody<'_> {
    const TAG: &'static str = "anchorhold/entry/1";
}
