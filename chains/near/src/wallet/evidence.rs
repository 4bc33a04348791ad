//! What is left for the chain to judge, as it crosses the seam: how an account signed.

use super::{
    SCHEME_ETH_IMPLICIT, SCHEME_NEP413, SCHEME_NEP641,
    key::{PublicKey, Signature},
};
use crate::wire::{Malformed, Reader};

/// Longest authorization of a contract account.
pub(crate) const AUTHORIZATION_BYTES_MAX: usize = 12 << 10;
/// Bytes of an Ethereum signature.
const ETH_SIGNATURE_BYTES: usize = 65;

/// How an account signed a digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// With an access key.
    Key(PublicKey, Signature),
    /// With the Ethereum key in its name, `r ‖ s ‖ v`.
    EthereumKey([u8; ETH_SIGNATURE_BYTES]),
    /// By what its contract takes for an authorization; the digest is SHA-256 of the payload.
    /// Source: NEP-641.
    Authorization(String),
}

impl Evidence {
    /// The scheme's number, and what it has.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Key(key, signature) => {
                let mut out = vec![SCHEME_NEP413];
                key.write(&mut out);
                signature.write(&mut out);
                out
            }
            Self::EthereumKey(signature) => [&[SCHEME_ETH_IMPLICIT][..], signature].concat(),
            Self::Authorization(text) => [&[SCHEME_NEP641][..], text.as_bytes()].concat(),
        }
    }

    /// Reads what [`Evidence::encode`] wrote.
    ///
    /// # Errors
    /// [`Malformed`], also for a scheme that is not known, or an authorization of more than 12 KiB.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let (scheme, rest) = bytes.split_first().ok_or(Malformed("evidence"))?;
        match *scheme {
            SCHEME_NEP413 => {
                let mut reader = Reader::new(rest);
                let key = PublicKey::read(&mut reader)?;
                let signature = Signature::read(&mut reader)?;
                reader.end()?;
                Ok(Self::Key(key, signature))
            }
            SCHEME_ETH_IMPLICIT => {
                rest.try_into().map(Self::EthereumKey).map_err(|_| Malformed("Ethereum signature"))
            }
            SCHEME_NEP641 => authorization(rest).map(|text| Self::Authorization(text.to_owned())),
            _ => Err(Malformed("scheme")),
        }
    }
}

/// The text of an authorization.
pub(super) fn authorization(bytes: &[u8]) -> Result<&str, Malformed> {
    if bytes.is_empty() || bytes.len() > AUTHORIZATION_BYTES_MAX {
        return Err(Malformed("length of the authorization"));
    }
    if bytes.first() == Some(&0) {
        // That is how a block's height begins.
        return Err(Malformed("beginning of the authorization"));
    }
    str::from_utf8(bytes).map_err(|_| Malformed("UTF-8"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn evidence_is_read_back() {
        for evidence in [
            Evidence::Key(PublicKey::Ed25519([1; 32]), Signature::Ed25519([2; 64])),
            Evidence::Key(PublicKey::Secp256k1([1; 64]), Signature::Secp256k1([2; 65])),
            Evidence::EthereumKey([3; 65]),
            Evidence::Authorization("{}".to_owned()),
        ] {
            assert_eq!(Evidence::decode(&evidence.encode()), Ok(evidence));
        }
        for bad in [&[][..], &[9, 1], &[SCHEME_NEP641], &[SCHEME_ETH_IMPLICIT, 1], &[SCHEME_NEP413]]
        {
            assert!(Evidence::decode(bad).is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_judged(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(evidence) = Evidence::decode(&bytes) {
                prop_assert_eq!(evidence.encode(), bytes);
            }
        }
    }
}
