//! Facts about mistakes that machines like this one have made.

use alloc::{vec, vec::Vec};

use types::Hash;

use super::*;

/// A record in which accounts 0 to `admins` - 1 are seated.
struct Scene(Record);

impl Scene {
    fn new(admins: u8) -> Self {
        let mut scene = Self(create(terms([0; 4], FLAG_CLAIMS)).expect("legal terms"));
        for who in 1..admins {
            scene.act(0, Action::NominateAdmin { account: account(who), ttl_s: 60 }).expect("fits");
            scene.run(who, Call::AcceptAdmin).expect("nominated");
        }
        scene
    }

    fn at(&mut self, who: u8, call: Call, now_s: u64) -> Result<u64, Code> {
        let (next, _) = self.0.after(&account(who), &call, now_s, &OneByte)?;
        self.0 = next;
        Ok(self.0.head.seq)
    }

    fn run(&mut self, who: u8, call: Call) -> Result<u64, Code> {
        self.at(who, call, START_S)
    }

    fn act(&mut self, who: u8, action: Action) -> Result<u64, Code> {
        self.run(who, Call::Act { actions: vec![action], expiry_s: START_S + 60 })
    }

    fn propose(&mut self, who: u8, action: &Action) -> Result<u64, Code> {
        self.run(who, Call::Propose { actions: vec![action.clone()], expiry_s: START_S + 60 })
    }

    fn approve(&mut self, who: u8, seq: u64, action: &Action) -> Result<u64, Code> {
        self.run(who, Call::Approve { seq, actions_hash: batch_hash(action) })
    }

    fn execute(&mut self, seq: u64, action: &Action) -> Result<u64, Code> {
        self.run(0, Call::Execute { seq, actions: vec![action.clone()] })
    }

    fn sign(&mut self, who: u8, seq: u64, action: &Action) -> Result<u64, Code> {
        let approvals = vec![(account(who), vec![1])];
        let (actions_hash, deadline_s) = (batch_hash(action), START_S + 60);
        self.run(4, Call::ApproveBySigs { seq, actions_hash, deadline_s, approvals })
    }
}

fn batch_hash(action: &Action) -> Hash {
    actions_hash(core::slice::from_ref(action)).expect("fits")
}

const META: Action = Action::SetMeta { meta: Hash::from_bytes([5; 32]) };

#[test]
fn a_seat_taken_over_does_not_inherit_its_approval() {
    let mut scene = Scene::new(2);
    scene.act(0, Action::NominateAdmin { account: account(2), ttl_s: 60 }).expect("nominated");
    let seq = scene.propose(1, &META).expect("proposed");
    scene.run(1, Call::Renounce).expect("not the last");
    scene.run(2, Call::AcceptAdmin).expect("accepted");
    assert_eq!(scene.0.seats.get(&account(2)).map(|seat| seat.index), Some(1));
    assert_eq!(scene.execute(seq, &META), Err(Code::E46));
    assert_eq!(scene.approve(2, seq, &META), Err(Code::E24));
    assert_eq!(scene.run(2, Call::Unapprove { seq }), Err(Code::E27));
    scene.approve(0, seq, &META).expect("who was seated all along may approve");
    scene.execute(seq, &META).expect("one counts, one is asked");
}

#[test]
fn a_removed_admins_approval_does_not_count_even_if_it_comes_back() {
    let mut scene = Scene::new(3);
    scene.act(0, Action::SetThreshold { threshold: 2 }).expect("threshold");
    let seq = scene.propose(1, &META).expect("proposed");
    let remove = Action::RemoveAdmin { account: account(1) };
    let removal = scene.propose(0, &remove).expect("proposed");
    scene.approve(2, removal, &remove).expect("approved");
    scene.execute(removal, &remove).expect("removed");
    assert_eq!(scene.approve(1, seq, &META), Err(Code::E23));
    scene.approve(0, seq, &META).expect("approved");
    assert_eq!(scene.execute(seq, &META), Err(Code::E41), "one of the two was removed");
}

#[test]
fn a_lowered_threshold_revives_nothing_and_a_raised_one_counts_at_once() {
    let mut scene = Scene::new(3);
    scene.act(0, Action::SetThreshold { threshold: 3 }).expect("threshold");
    let lower = Action::SetThreshold { threshold: 1 };
    let seq = scene.propose(0, &META).expect("proposed");
    let lowering = scene.propose(0, &lower).expect("proposed");
    scene.approve(1, lowering, &lower).expect("approved");
    scene.approve(2, lowering, &lower).expect("approved");
    scene.execute(lowering, &lower).expect("lowered");
    assert_eq!(scene.execute(seq, &META), Err(Code::E41));
    scene.approve(1, seq, &META).expect("approved");
    assert_eq!(scene.execute(seq, &META), Err(Code::E41), "it was made when three were asked");
    let queued = scene.propose(0, &META).expect("queued at once");
    scene.act(0, Action::SetThreshold { threshold: 2 }).expect("raised");
    assert_eq!(scene.execute(queued, &META), Err(Code::E46), "two are asked now");
}

#[test]
fn what_was_executed_cannot_be_replayed() {
    let mut scene = Scene::new(1);
    let seq = scene.propose(0, &META).expect("queued");
    scene.execute(seq, &META).expect("executed");
    assert_eq!(scene.execute(seq, &META), Err(Code::E41));
    assert_eq!(scene.approve(0, seq, &META), Err(Code::E20));
    assert_eq!(scene.run(0, Call::Cancel { seq }), Err(Code::E20));
    assert_eq!(scene.propose(0, &META), Ok(seq + 1), "a number is never given again");
}

#[test]
fn a_signature_does_not_bring_back_an_approval_that_was_taken_back() {
    let mut scene = Scene::new(3);
    scene.act(0, Action::SetThreshold { threshold: 2 }).expect("threshold");
    let seq = scene.propose(0, &META).expect("proposed");
    scene.sign(1, seq, &META).expect("signed");
    scene.run(1, Call::Unapprove { seq }).expect("taken back");
    assert_eq!(scene.sign(1, seq, &META), Err(Code::E26));
    assert_eq!(scene.execute(seq, &META), Err(Code::E41));
    scene.approve(1, seq, &META).expect("its own call counts");
    scene.execute(seq, &META).expect("approved by two");
}

#[test]
fn the_guardian_vetoes_all_but_a_guardian_that_everybody_wants() {
    let mut scene = Scene::new(2);
    scene.act(0, Action::SetThreshold { threshold: 2 }).expect("threshold");
    let other = Action::SetGuardian { guardian: Some(account(3)) };
    let seq = scene.propose(0, &other).expect("proposed");
    assert_eq!(scene.run(0, Call::Veto { seq }), Err(Code::E31));
    scene.approve(1, seq, &other).expect("approved by all");
    assert_eq!(scene.run(GUARDIAN, Call::Veto { seq }), Err(Code::E31));
    let half = scene.propose(0, &other).expect("proposed");
    scene.run(GUARDIAN, Call::Veto { seq: half }).expect("not by all");
    let plain = scene.propose(0, &META).expect("proposed");
    scene.approve(1, plain, &META).expect("approved by all");
    scene.run(GUARDIAN, Call::Veto { seq: plain }).expect("it sets no guardian");
    scene.execute(seq, &other).expect("executed");
    assert_eq!(scene.0.terms.guardian, Some(account(3)));
}

#[test]
fn a_freeze_stops_executions_ends_by_itself_and_rests() {
    let mut scene = Scene::new(1);
    let grave = Action::SetApp { app: hash(9), migration: Hash::ZERO };
    let seq = scene.propose(0, &META).expect("queued");
    assert_eq!(scene.run(0, Call::Freeze { secs: 10 }), Err(Code::E80));
    assert_eq!(scene.run(GUARDIAN, Call::Freeze { secs: 0 }), Err(Code::E80));
    let week_s = u32::try_from(7 * DAY_S).expect("fits");
    assert_eq!(scene.run(GUARDIAN, Call::Freeze { secs: week_s + 1 }), Err(Code::E80));
    scene.run(GUARDIAN, Call::Freeze { secs: 10 }).expect("frozen");
    assert_eq!(scene.execute(seq, &META), Err(Code::E44));
    assert_eq!(scene.act(0, META), Err(Code::E44));
    assert_eq!(scene.propose(0, &grave), Err(Code::E11));
    scene.propose(0, &META).expect("routine may be proposed");
    let execute = Call::Execute { seq, actions: vec![META] };
    assert_eq!(scene.at(0, execute.clone(), START_S + 9), Err(Code::E44));
    scene.at(0, execute, START_S + 10).expect("thawed");
    let again = |scene: &mut Scene, at_s| scene.at(GUARDIAN, Call::Freeze { secs: 10 }, at_s);
    assert_eq!(again(&mut scene, START_S + 30 * DAY_S - 1), Err(Code::E80));
    again(&mut scene, START_S + 30 * DAY_S).expect("30 days later");
}

#[test]
fn a_delay_rises_at_once_and_sinks_after_itself() {
    let mut scene = Scene::new(1);
    let set = |class, delay_s| Action::SetDelay { class, delay_s };
    scene.act(0, set(Class::App, 100)).expect("raised");
    assert_eq!(scene.0.delay_s(Class::App, START_S), 100);
    scene.act(0, set(Class::App, 10)).expect("lowering");
    assert_eq!(scene.0.delay_s(Class::App, START_S + 99), 100);
    assert_eq!(scene.0.delay_s(Class::App, START_S + 100), 10);
    scene.act(0, set(Class::App, 50)).expect("lowering again, from 100");
    assert_eq!(scene.0.delay_s(Class::App, START_S + 99), 100);
    scene.act(0, set(Class::App, 100)).expect("raised ends it");
    assert_eq!(scene.0.delay_s(Class::App, START_S + 1_000), 100);
    let month_s = 30 * 24 * 60 * 60;
    assert_eq!(scene.act(0, set(Class::App, month_s + 1)), Err(Code::E56));
    scene.act(0, set(Class::App, month_s)).expect("30 days");
}

#[test]
fn an_invitation_serves_each_use_once_and_only_whom_its_key_let() {
    let mut scene = Scene::new(1);
    let claim = |use_number, signature: u8| Call::ClaimInvite {
        key: vec![4; 32],
        invite: invite(),
        use_number,
        proof: Vec::new(),
        signature: vec![signature],
    };
    assert_eq!(scene.run(3, claim(0, 1)), Err(Code::E71), "no root yet");
    let root = Action::SetInviteRoot { prev: Hash::ZERO, new: invite().leaf() };
    scene.act(0, root).expect("set");
    assert_eq!(scene.run(3, claim(0, 2)), Err(Code::E73));
    scene.run(3, claim(0, 1)).expect("claimed");
    assert_eq!(scene.run(3, claim(0, 1)), Err(Code::E74));
    scene.run(3, claim(1, 1)).expect("the second use");
    assert_eq!(scene.run(3, claim(2, 1)), Err(Code::E71), "it has two");
    let late = scene.at(3, claim(1, 1), invite().expiry_s + 1);
    assert_eq!(late, Err(Code::E72));
    scene.0.head.flags = 0;
    assert_eq!(scene.run(3, claim(1, 1)), Err(Code::E70));
}

#[test]
fn what_is_signed_names_record_account_and_key() {
    let scene = Scene::new(1);
    let base = binding_digest(&scene.0.domain, &account(1), 1, &[4; 32], 60);
    for other in [
        binding_digest(&hash(1), &account(1), 1, &[4; 32], 60),
        binding_digest(&scene.0.domain, &account(2), 1, &[4; 32], 60),
        binding_digest(&scene.0.domain, &account(1), 2, &[4; 32], 60),
        binding_digest(&scene.0.domain, &account(1), 1, &[5; 32], 60),
        binding_digest(&scene.0.domain, &account(1), 1, &[4; 32], 61),
        claim_digest(&scene.0.domain, &account(1), &[4; 32]),
    ] {
        assert_ne!(base, other);
    }
}

#[test]
fn what_is_no_batch_is_other_actions_than_proposed() {
    let mut scene = Scene::new(2);
    let seq = scene.propose(0, &META).expect("queued");
    let execute = |seq| Call::Execute { seq, actions: Vec::new() };
    let both = |seq| Call::ApproveAndExecute { seq, actions: Vec::new() };
    assert_eq!(scene.run(1, execute(seq)), Err(Code::E40));
    assert_eq!(scene.run(1, execute(seq + 1)), Err(Code::E41), "it is looked for first");
    assert_eq!(scene.run(1, both(seq)), Err(Code::E22));
    assert_eq!(scene.run(1, both(seq + 1)), Err(Code::E20));
    assert_eq!(scene.at(1, both(seq), START_S + 61), Err(Code::E21));
}

#[test]
fn approve_and_execute_only_approves_while_a_raised_threshold_asks_for_more() {
    let mut scene = Scene::new(3);
    let seq = scene.propose(0, &META).expect("queued by one");
    scene.act(0, Action::SetThreshold { threshold: 3 }).expect("raised");
    let both = Call::ApproveAndExecute { seq, actions: vec![META] };
    scene.run(1, both.clone()).expect("approved: two of three");
    assert_eq!(scene.0.meta, Hash::ZERO);
    scene.run(2, both).expect("approved by three");
    assert_eq!(scene.0.meta, hash(5));
}

#[test]
fn the_seats_epoch_counts_seats_and_thresholds() {
    let mut scene = Scene::new(3);
    assert_eq!(scene.0.head.seats_epoch, 3, "two came");
    scene.act(0, Action::SetThreshold { threshold: 1 }).expect("set");
    assert_eq!(scene.0.head.seats_epoch, 4);
    scene.run(2, Call::Renounce).expect("not the last");
    assert_eq!(scene.0.head.seats_epoch, 5);
    scene.act(0, META).expect("no change of seats");
    assert_eq!(scene.0.head.seats_epoch, 5);
}

#[test]
fn who_lost_a_seat_needs_another_nomination() {
    let mut scene = Scene::new(3);
    scene.run(2, Call::Renounce).expect("not the last");
    assert_eq!(scene.run(2, Call::AcceptAdmin), Err(Code::E50));
    scene.act(0, Action::RemoveAdmin { account: account(1) }).expect("removed");
    assert_eq!(scene.run(1, Call::AcceptAdmin), Err(Code::E50));
    let nominate = Action::NominateAdmin { account: account(1), ttl_s: 60 };
    scene.act(0, nominate).expect("nominated");
    assert_eq!(scene.at(1, Call::AcceptAdmin, START_S + 61), Err(Code::E50), "too late");
    scene.at(1, Call::AcceptAdmin, START_S + 60).expect("in the last second");
}

#[test]
fn what_a_dissolved_record_leaves_open_can_only_be_closed() {
    let mut scene = Scene::new(2);
    let [first, second, third] = [0; 3].map(|_| scene.propose(1, &META).expect("queued"));
    scene.act(0, Action::Dissolve).expect("dissolved");
    assert_eq!(scene.0.proposals.len(), 3);
    assert_eq!(scene.approve(0, first, &META), Err(Code::E10));
    assert_eq!(scene.execute(first, &META), Err(Code::E10));
    assert_eq!(scene.run(1, Call::Unapprove { seq: first }), Err(Code::E10));
    assert_eq!(scene.run(0, Call::Cancel { seq: first }), Err(Code::E30));
    scene.run(1, Call::Cancel { seq: first }).expect("its proposer withdraws it");
    scene.run(GUARDIAN, Call::Veto { seq: second }).expect("the guardian may");
    scene.at(3, Call::Expire { seq: third }, START_S + 61).expect("it ran out");
    assert_eq!(scene.run(1, Call::Renounce), Err(Code::E10));
    assert_eq!(scene.run(GUARDIAN, Call::Freeze { secs: 1 }), Err(Code::E10));
}

#[test]
fn eight_by_one_admin_and_sixty_four_in_all_are_open_at_once() {
    let mut scene = Scene::new(9);
    for who in 0..8 {
        (0..8).for_each(|_| assert!(scene.propose(who, &META).is_ok(), "it fits"));
        let more = scene.propose(who, &META);
        assert_eq!(more, Err(Code::E13), "by {who}");
    }
    assert_eq!(scene.propose(8, &META), Err(Code::E14));
    scene.run(0, Call::Cancel { seq: scene.0.head.seq - 63 }).expect("its first");
    scene.propose(8, &META).expect("one was closed");
}

#[test]
fn thirty_two_seats_are_all() {
    let mut scene = Scene::new(32);
    let nominate = Action::NominateAdmin { account: account(32), ttl_s: 60 };
    scene.act(0, nominate).expect("nominated");
    assert_eq!(scene.run(32, Call::AcceptAdmin), Err(Code::E52));
    scene.run(7, Call::Renounce).expect("not the last");
    scene.run(32, Call::AcceptAdmin).expect("one is free");
    assert_eq!(scene.0.seats.get(&account(32)).map(|seat| seat.index), Some(7), "the lowest");
}

#[test]
fn terms_are_bounded() {
    let month_s = 30 * 24 * 60 * 60;
    assert!(create(terms([month_s; 4], 1)).is_ok());
    for class in 0..4 {
        let mut delays_s = [0; 4];
        delays_s[class] = month_s + 1;
        assert_eq!(create(terms(delays_s, 0)).err(), Some(Code::E03), "class {class}");
    }
    assert_eq!(create(terms([0; 4], 2)).err(), Some(Code::E03), "an unknown flag");
}

#[test]
fn who_may_propose_is_looked_at_before_what() {
    let mut scene = Scene::new(1);
    let may = |scene: &Scene, who, expiry_s| scene.0.may_open(&account(who), expiry_s, START_S);
    let last_s = START_S + 90 * DAY_S;
    assert_eq!(may(&scene, 0, START_S + 1), Ok(()));
    assert_eq!(may(&scene, 0, last_s), Ok(()));
    assert_eq!(may(&scene, 0, START_S), Err(Code::E15));
    assert_eq!(may(&scene, 0, last_s + 1), Err(Code::E15));
    assert_eq!(may(&scene, 1, START_S), Err(Code::E12));
    let empty = Call::Propose { actions: Vec::new(), expiry_s: START_S };
    assert_eq!(scene.run(0, empty), Err(Code::E15));
    scene.act(0, Action::Dissolve).expect("dissolved");
    assert_eq!(may(&scene, 1, START_S), Err(Code::E10));
}

#[test]
fn where_no_record_is_nothing_is_active_and_nothing_open() {
    let create = Call::Create { salt: SALT, terms: terms([0; 4], 0) };
    assert_eq!(create.refusal_without_record(), None);
    assert_eq!(Call::AcceptAdmin.refusal_without_record(), Some(Code::E10));
    assert_eq!(Call::Unapprove { seq: 1 }.refusal_without_record(), Some(Code::E10));
    for call in [Call::Cancel { seq: 1 }, Call::Veto { seq: 1 }, Call::Expire { seq: 1 }] {
        assert_eq!(call.refusal_without_record(), Some(Code::E20), "{call:?}");
    }
}
