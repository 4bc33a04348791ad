//! What the fold answers.

use types::{EntryId, MemberKey};

use crate::log::Role;

/// What a member may want to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Read the context, and be handed its keys.
    Read,
    /// Author deltas.
    Write,
    /// Invite others.
    Invite,
    /// Change the application.
    Upgrade,
    /// Permit calls from other contexts.
    PermitCalls,
    /// Manage members and permissions.
    Manage,
}

impl core::fmt::Display for Action {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Invite => "invite",
            Self::Upgrade => "change the application",
            Self::PermitCalls => "permit calls from other contexts",
            Self::Manage => "manage members",
        })
    }
}

/// The answer to "may it?". There is no fourth, and unknown is neither of the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Yes.
    Allow,
    /// No, and more entries will not change it.
    Deny(Denied),
    /// Not to be told until this is here. Wait, for a bounded time.
    Unknown(Missing),
}

/// What an answer waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// The entry of this epoch.
    Epoch(u64),
}

/// Which signature does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// The genesis's, by its creator.
    Genesis,
    /// The signing key's word for the exchange key.
    Exchange,
    /// A batch's, by its author.
    Batch,
    /// The owner's, who orders.
    Order,
    /// The inviter's.
    Invitation,
    /// The joiner's, by its member key.
    Claim,
    /// The joiner's, by the invitation's own key.
    Open,
    /// The wallet's.
    Wallet,
    /// Of accepting a nomination.
    Acceptance,
    /// Of stepping down.
    Renunciation,
    /// Of taking the ownership over.
    Ownership,
}

/// Why not. Nothing changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Denied {
    // Genesis.
    /// This code reads one version only.
    #[error("genesis version {found} is not known")]
    UnknownVersion {
        /// What came.
        found: u8,
    },
    /// The first owner must be the creator.
    #[error("the creator is not the owner")]
    CreatorNotOwner,

    // Signatures and accounts.
    /// A signature or key fails.
    #[error("the {0:?} proof does not hold")]
    BadProof(Proof),
    /// The exchange key is a low-order point, to which no key can be wrapped.
    #[error("exchange key of {member} is of low order")]
    WeakExchangeKey {
        /// Whose.
        member: MemberKey,
    },
    /// The context demands an account, or the genesis needs one.
    #[error("an account is needed")]
    AccountMissing,
    /// The creator's account must live on the anchor's chain.
    #[error("the account lives on another chain")]
    AccountOnOtherChain,
    /// An address is not of its chain's form, or that kind of chain is not known.
    #[error("an address is none on its chain")]
    BadAddress,
    /// Proofs must be there exactly where they are needed.
    #[error("a proof is missing, or there is one too many")]
    ProofCount,
    /// Nothing on this node can check the account's proof yet.
    #[error("the account's proof cannot be checked yet")]
    WalletUnknown,

    // Place in the log.
    /// Made for another context.
    #[error("belongs to another context")]
    OtherContext,
    /// The entries in between are missing.
    #[error("epoch {epoch} is early, {next} is next")]
    Early {
        /// Of the entry.
        epoch: u64,
        /// The one that would fit.
        next: u64,
    },
    /// The very same entry is in the log.
    #[error("epoch {epoch} is applied already")]
    AlreadyApplied {
        /// Of the entry.
        epoch: u64,
    },
    /// Another entry took the place first.
    #[error("another entry stands at epoch {epoch}")]
    Lost {
        /// Of the entry.
        epoch: u64,
    },
    /// The entry or delta cites another history.
    #[error("{found:?} is not the entry before")]
    WrongPrev {
        /// What it cites.
        found: EntryId,
    },
    /// Members changed since the state that the batch was made for: propose anew.
    #[error("the batch was made for an earlier state")]
    Stale,
    /// The context's log is ordered by somebody else.
    #[error("ordered by the wrong sequencer")]
    WrongSequencer,
    /// The owner's clock ran backwards.
    #[error("ordered at {found} s, after {last} s")]
    TimeWentBack {
        /// What came.
        found: u64,
        /// The time of the entry before.
        last: u64,
    },
    /// The body of the entry has not come yet.
    #[error("the batch is missing")]
    BatchMissing,
    /// The chain says it all, so there is nothing to add.
    #[error("this entry takes no batch")]
    BatchUnexpected,

    // The chain's record.
    /// Revision and epoch must agree.
    #[error("revision {rev} cannot be epoch {epoch}")]
    RevGap {
        /// Of the revision.
        rev: u64,
        /// Of the entry.
        epoch: u64,
    },
    /// A revision was left out or changed.
    #[error("revision {rev} does not continue the contract's log")]
    LogHeadMismatch {
        /// Of the revision.
        rev: u64,
    },
    /// The payload is not what its kind asks for.
    #[error("revision of kind {kind:#04x} is malformed")]
    MalformedRevision {
        /// Of the revision.
        kind: u8,
    },
    /// The contract's record names another context, application or creator.
    #[error("the contract's record is not of this context")]
    OtherRecord,
    /// `create` comes first, and once.
    #[error("create must be revision 1, and only that")]
    CreateOutOfPlace,
    /// The batch is not the one that the contract committed to.
    #[error("the contract committed to another batch")]
    OtherBatch,
    /// The contract's members and ours differ: stop governing, raise alarm.
    #[error("members differ from what the contract committed to")]
    Diverged,
    /// The record was closed; no entry follows.
    #[error("the contract's record is dissolved")]
    Dissolved,
    /// The contract moved a seat that was not there, or was.
    #[error("the contract's seats differ from ours")]
    SeatMismatch,

    // Batches.
    /// A batch has 1 to 256 changes.
    #[error("{found} changes, 1 to 256 are allowed")]
    ChangeCount {
        /// What came.
        found: usize,
    },
    /// Two changes of one batch concern the same subject.
    #[error("two changes of one batch concern the same subject")]
    Duplicate,
    /// The change would change nothing.
    #[error("nothing would change")]
    NoChange,
    /// Not in the context (then or now, as asked).
    #[error("{member} is not a member")]
    NotMember {
        /// Who.
        member: MemberKey,
    },
    /// In the context, but without the right.
    #[error("{member} may not {action}")]
    NotAllowed {
        /// Who.
        member: MemberKey,
        /// What.
        action: Action,
    },
    /// An admin signed a restriction that is not ordered yet.
    #[error("{member} is restricted until the log decides")]
    Restricted {
        /// Who.
        member: MemberKey,
    },
    /// Only the owner does that.
    #[error("{member} is not the owner")]
    NotOwner {
        /// Who.
        member: MemberKey,
    },
    /// Only an admin can step down.
    #[error("{member} is not an admin")]
    NotAdmin {
        /// Who.
        member: MemberKey,
    },
    /// The contract decides that, not a batch.
    #[error("the contract decides that")]
    ChainDecides,
    /// Batches give no role above member.
    #[error("a batch cannot make a member {role:?}")]
    RoleNotGrantable {
        /// Which role.
        role: Role,
    },
    /// Somebody must remain who can govern.
    #[error("the last who can govern cannot leave")]
    LastAdmin,
    /// The owner outranks admins.
    #[error("the owner cannot be changed by a batch")]
    OwnerUntouchable,
    /// Who leaves cannot make the key that it must not know.
    #[error("the author cannot remove itself")]
    RemovesItself,
    /// Its account holds a seat; the contract must take that away first.
    #[error("the account of {member} holds a seat")]
    SeatHeld {
        /// Who.
        member: MemberKey,
    },
    /// In the context already.
    #[error("{member} is a member already")]
    AlreadyMember {
        /// Who.
        member: MemberKey,
    },
    /// A removed key never returns.
    #[error("{member} was removed; join with a fresh key")]
    SpentKey {
        /// Who.
        member: MemberKey,
    },
    /// No more members fit.
    #[error("the context is full")]
    Full,
    /// The epoch does not fit the members' leaves.
    #[error("epoch {epoch} is too large")]
    EpochTooLarge {
        /// Which.
        epoch: u64,
    },

    // Nominations and ownership.
    /// A nomination stands already.
    #[error("{member} is nominated already")]
    AlreadyNominated {
        /// Who.
        member: MemberKey,
    },
    /// The term is over before it begins, or longer than the policy allows.
    #[error("a nomination until epoch {expires_epoch} is not allowed")]
    BadTerm {
        /// Asked for.
        expires_epoch: u64,
    },
    /// There is nothing to accept.
    #[error("{member} is not nominated")]
    NotNominated {
        /// Who.
        member: MemberKey,
    },
    /// The ownership was not offered to it.
    #[error("the ownership is not offered to {member}")]
    NotOffered {
        /// Who.
        member: MemberKey,
    },

    // Cuts and finality.
    /// Whoever loses the right to write needs a cut.
    #[error("no cut for {member}")]
    CutMissing {
        /// Whom.
        member: MemberKey,
    },
    /// Nobody else may have one.
    #[error("a cut for {member}, who loses nothing")]
    CutUnexpected {
        /// Whom.
        member: MemberKey,
    },
    /// Final history cannot be cut off.
    #[error("the cut for {member} falls below final history")]
    CutBelowFinal {
        /// Whose.
        member: MemberKey,
    },
    /// Final history only grows.
    #[error("final history of {member} must grow")]
    FinalNotGrowing {
        /// Whose.
        member: MemberKey,
    },
    /// Positions ascend by member; seq 0 goes with the zero id.
    #[error("cuts are not in canonical form")]
    MalformedCuts,

    // Keys.
    /// Taking read access away makes a new key.
    #[error("the key must change")]
    NotRotated,
    /// The key epoch stays, or advances by one.
    #[error("key epoch {found} cannot follow {last}")]
    WrongKeyEpoch {
        /// What came.
        found: u32,
        /// The one in force.
        last: u32,
    },
    /// They have not come with the entry.
    #[error("the envelopes are missing")]
    EnvelopesMissing,
    /// They are not those that the batch commits to.
    #[error("the envelopes are not those of the batch")]
    OtherEnvelopes,
    /// Exactly those who need the key get it.
    #[error("the envelopes are not for those who need them")]
    WrongRecipients,

    // Invitations.
    /// An invitation has 1 to 10,000 uses.
    #[error("{found} uses, 1 to 10000 are allowed")]
    UseCount {
        /// What came.
        found: u32,
    },
    /// Only admins give capabilities, and nobody gives a role above its own.
    #[error("the inviter may not give that much")]
    InvitesAbove,
    /// Past its last epoch or second.
    #[error("the invitation is expired")]
    InvitationExpired,
    /// As often used as it may be.
    #[error("the invitation is used up")]
    InvitationUsedUp,
    /// Taken back.
    #[error("the invitation is revoked")]
    InvitationRevoked,
    /// It is another's invitation.
    #[error("the invitation is for somebody else")]
    NotInvited,
    /// Change, claim and invitation must say the same.
    #[error("the claim does not fit the invitation or the change")]
    ClaimMismatch,
}

impl Denied {
    /// Whether the same entry may apply later, once more has come to this node.
    pub const fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::WalletUnknown | Self::Early { .. } | Self::BatchMissing | Self::EnvelopesMissing
        )
    }
}
