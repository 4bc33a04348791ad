//! NEAR's Merkle-Patricia trie, kept whole in memory.
//!
//! A change copies only the nodes on its path, so keeping the tries of past blocks costs little.
//! Source: nearcore, `core/store/src/trie` (nodes, sizes) and nomicon, "Trie".

use std::sync::{Arc, OnceLock};

use near_primitives::hash::CryptoHash;

use super::nibbles;

/// What a node, a byte of a path and a byte of a value count in `memory_usage`.
const NODE_COST: u64 = 50;
const PATH_BYTE_COST: u64 = 2;

/// A map from bytes to bytes whose root hash commits to all of it. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Trie {
    root: Option<Arc<Node>>,
}

#[derive(Debug)]
struct Node {
    body: Body,
    memory_usage: u64,
    hash: OnceLock<CryptoHash>,
}

/// Paths are nibbles, one a byte.
#[derive(Debug)]
enum Body {
    Leaf(Vec<u8>, Value),
    Branch([Option<Arc<Node>>; 16], Option<Value>),
    /// Its child is a branch, always: so one map has one form.
    Extension(Vec<u8>, Arc<Node>),
}

type Value = Arc<[u8]>;

/// What taking something out of a node left.
enum Removed {
    Nothing,
    Left(Option<Arc<Node>>),
}

impl Trie {
    /// The hash over all of it: zeros for nothing.
    pub fn root(&self) -> CryptoHash {
        self.root.as_ref().map_or_else(CryptoHash::default, |node| node.hash())
    }

    /// What is at `key`.
    pub fn get(&self, key: &[u8]) -> Option<Arc<[u8]>> {
        self.walk(key, |_| ())
    }

    /// Also says how many nodes lead to it, or to where it would be.
    pub(crate) fn get_counted(&self, key: &[u8]) -> (Option<Arc<[u8]>>, u64) {
        let mut nodes = 0;
        let value = self.walk(key, |_| nodes += 1);
        (value, nodes)
    }

    /// The encoded nodes that show what is at `key`, or that nothing is.
    pub fn proof(&self, key: &[u8]) -> Vec<Vec<u8>> {
        let mut nodes = Vec::new();
        self.walk(key, |node| nodes.push(node.encode()));
        nodes
    }

    fn walk(&self, key: &[u8], mut visit: impl FnMut(&Node)) -> Option<Value> {
        let path = nibbles::of(key);
        let mut rest = path.as_slice();
        let mut node = self.root.as_ref()?;
        loop {
            visit(node);
            match &node.body {
                Body::Leaf(path, value) => return (rest == path).then(|| Arc::clone(value)),
                Body::Extension(path, child) => {
                    rest = rest.strip_prefix(path.as_slice())?;
                    node = child;
                }
                Body::Branch(children, value) => {
                    let Some((first, after)) = rest.split_first() else {
                        return value.clone();
                    };
                    rest = after;
                    node = children.get(usize::from(*first))?.as_ref()?;
                }
            }
        }
    }

    /// All keys that begin with `prefix`, in order, with their values.
    pub fn entries(&self, prefix: &[u8]) -> Vec<(Vec<u8>, Arc<[u8]>)> {
        let mut found = Vec::new();
        self.below(prefix, |path, node| node.values(path, &mut found), |_| ());
        found
    }

    /// The encoded nodes that show all keys that begin with `prefix`.
    pub fn prefix_proof(&self, prefix: &[u8]) -> Vec<Vec<u8>> {
        let (mut above, mut below) = (Vec::new(), Vec::new());
        self.below(prefix, |_, node| node.nodes(&mut below), |node| above.push(node.encode()));
        above.append(&mut below);
        above
    }

    /// Calls `found` with the node below which all of `prefix` is, and `pass` with those above it.
    fn below(
        &self,
        prefix: &[u8],
        found: impl FnOnce(Vec<u8>, &Node),
        mut pass: impl FnMut(&Node),
    ) {
        let mut path = nibbles::of(prefix);
        let full = path.clone();
        let mut rest = full.as_slice();
        path.clear();
        let Some(mut node) = self.root.as_ref() else { return };
        while !rest.is_empty() {
            match &node.body {
                Body::Leaf(own, _) if own.starts_with(rest) => break,
                Body::Extension(own, _) if own.starts_with(rest) => break,
                Body::Leaf(..) => return pass(node),
                Body::Extension(own, child) => {
                    pass(node);
                    let Some(after) = rest.strip_prefix(own.as_slice()) else { return };
                    path.extend(own);
                    (rest, node) = (after, child);
                }
                Body::Branch(children, _) => {
                    pass(node);
                    let (first, after) = (rest[0], &rest[1..]);
                    let Some(child) = &children[usize::from(first)] else { return };
                    path.push(first);
                    (rest, node) = (after, child);
                }
            }
        }
        found(path, node);
    }

    /// Puts `value` at `key`.
    pub fn insert(&mut self, key: &[u8], value: &[u8]) {
        let path = nibbles::of(key);
        self.root = Some(insert(self.root.as_ref(), &path, Arc::from(value)));
    }

    /// Takes out what is at `key`.
    pub fn remove(&mut self, key: &[u8]) {
        let Some(root) = &self.root else { return };
        if let Removed::Left(left) = remove(root, &nibbles::of(key)) {
            self.root = left;
        }
    }
}

impl Node {
    fn new(body: Body) -> Arc<Self> {
        let path_cost = |path: &[u8]| {
            u64::try_from(nibbles::encoded_len(path)).unwrap_or(u64::MAX) * PATH_BYTE_COST
        };
        let value_cost = |value: &Value| NODE_COST + u64::try_from(value.len()).unwrap_or(u64::MAX);
        let memory_usage = NODE_COST
            + match &body {
                Body::Leaf(path, value) => path_cost(path) + value_cost(value),
                Body::Extension(path, child) => path_cost(path) + child.memory_usage,
                Body::Branch(children, value) => {
                    let below: u64 =
                        children.iter().flatten().map(|child| child.memory_usage).sum();
                    below + value.as_ref().map_or(0, value_cost)
                }
            };
        Arc::new(Self { body, memory_usage, hash: OnceLock::new() })
    }

    fn hash(&self) -> CryptoHash {
        *self.hash.get_or_init(|| CryptoHash::hash_bytes(&self.encode()))
    }

    /// Borsh of `RawTrieNodeWithSize`.
    fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        match &self.body {
            Body::Leaf(path, value) => {
                bytes.push(0);
                put_bytes(&mut bytes, &nibbles::encode(path, true));
                put_value(&mut bytes, value);
            }
            Body::Branch(children, value) => {
                bytes.push(if value.is_some() { 2 } else { 1 });
                if let Some(value) = value {
                    put_value(&mut bytes, value);
                }
                put_children(&mut bytes, children);
            }
            Body::Extension(path, child) => {
                bytes.push(3);
                put_bytes(&mut bytes, &nibbles::encode(path, false));
                bytes.extend_from_slice(child.hash().as_bytes());
            }
        }
        bytes.extend_from_slice(&self.memory_usage.to_le_bytes());
        bytes
    }

    fn values(&self, path: Vec<u8>, found: &mut Vec<(Vec<u8>, Value)>) {
        match &self.body {
            Body::Leaf(own, value) => {
                found.push((nibbles::join(&path, own), Arc::clone(value)));
            }
            Body::Extension(own, child) => child.values([path.as_slice(), own].concat(), found),
            Body::Branch(children, value) => {
                if let Some(value) = value {
                    found.push((nibbles::join(&path, &[]), Arc::clone(value)));
                }
                for (nibble, child) in (0_u8..).zip(children) {
                    if let Some(child) = child {
                        child.values([path.as_slice(), &[nibble]].concat(), found);
                    }
                }
            }
        }
    }

    fn nodes(&self, found: &mut Vec<Vec<u8>>) {
        found.push(self.encode());
        match &self.body {
            Body::Leaf(..) => (),
            Body::Extension(_, child) => child.nodes(found),
            Body::Branch(children, _) => {
                children.iter().flatten().for_each(|child| child.nodes(found));
            }
        }
    }
}

fn put_bytes(bytes: &mut Vec<u8>, part: &[u8]) {
    bytes.extend_from_slice(&len(part).to_le_bytes());
    bytes.extend_from_slice(part);
}

fn put_value(bytes: &mut Vec<u8>, value: &[u8]) {
    bytes.extend_from_slice(&len(value).to_le_bytes());
    bytes.extend_from_slice(CryptoHash::hash_bytes(value).as_bytes());
}

fn put_children(bytes: &mut Vec<u8>, children: &[Option<Arc<Node>>; 16]) {
    let bit =
        |(index, child): (u32, &Option<Arc<Node>>)| child.as_ref().map_or(0, |_| 1_u16 << index);
    let bitmap: u16 = (0_u32..).zip(children).map(bit).sum();
    bytes.extend_from_slice(&bitmap.to_le_bytes());
    for child in children.iter().flatten() {
        bytes.extend_from_slice(child.hash().as_bytes());
    }
}

/// Keys and values stay far below 4 GiB: the protocol bounds them at 2 KiB and 4 MiB.
fn len(part: &[u8]) -> u32 {
    u32::try_from(part.len()).unwrap_or(u32::MAX)
}

fn insert(node: Option<&Arc<Node>>, path: &[u8], value: Value) -> Arc<Node> {
    let Some(node) = node else { return Node::new(Body::Leaf(path.to_vec(), value)) };
    match &node.body {
        Body::Leaf(own, _) if own == path => Node::new(Body::Leaf(path.to_vec(), value)),
        Body::Leaf(own, old) => {
            let common = nibbles::common(own, path);
            let mut fork = Fork::default();
            fork.put(&own[common..], |rest| Node::new(Body::Leaf(rest, Arc::clone(old))), old);
            let new = Arc::clone(&value);
            fork.put(&path[common..], |rest| Node::new(Body::Leaf(rest, value)), &new);
            fork.after(&path[..common])
        }
        Body::Extension(own, child) => {
            let common = nibbles::common(own, path);
            if common == own.len() {
                let child = insert(Some(child), &path[common..], value);
                return Node::new(Body::Extension(own.clone(), child));
            }
            let mut fork = Fork::default();
            fork.children[usize::from(own[common])] =
                Some(extended(own[common + 1..].to_vec(), Arc::clone(child)));
            let new = Arc::clone(&value);
            fork.put(&path[common..], |rest| Node::new(Body::Leaf(rest, value)), &new);
            fork.after(&path[..common])
        }
        Body::Branch(children, old) => {
            let mut children = children.clone();
            let Some((first, rest)) = path.split_first() else {
                return Node::new(Body::Branch(children, Some(value)));
            };
            let child = &mut children[usize::from(*first)];
            *child = Some(insert(child.as_ref(), rest, value));
            Node::new(Body::Branch(children, old.clone()))
        }
    }
}

/// A branch that is being made.
#[derive(Default)]
struct Fork {
    children: [Option<Arc<Node>>; 16],
    value: Option<Value>,
}

impl Fork {
    fn put(&mut self, path: &[u8], leaf: impl FnOnce(Vec<u8>) -> Arc<Node>, value: &Value) {
        match path.split_first() {
            None => self.value = Some(Arc::clone(value)),
            Some((first, rest)) => {
                self.children[usize::from(*first)] = Some(leaf(rest.to_vec()));
            }
        }
    }

    fn after(self, path: &[u8]) -> Arc<Node> {
        extended(path.to_vec(), Node::new(Body::Branch(self.children, self.value)))
    }
}

fn extended(path: Vec<u8>, child: Arc<Node>) -> Arc<Node> {
    if path.is_empty() { child } else { joined(path, &child) }
}

/// `child` behind a longer path, in its one form.
fn joined(mut path: Vec<u8>, child: &Arc<Node>) -> Arc<Node> {
    match &child.body {
        Body::Leaf(own, value) => {
            path.extend(own);
            Node::new(Body::Leaf(path, Arc::clone(value)))
        }
        Body::Extension(own, below) => {
            path.extend(own);
            Node::new(Body::Extension(path, Arc::clone(below)))
        }
        Body::Branch(..) => Node::new(Body::Extension(path, Arc::clone(child))),
    }
}

fn remove(node: &Arc<Node>, path: &[u8]) -> Removed {
    match &node.body {
        Body::Leaf(own, _) if own == path => Removed::Left(None),
        Body::Leaf(..) => Removed::Nothing,
        Body::Extension(own, child) => {
            let Some(rest) = path.strip_prefix(own.as_slice()) else { return Removed::Nothing };
            match remove(child, rest) {
                Removed::Nothing => Removed::Nothing,
                Removed::Left(left) => {
                    Removed::Left(left.map(|child| extended(own.clone(), child)))
                }
            }
        }
        Body::Branch(children, value) => match path.split_first() {
            None if value.is_none() => Removed::Nothing,
            None => Removed::Left(shrunk(children.clone(), None)),
            Some((first, rest)) => {
                let Some(child) = &children[usize::from(*first)] else { return Removed::Nothing };
                let Removed::Left(left) = remove(child, rest) else { return Removed::Nothing };
                let mut children = children.clone();
                children[usize::from(*first)] = left;
                Removed::Left(shrunk(children, value.clone()))
            }
        },
    }
}

/// A branch in its one form: with fewer than two ways on, it is none.
fn shrunk(children: [Option<Arc<Node>>; 16], value: Option<Value>) -> Option<Arc<Node>> {
    let mut ways =
        (0_u8..).zip(&children).filter_map(|(nibble, child)| Some((nibble, child.as_ref()?)));
    match (ways.next(), ways.next(), value) {
        (None, _, value) => value.map(|value| Node::new(Body::Leaf(Vec::new(), value))),
        (Some((nibble, child)), None, None) => Some(joined(vec![nibble], child)),
        (_, _, value) => Some(Node::new(Body::Branch(children, value))),
    }
}
