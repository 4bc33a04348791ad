//! Replicas in a bad world: every story ends with all members agreeing on what the log allows.
//!
//! Each story runs on many seeds, which order deliveries differently. A failure prints its seed;
//! `SIM_SEED=<n>` runs that one alone, `SIM_RUNS=<n>` changes how many are tried.

#[path = "sim/world.rs"]
mod world;

use anchorhold_sync::{DraftError, Head};
use governance::log::{Change, Cut, Role};
use rand_core::RngCore as _;
use types::MemberKey;
use world::{Crash, OWNER, World};

/// Runs `story` on several seeds.
fn each_seed(runs: u64, story: impl Fn(u64)) {
    let number = |name| std::env::var(name).ok().and_then(|text: String| text.parse().ok());
    if let Some(seed) = number("SIM_SEED") {
        return story(seed);
    }
    for seed in 0..number("SIM_RUNS").unwrap_or(runs) {
        let failed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| story(seed)));
        if let Err(cause) = failed {
            eprintln!("replay with SIM_SEED={seed}");
            std::panic::resume_unwind(cause);
        }
    }
}

fn remove(member: MemberKey) -> Vec<Change> {
    vec![Change::Remove { member }]
}

fn set_role(member: MemberKey, role: Role) -> Vec<Change> {
    vec![Change::SetRole { member, role }]
}

fn write_some(world: &mut World, node: usize, count: u64) {
    for _ in 0..count {
        world.write(node).expect("may write");
        let pause = world.roll(40);
        world.run(pause);
    }
}

#[test]
fn members_that_only_write_agree() {
    each_seed(20, |seed| {
        let mut world = World::new(seed, 4);
        world.loss = 30;
        for _ in 0..40 {
            let node = world.roll(4) as usize;
            write_some(&mut world, node, 1);
        }
        world.settle();
        let merged: usize = (0..4).map(|node| world.merged(OWNER, world.key(node)).len()).sum();
        assert_eq!(merged, 40);
        world.check_no_faults();
    });
}

#[test]
fn a_partitioned_and_restarted_member_catches_up() {
    each_seed(10, |seed| {
        let mut world = World::new(seed, 4);
        write_some(&mut world, 3, 3);
        world.split(&[3]);
        write_some(&mut world, 1, 30);
        write_some(&mut world, 3, 5);
        world.stop(3);
        world.stop(2);
        write_some(&mut world, OWNER, 10);
        world.start(3);
        write_some(&mut world, 3, 1);
        world.settle();
        assert_eq!(world.merged(2, world.key(3)).len(), 9);
        assert_eq!(world.merged(3, world.key(1)).len(), 30);
        world.check_no_faults();
    });
}

#[test]
fn thousands_of_deltas_come_in_pages() {
    each_seed(1, |seed| {
        let mut world = World::new(seed, 2);
        for _ in 0..2_500 {
            world.write(1).expect("may write");
        }
        let late = world.invite(Role::Member);
        world.settle();
        assert_eq!(world.merged(late, world.key(1)).len(), 2_500);
        world.check_no_faults();
    });
}

#[test]
fn a_removed_writer_cannot_backdate() {
    each_seed(20, |seed| {
        let mut world = World::new(seed, 4);
        write_some(&mut world, 3, 3);
        world.run(3_000);
        world.split(&[2]);
        let epoch = world.nodes[3].replica.acl().epoch();
        world.propose(OWNER, remove(world.key(3)), Vec::new());
        world.run(1_000);
        // Node 2 has not heard of the removal, and takes what the removed one signs under the
        // old epoch, and writes on top of it.
        let after = world.nodes[2].replica.frontier()[&world.key(3)];
        assert_eq!(after.seq, 3);
        for delta in world.forge_chain(3, after, 4, epoch) {
            world.slip(3, 2, delta.clone());
            world.slip(2, 1, delta);
        }
        assert_eq!(world.merged(2, world.key(3)).len(), 7);
        assert_eq!(world.merged(1, world.key(3)).len(), 3);
        write_some(&mut world, 2, 2);
        world.settle();
        assert_eq!(world.merged(OWNER, world.key(3)).len(), 3);
        assert_eq!(world.merged(1, world.key(2)).len(), 2);
    });
}

#[test]
fn what_waits_for_a_voided_delta_is_freed_by_the_cut() {
    each_seed(10, |seed| {
        let mut world = World::new(seed, 4);
        world.split(&[3]);
        world.write(3).expect("may write");
        let voided = world.stored(3, world.key(3), 1);
        world.split(&[2, 3]);
        world.slip(3, 2, voided.clone());
        world.write(2).expect("may write");
        world.slip(2, 1, world.stored(2, world.key(2), 1));
        assert_eq!(world.merged(1, world.key(2)).len(), 0);
        world.propose(OWNER, remove(world.key(3)), Vec::new());
        world.run(3_000);
        assert_eq!(world.merged(1, world.key(2)).len(), 1);
        world.settle();
        assert_eq!(world.merged(2, world.key(3)).len(), 0);
        world.check_no_faults();
    });
}

#[test]
fn a_crash_before_a_head_is_set_back_is_made_up_for() {
    each_seed(10, |seed| {
        let mut world = World::new(seed, 4);
        write_some(&mut world, 3, 2);
        world.run(3_000);
        world.split(&[2, 3]);
        write_some(&mut world, 3, 3);
        world.run(3_000);
        assert_eq!(world.merged(2, world.key(3)).len(), 5);
        world.propose(OWNER, remove(world.key(3)), Vec::new());
        world.crash(2, Crash::BeforeVoid);
        world.heal();
        world.run(6_000);
        assert!(!world.is_up(2), "crashed");
        assert_eq!(world.merged(2, world.key(3)).len(), 5);
        world.start(2);
        assert_eq!(world.merged(2, world.key(3)).len(), 2);
        world.settle();

        let head = world.nodes[OWNER].replica.frontier()[&world.key(3)];
        assert_eq!(head.seq, 2);
        write_some(&mut world, 1, 3);
        world.run(3_000);
        world.crash(2, Crash::BeforeVoid);
        let author = world.key(1);
        let first = world.stored(1, author, 1).digest().into();
        let epoch = world.nodes[1].replica.acl().epoch();
        let rival = world.forge(1, 2, first, epoch);
        world.slip(1, 2, rival.clone());
        assert!(!world.is_up(2), "crashed");
        world.start(2);
        assert_eq!(world.merged(2, author).len(), 1);
        world.settle();
        assert_eq!(world.merged(OWNER, author).len(), 1);
    });
}

#[test]
fn an_admin_decides_about_a_forked_author() {
    each_seed(10, |seed| {
        let mut world = World::new(seed, 4);
        write_some(&mut world, 3, 4);
        world.run(3_000);
        let author = world.key(3);
        let second = world.stored(3, author, 2).digest().into();
        let epoch = world.nodes[3].replica.acl().epoch();
        let rival = world.forge(3, 3, second, epoch);
        world.slip(3, 1, rival);
        world.settle();
        assert!(matches!(world.write(3), Err(DraftError::Forked { seq: 3 })));
        world.propose(OWNER, set_role(author, Role::ReadOnly), Vec::new());
        world.run(3_000);
        world.propose(OWNER, set_role(author, Role::Member), Vec::new());
        world.settle();
        write_some(&mut world, 3, 3);
        world.settle();
        assert_eq!(world.merged(1, author).len(), 5);
        for node in world.members() {
            assert_eq!(world.nodes[node].replica.status().forked, []);
        }
    });
}

#[test]
fn a_removed_writer_cannot_extend_below_the_cut() {
    for (shared, real, forged) in [(3, 2, 2), (0, 3, 3), (10, 150, 140), (200, 300, 90)] {
        each_seed(4, |seed| {
            let mut world = World::new(seed, 4);
            for _ in 0..shared {
                world.write(3).expect("may write");
            }
            world.run(4_000);
            world.split(&[2]);
            for _ in 0..real {
                world.write(3).expect("may write");
            }
            world.run(4_000);
            let epoch = world.nodes[3].replica.acl().epoch();
            let after = world.nodes[2].replica.frontier().get(&world.key(3)).copied();
            world.propose(OWNER, remove(world.key(3)), Vec::new());
            world.run(1_000);
            let truth = world.merged(OWNER, world.key(3));
            assert_eq!(truth.len(), shared + real);
            // Node 2 lags behind, and is fed another branch that fits below the cut.
            for delta in world.forge_chain(3, after.unwrap_or(Head::NONE), forged, epoch) {
                world.slip(3, 2, delta);
            }
            assert_eq!(world.merged(2, world.key(3)).len(), shared + forged as usize);
            write_some(&mut world, 2, 1);
            world.settle();
            assert_eq!(world.merged(2, world.key(3)), truth);
            assert_eq!(world.merged(OWNER, world.key(2)).len(), 1);
        });
    }
}

#[test]
fn a_fork_stops_its_author_everywhere() {
    for (common, branch) in [(2, 1), (0, 1), (5, 40), (90, 120)] {
        each_seed(4, |seed| {
            let mut world = World::new(seed, 5);
            for _ in 0..common {
                world.write(4).expect("may write");
            }
            world.run(4_000);
            world.split(&[2, 3]);
            let epoch = world.nodes[4].replica.acl().epoch();
            let head = world.nodes[OWNER].replica.frontier().get(&world.key(4)).copied();
            let head = head.unwrap_or(Head::NONE);
            for delta in world.forge_chain(4, head, branch, epoch) {
                world.slip(4, 2, delta);
            }
            let other = branch + world.roll(3);
            for delta in world.forge_chain(4, head, other, epoch) {
                world.slip(4, OWNER, delta);
            }
            // Others build on both branches.
            write_some(&mut world, 2, 2);
            write_some(&mut world, 1, 2);
            world.run(2_000);
            world.settle();
            let left = world.merged(OWNER, world.key(4)).len();
            assert_eq!(left, common, "nothing counts from the fork on");
            for node in world.members() {
                let forked = world.nodes[node].replica.status().forked;
                assert_eq!(forked, [(world.key(4), common as u64 + 1)], "node {node}");
            }
            assert_eq!(world.merged(3, world.key(2)).len(), 2);
            assert!(matches!(world.write(4), Err(DraftError::Forked { .. })));
            // A restart forgets nothing.
            world.stop(1);
            world.settle();
            assert_eq!(world.nodes[1].replica.status().forked.len(), 1);
        });
    }
}

#[test]
fn a_fork_below_final_history_is_settled_by_it() {
    each_seed(10, |seed| {
        let mut world = World::new(seed, 4);
        write_some(&mut world, 3, 6);
        world.run(4_000);
        let head = world.nodes[OWNER].replica.frontier()[&world.key(3)];
        let data_final = vec![Cut { member: world.key(3), seq: head.seq, id: head.id }];
        let truth = world.merged(OWNER, world.key(3));
        world.propose(OWNER, set_role(world.key(1), Role::ReadOnly), data_final);
        world.run(2_000);
        let rival = world.forge_chain(3, Head { seq: 3, id: truth[2] }, 3, 3);
        for delta in rival {
            world.slip(3, 1, delta.clone());
            world.slip(3, 2, delta);
        }
        write_some(&mut world, 3, 2);
        world.settle();
        let merged = world.merged(OWNER, world.key(3));
        assert_eq!(merged[..6], truth[..]);
        assert_eq!(merged.len(), 8);
    });
}

#[test]
fn a_demoted_writers_delta_in_flight_counts_up_to_the_cut() {
    each_seed(20, |seed| {
        let mut world = World::new(seed, 4);
        write_some(&mut world, 3, 2);
        world.run(3_000);
        world.split(&[3]);
        write_some(&mut world, 3, 3);
        let cut = world.nodes[OWNER].replica.cut(&world.key(3));
        assert_eq!(cut.seq, 2);
        world.propose(OWNER, set_role(world.key(3), Role::ReadOnly), Vec::new());
        world.run(2_000);
        world.settle();
        assert_eq!(world.merged(3, world.key(3)).len(), 2);
        assert!(matches!(world.write(3), Err(DraftError::Denied(_))));
        // Raised again, it goes on from the cut, and that is no fork.
        world.propose(OWNER, set_role(world.key(3), Role::Member), Vec::new());
        world.settle();
        write_some(&mut world, 3, 4);
        write_some(&mut world, 1, 1);
        world.settle();
        assert_eq!(world.merged(1, world.key(3)).len(), 6);
        assert!(world.nodes[1].replica.status().forked.is_empty());
        world.check_no_faults();
    });
}

#[test]
fn a_delta_citing_a_grant_not_yet_sequenced_waits() {
    each_seed(20, |seed| {
        let mut world = World::new(seed, 3);
        world.split(&[2]);
        let new = world.invite(Role::Member);
        world.run(3_000);
        let id = world.write(new).expect("may write");
        let body = world.nodes[new].replica.frontier()[&world.key(new)];
        assert_eq!(body.id, id);
        let delta = world.stored(new, world.key(new), 1);
        world.slip(1, 2, delta);
        assert_eq!(world.merged(2, world.key(new)).len(), 0);
        assert_eq!(world.nodes[2].replica.status().waiting, 1);
        world.settle();
        assert_eq!(world.merged(2, world.key(new)), [id]);
        world.check_no_faults();
    });
}

#[test]
fn who_comes_back_with_a_fresh_key_starts_afresh() {
    each_seed(10, |seed| {
        let mut world = World::new(seed, 3);
        write_some(&mut world, 2, 3);
        world.run(3_000);
        world.propose(OWNER, remove(world.key(2)), Vec::new());
        let back = world.invite(Role::Member);
        world.run(3_000);
        write_some(&mut world, back, 2);
        world.settle();
        assert_eq!(world.merged(1, world.key(2)).len(), 3);
        assert_eq!(world.merged(1, world.key(back)).len(), 2);
        assert!(!world.is_member(2));
        world.check_no_faults();
    });
}

#[test]
fn a_restriction_acts_before_it_is_sequenced() {
    each_seed(10, |seed| {
        let mut world = World::new(seed, 4);
        world.propose(
            OWNER,
            vec![Change::Nominate { member: world.key(1), expires_epoch: 50 }],
            Vec::new(),
        );
        world.run(3_000);
        let node = &world.nodes[1];
        let accept = Change::accept(node.replica.acl(), &node.secret).expect("nominated");
        world.propose(1, vec![accept], Vec::new());
        world.run(3_000);
        write_some(&mut world, 3, 1);
        world.run(3_000);
        // The owner is away; the admin's word is enough to take no more from node 3.
        world.split(&[OWNER]);
        world.propose(1, remove(world.key(3)), Vec::new());
        world.run(3_000);
        world.write(3).expect("has not heard of it");
        let late = world.stored(3, world.key(3), 2);
        world.slip(1, 2, late);
        world.run(3_000);
        assert_eq!(world.merged(2, world.key(3)).len(), 1);
        assert_eq!(world.merged(1, world.key(3)).len(), 1);
        // Back again, the owner hears of it from the admin, and orders it.
        world.settle();
        assert!(!world.is_member(3));
        world.check_no_faults();
    });
}

#[test]
fn anything_may_happen() {
    each_seed(60, |seed| {
        let mut world = World::new(seed, 5);
        for _ in 0..60 {
            random_step(&mut world);
        }
        world.settle();
    });
}

fn random_step(world: &mut World) {
    let nodes = world.nodes.len() as u64;
    let node = world.roll(nodes) as usize;
    let is_usable = world.is_up(node) && world.is_member(node);
    match world.roll(24) {
        0 => world.loss = world.roll(60),
        1 => {
            let apart: Vec<usize> =
                (0..nodes as usize).filter(|_| world.rng.next_u32().is_multiple_of(2)).collect();
            world.split(&apart);
        }
        2 => world.heal(),
        3 if world.is_up(node) && node != OWNER => world.stop(node),
        4 if !world.is_up(node) => world.start(node),
        10 if world.is_up(node) && node != OWNER => {
            let after = Crash::After(world.roll(4) as usize);
            let when = if world.roll(2) == 0 { Crash::BeforeVoid } else { after };
            world.crash(node, when);
        }
        5 if nodes < 8 => drop(world.invite(Role::Member)),
        6 if node != OWNER && world.is_member(node) && world.members().len() > 2 => {
            world.propose(OWNER, remove(world.key(node)), Vec::new());
        }
        7 if node != OWNER && world.is_member(node) => {
            let role = world.nodes[OWNER].replica.acl().role(&world.key(node));
            let other = if role == Some(Role::ReadOnly) { Role::Member } else { Role::ReadOnly };
            world.propose(OWNER, set_role(world.key(node), other), Vec::new());
        }
        8 if node != OWNER => misbehave(world, node),
        9 => make_final(world),
        _ if is_usable => drop(world.write(node)),
        _ => {}
    }
    let pause = world.roll(600);
    world.run(pause);
}

/// `node` signs another chain somewhere in its own, and slips parts of it to some.
fn misbehave(world: &mut World, node: usize) {
    let key = world.key(node);
    let merged = world.merged(node, key);
    let at = world.roll(merged.len() as u64 + 1);
    let after = match at {
        0 => Head::NONE,
        at => Head { seq: at, id: merged[at as usize - 1] },
    };
    let epoch = world.nodes[node].replica.acl().epoch();
    let epoch = epoch.saturating_sub(world.roll(3));
    // Mostly short, sometimes longer than what replicas remember.
    let longest = if world.roll(8) == 0 { 120 } else { 4 };
    let len = 1 + world.roll(longest);
    for delta in world.forge_chain(node, after, len, epoch) {
        for to in 0..world.nodes.len() {
            if world.is_up(to) && world.roll(2) == 0 {
                world.slip(node, to, delta.clone());
            }
        }
    }
}

/// The owner makes final what it holds of somebody, in a batch that changes little else.
fn make_final(world: &mut World) {
    let nodes = world.nodes.len() as u64;
    let (node, other) = (world.roll(nodes) as usize, world.roll(nodes) as usize);
    let head = world.nodes[OWNER].replica.frontier().get(&world.key(node)).copied();
    if let Some(head) = head.filter(|_| world.is_member(node) && other != OWNER) {
        let data_final = vec![Cut { member: world.key(node), seq: head.seq, id: head.id }];
        let role = world.nodes[OWNER].replica.acl().role(&world.key(other));
        let change = match role {
            Some(Role::Member) => set_role(world.key(other), Role::ReadOnly),
            Some(Role::ReadOnly) => set_role(world.key(other), Role::Member),
            Some(Role::Admin | Role::Owner) | None => return,
        };
        world.propose(OWNER, change, data_final);
    }
}
