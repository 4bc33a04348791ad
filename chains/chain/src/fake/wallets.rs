//! Wallets of the chain in memory: Ed25519 keys whose account is a hash of the public half.

use core::fmt::Write as _;

use governance::log::{Answer, Binding, WalletProof, WalletVerifier};
use types::{AccountId, ChainId, MemberKey, MemberSecret, Signature, UnixMillis, keccak256};

use crate::{AccountKey, WalletError, Wallets};

/// The scheme's number in a [`WalletProof`].
const SCHEME: u8 = 200;

/// Signs and checks for accounts of [`crate::fake::FakeChain`]s.
#[derive(Clone, Copy, Debug)]
pub struct FakeWallets;

impl Wallets for FakeWallets {
    fn account(&self, chain: &ChainId, key: &AccountKey) -> Result<AccountId, WalletError> {
        account_of(chain, &MemberSecret::from_seed(key.as_bytes()).public())
    }

    fn message(&self, binding: &Binding, _now: UnixMillis) -> Result<String, WalletError> {
        let Binding { context, invitation, member, account, .. } = binding;
        let mut text = format!("context {context} member {member} account {account}");
        if let Some(invitation) = invitation {
            write!(text, " invitation {invitation}").expect("writing to a string cannot fail");
        }
        Ok(text)
    }

    fn sign(&self, message: &str, key: &AccountKey) -> Result<WalletProof, WalletError> {
        let secret = MemberSecret::from_seed(key.as_bytes());
        let signature = secret.sign_bytes(message.as_bytes());
        let signature = [&secret.public().as_bytes()[..], signature.as_bytes()].concat();
        Ok(WalletProof { scheme: SCHEME, message: message.as_bytes().to_vec(), signature })
    }

    fn answered(&self, message: &str, answer: &str) -> Result<WalletProof, WalletError> {
        let (pairs, rest) = answer.as_bytes().as_chunks::<2>();
        let digit = |digit: u8| char::from(digit).to_digit(16);
        let byte = |[high, low]: &[u8; 2]| u8::try_from(digit(*high)? << 4 | digit(*low)?).ok();
        let signature: Option<Vec<u8>> = pairs.iter().map(byte).collect();
        let signature = signature.filter(|_| rest.is_empty()).ok_or(WalletError::BadSignature)?;
        Ok(WalletProof { scheme: SCHEME, message: message.as_bytes().to_vec(), signature })
    }

    fn check(&self, binding: &Binding, proof: &WalletProof) -> Result<(), WalletError> {
        if proof.scheme != SCHEME {
            return Err(WalletError::Unsupported { account: binding.account.clone() });
        }
        if self.message(binding, UnixMillis(0))?.as_bytes() != proof.message {
            return Err(WalletError::OtherField { field: "binding" });
        }
        let (key, signature) =
            proof.signature.split_first_chunk().ok_or(WalletError::BadSignature)?;
        let key = MemberKey::from_bytes(*key);
        let signature = signature.try_into().map_err(|_| WalletError::BadSignature)?;
        key.verify_bytes(&proof.message, &Signature::from_bytes(signature))
            .map_err(|_| WalletError::BadSignature)?;
        let found = account_of(&binding.account.chain(), &key)?;
        let expected = binding.account.clone();
        if found == expected { Ok(()) } else { Err(WalletError::OtherSigner { expected, found }) }
    }
}

impl WalletVerifier for FakeWallets {
    fn verify(&self, binding: &Binding, proof: &WalletProof) -> Answer {
        WalletError::answer(&self.check(binding, proof))
    }
}

fn account_of(chain: &ChainId, key: &MemberKey) -> Result<AccountId, WalletError> {
    let text = keccak256(key.as_bytes()).to_string();
    let address: String = text.chars().take(40).collect();
    AccountId::new(chain, &format!("0x{address}")).map_err(|_| WalletError::BadKey)
}
