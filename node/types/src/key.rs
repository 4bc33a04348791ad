//! Keys of members (Ed25519, X25519) and of open invitations (secp256k1).

use alloc::string::{String, ToString};
use core::{fmt, str::FromStr};

use borsh::{BorshDeserialize, BorshSerialize};
use ed25519_dalek::Signer as _;
use k256::ecdsa::{RecoveryId, VerifyingKey};
use rand_core::CryptoRngCore;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::{
    Tagged,
    id::{ParseIdError, parse_hex},
    keccak256,
};

/// A signature does not hold, or a key is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("signature does not verify")]
pub struct SignatureError;

/// A member's public identity in one context: Ed25519. Text form: 64 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct MemberKey([u8; 32]);

/// An Ed25519 signature.
#[derive(Clone, Copy, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
pub struct Signature([u8; 64]);

/// The secret half of a [`MemberKey`]. Wiped when dropped; never printed.
#[derive(Clone)]
pub struct MemberSecret(ed25519_dalek::SigningKey);

impl MemberKey {
    /// Wraps 32 bytes; whether they are a curve point is found out by the first verification.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes inside.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether this key signed `message` (strict: low-order keys and unreduced scalars fail).
    ///
    /// # Errors
    /// [`SignatureError`] if it did not, or the key is no point. Source: RFC 8032 §5.1.7, with
    /// ed25519-dalek's `verify_strict` checks.
    pub fn verify(
        &self,
        message: &impl Tagged,
        signature: &Signature,
    ) -> Result<(), SignatureError> {
        self.verify_bytes(&message.preimage(), signature)
    }

    /// As [`MemberKey::verify`] for a preimage that is at hand.
    ///
    /// # Errors
    /// [`SignatureError`] as there.
    pub fn verify_bytes(
        &self,
        preimage: &[u8],
        signature: &Signature,
    ) -> Result<(), SignatureError> {
        let key = ed25519_dalek::VerifyingKey::from_bytes(&self.0).map_err(|_| SignatureError)?;
        let signature = ed25519_dalek::Signature::from_bytes(&signature.0);
        key.verify_strict(preimage, &signature).map_err(|_| SignatureError)
    }
}

impl MemberSecret {
    /// A fresh secret from `rng`.
    pub fn generate(rng: &mut impl CryptoRngCore) -> Self {
        let mut seed = [0; 32];
        rng.fill_bytes(&mut seed);
        let secret = Self::from_seed(&seed);
        seed.zeroize();
        secret
    }

    /// The secret with this 32-byte seed (RFC 8032 §5.1.5).
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(seed))
    }

    /// The seed, for the keystore alone.
    pub fn seed(&self) -> zeroize::Zeroizing<[u8; 32]> {
        zeroize::Zeroizing::new(self.0.to_bytes())
    }

    /// The public half.
    pub fn public(&self) -> MemberKey {
        MemberKey(self.0.verifying_key().to_bytes())
    }

    /// Signs the tagged encoding of `message`.
    pub fn sign(&self, message: &impl Tagged) -> Signature {
        self.sign_bytes(&message.preimage())
    }

    /// Signs a preimage that is at hand; it must come from [`Tagged::preimage`], or be the hash of
    /// one that names its purpose and place as well.
    pub fn sign_bytes(&self, preimage: &[u8]) -> Signature {
        Signature(self.0.sign(preimage).to_bytes())
    }
}

impl fmt::Debug for MemberSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MemberSecret({:?})", self.public())
    }
}

impl Signature {
    /// Wraps 64 bytes.
    pub const fn from_bytes(bytes: [u8; 64]) -> Self {
        Self(bytes)
    }

    /// The bytes inside.
    pub const fn as_bytes(&self) -> &[u8; 64] {
        &self.0
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, ..] = self.0;
        write!(f, "Signature({a:02x}{b:02x}{c:02x}{d:02x})")
    }
}

/// An X25519 public key to which context keys are wrapped.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct ExchangeKey([u8; 32]);

/// The secret half of an [`ExchangeKey`]. Wiped when dropped; never printed.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct ExchangeSecret([u8; 32]);

impl ExchangeKey {
    /// Wraps 32 bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes inside.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl ExchangeSecret {
    /// A fresh secret from `rng`.
    pub fn generate(rng: &mut impl CryptoRngCore) -> Self {
        let mut bytes = [0; 32];
        rng.fill_bytes(&mut bytes);
        Self(bytes)
    }

    /// Wraps the 32 bytes of an X25519 scalar.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes inside, for the keystore and [`crate::seal`] alone.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The public half.
    pub fn public(&self) -> ExchangeKey {
        ExchangeKey(crate::seal::exchange_public(&self.0))
    }
}

impl fmt::Debug for ExchangeSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ExchangeSecret({:?})", self.public())
    }
}

/// The address of an open invitation's ephemeral secp256k1 key: the last 20 bytes of the keccak-256
/// of its public key, so that contracts can check a claim with `ecrecover`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct InviteAddress([u8; 20]);

/// The secret of an open invitation: who holds it may claim. Wiped when dropped; never printed.
#[derive(Clone)]
pub struct InviteSecret(k256::ecdsa::SigningKey);

/// Recoverable secp256k1 signature `r ‖ s ‖ v`, v in {27, 28}, low s.
#[derive(Clone, Copy, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
pub struct InviteSignature([u8; 65]);

impl InviteAddress {
    /// The bytes inside.
    pub const fn as_bytes(&self) -> &[u8; 20] {
        &self.0
    }

    /// Whether the holder of this invitation's secret signed `message`.
    ///
    /// # Errors
    /// [`SignatureError`] for another signer, a high s (EIP-2) or a v outside {27, 28}.
    pub fn verify(
        &self,
        message: &impl Tagged,
        signature: &InviteSignature,
    ) -> Result<(), SignatureError> {
        let [rs @ .., v] = &signature.0;
        let rs = k256::ecdsa::Signature::from_slice(rs).map_err(|_| SignatureError)?;
        if rs.normalize_s().is_some() {
            return Err(SignatureError);
        }
        let id = v.checked_sub(27).filter(|id| *id < 2).ok_or(SignatureError)?;
        let id = RecoveryId::from_byte(id).ok_or(SignatureError)?;
        let digest = keccak256(&message.preimage());
        let key = VerifyingKey::recover_from_prehash(digest.as_bytes(), &rs, id)
            .map_err(|_| SignatureError)?;
        if address_of(&key) == *self { Ok(()) } else { Err(SignatureError) }
    }
}

impl InviteSecret {
    /// A fresh secret from `rng`.
    pub fn generate(rng: &mut impl CryptoRngCore) -> Self {
        Self(k256::ecdsa::SigningKey::random(rng))
    }

    /// The secret with these 32 bytes.
    ///
    /// # Errors
    /// [`SignatureError`] if they are zero or not below the group order.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, SignatureError> {
        k256::ecdsa::SigningKey::from_slice(bytes).map(Self).map_err(|_| SignatureError)
    }

    /// The 32 bytes, for the invitation link alone.
    pub fn to_bytes(&self) -> zeroize::Zeroizing<[u8; 32]> {
        zeroize::Zeroizing::new(self.0.to_bytes().into())
    }

    /// The address that the invitation names.
    pub fn address(&self) -> InviteAddress {
        address_of(self.0.verifying_key())
    }

    /// Signs keccak-256 of the tagged encoding of `message`, deterministically (RFC 6979).
    ///
    /// # Errors
    /// [`SignatureError`] if the digest cannot be signed, which has negligible probability.
    pub fn sign(&self, message: &impl Tagged) -> Result<InviteSignature, SignatureError> {
        let digest = keccak256(&message.preimage());
        let (signature, id) =
            self.0.sign_prehash_recoverable(digest.as_bytes()).map_err(|_| SignatureError)?;
        let mut bytes = [0; 65];
        let (rs, v) = bytes.split_at_mut(64);
        rs.copy_from_slice(&signature.to_bytes());
        v.copy_from_slice(&[27 + id.to_byte()]);
        Ok(InviteSignature(bytes))
    }
}

impl fmt::Debug for InviteSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InviteSecret({:?})", self.address())
    }
}

fn address_of(key: &VerifyingKey) -> InviteAddress {
    let point = key.to_encoded_point(false);
    let digest = keccak256(point.as_bytes().get(1..).unwrap_or_default());
    let mut address = [0; 20];
    address.copy_from_slice(&digest.as_bytes()[12..]);
    InviteAddress(address)
}

macro_rules! hex_text {
    ($($name:ident),*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                for chunk in self.0.chunks(32) {
                    let mut digits = [0; 64];
                    let (digits, _) = digits.split_at_mut(2 * chunk.len());
                    // Both lengths agree, and hex digits are ASCII.
                    hex::encode_to_slice(chunk, digits).map_err(|_| fmt::Error)?;
                    f.write_str(core::str::from_utf8(digits).map_err(|_| fmt::Error)?)?;
                }
                Ok(())
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                parse_hex(text).map(Self)
            }
        }
    )*};
}
hex_text!(MemberKey, Signature, ExchangeKey, InviteAddress, InviteSignature);

macro_rules! short_debug {
    ($($name:ident),*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let text: String = self.to_string().chars().take(8).collect();
                write!(f, "{}({text})", stringify!($name))
            }
        }
    )*};
}
short_debug!(MemberKey, ExchangeKey, InviteAddress, InviteSignature);

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng as _};

    use super::*;

    #[derive(BorshSerialize)]
    struct Note(&'static str);
    impl Tagged for Note {
        const TAG: &'static str = "anchorhold/test-note/1";
    }
    #[derive(BorshSerialize)]
    struct Order(&'static str);
    impl Tagged for Order {
        const TAG: &'static str = "anchorhold/test-order/1";
    }

    #[test]
    fn a_signature_holds_for_its_key_message_and_kind_alone() {
        let alice = MemberSecret::from_seed(&[1; 32]);
        let signature = alice.sign(&Note("pay"));
        assert_eq!(alice.public().verify(&Note("pay"), &signature), Ok(()));
        assert_eq!(alice.public().verify(&Note("pray"), &signature), Err(SignatureError));
        assert_eq!(alice.public().verify(&Order("pay"), &signature), Err(SignatureError));
        let eve = MemberSecret::from_seed(&[2; 32]).public();
        assert_eq!(eve.verify(&Note("pay"), &signature), Err(SignatureError));
    }

    #[test]
    fn a_low_order_key_verifies_nothing() {
        let mut identity = [0; 32];
        identity[0] = 1;
        let forged = Signature::from_bytes(
            [identity.as_slice(), &[0; 32]].concat().try_into().expect("64 bytes"),
        );
        let key = MemberKey::from_bytes(identity);
        assert_eq!(key.verify(&Note("anything"), &forged), Err(SignatureError));
    }

    #[test]
    fn an_invite_signature_holds_for_its_secret_and_message_with_low_s_alone() {
        let invite = InviteSecret::generate(&mut ChaCha20Rng::seed_from_u64(1));
        let signature = invite.sign(&Note("come")).expect("signs");
        assert_eq!(invite.address().verify(&Note("come"), &signature), Ok(()));
        assert_eq!(invite.address().verify(&Note("go"), &signature), Err(SignatureError));
        let other = InviteSecret::generate(&mut ChaCha20Rng::seed_from_u64(2));
        assert_eq!(other.address().verify(&Note("come"), &signature), Err(SignatureError));
        assert_eq!(
            invite.address().verify(&Note("come"), &high_s_twin(&signature)),
            Err(SignatureError)
        );
        let mut bad_v = signature;
        bad_v.0[64] = 0;
        assert_eq!(invite.address().verify(&Note("come"), &bad_v), Err(SignatureError));
    }

    /// (r, n − s, other v) recovers the same key: EIP-2 forbids it.
    fn high_s_twin(signature: &InviteSignature) -> InviteSignature {
        let low = k256::ecdsa::Signature::from_slice(&signature.0[..64]).expect("valid");
        let (r, s) = low.split_scalars();
        let high = k256::ecdsa::Signature::from_scalars(*r, -*s).expect("valid");
        let mut bytes: Vec<u8> = high.to_bytes().to_vec();
        bytes.push(if signature.0[64] == 27 { 28 } else { 27 });
        InviteSignature(bytes.try_into().expect("65 bytes"))
    }

    #[test]
    fn key_text_round_trips() {
        let key = MemberSecret::from_seed(&[3; 32]).public();
        assert_eq!(key.to_string().parse(), Ok(key));
        assert!("xyz".parse::<MemberKey>().is_err());
    }
}
