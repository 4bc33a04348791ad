//! Any order of the same deltas ends in the same state, and the state is what the rules say.

use anchorhold_crdt::{Memory, MergeError, Op, Payload, Read as _, last_seq, merge};
use proptest::prelude::*;

use crate::world::{
    Act, Replica, apply, author, causal_order, chain_order, counter, dot, histories, lies, map,
    merged, origin, picks, play, register, set, shared_rows, view,
};

proptest! {
    #[test]
    fn every_causal_order_writes_the_same_rows(
        events in histories(), a in picks(), b in picks(),
    ) {
        let deltas = play(&events);
        let state = merged(&deltas);
        prop_assert_eq!(&merged(&causal_order(&deltas, &a)), &state);
        prop_assert_eq!(&merged(&causal_order(&deltas, &b)), &state);
    }

    #[test]
    fn authors_who_name_what_they_cannot_have_seen_divide_nobody(
        deltas in lies(), a in picks(), b in picks(),
    ) {
        let one = merged(&chain_order(&deltas, &a));
        let other = merged(&chain_order(&deltas, &b));
        prop_assert_eq!(shared_rows(&one), shared_rows(&other));
    }

    #[test]
    fn a_delta_counts_once(events in histories()) {
        let deltas = play(&events);
        let state = merged(&deltas);
        for delta in &deltas {
            let again = merge(&state, &delta.payload, &delta.origin);
            prop_assert!(matches!(again, Err(MergeError::Repeated { .. })), "{:?}", again);
        }
    }

    #[test]
    fn counts_agree_with_the_entries(events in histories()) {
        let state = merged(&play(&events));
        let guest = view(&state);
        let keys = guest.map_entries(&map(), None, 100).expect("memory reads").items.len();
        prop_assert_eq!(guest.map_len(&map()).expect("memory reads"), keys as u64);
        let items = guest.set_items(&set(), None, 100).expect("memory reads").items.len();
        prop_assert_eq!(guest.set_len(&set()).expect("memory reads"), items as u64);
    }

    #[test]
    fn honest_authors_leave_no_early_ends(events in histories()) {
        let state = merged(&play(&events));
        prop_assert_eq!(state.scan(b"x", None, 1).expect("memory reads"), vec![]);
    }
}

/// Two replicas that share a put at key 1, then write apart: the first `mine`, the second `theirs`.
/// Returns what both read once they have exchanged their deltas.
fn race(mine: &[Act], theirs: &[Act]) -> Option<Vec<u8>> {
    let mut one = Replica::default();
    one.call(0, 1, &[Act::Put(1, 10), Act::Insert(1)]);
    let mut two = one.clone();
    one.call(0, 1, mine);
    two.call(1, 1, theirs);
    let (ones, twos) = (one.log.clone(), two.log.clone());
    twos.iter().for_each(|delta| one.receive(delta));
    ones.iter().for_each(|delta| two.receive(delta));
    assert_eq!(one.state, two.state);
    view(&one.state).map_get(&map(), &[1]).expect("memory reads")
}

#[test]
fn a_put_survives_the_removes_that_did_not_see_it() {
    use Act::{Put, Remove};
    let check = |mine: &[Act], theirs: &[Act], expected: Option<u8>| {
        let expected = expected.map(|value| vec![value]);
        assert_eq!(race(mine, theirs), expected, "{mine:?} against {theirs:?}");
        assert_eq!(race(theirs, mine), expected, "{theirs:?} against {mine:?}");
    };
    check(&[Put(1, 20)], &[Remove(1)], Some(20));
    check(&[Remove(1)], &[Remove(1)], None);
    check(&[Remove(1), Put(1, 30)], &[Remove(1)], Some(30));
    check(&[Put(1, 20), Remove(1)], &[Remove(1)], None);
    check(&[Put(1, 20), Remove(1)], &[Put(1, 40)], Some(40));
    check(&[Put(2, 20)], &[Remove(1)], None);
}

#[test]
fn of_equal_clocks_the_greater_author_wins_then_the_later_delta() {
    let write = |value: u8| vec![Op::SetRegister { id: register(), value: vec![value] }];
    let put =
        |value: u8| vec![Op::Put { id: map(), key: vec![1], value: vec![value], observed: vec![] }];
    for order in [[1, 2], [2, 1]] {
        let mut state = Memory::new();
        for by in order {
            apply(&mut state, &origin(by, 1, 7), write(by));
            apply(&mut state, &origin(by, 2, 7), put(by));
        }
        let guest = view(&state);
        assert_eq!(guest.register_get(&register()).expect("memory reads"), Some(vec![2]));
        assert_eq!(guest.map_get(&map(), &[1]).expect("memory reads"), Some(vec![2]));
        apply(&mut state, &origin(2, 3, 7), write(9));
        assert_eq!(view(&state).register_get(&register()).expect("memory reads"), Some(vec![9]));
    }
}

#[test]
fn when_the_winner_is_removed_what_its_remover_had_not_seen_returns() {
    let put = |by: u8| vec![Op::Put { id: map(), key: vec![1], value: vec![by], observed: vec![] }];
    let mut state = Memory::new();
    apply(&mut state, &origin(1, 1, 5), put(1));
    apply(&mut state, &origin(2, 1, 6), put(2));
    let remove = Op::Remove { id: map(), key: vec![1], observed: vec![dot(2, 1)] };
    apply(&mut state, &origin(0, 1, 7), vec![remove]);
    assert_eq!(view(&state).map_get(&map(), &[1]).expect("memory reads"), Some(vec![1]));
    assert_eq!(view(&state).map_len(&map()).expect("memory reads"), 1);
}

#[test]
fn nobody_ends_what_is_still_to_be_written() {
    let put = vec![Op::Put { id: map(), key: vec![1], value: vec![1], observed: vec![] }];
    let ban = vec![Op::Remove { id: map(), key: vec![1], observed: vec![dot(1, u64::MAX)] }];
    let check = |put_at, ban_at, expected: Option<Vec<u8>>| {
        let mut state = Memory::new();
        apply(&mut state, &origin(2, 1, ban_at), ban.clone());
        apply(&mut state, &origin(1, 1, put_at), put.clone());
        let mut other = Memory::new();
        apply(&mut other, &origin(1, 1, put_at), put.clone());
        apply(&mut other, &origin(2, 1, ban_at), ban.clone());
        assert_eq!(shared_rows(&state), shared_rows(&other));
        let found = view(&state).map_get(&map(), &[1]).expect("memory reads");
        assert_eq!(found, expected, "put at {put_at}, ban at {ban_at}");
    };
    check(5, 9, None);
    check(9, 9, None);
    check(10, 9, Some(vec![1]));
}

#[test]
fn a_counter_adds_up_and_leaves_no_row_at_zero() {
    let add = |amount| vec![Op::Add { id: counter(), amount }];
    let mut state = Memory::new();
    let value = |state: &Memory| view(state).counter_value(&counter()).expect("memory reads");
    let empty = anchorhold_crdt::root(&state).expect("memory reads");
    apply(&mut state, &origin(1, 1, 1), add(i64::MAX));
    apply(&mut state, &origin(2, 1, 1), add(5));
    assert_eq!(value(&state), i64::MAX, "clamped");
    apply(&mut state, &origin(2, 2, 1), add(i64::MIN));
    assert_eq!(value(&state), 4, "not clamped inside");
    assert_eq!(apply(&mut state, &origin(3, 1, 1), add(-4)), empty);
}

#[test]
fn chains_may_have_gaps_and_never_go_back() {
    let mut state = Memory::new();
    apply(&mut state, &origin(1, 2, 1), vec![]);
    apply(&mut state, &origin(1, 5, 1), vec![]);
    assert_eq!(last_seq(&state, &author(1)).expect("memory reads"), 5);
    assert_eq!(last_seq(&state, &author(2)).expect("memory reads"), 0);
    let late = merge(&state, &Payload::default(), &origin(1, 4, 9));
    assert!(matches!(late, Err(MergeError::Repeated { seq: 4, merged: 5, .. })), "{late:?}");
}
