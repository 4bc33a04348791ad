//! Wallets: what a NEAR account signs to be bound to a member key, and how that is checked. Pure.
//!
//! A good signature is one half, and the chain has the other ([`Condition`]). Accounts sign by
//! NEP-413, and the key must be one of the account's full-access keys, which come and go. An
//! ETH-implicit account may sign with the Ethereum key in its name, which its wallet contract
//! obeys; the account must still have that contract, since a full-access key could put another one
//! there. Contract accounts cannot sign; NEP-641, by which they may answer, would be another
//! scheme.
//!
//! Reading order: `id` → `key` → `nep413` → `access_key` → `statement` → `delegate`.

mod access_key;
pub mod delegate;
mod eth_key;
mod id;
pub(crate) mod key;
mod nep413;
mod statement;

use chain::{AccountKey, WalletError, Wallets};
use data_encoding::BASE64;
use ed25519_dalek::{Signer as _, SigningKey};
use governance::log::{Answer, Binding, WalletProof, WalletVerifier};
use serde_json::Value;
use types::{AccountId, ChainId, UnixMillis};

use self::statement::Statement;
pub use self::{
    access_key::{FullAccess, NoAccess, Permission},
    id::{IdKind, NearId},
    key::{BadSignature, PublicKey, Signature},
    nep413::Payload,
};
use crate::wire::{Malformed, Reader, prefix};

/// The number of NEP-413 in a [`WalletProof`].
pub const SCHEME_NEP413: u8 = 2;
/// The number in a [`WalletProof`] of EIP-191 by the Ethereum key of an ETH-implicit account.
pub const SCHEME_ETH_IMPLICIT: u8 = 5;

/// Longest callback URL: browsers cut longer ones.
const CALLBACK_BYTES_MAX: usize = 2048;

/// Signs and checks for accounts of `near` chains.
///
/// The message names the network, the account, the context, the invitation and the member key;
/// the recipient names the context once more, and the nonce is derived from context, invitation
/// and member, so that a proof serves one binding. The callback URL is what the wallet was given,
/// and may be any: it says where a browser went, not what was signed.
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

/// What the chain must say, at a final block and from then on, for a good signature to bind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// That this is a full-access key of the account; [`FullAccess`] reads its answer.
    FullAccess(PublicKey),
    /// That the account has the wallet contract of NEP-518, or is not there yet.
    WalletContract,
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
        // First, so that an account that is none of ours is not judged.
        let account = signer(binding)?;
        match proof.scheme {
            SCHEME_NEP413 => check_nep413(binding, account, proof).map(Condition::FullAccess),
            SCHEME_ETH_IMPLICIT => {
                check_eth_key(binding, account, proof).map(|()| Condition::WalletContract)
            }
            _ => Err(WalletError::Unsupported { account: binding.account.clone() }),
        }
    }
}

impl Wallets for NearWallets {
    /// The NEAR-implicit account of an ed25519 key; which named accounts have the key, only the
    /// chain knows.
    fn account(&self, chain: &ChainId, key: &AccountKey) -> Result<AccountId, WalletError> {
        let public = SigningKey::from_bytes(key.as_bytes()).verifying_key();
        let id = PublicKey::Ed25519(public.to_bytes()).implicit_id();
        id.to_account(chain).ok_or(WalletError::BadKey)
    }

    fn message(&self, binding: &Binding, now: UnixMillis) -> Result<String, WalletError> {
        Ok(self.request(binding, now)?.message)
    }

    fn sign(&self, message: &str, key: &AccountKey) -> Result<WalletProof, WalletError> {
        let statement = statement::read(message.as_bytes())?;
        let (message, secret) = (message.as_bytes().to_vec(), key.as_bytes());
        if statement.account.kind() == IdKind::EthImplicit {
            let signature = eth_key::sign(&message, secret)?;
            return Ok(WalletProof { scheme: SCHEME_ETH_IMPLICIT, message, signature });
        }
        let request = Request::of(&statement);
        let payload = request.payload(None);
        let payload = payload.map_err(|_| WalletError::Malformed { what: "length" })?;
        let key = SigningKey::from_bytes(secret);
        let signature = key.sign(payload.hash().as_bytes());
        let signed = Signed {
            public_key: PublicKey::Ed25519(key.verifying_key().to_bytes()),
            signature: Signature::Ed25519(signature.to_bytes()),
            callback_url: None,
        };
        Ok(WalletProof { scheme: SCHEME_NEP413, message, signature: signed.encode() })
    }

    /// A good signature is [`WalletError::Unsupported`] here: [`NearWallets::condition`] says what
    /// is left to ask.
    fn check(&self, binding: &Binding, proof: &WalletProof) -> Result<(), WalletError> {
        self.condition(binding, proof)?;
        Err(WalletError::Unsupported { account: binding.account.clone() })
    }
}

impl WalletVerifier for NearWallets {
    fn verify(&self, binding: &Binding, proof: &WalletProof) -> Answer {
        WalletError::answer(&self.check(binding, proof))
    }
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

/// The statement in `proof`, if it is that of `binding`.
fn expected(
    binding: &Binding,
    account: NearId,
    proof: &WalletProof,
) -> Result<Statement, WalletError> {
    let statement = statement::read(&proof.message)?;
    statement.compare(&Statement::of(binding, account, statement.issued_at.clone()))?;
    Ok(statement)
}

/// The key that signed.
fn check_nep413(
    binding: &Binding,
    account: NearId,
    proof: &WalletProof,
) -> Result<PublicKey, WalletError> {
    let statement = expected(binding, account, proof)?;
    let signed = Signed::decode(&proof.signature).map_err(|_| WalletError::BadSignature)?;
    let request = Request::of(&statement);
    let payload = request.payload(signed.callback_url.as_deref());
    let payload = payload.map_err(|_| WalletError::Malformed { what: "length" })?;
    let good = payload.verify(&signed.public_key, &signed.signature);
    good.map_err(|_| WalletError::BadSignature)?;
    Ok(signed.public_key)
}

fn check_eth_key(
    binding: &Binding,
    account: NearId,
    proof: &WalletProof,
) -> Result<(), WalletError> {
    if account.kind() != IdKind::EthImplicit {
        return Err(WalletError::BadAccount { account: binding.account.clone() });
    }
    expected(binding, account.clone(), proof)?;
    let found = eth_key::recover(&proof.message, &proof.signature)?;
    if found == account {
        return Ok(());
    }
    let found = found.to_account(&binding.account.chain());
    let found = found.ok_or(WalletError::BadSignature)?;
    Err(WalletError::OtherSigner { expected: binding.account.clone(), found })
}

impl Request {
    fn of(statement: &Statement) -> Self {
        Self {
            message: statement.to_string(),
            recipient: statement.recipient(),
            nonce: statement.nonce(),
        }
    }

    /// What is signed.
    ///
    /// # Errors
    /// As [`Payload::new`].
    pub fn payload<'a>(&'a self, callback_url: Option<&'a str>) -> Result<Payload<'a>, Malformed> {
        Payload::new(&self.message, &self.nonce, &self.recipient, callback_url)
    }

    /// The proof in a wallet's `answer` (`{accountId, publicKey, signature}`, the signature in
    /// base64), which was given `callback_url`.
    ///
    /// # Errors
    /// [`WalletError::Malformed`]; [`WalletError::OtherField`] if another account answers.
    pub fn proof(
        &self,
        answer: &Value,
        callback_url: Option<&str>,
    ) -> Result<WalletProof, WalletError> {
        let bad = |what| WalletError::Malformed { what };
        let text = |name: &str| answer.get(name).and_then(Value::as_str);
        let statement = statement::read(self.message.as_bytes())?;
        if text("accountId") != Some(statement.account.as_str()) {
            return Err(WalletError::OtherField { field: "account" });
        }
        let public_key = text("publicKey").and_then(|text| text.parse().ok());
        let signature = text("signature").filter(|text| text.len() <= 128);
        let signature = signature.and_then(|text| BASE64.decode(text.as_bytes()).ok());
        let signature = signature.and_then(|bytes| Signature::from_slice(&bytes));
        let signed = Signed {
            public_key: public_key.ok_or(bad("public key"))?,
            signature: signature.ok_or(WalletError::BadSignature)?,
            callback_url: callback_url.map(str::to_owned),
        };
        let message = self.message.as_bytes().to_vec();
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
