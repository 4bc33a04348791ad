//! Keeps a context's words among its members: AEAD under an epoch secret, and HPKE envelopes that
//! hand the secret to one member.
//!
//! Sources: RFC 9180 (HPKE base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20-Poly1305);
//! draft-irtf-cfrg-xchacha (24-byte nonces, long enough to draw at random).

use alloc::{format, vec::Vec};
use core::fmt;

use borsh::{BorshDeserialize, BorshSerialize};
use chacha20poly1305::{
    KeyInit as _, XChaCha20Poly1305, XNonce, aead::AeadMut as _, aead::Payload,
};
use hpke::{
    Deserializable as _, Kem as _, OpModeR, OpModeS, Serializable as _,
    aead::ChaCha20Poly1305 as HpkeAead, kdf::HkdfSha256, kem::X25519HkdfSha256,
};
use rand_core::CryptoRngCore;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::{ContextId, ExchangeKey, ExchangeSecret, Hash, TopicId};

/// The bytes were not sealed under this key for this purpose, or were changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot open sealed bytes")]
pub struct OpenError;

/// The shared secret of one key epoch of one context: 32 random bytes. Wiped when dropped.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct EpochSecret([u8; 32]);

/// Bytes sealed under an [`EpochSecret`]: an outsider sees their length and the epoch number.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Sealed {
    /// Which key epoch's secret opens it.
    pub key_epoch: u32,
    nonce: [u8; 24],
    ciphertext: Vec<u8>,
}

/// An epoch secret wrapped for one member. 32 bytes of KEM share, 48 of sealed secret.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Envelope {
    share: [u8; 32],
    sealed_secret: [u8; 48],
}

impl EpochSecret {
    /// A fresh secret from `rng`.
    pub fn generate(rng: &mut impl CryptoRngCore) -> Self {
        let mut bytes = [0; 32];
        rng.fill_bytes(&mut bytes);
        Self(bytes)
    }

    /// Wraps 32 bytes that came from the keystore.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes inside, for the keystore alone.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Seals `message` for the members of `context` at `key_epoch`.
    ///
    /// The nonce is drawn from `rng`, never given, so that no caller can repeat one.
    ///
    /// # Errors
    /// [`OpenError`] if `message` exceeds the cipher's 256 GiB, so in practice never.
    pub fn seal(
        &self,
        context: &ContextId,
        key_epoch: u32,
        message: &[u8],
        rng: &mut impl CryptoRngCore,
    ) -> Result<Sealed, OpenError> {
        let mut nonce = [0; 24];
        rng.fill_bytes(&mut nonce);
        let aad = message_aad(context, key_epoch);
        let ciphertext = self
            .cipher()
            .encrypt(XNonce::from_slice(&nonce), Payload { msg: message, aad: &aad })
            .map_err(|_| OpenError)?;
        Ok(Sealed { key_epoch, nonce, ciphertext })
    }

    /// Opens what [`EpochSecret::seal`] made for the same context and key epoch.
    ///
    /// # Errors
    /// [`OpenError`] for another secret, context or epoch, or changed bytes.
    pub fn open(&self, context: &ContextId, sealed: &Sealed) -> Result<Vec<u8>, OpenError> {
        let aad = message_aad(context, sealed.key_epoch);
        self.cipher()
            .decrypt(
                XNonce::from_slice(&sealed.nonce),
                Payload { msg: &sealed.ciphertext, aad: &aad },
            )
            .map_err(|_| OpenError)
    }

    /// The gossip topic of `context` while this secret is in force; unguessable without it.
    pub fn topic(&self, context: &ContextId) -> TopicId {
        let key = self.derive("anchorhold/topic/1");
        TopicId::from_bytes(*blake3::keyed_hash(&key, context.as_bytes()).as_bytes())
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&self.derive("anchorhold/message-key/1").into())
    }

    fn derive(&self, purpose: &str) -> [u8; 32] {
        blake3::derive_key(purpose, &self.0)
    }
}

impl fmt::Debug for EpochSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EpochSecret(…)")
    }
}

impl Envelope {
    /// Wraps `secret` so that only the holder of `recipient`'s secret half can read it.
    ///
    /// # Errors
    /// [`OpenError`] if `recipient` is a low-order point.
    pub fn wrap(
        secret: &EpochSecret,
        context: &ContextId,
        key_epoch: u32,
        recipient: &ExchangeKey,
        rng: &mut impl CryptoRngCore,
    ) -> Result<Self, OpenError> {
        let key = <X25519HkdfSha256 as hpke::Kem>::PublicKey::from_bytes(recipient.as_bytes())
            .map_err(|_| OpenError)?;
        let info = envelope_info(context, key_epoch);
        let (share, sealed) = hpke::single_shot_seal::<HpkeAead, HkdfSha256, X25519HkdfSha256, _>(
            &OpModeS::Base,
            &key,
            &info,
            secret.as_bytes(),
            b"",
            &mut Rng(rng),
        )
        .map_err(|_| OpenError)?;
        Ok(Self {
            share: share.to_bytes().into(),
            sealed_secret: sealed.try_into().map_err(|_| OpenError)?,
        })
    }

    /// The secret inside, for the holder of `recipient`.
    ///
    /// # Errors
    /// [`OpenError`] for another recipient, context or epoch, or changed bytes.
    pub fn unwrap(
        &self,
        context: &ContextId,
        key_epoch: u32,
        recipient: &ExchangeSecret,
    ) -> Result<EpochSecret, OpenError> {
        let key = <X25519HkdfSha256 as hpke::Kem>::PrivateKey::from_bytes(recipient.as_bytes())
            .map_err(|_| OpenError)?;
        let share = <X25519HkdfSha256 as hpke::Kem>::EncappedKey::from_bytes(&self.share)
            .map_err(|_| OpenError)?;
        let info = envelope_info(context, key_epoch);
        let mut bytes = hpke::single_shot_open::<HpkeAead, HkdfSha256, X25519HkdfSha256>(
            &OpModeR::Base,
            &key,
            &share,
            &info,
            &self.sealed_secret,
            b"",
        )
        .map_err(|_| OpenError)?;
        let secret = bytes.as_slice().try_into().map(EpochSecret).map_err(|_| OpenError);
        bytes.zeroize();
        secret
    }
}

/// Seals `plain` under a 32-byte key for storage on this node; `purpose` separates the uses.
///
/// # Errors
/// [`OpenError`] as for [`EpochSecret::seal`].
pub fn seal_at_rest(
    key: &[u8; 32],
    purpose: &str,
    plain: &[u8],
    rng: &mut impl CryptoRngCore,
) -> Result<Vec<u8>, OpenError> {
    let mut out = alloc::vec![0; 24];
    rng.fill_bytes(&mut out);
    let payload = Payload { msg: plain, aad: purpose.as_bytes() };
    let sealed = XChaCha20Poly1305::new(key.into())
        .encrypt(XNonce::from_slice(&out), payload)
        .map_err(|_| OpenError)?;
    out.extend_from_slice(&sealed);
    Ok(out)
}

/// Opens what [`seal_at_rest`] made with the same key and purpose.
///
/// # Errors
/// [`OpenError`] otherwise.
pub fn open_at_rest(key: &[u8; 32], purpose: &str, sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
    let (nonce, msg) = sealed.split_at_checked(24).ok_or(OpenError)?;
    let payload = Payload { msg, aad: purpose.as_bytes() };
    XChaCha20Poly1305::new(key.into())
        .decrypt(XNonce::from_slice(nonce), payload)
        .map_err(|_| OpenError)
}

/// Names `context` between peers `one` and `other`, the same from both sides, so that a third who
/// does not know the context's id learns nothing.
pub fn rendezvous_tag(context: &ContextId, one: &[u8], other: &[u8]) -> Hash {
    let (first, second) = if one <= other { (one, other) } else { (other, one) };
    let key = blake3::derive_key("anchorhold/rendezvous-tag/1", context.as_bytes());
    let mut hasher = blake3::Hasher::new_keyed(&key);
    for part in [first, second] {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    Hash::from_bytes(*hasher.finalize().as_bytes())
}

/// Seals an introduction so that only who knows the id of `context` can read it.
///
/// # Errors
/// [`OpenError`] as for [`EpochSecret::seal`].
pub fn seal_introduction(
    context: &ContextId,
    plain: &[u8],
    rng: &mut impl CryptoRngCore,
) -> Result<Vec<u8>, OpenError> {
    seal_at_rest(&introduction_key(context), "anchorhold/introduction/1", plain, rng)
}

/// Opens what [`seal_introduction`] made for the same context.
///
/// # Errors
/// [`OpenError`] otherwise.
pub fn open_introduction(context: &ContextId, sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
    open_at_rest(&introduction_key(context), "anchorhold/introduction/1", sealed)
}

fn introduction_key(context: &ContextId) -> [u8; 32] {
    blake3::derive_key("anchorhold/introduction-key/1", context.as_bytes())
}

pub(crate) fn exchange_public(secret: &[u8; 32]) -> [u8; 32] {
    let key = <X25519HkdfSha256 as hpke::Kem>::PrivateKey::from_bytes(secret)
        .expect("every 32 bytes are an X25519 scalar");
    X25519HkdfSha256::sk_to_pk(&key).to_bytes().into()
}

fn message_aad(context: &ContextId, key_epoch: u32) -> Vec<u8> {
    [b"anchorhold/message/1".as_slice(), context.as_bytes(), &key_epoch.to_le_bytes()].concat()
}

fn envelope_info(context: &ContextId, key_epoch: u32) -> Vec<u8> {
    format!("anchorhold/envelope/1/{context}/{key_epoch}").into_bytes()
}

/// Lends a [`CryptoRngCore`] to hpke, which wants a sized type of its own traits.
struct Rng<'a, R>(&'a mut R);

impl<R: CryptoRngCore> rand_core::RngCore for Rng<'_, R> {
    fn next_u32(&mut self) -> u32 {
        self.0.next_u32()
    }

    fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    fn fill_bytes(&mut self, dest: &mut [u8]) {
        self.0.fill_bytes(dest);
    }

    fn try_fill_bytes(&mut self, dest: &mut [u8]) -> Result<(), rand_core::Error> {
        self.0.try_fill_bytes(dest)
    }
}

impl<R: CryptoRngCore> rand_core::CryptoRng for Rng<'_, R> {}

#[cfg(test)]
mod tests {
    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng as _};

    use super::*;

    const HERE: ContextId = ContextId::from_bytes([1; 32]);
    const ELSEWHERE: ContextId = ContextId::from_bytes([2; 32]);

    fn rng() -> ChaCha20Rng {
        ChaCha20Rng::seed_from_u64(7)
    }

    #[test]
    fn sealed_words_open_for_the_same_secret_context_and_epoch_alone() {
        let rng = &mut rng();
        let (secret, other) = (EpochSecret::generate(rng), EpochSecret::generate(rng));
        let sealed = secret.seal(&HERE, 3, b"hello", rng).expect("seals");
        assert_eq!(secret.open(&HERE, &sealed).expect("opens"), b"hello");
        assert_eq!(other.open(&HERE, &sealed), Err(OpenError));
        assert_eq!(secret.open(&ELSEWHERE, &sealed), Err(OpenError));
        let relabelled = Sealed { key_epoch: 4, ..sealed.clone() };
        assert_eq!(secret.open(&HERE, &relabelled), Err(OpenError));
        let mut changed = sealed;
        changed.ciphertext[0] ^= 1;
        assert_eq!(secret.open(&HERE, &changed), Err(OpenError));
    }

    #[test]
    fn an_envelope_opens_for_its_recipient_alone() {
        let rng = &mut rng();
        let secret = EpochSecret::generate(rng);
        let (bob, eve) = (ExchangeSecret::generate(rng), ExchangeSecret::generate(rng));
        let envelope = Envelope::wrap(&secret, &HERE, 1, &bob.public(), rng).expect("wraps");
        assert_eq!(envelope.unwrap(&HERE, 1, &bob).expect("opens"), secret);
        assert_eq!(envelope.unwrap(&HERE, 1, &eve), Err(OpenError));
        assert_eq!(envelope.unwrap(&HERE, 2, &bob), Err(OpenError));
        assert_eq!(envelope.unwrap(&ELSEWHERE, 1, &bob), Err(OpenError));
    }

    #[test]
    fn a_low_order_recipient_is_refused() {
        let rng = &mut rng();
        let secret = EpochSecret::generate(rng);
        let low = ExchangeKey::from_bytes([0; 32]);
        assert_eq!(Envelope::wrap(&secret, &HERE, 1, &low, rng), Err(OpenError));
    }

    #[test]
    fn topics_differ_by_context_and_by_secret() {
        let rng = &mut rng();
        let (one, two) = (EpochSecret::generate(rng), EpochSecret::generate(rng));
        assert_eq!(one.topic(&HERE), one.topic(&HERE));
        assert_ne!(one.topic(&HERE), one.topic(&ELSEWHERE));
        assert_ne!(one.topic(&HERE), two.topic(&HERE));
    }

    #[test]
    fn a_rendezvous_is_symmetric_and_bound_to_both_peers_and_the_context() {
        let tag = rendezvous_tag(&HERE, b"alice", b"bob");
        assert_eq!(tag, rendezvous_tag(&HERE, b"bob", b"alice"));
        assert_ne!(tag, rendezvous_tag(&ELSEWHERE, b"alice", b"bob"));
        assert_ne!(tag, rendezvous_tag(&HERE, b"alice", b"carol"));
        assert_ne!(tag, rendezvous_tag(&HERE, b"aliceb", b"ob"));
        let sealed = seal_introduction(&HERE, b"i am alice", &mut rng()).expect("seals");
        assert_eq!(open_introduction(&HERE, &sealed).expect("opens"), b"i am alice");
        assert_eq!(open_introduction(&ELSEWHERE, &sealed), Err(OpenError));
    }

    #[test]
    fn secrets_do_not_print() {
        let secret = EpochSecret::from_bytes([0xAA; 32]);
        assert_eq!(format!("{secret:?}"), "EpochSecret(…)");
        let member = crate::MemberSecret::from_seed(&[0xAA; 32]);
        assert!(!format!("{member:?}").contains("aaaaaaaa"));
    }

    #[test]
    fn what_rests_on_disk_opens_for_its_key_and_purpose_alone() {
        let sealed = seal_at_rest(&[1; 32], "node key", b"seed", &mut rng()).expect("seals");
        assert_eq!(open_at_rest(&[1; 32], "node key", &sealed).expect("opens"), b"seed");
        assert_eq!(open_at_rest(&[2; 32], "node key", &sealed), Err(OpenError));
        assert_eq!(open_at_rest(&[1; 32], "wallet", &sealed), Err(OpenError));
        assert_eq!(open_at_rest(&[1; 32], "node key", &sealed[..20]), Err(OpenError));
    }
}
