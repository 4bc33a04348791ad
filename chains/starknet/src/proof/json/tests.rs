use proptest::prelude::*;
use serde_json::{Map, json};

use super::{
    super::{state::Asked, trie::tests::build},
    *,
};
use crate::felt::to_hex;

fn hex(number: u64) -> String {
    to_hex(&Felt::from(number))
}

/// A contract with two slots, in a state without classes: commitment, tries, contract.
fn state() -> (Felt, Vec<Node>, Vec<Node>, ContractState) {
    let felt = |number: u64| Felt::from(number);
    let slots = [(felt(1), felt(7)), (felt(2), felt(8))];
    let (storage_root, slots) = build(FeltHash::Pedersen, 251, &slots);
    let contract = ContractState { class_hash: felt(4), nonce: felt(5), storage_root };
    let leaves = [(felt(0xa11ce), contract.leaf()), (felt(0xb0b), felt(1))];
    let (root, contracts) = build(FeltHash::Pedersen, 251, &leaves);
    (root, contracts, slots, contract)
}

fn asked() -> Asked {
    Asked {
        contracts: vec![Felt::from(0xa11ce)],
        storage: vec![(Felt::from(0xa11ce), vec![Felt::ONE, Felt::TWO, Felt::THREE])],
        ..Asked::default()
    }
}

fn rpc_node(node: &Node) -> Value {
    match node {
        Node::Binary { left, right } => json!({"left": to_hex(left), "right": to_hex(right)}),
        Node::Edge { child, path, length } => {
            json!({"child": to_hex(child), "path": to_hex(path), "length": length})
        }
    }
}

fn rpc_entry(node: &Node) -> Value {
    json!({"node_hash": to_hex(&node.hash(FeltHash::Pedersen)), "node": rpc_node(node)})
}

fn pathfinder_node(node: &Node) -> Value {
    match node {
        Node::Binary { .. } => json!({ "binary": rpc_node(node) }),
        Node::Edge { child, path, length } => json!({"edge": {
            "child": to_hex(child), "path": {"value": to_hex(path), "len": length},
        }}),
    }
}

fn rpc() -> (Felt, Value) {
    let (root, contracts, slots, contract) = state();
    // In another order than that of the paths.
    let entries = |nodes: &[Node]| nodes.iter().rev().map(rpc_entry).collect::<Value>();
    let value = json!({
        "classes_proof": [],
        "contracts_proof": {
            "nodes": entries(&contracts),
            "contract_leaves_data": [{
                "class_hash": to_hex(&contract.class_hash),
                "nonce": to_hex(&contract.nonce),
                "storage_root": to_hex(&contract.storage_root),
            }],
        },
        "contracts_storage_proofs": [entries(&slots)],
        "global_roots": {
            "contracts_tree_root": to_hex(&root),
            "classes_tree_root": "0x0",
            "block_hash": "0x1",
        },
    });
    (root, value)
}

fn pathfinder() -> (Felt, Value) {
    let (root, mut contracts, slots, contract) = state();
    contracts.reverse();
    let list = |nodes: &[Node]| nodes.iter().map(pathfinder_node).collect::<Value>();
    let value = json!({
        "class_commitment": null,
        "contract_proof": list(&contracts),
        "contract_data": {
            "class_hash": to_hex(&contract.class_hash),
            "nonce": to_hex(&contract.nonce),
            "root": to_hex(&contract.storage_root),
            "contract_state_hash_version": "0x0",
            "storage_proofs": [list(&slots[..1]), list(&slots[1..]), list(&slots)],
        },
    });
    (root, value)
}

#[test]
fn both_forms_say_the_same() {
    let found = [
        (rpc().0, rpc_proof(&rpc().1).expect("well-formed")),
        (pathfinder().0, pathfinder_proof(&pathfinder().1).expect("well-formed")),
    ];
    for (commitment, proof) in found {
        let proved = proof.check(&commitment, &asked()).expect("a proof");
        assert_eq!(proved.storage, [[Some(Felt::from(7)), Some(Felt::from(8)), None]]);
        assert_eq!(proved.contracts, [Some(state().3)]);
    }
}

#[test]
fn malformed_proofs_are_refused() {
    let check = |pointer: &str, change: Value, error: BadProof| {
        let (_, mut value) = rpc();
        *value.pointer_mut(pointer).expect(pointer) = change;
        assert_eq!(rpc_proof(&value), Err(error), "{pointer}");
    };
    check("", json!([]), BadProof::Encoding);
    check("/contracts_proof/nodes", json!({}), BadProof::Encoding);
    check("/contracts_proof/nodes/0/node", json!({}), BadProof::Encoding);
    let lie = BadProof::Other("node than its hash says");
    check("/contracts_proof/nodes/0/node_hash", json!("0x1"), lie);
    check("/contracts_storage_proofs", json!(vec![json!([]); 2000]), BadProof::TooLarge);
    check("/global_roots/contracts_tree_root", json!(1), BadProof::Encoding);
    // Of endpoints that left the storage root out.
    let leaf = json!({"class_hash": "0x4", "nonce": "0x5"});
    check("/contracts_proof/contract_leaves_data/0", leaf, BadProof::Encoding);
    let (_, mut value) = pathfinder();
    value["contract_data"]["contract_state_hash_version"] = json!("0x1");
    assert_eq!(pathfinder_proof(&value), Err(BadProof::Other("version of contracts")));
}

#[test]
fn no_contract_is_written_in_two_ways() {
    let zeros = json!({"class_hash": "0x0", "nonce": "0x0", "storage_root": "0x0"});
    assert_eq!(contract(&zeros, "storage_root"), Ok(None));
    assert_eq!(contract(&Value::Null, "storage_root"), Ok(None));
}

#[test]
fn nodes_have_felts_and_lengths() {
    let check = |value: Value, error| {
        assert_eq!(nodes(&json!([value]), FeltHash::Pedersen), Err(error), "{value}");
    };
    let prime = "0x800000000000011000000000000000000000000000000000000000000000001";
    check(json!({"left": prime, "right": "0x1"}), BadProof::Encoding);
    check(json!({"left": "0x1"}), BadProof::Encoding);
    check(json!({"left": 1, "right": 2}), BadProof::Encoding);
    let edge = |length: Value| json!({"child": "0x1", "path": "0x1", "length": length});
    check(edge(json!(256)), BadProof::Edge);
    check(edge(json!(-1)), BadProof::Edge);
    check(edge(json!("1")), BadProof::Edge);
    check(json!({"edge": {"child": "0x1", "path": {"value": "0x1"}}}), BadProof::Encoding);
    check(json!(null), BadProof::Encoding);
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(|number| Value::from(hex(number))),
        "[ -~]{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 60, 6, |inner| {
        let key = prop::sample::select(vec![
            "left",
            "right",
            "child",
            "path",
            "length",
            "value",
            "len",
            "node",
            "node_hash",
            "binary",
            "edge",
            "nodes",
            "contracts_proof",
            "classes_proof",
            "global_roots",
            "root",
            "contract_leaves_data",
            "contracts_storage_proofs",
            "contracts_tree_root",
            "classes_tree_root",
            "contract_proof",
            "contract_data",
            "storage_proofs",
            "nonce",
            "class_hash",
            "storage_root",
            "class_commitment",
        ]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(key.prop_map(str::to_owned), inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

proptest! {
    #[test]
    fn any_json_is_a_proof_or_an_error(parts in prop::collection::vec(any_json(), 4)) {
        drop((rpc_proof(&parts[0]), pathfinder_proof(&parts[0])));
        drop(nodes(&parts[1], FeltHash::Poseidon));
        let whole = json!({
            "classes_proof": parts[0], "contracts_proof": parts[1],
            "contracts_storage_proofs": parts[2], "global_roots": parts[3],
            "contract_proof": parts[0], "contract_data": parts[3],
        });
        for proof in [rpc_proof(&whole), pathfinder_proof(&whole)].into_iter().flatten() {
            drop(proof.check(&Felt::ONE, &asked()));
        }
    }
}
