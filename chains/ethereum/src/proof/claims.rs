//! Claims about a chain's state, as `anchorhold verify` reads them.

use alloy::primitives::{B256, Bytes, U256, keccak256};
use serde_json::Value;

use super::{
    account::{AccountState, storage},
    header::{self, Header},
    trie::{self, BadProof},
};
use crate::verdict::{self, Derived, Input, Refusal, Verdict, judge};

/// Most slots in one claim.
const SLOTS_MAX: usize = 1024;

impl From<BadProof> for Refusal {
    fn from(error: BadProof) -> Self {
        Self(error.to_string())
    }
}

/// The verdict on a claim of `kind`; `None` if the kind is none of this module's.
pub(crate) fn verify(kind: &str, input: Input<'_>) -> Option<Verdict> {
    let check: fn(Input<'_>, &mut Derived<'_>) -> Result<(), Refusal> = match kind {
        "block-header" => block_header,
        "block-header-rlp" => block_header_rlp,
        "eip1186" => account_and_storage,
        "header-storage-proof" => storage_under_header,
        _ => return None,
    };
    Some(judge(|derived| check(input, derived)))
}

fn block_header(input: Input<'_>, derived: &mut Derived<'_>) -> Result<(), Refusal> {
    let header = Header::from_json(input.value("header")?).map_err(|error| error.to_string())?;
    derived.hex("hash", header.hash);
    derived.put("fork", header.fork.name());
    if input.has("block_hash") && input.word("block_hash")? != header.hash {
        return Err(format!("its fields have the hash {}", header.hash).into());
    }
    Ok(())
}

fn block_header_rlp(input: Input<'_>, derived: &mut Derived<'_>) -> Result<(), Refusal> {
    let header = header::claimed(input)?;
    derived.hex("hash", header.hash);
    derived.put("number", header.number);
    derived.hex("state_root", header.state_root);
    derived.put("fork", header.fork.name());
    if input.has("block_hash") && input.word("block_hash")? != header.hash {
        return Err(format!("it has the hash {}", header.hash).into());
    }
    Ok(())
}

fn nodes(value: &Value, name: &str) -> Result<Vec<Bytes>, Refusal> {
    let list = value.as_array().ok_or_else(|| Refusal(format!("`{name}` is no list")))?;
    if list.len() > 128 {
        return Err(BadProof::TooLarge.into());
    }
    list.iter().map(|node| verdict::bytes(node, name)).collect()
}

fn account_and_storage(input: Input<'_>, derived: &mut Derived<'_>) -> Result<(), Refusal> {
    let (root, address) = (input.word("state_root")?, input.address("address")?);
    let proof = nodes(input.value("account_proof")?, "account_proof")?;
    let proved = super::account(&root, &address, &proof)?;
    derived.put("exists", proved.is_some());
    let claimed = Input(input.value("account")?);
    let state = match proved {
        Some(state) => {
            same_account(claimed, &state)?;
            state
        }
        None => {
            claims_nothing(claimed)?;
            AccountState::EMPTY
        }
    };
    if !input.has("storage") {
        return Ok(());
    }
    let slots = input.value("storage")?.as_array().ok_or("`storage` is no list")?;
    if slots.len() > SLOTS_MAX {
        return Err(BadProof::TooLarge.into());
    }
    for slot in slots.iter().map(Input) {
        let proof = nodes(slot.value("proof")?, "proof")?;
        let value = storage(&state.storage_root, &slot.number("key")?, &proof)?;
        if value != slot.number("value")? {
            return Err(BadProof::OtherValue("value").into());
        }
    }
    Ok(())
}

fn same_account(claimed: Input<'_>, state: &AccountState) -> Result<(), Refusal> {
    let pairs = [
        ("nonce", claimed.number("nonce")? == U256::from(state.nonce)),
        ("balance", claimed.number("balance")? == state.balance),
        ("storage_hash", claimed.word("storage_hash")? == state.storage_root),
        ("code_hash", claimed.word("code_hash")? == state.code_hash),
    ];
    match pairs.iter().find(|(_, is_same)| !is_same) {
        Some((name, _)) => Err(BadProof::OtherValue(name).into()),
        None => Ok(()),
    }
}

/// Clients write the hashes of an account that is not there as zero or as those of nothing.
fn claims_nothing(claimed: Input<'_>) -> Result<(), Refusal> {
    let empty = |name: &str, nothing: B256| {
        claimed.word(name).map(|hash| hash.is_zero() || hash == nothing)
    };
    let is_nothing = claimed.number("nonce")?.is_zero()
        && claimed.number("balance")?.is_zero()
        && empty("storage_hash", AccountState::EMPTY.storage_root)?
        && empty("code_hash", AccountState::EMPTY.code_hash)?;
    if is_nothing { Ok(()) } else { Err("it is proved that there is no such account".into()) }
}

fn storage_under_header(input: Input<'_>, derived: &mut Derived<'_>) -> Result<(), Refusal> {
    let header = header::claimed(input)?;
    derived.hex("block_hash", header.hash);
    let path = trie::nibbles(&keccak256(input.address("address")?));
    let proof = nodes(input.value("account_proof")?, "account_proof")?;
    let leaf = trie::walk(&header.state_root, &path, &proof)?;
    let leaf = leaf.ok_or("it is proved that there is no such account")?;
    if *leaf != **input.bytes("expected_account_rlp")? {
        return Err(BadProof::OtherValue("account").into());
    }
    let state = AccountState::decode(leaf)?;
    let path = trie::nibbles(&input.word("storage_key_hash")?);
    let proof = nodes(input.value("storage_proof")?, "storage_proof")?;
    // As it stands in the leaf: the encoded word, or nothing.
    let found = trie::walk(&state.storage_root, &path, &proof)?.unwrap_or_default();
    if *found == **input.bytes("expected_storage_value")? {
        Ok(())
    } else {
        Err(BadProof::OtherValue("value").into())
    }
}
