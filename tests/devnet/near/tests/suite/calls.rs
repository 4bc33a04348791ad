//! Contracts: state, failures, promises, gas and what storage costs.

use std::time::Duration;

use anchorhold_devnet_near::{Balance, Call, Gas, ViewError};

use crate::contract::{call, chain_with_contracts, id, kept};

#[test]
fn a_call_changes_what_a_view_shows() {
    let mut chain = chain_with_contracts();
    let report = call(&mut chain, "a.near", "set", "hello");
    assert_eq!(report.failure(), None);
    assert_eq!(report.logs(), ["value set"]);
    assert!(report.gas_burnt() > Gas::from_teragas(1), "{}", report.gas_burnt());
    assert!(report.gas_burnt() < Gas::from_teragas(8), "{}", report.gas_burnt());
    assert_eq!(kept(&chain, "a.near"), "hello");
    assert_eq!(kept(&chain, "b.near"), "");
    assert_eq!(chain.storage(&id("a.near"), b"k"), Some(b"hello".to_vec()));
}

#[test]
fn storage_is_counted_as_the_protocol_counts_it() {
    let mut chain = chain_with_contracts();
    let usage = |chain: &anchorhold_devnet_near::Chain| {
        chain.account(&id("a.near")).expect("it exists").storage_usage()
    };
    let before = usage(&chain);
    call(&mut chain, "a.near", "set", "12345");
    // One byte of key, five of value, forty for the entry.
    assert_eq!(usage(&chain), before + 46);
    call(&mut chain, "a.near", "set", "123");
    assert_eq!(usage(&chain), before + 44);
    call(&mut chain, "a.near", "clear", "");
    assert_eq!(usage(&chain), before);
}

#[test]
fn what_a_failed_call_did_is_undone_and_its_deposit_comes_back() {
    let mut chain = chain_with_contracts();
    call(&mut chain, "a.near", "set", "before");
    let balance = |chain: &anchorhold_devnet_near::Chain, name| {
        chain.account(&id(name)).expect("it exists").amount()
    };
    let (alice, contract) = (balance(&chain, "alice.near"), balance(&chain, "a.near"));
    let failing = Call::new(&id("a.near"), "fail", "after").with_deposit(Balance::from_near(5));
    let report = chain.call(&id("alice.near"), failing).expect("it is included");
    let failure = report.failure().expect("it fails");
    assert!(failure.contains("Smart contract panicked: E12 not today"), "{failure}");
    assert_eq!(kept(&chain, "a.near"), "before");
    assert_eq!(balance(&chain, "a.near"), contract);
    let cost = alice.saturating_sub(balance(&chain, "alice.near"));
    assert_eq!(cost, report.tokens_burnt());
    assert!(cost < Balance::from_millinear(2), "{cost}");
}

#[test]
fn a_callback_gets_the_answer_blocks_later() {
    let mut chain = chain_with_contracts();
    call(&mut chain, "b.near", "set", "from b");
    let first = chain.head().height();
    let report = call(&mut chain, "a.near", "ask", "b.near");
    assert_eq!(report.failures(), Vec::<String>::new());
    assert_eq!(report.value().as_deref(), Some(b"from b".as_slice()));
    assert_eq!(kept(&chain, "a.near"), "from b");
    assert!(chain.head().height() >= first + 4);
    let twice = call(&mut chain, "a.near", "ask_twice", "b.near");
    assert_eq!(twice.value().as_deref(), Some(b"from b".as_slice()));
}

#[test]
fn a_callback_learns_that_what_it_waited_for_failed() {
    let mut chain = chain_with_contracts();
    let report = call(&mut chain, "a.near", "ask", "alice.near");
    assert_eq!(report.value().as_deref(), Some(b"no answer".as_slice()));
    assert_eq!(report.failures().len(), 1, "{:?}", report.failures());
}

#[test]
fn all_gas_that_is_left_goes_to_the_call_with_a_weight() {
    let mut chain = chain_with_contracts();
    call(&mut chain, "b.near", "set", "b's");
    let report = call(&mut chain, "a.near", "pass_gas", "b.near");
    assert_eq!(report.value().as_deref(), Some(b"b's".as_slice()));
    assert_eq!(report.failures(), Vec::<String>::new());
}

#[test]
fn a_contract_pays_and_cannot_pay_what_its_state_needs() {
    let mut chain = chain_with_contracts();
    let before = chain.account(&id("a.near")).expect("it exists").amount();
    let report = call(&mut chain, "a.near", "pay", "");
    assert_eq!(report.failures(), Vec::<String>::new());
    let after = chain.account(&id("a.near")).expect("it exists").amount();
    assert_eq!(before.saturating_sub(after), Balance::from_near(1));

    chain.create_account(&id("poor.near"), Balance::from_millinear(1_005));
    chain.deploy(&id("poor.near"), &crate::contract::code()).expect("it is included");
    let report = call(&mut chain, "poor.near", "pay", "");
    let failure = report.failure().expect("it fails");
    assert!(failure.contains("wouldn't have enough balance to cover storage"), "{failure}");
}

#[test]
fn a_call_ends_when_its_gas_does() {
    let mut chain = chain_with_contracts();
    let spin = Call::new(&id("a.near"), "spin", "").with_gas(Gas::from_teragas(10));
    let report = chain.call(&id("alice.near"), spin).expect("it is included");
    assert!(report.failure().expect("it fails").contains("Exceeded the prepaid gas"));
    assert!(report.gas_burnt() > Gas::from_teragas(10));
}

#[test]
fn contracts_see_the_time_that_was_set() {
    let mut chain = chain_with_contracts();
    let time_s = |chain: &anchorhold_devnet_near::Chain| {
        let value = chain.view(&id("a.near"), "time", &[]).expect("it answers").value;
        u64::from_le_bytes(value.try_into().expect("eight bytes")) / 1_000_000_000
    };
    chain.set_time_s(1_900_000_000);
    chain.produce();
    assert_eq!(time_s(&chain), 1_900_000_000);
    chain.advance(Duration::from_secs(3600));
    chain.produce();
    assert_eq!(time_s(&chain), 1_900_003_600);
    // It never goes back.
    chain.set_time_s(1_000);
    chain.produce();
    assert_eq!(time_s(&chain), 1_900_003_600);
}

#[test]
fn views_say_why_they_do_not_answer() {
    let chain = chain_with_contracts();
    let view = |contract: &str, method: &str| chain.view(&id(contract), method, &[]);
    assert_eq!(view("x.near", "get"), Err(ViewError::NoAccount(id("x.near"))));
    assert_eq!(view("bob.near", "get"), Err(ViewError::NoCode(id("bob.near"))));
    let Err(ViewError::Failed { text, .. }) = view("a.near", "none") else {
        panic!("there is no such method")
    };
    assert_eq!(text, "MethodResolveError(MethodNotFound)");
    let Err(ViewError::Failed { text, .. }) = view("a.near", "set") else {
        panic!("views must not write")
    };
    assert!(text.contains("ProhibitedInView { method_name: \"storage_write\" }"), "{text}");
}

#[test]
fn a_clone_is_a_snapshot() {
    let mut chain = chain_with_contracts();
    call(&mut chain, "a.near", "set", "one");
    let snapshot = chain.clone();
    call(&mut chain, "a.near", "set", "two");
    assert_eq!(kept(&chain, "a.near"), "two");
    assert_eq!(kept(&snapshot, "a.near"), "one");
}

#[test]
fn what_was_not_final_can_be_dropped() {
    let mut chain = chain_with_contracts();
    call(&mut chain, "a.near", "set", "final");
    chain.settle();
    let lost = Call::new(&id("a.near"), "set", "lost");
    let lost = chain.sign(&id("alice.near"), &id("a.near"), vec![lost.into()]);
    let hash = chain.submit(lost).expect("it is valid");
    chain.produce_many(2);
    assert_eq!(kept(&chain, "a.near"), "lost");
    let head = *chain.head().hash();
    let dropped = chain.drop_unfinal();
    assert_eq!(dropped.len(), 1);
    assert_eq!(kept(&chain, "a.near"), "final");
    assert!(chain.by_hash(&head).is_none());
    assert!(chain.report(&hash).is_none());
    chain.produce_many(2);
    assert_ne!(chain.by_height(chain.head().height()).map(|block| *block.hash()), Some(head));
    // Who wants it still can have it included.
    let report = chain.run(dropped[0].clone()).expect("it is still valid");
    assert_eq!(report.failure(), None);
    assert_eq!(kept(&chain, "a.near"), "lost");
}

#[test]
fn what_waits_is_resumed_or_its_time_is_over() {
    let mut chain = chain_with_contracts();
    let waiting = call(&mut chain, "a.near", "wait", "");
    assert_eq!(waiting.result(), None);
    assert!(waiting.is_running);
    let resumed = call(&mut chain, "a.near", "resume", "");
    assert_eq!(resumed.failures(), Vec::<String>::new());
    let hash = waiting.transaction.get_hash();
    let done = chain.report(&hash).expect("it is known");
    assert_eq!(done.value().as_deref(), Some(b"value set".as_slice()));

    let forgotten = call(&mut chain, "a.near", "wait", "").transaction.get_hash();
    chain.produce_many(205);
    let done = chain.report(&forgotten).expect("it is known");
    assert_eq!(done.value().as_deref(), Some(b"no answer".as_slice()));
}

#[test]
fn two_hundred_calls_take_at_most_a_second() {
    let mut chain = chain_with_contracts();
    call(&mut chain, "a.near", "set", "compiled");
    // The best of some rounds: other work on the machine is not what is measured.
    let round = |chain: &mut anchorhold_devnet_near::Chain| {
        let begun = std::time::Instant::now();
        for _ in 0..40 {
            call(chain, "a.near", "set", "again");
        }
        40.0 / begun.elapsed().as_secs_f64()
    };
    let best = (0..10).map(|_| round(&mut chain)).fold(0.0, f64::max);
    println!("{best:.0} function calls/s, each with its blocks");
    assert!(best >= 200.0, "{best:.0} function calls/s");
}
