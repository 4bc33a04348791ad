//! Hashes and bounds of transactions.

use super::*;

fn invocation() -> Body {
    let (to, selector) = (Felt::TWO, felt::selector("approve"));
    Body::Invoke(Invocation { to, selector, calldata: vec![Felt::ONE, Felt::THREE] })
}

fn transaction(nonce: u64, body: Body) -> Transaction {
    let bounds = Bounds { l1_gas: (1, 2), l1_data_gas: (3, 4), l2_gas: (5, 6) };
    Transaction { sender: Felt::THREE, nonce, bounds, body }
}

fn key() -> AccountKey {
    let mut bytes = [0; 32];
    bytes[31] = 77;
    AccountKey::from_bytes(bytes)
}

/// The hash that starknet.js 10.8 gives for the same parts.
#[test]
fn wallets_hash_the_same_transaction() {
    let chain = felt::short_string("SN_SEPOLIA").expect("short");
    let made = transaction(9, invocation());
    let sent = made.hash(&chain, Purpose::Send);
    assert_eq!(felt::to_hex(&sent), EXPECTED_SEND);
    let query = made.hash(&chain, Purpose::Query);
    assert_eq!(felt::to_hex(&query), EXPECTED_QUERY);
}

const EXPECTED_SEND: &str = "0x2fd5196d86ab07ab4d9d85145189a03f08bf0f75726d3d7b20a83e5e985aa80";
const EXPECTED_QUERY: &str = "0x148701398bcf6e1d1d2c04d07b2ea7874b013afa6fe8807ab05fc32979aed65";

#[test]
fn what_is_simulated_can_not_be_sent() {
    let chain = felt::short_string("SN_MAIN").expect("short");
    let signed = |purpose| transaction(1, invocation()).sign(&chain, &key(), purpose);
    let (query, sent) = (signed(Purpose::Query), signed(Purpose::Send));
    let (query, sent) = (query.expect("a key"), sent.expect("a key"));
    assert_ne!(query.hash, sent.hash);
    assert_eq!(sent.to_json()["version"], "0x3");
    assert_eq!(query.to_json()["version"], "0x100000000000000000000000000000003");
    assert_eq!(sent.to_json()["nonce"], "0x1");
    assert_eq!(sent.to_json()["resource_bounds"]["l2_gas"]["max_amount"], "0x5");
    let none = AccountKey::from_bytes([0; 32]);
    let unsigned = transaction(1, invocation()).sign(&chain, &none, Purpose::Send);
    assert!(matches!(unsigned, Err(ChainError::BadKey)));
}

#[test]
fn all_that_it_does_is_signed() {
    let chain = felt::short_string("SN_MAIN").expect("short");
    let hash = |transaction: &Transaction| transaction.hash(&chain, Purpose::Send);
    let one = transaction(1, invocation());
    let mut others = vec![transaction(2, invocation())];
    others.push(Transaction { sender: Felt::ONE, ..one.clone() });
    let dearer = Bounds { l2_gas: (5, 7), ..one.bounds };
    others.push(Transaction { bounds: dearer, ..one.clone() });
    let more = Bounds { l1_data_gas: (4, 4), ..one.bounds };
    others.push(Transaction { bounds: more, ..one.clone() });
    let calldata = vec![Felt::ONE];
    let (to, selector) = (Felt::TWO, felt::selector("approve"));
    others.push(transaction(1, Body::Invoke(Invocation { to, selector, calldata })));
    for other in &others {
        assert_ne!(hash(&one), hash(other), "{other:?}");
    }
    let other_chain = felt::short_string("SN_SEPOLIA").expect("short");
    assert_ne!(hash(&one), one.hash(&other_chain, Purpose::Send));
}

#[test]
fn a_replacement_pays_more_and_nothing_overflows() {
    let before = Bounds { l1_gas: (9, 80), l1_data_gas: (0, 0), l2_gas: (1, u128::MAX) };
    let now = Bounds { l1_gas: (10, 1), l1_data_gas: (5, 100), l2_gas: (0, 0) };
    let raised = now.above(&before);
    assert_eq!(raised.l1_gas, (10, 91));
    assert_eq!(raised.l1_data_gas, (5, 100));
    assert_eq!(raised.l2_gas, (1, u128::MAX));
    assert_eq!(raised.cost(), u128::MAX);
    assert_eq!(Bounds { l1_gas: (2, 3), l1_data_gas: (4, 5), l2_gas: (6, 7) }.cost(), 68);
}
