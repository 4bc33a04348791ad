//! The twelve invariants, under whatever six accounts ask for in whatever order.

mod facts;

use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec,
    vec::Vec,
};

use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore as _, SeedableRng as _};
use types::{ContextId, Hash};

use super::*;
use crate::anchor::{
    Account, Action, Class, Code, Happened, Registry, Status, Terms, actions_hash, log_head,
};

const SALT: [u8; 32] = [7; 32];
const START_S: u64 = 1_000_000;
const GUARDIAN: u8 = 5;
const DAY_S: u64 = 86_400;

/// Signs whatever is signed with the single byte 1, as invite key 9.
struct OneByte;

impl Host for OneByte {
    fn approved(&self, _: &Account, _: &Approval, signature: &[u8]) -> bool {
        signature == [1]
    }

    fn recover(&self, _: &Hash, signature: &[u8]) -> Option<[u8; 20]> {
        (signature == [1]).then_some([9; 20])
    }

    fn key_signed(&self, scheme: u8, _: &[u8], _: &Hash, signature: &[u8]) -> Option<bool> {
        (scheme != 1).then(|| signature == [1])
    }
}

fn account(who: u8) -> Account {
    Account::new(&[who + 1; 20]).expect("an account")
}

fn hash(byte: u8) -> Hash {
    Hash::from_bytes([byte; 32])
}

fn terms(delays_s: [u32; 4], flags: u8) -> Terms {
    Terms {
        app: hash(1),
        members_root: hash(0),
        members_count: 1,
        flags,
        delays_s,
        guardian: Some(account(GUARDIAN)),
        context: ContextId::from_bytes([3; 32]),
    }
}

fn create(terms: Terms) -> Result<Record, Code> {
    let registry = Registry { chain: "eip155:1".parse().expect("legal"), account: account(200) };
    Record::create(&registry, &account(0), SALT, terms).map(|(_, record, _)| record)
}

fn invite() -> Invite {
    Invite { key: [9; 20], expiry_s: START_S + 900_000, role: 1, uses: 2 }
}

/// Asks at random, and keeps what the chain itself does not: who approved what, since when.
struct Play {
    rng: ChaCha8Rng,
    record: Record,
    now_s: u64,
    batches: BTreeMap<u64, Vec<Action>>,
    approvals: BTreeMap<u64, BTreeSet<Account>>,
    seated_since: BTreeMap<Account, u64>,
    executed: BTreeSet<u64>,
    claimed: BTreeSet<(Hash, u32)>,
    seen: Seen,
}

/// How often what happened.
#[derive(Debug, Default)]
struct Seen {
    events: BTreeMap<&'static str, u32>,
    calls: BTreeMap<&'static str, u32>,
    refusals: BTreeMap<u16, u32>,
}

impl Seen {
    fn add(&mut self, other: Self) {
        let Self { events, calls, refusals } = other;
        for (name, count) in events {
            *self.events.entry(name).or_default() += count;
        }
        for (method, count) in calls {
            *self.calls.entry(method).or_default() += count;
        }
        for (code, count) in refusals {
            *self.refusals.entry(code).or_default() += count;
        }
    }
}

impl Play {
    fn new(seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let delays_s = [0, 1, 2, 3].map(|class| class * (rng.next_u32() % 2) * 30);
        let flags = if rng.next_u32() % 8 == 0 { 0 } else { FLAG_CLAIMS };
        Self {
            rng,
            record: create(terms(delays_s, flags)).expect("legal terms"),
            now_s: START_S,
            batches: BTreeMap::new(),
            approvals: BTreeMap::new(),
            seated_since: BTreeMap::from([(account(0), 0)]),
            executed: BTreeSet::new(),
            claimed: BTreeSet::new(),
            seen: Seen::default(),
        }
    }

    fn below(&mut self, bound: u8) -> u8 {
        u8::try_from(self.rng.next_u32() % u32::from(bound)).expect("below a byte")
    }

    fn action(&mut self) -> Action {
        match self.below(20) {
            0..=5 => Action::NominateAdmin {
                account: account(self.below(5)),
                ttl_s: if self.below(9) == 0 { 0 } else { self.rng.next_u32() % 40_000 },
            },
            6 | 7 => Action::RemoveAdmin { account: account(self.below(5)) },
            8 | 9 => Action::SetThreshold { threshold: 1 + self.below(3) },
            11 => Action::SetDelay {
                class: Class::from_number(self.below(4)).expect("a class"),
                delay_s: self.rng.next_u32() % if self.below(9) == 0 { u32::MAX } else { 90 },
            },
            12 | 13 => Action::SetMembersRoot {
                prev: if self.below(3) == 0 { hash(8) } else { self.record.terms.members_root },
                new: hash(self.below(3)),
                count: 2,
                delta_hash: hash(9),
            },
            14 => Action::SetInviteRoot { prev: self.record.invite_root, new: invite().leaf() },
            15 => Action::SetCaps { key_hash: hash(1), caps: 1 },
            16 => {
                let guardian = (self.below(3) > 0).then(|| account(GUARDIAN));
                Action::SetGuardian { guardian }
            }
            17 => Action::SetApp { app: hash(self.below(9)), migration: Hash::ZERO },
            18 if self.below(30) == 0 => Action::Dissolve,
            _ => Action::SetMeta { meta: hash(self.below(9)) },
        }
    }

    fn actions(&mut self) -> Vec<Action> {
        let most = if self.below(20) == 0 { 0 } else { 1 + self.below(2) };
        (0..most).map(|_| self.action()).collect()
    }

    fn pick(&mut self, from: Vec<Account>) -> Option<Account> {
        let count = u8::try_from(from.len()).expect("few").max(1);
        from.into_iter().nth(usize::from(self.below(count)))
    }

    fn seq(&mut self) -> u64 {
        let back = u64::from(self.below(4));
        self.record.head.seq.saturating_sub(back)
    }

    fn call(&mut self) -> Call {
        let seq = self.seq();
        let batch = self.batches.get(&seq).cloned().unwrap_or_default();
        let actions_hash = actions_hash(&batch).unwrap_or(Hash::ZERO);
        let expiry_s = self.now_s + u64::from(self.rng.next_u32() % 3_000);
        match self.below(26) {
            0..=2 => Call::Act { actions: self.actions(), expiry_s },
            3..=5 => Call::Propose { actions: self.actions(), expiry_s },
            6 | 7 => Call::Approve { seq, actions_hash },
            8 | 9 => Call::ApproveAndExecute { seq, actions: batch },
            10 => {
                let mut signers = vec![self.below(5), self.below(5)];
                signers.truncate(1 + usize::from(self.below(3) / 2));
                let approvals = signers.into_iter().map(|who| (account(who), vec![1])).collect();
                Call::ApproveBySigs { seq, actions_hash, deadline_s: expiry_s, approvals }
            }
            11 => Call::Unapprove { seq },
            12 => Call::Cancel { seq },
            13 if self.below(4) == 0 => Call::Veto { seq },
            14..=16 => Call::Execute { seq, actions: batch },
            17 => Call::Expire { seq },
            18..=20 => Call::AcceptAdmin,
            21 => Call::Renounce,
            22 => self.claim(),
            23 => self.tell(expiry_s),
            24 => self.mistake(seq, expiry_s),
            _ if self.below(8) == 0 => Call::Freeze { secs: self.rng.next_u32() % 200 },
            _ => Call::AcceptAdmin,
        }
    }

    fn claim(&mut self) -> Call {
        Call::ClaimInvite {
            key: vec![4; 32],
            invite: invite(),
            use_number: u32::from(self.below(3)),
            proof: Vec::new(),
            signature: vec![1 + self.below(5) / 4],
        }
    }

    fn tell(&mut self, expiry_s: u64) -> Call {
        let (key, signature) = (vec![4; 32], vec![1 + self.below(3) / 2]);
        match self.below(2) {
            0 => Call::Unbind { key },
            _ => Call::Bind { scheme: self.below(5), key, signature, expiry_s },
        }
    }

    /// What nobody who looks at the record would ask for.
    fn mistake(&mut self, seq: u64, expiry_s: u64) -> Call {
        match self.below(5) {
            0 => Call::Create { salt: SALT, terms: terms([0; 4], 0) },
            1 => Call::Approve { seq, actions_hash: hash(1) },
            2 => Call::Execute { seq, actions: self.actions() },
            3 => Call::Propose { actions: self.actions(), expiry_s: expiry_s + 90 * DAY_S },
            // An admin that never cleans up.
            _ => {
                let far_s = self.now_s + 60 * DAY_S;
                Call::Propose { actions: self.actions(), expiry_s: far_s }
            }
        }
    }

    fn step(&mut self) {
        // Now and then a month passes, so that freezes come again.
        let wait_s = if self.below(200) == 0 { 31 * DAY_S } else { u64::from(self.below(40)) };
        self.now_s += wait_s;
        let call = self.call();
        let any = account(self.below(6));
        let likely = match call {
            Call::Veto { .. } | Call::Freeze { .. } => Some(account(GUARDIAN)),
            Call::AcceptAdmin => self.pick(self.record.nominated.keys().cloned().collect()),
            _ => self.pick(self.record.seats.keys().cloned().collect()),
        };
        let caller = likely.filter(|_| self.below(5) > 0).unwrap_or(any);
        let before = self.record.clone();
        match before.after(&caller, &call, self.now_s, &OneByte) {
            Ok((next, events)) => {
                self.record = next;
                *self.seen.calls.entry(call.method()).or_default() += 1;
                self.check(&before, &caller, &call, &events);
            }
            Err(code) => *self.seen.refusals.entry(code.number()).or_default() += 1,
        }
    }

    fn check(&mut self, before: &Record, caller: &Account, call: &Call, events: &[Event]) {
        let after = self.record.clone();
        i1_i11_i12_the_record_is_in_bounds(&after);
        i2_each_revision_continues_the_log(before, &after, events);
        i6_nobody_is_seated_by_another(before, &after, caller, call);
        i7_the_guardian_decides_nothing(before, &after, call);
        for event in events {
            *self.seen.events.entry(event.name()).or_default() += 1;
            match event {
                Event::Proposed { seq } => {
                    assert_eq!(*seq, before.head.seq + 1, "I3: a number was given twice");
                    if let Call::Act { actions, .. } | Call::Propose { actions, .. } = call {
                        self.batches.insert(*seq, actions.clone());
                    }
                    self.approvals.insert(*seq, BTreeSet::from([caller.clone()]));
                }
                Event::Approved { seq, by } => {
                    let fresh = self.approvals.entry(*seq).or_default().insert(by.clone());
                    assert!(fresh, "approved twice");
                }
                Event::Unapproved { seq } => {
                    self.approvals.entry(*seq).or_default().remove(caller);
                }
                Event::Queued { seq, eta_s } => self.i5_the_delay_is_kept(before, *seq, *eta_s),
                Event::Executed { seq } => self.i3_i4_it_was_approved(before, &after, *seq, call),
                Event::Claimed { leaf, use_number, .. } => {
                    assert!(self.claimed.insert((*leaf, *use_number)), "I8: used twice");
                }
                Event::Rev { rev, happened, .. } => self.follow_seats(*rev, happened),
                _ => {}
            }
        }
    }

    fn follow_seats(&mut self, rev: u64, happened: &Happened) {
        match happened {
            Happened::AdminAccepted(account) => {
                let known = self.seated_since.insert(account.clone(), rev);
                assert_eq!(known, None);
            }
            Happened::AdminRenounced(account) | Happened::Done(Action::RemoveAdmin { account }) => {
                self.seated_since.remove(account).expect("was seated");
                *self.seen.events.entry("unseated").or_default() += 1;
            }
            _ => {}
        }
    }

    fn i5_the_delay_is_kept(&self, before: &Record, seq: u64, eta_s: u64) {
        let batch = self.batches.get(&seq).expect("proposed");
        // The class is the one that it was made with, though seats changed since.
        let made = before.proposals.get(&seq).or_else(|| self.record.proposals.get(&seq));
        let class = made.map_or_else(
            || crate::anchor::class_of(batch, before.head.admins),
            |proposal| proposal.class,
        );
        let delay_s = u64::from(before.delay_s(class, self.now_s));
        assert_eq!(eta_s, self.now_s + delay_s, "I5: queued too early");
        if let Some(proposal) = self.record.proposals.get(&seq) {
            assert!(eta_s <= proposal.expiry_s, "I5: queued beyond its expiry");
        }
    }

    /// I3: once; I4: by enough who held their seats without a break; I10: closed before it acts.
    fn i3_i4_it_was_approved(&mut self, before: &Record, after: &Record, seq: u64, call: &Call) {
        assert!(self.executed.insert(seq), "I3: executed twice");
        assert!(!after.proposals.contains_key(&seq), "I10: executed and still open");
        assert!(!before.is_frozen(self.now_s), "executed while frozen");
        // Who was seated when it was executed: the seats before, since it may change them.
        let (made_rev, made_threshold) = match before.proposals.get(&seq) {
            Some(proposal) => (proposal.created_rev, proposal.threshold),
            None => (before.head.rev, before.head.threshold),
        };
        let approvals = self.approvals.get(&seq).expect("proposed");
        let held = |account: &&Account| {
            before.seats.get(*account).is_some_and(|seat| seat.since <= made_rev)
        };
        let count = approvals.iter().filter(held).count();
        let needed = made_threshold.max(before.head.threshold);
        assert!(count >= usize::from(needed) && needed >= 1, "I4: {count} of {needed}: {call:?}");
    }
}

fn i1_i11_i12_the_record_is_in_bounds(record: &Record) {
    let head = record.head;
    if head.status == Status::Active {
        assert!((1..=head.admins).contains(&head.threshold), "I1: {head:?}");
    }
    assert!(head.admins <= 32, "I1: {head:?}");
    assert_eq!(head.active.count_ones(), u32::from(head.admins), "I12");
    assert_eq!(record.seats.len(), usize::from(head.admins), "I12");
    let bits = record.seats.values().fold(0, |bits, seat| bits | 1_u64 << seat.index);
    assert_eq!(bits, head.active, "I12");
    assert!(record.proposals.len() <= 64, "I11");
    let own = |account| record.proposals.values().filter(|open| open.proposer == account).count();
    assert!((0..6).all(|who| own(account(who)) <= 8), "I11");
}

fn i2_each_revision_continues_the_log(before: &Record, after: &Record, events: &[Event]) {
    let (mut rev, mut chained) = (before.head.rev, before.log_head);
    let mut root = before.terms.members_root;
    for event in events {
        let Event::Rev { rev: told, happened, log_head: told_head } = event else { continue };
        rev += 1;
        chained = log_head(&chained, rev, happened.kind(), &happened.payload());
        assert_eq!((*told, *told_head), (rev, chained), "I2");
        let again = Happened::decode(happened.kind(), &happened.payload());
        assert_eq!(again.as_ref(), Ok(&**happened), "I2: the payload does not read back");
        if let Happened::Done(Action::SetMembersRoot { prev, new, .. }) = &**happened {
            assert_eq!(*prev, root, "I9: not compared before it was set");
            root = *new;
        }
    }
    assert_eq!((rev, chained), (after.head.rev, after.log_head), "I2");
}

fn i6_nobody_is_seated_by_another(before: &Record, after: &Record, caller: &Account, call: &Call) {
    let new = after.seats.keys().filter(|account| !before.seats.contains_key(*account));
    for account in new {
        assert!(account == caller && *call == Call::AcceptAdmin, "I6: {account} by {call:?}");
        assert!(before.nominated.contains_key(account), "I6: {account} was not nominated");
    }
}

fn i7_the_guardian_decides_nothing(before: &Record, after: &Record, call: &Call) {
    if !matches!(call, Call::Veto { .. } | Call::Freeze { .. }) {
        return;
    }
    assert_eq!(before.seats, after.seats, "I7");
    assert_eq!(before.terms, after.terms, "I7");
    assert_eq!((before.meta, before.invite_root), (after.meta, after.invite_root), "I7");
    assert_eq!(before.head.threshold, after.head.threshold, "I7");
}

#[test]
fn the_invariants_hold_whatever_is_asked() {
    let mut seen = Seen::default();
    for seed in 0..400 {
        let mut play = Play::new(seed);
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            (0..500).for_each(|_| play.step());
        }));
        assert!(result.is_ok(), "seed {seed}");
        seen.add(play.seen);
    }
    enough_happened(&seen);
}

/// Else the invariants would hold because nothing happens.
fn enough_happened(seen: &Seen) {
    for (name, least) in [
        ("Proposed", 5_000),
        ("Approved", 500),
        ("Unapproved", 100),
        ("Queued", 2_000),
        ("Executed", 1_000),
        ("Canceled", 100),
        ("Vetoed", 100),
        ("Expired", 100),
        ("Bound", 100),
        ("Unbound", 100),
        ("Claimed", 20),
        ("unseated", 300),
    ] {
        let count = seen.events.get(name).copied().unwrap_or_default();
        assert!(count >= least, "{name} happened {count} times: {seen:?}");
    }
    // A record is made before the play begins.
    let methods = seen.calls.len();
    assert_eq!(methods, 16, "not every other call was accepted: {seen:?}");
    assert!(seen.calls.values().all(|count| *count >= 20), "a call was hardly accepted: {seen:?}");
    // Deposits and terms are looked at elsewhere, bytes are read elsewhere, and six accounts
    // neither make 64 proposals nor take 32 seats: `facts` does.
    let elsewhere = [Code::E02, Code::E03, Code::E14, Code::E17, Code::E52];
    for code in Code::ALL.iter().filter(|code| !elsewhere.contains(code)) {
        let count = seen.refusals.get(&code.number()).copied().unwrap_or_default();
        assert!(count >= 3, "{code:?} was met {count} times: {seen:?}");
    }
}
