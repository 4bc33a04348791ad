//! The state as a tree: what the network certifies.
//! Source: IC interface specification, "The system state tree".

use candid::Principal;

use super::{Canister, Replica};
use crate::{
    authority::{Ranges, State, path},
    cbor::{Value, leb128},
    module::Readers,
    tree::{Path, Tree},
};

/// Where a request to read the state came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seat {
    Canister(Principal),
    Subnet(Principal),
}

/// The state may not be read so.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unreadable(pub(crate) &'static str);

impl Replica {
    /// What a reader gets to see of what it asks for; an error if it may not ask.
    pub(crate) fn readable(
        &self,
        asked: &[Path],
        (seat, ranges): (Seat, Ranges),
        reader: Principal,
    ) -> Result<Vec<Path>, Unreadable> {
        let mut shown = Vec::new();
        let mut request = None;
        for asked in asked {
            let labels: Vec<&[u8]> = asked.iter().map(Vec::as_slice).collect();
            match labels.as_slice() {
                [b"time"] | [b"api_boundary_nodes", ..] => shown.push(asked.clone()),
                [b"subnet", rest @ ..] => shown.extend(self.subnets(rest, (seat, ranges))?),
                [b"canister_ranges", subnet] if matches!(seat, Seat::Subnet(_)) => {
                    shown.push(path([b"canister_ranges", subnet]));
                }
                [b"request_status", id, rest @ ..] if rest.len() <= 1 => {
                    if *request.get_or_insert(*id) != *id {
                        return Err(Unreadable("the paths name several requests"));
                    }
                    self.may_read_request(id, seat, reader)?;
                    shown.push(asked.clone());
                }
                [b"canister", id, rest @ ..] => {
                    self.may_read_canister(id, rest, seat, reader)?;
                    shown.push(asked.clone());
                }
                _ => return Err(Unreadable("the path may not be read")),
            }
        }
        Ok(shown)
    }

    fn subnets(
        &self,
        rest: &[&[u8]],
        (seat, ranges): (Seat, Ranges),
    ) -> Result<Vec<Path>, Unreadable> {
        let [own, root] = [self.authority.subnet_id, self.authority.root_id];
        let (asked, inner) = match rest.split_first() {
            None => ([own, root].map(|id| id.as_slice().to_vec()).to_vec(), &[][..]),
            Some((id, inner)) => (vec![id.to_vec()], inner),
        };
        let mut shown = Vec::new();
        for id in asked {
            let here = id == own.as_slice();
            let old = ranges == Ranges::Flat || id == root.as_slice();
            let under = |name: &[u8]| path([b"subnet", &id, name]);
            match inner {
                [] => {
                    shown.extend([under(b"public_key"), under(b"type")]);
                    shown.extend(here.then(|| under(b"node")));
                    shown.extend(old.then(|| under(b"canister_ranges")));
                }
                [b"public_key" | b"type"] => shown.push(under(inner[0])),
                [b"canister_ranges"] if old => shown.push(under(b"canister_ranges")),
                [b"metrics"] if seat == Seat::Subnet(own) && here => shown.push(under(b"metrics")),
                [b"node", node @ ..] if node.len() <= 2 => {
                    let labels = [b"subnet", id.as_slice(), b"node"].into_iter();
                    shown.push(labels.chain(node.iter().copied()).map(<[u8]>::to_vec).collect());
                }
                _ => return Err(Unreadable("the path may not be read")),
            }
        }
        Ok(shown)
    }

    fn may_read_request(&self, id: &[u8], seat: Seat, reader: Principal) -> Result<(), Unreadable> {
        let id = id.try_into().map_err(|_| Unreadable("a request's id has 32 bytes"))?;
        let Some(request) = self.requests.get(&id) else { return Ok(()) };
        if request.sender != reader {
            return Err(Unreadable("the request is somebody else's"));
        }
        let (Seat::Canister(effective) | Seat::Subnet(effective)) = seat;
        if request.effective == effective {
            return Ok(());
        }
        Err(Unreadable("the request was sent to another canister"))
    }

    fn may_read_canister(
        &self,
        id: &[u8],
        rest: &[&[u8]],
        seat: Seat,
        reader: Principal,
    ) -> Result<(), Unreadable> {
        let Seat::Canister(effective) = seat else {
            return Err(Unreadable("canisters are not read of the subnet"));
        };
        if effective.as_slice() != id {
            return Err(Unreadable("the path names another canister"));
        }
        match rest {
            [b"module_hash" | b"controllers"] => Ok(()),
            [b"metadata", name] => {
                let name = std::str::from_utf8(name).map_err(|_| Unreadable("no UTF-8"))?;
                let Some(canister) = self.canisters.get(&effective) else { return Ok(()) };
                let section = canister.code.as_ref().map(|code| &code.module.metadata);
                match section.and_then(|sections| sections.get(name)) {
                    Some((Readers::Controllers, _)) if !canister.controllers.contains(&reader) => {
                        Err(Unreadable("the section is private"))
                    }
                    _ => Ok(()),
                }
            }
            _ => Err(Unreadable("the path may not be read")),
        }
    }

    /// The state as it is.
    pub(crate) fn state(&mut self) -> State {
        let number = |count: usize| Value::Unsigned(count as u64);
        let used: u64 = self
            .canisters
            .values()
            .map(|canister| canister.stable.bytes().saturating_add(canister.heap_bytes() as u64))
            .sum();
        let metrics = Value::map([
            ("num_canisters", number(self.canisters.len())),
            ("canister_state_bytes", Value::Unsigned(used)),
            ("consumed_cycles_total", Value::map([("current", Value::Unsigned(0))])),
            ("update_transactions_total", Value::Unsigned(self.messages)),
        ]);
        let [ranges, subnets] = self.authority.topology(&metrics);
        let canisters = self.canisters.iter().map(|(id, canister)| (id, tree(canister)));
        let time_ns = self.time_ns;
        let tree = Tree::folder([
            ("api_boundary_nodes", Tree::empty()),
            ("canister", Tree::folder(canisters)),
            ranges,
            ("request_status", self.requests.tree()),
            subnets,
            ("time", Tree::leaf(leb128(time_ns))),
        ]);
        State { tree, time_ns }
    }
}

/// What the state tells of a canister.
fn tree(canister: &Canister) -> Tree {
    let controllers = canister.controllers.iter().map(Value::bytes).collect();
    let mut fields = vec![
        ("certified_data", Tree::leaf(&canister.certified_data)),
        ("controllers", Tree::leaf(Value::Array(controllers).document())),
    ];
    if let Some(code) = &canister.code {
        let sections = code.module.metadata.iter();
        let sections = sections.map(|(name, (_, data))| (name, Tree::leaf(data)));
        fields.push(("metadata", Tree::folder(sections)));
        fields.push(("module_hash", Tree::leaf(code.module.hash)));
    }
    Tree::folder(fields)
}
