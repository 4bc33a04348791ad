//! Who is handed the key, and when it changes.

use super::*;

#[test]
fn taking_reading_away_changes_the_key() {
    check(
        "a removal without a new key",
        World::cast(),
        |world| {
            let proposal = world.propose("anna", [remove("bob")]);
            world.order(forge(proposal, "anna", |batch| batch.key_epoch = 0))
        },
        &Denied::NotRotated,
    );
    check(
        "a key epoch skipped",
        World::cast(),
        |world| {
            let proposal = world.propose("anna", [remove("bob")]);
            world.order(forge(proposal, "anna", |batch| batch.key_epoch = 2))
        },
        &Denied::WrongKeyEpoch { found: 2, last: 0 },
    );
    check(
        "a new key for no reason",
        World::cast(),
        |world| {
            let proposal = world.propose("anna", [set_role("bob", Role::ReadOnly)]);
            world.order(forge(proposal, "anna", |batch| batch.key_epoch = 1))
        },
        &Denied::WrongKeyEpoch { found: 1, last: 0 },
    );
}

#[test]
fn exactly_those_who_need_the_key_get_it() {
    let removal = |forgery: fn(Proposal) -> Proposal| {
        move |world: &mut World| {
            let proposal = world.propose("anna", [remove("bob")]);
            world.order(forgery(proposal))
        }
    };
    check(
        "no envelope for a member who stays",
        World::cast(),
        removal(|proposal| {
            rewrap(proposal, "anna", |envelopes| {
                envelopes.list.retain(|(member, _)| *member != key("carl"));
            })
        }),
        &Denied::WrongRecipients,
    );
    check(
        "an envelope for the removed",
        World::cast(),
        removal(|proposal| {
            rewrap(proposal, "anna", |envelopes| {
                let (_, envelope) = envelopes.list.first().cloned().expect("some");
                envelopes.list.push((key("bob"), envelope));
                envelopes.list.sort_by_key(|(member, _)| *member);
            })
        }),
        &Denied::WrongRecipients,
    );
    check(
        "two envelopes for one member",
        World::cast(),
        removal(|proposal| {
            rewrap(proposal, "anna", |envelopes| {
                envelopes.list.extend(envelopes.list.first().cloned());
                envelopes.list.sort_by_key(|(member, _)| *member);
            })
        }),
        &Denied::WrongRecipients,
    );
    check(
        "envelopes in another order",
        World::cast(),
        removal(|proposal| rewrap(proposal, "anna", |envelopes| envelopes.list.reverse())),
        &Denied::WrongRecipients,
    );
    check(
        "envelopes of another key epoch",
        World::cast(),
        removal(|proposal| rewrap(proposal, "anna", |envelopes| envelopes.key_epoch = 7)),
        &Denied::WrongRecipients,
    );
    check(
        "envelopes other than the batch's",
        World::cast(),
        removal(|mut proposal| {
            proposal.envelopes.list.pop();
            proposal
        }),
        &Denied::OtherEnvelopes,
    );
}

#[test]
fn envelopes_come_with_their_batch() {
    check(
        "envelopes stripped on the way",
        World::cast(),
        |world| {
            let proposal = world.propose("anna", [remove("bob")]);
            let entry = Entry { envelopes: None, ..world.entry(proposal) };
            world.acl.apply(&entry, &Notary)
        },
        &Denied::EnvelopesMissing,
    );
    check(
        "an envelope where nobody needs one",
        World::cast(),
        |world| {
            let envelope = world.propose("anna", [remove("bob")]).envelopes.list;
            let proposal = harmless(world, "anna");
            world.order(rewrap(proposal, "anna", |envelopes| envelopes.list = envelope))
        },
        &Denied::WrongRecipients,
    );
    check(
        "none for who joins",
        World::cast(),
        |world| {
            let invitation = world.invite("olga", &Terms::anybody());
            let join = world.join(&invitation, "dave");
            let proposal = world.propose("olga", [join]);
            world.order(rewrap(proposal, "olga", |envelopes| envelopes.list.clear()))
        },
        &Denied::WrongRecipients,
    );
}
