//! What Ethereum has its own of: addresses, signatures, EIP-712, and calls with batches as bytes.

use anyhow::{Context as _, Result};
use governance::anchor::{Account, Approval, Host, OnChainId, Registry};
use k256::ecdsa::{RecoveryId, Signature, SigningKey, VerifyingKey};
use p256::ecdsa::signature::hazmat::PrehashVerifier as _;
use types::{Hash, keccak256, keccak256_concat};

use crate::script::Flaw;

/// Of a binding that Ethereum leaves to nodes.
pub(crate) const ED25519: u8 = 1;
pub(crate) const SECP256K1: u8 = 2;
pub(crate) const P256: u8 = 3;

/// The address of a secp256k1 secret.
///
/// # Errors
/// If it is none.
pub(crate) fn address(secret: &[u8]) -> Result<[u8; 20]> {
    let key = SigningKey::from_slice(secret).context("no secp256k1 secret")?;
    Ok(address_of(key.verifying_key()))
}

/// `x ‖ y` of a secp256k1 secret.
///
/// # Errors
/// If it is none.
pub(crate) fn point(secret: &[u8]) -> Result<Vec<u8>> {
    let key = SigningKey::from_slice(secret).context("no secp256k1 secret")?;
    Ok(key.verifying_key().to_encoded_point(false).as_bytes()[1..].to_vec())
}

/// `r ‖ s ‖ v` over `digest`, s low, v 27 or 28, but for `flaw`.
///
/// # Errors
/// If `secret` is none.
pub(crate) fn sign(secret: &[u8], digest: &Hash, flaw: Option<Flaw>) -> Result<Vec<u8>> {
    let key = SigningKey::from_slice(secret).context("no secp256k1 secret")?;
    let (mut signature, id) = key.sign_prehash_recoverable(digest.as_bytes())?;
    let mut v = 27 + id.to_byte();
    match flaw {
        Some(Flaw::HighS) => {
            let (r, s) = signature.split_scalars();
            signature = Signature::from_scalars(r.to_bytes(), (-s).to_bytes())?;
            v = 55 - v;
        }
        Some(Flaw::BareParity) => v -= 27,
        Some(Flaw::Short) | None => {}
    }
    let mut bytes = signature.to_bytes().to_vec();
    if flaw != Some(Flaw::Short) {
        bytes.push(v);
    }
    Ok(bytes)
}

fn address_of(key: &VerifyingKey) -> [u8; 20] {
    let point = key.to_encoded_point(false);
    hash_end(&point.as_bytes()[1..])
}

fn hash_end(bytes: &[u8]) -> [u8; 20] {
    let hash = keccak256(bytes);
    hash.as_bytes()[12..].try_into().expect("32 bytes less 12")
}

fn recover(digest: &Hash, signature: &[u8]) -> Option<[u8; 20]> {
    let (rs, v) = signature.split_at_checked(64)?;
    let &[v @ (27 | 28)] = v else { return None };
    let rs = Signature::from_slice(rs).ok()?;
    if rs.normalize_s().is_some() {
        return None;
    }
    let id = RecoveryId::from_byte(v - 27)?;
    let key = VerifyingKey::recover_from_prehash(digest.as_bytes(), &rs, id).ok()?;
    Some(address_of(&key))
}

/// The EIP-712 digest of an approval in `registry`.
///
/// # Errors
/// If the registry is not on a chain of this kind.
pub(crate) fn approval_digest(registry: &Registry, approval: &Approval) -> Result<Hash> {
    let number: u64 = registry.chain.reference().parse().context("no number of a chain")?;
    let domain = keccak256_concat(&[
        keccak256(
            b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)",
        )
        .as_bytes(),
        keccak256(b"Anchorhold").as_bytes(),
        keccak256(b"1").as_bytes(),
        &word(number),
        &padded(registry.account.as_bytes()),
    ]);
    let Approval { context, seq, actions_hash, deadline_s } = approval;
    let message = keccak256_concat(&[
        keccak256(b"Approve(bytes32 context,uint64 seq,bytes32 actionsHash,uint256 deadline)")
            .as_bytes(),
        context.as_hash().as_bytes(),
        &word(*seq),
        actions_hash.as_bytes(),
        &word(*deadline_s),
    ]);
    Ok(keccak256_concat(&[b"\x19\x01", domain.as_bytes(), message.as_bytes()]))
}

/// Transaction data of a method whose arguments are words and, as the last or last but one, bytes:
/// `signature` with `bytes` at `position` among `words`.
pub(crate) fn raw_call(
    signature: &str,
    words: &[[u8; 32]],
    position: usize,
    bytes: &[u8],
) -> Vec<u8> {
    let (before, after) = words.split_at(position);
    let offset = word(32 * (words.len() as u64 + 1));
    let mut data = keccak256(signature.as_bytes()).as_bytes()[..4].to_vec();
    let len = word(bytes.len() as u64);
    for word in before.iter().chain([&offset]).chain(after).chain([&len]) {
        data.extend_from_slice(word);
    }
    data.extend_from_slice(bytes);
    data.resize(data.len() + bytes.len().next_multiple_of(32) - bytes.len(), 0);
    data
}

/// A number as 32 bytes.
pub(crate) fn word(number: u64) -> [u8; 32] {
    padded(&number.to_be_bytes())
}

fn padded(bytes: &[u8]) -> [u8; 32] {
    let mut word = [0; 32];
    word[32 - bytes.len()..].copy_from_slice(bytes);
    word
}

/// An Ethereum without contract accounts, but with their signatures.
#[derive(Clone, Debug)]
pub struct Ethereum {
    registry: Registry,
}

impl Ethereum {
    /// The host of `registry`.
    pub const fn new(registry: Registry) -> Self {
        Self { registry }
    }
}

impl Host for Ethereum {
    fn approved(&self, signer: &Account, approval: &Approval, signature: &[u8]) -> bool {
        let digest = approval_digest(&self.registry, approval).ok();
        let by = digest.and_then(|digest| recover(&digest, signature));
        by.is_some_and(|by| signer.as_bytes() == by)
    }

    fn recover(&self, digest: &Hash, signature: &[u8]) -> Option<[u8; 20]> {
        recover(digest, signature)
    }

    fn key_signed(&self, scheme: u8, key: &[u8], digest: &Hash, signature: &[u8]) -> Option<bool> {
        match scheme {
            ED25519 => None,
            SECP256K1 if key.len() == 64 => Some(recover(digest, signature) == Some(hash_end(key))),
            P256 if key.len() == 64 => {
                let point = [&[4], key].concat();
                let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(&point).ok();
                let signature = p256::ecdsa::Signature::from_slice(signature).ok();
                let (Some(key), Some(signature)) = (key, signature) else { return Some(false) };
                Some(key.verify_prehash(digest.as_bytes(), &signature).is_ok())
            }
            _ => Some(false),
        }
    }
}

/// The id in a word.
pub(crate) fn context_word(context: &OnChainId) -> [u8; 32] {
    *context.as_hash().as_bytes()
}

#[cfg(test)]
mod tests {
    use governance::anchor::{Action, Call, encode_actions};

    use super::*;

    #[test]
    fn raw_calls_are_what_the_adapter_sends() {
        let context = OnChainId::new(Hash::from_bytes([7; 32]));
        let ctx = context_word(&context);
        for count in [1, 2, 16] {
            let actions = vec![Action::Dissolve; count];
            let bytes = encode_actions(&actions).expect("it fits");
            let sent = |call| ethereum::call_data(&context, &call).expect("a batch").to_vec();
            let propose = raw_call("propose(bytes32,bytes,uint64)", &[ctx, word(9)], 1, &bytes);
            assert_eq!(propose, sent(Call::Propose { actions: actions.clone(), expiry_s: 9 }));
            let execute = raw_call("execute(bytes32,uint64,bytes)", &[ctx, word(9)], 2, &bytes);
            assert_eq!(execute, sent(Call::Execute { seq: 9, actions }));
        }
    }

    #[test]
    fn signatures_are_recovered_unless_they_have_a_flaw() {
        let (secret, digest) = ([9; 32], Hash::from_bytes([5; 32]));
        let address = address(&secret).expect("a secret");
        let by = |flaw| recover(&digest, &sign(&secret, &digest, flaw).expect("a secret"));
        assert_eq!(by(None), Some(address));
        for flaw in [Flaw::HighS, Flaw::BareParity, Flaw::Short] {
            assert_eq!(by(Some(flaw)), None, "{flaw:?}");
        }
        // The twin with the high s is the same key's: only the bound on s refuses it.
        let twin = sign(&secret, &digest, Some(Flaw::HighS)).expect("a secret");
        let (r, s) = Signature::from_slice(&twin[..64]).expect("in range").split_scalars();
        let low = Signature::from_scalars(r.to_bytes(), (-s).to_bytes()).expect("in range");
        let back = [&low.to_bytes()[..], &[55 - twin[64]]].concat();
        assert_eq!(recover(&digest, &back), Some(address));
    }
}
