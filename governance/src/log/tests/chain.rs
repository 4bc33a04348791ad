//! A log that a contract orders.

use types::Hash;

use super::world::{
    Notary, Terms, World, account, app, chain_genesis, check, forge, key, on_chain, person, rewrap,
};
use crate::{
    anchor::{self, Happened},
    log::{Acl, Action, Applied, Caps, Change, Denied, Entry, Proposal, Revision, Role, Verdict},
    members_root,
};

type Outcome = Result<Applied, Denied>;

fn done(action: anchor::Action) -> Happened {
    Happened::Done(action)
}

fn set_app(text: &str) -> Happened {
    done(anchor::Action::SetApp { app: Hash::of(text.as_bytes()), migration: Hash::ZERO })
}

fn remove(name: &str) -> Change {
    Change::Remove { member: key(name) }
}

/// The revision that commits to `proposal`, after `forgery`, with the log head made to fit.
fn committed(
    world: &World,
    proposal: &Proposal,
    forgery: impl FnOnce(&mut anchor::Action),
) -> Revision {
    let change = world.acl.root_change(proposal, &Notary).expect("applies");
    let mut action = anchor::Action::SetMembersRoot {
        prev: change.prev,
        new: change.new,
        count: change.count,
        delta_hash: change.delta_hash,
    };
    forgery(&mut action);
    world.revision(done(action))
}

fn apply(world: &mut World, revision: Revision, proposal: Option<Proposal>) -> Outcome {
    let entry = Entry::ordered_by_chain(&world.acl, revision, proposal);
    world.acl.apply(&entry, &Notary)
}

#[test]
fn only_the_record_that_the_genesis_names_begins_the_log() {
    let begin = |forgery: fn(&mut anchor::Created)| {
        move |world: &mut World| {
            let Happened::Created(mut created) = world.created() else { panic!("begins") };
            forgery(&mut created);
            world.happen(Happened::Created(created))
        }
    };
    let unborn = || World::open(&chain_genesis());
    assert!(begin(|_| {})(&mut unborn()).is_ok());
    check(
        "for another context",
        unborn(),
        begin(|created| {
            created.terms.context = types::ContextId::from_bytes([1; 32]);
        }),
        &Denied::OtherRecord,
    );
    check(
        "by somebody else",
        unborn(),
        begin(|created| created.creator = on_chain("mallory")),
        &Denied::OtherRecord,
    );
    check(
        "with another salt",
        unborn(),
        begin(|created| created.salt = [1; 32]),
        &Denied::OtherRecord,
    );
    check(
        "with another application",
        unborn(),
        begin(|created| {
            created.terms.app = Hash::of(b"evil");
        }),
        &Denied::OtherRecord,
    );
    check(
        "with other members",
        unborn(),
        begin(|created| {
            created.terms.members_root = Hash::of(b"more");
        }),
        &Denied::OtherRecord,
    );
    check(
        "with more members",
        unborn(),
        begin(|created| created.terms.members_count = 2),
        &Denied::OtherRecord,
    );
    check(
        "without create",
        unborn(),
        |world| world.happen(set_app("one")),
        &Denied::CreateOutOfPlace,
    );
    check(
        "twice",
        World::anchored(),
        |world| world.happen(world.created()),
        &Denied::CreateOutOfPlace,
    );
}

#[test]
fn revisions_come_whole_and_in_order() {
    let epoch = World::anchored().acl.epoch();
    check(
        "one left out",
        World::anchored(),
        |world| {
            let skipped = world.revision(set_app("one"));
            let second = world.revision_after(&skipped.log_head, epoch + 2, &set_app("two"));
            apply(world, second, None)
        },
        &Denied::RevGap { rev: epoch + 2, epoch: epoch + 1 },
    );
    check(
        "one left out, renumbered",
        World::anchored(),
        |world| {
            let skipped = world.revision(set_app("one"));
            let second = world.revision_after(&skipped.log_head, epoch + 1, &set_app("two"));
            apply(world, second, None)
        },
        &Denied::LogHeadMismatch { rev: epoch + 1 },
    );
    check(
        "changed on the way",
        World::anchored(),
        |world| {
            let mut revision = world.revision(set_app("one"));
            revision.payload = set_app("evil").payload();
            apply(world, revision, None)
        },
        &Denied::LogHeadMismatch { rev: epoch + 1 },
    );
    check(
        "of another record",
        World::anchored(),
        |world| {
            let revision = world.revision_after(&Hash::of(b"else"), epoch + 1, &set_app("one"));
            apply(world, revision, None)
        },
        &Denied::LogHeadMismatch { rev: epoch + 1 },
    );
    check(
        "with a payload too long",
        World::anchored(),
        |world| {
            let mut revision = world.revision(set_app("one"));
            revision.payload.push(0);
            revision.log_head =
                anchor::log_head(&world.log_head(), revision.rev, revision.kind, &revision.payload);
            apply(world, revision, None)
        },
        &Denied::MalformedRevision { kind: 0x08 },
    );
}

#[test]
fn nobody_else_orders_and_nothing_follows_the_end() {
    check(
        "an owner orders",
        World::anchored(),
        |world| {
            let proposal = world.propose("olga", [remove("bob")]);
            let entry = world.entry(proposal);
            world.acl.apply(&entry, &Notary)
        },
        &Denied::WrongSequencer,
    );
    check(
        "a chain orders an owner's log",
        World::cast(),
        |world| {
            let revision =
                world.revision_after(&Hash::ZERO, world.acl.epoch() + 1, &set_app("one"));
            apply(world, revision, None)
        },
        &Denied::WrongSequencer,
    );
    check(
        "after the end",
        World::anchored(),
        |world| {
            world.happen(done(anchor::Action::Dissolve)).expect("ends");
            world.happen(set_app("one"))
        },
        &Denied::Dissolved,
    );
}

#[test]
fn members_are_what_the_contract_committed_to() {
    let with = |forgery: fn(&mut anchor::Action)| {
        move |world: &mut World| {
            let proposal = world.propose("olga", [remove("bob")]);
            let revision = committed(world, &proposal, forgery);
            apply(world, revision, Some(proposal))
        }
    };
    assert!(with(|_| {})(&mut World::anchored()).is_ok());
    check(
        "another root",
        World::anchored(),
        with(|action| {
            let anchor::Action::SetMembersRoot { new, .. } = action else { panic!("a root") };
            *new = Hash::of(b"others");
        }),
        &Denied::Diverged,
    );
    check(
        "another count",
        World::anchored(),
        with(|action| {
            let anchor::Action::SetMembersRoot { count, .. } = action else { panic!("a root") };
            *count += 1;
        }),
        &Denied::Diverged,
    );
    check(
        "from another root",
        World::anchored(),
        with(|action| {
            let anchor::Action::SetMembersRoot { prev, .. } = action else { panic!("a root") };
            *prev = Hash::of(b"others");
        }),
        &Denied::Diverged,
    );
    check(
        "another batch",
        World::anchored(),
        |world| {
            let proposal = world.propose("olga", [remove("bob")]);
            let revision = committed(world, &proposal, |_| {});
            let other = world.propose("olga", [remove("carl")]);
            apply(world, revision, Some(other))
        },
        &Denied::OtherBatch,
    );
    check(
        "the batch has not come",
        World::anchored(),
        |world| {
            let proposal = world.propose("olga", [remove("bob")]);
            let revision = committed(world, &proposal, |_| {});
            apply(world, revision, None)
        },
        &Denied::BatchMissing,
    );
    check(
        "a batch beside another act",
        World::anchored(),
        |world| {
            let proposal = world.propose("olga", [remove("bob")]);
            let revision = world.revision(set_app("one"));
            apply(world, revision, Some(proposal))
        },
        &Denied::BatchUnexpected,
    );
    assert!(Denied::BatchMissing.is_transient() && !Denied::Diverged.is_transient());
}

#[test]
fn what_no_node_would_apply_is_not_committed_to() {
    let mut world = World::anchored();
    let proposal = world.propose("olga", [remove("bob")]);
    let stripped = rewrap(proposal, "olga", |envelopes| envelopes.list.clear());
    let wrong = Denied::WrongRecipients;
    assert_eq!(world.acl.check(&stripped.batch, &Notary), Ok(()), "a batch alone may be fine");
    assert_eq!(world.acl.check_proposal(&stripped, &Notary), Err(wrong.clone()));
    assert_eq!(world.acl.root_change(&stripped, &Notary).err(), Some(wrong));
    let mut owned = World::cast();
    let proposal = owned.propose("olga", [remove("bob")]);
    assert_eq!(owned.acl.root_change(&proposal, &Notary).err(), Some(Denied::WrongSequencer));
}

#[test]
fn a_dissolved_record_takes_no_proposal() {
    let mut world = World::anchored();
    world.happen(done(anchor::Action::Dissolve)).expect("ends");
    assert!(world.acl.is_dissolved());
    let proposal = world.propose("olga", [remove("bob")]);
    assert_eq!(world.acl.check(&proposal.batch, &Notary), Err(Denied::Dissolved));
    assert_eq!(world.acl.may_now(&key("bob"), Action::Write), Verdict::Allow, "data goes on");
}

#[test]
fn seats_are_the_contracts_to_give() {
    let proposed = |author: &'static str, change: Change| {
        move |world: &mut World| world.attempt(author, [change])
    };
    let seat_held = |name| Denied::SeatHeld { member: key(name) };
    check(
        "a member without a seat proposes",
        World::anchored(),
        proposed("bob", remove("carl")),
        &Denied::NotAllowed { member: key("bob"), action: Action::Manage },
    );
    check(
        "an inviter without a seat admits",
        World::anchored(),
        |world| {
            let invitation = world.invite("ivy", &Terms::anybody());
            let join = world.join(&invitation, "dave");
            world.attempt("ivy", [join])
        },
        &Denied::NotAllowed { member: key("ivy"), action: Action::Manage },
    );
    check(
        "one on a seat is removed by a batch",
        World::anchored(),
        proposed("anna", remove("axel")),
        &seat_held("axel"),
    );
    check(
        "or demoted",
        World::anchored(),
        proposed("anna", Change::SetRole { member: key("axel"), role: Role::ReadOnly }),
        &seat_held("axel"),
    );
    check(
        "or leaves by itself",
        World::anchored(),
        proposed("anna", remove("anna")),
        &seat_held("anna"),
    );
}

#[test]
fn what_the_contract_decides_no_batch_does() {
    let chain_decides = |story, change| {
        let propose = |world: &mut World| world.attempt("olga", [change]);
        check(story, World::anchored(), propose, &Denied::ChainDecides);
    };
    chain_decides("nominated", Change::Nominate { member: key("bob"), expires_epoch: 30 });
    chain_decides("application", Change::SetApplication { app: app("new") });
    chain_decides("ownership", Change::OfferOwnership { to: key("anna") });
    check(
        "renounced",
        World::anchored(),
        |world| {
            let renounce = Change::renounce(&world.acl, &person("anna").secret);
            world.attempt("anna", [renounce])
        },
        &Denied::ChainDecides,
    );
    check(
        "the last seat goes",
        World::anchored(),
        |world| {
            for name in ["anna", "axel"] {
                world.happen(Happened::AdminRenounced(on_chain(name))).expect("others remain");
            }
            world.happen(Happened::AdminRenounced(on_chain("olga")))
        },
        &Denied::LastAdmin,
    );
    check(
        "a seat taken twice",
        World::anchored(),
        |world| world.happen(Happened::AdminAccepted(on_chain("anna"))),
        &Denied::SeatMismatch,
    );
    check(
        "a seat lost that nobody held",
        World::anchored(),
        |world| world.happen(done(anchor::Action::RemoveAdmin { account: on_chain("bob") })),
        &Denied::SeatMismatch,
    );
}

#[test]
fn a_seat_raises_the_accounts_members_and_its_loss_lowers_them() {
    let mut world = World::anchored();
    let role = |world: &World, name: &str| world.acl.role(&key(name));
    assert_eq!(role(&world, "anna"), Some(Role::Admin));
    assert_eq!(world.acl.member(&key("anna")).map(|anna| anna.role), Some(Role::Member));
    assert_eq!(world.acl.admins().count(), 3);
    let (epoch, head) = (world.acl.epoch(), world.acl.head());
    world.happen(done(anchor::Action::RemoveAdmin { account: on_chain("anna") })).expect("lost");
    assert_eq!(role(&world, "anna"), Some(Role::Member));
    assert_eq!(world.acl.judge(&key("anna"), epoch, &head, Action::Manage), Verdict::Allow);
    let now = world.acl.may_now(&key("anna"), Action::Manage);
    assert_eq!(
        now,
        Verdict::Deny(Denied::NotAllowed { member: key("anna"), action: Action::Manage })
    );
    assert_eq!(world.acl.may_now(&key("anna"), Action::Write), Verdict::Allow);
    world.change("olga", [remove("anna")]);
    assert_eq!(world.acl.role(&key("anna")), None);
}

#[test]
fn a_read_only_device_of_an_admin_stays_read_only() {
    let mut world = World::anchored();
    world.change("olga", [Change::SetRole { member: key("bob"), role: Role::ReadOnly }]);
    let nominate = anchor::Action::NominateAdmin { account: on_chain("bob"), ttl_s: 9 };
    world.happen(done(nominate)).expect("nominated");
    assert_eq!(world.acl.nominated_accounts().count(), 1);
    world.happen(Happened::AdminAccepted(on_chain("bob"))).expect("seated");
    assert_eq!(world.acl.nominated_accounts().count(), 0);
    assert_eq!(world.acl.role(&key("bob")), Some(Role::ReadOnly));
}

#[test]
fn an_admin_removes_another_device_of_its_own() {
    let mut world = World::anchored();
    let invitation = world.invite("anna", &Terms { max_uses: 3, ..Terms::anybody() });
    let device = {
        let phone = person("anna's phone");
        let context = world.acl.context();
        let record = crate::log::MemberRecord::new(context, &phone.secret, &phone.exchange);
        let body = &invitation.body;
        let binding = crate::log::Claim::binding(body, phone.secret.public(), account("anna"), 0);
        let proof = super::world::wallet_proof(&binding);
        let account = Some((account("anna"), proof));
        let ticket = super::world::ticket();
        crate::log::Claim::new(body, &phone.secret, record, account, Some(&ticket)).expect("signs")
    };
    world.change("anna", [Change::admit(invitation, device)]);
    assert_eq!(world.acl.role(&key("anna's phone")), Some(Role::Admin));
    world.change("anna's phone", [remove("anna")]);
    assert_eq!(world.acl.member(&key("anna")), None);
}

#[test]
fn other_revisions_do_not_void_a_batch_but_another_batch_does() {
    let mut world = World::anchored();
    let proposal = world.propose("anna", [remove("bob")]);
    world.happen(set_app("one")).expect("in between");
    // Even the author's seat may have gone: the contract counted the seats it has.
    world.happen(done(anchor::Action::RemoveAdmin { account: on_chain("anna") })).expect("gone");
    world.order(proposal).expect("still fits");
    assert_eq!(world.acl.member(&key("bob")), None);

    check(
        "the loser of two batches",
        World::anchored(),
        |world| {
            let (first, second) =
                (world.propose("anna", [remove("bob")]), world.propose("axel", [remove("carl")]));
            world.order(first).expect("first wins");
            let revision = world.revision(done(anchor::Action::SetMembersRoot {
                prev: world.acl.members_root().expect("small"),
                new: Hash::of(b"whatever"),
                count: 1,
                delta_hash: second.batch.body.digest_keccak(),
            }));
            apply(world, revision, Some(second))
        },
        &Denied::Stale,
    );
    check(
        "a batch from before the context was on chain",
        World::anchored(),
        |world| {
            let proposal = world.propose("anna", [remove("bob")]);
            let prev = Acl::genesis_entry(world.acl.context());
            let old = forge(proposal, "anna", |batch| (batch.prev, batch.epoch) = (prev, 1));
            world.order(old)
        },
        &Denied::Stale,
    );
}

#[test]
fn taking_a_seat_does_not_save_from_a_removal_under_way() {
    let mut world = World::anchored();
    let proposal = world.propose("anna", [remove("bob")]);
    let nominate = anchor::Action::NominateAdmin { account: on_chain("bob"), ttl_s: 9 };
    world.happen(done(nominate)).expect("nominated");
    world.happen(Happened::AdminAccepted(on_chain("bob"))).expect("seated");
    world.order(proposal).expect("judged as of what it cites");
    assert_eq!(world.acl.member(&key("bob")), None);
    assert!(world.acl.seats().any(|seat| *seat == account("bob")));
}

#[test]
fn the_chain_changes_application_and_threshold() {
    let mut world = World::anchored();
    let applied = world.happen(set_app("two")).expect("set");
    assert_eq!((applied.app, world.acl.app()), (Some(app("two")), app("two")));
    world.happen(done(anchor::Action::SetThreshold { threshold: 3 })).expect("set");
    assert_eq!(world.acl.threshold(), Some(3));
    world.happen(Happened::AdminRenounced(on_chain("axel"))).expect("renounced");
    assert_eq!(world.acl.threshold(), Some(2));
}

#[test]
fn members_prove_themselves_against_the_contracts_root() {
    let mut world = World::anchored();
    world.change("olga", [Change::SetCaps { member: key("bob"), caps: Caps::UPGRADE }]);
    let root = world.acl.members_root().expect("small");
    for name in ["olga", "anna", "axel", "bob", "carl", "ivy", "rita"] {
        let (leaf, path) = world.acl.prove_member(&key(name)).expect("a member");
        assert!(members_root::verify(&root, &leaf, &path), "{name}");
        assert!(!members_root::verify(&Hash::of(b"other"), &leaf, &path), "{name}");
    }
    assert_eq!(world.acl.prove_member(&key("mallory")), None);
}

#[test]
fn expiry_is_the_chains_time() {
    let terms = |world: &World| Terms { expires_at_s: Some(world.now_s), ..Terms::anybody() };
    check(
        "executed a second late",
        World::anchored(),
        |world| {
            let invitation = world.invite("olga", &terms(world));
            let join = world.join(&invitation, "dave");
            let proposal = world.propose("olga", [join]);
            let revision = committed(world, &proposal, |_| {});
            let late = Revision {
                block: crate::log::BlockRef { time_s: world.now_s + 1, ..revision.block },
                ..revision
            };
            apply(world, late, Some(proposal))
        },
        &Denied::InvitationExpired,
    );
}
