//! The ACL log: who may do what in one context, as an ordered, hash-linked list of entries.

mod acl;
mod bounded;
mod change;
mod entry;
mod genesis;
mod invitation;
mod proposal;
mod revision;
mod role;
mod verdict;

pub use acl::{Acl, Applied, Member, RootChange};

pub use change::{
    Acceptance, Admission, Batch, CHANGES_MAX, Change, Cut, Envelopes, MEMBERS_MAX,
    OwnershipAcceptance, Renunciation, SignedBatch,
};
pub use entry::{Entry, Order, OwnerOrder};
pub use genesis::{
    Anchor, ExchangeProof, Finality, Genesis, MemberRecord, Policy, Sequencer, SignedGenesis,
};
pub use invitation::{
    Answer, Binding, Claim, ClaimBody, Invitation, Invitee, NoWallets, SignedInvitation, USES_MAX,
    WalletProof, WalletVerifier,
};
pub use proposal::{Intent, Proposal, Secrets};
pub use revision::{BlockRef, Revision};
pub use role::{Caps, Role};
pub use verdict::{Action, Denied, Missing, Proof, Verdict};

#[cfg(test)]
mod tests;
