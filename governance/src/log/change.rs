//! What a batch does to the log's state.

use alloc::{boxed::Box, vec::Vec};

use borsh::{BorshDeserialize, BorshSerialize};
use types::{
    AccountId, AppId, ContextId, DeltaId, EntryId, Hash, InvitationId, MemberKey, Signature,
    Signed, Tagged, keccak256, seal::Envelope,
};

use crate::log::{Caps, Claim, MemberRecord, Role, SignedInvitation, bounded};

/// Changes in one batch at most: bounds the work of one entry.
pub const CHANGES_MAX: usize = 256;

/// Members of one context at most: the envelopes of a rotation (112 bytes each) stay far below
/// the 8 MiB of one message.
pub const MEMBERS_MAX: usize = 10_000;

/// One change of who may do what.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Change {
    /// Makes somebody a member. By who may invite.
    Add {
        /// The new member's keys.
        member: MemberRecord,
        /// At most [`Role::Member`].
        role: Role,
        /// Capabilities on top.
        caps: Caps,
        /// Its account, if it has one.
        account: Option<AccountId>,
        /// Why it may join; every node checks the evidence.
        admission: Admission,
    },
    /// Ends a membership for good: the key never returns. By an admin; never one's own, because
    /// who stays must make the next key.
    Remove {
        /// Who.
        member: MemberKey,
    },
    /// Moves a member to [`Role::ReadOnly`] or [`Role::Member`], from above too. By an admin.
    SetRole {
        /// Who.
        member: MemberKey,
        /// The role from here on.
        role: Role,
    },
    /// Replaces a member's capabilities. By an admin.
    SetCaps {
        /// Whose.
        member: MemberKey,
        /// The capabilities from here on.
        caps: Caps,
    },
    /// Offers a member to become an admin. By an admin; with a chain the contract does it.
    Nominate {
        /// Whom.
        member: MemberKey,
        /// The last epoch at which it may accept.
        expires_epoch: u64,
    },
    /// Makes the nominated an admin. With a chain the contract does it.
    Accept {
        /// Who.
        member: MemberKey,
        /// By `member` over its [`Acceptance`].
        proof: Signature,
    },
    /// Makes an admin a member again, at its own will. With a chain the contract does it.
    Renounce {
        /// Who.
        member: MemberKey,
        /// By `member` over its [`Renunciation`].
        proof: Signature,
    },
    /// Ends an invitation. An admin ends any; another inviter ends its own.
    RevokeInvitation {
        /// Which.
        invitation: InvitationId,
    },
    /// Replaces the application. With a chain the contract does it.
    SetApplication {
        /// By what.
        app: AppId,
    },
    /// Offers the ownership to a member. By the owner; replaces an earlier offer.
    OfferOwnership {
        /// Whom.
        to: MemberKey,
    },
    /// Makes whom the ownership was offered the owner, and the owner an admin.
    AcceptOwnership {
        /// By the new owner over its [`OwnershipAcceptance`].
        proof: Signature,
    },
}

/// Why somebody may join.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Admission {
    /// By an invitation.
    Invited {
        /// The inviter's half.
        invitation: Box<SignedInvitation>,
        /// The joiner's half.
        claim: Box<Claim>,
    },
}

/// A position in a member's chain of deltas, up to which they count.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
pub struct Cut {
    /// Whose chain.
    pub member: MemberKey,
    /// The last delta that counts; 0 if none does.
    pub seq: u64,
    /// Its id; all zero if `seq` is 0.
    pub id: DeltaId,
}

/// What one member proposes to change, all or nothing.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Batch {
    /// Where.
    pub context: ContextId,
    /// The entry that the author saw last; the batch is judged on the state after it.
    pub prev: EntryId,
    /// One more than the epoch of `prev`.
    pub epoch: u64,
    /// In order, 1 to [`CHANGES_MAX`].
    #[borsh(deserialize_with = "bounded::list::<Change, _, CHANGES_MAX>")]
    pub changes: Vec<Change>,
    /// One for each member that loses the right to write, ascending by member.
    #[borsh(deserialize_with = "bounded::list::<Cut, _, CHANGES_MAX>")]
    pub cuts: Vec<Cut>,
    /// Positions below which no later cut may fall, ascending by member.
    #[borsh(deserialize_with = "bounded::list::<Cut, _, MEMBERS_MAX>")]
    pub data_final: Vec<Cut>,
    /// The key epoch from here on; one more than before if the batch rotates the key.
    pub key_epoch: u32,
    /// Digest of the [`Envelopes`] that travel with the batch.
    pub envelopes_hash: Hash,
    /// Who proposes.
    pub author: MemberKey,
}

/// A batch with its author's signature.
pub type SignedBatch = Signed<Batch>;

/// A key epoch's secret, wrapped for each member that needs it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Envelopes {
    /// Which secret.
    pub key_epoch: u32,
    /// Ascending by member.
    #[borsh(deserialize_with = "bounded::list::<(MemberKey, Envelope), _, MEMBERS_MAX>")]
    pub list: Vec<(MemberKey, Envelope)>,
}

/// What a nominated member signs to become an admin.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Acceptance {
    /// Where.
    pub context: ContextId,
    /// Who.
    pub member: MemberKey,
    /// The epoch of the entry that nominated it, so that no later nomination is accepted by this.
    pub nominated_epoch: u64,
}

/// What an admin signs to step down.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Renunciation {
    /// Where.
    pub context: ContextId,
    /// Who.
    pub member: MemberKey,
    /// The epoch before the batch's, so that it serves once.
    pub epoch: u64,
}

/// What the next owner signs.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct OwnershipAcceptance {
    /// Where.
    pub context: ContextId,
    /// Who.
    pub member: MemberKey,
    /// The epoch of the entry that offered it.
    pub offered_epoch: u64,
}

impl Batch {
    /// What a contract commits to as `delta_hash`: keccak-256 of the batch's preimage.
    pub fn digest_keccak(&self) -> Hash {
        keccak256(&self.preimage())
    }

    /// The earliest `expires_at_s` among the invitations used. A transaction that commits to the
    /// batch must expire by then, or it can commit to a batch that no node will apply.
    pub fn expires_at_s(&self) -> Option<u64> {
        self.changes.iter().filter_map(Change::expires_at_s).min()
    }
}

impl Change {
    fn expires_at_s(&self) -> Option<u64> {
        match self {
            Self::Add { admission: Admission::Invited { invitation, .. }, .. } => {
                invitation.body.expires_at_s
            }
            Self::Remove { .. }
            | Self::SetRole { .. }
            | Self::SetCaps { .. }
            | Self::Nominate { .. }
            | Self::Accept { .. }
            | Self::Renounce { .. }
            | Self::RevokeInvitation { .. }
            | Self::SetApplication { .. }
            | Self::OfferOwnership { .. }
            | Self::AcceptOwnership { .. } => None,
        }
    }
}

impl Envelopes {
    /// No envelope, in this key epoch.
    pub const fn none(key_epoch: u32) -> Self {
        Self { key_epoch, list: Vec::new() }
    }

    /// The envelope for `member`, if there is one.
    pub fn for_member(&self, member: &MemberKey) -> Option<&Envelope> {
        let at = self.list.binary_search_by(|(key, _)| key.cmp(member)).ok()?;
        self.list.get(at).map(|(_, envelope)| envelope)
    }
}

impl Tagged for Batch {
    const TAG: &'static str = "anchorhold/batch/1";
}

impl Tagged for Envelopes {
    const TAG: &'static str = "anchorhold/envelopes/1";
}

impl Tagged for Acceptance {
    const TAG: &'static str = "anchorhold/acceptance/1";
}

impl Tagged for Renunciation {
    const TAG: &'static str = "anchorhold/renunciation/1";
}

impl Tagged for OwnershipAcceptance {
    const TAG: &'static str = "anchorhold/ownership-acceptance/1";
}
