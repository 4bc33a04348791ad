//! Permission to become a member, and the joiner's claim of it.

use alloc::vec::Vec;

use borsh::{BorshDeserialize, BorshSerialize};
use types::{
    AccountId, ContextId, InvitationId, InviteAddress, InviteSecret, InviteSignature, MemberKey,
    MemberSecret, Signature, SignatureError, Signed, Tagged,
};

use crate::log::{Caps, MemberRecord, Role, bounded};

/// How often one invitation may be used at most: a larger group needs a second invitation, which
/// keeps a leaked one revocable.
pub const USES_MAX: u32 = 10_000;

/// Longest message or signature of a wallet, in bytes: room for contract wallets' signatures.
const WALLET_BYTES_MAX: usize = 16 * 1024;

/// A member's permission for others to join.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Invitation {
    /// Where to.
    pub context: ContextId,
    /// By whom; must have the right when the invitation is used, not only when it is made.
    pub inviter: MemberKey,
    /// What the invited become: at most [`Role::Member`].
    pub role: Role,
    /// Capabilities on top; only an admin may give any.
    pub caps: Caps,
    /// Who may claim it.
    pub invitee: Invitee,
    /// The last epoch at which it may be used.
    pub expires_epoch: Option<u64>,
    /// The last second (Unix time, as the sequencer tells it) at which it may be used.
    pub expires_at_s: Option<u64>,
    /// How often, 1 to [`USES_MAX`].
    pub max_uses: u32,
    /// Makes equal invitations distinct.
    pub salt: [u8; 16],
}

/// An invitation with its inviter's signature.
pub type SignedInvitation = Signed<Invitation>;

/// Whom an invitation admits.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Invitee {
    /// This key.
    Member(MemberKey),
    /// Members of this account.
    Account(AccountId),
    /// Whoever holds the invitation's own secret.
    Open(InviteAddress),
}

/// The joiner's half: its keys, bound to the invitation so that nobody can swap them.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Claim {
    /// Which invitation.
    pub invitation: InvitationId,
    /// The member to be.
    pub member: MemberRecord,
    /// Its account, if it has one.
    pub account: Option<AccountId>,
    /// By the member over the [`ClaimBody`].
    pub member_proof: Signature,
    /// By the invitation's own key over the same; exactly when the invitation is open.
    pub open_proof: Option<InviteSignature>,
    /// By the account over the [`Binding`]; exactly when there is an account.
    pub wallet_proof: Option<WalletProof>,
}

/// What the proofs in a [`Claim`] sign.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ClaimBody {
    /// Where to.
    pub context: ContextId,
    /// By which invitation.
    pub invitation: InvitationId,
    /// Who, with both keys.
    pub member: MemberRecord,
    /// Of which account.
    pub account: Option<AccountId>,
}

/// A wallet's signature under a text that it showed to its user.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct WalletProof {
    /// How to read it: 1 EIP-4361, 2 NEP-413, 3 an identity of the Internet Computer, 4 SNIP-12,
    /// 5 EIP-191 by an ETH-implicit account, 6 EIP-4361 by a contract, 7 NEP-641.
    pub scheme: u8,
    /// The signed text, at most 16 KiB.
    #[borsh(deserialize_with = "bounded::list::<u8, _, WALLET_BYTES_MAX>")]
    pub message: Vec<u8>,
    /// At most 16 KiB.
    #[borsh(deserialize_with = "bounded::list::<u8, _, WALLET_BYTES_MAX>")]
    pub signature: Vec<u8>,
}

/// The tie of a member key to an account that a [`WalletProof`] proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// In which context ([`crate::log::Genesis::NO_CONTEXT`] for its creator).
    pub context: ContextId,
    /// Claimed by which invitation; none for the creator.
    pub invitation: Option<InvitationId>,
    /// The key.
    pub member: MemberKey,
    /// The account.
    pub account: AccountId,
    /// When whoever orders the log took it in (Unix seconds), for proofs that expire; 0 where
    /// nobody says, at which nothing has expired yet.
    pub time_s: u64,
}

/// What a [`WalletVerifier`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The account made the proof.
    Valid,
    /// It did not.
    Invalid,
    /// Nothing here can tell yet, e.g. the chain is not followed or not reached.
    Unknown,
}

/// Checks wallets' proofs; one for each kind of chain.
///
/// [`Answer::Valid`] and [`Answer::Invalid`] must depend on the arguments alone, or nodes diverge.
pub trait WalletVerifier {
    /// Whether `binding.account` proves `binding` by `proof`.
    fn verify(&self, binding: &Binding, proof: &WalletProof) -> Answer;
}

/// Knows no chain: every proof stays unknown, and so nobody with an account gets in.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoWallets;

impl WalletVerifier for NoWallets {
    fn verify(&self, _: &Binding, _: &WalletProof) -> Answer {
        Answer::Unknown
    }
}

impl Invitation {
    /// Its name.
    pub fn id(&self) -> InvitationId {
        self.digest().into()
    }
}

impl Claim {
    /// The claim of `invitation` by a new member of its context. `open` is the secret of an open
    /// invitation, `account` the joiner's account with its proof over [`Claim::binding`].
    ///
    /// # Errors
    /// [`SignatureError`] if `open` cannot sign, which has negligible probability.
    pub fn new(
        invitation: &Invitation,
        secret: &MemberSecret,
        member: MemberRecord,
        account: Option<(AccountId, WalletProof)>,
        open: Option<&InviteSecret>,
    ) -> Result<Self, SignatureError> {
        let (account, wallet_proof) = account.unzip();
        let body =
            ClaimBody { context: invitation.context, invitation: invitation.id(), member, account };
        let open_proof = open.map(|open| open.sign(&body)).transpose()?;
        let member_proof = secret.sign(&body);
        let ClaimBody { invitation, member, account, .. } = body;
        Ok(Self { invitation, member, account, member_proof, open_proof, wallet_proof })
    }

    /// What the account's wallet must sign for `member` to claim `invitation`, as of `time_s`.
    pub fn binding(
        invitation: &Invitation,
        member: MemberKey,
        account: AccountId,
        time_s: u64,
    ) -> Binding {
        let (context, invitation) = (invitation.context, Some(invitation.id()));
        Binding { context, invitation, member, account, time_s }
    }
}

impl Tagged for Invitation {
    const TAG: &'static str = "anchorhold/invitation/1";
}

impl Tagged for ClaimBody {
    const TAG: &'static str = "anchorhold/claim/1";
}
