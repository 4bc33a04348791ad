//! Replicas that write and exchange deltas, and strategies for what they do.

use std::sync::Arc;

use anchorhold_crdt::{
    CollectionId, Dot, Kind, Memory, Merged, Op, Origin, Payload, Read as _, Transaction, merge,
};
use proptest::prelude::*;
use types::{Hlc, MemberKey, Root};

pub(crate) const AUTHORS: u8 = 3;

#[derive(Clone, Debug)]
pub(crate) struct Delta {
    pub(crate) origin: Origin,
    pub(crate) payload: Payload,
    /// How many deltas of each author it saw.
    pub(crate) seen: [u64; AUTHORS as usize],
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Replica {
    pub(crate) state: Memory,
    pub(crate) log: Vec<Delta>,
}

/// One access of a guest.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    Set(u8),
    Put(u8, u8),
    Remove(u8),
    Insert(u8),
    Discard(u8),
    Add(i64),
}

/// What happens at a replica.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// `wait` is how far the clock moves on; it never lags behind what was seen.
    Call {
        by: u8,
        wait: u64,
        acts: Vec<Act>,
    },
    Pull {
        from: u8,
        to: u8,
    },
}

pub(crate) fn register() -> CollectionId {
    CollectionId::root(Kind::Register, "title")
}

pub(crate) fn map() -> CollectionId {
    CollectionId::root(Kind::Map, "tasks")
}

pub(crate) fn set() -> CollectionId {
    map().child(b"tags", Kind::Set)
}

pub(crate) fn counter() -> CollectionId {
    CollectionId::root(Kind::Counter, "votes")
}

pub(crate) fn author(n: u8) -> MemberKey {
    MemberKey::from_bytes([n; 32])
}

pub(crate) fn origin(by: u8, seq: u64, millis: u64) -> Origin {
    Origin { author: author(by), seq, hlc: Hlc { millis, count: 0 } }
}

pub(crate) fn dot(by: u8, seq: u64) -> Dot {
    Dot { author: author(by), seq }
}

/// Merges one payload of `ops` into `state`.
pub(crate) fn apply(state: &mut Memory, origin: &Origin, ops: Vec<Op>) -> Root {
    apply_payload(state, origin, &Payload::new(ops).expect("the ops are a payload"))
}

pub(crate) fn apply_payload(state: &mut Memory, origin: &Origin, payload: &Payload) -> Root {
    let Merged { writes, root } = merge(state, payload, origin).expect("memory merges");
    state.write(writes);
    assert_eq!(anchorhold_crdt::root(state).expect("memory reads"), root);
    root
}

pub(crate) fn view(state: &Memory) -> Transaction {
    Transaction::new(Arc::new(state.clone()))
}

/// Rows that the root commits to, and counts.
pub(crate) fn shared_rows(state: &Memory) -> Memory {
    let mut shared = Memory::new();
    for prefix in [b"e", b"t", b"n"] {
        let rows = state.scan(prefix, None, usize::MAX).expect("memory reads");
        shared.write(rows.into_iter().map(|(key, value)| (key, Some(value))).collect());
    }
    shared
}

impl Act {
    pub(crate) fn on(&self, guest: &mut Transaction) {
        match *self {
            Self::Set(value) => guest.register_set(&register(), vec![value]),
            Self::Put(key, value) => guest.map_put(&map(), &[key], vec![value]),
            Self::Remove(key) => guest.map_remove(&map(), &[key]).map(drop),
            Self::Insert(item) => guest.set_insert(&set(), &[item]).map(drop),
            Self::Discard(item) => guest.set_discard(&set(), &[item]).map(drop),
            Self::Add(amount) => guest.counter_add(&counter(), amount),
        }
        .expect("small writes succeed");
    }
}

impl Replica {
    fn seen(&self) -> [u64; AUTHORS as usize] {
        std::array::from_fn(|n| {
            let by = author(u8::try_from(n).expect("few authors"));
            self.log.iter().filter(|delta| delta.origin.author == by).count() as u64
        })
    }

    pub(crate) fn call(&mut self, by: u8, wait: u64, acts: &[Act]) {
        let mut guest = view(&self.state);
        acts.iter().for_each(|act| act.on(&mut guest));
        let seen = self.seen();
        let latest = self.log.iter().map(|delta| delta.origin.hlc.millis).max().unwrap_or(0);
        let origin = origin(by, seen[usize::from(by)] + 1, latest + wait);
        self.receive(&Delta { origin, payload: guest.finish(), seen });
    }

    pub(crate) fn receive(&mut self, delta: &Delta) {
        let is_new = self.log.iter().all(|known| known.origin.dot() != delta.origin.dot());
        if is_new {
            apply_payload(&mut self.state, &delta.origin, &delta.payload);
            self.log.push(delta.clone());
        }
    }
}

/// Plays `events`, then lets the first replica pull everything; its log holds all deltas.
pub(crate) fn play(events: &[Event]) -> Vec<Delta> {
    let mut replicas = vec![Replica::default(); usize::from(AUTHORS)];
    let pull = |replicas: &mut Vec<Replica>, from: u8, to: u8| {
        let log = replicas[usize::from(from)].log.clone();
        log.iter().for_each(|delta| replicas[usize::from(to)].receive(delta));
    };
    for event in events {
        match event {
            Event::Call { by, wait, acts } => replicas[usize::from(*by)].call(*by, *wait, acts),
            Event::Pull { from, to } => pull(&mut replicas, *from, *to),
        }
    }
    (1..AUTHORS).for_each(|from| pull(&mut replicas, from, 0));
    replicas.swap_remove(0).log
}

/// An order of `deltas` in which each comes after all that it saw, drawn by `picks`. What is not
/// among `deltas` counts as seen.
pub(crate) fn causal_order(deltas: &[Delta], picks: &[u16]) -> Vec<Delta> {
    let mut waiting = deltas.to_vec();
    let mut ordered: Vec<Delta> = Vec::new();
    let mut picks = picks.iter().cycle();
    while !waiting.is_empty() {
        let is_ready = |delta: &Delta| {
            waiting.iter().all(|other| {
                let at = usize::from(other.origin.author.as_bytes()[0]);
                other.origin.dot() == delta.origin.dot() || other.origin.seq > delta.seen[at]
            })
        };
        let ready: Vec<_> = (0..waiting.len()).filter(|at| is_ready(&waiting[*at])).collect();
        let pick = usize::from(*picks.next().expect("a cycle does not end"));
        ordered.push(waiting.remove(ready[pick % ready.len()]));
    }
    ordered
}

/// As [`causal_order`], but keeps only each author's own order.
pub(crate) fn chain_order(deltas: &[Delta], picks: &[u16]) -> Vec<Delta> {
    let blind = |delta: &Delta| {
        let by = usize::from(delta.origin.author.as_bytes()[0]);
        let mut seen = [0; AUTHORS as usize];
        seen[by] = delta.origin.seq - 1;
        Delta { seen, ..delta.clone() }
    };
    causal_order(&deltas.iter().map(blind).collect::<Vec<_>>(), picks)
}

pub(crate) fn merged(deltas: &[Delta]) -> Memory {
    let mut replica = Replica::default();
    deltas.iter().for_each(|delta| replica.receive(delta));
    replica.state
}

pub(crate) fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        any::<u8>().prop_map(Act::Set),
        (0..4u8, any::<u8>()).prop_map(|(key, value)| Act::Put(key, value)),
        (0..4u8).prop_map(Act::Remove),
        (0..4u8).prop_map(Act::Insert),
        (0..4u8).prop_map(Act::Discard),
        (-2..3i64).prop_map(Act::Add),
    ];
    prop::collection::vec(act, 1..4)
}

/// Honest histories. Clocks move little, so that ties are common.
pub(crate) fn histories() -> impl Strategy<Value = Vec<Event>> {
    let call = (0..AUTHORS, 1..3u64, acts());
    let event = prop_oneof![
        2 => call.prop_map(|(by, wait, acts)| Event::Call { by, wait, acts }),
        1 => (0..AUTHORS, 0..AUTHORS).prop_map(|(from, to)| Event::Pull { from, to }),
    ];
    prop::collection::vec(event, 1..24)
}

/// Chains by authors who name any dots, also of deltas that they never saw or that never come.
pub(crate) fn lies() -> impl Strategy<Value = Vec<Delta>> {
    let observed = || {
        let dots = prop::collection::btree_map(0..AUTHORS, 1..8u64, 0..3);
        dots.prop_map(|dots| dots.into_iter().map(|(by, seq)| dot(by, seq)).collect::<Vec<_>>())
    };
    let op = (0..2u8, any::<bool>(), observed()).prop_map(|(key, puts, observed)| {
        let (id, key) = (map(), vec![key]);
        match puts {
            true => Op::Put { id, value: key.clone(), key, observed },
            false => Op::Remove { id, key, observed },
        }
    });
    let delta = (0..AUTHORS, 0..4u64, prop::collection::vec(op, 1..3));
    prop::collection::vec(delta, 1..20).prop_map(|drafts| {
        let mut seqs = [0; AUTHORS as usize];
        let numbered = drafts.into_iter().map(|(by, clock, mut ops)| {
            ops.sort_by_key(|op| op.key().to_vec());
            ops.dedup_by_key(|op| op.key().to_vec());
            let seq = &mut seqs[usize::from(by)];
            *seq += 1;
            let payload = Payload::new(ops).expect("one op per key");
            Delta { origin: origin(by, *seq, clock), payload, seen: [0; AUTHORS as usize] }
        });
        numbered.collect()
    })
}

pub(crate) fn picks() -> impl Strategy<Value = Vec<u16>> {
    prop::collection::vec(any::<u16>(), 1..40)
}
