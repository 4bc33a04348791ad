//! Statements about the chain's state, as `anchorhold verify` reads them.

use chain::{
    Verdict,
    verdict::{Derived, Input, Refusal},
};

use super::{
    block::{BadHeader, GasPrice, HashRule, Header, SignatureRule, Since0_13_2, signed_hash},
    json,
    state::{ContractState, Roots},
    trie::{BadProof, Node, NodeSet, root_of_list},
};
use crate::{
    felt::{Felt, short_string, to_hex},
    hash::FeltHash,
    verdict::{bounded, felt, felts, tell},
    wallet::ecdsa,
};

impl From<BadProof> for Refusal {
    fn from(error: BadProof) -> Self {
        Self(error.to_string())
    }
}

impl From<BadHeader> for Refusal {
    fn from(error: BadHeader) -> Self {
        Self(error.to_string())
    }
}

/// The verdict on a statement of `kind`; `None` if the kind is none of this module's.
pub(crate) fn verify(kind: &str, input: Input<'_>) -> Option<Verdict> {
    let check: fn(Input<'_>, &mut Derived) -> Result<(), Refusal> = match kind {
        "patricia-root" => patricia_root,
        "storage-proof" => state,
        "storage-trie-proof" => storage_trie,
        "block-hash" => block_hash,
        "block-hash-legacy" => block_hash_legacy,
        "block-signature" => block_signature,
        _ => return None,
    };
    Some(Verdict::of(|derived| check(input, derived)))
}

/// The hash that the statement names; without a name, Pedersen's.
fn hash_of(input: Input<'_>) -> Result<FeltHash, Refusal> {
    if !input.has("hash") {
        return Ok(FeltHash::Pedersen);
    }
    match input.text("hash")? {
        "pedersen" => Ok(FeltHash::Pedersen),
        "poseidon" => Ok(FeltHash::Poseidon),
        other => Err(format!("there is no hash {other:?}").into()),
    }
}

fn patricia_root(input: Input<'_>, derived: &mut Derived) -> Result<(), Refusal> {
    let height = usize::try_from(input.u64("height")?).map_err(|_| "`height` is too large")?;
    let root = root_of_list(hash_of(input)?, height, &felts(input, "leaves")?)?;
    tell(derived, input, "root", &root)
}

/// A contract, and values of its storage, under a state commitment.
fn state(input: Input<'_>, derived: &mut Derived) -> Result<(), Refusal> {
    let roots = Roots {
        contracts: felt(input, "contracts_tree_root")?,
        classes: felt(input, "classes_tree_root")?,
    };
    if !roots.are_of(&felt(input, "state_commitment")?) {
        return Err(BadProof::Other("state commitment").into());
    }
    let contract = input.object("contract")?;
    let address = felt(contract, "address")?;
    let claimed = json::contract(contract.0, "storage_root")?;
    let nodes = json::nodes(input.value("contract_proof")?, FeltHash::Pedersen)?;
    let leaf = NodeSet::new(FeltHash::Pedersen, &nodes)?.leaf(&roots.contracts, &address)?;
    derived.put("contract_exists", leaf.is_some());
    if leaf != claimed.as_ref().map(ContractState::leaf) {
        return Err(BadProof::Other("contract").into());
    }
    let storage_root = claimed.map_or(Felt::ZERO, |contract| contract.storage_root);
    let slots = if input.has("storage") { input.list("storage")? } else { &[] };
    let mut values = Vec::new();
    for slot in bounded(slots, "storage")? {
        let slot = Input(slot);
        let nodes = json::nodes(slot.value("proof")?, FeltHash::Pedersen)?;
        values.push(slot_value(slot, FeltHash::Pedersen, &storage_root, &nodes)?);
    }
    derived.put("values", values.iter().map(to_hex).collect::<Vec<_>>());
    Ok(())
}

fn storage_trie(input: Input<'_>, derived: &mut Derived) -> Result<(), Refusal> {
    let hash = hash_of(input)?;
    let nodes = json::nodes(input.value("proof")?, hash)?;
    let value = slot_value(input, hash, &felt(input, "storage_root")?, &nodes)?;
    derived.put("exists", value != Felt::ZERO);
    Ok(())
}

/// The value under `key`, which is the claimed one; zero if it is proved that there is none.
fn slot_value(
    slot: Input<'_>,
    hash: FeltHash,
    root: &Felt,
    nodes: &[Node],
) -> Result<Felt, Refusal> {
    let found = NodeSet::new(hash, nodes)?.leaf(root, &felt(slot, "key")?)?;
    let found = found.unwrap_or(Felt::ZERO);
    if felt(slot, "value")? == found {
        return Ok(found);
    }
    Err(BadProof::Other("value").into())
}

fn block_hash(input: Input<'_>, derived: &mut Derived) -> Result<(), Refusal> {
    let fields = input.object("header")?;
    let version = fields.text("starknet_version")?;
    let rule = HashRule::of_version(version)?;
    let is_blob = || match fields.text("l1_da_mode")? {
        "BLOB" => Ok(true),
        "CALLDATA" => Ok(false),
        other => Err(Refusal(format!("there is no `l1_da_mode` {other:?}"))),
    };
    let late = || {
        let has_l2 = fields.has("l2_gas_price");
        Ok::<_, Refusal>(Since0_13_2 {
            version: version.to_owned(),
            receipt_commitment: felt(fields, "receipt_commitment")?,
            state_diff_commitment: felt(fields, "state_diff_commitment")?,
            state_diff_length: fields.u64("state_diff_length")?,
            is_blob: is_blob()?,
            l1_gas_price: gas_price(fields, "l1_gas_price")?,
            l1_data_gas_price: gas_price(fields, "l1_data_gas_price")?,
            l2_gas_price: has_l2.then(|| gas_price(fields, "l2_gas_price")).transpose()?,
        })
    };
    let header = Header {
        number: fields.u64("block_number")?,
        parent_hash: felt(fields, "parent_block_hash")?,
        state_root: felt(fields, "state_root")?,
        sequencer: felt(fields, "sequencer_address")?,
        timestamp_s: fields.u64("timestamp")?,
        transactions: fields.u64("transaction_count")?,
        transaction_commitment: felt(fields, "transaction_commitment")?,
        events: fields.u64("event_count")?,
        event_commitment: felt(fields, "event_commitment")?,
        since_0_13_2: if rule == HashRule::Before0_13_2 { None } else { Some(late()?) },
    };
    compare_hash(input, derived, &header.hash(rule)?)
}

fn gas_price(fields: Input<'_>, name: &str) -> Result<GasPrice, Refusal> {
    let price = fields.object(name)?;
    let part = |part| {
        let found = u128::try_from(felt(price, part)?);
        found.map_err(|_| Refusal(format!("`{part}` of `{name}` has more than 128 bits")))
    };
    Ok(GasPrice { wei: part("price_in_wei")?, fri: part("price_in_fri")? })
}

fn block_hash_legacy(input: Input<'_>, derived: &mut Derived) -> Result<(), Refusal> {
    let rule = match input.text("rule")? {
        "pedersen pre-0.7" => {
            let chain = short_string(input.text("chain")?).ok_or("`chain` is no short string")?;
            HashRule::Before0_7 { chain }
        }
        "pedersen 0.7..0.13.1" => HashRule::Before0_13_2,
        other => return Err(format!("there is no rule {other:?}").into()),
    };
    let fields = input.object("header")?;
    let header = Header {
        number: fields.u64("block_number")?,
        parent_hash: felt(fields, "parent_hash")?,
        state_root: felt(fields, "state_root")?,
        sequencer: felt(fields, "sequencer")?,
        timestamp_s: fields.u64("timestamp")?,
        transactions: fields.u64("n_transactions")?,
        transaction_commitment: felt(fields, "transaction_commitment")?,
        events: fields.u64("n_events")?,
        event_commitment: felt(fields, "event_commitment")?,
        since_0_13_2: None,
    };
    compare_hash(input, derived, &header.hash(rule)?)
}

fn compare_hash(input: Input<'_>, derived: &mut Derived, found: &Felt) -> Result<(), Refusal> {
    derived.put("hash", to_hex(found));
    if felt(input, "block_hash")? == *found {
        return Ok(());
    }
    Err(format!("its fields have the hash {}", to_hex(found)).into())
}

fn block_signature(input: Input<'_>, derived: &mut Derived) -> Result<(), Refusal> {
    let rule = match input.text("rule")? {
        "block_hash" => SignatureRule::BlockHash,
        "poseidon(block_hash,state_diff_commitment)" => {
            SignatureRule::WithStateDiff(felt(input, "state_diff_commitment")?)
        }
        other => return Err(format!("there is no rule {other:?}").into()),
    };
    let hash = signed_hash(&felt(input, "block_hash")?, rule);
    derived.put("message_hash", to_hex(&hash));
    let (r, s) = (felt(input, "r")?, felt(input, "s")?);
    let signed = ecdsa::verify(&felt(input, "public_key")?, &hash, &r, &s);
    signed.map_err(|error| error.to_string().into())
}
