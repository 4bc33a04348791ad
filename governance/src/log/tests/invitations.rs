//! Who gets in by an invitation, and who does not.

use alloc::boxed::Box;

use types::{ExchangeKey, Signed};

use super::world::{
    Notary, START_S, Terms, World, account, app, check, key, owner_genesis, person, ticket,
    wallet_proof,
};
use crate::log::{
    Action, Admission, Applied, Caps, Change, Claim, Denied, Invitee, MemberRecord, Policy, Proof,
    Role, SignedInvitation,
};

type Outcome = Result<Applied, Denied>;

/// Dave joins by an invitation of `inviter` on these terms, admitted by olga.
fn dave_joins(inviter: &'static str, terms: Terms) -> impl FnOnce(&mut World) -> Outcome {
    move |world| {
        let invitation = world.invite(inviter, &terms);
        let join = world.join(&invitation, "dave");
        world.attempt("olga", [join])
    }
}

/// Dave joins by an open invitation after somebody changed the evidence.
fn dave_joins_with(
    forgery: impl FnOnce(&World, &mut Evidence<'_>),
) -> impl FnOnce(&mut World) -> Outcome {
    move |world| {
        let invitation = world.invite("olga", &Terms::anybody());
        let mut join = world.join(&invitation, "dave");
        forgery(world, &mut Evidence::of(&mut join));
        world.attempt("olga", [join])
    }
}

struct Evidence<'a> {
    member: &'a mut MemberRecord,
    role: &'a mut Role,
    caps: &'a mut Caps,
    invitation: &'a mut SignedInvitation,
    claim: &'a mut Claim,
}

impl<'a> Evidence<'a> {
    fn of(join: &'a mut Change) -> Self {
        let Change::Add { member, role, caps, admission, .. } = join else { panic!("joins") };
        let Admission::Invited { invitation, claim } = admission;
        Self { member, role, caps, invitation, claim }
    }
}

#[test]
fn the_invited_get_in() {
    let check = |story: &str, world: World, terms: Terms| {
        let mut world = world;
        let (role, caps) = (terms.role, terms.caps);
        let applied = dave_joins("olga", terms)(&mut world).expect(story);
        let dave = world.acl.member(&key("dave")).expect("in");
        assert_eq!((dave.role, dave.caps), (role, caps), "{story}");
        assert_eq!(applied.added.into_iter().collect::<alloc::vec::Vec<_>>(), [key("dave")]);
        assert!(!applied.is_rotation, "{story}");
    };
    check("by key", World::cast(), Terms::open("dave"));
    check("by ticket", World::cast(), Terms::anybody());
    let by_account = Terms { invitee: Invitee::Account(account("dave")), ..Terms::anybody() };
    check("by account", World::cast(), by_account);
    check("to read only", World::cast(), Terms { role: Role::ReadOnly, ..Terms::anybody() });
    let caps = Caps::INVITE.with(Caps::UPGRADE);
    check("with capabilities", World::cast(), Terms { caps, ..Terms::anybody() });
    let in_time = Terms {
        expires_epoch: Some(World::cast().acl.epoch() + 1),
        expires_at_s: Some(START_S),
        ..Terms::anybody()
    };
    check("in the last epoch and second", World::cast(), in_time);
    let mut world = World::cast();
    let invitation = world.invite("ivy", &Terms::anybody());
    let join = world.join(&invitation, "dave");
    world.change("ivy", [join]);
    assert_eq!(world.acl.uses(&invitation.body.id()), 1);
}

#[test]
fn an_inviter_gives_no_more_than_it_may() {
    let check_terms = |story: &str, inviter, terms, why: Denied| {
        check(story, World::cast(), dave_joins(inviter, terms), &why);
    };
    check_terms(
        "a member without the right",
        "bob",
        Terms::anybody(),
        Denied::NotAllowed { member: key("bob"), action: Action::Invite },
    );
    check_terms(
        "a stranger",
        "mallory",
        Terms::anybody(),
        Denied::NotMember { member: key("mallory") },
    );
    check_terms(
        "an admin's seat",
        "olga",
        Terms { role: Role::Admin, ..Terms::anybody() },
        Denied::RoleNotGrantable { role: Role::Admin },
    );
    check_terms(
        "ownership",
        "olga",
        Terms { role: Role::Owner, ..Terms::anybody() },
        Denied::RoleNotGrantable { role: Role::Owner },
    );
    check_terms(
        "capabilities by who is no admin",
        "ivy",
        Terms { caps: Caps::INVITE, ..Terms::anybody() },
        Denied::InvitesAbove,
    );
    check(
        "a reader invites writers",
        World::cast(),
        |world| {
            world.change("olga", [Change::SetCaps { member: key("rita"), caps: Caps::INVITE }]);
            dave_joins("rita", Terms::anybody())(world)
        },
        &Denied::InvitesAbove,
    );
    check_terms(
        "no use",
        "olga",
        Terms { max_uses: 0, ..Terms::anybody() },
        Denied::UseCount { found: 0 },
    );
    check_terms(
        "too many uses",
        "olga",
        Terms { max_uses: 10_001, ..Terms::anybody() },
        Denied::UseCount { found: 10_001 },
    );
}

#[test]
fn an_invitation_ends_with_its_term_and_its_uses() {
    let epoch = World::cast().acl.epoch();
    check(
        "past its epoch",
        World::cast(),
        dave_joins("olga", Terms { expires_epoch: Some(epoch), ..Terms::anybody() }),
        &Denied::InvitationExpired,
    );
    check(
        "past its second",
        World::cast(),
        dave_joins("olga", Terms { expires_at_s: Some(START_S - 1), ..Terms::anybody() }),
        &Denied::InvitationExpired,
    );
    check(
        "used up",
        World::cast(),
        |world| {
            let invitation = world.invite("olga", &Terms::anybody());
            let first = world.join(&invitation, "erin");
            world.change("olga", [first]);
            dave_joins("olga", Terms::anybody())(world)
        },
        &Denied::InvitationUsedUp,
    );
    check(
        "used up within the batch",
        World::cast(),
        |world| {
            let invitation = world.invite("olga", &Terms::anybody());
            let joins = ["dave", "erin"].map(|name| world.join(&invitation, name));
            world.attempt("olga", joins)
        },
        &Denied::InvitationUsedUp,
    );
}

#[test]
fn a_revoked_invitation_admits_nobody() {
    let revoked_by = |revoker: &'static str, inviter: &'static str| {
        move |world: &mut World| {
            let invitation = world.invite(inviter, &Terms::anybody());
            let revoke = Change::RevokeInvitation { invitation: invitation.body.id() };
            world.change(revoker, [revoke]);
            let join = world.join(&invitation, "dave");
            world.attempt("olga", [join])
        }
    };
    check(
        "revoked by an admin",
        World::cast(),
        revoked_by("anna", "ivy"),
        &Denied::InvitationRevoked,
    );
    check(
        "revoked by its inviter",
        World::cast(),
        revoked_by("ivy", "ivy"),
        &Denied::InvitationRevoked,
    );
    let outcome = revoked_by("ivy", "olga")(&mut World::cast());
    assert!(outcome.is_ok(), "an inviter who is no admin ends its own invitations only");
}

#[test]
fn an_invitation_dies_with_its_inviters_right() {
    check(
        "its inviter lost the right",
        World::cast(),
        |world| {
            world.change("olga", [Change::SetCaps { member: key("ivy"), caps: Caps::NONE }]);
            dave_joins("ivy", Terms::anybody())(world)
        },
        &Denied::NotAllowed { member: key("ivy"), action: Action::Invite },
    );
    check(
        "its inviter was removed",
        World::cast(),
        |world| {
            world.change("olga", [Change::Remove { member: key("ivy") }]);
            dave_joins("ivy", Terms::anybody())(world)
        },
        &Denied::NotMember { member: key("ivy") },
    );
    check(
        "its inviter was removed in the same batch",
        World::cast(),
        |world| {
            let invitation = world.invite("ivy", &Terms::anybody());
            let join = world.join(&invitation, "dave");
            world.attempt("olga", [Change::Remove { member: key("ivy") }, join])
        },
        &Denied::NotMember { member: key("ivy") },
    );
}

#[test]
fn an_invitation_admits_nobody_else() {
    let elsewhere = World::open(&owner_genesis(2, Policy::default())).acl.context();
    check(
        "of another context",
        World::cast(),
        dave_joins("olga", Terms { context: Some(elsewhere), ..Terms::anybody() }),
        &Denied::OtherContext,
    );
    check(
        "for another key",
        World::cast(),
        dave_joins("olga", Terms::open("erin")),
        &Denied::NotInvited,
    );
    check(
        "for another account",
        World::cast(),
        dave_joins(
            "olga",
            Terms { invitee: Invitee::Account(account("erin")), ..Terms::anybody() },
        ),
        &Denied::NotInvited,
    );
    check(
        "signed by somebody else",
        World::cast(),
        dave_joins_with(|_, evidence| {
            let body = evidence.invitation.body.clone();
            *evidence.invitation = Signed::new(body, &person("bob").secret);
        }),
        &Denied::BadProof(Proof::Invitation),
    );
    check(
        "raised after it was signed",
        World::cast(),
        dave_joins_with(|_, evidence| {
            evidence.invitation.body.caps = Caps::INVITE;
            *evidence.caps = Caps::INVITE;
            evidence.claim.invitation = evidence.invitation.body.id();
        }),
        &Denied::BadProof(Proof::Invitation),
    );
}

#[test]
fn a_ticket_is_shown_where_it_belongs() {
    check(
        "by who holds no ticket",
        World::cast(),
        dave_joins_with(|world, evidence| {
            let invitation = &evidence.invitation.body;
            let dave = person("dave");
            let record = MemberRecord::new(world.acl.context(), &dave.secret, &dave.exchange);
            let other = types::InviteSecret::from_bytes(&[8; 32]).expect("a scalar");
            *evidence.claim =
                Claim::new(invitation, &dave.secret, record, None, Some(&other)).expect("signs");
        }),
        &Denied::BadProof(Proof::Open),
    );
    check(
        "without showing the ticket",
        World::cast(),
        dave_joins_with(|_, evidence| evidence.claim.open_proof = None),
        &Denied::ProofCount,
    );
    check(
        "showing a ticket where there is none",
        World::cast(),
        |world| {
            let invitation = world.invite("olga", &Terms::open("dave"));
            let dave = person("dave");
            let record = MemberRecord::new(world.acl.context(), &dave.secret, &dave.exchange);
            let claim = Claim::new(&invitation.body, &dave.secret, record, None, Some(&ticket()))
                .expect("signs");
            world.attempt("olga", [Change::admit(invitation, claim)])
        },
        &Denied::ProofCount,
    );
}

#[test]
fn a_claim_cannot_be_stolen_or_bent() {
    check(
        "mallory puts her key into dave's claim",
        World::cast(),
        dave_joins_with(|world, evidence| {
            let mallory = person("mallory");
            let record = MemberRecord::new(world.acl.context(), &mallory.secret, &mallory.exchange);
            evidence.claim.member = record.clone();
            *evidence.member = record;
        }),
        &Denied::BadProof(Proof::Claim),
    );
    check(
        "mallory signs anew, with dave's ticket proof",
        World::cast(),
        dave_joins_with(|world, evidence| {
            let mallory = person("mallory");
            let record = MemberRecord::new(world.acl.context(), &mallory.secret, &mallory.exchange);
            let open_proof = evidence.claim.open_proof;
            let invitation = &evidence.invitation.body;
            let claim = Claim::new(invitation, &mallory.secret, record.clone(), None, None);
            *evidence.claim = Claim { open_proof, ..claim.expect("signs") };
            *evidence.member = record;
        }),
        &Denied::BadProof(Proof::Open),
    );
}

#[test]
fn change_claim_and_invitation_say_the_same() {
    check(
        "the change names another key",
        World::cast(),
        dave_joins_with(|world, evidence| {
            let mallory = person("mallory");
            *evidence.member =
                MemberRecord::new(world.acl.context(), &mallory.secret, &mallory.exchange);
        }),
        &Denied::ClaimMismatch,
    );
    check(
        "the change gives more",
        World::cast(),
        dave_joins_with(|_, evidence| *evidence.caps = Caps::INVITE),
        &Denied::ClaimMismatch,
    );
    check(
        "the change gives a higher role",
        World::cast(),
        dave_joins_with(|_, evidence| *evidence.role = Role::Admin),
        &Denied::ClaimMismatch,
    );
    check(
        "a claim of another invitation",
        World::cast(),
        |world| {
            let other = world.invite("olga", &Terms { max_uses: 2, ..Terms::anybody() });
            let claim = world.claim(&other, "dave");
            let invitation = world.invite("olga", &Terms::anybody());
            world.attempt("olga", [Change::admit(invitation, claim)])
        },
        &Denied::ClaimMismatch,
    );
    check(
        "an exchange key put in on the way",
        World::cast(),
        dave_joins_with(|_, evidence| {
            let exchange = person("mallory").exchange.public();
            evidence.claim.member.exchange = exchange;
            evidence.member.exchange = exchange;
        }),
        &Denied::BadProof(Proof::Exchange),
    );
    check(
        "keys vouched for in another context",
        World::cast(),
        |world| {
            let dave = person("dave");
            let elsewhere = World::open(&owner_genesis(2, Policy::default())).acl.context();
            let record = MemberRecord::new(elsewhere, &dave.secret, &dave.exchange);
            let invitation = world.invite("olga", &Terms::anybody());
            let claim = Claim::new(&invitation.body, &dave.secret, record, None, Some(&ticket()));
            world.attempt("olga", [Change::admit(invitation, claim.expect("signs"))])
        },
        &Denied::BadProof(Proof::Exchange),
    );
}

#[test]
fn an_exchange_key_that_would_stop_every_rotation_stays_out() {
    let mut world = World::cast();
    let proposal = {
        let invitation = world.invite("olga", &Terms::anybody());
        let join = world.join(&invitation, "dave");
        world.propose("olga", [join])
    };
    let weak = super::world::forge(proposal, "olga", |batch| {
        for change in &mut batch.changes {
            let evidence = Evidence::of(change);
            evidence.member.exchange = ExchangeKey::from_bytes([0; 32]);
            evidence.claim.member.exchange = ExchangeKey::from_bytes([0; 32]);
        }
    });
    assert_eq!(world.order(weak), Err(Denied::WeakExchangeKey { member: key("dave") }));
}

#[test]
fn accounts_prove_themselves() {
    let by_account = || Terms { invitee: Invitee::Account(account("dave")), ..Terms::anybody() };
    let with_proof = |forgery: fn(&mut Claim)| {
        move |world: &mut World| {
            let invitation = world.invite("olga", &by_account());
            let mut claim = world.claim(&invitation, "dave");
            forgery(&mut claim);
            world.attempt("olga", [Change::admit(invitation, claim)])
        }
    };
    check(
        "without proof",
        World::cast(),
        with_proof(|claim| claim.wallet_proof = None),
        &Denied::ProofCount,
    );
    check(
        "with a proof for another key",
        World::cast(),
        |world| {
            let invitation = world.invite("olga", &by_account());
            let mut claim = world.claim(&invitation, "dave");
            let binding = Claim::binding(&invitation.body, key("erin"), account("dave"), 0);
            claim.wallet_proof = Some(wallet_proof(&binding));
            world.attempt("olga", [Change::admit(invitation, claim)])
        },
        &Denied::BadProof(Proof::Wallet),
    );
    check(
        "not to be checked yet",
        World::cast(),
        with_proof(|claim| {
            claim.wallet_proof.as_mut().expect("has one").scheme = 9;
        }),
        &Denied::WalletUnknown,
    );
    check(
        "an account that the claim's signature does not name",
        World::cast(),
        dave_joins_with(|_, evidence| {
            let invitation = &evidence.invitation.body;
            let binding = Claim::binding(invitation, key("dave"), account("dave"), 0);
            evidence.claim.wallet_proof = Some(wallet_proof(&binding));
        }),
        &Denied::ProofCount,
    );
    let policy = Policy { require_account: true, ..Policy::default() };
    let mut genesis = owner_genesis(1, policy).body;
    let binding = crate::log::Binding {
        context: crate::log::Genesis::NO_CONTEXT,
        invitation: None,
        member: key("olga"),
        account: account("olga"),
        time_s: 0,
    };
    genesis.creator_account = Some(account("olga"));
    genesis.creator_proof = Some(wallet_proof(&binding));
    let strict = World::open(&Signed::new(genesis, &person("olga").secret));
    check(
        "none where the context demands one",
        strict,
        dave_joins("olga", Terms::anybody()),
        &Denied::AccountMissing,
    );
    assert!(Denied::WalletUnknown.is_transient());
    assert!(!Denied::BadProof(Proof::Wallet).is_transient());
}

#[test]
fn a_key_comes_in_once() {
    check(
        "twice",
        World::cast(),
        |world| {
            let invitation = world.invite("olga", &Terms { max_uses: 9, ..Terms::anybody() });
            let join = world.join(&invitation, "dave");
            world.change("olga", [join.clone()]);
            world.attempt("olga", [join])
        },
        &Denied::AlreadyMember { member: key("dave") },
    );
    check(
        "after it was removed",
        World::cast(),
        |world| {
            let invitation = world.invite("olga", &Terms { max_uses: 9, ..Terms::anybody() });
            let join = world.join(&invitation, "dave");
            world.change("olga", [join.clone()]);
            world.change("olga", [Change::Remove { member: key("dave") }]);
            world.attempt("olga", [join])
        },
        &Denied::SpentKey { member: key("dave") },
    );
    check(
        "admitted by who may not invite",
        World::cast(),
        |world| {
            let invitation = world.invite("olga", &Terms::anybody());
            let join = world.join(&invitation, "dave");
            world.attempt("bob", [join])
        },
        &Denied::NotAllowed { member: key("bob"), action: Action::Invite },
    );
}

#[test]
fn a_batch_says_until_when_it_may_be_committed_to() {
    let mut world = World::cast();
    let early = Terms { expires_at_s: Some(START_S + 5), ..Terms::open("dave") };
    let late = Terms { expires_at_s: Some(START_S + 9), ..Terms::open("erin") };
    let joins = [(early, "dave"), (late, "erin")].map(|(terms, name)| {
        let invitation = world.invite("olga", &terms);
        world.join(&invitation, name)
    });
    let proposal = world.propose("olga", joins);
    assert_eq!(proposal.batch.body.expires_at_s(), Some(START_S + 5));
    let none = world.propose("olga", [Change::SetApplication { app: app("one") }]);
    assert_eq!(none.batch.body.expires_at_s(), None);
    assert_eq!(world.acl.check(&Box::new(proposal).batch, &Notary), Ok(()));
}
