//! Hash trees: a state with most of it cut away, and still its root hash.
//! Source: IC interface specification, "Certificate", "Lookup", "Encoding of certificates".

use super::cbor::{BadCbor, Reader};
use crate::hash::sha256;

/// Most nodes between the root and a leaf: a balanced tree of all canisters has about 30.
const DEPTH_MAX: u8 = 128;
/// Most nodes; the largest answers of subnets have some hundreds.
const NODES_MAX: u32 = 1 << 16;

/// A well-formed tree: labels ascend strictly, and no leaf stands beside anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HashTree<'a>(Node<'a>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Node<'a> {
    Empty,
    Fork(Box<(Self, Self)>),
    Labeled(&'a [u8], Box<Self>),
    Leaf(&'a [u8]),
    Pruned(&'a [u8; 32]),
}

/// What a tree says about a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookup<'a> {
    /// There is this value.
    Found(&'a [u8]),
    /// It is proved that there is nothing.
    Absent,
    /// It may be in a part that was cut away.
    Unknown,
    /// There is something, but it is no value.
    Error,
}

/// The bytes are no hash tree, or one that the Internet Computer does not make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadTree {
    /// Not even CBOR.
    #[error(transparent)]
    Encoding(#[from] BadCbor),
    /// No node has this form.
    #[error("the hash tree has a node of no known form")]
    Node,
    /// A label does not come after the one before it: what is absent could not be told.
    #[error("the labels of the hash tree do not ascend")]
    Order,
    /// A leaf stands beside other nodes.
    #[error("the hash tree has a leaf beside other nodes")]
    StrayLeaf,
    /// Too deep, or too many nodes.
    #[error("the hash tree is too large")]
    TooLarge,
}

impl<'a> HashTree<'a> {
    /// Reads a tree, with or without the tag that says that this is CBOR.
    ///
    /// # Errors
    /// [`BadTree`].
    pub fn parse(bytes: &'a [u8]) -> Result<Self, BadTree> {
        let mut reader = Reader::described(bytes);
        let mut nodes_left = NODES_MAX;
        let root = parse(&mut reader, DEPTH_MAX, &mut nodes_left)?;
        reader.end()?;
        root.check()?;
        Ok(Self(root))
    }

    /// The root hash, the same whatever was cut away.
    pub fn digest(&self) -> [u8; 32] {
        self.0.digest()
    }

    /// What there is at `path`.
    pub fn lookup<P: AsRef<[u8]>>(&self, path: &[P]) -> Lookup<'a> {
        match self.subtree(path) {
            Subtree::Found(node) => node.value(),
            Subtree::Absent => Lookup::Absent,
            Subtree::Unknown => Lookup::Unknown,
        }
    }

    /// What there is in the folder at `path`, with its labels; nothing if that is not in the tree.
    pub(super) fn values<P: AsRef<[u8]>>(&self, path: &[P]) -> Vec<&'a [u8]> {
        let Subtree::Found(folder) = self.subtree(path) else { return Vec::new() };
        let value = |node: &Node<'a>| match node {
            Node::Labeled(_, inner) => match inner.value() {
                Lookup::Found(value) => Some(value),
                Lookup::Absent | Lookup::Unknown | Lookup::Error => None,
            },
            Node::Empty | Node::Fork(_) | Node::Leaf(_) | Node::Pruned(_) => None,
        };
        folder.forest().filter_map(value).collect()
    }

    fn subtree<P: AsRef<[u8]>>(&self, path: &[P]) -> Subtree<'_, 'a> {
        let mut node = &self.0;
        for label in path {
            match node.find(label.as_ref()) {
                Subtree::Found(inner) => node = inner,
                nothing => return nothing,
            }
        }
        Subtree::Found(node)
    }
}

/// As [`Lookup`], of what is under a label.
enum Subtree<'n, 'a> {
    Found(&'n Node<'a>),
    Absent,
    Unknown,
}

impl<'a> Node<'a> {
    fn digest(&self) -> [u8; 32] {
        match self {
            Self::Empty => sha256(&[b"\x11ic-hashtree-empty"]),
            Self::Fork(both) => {
                sha256(&[b"\x10ic-hashtree-fork", &both.0.digest(), &both.1.digest()])
            }
            Self::Labeled(label, node) => {
                sha256(&[b"\x13ic-hashtree-labeled", label, &node.digest()])
            }
            Self::Leaf(value) => sha256(&[b"\x10ic-hashtree-leaf", value]),
            Self::Pruned(digest) => **digest,
        }
    }

    /// `lookup_path([], …)` of the specification.
    const fn value(&self) -> Lookup<'a> {
        match self {
            Self::Empty => Lookup::Absent,
            Self::Leaf(value) => Lookup::Found(value),
            Self::Pruned(_) => Lookup::Unknown,
            Self::Labeled(..) | Self::Fork(_) => Lookup::Error,
        }
    }

    /// `find_label` of the specification: absence is proved by two labels next to each other, or by
    /// the first or the last label of all.
    fn find(&self, label: &[u8]) -> Subtree<'_, 'a> {
        let mut may_be_cut_away = false;
        for node in self.forest() {
            match node {
                Self::Labeled(found, inner) if *found == label => return Subtree::Found(inner),
                Self::Labeled(found, _) if *found > label => break,
                Self::Labeled(..) => may_be_cut_away = false,
                Self::Pruned(_) => may_be_cut_away = true,
                Self::Leaf(_) | Self::Empty | Self::Fork(_) => {}
            }
        }
        if may_be_cut_away { Subtree::Unknown } else { Subtree::Absent }
    }

    /// The nodes side by side, forks and empty ones taken out.
    fn forest(&self) -> Forest<'_, 'a> {
        Forest(vec![self])
    }

    fn check(&self) -> Result<(), BadTree> {
        if matches!(self, Self::Leaf(_)) {
            return Ok(());
        }
        let mut last: Option<&[u8]> = None;
        for node in self.forest() {
            match node {
                Self::Leaf(_) => return Err(BadTree::StrayLeaf),
                Self::Labeled(label, _) if last.is_some_and(|last| last >= *label) => {
                    return Err(BadTree::Order);
                }
                Self::Labeled(label, inner) => {
                    inner.check()?;
                    last = Some(label);
                }
                Self::Pruned(_) | Self::Empty | Self::Fork(_) => {}
            }
        }
        Ok(())
    }
}

/// What is still to come, the next last.
struct Forest<'n, 'a>(Vec<&'n Node<'a>>);

impl<'n, 'a> Iterator for Forest<'n, 'a> {
    type Item = &'n Node<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        // Ends: the tree is finite, and every node comes once.
        loop {
            match self.0.pop()? {
                Node::Empty => {}
                Node::Fork(both) => self.0.extend([&both.1, &both.0]),
                node @ (Node::Labeled(..) | Node::Leaf(_) | Node::Pruned(_)) => return Some(node),
            }
        }
    }
}

fn parse<'a>(
    reader: &mut Reader<'a>,
    depth_left: u8,
    nodes_left: &mut u32,
) -> Result<Node<'a>, BadTree> {
    let depth_left = depth_left.checked_sub(1).ok_or(BadTree::TooLarge)?;
    *nodes_left = nodes_left.checked_sub(1).ok_or(BadTree::TooLarge)?;
    match (reader.array()?, reader.unsigned()?) {
        (1, 0) => Ok(Node::Empty),
        (3, 1) => {
            let left = parse(reader, depth_left, nodes_left)?;
            let right = parse(reader, depth_left, nodes_left)?;
            Ok(Node::Fork(Box::new((left, right))))
        }
        (3, 2) => {
            let label = reader.bytes()?;
            let inner = parse(reader, depth_left, nodes_left)?;
            Ok(Node::Labeled(label, Box::new(inner)))
        }
        (2, 3) => Ok(Node::Leaf(reader.bytes()?)),
        (2, 4) => Ok(Node::Pruned(reader.bytes()?.try_into().map_err(|_| BadTree::Node)?)),
        _ => Err(BadTree::Node),
    }
}

#[cfg(test)]
mod tests;
