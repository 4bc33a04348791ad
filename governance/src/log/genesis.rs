//! The record a context starts from; its digest is the context's id.

use borsh::{BorshDeserialize, BorshSerialize};
use types::{
    AccountId, AppId, ChainId, ContextId, ExchangeKey, ExchangeSecret, MemberKey, MemberSecret,
    Signature, Signed, Tagged,
};

use crate::log::WalletProof;

/// A member's two public keys. The signing key vouches for the exchange key.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct MemberRecord {
    /// Signs the member's deltas and batches.
    pub key: MemberKey,
    /// Context keys are wrapped to it.
    pub exchange: ExchangeKey,
    /// By `key` over the [`ExchangeProof`] of this context and both keys.
    pub exchange_proof: Signature,
}

/// What a member signs so that nobody can put another exchange key beside its signing key.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ExchangeProof {
    /// All zero for the creator, whose context has no id yet.
    pub context: ContextId,
    /// The signing key.
    pub key: MemberKey,
    /// The exchange key.
    pub exchange: ExchangeKey,
}

/// How a context starts: who made it, what it runs, who orders its log.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Genesis {
    /// [`Genesis::VERSION`].
    pub version: u8,
    /// The first member. [`MemberRecord::exchange_proof`] is over [`Genesis::NO_CONTEXT`].
    pub creator: MemberRecord,
    /// The creator's account. With a chain it is a must, and the account that sends `create`;
    /// without one it is the creator's choice and needs `creator_proof`.
    pub creator_account: Option<AccountId>,
    /// The account's word that `creator` is its member key, over a [`crate::log::Binding`] with
    /// [`Genesis::NO_CONTEXT`]. Absent with a chain, where the `create` call is the proof.
    pub creator_proof: Option<WalletProof>,
    /// The application that the context runs at first.
    pub app: AppId,
    /// Who orders the log.
    pub sequencer: Sequencer,
    /// Rules that never change.
    pub policy: Policy,
    /// Makes equal geneses distinct.
    pub salt: [u8; 32],
}

/// A genesis with its creator's signature.
pub type SignedGenesis = Signed<Genesis>;

/// Who orders the ACL log.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Sequencer {
    /// The owner's signature orders. At first this member, who must be the creator.
    Owner(MemberKey),
    /// The revisions of a contract's record order.
    Chain(Anchor),
}

/// The contract record that anchors a context.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Anchor {
    /// The registry contract, with its chain.
    pub registry: AccountId,
    /// With the creator's account it derives the on-chain id, which nobody else can take.
    pub salt: [u8; 32],
}

/// Rules of a context that are fixed at genesis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Policy {
    /// Which revisions may enter the log.
    pub finality: Finality,
    /// For how many epochs at most a nomination stands.
    pub nominate_ttl_epochs: u64,
    /// Whether every member must be bound to an account.
    pub require_account: bool,
}

/// When a revision is settled enough to order the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub enum Finality {
    /// The chain will not undo it.
    Final,
    /// The chain is very unlikely to undo it.
    Safe,
}

impl Genesis {
    /// The version of the record's layout.
    pub const VERSION: u8 = 1;
    /// Stands for the context in what the creator signs before the context has an id.
    pub const NO_CONTEXT: ContextId = ContextId::from_bytes([0; 32]);

    /// The context that starts here.
    pub fn context(&self) -> ContextId {
        self.digest().into()
    }
}

impl MemberRecord {
    /// The record of a member of `context` ([`Genesis::NO_CONTEXT`] for its creator).
    pub fn new(context: ContextId, secret: &MemberSecret, exchange: &ExchangeSecret) -> Self {
        let (key, exchange) = (secret.public(), exchange.public());
        let exchange_proof = secret.sign(&ExchangeProof { context, key, exchange });
        Self { key, exchange, exchange_proof }
    }

    /// Whether the exchange key is of low order: every key wrapped to it fails, so its holder would
    /// keep the context from ever changing the key.
    pub(crate) fn has_weak_exchange(&self) -> bool {
        let mut bytes = *self.exchange.as_bytes();
        if let Some(last) = bytes.last_mut() {
            *last &= 0x7f; // X25519 ignores the highest bit.
        }
        LOW_ORDER.contains(&bytes)
    }

    #[cfg(test)]
    pub(crate) const fn low_order_points() -> [[u8; 32]; 7] {
        LOW_ORDER
    }

    /// Whether the signing key vouches for the exchange key in `context`.
    pub(crate) fn is_proven(&self, context: ContextId) -> bool {
        let body = ExchangeProof { context, key: self.key, exchange: self.exchange };
        self.key.verify(&body, &self.exchange_proof).is_ok()
    }
}

impl Anchor {
    /// The chain that the registry lives on.
    pub fn chain(&self) -> ChainId {
        self.registry.chain()
    }
}

impl Default for Policy {
    /// The safest: only final revisions, nominations stand for 100 epochs, accounts are optional.
    fn default() -> Self {
        Self { finality: Finality::Final, nominate_ttl_epochs: 100, require_account: false }
    }
}

/// Every encoding of a point of low order on Curve25519 or its twist, highest bit clear.
/// Source: RFC 7748 §6.1 (why), <https://cr.yp.to/ecdh.html#validate> (the list).
const LOW_ORDER: [[u8; 32]; 7] = [
    little_endian(0x00, 0x00, 0x00),
    little_endian(0x01, 0x00, 0x00),
    little_endian(0xec, 0xff, 0x7f),
    little_endian(0xed, 0xff, 0x7f),
    little_endian(0xee, 0xff, 0x7f),
    [
        0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4,
        0x6a, 0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49,
        0xb8, 0x00,
    ],
    [
        0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83, 0xef,
        0x5b, 0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f,
        0x11, 0x57,
    ],
];

const fn little_endian(first: u8, middle: u8, last: u8) -> [u8; 32] {
    let mut bytes = [middle; 32];
    bytes[0] = first;
    bytes[31] = last;
    bytes
}

impl Tagged for ExchangeProof {
    const TAG: &'static str = "anchorhold/exchange-proof/1";
}

impl Tagged for Genesis {
    const TAG: &'static str = "anchorhold/genesis/1";
}
