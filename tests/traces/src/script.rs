//! The text form of traces: what stands in `contracts/vectors/*.json`.
//!
//! A call names accounts, not their bytes, and batches, not their hashes, so that it can be
//! replayed on any chain. What one chain alone knows stands under that chain's name.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// The form that this crate writes and reads.
pub const FORMAT: u32 = 1;

/// One file: the traces of a group, and who plays in them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Script {
    /// [`FORMAT`].
    pub format: u32,
    /// Its name, which is also the file's.
    pub group: String,
    /// Where it plays.
    pub profile: PerChain<Place>,
    /// Who calls, by name.
    pub accounts: BTreeMap<String, Player>,
    /// Keys of members and of invitations, by name.
    pub keys: BTreeMap<String, Key>,
    /// Each begins with an empty registry.
    pub traces: Vec<Trace>,
}

/// What each chain has its own of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PerChain<T> {
    /// Ethereum and chains like it.
    pub eip155: T,
}

/// A registry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// CAIP-2.
    pub chain: String,
    /// Its account.
    pub registry: Hex,
    /// Unix time before the first step of every trace.
    pub start_s: u64,
}

/// An account with one key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Player {
    /// Its address on Ethereum.
    pub eip155: Hex,
    /// The secp256k1 secret.
    pub secret: Hex,
}

/// A key that is no account's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// As for `bind`: 1 Ed25519, 2 secp256k1, 3 P-256.
    pub scheme: u8,
    /// 32 bytes.
    pub secret: Hex,
    /// As `bind` takes it.
    pub public: Hex,
    /// Of a secp256k1 key: how invitations name it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Hex>,
}

/// Calls in order, and what each must come to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trace {
    /// Unique among all files.
    pub name: String,
    /// Why it must come out so.
    pub summary: String,
    /// Who makes the record that it is about.
    pub creator: String,
    /// With the creator it makes the record's id.
    pub salt: Hex,
    /// That id.
    pub context: PerChain<Hex>,
    /// In order, each in a later second than the one before.
    pub steps: Vec<Step>,
    /// After the last step; zero if there is no record.
    pub log_head: PerChain<Hex>,
}

/// One call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Unix time of its block.
    pub at_s: u64,
    /// Who calls.
    pub by: String,
    /// What it asks for.
    pub call: Ask,
    /// As transaction data.
    pub wire: PerChain<Hex>,
    /// What must come out.
    pub expect: Expect,
}

/// What a step must come to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Expect {
    /// It is refused, and nothing has changed.
    Refused {
        /// E.g. `E12`.
        error: String,
    },
    /// It is done.
    Done {
        /// Their names, in order.
        events: Vec<String>,
        /// The packed head after it.
        head: Hex,
    },
}

/// A call, in the same words on every chain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "method", rename_all = "camelCase")]
#[expect(missing_docs, reason = "the words are those of `governance::anchor::Call`")]
pub enum Ask {
    Create {
        salt: Hex,
        terms: Terms,
    },
    Propose {
        #[serde(flatten)]
        batch: Batch,
        expiry_s: u64,
    },
    Act {
        #[serde(flatten)]
        batch: Batch,
        expiry_s: u64,
    },
    Approve {
        seq: u64,
        #[serde(flatten)]
        what: What,
    },
    ApproveBySigs {
        seq: u64,
        #[serde(flatten)]
        what: What,
        deadline_s: u64,
        approvals: Vec<Signed>,
    },
    ApproveAndExecute {
        seq: u64,
        #[serde(flatten)]
        batch: Batch,
    },
    Unapprove {
        seq: u64,
    },
    Cancel {
        seq: u64,
    },
    Veto {
        seq: u64,
    },
    Execute {
        seq: u64,
        #[serde(flatten)]
        batch: Batch,
    },
    Expire {
        seq: u64,
    },
    AcceptAdmin,
    Renounce,
    Bind {
        scheme: u8,
        key: Hex,
        signature: Signature,
        expiry_s: u64,
    },
    Unbind {
        key: Hex,
    },
    ClaimInvite {
        key: Hex,
        invite: Invite,
        #[serde(rename = "use")]
        use_number: u32,
        proof: Vec<Hex>,
        signature: Signature,
    },
    Freeze {
        secs: u32,
    },
}

/// What a record begins with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the words are those of `governance::anchor::Terms`")]
pub struct Terms {
    pub app: Hex,
    pub members_root: Hex,
    pub members_count: u32,
    pub flags: u8,
    pub delays_s: [u32; 4],
    pub guardian: Option<String>,
    pub context: Hex,
}

/// A batch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Batch {
    /// A legal one.
    Actions {
        /// 1 to 16.
        actions: Vec<Deed>,
    },
    /// Bytes, which are no legal one as a rule.
    Raw {
        /// As they are sent.
        raw_actions: Hex,
    },
}

/// What is approved: its hash is sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum What {
    /// The hash of this batch.
    Actions {
        /// 1 to 16.
        actions: Vec<Deed>,
    },
    /// This hash.
    Hash {
        /// As it is sent.
        actions_hash: Hex,
    },
}

/// An action, in the same words on every chain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind")]
#[expect(missing_docs, reason = "the words are those of `governance::anchor::Action`")]
pub enum Deed {
    NominateAdmin { account: String, ttl_s: u32 },
    RemoveAdmin { account: String },
    SetThreshold { threshold: u8 },
    SetDelay { class: u8, delay_s: u32 },
    SetMembersRoot { prev: Hex, new: Hex, count: u32, delta_hash: Hex },
    SetApp { app: Hex, migration: Hex },
    SetInviteRoot { prev: Hex, new: Hex },
    SetCaps { key_hash: Hex, caps: u32 },
    SetGuardian { guardian: Option<String> },
    Dissolve,
    SetMeta { meta: Hex },
}

/// An approval by signature.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Signed {
    /// Who is said to approve.
    pub signer: String,
    /// That it does.
    pub signature: Signature,
}

/// An invitation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the words are those of `governance::anchor::Invite`")]
pub struct Invite {
    pub key: Hex,
    pub expiry_s: u64,
    pub role: u8,
    pub uses: u32,
}

/// A signature, by whom and over what; each chain's bytes follow from that.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Signature {
    /// Made by the account or key of this name.
    By {
        /// The name.
        by: String,
        /// What it signed in place of what is sent; none if it signed just that.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        over: Option<Box<Over>>,
        /// What is wrong with its form; none as a rule.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        flaw: Option<Flaw>,
    },
    /// Bytes that nobody signed.
    Bytes(Hex),
}

/// What was signed in place of what is sent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Over {
    /// Another place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<Elsewhere>,
    /// Of an approval: another proposal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// Of an approval: other actions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actions_hash: Option<Hex>,
    /// Of an approval: another deadline.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadline_s: Option<u64>,
    /// Of a binding or claim: another account than the caller.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Of a binding or claim: another member key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<Hex>,
    /// Of a binding: another expiry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expiry_s: Option<u64>,
}

/// A place that the trace does not play in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Elsewhere {
    /// Another chain of the same kind.
    OtherChain,
    /// Another registry on the same chain.
    OtherRegistry,
    /// Another record of the same registry.
    OtherContext,
}

/// What is wrong with a signature's form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flaw {
    /// The twin with the high `s`.
    HighS,
    /// `v` is 0 or 1 instead of 27 or 28.
    BareParity,
    /// The last byte is missing.
    Short,
}

/// Bytes as `0x` and lower-case hex.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hex(Vec<u8>);

impl Hex {
    /// Wraps bytes.
    pub fn of(bytes: impl AsRef<[u8]>) -> Self {
        Self(bytes.as_ref().to_vec())
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Exactly `N` bytes; none if there are more or fewer.
    pub fn array<const N: usize>(&self) -> Option<[u8; N]> {
        self.0.as_slice().try_into().ok()
    }
}

impl fmt::Debug for Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{}", hex::encode(&self.0))
    }
}

impl Serialize for Hex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&["0x", &hex::encode(&self.0)].concat())
    }
}

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let digits = text.strip_prefix("0x").ok_or_else(|| D::Error::custom("no 0x"))?;
        if digits.bytes().any(|digit| digit.is_ascii_uppercase()) {
            return Err(D::Error::custom("upper-case hex"));
        }
        hex::decode(digits).map(Self).map_err(D::Error::custom)
    }
}
