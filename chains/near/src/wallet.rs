//! Wallets: what a NEAR account signs to be bound to a member key, and how that is checked. Pure.
//!
//! A good signature is one half, and the chain has the other ([`Condition`]), in a block that the
//! proof names: keys and contracts change. Accounts sign by NEP-413, and the key must be one of the
//! account's full-access keys. An ETH-implicit account may sign with the Ethereum key in its name,
//! which its wallet contract obeys; the account must still have that contract, since a full-access
//! key could put another one there. Contract accounts say by NEP-641 what they authorize.
//!
//! Reading order: `id` → `key` → `nep413` → `access_key` → `statement` → `evidence` → `nep641` →
//! `delegate`.

mod access_key;
pub mod delegate;
pub(crate) mod eth_key;
mod evidence;
mod id;
pub(crate) mod key;
mod nep413;
pub(crate) mod nep641;
mod statement;

use chain::{AccountKey, BlockId, Question, WalletError, Wallets};
use data_encoding::BASE64;
use ed25519_dalek::{Signer as _, SigningKey};
use governance::log::{Answer, Binding, WalletProof, WalletVerifier};
use serde::Deserialize;
use serde_json::{Value, json};
use types::{AccountId, ChainId, Hash, UnixMillis};

use self::statement::Statement;
pub use self::{
    access_key::{FullAccess, NoAccess, Permission},
    evidence::Evidence,
    id::{IdKind, NearId},
    key::{BadSignature, PublicKey, Signature, secret_key},
    nep413::Payload,
};
use crate::wire::{CryptoHash, Malformed, Reader, prefix};

/// The number of NEP-413 in a [`WalletProof`].
pub const SCHEME_NEP413: u8 = 2;
/// The number in a [`WalletProof`] of EIP-191 by the Ethereum key of an ETH-implicit account.
pub const SCHEME_ETH_IMPLICIT: u8 = 5;
/// The number of NEP-641 in a [`WalletProof`]: a contract account's own word.
pub const SCHEME_NEP641: u8 = 7;

/// Longest callback URL: browsers cut longer ones.
const CALLBACK_BYTES_MAX: usize = 2048;
/// Longest answer of a wallet that is read.
const ANSWER_BYTES_MAX: usize = 32 << 10;
/// Longest message that is read: ours has about 700 bytes.
const MESSAGE_BYTES_MAX: usize = 4096;
/// What a proof begins with once it names a block: `height u64 ‖ block hash b32`.
const BLOCK_BYTES: usize = 8 + 32;

/// Signs and checks for accounts of `near` chains.
///
/// The message names the network, the account, the context, the invitation and the member key;
/// the recipient names the context once more, and the nonce is derived from context, invitation
/// and member, so that a proof serves one binding. The callback URL is what the wallet was given,
/// and may be any: it says where a browser went, not what was signed.
///
/// What a wallet is given is JSON: `message`, `recipient`, and `nonce` in base64. It answers with
/// JSON as well: `accountId`, `publicKey`, `signature` and, where it signed one, `callbackUrl`; a
/// contract account's wallet with `authorization`, whose payload is the message; or, for an
/// ETH-implicit account, with the hex of `personal_sign` over the message.
#[derive(Clone, Copy, Debug, Default)]
pub struct NearWallets;

/// What a wallet is asked to sign by NEP-413.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What it shows.
    pub message: String,
    /// Whom it is for.
    pub recipient: String,
    /// What makes it single.
    pub nonce: [u8; 32],
}

/// A signature by NEP-413, and what else it takes to check it; the signature of a [`WalletProof`]
/// holds these in borsh.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// The key that made it.
    pub public_key: PublicKey,
    /// Over the payload's hash.
    pub signature: Signature,
    /// What the wallet was given.
    pub callback_url: Option<String>,
}

/// What the chain must say, in a final block, for a good signature to bind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// That this is a full-access key of the account; [`FullAccess`] reads its answer.
    FullAccess(PublicKey),
    /// That the account has the wallet contract of NEP-518, or is not there yet.
    WalletContract,
    /// That the account's contract takes this for an authorization of the message.
    Authorized(String),
}

/// All that a proof says, once what can be checked without the chain was.
struct Checked {
    condition: Condition,
    digest: Hash,
    evidence: Evidence,
    block: Option<BlockId>,
}

/// A message as wallets are given it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    message: String,
    recipient: String,
    nonce: String,
}

/// What a wallet answers; which fields, depends on the account.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answered {
    account_id: Option<String>,
    public_key: Option<String>,
    signature: Option<String>,
    callback_url: Option<String>,
    authorization: Option<String>,
}

impl NearWallets {
    /// What the wallet of `binding.account` is asked to sign; as [`Wallets::message`], whole.
    ///
    /// # Errors
    /// As there.
    pub fn request(self, binding: &Binding, now: UnixMillis) -> Result<Request, WalletError> {
        let account = signer(binding)?;
        Ok(Request::of(&Statement::of(binding, account, statement::written(now)?)))
    }

    /// Checks all of `proof` that the arguments alone can tell; what is left is the chain's to say.
    ///
    /// # Errors
    /// As [`Wallets::check`], which has no other way to say that something is left than
    /// [`WalletError::Unsupported`].
    pub fn condition(
        self,
        binding: &Binding,
        proof: &WalletProof,
    ) -> Result<Condition, WalletError> {
        checked(binding, proof).map(|checked| checked.condition)
    }
}

impl Wallets for NearWallets {
    /// The NEAR-implicit account of an ed25519 key; which named accounts have the key, only the
    /// chain knows.
    fn account(&self, chain: &ChainId, key: &AccountKey) -> Result<AccountId, WalletError> {
        let id = public_key(key).implicit_id();
        id.to_account(chain).ok_or(WalletError::BadKey)
    }

    /// Any key may be any account's.
    fn fits(&self, account: &AccountId, _: &AccountKey) -> Result<(), WalletError> {
        match NearId::from_account(account) {
            Some(_) => Ok(()),
            None => Err(WalletError::BadAccount { account: account.clone() }),
        }
    }

    fn message(&self, binding: &Binding, now: UnixMillis) -> Result<String, WalletError> {
        Ok(self.request(binding, now)?.to_json().to_string())
    }

    fn sign(&self, message: &str, key: &AccountKey) -> Result<WalletProof, WalletError> {
        let (request, account) = Request::read(message)?;
        let (message, secret) = (request.message.as_bytes().to_vec(), key.as_bytes());
        if account.kind() == IdKind::EthImplicit {
            let signature = eth_key::sign(&message, secret)?;
            return Ok(WalletProof { scheme: SCHEME_ETH_IMPLICIT, message, signature });
        }
        let payload = request.payload(None);
        let payload = payload.map_err(|_| WalletError::Malformed { what: "length" })?;
        let signature = SigningKey::from_bytes(secret).sign(payload.hash().as_bytes());
        let signed = Signed {
            public_key: public_key(key),
            signature: Signature::Ed25519(signature.to_bytes()),
            callback_url: None,
        };
        Ok(WalletProof { scheme: SCHEME_NEP413, message, signature: signed.encode() })
    }

    fn answered(&self, message: &str, answer: &str) -> Result<WalletProof, WalletError> {
        let (request, account) = Request::read(message)?;
        let answer = answer.trim();
        if answer.len() > ANSWER_BYTES_MAX {
            return Err(WalletError::BadSignature);
        }
        if account.kind() == IdKind::EthImplicit && !answer.starts_with('{') {
            let digits = answer.strip_prefix("0x").unwrap_or(answer);
            let signature = hex::decode(digits).map_err(|_| WalletError::BadSignature)?;
            let message = request.message.into_bytes();
            return Ok(WalletProof { scheme: SCHEME_ETH_IMPLICIT, message, signature });
        }
        let answer: Value = serde_json::from_str(answer).map_err(|_| WalletError::BadSignature)?;
        request.proof(&answer, None)
    }

    /// Keys and contracts change: all of NEAR's proofs are as of a block.
    fn needs_block(&self, _: &WalletProof) -> bool {
        true
    }

    fn in_block(&self, proof: WalletProof, block: BlockId) -> Option<WalletProof> {
        if ![SCHEME_NEP413, SCHEME_ETH_IMPLICIT, SCHEME_NEP641].contains(&proof.scheme) {
            return None;
        }
        let BlockId { height, hash } = block;
        let signature = [&height.to_be_bytes()[..], hash.as_bytes(), &proof.signature].concat();
        Some(WalletProof { signature, ..proof })
    }

    /// A good signature is [`WalletError::Unsupported`] here: [`NearWallets::condition`] says what
    /// is left to ask.
    fn check(&self, binding: &Binding, proof: &WalletProof) -> Result<(), WalletError> {
        checked(binding, proof)?;
        Err(WalletError::Unsupported { account: binding.account.clone() })
    }

    /// A proof that names no block yet is [`WalletError::Malformed`].
    fn question(&self, binding: &Binding, proof: &WalletProof) -> Result<Question, WalletError> {
        let Checked { digest, evidence, block, .. } = checked(binding, proof)?;
        let block = block.ok_or(WalletError::Malformed { what: "block" })?;
        let account = binding.account.clone();
        Ok(Question { account, digest, signature: evidence.encode(), block })
    }
}

impl WalletVerifier for NearWallets {
    fn verify(&self, binding: &Binding, proof: &WalletProof) -> Answer {
        WalletError::answer(&self.check(binding, proof))
    }
}

fn public_key(key: &AccountKey) -> PublicKey {
    PublicKey::Ed25519(SigningKey::from_bytes(key.as_bytes()).verifying_key().to_bytes())
}

/// The account that must sign.
fn signer(binding: &Binding) -> Result<NearId, WalletError> {
    let account = &binding.account;
    if account.chain().namespace() != "near" {
        return Err(WalletError::Unsupported { account: account.clone() });
    }
    let bad = || WalletError::BadAccount { account: account.clone() };
    NearId::from_account(account).ok_or_else(bad)
}

fn checked(binding: &Binding, proof: &WalletProof) -> Result<Checked, WalletError> {
    // First, so that an account that is none of ours is not judged.
    let account = signer(binding)?;
    let check = match proof.scheme {
        SCHEME_NEP413 => check_nep413,
        SCHEME_ETH_IMPLICIT => check_eth_key,
        SCHEME_NEP641 => check_authorization,
        _ => return Err(WalletError::Unsupported { account: binding.account.clone() }),
    };
    if proof.scheme == SCHEME_ETH_IMPLICIT && account.kind() != IdKind::EthImplicit {
        return Err(WalletError::BadAccount { account: binding.account.clone() });
    }
    let statement = statement::read(&proof.message)?;
    statement.compare(&Statement::of(binding, account.clone(), statement.issued_at.clone()))?;
    let (block, signature) = parts(proof);
    let request = Request::of(&statement);
    let (condition, digest, evidence) = check(&request, signature)?;
    if let Evidence::EthereumKey(_) = evidence {
        check_signer(binding, &account, &digest, signature)?;
    }
    Ok(Checked { condition, digest, evidence, block })
}

/// The block that a proof names, if it names one yet, and the signature itself. The three forms of
/// a signature are told from one that a height stands before.
fn parts(proof: &WalletProof) -> (Option<BlockId>, &[u8]) {
    let whole = proof.signature.as_slice();
    let is_bare = match proof.scheme {
        SCHEME_NEP413 => Signed::decode(whole).is_ok(),
        SCHEME_ETH_IMPLICIT => whole.len() < BLOCK_BYTES + 1 || whole.len() == 65,
        // No text begins with zero, and every height does.
        _ => whole.first() != Some(&0),
    };
    let named = whole.split_first_chunk().and_then(|(height, rest)| {
        let (hash, signature) = rest.split_first_chunk()?;
        let (height, hash) = (u64::from_be_bytes(*height), Hash::from_bytes(*hash));
        Some((BlockId { height, hash }, signature))
    });
    match named.filter(|_| !is_bare) {
        Some((block, signature)) => (Some(block), signature),
        None => (None, whole),
    }
}

type Half = (Condition, Hash, Evidence);

fn check_nep413(request: &Request, signature: &[u8]) -> Result<Half, WalletError> {
    let signed = Signed::decode(signature).map_err(|_| WalletError::BadSignature)?;
    let payload = request.payload(signed.callback_url.as_deref());
    let payload = payload.map_err(|_| WalletError::Malformed { what: "length" })?;
    let hash = payload.hash();
    let good = signed.public_key.verify(&hash, &signed.signature);
    good.map_err(|_| WalletError::BadSignature)?;
    let Signed { public_key, signature, .. } = signed;
    let digest = Hash::from_bytes(*hash.as_bytes());
    Ok((Condition::FullAccess(public_key), digest, Evidence::Key(public_key, signature)))
}

fn check_eth_key(request: &Request, signature: &[u8]) -> Result<Half, WalletError> {
    let signature = signature.try_into().map_err(|_| WalletError::BadSignature)?;
    let digest = eth_key::digest(request.message.as_bytes());
    Ok((Condition::WalletContract, digest, Evidence::EthereumKey(signature)))
}

fn check_signer(
    binding: &Binding,
    account: &NearId,
    digest: &Hash,
    signature: &[u8],
) -> Result<(), WalletError> {
    let found = eth_key::recover_over(digest, signature)?;
    if found == *account {
        return Ok(());
    }
    let found = found.to_account(&binding.account.chain());
    let found = found.ok_or(WalletError::BadSignature)?;
    Err(WalletError::OtherSigner { expected: binding.account.clone(), found })
}

fn check_authorization(request: &Request, signature: &[u8]) -> Result<Half, WalletError> {
    let text = evidence::authorization(signature).map_err(|_| WalletError::BadSignature)?;
    let digest = Hash::from_bytes(*CryptoHash::of(request.message.as_bytes()).as_bytes());
    let text = text.to_owned();
    Ok((Condition::Authorized(text.clone()), digest, Evidence::Authorization(text)))
}

impl Request {
    fn of(statement: &Statement) -> Self {
        Self {
            message: statement.to_string(),
            recipient: statement.recipient(),
            nonce: statement.nonce(),
        }
    }

    /// As wallets are given it.
    fn to_json(&self) -> Value {
        let Self { message, recipient, nonce } = self;
        json!({ "message": message, "recipient": recipient, "nonce": BASE64.encode(nonce) })
    }

    /// Reads what [`Wallets::message`] gave, and whose it is.
    fn read(text: &str) -> Result<(Self, NearId), WalletError> {
        if text.len() > MESSAGE_BYTES_MAX {
            return Err(WalletError::Malformed { what: "length" });
        }
        let given: Given =
            serde_json::from_str(text).map_err(|_| WalletError::Malformed { what: "JSON" })?;
        let statement = statement::read(given.message.as_bytes())?;
        let request = Self::of(&statement);
        if given.recipient != request.recipient {
            return Err(WalletError::OtherField { field: "recipient" });
        }
        if given.nonce != BASE64.encode(&request.nonce) {
            return Err(WalletError::OtherField { field: "nonce" });
        }
        Ok((request, statement.account))
    }

    /// What is signed.
    ///
    /// # Errors
    /// As [`Payload::new`].
    pub fn payload<'a>(&'a self, callback_url: Option<&'a str>) -> Result<Payload<'a>, Malformed> {
        Payload::new(&self.message, &self.nonce, &self.recipient, callback_url)
    }

    /// The proof in a wallet's `answer` (`{accountId, publicKey, signature}`, the signature in
    /// base64, or `{authorization}`), which was given `callback_url`.
    ///
    /// # Errors
    /// [`WalletError::Malformed`]; [`WalletError::OtherField`] if another account answers.
    pub fn proof(
        &self,
        answer: &Value,
        callback_url: Option<&str>,
    ) -> Result<WalletProof, WalletError> {
        let bad = |what| WalletError::Malformed { what };
        let answer = Answered::deserialize(answer).map_err(|_| bad("answer"))?;
        let statement = statement::read(self.message.as_bytes())?;
        let account_id = answer.account_id.as_deref();
        let is_other = account_id != Some(statement.account.as_str());
        let message = self.message.as_bytes().to_vec();
        if let Some(text) = answer.authorization {
            if account_id.is_some() && is_other {
                return Err(WalletError::OtherField { field: "account" });
            }
            let signature = text.into_bytes();
            evidence::authorization(&signature).map_err(|_| WalletError::BadSignature)?;
            return Ok(WalletProof { scheme: SCHEME_NEP641, message, signature });
        }
        if is_other {
            return Err(WalletError::OtherField { field: "account" });
        }
        let public_key = answer.public_key.and_then(|text| text.parse().ok());
        let signature = answer.signature.filter(|text| text.len() <= 128);
        let signature = signature.and_then(|text| BASE64.decode(text.as_bytes()).ok());
        let signature = signature.and_then(|bytes| Signature::from_slice(&bytes));
        let signed = Signed {
            public_key: public_key.ok_or(bad("public key"))?,
            signature: signature.ok_or(WalletError::BadSignature)?,
            callback_url: callback_url.map(str::to_owned).or(answer.callback_url),
        };
        Ok(WalletProof { scheme: SCHEME_NEP413, message, signature: signed.encode() })
    }
}

impl Signed {
    /// Key, signature, callback.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(160);
        self.public_key.write(&mut out);
        self.signature.write(&mut out);
        match &self.callback_url {
            None => out.push(0),
            Some(url) => {
                out.push(1);
                out.extend_from_slice(&prefix(url.len()));
                out.extend_from_slice(url.as_bytes());
            }
        }
        out
    }

    /// Reads what [`Signed::encode`] wrote.
    ///
    /// # Errors
    /// [`Malformed`], also if the callback exceeds 2 KiB.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let signed = Self {
            public_key: PublicKey::read(&mut reader)?,
            signature: Signature::read(&mut reader)?,
            callback_url: reader
                .option(|reader| reader.text(CALLBACK_BYTES_MAX).map(str::to_owned))?,
        };
        reader.end()?;
        Ok(signed)
    }
}

#[cfg(test)]
mod tests;
