//! Who orders an owner's log, and in which order.

use super::*;

#[test]
fn only_the_owner_orders_and_in_order() {
    check(
        "an entry of another context",
        World::cast(),
        |world| {
            let mut other = World::open(&owner_genesis(2, Policy::default()));
            let proposal = other.propose("olga", [Change::SetApplication { app: app("x") }]);
            let mut entry = other.entry(proposal);
            entry.epoch = world.acl.epoch() + 1;
            entry.prev = world.acl.head();
            world.acl.apply(&entry, &Notary)
        },
        &Denied::BadProof(Proof::Order),
    );
    check(
        "a batch of another context, ordered here",
        World::cast(),
        |world| {
            let proposal = harmless(world, "anna");
            let elsewhere = World::open(&owner_genesis(2, Policy::default())).acl.context();
            let mut entry = world.entry(proposal.clone());
            let proposal = forge(proposal, "anna", |batch| batch.context = elsewhere);
            entry.order = order_for(world, &proposal, entry.epoch);
            entry.batch = Some(proposal.batch);
            world.acl.apply(&entry, &Notary)
        },
        &Denied::OtherContext,
    );
    check(
        "an admin orders",
        World::cast(),
        |world| {
            let proposal = harmless(world, "anna");
            let entry =
                Entry::ordered_by_owner(&world.acl, proposal, START_S, &person("anna").secret);
            world.acl.apply(&entry, &Notary)
        },
        &Denied::BadProof(Proof::Order),
    );
    check(
        "an order without a batch",
        World::cast(),
        |world| {
            let proposal = harmless(world, "anna");
            let entry = Entry { batch: None, ..world.entry(proposal) };
            world.acl.apply(&entry, &Notary)
        },
        &Denied::BatchMissing,
    );
}

#[test]
fn the_owners_time_only_grows_and_is_signed() {
    check(
        "the owner's clock runs backwards",
        World::cast(),
        |world| {
            let proposal = harmless(world, "anna");
            let mut entry = world.entry(proposal.clone());
            entry.order = order_at(world, &proposal, entry.epoch, START_S - 1);
            world.acl.apply(&entry, &Notary)
        },
        &Denied::TimeWentBack { found: START_S - 1, last: START_S },
    );
    check(
        "an order's signature moved to another time",
        World::cast(),
        |world| {
            let proposal = harmless(world, "anna");
            let mut entry = world.entry(proposal);
            if let Order::Owner { time_s, .. } = &mut entry.order {
                *time_s += 1;
            }
            world.acl.apply(&entry, &Notary)
        },
        &Denied::BadProof(Proof::Order),
    );
}

fn order_for(world: &World, proposal: &Proposal, epoch: u64) -> Order {
    order_at(world, proposal, epoch, world.now_s)
}

fn order_at(world: &World, proposal: &Proposal, epoch: u64, time_s: u64) -> Order {
    let body = crate::log::OwnerOrder {
        context: world.acl.context(),
        epoch,
        prev: world.acl.head(),
        time_s,
        batch: proposal.batch.digest(),
    };
    Order::Owner { time_s, signature: person("olga").secret.sign(&body) }
}

#[test]
fn entries_follow_one_another() {
    let epoch = World::cast().acl.epoch();
    check(
        "an entry from the future",
        World::cast(),
        |world| {
            let proposal = harmless(world, "anna");
            let entry = Entry { epoch: epoch + 2, ..world.entry(proposal) };
            world.acl.apply(&entry, &Notary)
        },
        &Denied::Early { epoch: epoch + 2, next: epoch + 1 },
    );
    check(
        "an entry with another past",
        World::cast(),
        |world| {
            let proposal = harmless(world, "anna");
            let prev = Acl::genesis_entry(world.acl.context());
            let entry = Entry { prev, ..world.entry(proposal) };
            world.acl.apply(&entry, &Notary)
        },
        &Denied::WrongPrev { found: Acl::genesis_entry(World::cast().acl.context()) },
    );
    check(
        "the same entry twice",
        World::cast(),
        |world| {
            let proposal = harmless(world, "anna");
            let entry = world.entry(proposal);
            world.acl.apply(&entry, &Notary).expect("first");
            world.acl.apply(&entry, &Notary)
        },
        &Denied::AlreadyApplied { epoch: epoch + 1 },
    );
    check(
        "the owner signs a second entry for the epoch",
        World::cast(),
        |world| {
            let first = harmless(world, "anna");
            let second = world.propose("axel", [set_role("bob", Role::ReadOnly)]);
            let (first, second) = (world.entry(first), world.entry(second));
            world.acl.apply(&first, &Notary).expect("first");
            world.acl.apply(&second, &Notary)
        },
        &Denied::Lost { epoch: epoch + 1 },
    );
}

#[test]
fn a_batch_is_for_the_newest_state() {
    check(
        "a batch for an earlier state is ordered",
        World::cast(),
        |world| {
            let stale = harmless(world, "anna");
            world.change("olga", [set_role("bob", Role::ReadOnly)]);
            let epoch = world.acl.epoch() + 1;
            let order = order_for(world, &stale, epoch);
            let (batch, envelopes) = (Some(stale.batch), Some(stale.envelopes));
            world
                .acl
                .apply(&Entry { epoch, prev: world.acl.head(), order, batch, envelopes }, &Notary)
        },
        &Denied::Stale,
    );
    check(
        "a batch that cites another entry",
        World::cast(),
        |world| {
            let proposal = harmless(world, "anna");
            let other = Acl::genesis_entry(world.acl.context());
            let forged = forge(proposal.clone(), "anna", |batch| batch.prev = other);
            let mut entry = world.entry(proposal);
            entry.order = order_for(world, &forged, entry.epoch);
            entry.batch = Some(forged.batch);
            world.acl.apply(&entry, &Notary)
        },
        &Denied::WrongPrev { found: Acl::genesis_entry(World::cast().acl.context()) },
    );
}
