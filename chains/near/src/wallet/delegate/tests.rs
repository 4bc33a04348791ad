//! What NEAR's own library encodes, and what must not pass for it.

use proptest::prelude::*;
use serde_json::Value;

use super::*;

/// Written by `tests/vectors/generate.mjs`.
fn samples() -> Vec<Vec<u8>> {
    let text = include_str!("../../../tests/vectors/own/nep366-decode.json");
    let claims: Vec<Value> = serde_json::from_str(text).expect("JSON");
    let good = claims.iter().filter(|claim| claim["expect"]["valid"] == true);
    good.map(|claim| claim["input"]["action_borsh"].as_str().expect("text"))
        .map(|text| hex::decode(text).expect("hex"))
        .collect()
}

#[test]
fn what_the_library_signs_is_read_and_holds() {
    for action in samples() {
        let signed = SignedDelegateAction::from_action(&action).expect("legal");
        assert_eq!(signed.verify(), Ok(()));
        let preimage = [&TAG.to_le_bytes(), signed.body].concat();
        let read = DelegateAction::from_preimage(&preimage).expect("legal");
        assert_eq!(signed.delegate_action, read);
    }
}

#[test]
fn every_action_has_its_fields() {
    let key = PublicKey::Secp256k1([5; 64]);
    let check = |bytes: &[&[u8]], expected: Action<'_>| {
        let preimage = preimage(1, &bytes.concat());
        let read = DelegateAction::from_preimage(&preimage).expect("legal");
        assert_eq!(read.actions, [expected]);
        assert_eq!((read.nonce, read.max_block_height), (1, 2));
    };
    let (four, one) = (4_u64.to_le_bytes(), 1_u128.to_le_bytes());
    let written = [&[1][..], &[5; 64]].concat();
    let to = b"\x08\0\0\0b.tester";
    let account: NearId = "b.tester".parse().expect("legal");
    let method_name = "ab";
    check(&[&[0]], Action::CreateAccount);
    check(&[&[1], b"\x02\0\0\0hi"], Action::DeployContract { code: b"hi" });
    check(
        &[&[2], b"\x02\0\0\0ab\x01\0\0\0c", &four, &one],
        Action::FunctionCall { method_name, args: b"c", gas: 4, deposit: 1 },
    );
    check(&[&[3], &one], Action::Transfer { deposit: 1 });
    check(&[&[4], &one, &written], Action::Stake { stake: 1, public_key: key });
    check(
        &[&[5], &written, &four, &[1]],
        Action::AddKey { public_key: key, nonce: 4, permission: Permission::Full },
    );
    let permission = Permission::FunctionCall {
        allowance: Some(1),
        receiver_id: "b.tester",
        method_names: vec!["ab"],
    };
    check(
        &[&[5], &written, &four, &[0, 1], &one, to, b"\x01\0\0\0\x02\0\0\0ab"],
        Action::AddKey { public_key: key, nonce: 4, permission },
    );
    check(&[&[6], &written], Action::DeleteKey { public_key: key });
    check(&[&[7], to], Action::DeleteAccount { beneficiary_id: account.clone() });
    check(
        &[&[9], b"\x02\0\0\0hi", &[1]],
        Action::DeployGlobalContract { code: b"hi", by_account: true },
    );
    let hash = CryptoHash::from_bytes([6; 32]);
    check(&[&[10, 0], &[6; 32]], Action::UseGlobalContract(SharedCode::Hash(hash)));
    check(&[&[10, 1], to], Action::UseGlobalContract(SharedCode::Account(account)));
}

/// `aaa` to `bbb`, with these actions; nonce 1, height 2, an empty key.
fn preimage(count: u32, actions: &[u8]) -> Vec<u8> {
    let mut out = TAG.to_le_bytes().to_vec();
    out.extend(b"\x03\0\0\0aaa\x03\0\0\0bbb");
    out.extend(count.to_le_bytes());
    out.extend(actions);
    out.extend([1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0]);
    out.extend([0; 33]);
    out
}

#[test]
fn a_first_state_must_be_ascending() {
    let entry = |key: &[u8]| [&[1, 0, 0, 0], key, &[0, 0, 0, 0]].concat();
    let state = |keys: [&[u8]; 2]| {
        let mut out = vec![11, 0, 0];
        out.extend([9; 32]);
        out.extend([2, 0, 0, 0]);
        keys.iter().for_each(|key| out.extend(entry(key)));
        out.extend([0; 16]);
        preimage(1, &out)
    };
    let ascending = state([b"a", b"b"]);
    let read = DelegateAction::from_preimage(&ascending).expect("legal");
    assert!(matches!(&read.actions[..], [Action::DeterministicStateInit { state, .. }]
        if state[..] == [(&b"a"[..], &b""[..]), (&b"b"[..], &b""[..])]));
    for keys in [[b"b", b"a"], [b"a", b"a"]] {
        let bytes = state([keys[0].as_slice(), keys[1].as_slice()]);
        assert!(DelegateAction::from_preimage(&bytes).is_err());
    }
}

#[test]
fn what_is_no_delegated_action_is_refused() {
    let check = |story: &str, bytes: &[u8]| {
        assert!(DelegateAction::from_preimage(bytes).is_err(), "{story}");
    };
    assert!(DelegateAction::from_preimage(&preimage(1, &[0])).is_ok());
    check("nothing", &[]);
    check("no tag", &preimage(1, &[0])[4..]);
    let mut other = preimage(1, &[0]);
    other[..4].copy_from_slice(&((1_u32 << 31) + 413).to_le_bytes());
    check("the tag of a signed message", &other);
    check("a delegated action inside", &preimage(1, &[8]));
    let signed = samples().remove(0);
    check("a whole delegated action inside", &preimage(1, &signed));
    check("an action after NEP-616", &preimage(1, &[14]));
    check("a key with a balance", &preimage(1, &[12; 50]));
    check("fewer actions than counted", &preimage(2, &[0]));
    check("more actions than allowed", &preimage(101, &[0; 101]));
    assert!(DelegateAction::from_preimage(&preimage(100, &[0; 100])).is_ok());
    let mut long = preimage(1, &[0]);
    long.push(0);
    check("a byte more", &long);
    long.truncate(long.len() - 2);
    check("a byte less", &long);
    let mut upper = preimage(1, &[0]);
    upper[8] = b'A';
    check("an upper-case account", &upper);
    let mut action = samples().remove(1);
    let last = action.len() - 1;
    action[last] ^= 1;
    let read = SignedDelegateAction::from_action(&action).expect("legal");
    assert_eq!(read.verify(), Err(BadSignature));
    action[0] = 7;
    assert!(SignedDelegateAction::from_action(&action).is_err());
}

proptest! {
    #[test]
    fn any_bytes_are_judged(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _either = DelegateAction::from_preimage(&bytes).is_ok();
        let _either = SignedDelegateAction::from_action(&bytes).is_ok();
        let _either = DelegateAction::from_preimage(&preimage(3, &bytes)).is_ok();
    }

    #[test]
    fn one_changed_byte_spoils_a_signature(place: prop::sample::Index, flip in 1_u8..) {
        let mut action = samples().remove(1);
        let place = place.index(action.len());
        action[place] ^= flip;
        let signed = SignedDelegateAction::from_action(&action);
        let holds = signed.is_ok_and(|signed| signed.verify().is_ok());
        prop_assert!(!holds);
    }
}
