//! Wallets: what an Ethereum account signs to be bound to a member key, and how that is checked.
//! Pure: a plain account's key is checked here, and what a contract said is left to the chain, in a
//! block that the proof names.

pub(crate) mod eoa;
pub(crate) mod siwe;

use alloy::{hex, primitives::Address};
use chain::{AccountKey, BlockId, Question, WalletError, Wallets};
use governance::{
    anchor::Account,
    log::{Answer, Binding, WalletProof, WalletVerifier},
};
use k256::ecdsa::SigningKey;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use types::{AccountId, ChainId, Hash, MemberKey, UnixMillis};

use self::siwe::Message;
use crate::{adapter::chain_number, submit::account_id, wire};

/// The number of EIP-4361 in a [`WalletProof`].
pub const SCHEME_EIP4361: u8 = 1;
/// The number of the same signed by a contract (ERC-1271, ERC-6492): the signature is `height u64 ‖
/// block hash b32 ‖ the contract's own`, as of which block the contract says so.
pub const SCHEME_ERC1271: u8 = 6;

/// Who asks. Not a host: a node has no name that all other nodes could check.
const DOMAIN: &str = "anchorhold";

/// Longest message that is read: ours has about 900 bytes.
const MESSAGE_BYTES_MAX: usize = 4096;

/// Signs and checks by EIP-4361 for accounts of `eip155` chains.
///
/// The message names the account and its chain, the context (as URI), the invitation (as nonce, so
/// that a proof cannot serve twice, and as resource) and the member key (as resource, `did:key`).
/// All of it must be exactly as expected; only `Issued At` is the signer's own, and decides
/// nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct EthereumWallets;

impl Wallets for EthereumWallets {
    fn account(&self, chain: &ChainId, key: &AccountKey) -> Result<AccountId, WalletError> {
        let chain_number = chain_number(chain).ok_or(WalletError::BadKey)?;
        Ok(account_id(chain_number, eoa::address_of(signing_key(key)?.verifying_key())))
    }

    fn message(&self, binding: &Binding, now: UnixMillis) -> Result<String, WalletError> {
        let nanos = i128::from(now.0).saturating_mul(1_000_000);
        let time = OffsetDateTime::from_unix_timestamp_nanos(nanos).ok();
        let issued_at = time.and_then(|time| time.format(&Rfc3339).ok());
        let issued_at = issued_at.ok_or(WalletError::Malformed { what: "time" })?;
        Ok(expected(binding, issued_at)?.to_string())
    }

    fn sign(&self, message: &str, key: &AccountKey) -> Result<WalletProof, WalletError> {
        let signature = eoa::sign(message.as_bytes(), &signing_key(key)?)?;
        let message = message.as_bytes().to_vec();
        Ok(WalletProof { scheme: SCHEME_EIP4361, message, signature })
    }

    /// The answer is the signature in hex.
    fn answered(&self, message: &str, answer: &str) -> Result<WalletProof, WalletError> {
        let digits = answer.trim();
        let signature = hex::decode(digits.strip_prefix("0x").unwrap_or(digits));
        let signature = signature.map_err(|_| WalletError::BadSignature)?;
        Ok(WalletProof { scheme: SCHEME_EIP4361, message: message.as_bytes().to_vec(), signature })
    }

    /// A contract may have signed in place of a plain account.
    fn in_block(&self, proof: WalletProof, block: BlockId) -> Option<WalletProof> {
        if proof.scheme != SCHEME_EIP4361 {
            return None;
        }
        let BlockId { height, hash } = block;
        let signature = [&height.to_be_bytes()[..], hash.as_bytes(), &proof.signature].concat();
        Some(WalletProof { scheme: SCHEME_ERC1271, signature, ..proof })
    }

    fn check(&self, binding: &Binding, proof: &WalletProof) -> Result<(), WalletError> {
        if proof.scheme != SCHEME_EIP4361 {
            return Err(WalletError::Unsupported { account: binding.account.clone() });
        }
        let (address, message) = said(binding, proof)?;
        let found = eoa::recover(&proof.message, &proof.signature)?;
        if found == address {
            return Ok(());
        }
        let chain_number = message.chain_number;
        Err(WalletError::OtherSigner {
            expected: binding.account.clone(),
            found: account_id(chain_number, found),
        })
    }

    fn question(&self, binding: &Binding, proof: &WalletProof) -> Result<Question, WalletError> {
        let account = binding.account.clone();
        if proof.scheme != SCHEME_ERC1271 {
            return Err(WalletError::Unsupported { account });
        }
        said(binding, proof)?;
        let parts = proof.signature.split_first_chunk().and_then(|(height, rest)| {
            let (hash, signature) = rest.split_first_chunk()?;
            Some((u64::from_be_bytes(*height), Hash::from_bytes(*hash), signature.to_vec()))
        });
        let (height, hash, signature) = parts.ok_or(WalletError::BadSignature)?;
        let digest = eoa::personal_digest(&proof.message);
        Ok(Question { account, digest, signature, block: BlockId { height, hash } })
    }
}

impl WalletVerifier for EthereumWallets {
    fn verify(&self, binding: &Binding, proof: &WalletProof) -> Answer {
        WalletError::answer(&self.check(binding, proof))
    }
}

/// Who must have signed, and the message, which says what it must.
fn said(binding: &Binding, proof: &WalletProof) -> Result<(Address, Message), WalletError> {
    // First, so that an account that is none of ours is not judged.
    let address = signer(binding)?.1;
    let message = read(&proof.message)?;
    let expected = expected(binding, message.issued_at.clone())?;
    compare(&message, &expected)?;
    Ok((address, message))
}

fn signing_key(key: &AccountKey) -> Result<SigningKey, WalletError> {
    SigningKey::from_slice(key.as_bytes()).map_err(|_| WalletError::BadKey)
}

/// Number of the chain and address of the account that must sign.
fn signer(binding: &Binding) -> Result<(u64, Address), WalletError> {
    let account = &binding.account;
    let unsupported = || WalletError::Unsupported { account: account.clone() };
    let chain_number = chain_number(&account.chain()).ok_or_else(unsupported)?;
    let address = Account::from_id(account).as_ref().and_then(wire::address);
    let address = address.ok_or_else(|| WalletError::BadAccount { account: account.clone() })?;
    Ok((chain_number, address))
}

fn expected(binding: &Binding, issued_at: String) -> Result<Message, WalletError> {
    let Binding { context, invitation, member, .. } = binding;
    let (chain_number, address) = signer(binding)?;
    let mut resources = vec![did_key(member)];
    resources.extend(invitation.map(|id| format!("anchorhold:invitation:{id}")));
    let statement = format!(
        "Binds this account to member {member} of an Anchorhold context. \
         It costs nothing and sends no transaction."
    );
    Ok(Message {
        scheme: None,
        domain: DOMAIN.to_owned(),
        address,
        statement: Some(statement),
        uri: format!("anchorhold:context:{context}"),
        chain_number,
        chain_id: chain_number.to_string(),
        nonce: invitation.map_or_else(|| "0".repeat(64), |id| id.to_string()),
        issued_at,
        expiration_time: None,
        not_before: None,
        request_id: None,
        resources: Some(resources),
    })
}

fn read(bytes: &[u8]) -> Result<Message, WalletError> {
    if bytes.len() > MESSAGE_BYTES_MAX {
        return Err(WalletError::Malformed { what: "length" });
    }
    let text = str::from_utf8(bytes).map_err(|_| WalletError::Malformed { what: "UTF-8" })?;
    text.parse().map_err(|siwe::Malformed(what)| WalletError::Malformed { what })
}

/// The first field that differs, in the order in which people care.
fn compare(message: &Message, expected: &Message) -> Result<(), WalletError> {
    let differs = |field| Err(WalletError::OtherField { field });
    if message.domain != expected.domain || message.scheme != expected.scheme {
        return differs("domain");
    }
    if message.uri != expected.uri {
        return differs("context");
    }
    if message.nonce != expected.nonce {
        return differs("invitation");
    }
    if message.chain_id != expected.chain_id {
        return differs("chain");
    }
    if message.address != expected.address {
        return differs("account");
    }
    if message.resources != expected.resources {
        return differs("member or invitation");
    }
    // What is left: the statement, and fields that we never set.
    if message == expected { Ok(()) } else { differs("purpose") }
}

/// The key as `did:key`. Source: the did:key method, §3.1.2 (multicodec 0xed, base58btc).
fn did_key(member: &MemberKey) -> String {
    let bytes = [&[0xed, 0x01], &member.as_bytes()[..]].concat();
    format!("did:key:z{}", base58(&bytes))
}

/// Base58 with Bitcoin's alphabet, for bytes that do not begin with zero.
fn base58(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    let mut digits: Vec<u8> = Vec::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let mut carry = u32::from(*byte);
        for digit in &mut digits {
            carry += u32::from(*digit) << 8;
            *digit = u8::try_from(carry % 58).expect("below 58");
            carry /= 58;
        }
        while carry > 0 {
            digits.push(u8::try_from(carry % 58).expect("below 58"));
            carry /= 58;
        }
    }
    digits.iter().rev().map(|digit| char::from(ALPHABET[usize::from(*digit)])).collect()
}

#[cfg(test)]
mod tests;
