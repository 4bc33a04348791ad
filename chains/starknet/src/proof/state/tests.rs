use super::{super::trie::tests::build, *};

fn felt(number: u64) -> Felt {
    Felt::from(number)
}

const KEY: u64 = 0x11;
const ADDRESS: u64 = 0xa11ce;
const CLASS: u64 = 0xc1a55;

/// A state of two contracts, one with storage, and one class.
fn proof() -> (Felt, StateProof, Asked) {
    let slots = [(felt(KEY), felt(7)), (felt(0x99), felt(8))];
    let (storage_root, storage_nodes) = build(FeltHash::Pedersen, 251, &slots);
    let contract = ContractState { class_hash: felt(CLASS), nonce: felt(3), storage_root };
    let other = ContractState { class_hash: felt(1), nonce: felt(0), storage_root: felt(0) };
    let contracts = [(felt(ADDRESS), contract.leaf()), (felt(0xb0b), other.leaf())];
    let (contracts, contract_nodes) = build(FeltHash::Pedersen, 251, &contracts);
    let classes = [(felt(CLASS), class_leaf(&felt(5))), (felt(2), class_leaf(&felt(6)))];
    let (classes, class_nodes) = build(FeltHash::Poseidon, 251, &classes);
    let roots = Roots { contracts, classes };
    let commitment = FeltHash::Poseidon.list(&[word(b"STARKNET_STATE_V0"), contracts, classes]);
    let proof = StateProof {
        roots,
        contract_nodes,
        class_nodes,
        contracts: vec![Some(contract), None],
        storage_nodes: vec![storage_nodes],
    };
    let asked = Asked {
        classes: vec![felt(CLASS), felt(3)],
        contracts: vec![felt(ADDRESS), felt(0xdead)],
        storage: vec![(felt(ADDRESS), vec![felt(KEY), felt(0x12)])],
    };
    (commitment, proof, asked)
}

#[test]
fn all_that_was_asked_is_proved() {
    let (commitment, proof, asked) = proof();
    let proved = proof.check(&commitment, &asked).expect("a proof");
    assert_eq!(proved.classes, [Some(class_leaf(&felt(5))), None]);
    assert_eq!(proved.contracts, proof.contracts);
    assert_eq!(proved.storage, [[Some(felt(7)), None]]);
}

#[test]
fn a_changed_proof_proves_nothing() {
    let check = |story: &str, change: &dyn Fn(&mut StateProof, &mut Asked), error| {
        let (commitment, mut proof, mut asked) = proof();
        change(&mut proof, &mut asked);
        assert_eq!(proof.check(&commitment, &asked), Err(error), "{story}");
    };
    let other = BadProof::Other;
    check("contracts' root", &|p, _| p.roots.contracts += Felt::ONE, other("state commitment"));
    check("classes' root", &|p, _| p.roots.classes = Felt::ZERO, other("state commitment"));
    let with = |change: fn(&mut ContractState)| {
        move |p: &mut StateProof, _: &mut Asked| {
            p.contracts[0].as_mut().map(change).expect("it is there");
        }
    };
    check("nonce", &with(|contract| contract.nonce += Felt::ONE), other("contract"));
    check("class", &with(|contract| contract.class_hash += Felt::ONE), other("contract"));
    check("storage root", &with(|contract| contract.storage_root = Felt::ZERO), other("contract"));
    check("hidden contract", &|p, _| p.contracts[0] = None, other("contract"));
    check("invented contract", &|p, _| p.contracts[1] = p.contracts[0], other("contract"));
    check("another address", &|_, a| a.contracts.swap(0, 1), other("contract"));
    let stranger = |_: &mut StateProof, a: &mut Asked| a.storage[0].0 = felt(0xb0b);
    check("storage of a contract not asked for", &stranger, other("contract"));
    check("no storage nodes", &|p, _| p.storage_nodes[0].clear(), BadProof::Missing);
    check("no class nodes", &|p, _| p.class_nodes.clear(), BadProof::Missing);
    check("no contract nodes", &|p, _| p.contract_nodes.clear(), BadProof::Missing);
    check("fewer leaves", &|p, _| p.contracts.truncate(1), other("number of contracts"));
    let fewer = |p: &mut StateProof, _: &mut Asked| p.storage_nodes.clear();
    check("fewer lists", &fewer, other("number of contracts with storage"));
    check("too many keys", &|_, a| a.classes = vec![felt(1); 2000], BadProof::TooLarge);
}

#[test]
fn storage_of_no_contract_is_empty() {
    let (commitment, mut proof, mut asked) = proof();
    asked.storage = vec![(felt(0xdead), vec![felt(1)])];
    proof.storage_nodes = vec![Vec::new()];
    let proved = proof.check(&commitment, &asked).expect("a proof");
    assert_eq!(proved.storage, [[None]]);
}

#[test]
fn a_state_without_classes_has_two_commitments() {
    let roots = Roots { contracts: felt(9), classes: Felt::ZERO };
    assert!(roots.are_of(&felt(9)));
    let tagged = FeltHash::Poseidon.list(&[word(b"STARKNET_STATE_V0"), felt(9), Felt::ZERO]);
    assert!(roots.are_of(&tagged));
    assert!(!Roots { classes: Felt::ONE, ..roots }.are_of(&felt(9)));
}
