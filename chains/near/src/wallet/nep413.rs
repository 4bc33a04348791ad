//! Signed messages. Source: NEP-413.
//!
//! The standard has no chain id and no expiry: both must stand in the message. A `state` that
//! wallets send along is not signed, and not read.

use sha2::{Digest as _, Sha256};

use super::key::{BadSignature, PublicKey, Signature};
use crate::wire::{CryptoHash, Malformed, prefix};

/// What begins every preimage: 2³¹ + 413. NEP-461 keeps off-chain messages apart from all that a
/// chain takes, by this.
const TAG: u32 = (1 << 31) + 413;
/// Longest message that is read; the standard names none.
const MESSAGE_BYTES_MAX: usize = 64 << 10;
/// Longest recipient and callback: browsers cut longer addresses.
const ADDRESS_BYTES_MAX: usize = 2048;

/// What a wallet signs. Borrowed: hashing it copies nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payload<'a> {
    message: &'a str,
    nonce: &'a [u8; 32],
    recipient: &'a str,
    callback_url: Option<&'a str>,
}

impl<'a> Payload<'a> {
    /// The payload of these parts. `callback_url` is what the wallet was given: wallets that work
    /// by redirection sign it, others sign that there is none.
    ///
    /// # Errors
    /// [`Malformed`] if the message exceeds 64 KiB, or an address 2 KiB.
    pub fn new(
        message: &'a str,
        nonce: &'a [u8; 32],
        recipient: &'a str,
        callback_url: Option<&'a str>,
    ) -> Result<Self, Malformed> {
        if message.len() > MESSAGE_BYTES_MAX {
            return Err(Malformed("length of the message"));
        }
        if recipient.len() > ADDRESS_BYTES_MAX {
            return Err(Malformed("length of the recipient"));
        }
        if callback_url.is_some_and(|url| url.len() > ADDRESS_BYTES_MAX) {
            return Err(Malformed("length of the callback"));
        }
        Ok(Self { message, nonce, recipient, callback_url })
    }

    /// SHA-256 of [`Payload::preimage`], which is what is signed.
    pub fn hash(&self) -> CryptoHash {
        let mut hasher = Sha256::new();
        self.feed(|part| hasher.update(part));
        CryptoHash::from(hasher)
    }

    /// The tag, then the fields in borsh.
    pub fn preimage(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.feed(|part| out.extend_from_slice(part));
        out
    }

    /// Whether `key` signed this. Whose key it is, only the chain knows.
    ///
    /// # Errors
    /// [`BadSignature`]; as [`PublicKey::verify`].
    pub fn verify(&self, key: &PublicKey, signature: &Signature) -> Result<(), BadSignature> {
        key.verify(&self.hash(), signature)
    }

    fn feed(&self, mut put: impl FnMut(&[u8])) {
        put(&TAG.to_le_bytes());
        put(&prefix(self.message.len()));
        put(self.message.as_bytes());
        put(self.nonce);
        put(&prefix(self.recipient.len()));
        put(self.recipient.as_bytes());
        match self.callback_url {
            None => put(&[0]),
            Some(url) => {
                put(&[1]);
                put(&prefix(url.len()));
                put(url.as_bytes());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONCE: [u8; 32] = [7; 32];

    #[test]
    fn the_preimage_is_the_tag_and_the_fields() {
        let payload = Payload::new("hi", &NONCE, "a.near", Some("u")).expect("short");
        let expected = [
            &[0x9d, 0x01, 0x00, 0x80, 2, 0, 0, 0][..],
            b"hi",
            &NONCE,
            &[6, 0, 0, 0],
            b"a.near",
            &[1, 1, 0, 0, 0],
            b"u",
        ];
        assert_eq!(payload.preimage(), expected.concat());
        assert_eq!(payload.hash(), CryptoHash::of(&expected.concat()));
    }

    #[test]
    fn lengths_have_bounds() {
        let (message, address) = ("m".repeat(MESSAGE_BYTES_MAX), "a".repeat(ADDRESS_BYTES_MAX));
        assert!(Payload::new(&message, &NONCE, &address, Some(&address)).is_ok());
        let (message, address) = (message + "m", address + "a");
        assert!(Payload::new(&message, &NONCE, "", None).is_err());
        assert!(Payload::new("", &NONCE, &address, None).is_err());
        assert!(Payload::new("", &NONCE, "", Some(&address)).is_err());
    }
}
