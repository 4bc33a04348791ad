//! What nodes say to each other over a stream, around the sealed messages of `sync`.
//!
//! A stream carries one [`Ask`] and one [`Tell`]. No context is named in the clear: rooms go by a
//! [`Tag`] between the two peers, and an [`Introduction`] is sealed for those who know the context.

use borsh::{BorshDeserialize, BorshSerialize};
use governance::log::{Claim, Entry, SignedGenesis, SignedInvitation};
use rand_core::CryptoRngCore;
use types::{
    AppId, ContextId, DecodeError, Hash, InvitationId, MemberKey, MemberSecret, Signature, Tagged,
    decode, encode,
    seal::{self, Sealed},
};

/// Longest encoded [`Ask`] or [`Tell`], in bytes: one page of deltas with room for its frame.
pub const MESSAGE_MAX_BYTES: usize = 8 << 20;
/// Rooms in one greeting; a node in more contexts greets in several turns.
pub const GREETING_ROOMS_MAX: usize = 1_024;
/// Bytes of an application sent in one answer.
pub const BLOB_PAGE_BYTES: usize = 4 << 20;

/// A network peer: its id's bytes.
pub type Peer = Vec<u8>;

/// Names a context between two peers, see [`seal::rendezvous_tag`].
pub type Tag = Hash;

/// A member's proof towards one peer, bound to both peer ids, so that nobody else can use it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Introduction {
    /// Who it is from.
    pub member: MemberKey,
    /// By `member`, over the context, both peer ids and itself.
    pub proof: Signature,
}

/// What a member signs to introduce itself.
#[derive(Clone, Debug, BorshSerialize)]
struct IntroductionBody<'a> {
    context: &'a ContextId,
    from: &'a [u8],
    to: &'a [u8],
    member: &'a MemberKey,
}

impl Tagged for IntroductionBody<'_> {
    const TAG: &'static str = "anchorhold/introduction/1";
}

impl Introduction {
    /// Introduces `secret`'s member in `context`, from peer `from` to peer `to`.
    pub fn new(context: &ContextId, from: &[u8], to: &[u8], secret: &MemberSecret) -> Self {
        let member = secret.public();
        let proof = secret.sign(&IntroductionBody { context, from, to, member: &member });
        Self { member, proof }
    }

    /// Whether `from` holds the member key that it names.
    pub fn holds(&self, context: &ContextId, from: &[u8], to: &[u8]) -> bool {
        let body = IntroductionBody { context, from, to, member: &self.member };
        self.member.verify(&body, &self.proof).is_ok()
    }

    /// Seals it for those who know `context`.
    pub fn seal(&self, context: &ContextId, rng: &mut impl CryptoRngCore) -> Option<Vec<u8>> {
        seal::seal_introduction(context, &encode(self), rng).ok()
    }

    /// Opens what [`Introduction::seal`] made; `None` for anything else.
    pub fn open(context: &ContextId, sealed: &[u8]) -> Option<Self> {
        let plain = seal::open_introduction(context, sealed).ok()?;
        decode(&plain, 256).ok()
    }
}

/// One room of a greeting.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Greeting {
    /// Which room, for who knows it.
    pub room: Tag,
    /// A sealed [`Introduction`].
    pub introduction: Vec<u8>,
}

/// What a node asks another.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Ask {
    /// These rooms I am a member of. Answer: [`Tell::Welcome`] with those that both share.
    Hello(Vec<Greeting>),
    /// A sealed `sync::Message` for a room in which both are proven. Answer: [`Tell::Ack`].
    Sync {
        /// Which room.
        room: Tag,
        /// For its members at that key epoch.
        sealed: Sealed,
    },
    /// A `sync::Message` about the ACL log, which must be readable before the newest key is.
    /// Answer: [`Tell::Ack`].
    Log {
        /// Which room.
        room: Tag,
        /// An encoded `sync::Message`.
        message: Vec<u8>,
    },
    /// I hold this invitation and claim it. Answer: [`Tell::Join`].
    Join {
        /// The invitation, signed by its inviter.
        invitation: Box<SignedInvitation>,
        /// The claim on it.
        claim: Box<Claim>,
    },
    /// How does my claim stand? Answer: [`Tell::Join`].
    JoinStatus(JoinQuestion),
    /// The application's bytes from `offset`. Answer: [`Tell::Blob`].
    Blob {
        /// A room that runs it and in which both are proven.
        room: Tag,
        /// Which application.
        app: AppId,
        /// In bytes.
        offset: u64,
    },
}

/// A joiner's signed question after its claim.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct JoinQuestion {
    /// The context it wants to join.
    pub context: ContextId,
    /// The invitation it claimed.
    pub invitation: InvitationId,
    /// Its member key.
    pub member: MemberKey,
    /// By `member`, over the three above and both peer ids.
    pub proof: Signature,
}

#[derive(Debug, BorshSerialize)]
struct JoinQuestionBody<'a> {
    context: &'a ContextId,
    invitation: &'a InvitationId,
    member: &'a MemberKey,
    from: &'a [u8],
    to: &'a [u8],
}

impl Tagged for JoinQuestionBody<'_> {
    const TAG: &'static str = "anchorhold/join-question/1";
}

impl JoinQuestion {
    /// Asks, from peer `from`, peer `to` how the claim of `secret`'s member stands.
    pub fn new(
        context: ContextId,
        invitation: InvitationId,
        peers: (&[u8], &[u8]),
        secret: &MemberSecret,
    ) -> Self {
        let member = secret.public();
        let (from, to) = peers;
        let body = JoinQuestionBody {
            context: &context,
            invitation: &invitation,
            member: &member,
            from,
            to,
        };
        let proof = secret.sign(&body);
        Self { context, invitation, member, proof }
    }

    /// Whether the asking peer holds the member key.
    pub fn holds(&self, from: &[u8], to: &[u8]) -> bool {
        let body = JoinQuestionBody {
            context: &self.context,
            invitation: &self.invitation,
            member: &self.member,
            from,
            to,
        };
        self.member.verify(&body, &self.proof).is_ok()
    }
}

/// What a node answers.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Tell {
    /// The greeted rooms in which the greeter is a member, each with our own introduction.
    Welcome(Vec<Greeting>),
    /// Taken.
    Ack,
    /// How a claim stands.
    Join(JoinAnswer),
    /// A page of an application.
    Blob {
        /// Its whole length in bytes.
        total_bytes: u64,
        /// At most [`BLOB_PAGE_BYTES`] from the offset asked for.
        bytes: Vec<u8>,
    },
    /// No. The same for «there is none», «you may not» and «not here».
    Refused,
}

/// How a claim on an invitation stands.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum JoinAnswer {
    /// Taken, not yet sequenced; the text says what is waited for.
    Waiting(String),
    /// The claimant is a member.
    Admitted {
        /// What the context id is the hash of.
        genesis: Box<SignedGenesis>,
        /// The log so far, from epoch 1; a long one is completed by catch-up.
        entries: Vec<Entry>,
    },
    /// Not accepted; the text says why.
    Refused(String),
}

impl Ask {
    /// Parses one, bounded by [`MESSAGE_MAX_BYTES`].
    ///
    /// # Errors
    /// [`DecodeError`] for anything else.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        decode(bytes, MESSAGE_MAX_BYTES)
    }
}

impl Tell {
    /// Parses one, bounded by [`MESSAGE_MAX_BYTES`].
    ///
    /// # Errors
    /// [`DecodeError`] for anything else.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        decode(bytes, MESSAGE_MAX_BYTES)
    }
}
