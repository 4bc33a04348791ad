//! What an owner's log refuses, each with the attack it stops.

mod authority;
mod cuts;
mod genesis;
mod keys;
mod offices;
mod order;

use alloc::{vec, vec::Vec};

use types::{InvitationId, Signature, Signed};

use super::world::{
    Notary, START_S, Terms, World, app, check, cut, forge, key, owner_genesis, person, rewrap,
};
use crate::log::{
    Acl, Action, Batch, Caps, Change, Cut, Denied, Entry, Intent, MemberRecord, Order, Policy,
    Proof, Proposal, Role,
};

fn remove(name: &str) -> Change {
    Change::Remove { member: key(name) }
}

fn set_role(name: &str, role: Role) -> Change {
    Change::SetRole { member: key(name), role }
}

fn not_allowed(name: &str, action: Action) -> Denied {
    Denied::NotAllowed { member: key(name), action }
}

/// A harmless batch by `author`.
fn harmless(world: &mut World, author: &str) -> Proposal {
    world.propose(author, [Change::SetApplication { app: app("new") }])
}
