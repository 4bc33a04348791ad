//! Claims about a chain's past and state, as `anchorhold verify` reads them.

use chain::verdict::{Derived, Input, Refusal, Verdict};
use serde_json::Value;

use super::{
    light_client::{self, Refused},
    producers::Producers,
    state,
    trie::{BadProof, KEY_BYTES_MAX, NODES_MAX, Node},
    view,
};
use crate::{
    verdict::{hash, list, parsed},
    wallet::NearId,
    wire::CryptoHash,
};

impl From<BadProof> for Refusal {
    fn from(error: BadProof) -> Self {
        Self(error.to_string())
    }
}

impl From<Refused> for Refusal {
    fn from(error: Refused) -> Self {
        Self(error.to_string())
    }
}

/// The verdict on a claim of `kind`; `None` if the kind is none of this module's.
pub(crate) fn verify(kind: &str, input: Input<'_>) -> Option<Verdict> {
    let check: fn(Input<'_>, &mut Derived) -> Result<(), Refusal> = match kind {
        "lc-block" => light_client_block,
        "lc-outcome-proof" => outcome_proof,
        "state-proof" => state_proof,
        "trie-node" => trie_node,
        _ => return None,
    };
    Some(Verdict::of(|derived| check(input, derived)))
}

fn light_client_block(input: Input<'_>, derived: &mut Derived) -> Result<(), Refusal> {
    let block = view::block(input.object("block")?)?;
    let hash = block.header.hash();
    derived.put("block_hash", hash.to_string());
    let head = view::header(input.object("head")?)?;
    let producers = Producers::new(&view::producers(input, "block_producers")?, None);
    let producers = producers.ok_or(Refused::OtherProducers)?;
    derived.put("total_stake", producers.total().to_string());
    let stake = light_client::check(&head.inner, &producers, &block, &hash)?;
    derived.put("approved_stake", stake.approved.to_string());
    Ok(())
}

fn outcome_proof(input: Input<'_>, derived: &mut Derived) -> Result<(), Refusal> {
    let proof = view::outcome_proof(input.object("proof")?)?;
    derived.put("block_hash", proof.header.hash().to_string());
    derived.put("outcome_hash", proof.outcome.hash().to_string());
    Ok(proof.verify(&hash(input, "head_block_merkle_root")?)?)
}

fn state_proof(input: Input<'_>, derived: &mut Derived) -> Result<(), Refusal> {
    let key = input.bare_bytes("trie_key")?;
    if key.len() > KEY_BYTES_MAX {
        return Err(BadProof::TooLarge.into());
    }
    if input.has("account_id") {
        let account: NearId = parsed(input, "account_id", "account id")?;
        if !is_of(&key, &account) {
            return Err(BadProof::OtherValue("account").into());
        }
    }
    let node = |value: &Value| view::base64(value, view::VALUE_BYTES_MAX);
    let nodes = list(input, "proof", NODES_MAX)?.iter().map(node);
    let nodes = nodes.collect::<Result<Vec<_>, _>>()?;
    let found = if input.has("state_root") {
        state::value(&hash(input, "state_root")?, &key, &nodes)?
    } else {
        // Of a proof whose uppermost nodes are not at hand.
        let skipped = usize::try_from(input.u64("start_nibble")?);
        let skipped = skipped.map_err(|_| BadProof::TooLarge)?;
        state::value_below(&hash(input, "start_hash")?, &key, skipped, &nodes)?
    };
    derived.put("exists", found.is_some());
    let is_claimed = match (input.value("value")?, found) {
        (Value::Null, None) => return Ok(()),
        (Value::Null, Some(_)) => return Err("it is proved that there is a value".into()),
        (_, None) => return Err("it is proved that there is no value".into()),
        (_, Some(found)) => found.is_of(&input.bare_bytes("value")?),
    };
    if is_claimed { Ok(()) } else { Err(BadProof::OtherValue("value").into()) }
}

/// Whether `key` is of `account`: its id stands after the column, and ends there.
fn is_of(key: &[u8], account: &NearId) -> bool {
    let after = key.get(1..).and_then(|rest| rest.strip_prefix(account.as_str().as_bytes()));
    let goes_on =
        |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(byte);
    after.is_some_and(|after| !after.first().is_some_and(goes_on))
}

fn trie_node(input: Input<'_>, derived: &mut Derived) -> Result<(), Refusal> {
    let bytes = input.bare_bytes("node")?;
    let node = Node::decode(&bytes)?;
    derived.put("kind", node.body.name());
    derived.put("memory_usage", node.memory_usage.to_string());
    derived.put("hash", CryptoHash::of(&bytes).to_string());
    Ok(())
}
