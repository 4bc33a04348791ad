//! What accounts authorize off chain, and how a full-access key says so. Source: NEP-641.

use core::str::FromStr as _;

use serde::Deserialize;
use sha3::{Digest as _, Sha3_256};
use time::{OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339};

use super::{
    id::NearId,
    key::{PublicKey, Signature},
    nep413::Payload,
};
use crate::wire::prefix;

/// What begins every preimage.
const DOMAIN: &[u8] = b"NEAR_NEP641_OFFCHAIN_MESSAGE/V1";
/// Longest path from an account up to the one that is asked first.
pub(crate) const PATH_MAX: usize = 4;

/// What is signed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct OffchainMessage {
    chain_id: String,
    signer_id: String,
    #[serde(default)]
    path: Vec<String>,
    timestamp: String,
    payload: String,
}

/// A message that a full-access key signed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct AccessKeyAuthorization {
    msg: OffchainMessage,
    via: Via,
    access_key: String,
    signature: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "schema", content = "extra", rename_all = "snake_case", deny_unknown_fields)]
enum Via {
    Nep413 {
        #[serde(default)]
        callback_url: Option<String>,
    },
}

/// Who must have authorized something, and where.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    /// The network, such as `mainnet`.
    pub(crate) chain: &'a str,
    /// Who.
    pub(crate) account: &'a NearId,
    /// On whose account's behalf, the nearest first; nobody's where the account is asked first.
    pub(crate) path: &'a [NearId],
    /// The block's time, in nanoseconds.
    pub(crate) now_ns: u64,
}

/// A key that signed for an account; whether it may, the chain must say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ByKey {
    pub(crate) key: PublicKey,
    pub(crate) payload: String,
}

/// The key and payload in `text`, if it is a key's authorization and holds as far as the chain has
/// no say; `None` else: it may be something that a contract reads.
pub(crate) fn by_key(text: &str, asked: Asked<'_>) -> Option<ByKey> {
    let AccessKeyAuthorization { msg, via, access_key, signature } =
        serde_json::from_str(text).ok()?;
    let path = asked.path.iter().map(NearId::as_str);
    let is_asked = msg.chain_id == asked.chain
        && msg.signer_id == asked.account.as_str()
        && path.eq(msg.path.iter().map(String::as_str));
    let time = OffsetDateTime::parse(&msg.timestamp, &Rfc3339).ok()?;
    let time_ns = u64::try_from(time.unix_timestamp_nanos()).ok()?;
    if !is_asked || time_ns > asked.now_ns {
        return None;
    }
    let key = PublicKey::from_str(&access_key).ok()?;
    let signature = Signature::from_str(&signature).ok()?;
    let nonce = msg.hash(time_ns);
    let recipient = msg.recipient(time)?;
    let Via::Nep413 { callback_url } = via;
    let payload = Payload::new(&msg.payload, &nonce, &recipient, callback_url.as_deref()).ok()?;
    payload.verify(&key, &signature).ok()?;
    Some(ByKey { key, payload: msg.payload })
}

impl OffchainMessage {
    /// SHA3-256 over all of it; `time_ns` is its time.
    fn hash(&self, time_ns: u64) -> [u8; 32] {
        let mut hasher = Sha3_256::new_with_prefix(DOMAIN);
        let mut text = |text: &str| {
            hasher.update(prefix(text.len()));
            hasher.update(text);
        };
        text(&self.chain_id);
        text(&self.signer_id);
        hasher.update(prefix(self.path.len()));
        for id in &self.path {
            hasher.update(prefix(id.len()));
            hasher.update(id);
        }
        hasher.update(time_ns.to_le_bytes());
        hasher.update(prefix(self.payload.len()));
        hasher.update(&self.payload);
        hasher.finalize().into()
    }

    /// What a wallet shows beside the payload.
    fn recipient(&self, time: OffsetDateTime) -> Option<String> {
        let mut text = format!("{}: {}", self.chain_id, self.signer_id);
        for id in &self.path {
            text.push_str(" -> ");
            text.push_str(id);
        }
        let seconds = time.to_offset(UtcOffset::UTC).replace_nanosecond(0).ok()?;
        text.push_str(" @ ");
        text.push_str(&seconds.format(&Rfc3339).ok()?);
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::{Signer as _, SigningKey};
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::wire::to_base58;

    const NOW_NS: u64 = 1_786_000_000_000_000_000;

    fn message() -> OffchainMessage {
        OffchainMessage {
            chain_id: "mainnet".to_owned(),
            signer_id: "extension.near".to_owned(),
            path: vec!["wallet.near".to_owned(), "v1.signer".to_owned()],
            timestamp: "2026-08-05T07:28:00.123456789Z".to_owned(),
            payload: "Hello, Near!".to_owned(),
        }
    }

    fn signed(message: &OffchainMessage) -> Value {
        let time = OffsetDateTime::parse(&message.timestamp, &Rfc3339).expect("a time");
        let time_ns = u64::try_from(time.unix_timestamp_nanos()).expect("after 1970");
        let nonce = message.hash(time_ns);
        let recipient = message.recipient(time).expect("a time");
        let payload = Payload::new(&message.payload, &nonce, &recipient, None).expect("short");
        let key = SigningKey::from_bytes(&[7; 32]);
        let signature = key.sign(payload.hash().as_bytes());
        json!({
            "msg": {
                "chain_id": message.chain_id, "signer_id": message.signer_id,
                "path": message.path, "timestamp": message.timestamp, "payload": message.payload,
            },
            "via": { "schema": "nep413", "extra": {} },
            "access_key": format!("ed25519:{}", to_base58(key.verifying_key().as_bytes())),
            "signature": format!("ed25519:{}", to_base58(&signature.to_bytes())),
        })
    }

    fn read(blob: &Value, account: &str, path: &[&str], now_ns: u64) -> Option<ByKey> {
        let account: NearId = account.parse().expect("legal");
        let path: Vec<NearId> = path.iter().map(|id| id.parse().expect("legal")).collect();
        let asked = Asked { chain: "mainnet", account: &account, path: &path, now_ns };
        by_key(&blob.to_string(), asked)
    }

    /// As the standard's reference implementation documents it.
    #[test]
    fn hash_and_recipient_are_those_of_the_standard() {
        let message = message();
        let time = OffsetDateTime::parse(&message.timestamp, &Rfc3339).expect("a time");
        let time_ns = u64::try_from(time.unix_timestamp_nanos()).expect("after 1970");
        assert_eq!(
            hex::encode(message.hash(time_ns)),
            "039f8afb4ef2d76c621d3952f214bd2a080ce977ef351d52ff65a090eebbf72c"
        );
        assert_eq!(
            message.recipient(time).as_deref(),
            Some("mainnet: extension.near -> wallet.near -> v1.signer @ 2026-08-05T07:28:00Z")
        );
    }

    #[test]
    fn a_key_authorizes_what_it_signed_and_where() {
        let good = signed(&message());
        let path = ["wallet.near", "v1.signer"];
        let found = read(&good, "extension.near", &path, NOW_NS).expect("it holds");
        assert_eq!(found.payload, "Hello, Near!");
        assert_eq!(read(&good, "other.near", &path, NOW_NS), None);
        assert_eq!(read(&good, "extension.near", &path[..1], NOW_NS), None);
        assert_eq!(read(&good, "extension.near", &path, 1_785_000_000_000_000_000), None);
        for (pointer, value) in [
            ("/msg/payload", json!("Hello!")),
            ("/msg/chain_id", json!("testnet")),
            ("/msg/timestamp", json!("2026-08-05T07:28:00.123456788Z")),
            ("/via/extra/callback_url", json!("u")),
            ("/signature", json!("ed25519:1")),
            ("/more", json!(1)),
        ] {
            let mut bad = good.clone();
            let (at, name) = pointer.rsplit_once('/').expect("a pointer");
            bad.pointer_mut(at).expect("it is there")[name] = value;
            assert_eq!(read(&bad, "extension.near", &path, NOW_NS), None, "{pointer}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_judged(text in ".{0,300}") {
            let account: NearId = "a.near".parse().expect("legal");
            let asked = Asked { chain: "x", account: &account, path: &[], now_ns: u64::MAX };
            prop_assert_eq!(by_key(&text, asked), None);
        }
    }
}
