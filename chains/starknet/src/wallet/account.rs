//! Account contracts: their addresses, the question whether they signed, and their answer.

use starknet_types_core::felt::NonZeroFelt;

use crate::{
    felt::{Felt, selector, word},
    hash::FeltHash,
};

/// Addresses are below this: 2^251 − 256. Source: Starknet, "Contract address".
pub(crate) const ADDRESS_BOUND: Felt =
    Felt::from_hex_unchecked("0x07ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff00");

/// What an account's `is_valid_signature` said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// `'VALID'` and nothing else. Source: SNIP-6.
    Valid,
    /// 1, as accounts did before SNIP-6: other contracts say it for other things, so it counts only
    /// where the account's class is known.
    One,
    /// Anything else.
    No,
}

/// Where a contract is deployed to, before it is there.
pub fn contract_address(
    deployer: &Felt,
    salt: &Felt,
    class_hash: &Felt,
    constructor_calldata: &[Felt],
) -> Felt {
    let calldata_hash = FeltHash::Pedersen.list(constructor_calldata);
    let tag = word(b"STARKNET_CONTRACT_ADDRESS");
    let hash = FeltHash::Pedersen.list(&[tag, *deployer, *salt, *class_hash, calldata_hash]);
    hash.mod_floor(&NonZeroFelt::from_felt_unchecked(ADDRESS_BOUND))
}

/// Whether a contract can stand at `address`.
pub fn is_address(address: &Felt) -> bool {
    *address != Felt::ZERO && *address < ADDRESS_BOUND
}

/// Names the function that every account has. Source: SNIP-6.
pub fn is_valid_signature_selector() -> Felt {
    selector("is_valid_signature")
}

/// What `is_valid_signature` is called with: the hash, then the signature with its length.
pub fn is_valid_signature_calldata(message_hash: &Felt, signature: &[Felt]) -> Vec<Felt> {
    [&[*message_hash, Felt::from(signature.len())], signature].concat()
}

/// Reads the answer of a call that did not fail; one that failed says no.
pub fn said(result: &[Felt]) -> Said {
    match result {
        [answer] if *answer == word(b"VALID") => Said::Valid,
        [answer] if *answer == Felt::ONE => Said::One,
        _ => Said::No,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::felt::parse_hex;

    #[test]
    fn only_the_one_word_is_yes() {
        let valid = parse_hex("0x56414c4944").expect("a felt");
        assert_eq!(said(&[valid]), Said::Valid);
        assert_eq!(said(&[Felt::ONE]), Said::One);
        for result in [&[][..], &[Felt::ZERO], &[valid, Felt::ZERO], &[valid, valid], &[Felt::TWO]]
        {
            assert_eq!(said(result), Said::No, "{result:?}");
        }
    }

    #[test]
    fn the_question_carries_the_length() {
        let calldata = is_valid_signature_calldata(&Felt::THREE, &[Felt::ONE, Felt::TWO]);
        assert_eq!(calldata, [Felt::THREE, Felt::TWO, Felt::ONE, Felt::TWO]);
        assert_eq!(is_valid_signature_calldata(&Felt::ONE, &[]), [Felt::ONE, Felt::ZERO]);
    }

    /// Addresses that starknet.js 10.8 gives.
    #[test]
    fn wallets_compute_the_same_address() {
        let check = |deployer: u64, calldata: &[u64], expected: &str| {
            let calldata: Vec<Felt> = calldata.iter().copied().map(Felt::from).collect();
            let [deployer, salt, class] = [deployer, 0x11, 0x22].map(Felt::from);
            let address = contract_address(&deployer, &salt, &class, &calldata);
            assert_eq!(format!("{address:#x}"), expected);
        };
        let expected = "0x5b959a72e19efe6565c9671409b06bfbcd3b21e7f126a6dd951fe738056a0fe";
        check(0, &[0x11, 1], expected);
        let expected = "0x656e699487c2389e26dd9156f5a3a26ae51280868940fcd728d471f7d7db148";
        check(0x33, &[], expected);
    }

    #[test]
    fn an_address_depends_on_all_that_makes_it() {
        let address = |parts: [u64; 3], calldata: &[Felt]| {
            let [deployer, salt, class] = parts.map(Felt::from);
            contract_address(&deployer, &salt, &class, calldata)
        };
        let one = address([0, 1, 2], &[Felt::ONE]);
        assert!(one < ADDRESS_BOUND);
        for other in [
            address([1, 1, 2], &[Felt::ONE]),
            address([0, 2, 2], &[Felt::ONE]),
            address([0, 1, 3], &[Felt::ONE]),
            address([0, 1, 2], &[]),
            address([0, 1, 2], &[Felt::ONE, Felt::ZERO]),
        ] {
            assert_ne!(one, other);
        }
    }
}
