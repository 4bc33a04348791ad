use proptest::prelude::*;

use super::*;

fn word(number: usize) -> Vec<u8> {
    U256::from(number).to_be_bytes_vec()
}

fn wrap(factory: Address, calldata: &[u8], signature: &[u8]) -> Vec<u8> {
    let pad = |bytes: &[u8]| {
        let mut padded = word(bytes.len());
        padded.extend_from_slice(bytes);
        padded.resize(padded.len().next_multiple_of(WORD), 0);
        padded
    };
    let (first, second) = (pad(calldata), pad(signature));
    let head = [factory.into_word().to_vec(), word(96), word(96 + first.len())].concat();
    [head, first, second, WRAPPED.to_vec()].concat()
}

proptest! {
    #[test]
    fn what_is_wrapped_comes_out(
        factory in any::<[u8; 20]>(),
        calldata in prop::collection::vec(any::<u8>(), 0..100),
        signature in prop::collection::vec(any::<u8>(), 0..100),
    ) {
        let wrapped = wrap(factory.into(), &calldata, &signature);
        let found = unwrap(&wrapped).expect("well-formed").expect("wrapped");
        prop_assert_eq!(found.factory, Address::from(factory));
        prop_assert_eq!(found.factory_calldata.as_ref(), calldata.as_slice());
        prop_assert_eq!(found.signature.as_ref(), signature.as_slice());
    }

    #[test]
    fn any_bytes_are_parts_or_an_error(mut bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(unwrap(&bytes).is_ok());
        bytes.extend_from_slice(&WRAPPED);
        drop(unwrap(&bytes));
        prop_assert_eq!(delegate(&bytes), None);
        prop_assert!(!erc1271_accepts(false, &bytes));
    }

    #[test]
    fn a_small_number_anywhere_in_the_head_never_panics(
        words in prop::collection::vec(0_u64..400, 3..12)
    ) {
        let small = |number: &u64| usize::try_from(*number).expect("small");
        let mut bytes: Vec<u8> = words.iter().flat_map(|number| word(small(number))).collect();
        bytes.extend_from_slice(&WRAPPED);
        drop(unwrap(&bytes));
    }
}

#[test]
fn dirty_wrappers_are_refused() {
    let good = wrap(Address::repeat_byte(7), b"call", b"signature");
    assert!(unwrap(&good).expect("well-formed").is_some());
    for (at, byte, said) in [
        (0, 1, "the factory is no address"),
        (63, 32, "an offset leads into the head"),
        (63, 97, "an offset leads into the head"),
        (62, 0xff, "an offset or a length leads outside"),
        (40, 1, "an offset or a length leads outside"),
        (127, 0xff, "an offset or a length leads outside"),
        (159, 1, "its padding is not zero"),
    ] {
        let mut bad = good.clone();
        bad[at] = byte;
        assert_eq!(unwrap(&bad), Err(BadWrapping(said)), "byte {at}");
    }
    assert_eq!(unwrap(&WRAPPED), Err(BadWrapping("its body is too short")));
}

#[test]
fn the_largest_nonce_authorizes_nothing() {
    let with = |nonce| Authorization { chain_number: U256::ONE, address: Address::ZERO, nonce };
    let signature = |authorization: &Authorization| {
        let key = k256::ecdsa::SigningKey::from_slice(&[7; 32]).expect("a key");
        let digest = authorization.digest();
        key.sign_prehash_recoverable(digest.as_bytes()).expect("signs")
    };
    for (nonce, is_valid) in [(0, true), (u64::MAX - 1, true), (u64::MAX, false)] {
        let authorization = with(nonce);
        let (rs, id) = signature(&authorization);
        let bytes: [u8; 64] = rs.to_bytes().into();
        let (r, s) = (bytes[..32].try_into().expect("32"), bytes[32..].try_into().expect("32"));
        assert_eq!(authorization.authority(id.to_byte(), &r, &s).is_some(), is_valid);
        assert_eq!(authorization.authority(id.to_byte() + 2, &r, &s), None);
    }
}

#[test]
fn an_answer_is_the_magic_word_or_no() {
    let check = |is_success: bool, answer: &str, expected: bool| {
        let answer: Bytes = answer.parse().expect("hex");
        assert_eq!(erc1271_accepts(is_success, &answer), expected, "{answer}");
    };
    let zeros = "0".repeat(56);
    check(true, &format!("0x1626ba7e{zeros}"), true);
    check(true, &format!("0x1626ba7e{zeros}ff"), true);
    check(false, &format!("0x1626ba7e{zeros}"), false);
    check(true, &format!("0x{zeros}1626ba7e"), false);
    check(true, &format!("0x1626ba7e{}1", &zeros[1..]), false);
    check(true, &format!("0x1626ba7f{zeros}"), false);
    check(true, &format!("0x1626ba7e{}", &zeros[2..]), false);
    check(true, "0x1626ba7e", false);
    check(true, "0x", false);
}

#[test]
fn a_delegation_is_exactly_23_bytes() {
    let check = |code: &str, expected: bool| {
        let code: Bytes = code.parse().expect("hex");
        assert_eq!(delegate(&code).is_some(), expected, "{code}");
    };
    check(&format!("0xef0100{}", "11".repeat(20)), true);
    check(&format!("0xef0100{}", "00".repeat(20)), true);
    check(&format!("0xef0100{}", "11".repeat(19)), false);
    check(&format!("0xef0100{}", "11".repeat(21)), false);
    check(&format!("0xef0101{}", "11".repeat(20)), false);
    check(&format!("0xef0000{}", "11".repeat(20)), false);
    check("0xef0100", false);
    check("0x", false);
}

#[test]
fn odd_wrappers_have_one_reading_or_none() {
    let parts = |bytes: &[u8]| unwrap(bytes).map(|found| found.expect("wrapped"));
    let empty = wrap(Address::ZERO, b"", b"");
    let found = parts(&empty).expect("empty parts are parts");
    assert!(found.factory_calldata.is_empty() && found.signature.is_empty());
    let good = wrap(Address::repeat_byte(7), b"call", b"signature");
    // What follows the magic value makes it another signature.
    assert_eq!(unwrap(&[&good[..], &[0]].concat()), Ok(None));
    assert_eq!(unwrap(&good[..good.len() - 1]), Ok(None));
    // Bytes that nothing points to may stand between the parts and the magic value.
    let (body, magic) = good.split_at(good.len() - WORD);
    let spaced = [body, &[0xff; 7], magic].concat();
    assert_eq!(parts(&spaced), parts(&good));
    // Both parts may be the same bytes.
    let mut shared = good.clone();
    shared[95] = 96;
    let found = parts(&shared).expect("well-formed");
    assert_eq!(
        (found.factory_calldata.as_ref(), found.signature.as_ref()),
        (&b"call"[..], &b"call"[..])
    );
    // A wrapper in a wrapper is taken off once.
    let twice = wrap(Address::repeat_byte(8), b"", &good);
    assert_eq!(parts(&twice).map(|found| found.signature.to_vec()), Ok(good));
}

mod judging {
    use super::*;

    const DIGEST: B256 = B256::repeat_byte(0x42);
    const CODE: &[u8] = &[0x60, 0x80];

    fn key() -> k256::ecdsa::SigningKey {
        k256::ecdsa::SigningKey::from_slice(&[7; 32]).expect("a key")
    }

    fn owner() -> Address {
        eoa::address_of(key().verifying_key())
    }

    fn signature() -> Vec<u8> {
        let (rs, id) = key().sign_prehash_recoverable(DIGEST.as_slice()).expect("signs");
        [&rs.to_bytes()[..], &[27 + id.to_byte()]].concat()
    }

    fn answer(is_yes: bool) -> Option<Answer> {
        let data = if is_yes { B256::right_padding_from(&MAGIC) } else { B256::ZERO };
        Some(Answer { is_success: true, data: data.into() })
    }

    fn delegated() -> Vec<u8> {
        [&DELEGATED[..], &[0x11; 20]].concat()
    }

    #[track_caller]
    fn check(
        story: &str,
        code: &[u8],
        signature: &[u8],
        answers: [Option<Answer>; 2],
        expected: &Judgment,
    ) {
        let [account, deployed] = answers;
        let answers = Answers { account, deployed };
        assert_eq!(&judge(&owner(), code, &DIGEST, signature, &answers), expected, "{story}");
    }

    #[test]
    fn the_key_speaks_where_there_is_no_contract() {
        let (good, bad) = (signature(), vec![1; 65]);
        let ask =
            |signature: &[u8]| Judgment::Ask(Question::Account(erc1271_call(&DIGEST, signature)));
        let by_key = Judgment::Signed(Means::Key);
        let by_contract = Judgment::Signed(Means::Contract);
        let not_key = Judgment::Refused("the account's key did not sign this");
        let not_said = Judgment::Refused("the account does not say that it signed");
        check("no code, own key", b"", &good, [None, None], &by_key);
        check("no code, another key", b"", &bad, [None, None], &not_key);
        check("no code, whatever is answered", b"", &bad, [answer(true), None], &not_key);
        check("delegated, own key", &delegated(), &good, [None, None], &by_key);
        check("delegated, another key", &delegated(), &bad, [None, None], &ask(&bad));
        check(
            "delegated, its code says yes",
            &delegated(),
            &bad,
            [answer(true), None],
            &by_contract,
        );
        check("delegated, its code says no", &delegated(), &bad, [answer(false), None], &not_said);
        check("a contract, own key", CODE, &good, [None, None], &ask(&good));
        check("a contract says no to its own key", CODE, &good, [answer(false), None], &not_said);
        check("a contract says yes", CODE, &bad, [answer(true), None], &by_contract);
        check("a contract, no signature at all", CODE, b"", [None, None], &ask(b""));
        let reverted = answer(true).map(|answer| Answer { is_success: false, ..answer });
        check("a contract reverts with yes", CODE, &bad, [reverted, None], &not_said);
        let answers = Answers::default();
        let zero = judge(&Address::ZERO, b"", &DIGEST, &good, &answers);
        assert_eq!(zero, Judgment::Refused("the zero address is nobody's"));
    }

    #[test]
    fn a_wrapped_signature_asks_the_contract_then_its_factory() {
        let inner = signature();
        let wrapped = wrap(Address::repeat_byte(9), b"deploy", &inner);
        let call = erc1271_call(&DIGEST, &inner);
        let ask_account = Judgment::Ask(Question::Account(call.clone()));
        let ask_factory = Judgment::Ask(Question::Deployed {
            factory: Address::repeat_byte(9),
            factory_calldata: Bytes::from_static(b"deploy"),
            call,
        });
        let by_factory = Judgment::Signed(Means::Factory);
        let by_contract = Judgment::Signed(Means::Contract);
        let no = Judgment::Refused("the account does not say that it signed, deployed or not");
        check("no code: never the key", b"", &wrapped, [None, None], &ask_factory);
        check("no code, a yes", b"", &wrapped, [None, answer(true)], &by_factory);
        check("no code, a no", b"", &wrapped, [None, answer(false)], &no);
        check("no code, deployed says no", b"", &wrapped, [answer(true), answer(false)], &no);
        check("code: asked as it is", CODE, &wrapped, [None, None], &ask_account);
        check("code, a yes", CODE, &wrapped, [answer(true), None], &by_contract);
        check("code, a no", CODE, &wrapped, [answer(false), None], &ask_factory);
        check("code, then a yes", CODE, &wrapped, [answer(false), answer(true)], &by_factory);
        check("code, two noes", CODE, &wrapped, [answer(false), answer(false)], &no);
        check("delegated", &delegated(), &wrapped, [None, None], &ask_account);
        let broken = Judgment::Refused("its body is too short");
        check("a broken wrapper", CODE, &WRAPPED, [answer(true), answer(true)], &broken);
    }

    proptest! {
        #[test]
        fn at_most_two_questions_are_asked(
            code in prop_oneof![Just(vec![]), Just(delegated()), Just(CODE.to_vec())],
            bytes in prop::collection::vec(any::<u8>(), 0..80),
            is_wrapped: bool,
            says: (bool, bool),
        ) {
            let signature = if is_wrapped { wrap(owner(), b"x", &bytes) } else { bytes };
            let mut answers = Answers::default();
            let mut asked = 0;
            let judgment = loop {
                match judge(&owner(), &code, &DIGEST, &signature, &answers) {
                    Judgment::Ask(Question::Account(_)) => answers.account = answer(says.0),
                    Judgment::Ask(Question::Deployed { .. }) => answers.deployed = answer(says.1),
                    done => break done,
                }
                asked += 1;
                prop_assert!(asked <= 2);
            };
            let told = [(&answers.account, says.0), (&answers.deployed, says.1)];
            let is_asked_yes = told.iter().any(|(answer, is_yes)| answer.is_some() && *is_yes);
            prop_assert_eq!(matches!(judgment, Judgment::Signed(_)), is_asked_yes);
        }
    }
}
