//! Accounts and keys: who may do what, and what it costs.

use anchorhold_devnet_near::{
    AccountId, Action, Balance, Call, Chain, ChainConfig, InvalidTxError, sign,
};
use near_crypto::{InMemorySigner, KeyType, SecretKey, Signer};
use near_primitives::{
    account::{AccessKey, AccessKeyPermission, FunctionCallPermission},
    action::{
        AddKeyAction, CreateAccountAction, DeleteAccountAction, DeleteKeyAction, TransferAction,
        delegate::{DelegateAction, SignedDelegateAction},
    },
    errors::InvalidAccessKeyError,
    transaction::{Transaction, TransactionV0},
};

use crate::contract::{chain, chain_with, chain_with_contracts, id, kept};

fn transfer(near: u128) -> Action {
    Action::Transfer(TransferAction { deposit: Balance::from_near(near) })
}

fn add_key(key: &SecretKey, permission: AccessKeyPermission) -> Action {
    let access_key = AccessKey { nonce: 0, permission };
    let add = AddKeyAction { public_key: key.public_key(), access_key };
    Action::AddKey(Box::new(add))
}

fn signer(account: &str, key: &SecretKey) -> Signer {
    InMemorySigner::from_secret_key(id(account), key.clone())
}

/// A transaction with any key and nonce.
fn transaction(
    chain: &Chain,
    signer: &Signer,
    receiver: &str,
    nonce: u64,
    actions: Vec<Action>,
) -> near_primitives::transaction::SignedTransaction {
    let transaction = TransactionV0 {
        signer_id: signer.get_account_id(),
        public_key: signer.public_key(),
        nonce,
        receiver_id: id(receiver),
        block_hash: *chain.head().hash(),
        actions,
    };
    sign(signer, Transaction::V0(transaction))
}

fn balance(chain: &Chain, name: &str) -> Balance {
    chain.account(&id(name)).map_or(Balance::ZERO, |account| account.amount())
}

#[test]
fn a_transfer_moves_what_it_says_and_burns_the_fee() {
    let mut chain = chain();
    let before = balance(&chain, "alice.near");
    let report = chain.act(&id("alice.near"), &id("bob.near"), vec![transfer(10)]);
    let report = report.expect("it is included");
    assert_eq!(report.failures(), Vec::<String>::new());
    assert_eq!(balance(&chain, "bob.near"), Balance::from_near(1010));
    let spent = before.saturating_sub(balance(&chain, "alice.near"));
    assert_eq!(spent.saturating_sub(Balance::from_near(10)), report.tokens_burnt());
    // A receipt and a transfer, sent and executed, and executed once more for the refund.
    assert_eq!(report.gas_burnt().as_gas(), 3 * (108_059_500_000 + 115_123_062_500));
}

#[test]
fn accounts_make_sub_accounts_and_no_others() {
    let mut chain = chain();
    let key = SecretKey::from_seed(KeyType::ED25519, "new");
    let mut create = |name: &str| {
        let actions = vec![
            Action::CreateAccount(CreateAccountAction {}),
            transfer(5),
            add_key(&key, AccessKeyPermission::FullAccess),
        ];
        let report = chain.act(&id("alice.near"), &id(name), actions).expect("it is included");
        report.failure()
    };
    assert_eq!(create("sub.alice.near"), None);
    for name in ["sub.alice.near", "sub.bob.near", "top", "near"] {
        assert!(create(name).is_some(), "{name}");
    }
    let implicit = "ab".repeat(32);
    assert!(create(&implicit).is_some(), "implicit accounts are only made by sending to them");
    // 5 NEAR arrived, and the new key acts.
    assert_eq!(balance(&chain, "sub.alice.near"), Balance::from_near(5));
    let used = chain.account(&id("sub.alice.near")).expect("it exists").storage_usage();
    assert_eq!(used, 182);
    let signer = signer("sub.alice.near", &key);
    let nonce = chain.head().height() * 1_000_000;
    let signed = transaction(&chain, &signer, "bob.near", nonce, vec![transfer(1)]);
    assert_eq!(chain.run(signed).expect("it is included").failure(), None);
}

#[test]
fn sending_makes_implicit_accounts() {
    let mut chain = chain();
    let key = SecretKey::from_seed(KeyType::ED25519, "implicit");
    let implicit = hex::encode(key.public_key().key_data());
    let report = chain.act(&id("alice.near"), &id(&implicit), vec![transfer(3)]);
    assert_eq!(report.expect("it is included").failures(), Vec::<String>::new());
    assert_eq!(balance(&chain, &implicit), Balance::from_near(3));
    let signer = signer(&implicit, &key);
    let nonce = chain.head().height() * 1_000_000;
    let signed = transaction(&chain, &signer, "bob.near", nonce, vec![transfer(1)]);
    assert_eq!(chain.run(signed).expect("it is included").failure(), None);
    let ethereum = format!("0x{}", "ab".repeat(20));
    let report = chain.act(&id("alice.near"), &id(&ethereum), vec![transfer(3)]);
    assert_eq!(report.expect("it is included").failures(), Vec::<String>::new());
    let report = chain.act(&id("alice.near"), &id("nobody.near"), vec![transfer(3)]);
    assert!(report.expect("it is included").failure().is_some());
}

#[test]
fn making_an_account_costs_what_the_protocol_charges() {
    let mut chain = chain();
    let implicit = "cd".repeat(32);
    let report = chain.act(&id("alice.near"), &id(&implicit), vec![transfer(3)]);
    let burnt = report.expect("it is included").tokens_burnt();
    assert!(burnt > Balance::from_millinear(7), "{burnt}");
    assert!(burnt < Balance::from_millinear(8), "{burnt}");
}

#[test]
fn a_function_call_key_does_only_what_it_is_for() {
    use InvalidAccessKeyError as Error;
    let mut chain = chain_with_contracts();
    let key = SecretKey::from_seed(KeyType::ED25519, "limited");
    let permission = AccessKeyPermission::FunctionCall(FunctionCallPermission {
        allowance: Some(Balance::from_millinear(250)),
        receiver_id: "a.near".to_owned(),
        method_names: vec!["set".to_owned()],
    });
    let alice = id("alice.near");
    let added = chain.act(&alice, &alice, vec![add_key(&key, permission)]);
    assert_eq!(added.expect("it is included").failure(), None);
    let limited = signer("alice.near", &key);
    let first = chain.access_key(&alice, &key.public_key()).expect("it was added").nonce + 1;
    let attempt = |chain: &mut Chain, receiver: &str, actions| {
        let signed = transaction(chain, &limited, receiver, first, actions);
        match chain.submit(signed) {
            Err(InvalidTxError::InvalidAccessKeyError(error)) => error,
            other => panic!("it should be refused: {other:?}"),
        }
    };
    let set = || Call::new(&id("a.near"), "set", "by the key");
    let refusal = attempt(&mut chain, "b.near", vec![set().into()]);
    assert!(matches!(refusal, Error::ReceiverMismatch { .. }), "{refusal}");
    let other = Call::new(&id("a.near"), "get", "");
    let refusal = attempt(&mut chain, "a.near", vec![other.into()]);
    assert!(matches!(refusal, Error::MethodNameMismatch { .. }), "{refusal}");
    let paid = set().with_deposit(Balance::from_yoctonear(1));
    let refusal = attempt(&mut chain, "a.near", vec![paid.into()]);
    assert_eq!(refusal, Error::DepositWithFunctionCall);
    let refusal = attempt(&mut chain, "a.near", vec![transfer(0)]);
    assert_eq!(refusal, Error::RequiresFullAccess);
    let refusal = attempt(&mut chain, "a.near", vec![set().into(), set().into()]);
    assert_eq!(refusal, Error::RequiresFullAccess);
    let greedy = set().with_gas(anchorhold_devnet_near::Gas::from_teragas(300));
    let refusal = attempt(&mut chain, "a.near", vec![greedy.into()]);
    assert!(matches!(refusal, Error::NotEnoughAllowance { .. }), "{refusal}");

    let signed = transaction(&chain, &limited, "a.near", first, vec![set().into()]);
    assert_eq!(chain.run(signed).expect("it is included").failure(), None);
    assert_eq!(kept(&chain, "a.near"), "by the key");
    let left = chain.access_key(&alice, &key.public_key()).expect("it is there").permission;
    let AccessKeyPermission::FunctionCall(left) = left else { panic!("still limited") };
    let left = left.allowance.expect("still limited");
    // What was bought and not used came back.
    assert!(left < Balance::from_millinear(250) && left > Balance::from_millinear(249), "{left}");
}

#[test]
fn nonces_are_used_once_and_in_order() {
    let mut chain = chain();
    let alice = signer("alice.near", &SecretKey::from_seed(KeyType::ED25519, "alice.near"));
    chain.produce();
    let pay =
        |chain: &Chain, nonce| transaction(chain, &alice, "bob.near", nonce, vec![transfer(1)]);
    let first = pay(&chain, 5);
    chain.submit(first.clone()).expect("a nonce that is above the last");
    let same = chain.submit(first.clone());
    assert_eq!(same, Ok(first.get_hash()), "the same once more is nothing new");
    for nonce in [4, 5] {
        let mut other = pay(&chain, nonce);
        if nonce == 5 {
            other = transaction(&chain, &alice, "bob.near", 5, vec![transfer(2)]);
        }
        let refusal = chain.submit(other);
        let refused = InvalidTxError::InvalidNonce { tx_nonce: nonce, ak_nonce: 5 };
        assert_eq!(refusal, Err(refused), "while one waits");
    }
    chain.settle();
    let refused = InvalidTxError::InvalidNonce { tx_nonce: 3, ak_nonce: 5 };
    assert_eq!(chain.submit(pay(&chain, 3)), Err(refused));
    let far = (chain.head().height() + 1) * 1_000_000;
    let refused = InvalidTxError::NonceTooLarge { tx_nonce: far, upper_bound: far };
    assert_eq!(chain.submit(pay(&chain, far)), Err(refused));
    assert!(chain.report(&first.get_hash()).is_some());
    assert_eq!(balance(&chain, "bob.near"), Balance::from_near(1001));
}

#[test]
fn transactions_expire_with_the_block_that_they_name() {
    let mut chain = chain_with(ChainConfig { validity_blocks: 5, ..ChainConfig::default() });
    let signed = chain.sign(&id("alice.near"), &id("bob.near"), vec![transfer(1)]);
    let mut elsewhere = chain.clone();
    elsewhere.drop_unfinal();
    chain.produce_many(6);
    assert_eq!(chain.submit(signed.clone()), Err(InvalidTxError::Expired));
    elsewhere.produce_many(5);
    assert!(elsewhere.run(signed).is_ok());
    let other = chain_with(ChainConfig { genesis_time_s: 5, ..ChainConfig::default() });
    let foreign = other.sign(&id("alice.near"), &id("bob.near"), vec![transfer(1)]);
    assert_eq!(chain.submit(foreign), Err(InvalidTxError::Expired));
}

#[test]
fn what_is_not_signed_or_not_paid_for_is_refused() {
    let mut chain = chain();
    let alice = signer("alice.near", &SecretKey::from_seed(KeyType::ED25519, "alice.near"));
    let mut forged = transaction(&chain, &alice, "bob.near", 1, vec![transfer(1)]);
    forged.signature = alice.sign(b"something else");
    assert_eq!(chain.submit(forged), Err(InvalidTxError::InvalidSignature));
    let rich = transaction(&chain, &alice, "bob.near", 1, vec![transfer(5_000)]);
    let refusal = chain.submit(rich).expect_err("she has 1000 NEAR");
    assert!(matches!(refusal, InvalidTxError::NotEnoughBalance { .. }), "{refusal}");
    let other = signer("alice.near", &SecretKey::from_seed(KeyType::ED25519, "other"));
    let refusal = chain.submit(transaction(&chain, &other, "bob.near", 1, vec![transfer(1)]));
    let missing = InvalidAccessKeyError::AccessKeyNotFound {
        account_id: id("alice.near"),
        public_key: other.public_key().into(),
    };
    assert_eq!(refusal, Err(InvalidTxError::InvalidAccessKeyError(missing)));
    let nobody = signer("nobody.near", &SecretKey::from_seed(KeyType::ED25519, "nobody"));
    let refusal = chain.submit(transaction(&chain, &nobody, "bob.near", 1, vec![transfer(1)]));
    let missing = InvalidTxError::SignerDoesNotExist { signer_id: id("nobody.near") };
    assert_eq!(refusal, Err(missing));
}

#[test]
fn deleted_keys_and_accounts_are_gone() {
    let mut chain = chain();
    let bob: AccountId = id("bob.near");
    let key = SecretKey::from_seed(KeyType::ED25519, "second");
    let add = vec![add_key(&key, AccessKeyPermission::FullAccess)];
    chain.act(&bob, &bob, add).expect("it is included");
    let used = chain.account(&bob).expect("it exists").storage_usage();
    let public_key = key.public_key();
    let delete = Action::DeleteKey(Box::new(DeleteKeyAction { public_key: public_key.clone() }));
    let report = chain.act(&bob, &bob, vec![delete.clone()]).expect("it is included");
    assert_eq!(report.failure(), None);
    assert_eq!(chain.access_key(&bob, &public_key), None);
    assert_eq!(chain.account(&bob).expect("it exists").storage_usage(), used - 82);
    let again = chain.act(&bob, &bob, vec![delete]).expect("it is included");
    assert!(again.failure().is_some());

    let before = balance(&chain, "alice.near");
    let end = DeleteAccountAction { beneficiary_id: id("alice.near") };
    let report = chain.act(&bob, &bob, vec![Action::DeleteAccount(end.clone())]);
    assert_eq!(report.expect("it is included").failure(), None);
    assert!(chain.account(&bob).is_none());
    let inherited = balance(&chain, "alice.near").saturating_sub(before);
    assert!(inherited > Balance::from_near(999), "{inherited}");
    let report = chain.act(&id("alice.near"), &bob, vec![Action::DeleteAccount(end)]);
    assert!(report.expect("it is included").failure().is_some());
}

#[test]
fn one_account_pays_for_what_another_signs() {
    let mut chain = chain_with_contracts();
    let bob = signer("bob.near", &SecretKey::from_seed(KeyType::ED25519, "bob.near"));
    let delegate = |nonce, max_block_height| {
        let action: Action = Call::new(&id("a.near"), "set", "bob's").into();
        let delegate = DelegateAction {
            sender_id: id("bob.near"),
            receiver_id: id("a.near"),
            actions: vec![action.try_into().expect("no delegation itself")],
            nonce,
            max_block_height,
            public_key: bob.public_key(),
        };
        SignedDelegateAction::sign(&bob, delegate)
    };
    let before = balance(&chain, "bob.near");
    let mut relay = |signed: SignedDelegateAction| {
        let report = chain.act(&id("alice.near"), &id("bob.near"), vec![signed.into()]);
        report.expect("it is included")
    };
    let done = relay(delegate(7, 1_000));
    assert_eq!(done.failures(), Vec::<String>::new());
    for (bad, why) in [
        (delegate(7, 1_000), "DelegateActionInvalidNonce"),
        (delegate(8, 2), "expired"),
        (SignedDelegateAction { signature: bob.sign(b"no"), ..delegate(9, 1_000) }, "not signed"),
    ] {
        let failure = relay(bad).failure().expect("it fails");
        let is_it = failure.to_lowercase().contains(&why.to_lowercase());
        assert!(is_it || why.starts_with("Delegate"), "{failure}");
    }
    assert_eq!(kept(&chain, "a.near"), "bob's");
    assert_eq!(balance(&chain, "bob.near"), before, "he pays nothing");
}
