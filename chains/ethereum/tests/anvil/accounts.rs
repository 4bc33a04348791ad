//! Whether accounts signed: plain ones, contracts, contracts that are not there yet, delegations.

use alloy::primitives::{Address, Bytes, U256, keccak256};
use chain::{Chain as _, ChainError, Shown};
use governance::log::Answer;
use k256::ecdsa::SigningKey;
use serde_json::json;
use types::{AccountId, Hash};

use crate::{World, id, process::Anvil};

/// A contract that anvil brings along: creates, by CREATE2, what follows the salt in its calldata.
const FACTORY: &str = "4e59b44847b379578588920ca78fbf26c0b4956c";

/// A wallet that accepts every signature over `digest`, and none over another.
fn wallet(digest: &Hash) -> Vec<u8> {
    let magic: U256 = U256::from(0x1626_ba7e_u64) << 224_usize;
    // mstore(0, magic * (calldataload(4) == digest)); return(0, 32)
    let mut code = vec![0x7f];
    code.extend_from_slice(&magic.to_be_bytes::<32>());
    code.push(0x7f);
    code.extend_from_slice(digest.as_bytes());
    code.extend_from_slice(&[0x60, 4, 0x35, 0x14, 0x02, 0x5f, 0x52, 0x60, 32, 0x5f, 0xf3]);
    code
}

/// Creates a contract with this code.
fn creation(code: &[u8]) -> Vec<u8> {
    let len = u8::try_from(code.len()).expect("short");
    // codecopy(0, 11, len); return(0, len)
    let head = [0x60, len, 0x60, 11, 0x5f, 0x39, 0x60, len, 0x5f, 0xf3, 0x00];
    [&head[..], code].concat()
}

fn account(address: Address) -> AccountId {
    format!("eip155:31337:{address}").parse().expect("legal")
}

fn digest() -> Hash {
    Hash::from_bytes([0x5a; 32])
}

/// What the plain account `index` makes of a digest.
fn sign(index: usize, digest: &Hash) -> Vec<u8> {
    let key = SigningKey::from_slice(Anvil::key(index).as_bytes()).expect("a key");
    let (signature, id) = key.sign_prehash_recoverable(digest.as_bytes()).expect("signs");
    let mut bytes = signature.to_bytes().to_vec();
    bytes.push(27 + id.to_byte());
    bytes
}

fn wrap(factory: Address, calldata: &[u8], signature: &[u8]) -> Vec<u8> {
    let word = |number: usize| U256::from(number).to_be_bytes::<32>().to_vec();
    let tail = |bytes: &[u8]| {
        let mut tail = word(bytes.len());
        tail.extend_from_slice(bytes);
        tail.resize(tail.len().next_multiple_of(32), 0);
        tail
    };
    let (first, second) = (tail(calldata), tail(signature));
    let head = [factory.into_word().to_vec(), word(96), word(96 + first.len())].concat();
    [head, first, second, [[0x64, 0x92]; 16].concat()].concat()
}

#[track_caller]
fn answer(signed: Result<chain::Signed, ChainError>) -> (Answer, Shown) {
    let signed = signed.expect("the chain answers");
    assert!(signed.block.height > 0);
    (signed.answer, signed.trust.answer)
}

const TOLD: Shown = Shown::Told { agreeing: 1, of: 1 };

#[tokio::test]
async fn plain_accounts_sign_with_their_keys_alone() {
    let world = World::new(&[]).await;
    world.anvil.mine(3).await;
    for (by, over, expected) in
        [(0, 0x5a, Answer::Valid), (1, 0x5a, Answer::Invalid), (0, 0, Answer::Invalid)]
    {
        let signature = sign(by, &Hash::from_bytes([over; 32]));
        let signed = world.registry.account_signed(&id(0), &digest(), &signature, None).await;
        assert_eq!(answer(signed), (expected, Shown::Proved));
    }
    let nobody = account(Address::ZERO);
    assert!(matches!(
        world.registry.account_signed(&nobody, &digest(), &[], None).await,
        Err(ChainError::BadAccount { .. })
    ));
}

#[tokio::test]
async fn contracts_sign_by_their_code_and_never_by_a_key() {
    let world = World::new(&[]).await;
    let address = Address::repeat_byte(0xcc);
    let set = json!([address, Bytes::from(wallet(&digest()))]);
    world.anvil.ask("anvil_setCode", set).await;
    // The code of a contract at a plain account's address: the key has no say any more.
    let taken = json!([id(1).address(), Bytes::from(wallet(&Hash::from_bytes([1; 32])))]);
    world.anvil.ask("anvil_setCode", taken).await;
    world.anvil.mine(3).await;
    let signed = world.registry.account_signed(&account(address), &digest(), b"any", None).await;
    assert_eq!(answer(signed), (Answer::Valid, TOLD));
    let other = Hash::from_bytes([1; 32]);
    let signed = world.registry.account_signed(&account(address), &other, b"any", None).await;
    assert_eq!(answer(signed), (Answer::Invalid, TOLD));
    let signature = sign(1, &digest());
    let signed = world.registry.account_signed(&id(1), &digest(), &signature, None).await;
    assert_eq!(answer(signed), (Answer::Invalid, TOLD));
    // The registry is a contract that knows no such question.
    let registry = world.registry.locator().id().clone();
    let signed = world.registry.account_signed(&registry, &digest(), b"any", None).await;
    assert_eq!(answer(signed), (Answer::Invalid, TOLD));
}

#[tokio::test]
async fn delegated_accounts_sign_by_key_or_by_code() {
    let world = World::new(&[]).await;
    let code = Address::repeat_byte(0xcc);
    let by_code = Hash::from_bytes([1; 32]);
    world.anvil.ask("anvil_setCode", json!([code, Bytes::from(wallet(&by_code))])).await;
    let delegation = [&[0xef, 0x01, 0x00][..], code.as_slice()].concat();
    let set = json!([id(2).address(), Bytes::from(delegation)]);
    world.anvil.ask("anvil_setCode", set).await;
    world.anvil.mine(3).await;
    let signature = sign(2, &digest());
    let signed = world.registry.account_signed(&id(2), &digest(), &signature, None).await;
    assert_eq!(answer(signed), (Answer::Valid, Shown::Proved));
    let signed = world.registry.account_signed(&id(2), &by_code, b"any", None).await;
    assert_eq!(answer(signed), (Answer::Valid, TOLD));
    let signature = sign(1, &digest());
    let signed = world.registry.account_signed(&id(2), &digest(), &signature, None).await;
    assert_eq!(answer(signed), (Answer::Invalid, TOLD));
}

#[tokio::test]
async fn a_wallet_that_is_not_there_yet_signs_by_what_it_will_be() {
    let world = World::new(&[]).await;
    world.anvil.mine(3).await;
    let factory: Address = FACTORY.parse().expect("an address");
    let creation = creation(&wallet(&digest()));
    let salt = [9; 32];
    let preimage =
        [&[0xff][..], factory.as_slice(), &salt, keccak256(&creation).as_slice()].concat();
    let address = Address::from_word(keccak256(preimage));
    let calldata = [&salt[..], &creation].concat();
    let wrapped = wrap(factory, &calldata, b"any");
    let signed = world.registry.account_signed(&account(address), &digest(), &wrapped, None).await;
    assert_eq!(answer(signed), (Answer::Valid, TOLD));
    let other = Hash::from_bytes([1; 32]);
    let refused = [
        // Another digest, another account, another factory, no account at all.
        (address, other, wrapped.clone()),
        (Address::repeat_byte(0xdd), digest(), wrapped.clone()),
        (address, digest(), wrap(Address::repeat_byte(0xdd), &calldata, b"any")),
        (address, digest(), b"any".to_vec()),
    ];
    for (address, digest, signature) in refused {
        let signed =
            world.registry.account_signed(&account(address), &digest, &signature, None).await;
        assert_eq!(answer(signed).0, Answer::Invalid);
    }
    // Nothing came to be by asking.
    let code = world.anvil.ask("eth_getCode", json!([address, "latest"])).await;
    assert_eq!(code, "0x");
    let malformed = [&wrapped[..64], &[[0x64, 0x92]; 16].concat()].concat();
    let signed =
        world.registry.account_signed(&account(address), &digest(), &malformed, None).await;
    assert_eq!(answer(signed).0, Answer::Invalid);
}
