//! Wallets: what an account signs to be bound to a member key, and how its word is asked for.
//!
//! Pure. An account is a contract and may change its keys and its code at any time, so a signature
//! counts by what the account says at a block that is final, or by its key in a proof of the state
//! at such a block. Without either the answer here is "unknown".

pub mod account;
pub mod ecdsa;
mod statement;
pub mod typed_data;

use chain::{AccountKey, BlockId, Question, WalletError, Wallets};
use governance::log::{Answer, Binding, WalletProof, WalletVerifier};
use serde_json::{Value, json};
use types::{AccountId, ChainId, UnixMillis};

pub use self::statement::Statement;
pub(crate) use self::statement::felts_of;
use crate::{
    block::to_hash,
    felt::{self, Felt},
};

/// The number of SNIP-12 messages in a [`WalletProof`]. Its signature is what the account's own
/// code reads, in felts of 32 bytes; before them stands the block in which the account says that it
/// is its own, once somebody named one: `height u64 ‖ block hash b32`.
pub const SCHEME_SNIP12: u8 = 4;

/// Who asks.
const DOMAIN: &str = "Anchorhold";

/// What for; 31 characters at most.
const PURPOSE: &str = "Bind this account to a member";

/// Signs and reads SNIP-12 messages, revision 1, for accounts of `starknet` chains.
///
/// The message names the account and its chain, the context, the invitation and the member key. All
/// of it must be exactly as expected; only `Issued at` is the signer's own, and decides nothing.
/// Its types are those that all libraries and contracts hash alike: no enum, `u256` or tree.
/// Identifiers of 32 bytes stand there in two halves, as no felt holds them.
#[derive(Clone, Copy, Debug, Default)]
pub struct StarknetWallets {
    class_hash: Option<Felt>,
}

impl StarknetWallets {
    /// Knows keys by the address that an account of `class_hash` gets when it is deployed for them:
    /// the public key alone is its constructor's calldata, and the salt.
    pub const fn for_class(class_hash: Felt) -> Self {
        Self { class_hash: Some(class_hash) }
    }

    /// What the account should have signed, once the message says what `binding` needs.
    ///
    /// # Errors
    /// [`WalletError`] if it says something else, or is malformed. No chain is asked.
    pub fn statement(
        &self,
        binding: &Binding,
        proof: &WalletProof,
    ) -> Result<Statement, WalletError> {
        if proof.scheme != SCHEME_SNIP12 {
            return Err(WalletError::Unsupported { account: binding.account.clone() });
        }
        // First, so that an account that is none of ours is not judged.
        let (_, account) = signer(&binding.account)?;
        let message = statement::read(&proof.message)?;
        let issued_at_s = message.pointer("/message/Issued at").and_then(Value::as_u64);
        let issued_at_s = issued_at_s.ok_or(WalletError::Malformed { what: "time" })?;
        compare(&message, &expected(binding, issued_at_s)?)?;
        let (block, felts) = statement::parts(&proof.signature)?;
        let (message_hash, signature) =
            (statement::hash(&message, &account)?, statement::felts_of(felts)?);
        Ok(Statement { account, message_hash, signature, block })
    }
}

impl Wallets for StarknetWallets {
    /// [`WalletError::Unnamed`] if no class of accounts was named: a key alone has no address.
    fn account(&self, chain: &ChainId, key: &AccountKey) -> Result<AccountId, WalletError> {
        let public = private_key(key).as_ref().and_then(ecdsa::public_key);
        let public = public.filter(|_| is_ours(chain)).ok_or(WalletError::BadKey)?;
        let unnamed = || WalletError::Unnamed { chain: chain.clone() };
        let class_hash = self.class_hash.ok_or_else(unnamed)?;
        let address = account::contract_address(&Felt::ZERO, &public, &class_hash, &[public]);
        AccountId::new(chain, &format!("{address:#066x}")).map_err(|_| WalletError::BadKey)
    }

    /// Any key may be one of any account: the account's own code decides.
    fn fits(&self, account: &AccountId, key: &AccountKey) -> Result<(), WalletError> {
        signer(account)?;
        let public = private_key(key).as_ref().and_then(ecdsa::public_key);
        public.map(drop).ok_or(WalletError::BadKey)
    }

    fn message(&self, binding: &Binding, now: UnixMillis) -> Result<String, WalletError> {
        expected(binding, now.0 / 1000).map(|message| message.to_string())
    }

    fn sign(&self, message: &str, key: &AccountKey) -> Result<WalletProof, WalletError> {
        let document = statement::read(message.as_bytes())?;
        let account = document.pointer("/message/Account").and_then(Value::as_str);
        let account = account.and_then(felt::parse_hex);
        let account = account.ok_or(WalletError::Malformed { what: "account" })?;
        let hash = statement::hash(&document, &account)?;
        let private = private_key(key).ok_or(WalletError::BadKey)?;
        let signature = ecdsa::sign(&private, &hash).map_err(|_| WalletError::BadKey)?;
        Ok(proof(message, &signature))
    }

    /// The answer is a JSON list of felts, as `starknet_signTypedData` gives it.
    fn answered(&self, message: &str, answer: &str) -> Result<WalletProof, WalletError> {
        statement::answered(answer).map(|signature| proof(message, &signature))
    }

    fn needs_block(&self, _: &WalletProof) -> bool {
        true
    }

    fn in_block(&self, proof: WalletProof, block: BlockId) -> Option<WalletProof> {
        if proof.scheme != SCHEME_SNIP12 {
            return None;
        }
        let signature = statement::in_block(&proof.signature, block)?;
        Some(WalletProof { signature, ..proof })
    }

    /// Never `Ok`: what is sound is [`WalletError::Unsupported`] until the account was asked.
    fn check(&self, binding: &Binding, proof: &WalletProof) -> Result<(), WalletError> {
        self.question(binding, proof)?;
        Err(WalletError::Unsupported { account: binding.account.clone() })
    }

    /// [`WalletError::BadSignature`] also for one that names no block: nobody could answer it.
    fn question(&self, binding: &Binding, proof: &WalletProof) -> Result<Question, WalletError> {
        let statement = self.statement(binding, proof)?;
        Ok(Question {
            account: binding.account.clone(),
            digest: to_hash(&statement.message_hash),
            signature: statement::bytes_of(&statement.signature),
            block: statement.block.ok_or(WalletError::BadSignature)?,
        })
    }
}

impl WalletVerifier for StarknetWallets {
    fn verify(&self, binding: &Binding, proof: &WalletProof) -> Answer {
        WalletError::answer(&self.check(binding, proof))
    }
}

/// A proof that names no block yet.
fn proof(message: &str, signature: &[Felt]) -> WalletProof {
    let (message, signature) = (message.as_bytes().to_vec(), statement::bytes_of(signature));
    WalletProof { scheme: SCHEME_SNIP12, message, signature }
}

fn private_key(key: &AccountKey) -> Option<Felt> {
    felt::canonical(key.as_bytes())
}

/// Whether it is a chain of Starknet's whose name no library reads as a number.
fn is_ours(chain: &ChainId) -> bool {
    let name = chain.reference();
    chain.namespace() == "starknet"
        && name.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && felt::short_string(name).is_some()
}

/// Name of the chain and address of the account that must sign.
fn signer(account: &AccountId) -> Result<(ChainId, Felt), WalletError> {
    let chain = account.chain();
    if !is_ours(&chain) {
        return Err(WalletError::Unsupported { account: account.clone() });
    }
    // One spelling alone, so that equal accounts are equal values.
    let address = felt::parse_hex(account.address())
        .filter(|felt| format!("{felt:#066x}") == account.address())
        .filter(account::is_address);
    let address = address.ok_or_else(|| WalletError::BadAccount { account: account.clone() })?;
    Ok((chain, address))
}

fn expected(binding: &Binding, issued_at_s: u64) -> Result<Value, WalletError> {
    let (chain, account) = signer(&binding.account)?;
    let [context_high, context_low] = halves(binding.context.as_bytes());
    let no_invitation = [0; 32];
    let invitation = binding.invitation.as_ref().map_or(&no_invitation, |id| id.as_bytes());
    let [invitation_high, invitation_low] = halves(invitation);
    let [member_high, member_low] = halves(binding.member.as_bytes());
    Ok(json!({
        "types": {
            "StarknetDomain": fields(&[
                ("name", "shortstring"),
                ("version", "shortstring"),
                ("chainId", "shortstring"),
                ("revision", "shortstring"),
            ]),
            "Binding": fields(&[
                ("Purpose", "shortstring"),
                ("Account", "ContractAddress"),
                ("Chain", "shortstring"),
                ("Context high", "u128"),
                ("Context low", "u128"),
                ("Has invitation", "bool"),
                ("Invitation high", "u128"),
                ("Invitation low", "u128"),
                ("Member high", "u128"),
                ("Member low", "u128"),
                ("Issued at", "timestamp"),
            ]),
        },
        "primaryType": "Binding",
        "domain": {
            "name": DOMAIN,
            "version": "1",
            "chainId": chain.reference(),
            "revision": "1",
        },
        "message": {
            "Purpose": PURPOSE,
            "Account": format!("{account:#066x}"),
            "Chain": chain.reference(),
            "Context high": context_high,
            "Context low": context_low,
            "Has invitation": binding.invitation.is_some(),
            "Invitation high": invitation_high,
            "Invitation low": invitation_low,
            "Member high": member_high,
            "Member low": member_low,
            "Issued at": issued_at_s,
        },
    }))
}

fn fields(fields: &[(&str, &str)]) -> Value {
    fields.iter().map(|(name, kind)| json!({ "name": name, "type": kind })).collect()
}

/// The first and the second 16 bytes, all digits written.
fn halves(bytes: &[u8; 32]) -> [String; 2] {
    let number = u128::from_be_bytes;
    let (halves, _) = bytes.as_chunks::<16>();
    let mut halves = halves.iter().map(|half| format!("{:#034x}", number(*half)));
    [halves.next().unwrap_or_default(), halves.next().unwrap_or_default()]
}

/// The first part that differs, in the order in which people care.
fn compare(message: &Value, expected: &Value) -> Result<(), WalletError> {
    const PARTS: [(&str, &str); 13] = [
        ("/domain/name", "domain"),
        ("/domain/version", "domain"),
        ("/message/Context high", "context"),
        ("/message/Context low", "context"),
        ("/message/Has invitation", "invitation"),
        ("/message/Invitation high", "invitation"),
        ("/message/Invitation low", "invitation"),
        ("/domain/chainId", "chain"),
        ("/message/Chain", "chain"),
        ("/message/Account", "account"),
        ("/message/Member high", "member"),
        ("/message/Member low", "member"),
        // What is left: the purpose, the types, and fields that we never set.
        ("", "purpose"),
    ];
    let differs = |(part, _): &&(&str, &str)| message.pointer(part) != expected.pointer(part);
    match PARTS.iter().find(differs) {
        Some((_, field)) => Err(WalletError::OtherField { field }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
