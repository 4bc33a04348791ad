//! Calls from outside: who made them, and what came of them.

use std::collections::BTreeMap;

use candid::Principal;

use super::{Answer, Call, Replica, deliver::Origin};
use crate::{
    cbor::leb128,
    price,
    reject::{Reject, RejectCode},
    tree::Tree,
};

/// Folders that the requests are spread over, by their first byte, so that a new one changes few
/// hashes.
const FOLDERS: usize = 256;

/// How far a call from outside is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Processing,
    Ended(Result<Answer, Reject>),
}

#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) sender: Principal,
    /// The canister or the subnet whose address it was sent to.
    pub(crate) effective: Principal,
    pub(crate) outcome: Outcome,
    expiry_ns: u64,
    tree: Tree,
}

/// All calls from outside that are not forgotten.
#[derive(Debug)]
pub(crate) struct Requests {
    folders: Vec<Folder>,
}

#[derive(Debug, Default)]
struct Folder {
    requests: BTreeMap<[u8; 32], Request>,
    tree: Option<Tree>,
}

impl Default for Requests {
    fn default() -> Self {
        Self { folders: (0..FOLDERS).map(|_| Folder::default()).collect() }
    }
}

impl Requests {
    /// Notes that `sender` sent a call to the address of `effective`.
    pub(crate) fn insert(
        &mut self,
        id: [u8; 32],
        (sender, effective): (Principal, Principal),
        expiry_ns: u64,
    ) {
        let request = Request {
            sender,
            effective,
            outcome: Outcome::Processing,
            expiry_ns,
            tree: Tree::folder([("status", Tree::leaf("processing"))]),
        };
        if let Some(folder) = self.folder(&id) {
            folder.requests.insert(id, request);
            folder.tree = None;
        }
    }

    pub(crate) fn get(&self, id: &[u8; 32]) -> Option<&Request> {
        let [first, ..] = id;
        self.folders.get(usize::from(*first))?.requests.get(id)
    }

    pub(crate) fn end(&mut self, id: &[u8; 32], outcome: Result<Answer, Reject>) {
        let Some(folder) = self.folder(id) else { return };
        if let Some(request) = folder.requests.get_mut(id) {
            request.tree = match &outcome {
                Ok(answer) => Tree::folder([
                    ("reply", Tree::leaf(&answer.reply)),
                    ("status", Tree::leaf("replied")),
                ]),
                Err(reject) => rejected(reject),
            };
            request.outcome = Outcome::Ended(outcome);
            folder.tree = None;
        }
    }

    /// Forgets the call, and tells what came of it, if anything did.
    pub(crate) fn take(&mut self, id: &[u8; 32]) -> Option<Result<Answer, Reject>> {
        let folder = self.folder(id)?;
        let Outcome::Ended(_) = folder.requests.get(id)?.outcome else { return None };
        folder.tree = None;
        match folder.requests.remove(id)?.outcome {
            Outcome::Ended(outcome) => Some(outcome),
            Outcome::Processing => None,
        }
    }

    /// Forgets calls that ended and that cannot come again.
    pub(crate) fn forget(&mut self, before_ns: u64) {
        for folder in &mut self.folders {
            let count = folder.requests.len();
            folder.requests.retain(|_, request| {
                request.outcome == Outcome::Processing || request.expiry_ns >= before_ns
            });
            if folder.requests.len() != count {
                folder.tree = None;
            }
        }
    }

    /// The part `/request_status` of the state.
    pub(crate) fn tree(&mut self) -> Tree {
        Tree::joined(self.folders.iter_mut().map(|folder| {
            let requests = &folder.requests;
            let made =
                || Tree::folder(requests.iter().map(|(id, request)| (id, request.tree.clone())));
            folder.tree.get_or_insert_with(made).clone()
        }))
    }

    fn folder(&mut self, id: &[u8; 32]) -> Option<&mut Folder> {
        let [first, ..] = id;
        self.folders.get_mut(usize::from(*first))
    }
}

fn rejected(reject: &Reject) -> Tree {
    // Outside, a bounded wait does not exist, and neither does its code.
    let code = match reject.code {
        RejectCode::SysUnknown => RejectCode::SysTransient,
        code => code,
    };
    Tree::folder([
        ("error_code", Tree::leaf(reject.error_code)),
        ("reject_code", Tree::leaf(leb128(code as u64))),
        ("reject_message", Tree::leaf(&reject.message)),
        ("status", Tree::leaf("rejected")),
    ])
}

impl Replica {
    /// How far a call from outside is, if it is known.
    pub(crate) fn outcome(&self, id: &[u8; 32]) -> Option<&Outcome> {
        self.requests.get(id).map(|request| &request.outcome)
    }

    /// Takes a call from outside, with the address that it was sent to, and what it leads to. It
    /// must have been inspected.
    pub(crate) fn accept(
        &mut self,
        id: [u8; 32],
        call: &Call,
        (effective, expiry_ns): (Principal, u64),
    ) {
        self.requests.insert(id, (call.sender, effective), expiry_ns);
        let bytes = call.arg.len() + call.method.len();
        if let Some(canister) = self.canisters.get_mut(&call.canister) {
            canister.balance = canister.balance.saturating_sub(price::ingress(bytes));
        }
        self.enqueue(Origin::Request(id), call, 0);
        self.step();
    }
}
