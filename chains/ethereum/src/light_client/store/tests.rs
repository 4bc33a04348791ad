//! A client beside a made-up chain of every fork, and all that it must not believe.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::light_client::{
    Preset,
    containers::{
        PublicKeyBytes, SignatureBytes,
        tests::{Plan, Scene},
    },
};

/// A period of the minimal preset has so many slots.
const PERIOD: u64 = 64;
const ALL_FORKS: [Fork; 4] = [Fork::Altair, Fork::Capella, Fork::Deneb, Fork::Electra];

/// All signed, one epoch after the final block, and the next committee is named.
const fn plan(finalized: u64) -> Plan {
    Plan {
        attested: finalized + 16,
        finalized: Some(finalized),
        signature_slot: finalized + 17,
        signers: 32,
        names_committee: true,
    }
}

fn store(scene: &Scene, slot: u64) -> Store {
    let (root, bytes) = scene.bootstrap(slot);
    let bootstrap = Bootstrap::decode(&bytes, scene.shape, scene.network.preset);
    let bootstrap = bootstrap.expect("well-formed");
    Store::bootstrap(scene.network.clone(), &root, &bootstrap).expect("of that block")
}

/// The beginning of the slot after an update's.
fn after(scene: &Scene, plan: Plan) -> u64 {
    scene.network.time_of(plan.signature_slot)
}

#[track_caller]
fn takes(store: &mut Store, scene: &Scene, plan: Plan) {
    assert_eq!(store.process(&scene.read(plan), after(scene, plan)), Ok(()), "{plan:?}");
    assert_eq!(Some(store.finalized().slot), plan.finalized);
}

#[track_caller]
fn refuses(store: &Store, scene: &Scene, plan: Plan, why: Refused) {
    let mut changed = store.clone();
    assert_eq!(changed.process(&scene.read(plan), after(scene, plan)), Err(why), "{plan:?}");
    assert_eq!(changed.finalized(), store.finalized());
    assert_eq!(changed.wanted_period(), store.wanted_period());
}

#[test]
fn a_client_follows_from_committee_to_committee() {
    for fork in ALL_FORKS {
        let scene = Scene::new(&[(0, fork)]);
        let mut store = store(&scene, 16);
        assert_eq!(store.wanted_period(), 0);
        for period in 0..6 {
            takes(&mut store, &scene, plan(PERIOD * period + 24));
            assert_eq!(store.wanted_period(), period + 1, "{fork:?}");
            // Newer final blocks of the same period, with and without the committee.
            takes(&mut store, &scene, plan(PERIOD * period + 32));
            let alone = Plan { names_committee: false, ..plan(PERIOD * period + 40) };
            takes(&mut store, &scene, alone);
        }
        let execution = store.finalized_execution().map(|execution| execution.number);
        assert_eq!(execution, (fork != Fork::Altair).then_some(PERIOD * 5 + 40));
    }
}

#[test]
fn a_final_block_of_the_next_period_hands_over() {
    let scene = Scene::new(&[(0, Fork::Electra)]);
    let mut store = store(&scene, 16);
    takes(&mut store, &scene, plan(24));
    // Signed in period 1 while the final block is still of period 0.
    takes(&mut store, &scene, plan(56));
    assert_eq!(store.wanted_period(), 1);
    // Without a name, the committee of period 2 stays unknown after the hand-over.
    takes(&mut store, &scene, Plan { names_committee: false, ..plan(72) });
    assert_eq!(store.wanted_period(), 1);
    refuses(&store, &scene, plan(2 * PERIOD + 8), Refused::UnknownPeriod);
    // An old final block may still bring the name.
    assert_eq!(store.process(&scene.read(plan(72)), u64::MAX), Ok(()));
    assert_eq!(store.wanted_period(), 2);
    takes(&mut store, &scene, plan(2 * PERIOD + 8));
}

#[test]
fn periods_cannot_be_skipped() {
    let scene = Scene::new(&[(0, Fork::Electra)]);
    let fresh = store(&scene, 16);
    refuses(&fresh, &scene, plan(PERIOD + 8), Refused::UnknownPeriod);
    let mut store = fresh;
    takes(&mut store, &scene, plan(24));
    refuses(&store, &scene, plan(2 * PERIOD + 8), Refused::UnknownPeriod);
    takes(&mut store, &scene, plan(PERIOD + 8));
    refuses(&store, &scene, plan(40), Refused::UnknownPeriod);
}

#[test]
fn two_thirds_make_it_final() {
    let scene = Scene::new(&[(0, Fork::Deneb)]);
    let store = store(&scene, 16);
    let with = |signers| Plan { signers, ..plan(24) };
    for signed in [0, 1, 11, 21] {
        refuses(&store, &scene, with(signed), Refused::TooFew { signed, all: 32 });
    }
    takes(&mut store.clone(), &scene, with(22));
    takes(&mut store.clone(), &scene, with(31));
    // Whoever says nothing about finality tells a light client nothing.
    refuses(&store, &scene, Plan { finalized: None, ..plan(24) }, Refused::Known);
    let nothing_final = Plan { finalized: Some(0), names_committee: false, ..plan(24) };
    refuses(&store, &scene, nothing_final, Refused::Known);
}

#[test]
fn the_first_committees_are_named_before_anything_is_final() {
    let scene = Scene::new(&[(0, Fork::Electra)]);
    let mut store = store(&scene, 16);
    let update = scene.read(Plan { finalized: Some(0), ..plan(24) });
    assert_eq!(store.process(&update, u64::MAX), Ok(()));
    assert_eq!((store.finalized().slot, store.wanted_period()), (16, 1));
}

#[test]
fn an_update_that_tells_nothing_new_is_refused() {
    let scene = Scene::new(&[(0, Fork::Electra)]);
    let mut store = store(&scene, 16);
    takes(&mut store, &scene, plan(24));
    refuses(&store, &scene, plan(24), Refused::Known);
    refuses(&store, &scene, plan(17), Refused::Known);
}

#[test]
fn slots_are_in_order_and_not_in_the_future() {
    let scene = Scene::new(&[(0, Fork::Electra)]);
    let store = store(&scene, 16);
    refuses(&store, &scene, Plan { signature_slot: 40, ..plan(24) }, Refused::Slots);
    refuses(&store, &scene, Plan { attested: 22, ..plan(24) }, Refused::Slots);
    let update = scene.read(plan(24));
    let now_s = after(&scene, plan(24));
    assert_eq!(store.clone().process(&update, now_s - 1), Err(Refused::Slots));
    assert_eq!(store.clone().process(&update, now_s), Ok(()));
    assert_eq!(store.clone().process(&update, 0), Err(Refused::Slots));
}

#[test]
fn every_changed_field_is_refused() {
    let scene = Scene::new(&[(0, Fork::Electra)]);
    let store = store(&scene, 16);
    let good = scene.read(plan(24));
    let check = |story: &str, change: &dyn Fn(&mut Update), why: Refused| {
        let mut update = good.clone();
        change(&mut update);
        let mut changed = store.clone();
        assert_eq!(changed.process(&update, u64::MAX), Err(why), "{story}");
        assert_eq!(changed.finalized(), store.finalized(), "{story}");
    };
    let one = B256::with_last_byte(1);
    let signature = Refused::Signature(BadSignature::Signature);
    check("attested slot", &|u| u.attested.beacon.slot -= 1, signature);
    check("attested proposer", &|u| u.attested.beacon.proposer_index += 1, signature);
    check("attested parent", &|u| u.attested.beacon.parent_root = one, signature);
    check("attested state", &|u| u.attested.beacon.state_root = one, Refused::Finality);
    check("attested body", &|u| u.attested.beacon.body_root = one, Refused::Execution);
    check("final slot", &|u| u.finalized.beacon.slot += 1, Refused::Finality);
    check("final state", &|u| u.finalized.beacon.state_root = one, Refused::Finality);
    check("final body", &|u| u.finalized.beacon.body_root = one, Refused::Execution);
    check("another final block", &|u| u.finalized = u.attested.clone(), Refused::Finality);
    check("finality branch", &|u| u.finality_branch[3] = one, Refused::Finality);
    check("a shorter branch", &|u| u.finality_branch.truncate(6), Refused::Finality);
    check("a longer branch", &|u| u.finality_branch.insert(0, one), Refused::Finality);
    check("committee branch", &|u| u.next_committee_branch[0] = one, Refused::Committee);
    check("committee", &|u| u.next_committee.root = one, Refused::Committee);
    check("no committee branch", &|u| u.next_committee_branch.fill(B256::ZERO), Refused::Committee);
    check("one signer fewer", &|u| u.bits[0] = false, signature);
    check("fewer members", &|u| u.bits.truncate(31), signature);
    check("signature", &|u| u.signature.0[95] ^= 1, signature);
    check("no signature", &|u| u.signature = SignatureBytes::ZERO, signature);
    let mut identity = SignatureBytes::ZERO;
    identity.0[0] = 0xc0;
    check("the identity as signature", &|u| u.signature = identity, signature);
    let key = Refused::Signature(BadSignature::Key);
    let mut nobody = PublicKeyBytes::ZERO;
    nobody.0[0] = 0xc0;
    check("the identity as a key", &|u| u.next_committee.keys[5] = nobody, key);
    // A point of the curve, outside of the group: x = 4.
    let mut outside = PublicKeyBytes::ZERO;
    (outside.0[0], outside.0[47]) = (0x80, 4);
    check("a key outside of the group", &|u| u.next_committee.keys[5] = outside, key);
    let aggregate = Refused::Signature(BadSignature::Aggregate);
    check("aggregate key", &|u| u.next_committee.aggregate = u.next_committee.keys[0], aggregate);
    check(
        "two keys swapped for one",
        &|u| u.next_committee.keys[1] = u.next_committee.keys[0],
        aggregate,
    );
}

#[test]
fn another_network_or_committee_signs_nothing_here() {
    let scene = Scene::new(&[(0, Fork::Electra)]);
    let store = store(&scene, 16);
    let signature = Refused::Signature(BadSignature::Signature);
    let mut other = scene.clone();
    other.network.genesis_validators_root = B256::repeat_byte(0x0b);
    refuses(&store, &other, plan(24), signature);
    let mut other = scene.clone();
    other.network.forks[0].version = [1, 2, 3, 4];
    refuses(&store, &other, plan(24), signature);
    // The committee of the next period has a say in that period alone.
    let mut early = scene.read(plan(24));
    let late = scene.read(Plan { signature_slot: PERIOD + 1, ..plan(24) });
    (early.bits, early.signature) = (late.bits, late.signature);
    assert_eq!(store.clone().process(&early, u64::MAX), Err(signature));
    // Once a committee is known to be the next one, no other is.
    let mut knows = store;
    takes(&mut knows, &scene, plan(24));
    let mut update = scene.read(plan(32));
    let genuine = update.next_committee.root;
    knows.next.as_mut().expect("named").root = B256::ZERO;
    assert_eq!(knows.clone().process(&update, u64::MAX), Err(Refused::Committee));
    update.next_committee.root = B256::ZERO;
    assert_eq!(knows.process(&update, u64::MAX), Err(Refused::Committee));
    assert_ne!(genuine, B256::ZERO);
}

#[test]
fn a_bootstrap_is_of_the_trusted_block_and_whole() {
    for fork in ALL_FORKS {
        let scene = Scene::new(&[(0, fork)]);
        let (root, bytes) = scene.bootstrap(16);
        let good = Bootstrap::decode(&bytes, fork, Preset::Minimal).expect("well-formed");
        let begins = |root: &B256, bootstrap: &Bootstrap| {
            Store::bootstrap(scene.network.clone(), root, bootstrap)
                .map(|store| store.finalized().slot)
        };
        assert_eq!(begins(&root, &good), Ok(16));
        assert_eq!(begins(&B256::ZERO, &good), Err(Refused::OtherRoot));
        let check = |change: &dyn Fn(&mut Bootstrap), why: Refused| {
            let mut bootstrap = good.clone();
            change(&mut bootstrap);
            assert_eq!(begins(&root, &bootstrap), Err(why), "{fork:?}");
        };
        check(&|b| b.header.beacon.slot += 1, Refused::OtherRoot);
        check(&|b| b.committee.root = B256::ZERO, Refused::Committee);
        check(&|b| b.committee_branch[1] = B256::ZERO, Refused::Committee);
        check(&|b| b.committee_branch.truncate(4), Refused::Committee);
        let (key, aggregate) = (BadSignature::Key, BadSignature::Aggregate);
        check(&|b| b.committee.keys[0] = PublicKeyBytes::ZERO, Refused::Signature(key));
        check(&|b| b.committee.aggregate = PublicKeyBytes::ZERO, Refused::Signature(aggregate));
        check(&|b| b.committee.keys.swap_remove(0).0[0] ^= 0x20, Refused::Signature(aggregate));
        // Told in the shape of an earlier fork, it could leave out what the block has.
        let mut later = scene.network.clone();
        later.forks[0].fork = Fork::Electra;
        let begun = Store::bootstrap(later, &root, &good).map(drop);
        assert_eq!(begun.is_ok(), fork == Fork::Electra, "{fork:?}");
    }
}

/// Forks at epochs 0, 8, 16, 24: one for each period.
fn through_all_forks() -> Scene {
    Scene::new(&[(0, Fork::Altair), (8, Fork::Capella), (16, Fork::Deneb), (24, Fork::Electra)])
}

#[test]
fn old_blocks_are_told_in_the_newest_shape() {
    let scene = through_all_forks();
    let mut store = store(&scene, 16);
    assert_eq!(store.finalized_execution(), None);
    for period in 0..5 {
        takes(&mut store, &scene, plan(PERIOD * period + 24));
        // The final block is of one fork, the attested one of the next.
        takes(&mut store, &scene, plan(PERIOD * period + 56));
        let execution = store.finalized_execution().map(|execution| execution.number);
        assert_eq!(execution, (period > 0).then_some(PERIOD * period + 56));
    }
}

#[test]
fn who_signs_first_in_a_fork_signs_for_the_one_before() {
    let scene = through_all_forks();
    let mut store = store(&scene, 16);
    takes(&mut store, &scene, plan(24));
    let first = Plan { attested: 63, signature_slot: PERIOD, ..plan(40) };
    takes(&mut store.clone(), &scene, first);
    let mut wrong = scene.clone();
    wrong.network.forks[0].version = wrong.network.forks[1].version;
    refuses(&store, &wrong, first, Refused::Signature(BadSignature::Signature));
}

#[test]
fn a_block_before_execution_has_none_and_a_later_one_cannot_hide_it() {
    let scene = through_all_forks();
    let good = scene.read(plan(24));
    let mut store = store(&scene, 16);
    // An execution block told of a time when there were none.
    let late = scene.read(plan(3 * PERIOD + 24));
    let mut update = good.clone();
    update.attested = late.attested.clone();
    update.attested.beacon = good.attested.beacon;
    assert_eq!(store.process(&update, u64::MAX), Err(Refused::Execution));
    for period in 0..3 {
        takes(&mut store, &scene, plan(PERIOD * period + 24));
    }
    let mut update = late.clone();
    update.attested = good.attested.clone();
    update.attested.beacon = late.attested.beacon;
    assert_eq!(store.process(&update, u64::MAX), Err(Refused::Execution));
    assert_eq!(store.process(&late, u64::MAX), Ok(()));
}

#[test]
fn a_finality_update_serves_between_committees() {
    let scene = Scene::new(&[(0, Fork::Electra)]);
    let mut store = store(&scene, 16);
    let bytes = scene.finality_update(plan(24));
    let update = Update::decode_finality(&bytes, Fork::Electra, Preset::Minimal);
    let update = update.expect("well-formed");
    assert_eq!(store.process(&update, u64::MAX), Ok(()));
    assert_eq!((store.finalized().slot, store.wanted_period()), (24, 0));
}

#[test]
fn a_committee_of_512_signs() {
    let mut scene = Scene::new(&[(0, Fork::Electra)]);
    scene.network.preset = Preset::Mainnet;
    let mut store = store(&scene, 64);
    let plan = Plan { signers: 342, attested: 160, signature_slot: 161, ..plan(96) };
    let few = Plan { signers: 341, ..plan };
    refuses(&store, &scene, few, Refused::TooFew { signed: 341, all: 512 });
    takes(&mut store, &scene, plan);
    assert_eq!(store.wanted_period(), 1);
}

#[test]
fn freshness_ends_with_weak_subjectivity() {
    let scene = Scene::new(&[(0, Fork::Electra)]);
    let store = store(&scene, 16);
    let slot_s = scene.network.time_of(16);
    let period_s = scene.network.weak_subjectivity_s();
    assert_eq!(period_s, 100 * 8 * 6);
    assert_eq!(store.freshness(slot_s), Freshness::Fresh { age_s: 0 });
    assert_eq!(store.freshness(0), Freshness::Fresh { age_s: 0 });
    assert_eq!(store.freshness(slot_s + period_s), Freshness::Fresh { age_s: period_s });
    let age_s = period_s + 1;
    assert_eq!(store.freshness(slot_s + age_s), Freshness::Stale { age_s });
}

/// A client, an update that it takes, and the bytes of it.
static GOOD: LazyLock<(Store, Vec<u8>)> = LazyLock::new(|| {
    let scene = Scene::new(&[(0, Fork::Electra)]);
    (store(&scene, 16), scene.update(plan(24)))
});

proptest! {
    #[test]
    fn a_flipped_bit_is_refused_or_changes_nothing(place: prop::sample::Index, bit in 0_u8..8) {
        let (store, bytes) = &*GOOD;
        let mut bytes = bytes.clone();
        let place = place.index(bytes.len());
        bytes[place] ^= 1_u8 << bit;
        let Ok(update) = Update::decode(&bytes, Fork::Electra, Preset::Minimal) else {
            return Ok(());
        };
        let mut changed = store.clone();
        if changed.process(&update, u64::MAX).is_ok() {
            // The slot of the signature is nobody's word; it only chooses committee and fork.
            let good = Update::decode(&GOOD.1, Fork::Electra, Preset::Minimal).expect("good");
            let same = Update { signature_slot: good.signature_slot, ..update };
            prop_assert_eq!(same, good, "byte {}", place);
        }
    }
}
