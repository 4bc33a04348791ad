//! Voided deltas leave nothing behind.

use anchorhold_crdt::{Memory, Merged, Op, Refold};
use proptest::prelude::*;

use crate::world::{
    AUTHORS, Delta, apply, author, causal_order, chain_order, dot, histories, lies, map, merged,
    origin, picks, play, shared_rows, view,
};

/// Splits off the deltas of `by` after `cut`.
fn split(deltas: &[Delta], by: u8, cut: u64) -> (Vec<Delta>, Vec<Delta>) {
    let is_kept = |delta: &Delta| delta.origin.author != author(by) || delta.origin.seq <= cut;
    deltas.iter().cloned().partition(is_kept)
}

/// Refolds `state`, taking in what is kept in no particular order.
fn refolded(mut state: Memory, kept: &[Delta], voided: &[Delta], picks: &[u16]) -> Memory {
    let mut refold = Refold::new(voided.iter().map(|d| (d.origin, d.payload.clone())));
    let mut kept: Vec<_> = kept.iter().zip(picks.iter().cycle()).collect();
    kept.sort_by_key(|(_, pick)| **pick);
    kept.iter().for_each(|(delta, _)| refold.keep(&delta.origin, &delta.payload));
    let Merged { writes, root } = refold.finish(&state).expect("memory refolds");
    state.write(writes);
    assert_eq!(anchorhold_crdt::root(&state).expect("memory reads"), root);
    state
}

proptest! {
    #[test]
    fn a_refold_is_as_if_the_voided_had_never_been(
        events in histories(), by in 0..AUTHORS, cut in 0..4u64, a in picks(), b in picks(),
    ) {
        let deltas = play(&events);
        let state = merged(&deltas);
        let (kept, voided) = split(&deltas, by, cut);
        let without = merged(&causal_order(&kept, &a));
        let refolded = refolded(state.clone(), &kept, &voided, &b);
        prop_assert_eq!(&refolded, &without);
        // Admitted again, they bring back what was.
        let mut again = refolded;
        for delta in &voided {
            apply(&mut again, &delta.origin, delta.payload.ops().to_vec());
        }
        prop_assert_eq!(again, state);
    }

    #[test]
    fn it_is_so_even_among_liars(
        deltas in lies(), by in 0..AUTHORS, cut in 0..4u64, a in picks(), b in picks(),
    ) {
        let state = merged(&chain_order(&deltas, &a));
        let (kept, voided) = split(&deltas, by, cut);
        let refolded = refolded(state.clone(), &kept, &voided, &b);
        prop_assert_eq!(shared_rows(&refolded), shared_rows(&merged(&chain_order(&kept, &b))));
        let mut again = refolded;
        for delta in &voided {
            apply(&mut again, &delta.origin, delta.payload.ops().to_vec());
        }
        prop_assert_eq!(shared_rows(&again), shared_rows(&state));
    }

    #[test]
    fn two_authors_may_be_cut_at_once(
        events in histories(), cuts in (0..4u64, 0..4u64), a in picks(),
    ) {
        let deltas = play(&events);
        let (kept, mut voided) = split(&deltas, 0, cuts.0);
        let (kept, more) = split(&kept, 1, cuts.1);
        voided.extend(more);
        let refolded = refolded(merged(&deltas), &kept, &voided, &a);
        prop_assert_eq!(&refolded, &merged(&causal_order(&kept, &a)));
    }
}

#[test]
fn a_key_removed_by_one_who_saw_the_voided_put_stays_removed() {
    let put =
        |value: u8, observed| Op::Put { id: map(), key: vec![1], value: vec![value], observed };
    let remove = Op::Remove { id: map(), key: vec![1], observed: vec![dot(1, 2)] };
    let mut state = Memory::new();
    let (first, second, third) = (origin(1, 1, 1), origin(1, 2, 2), origin(2, 1, 3));
    apply(&mut state, &first, vec![put(10, vec![])]);
    apply(&mut state, &second, vec![put(20, vec![dot(1, 1)])]);
    apply(&mut state, &third, vec![remove.clone()]);
    let payload = |op| anchorhold_crdt::Payload::new(vec![op]).expect("one op");
    let mut refold = Refold::new([(second, payload(put(20, vec![dot(1, 1)])))]);
    refold.keep(&third, &payload(remove));
    refold.keep(&first, &payload(put(10, vec![])));
    let merged = refold.finish(&state).expect("memory refolds");
    state.write(merged.writes);
    assert_eq!(view(&state).map_get(&map(), &[1]).expect("memory reads"), None);
}

#[test]
fn what_a_voided_delta_ended_early_is_not_ended() {
    let payload = |op| anchorhold_crdt::Payload::new(vec![op]).expect("one op");
    let ban = Op::Remove { id: map(), key: vec![1], observed: vec![dot(1, 9)] };
    let (liar, honest) = (origin(2, 1, 5), origin(1, 1, 3));
    let mut state = Memory::new();
    apply(&mut state, &liar, vec![ban.clone()]);
    let refold = Refold::new([(liar, payload(ban))]);
    state.write(refold.finish(&state).expect("memory refolds").writes);
    assert_eq!(state, Memory::new());
    let put = Op::Put { id: map(), key: vec![1], value: vec![7], observed: vec![] };
    apply(&mut state, &honest, vec![put]);
    assert_eq!(view(&state).map_get(&map(), &[1]).expect("memory reads"), Some(vec![7]));
}
