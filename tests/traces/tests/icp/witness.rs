//! Reads witnesses, from the IC interface specification alone.

use sha2::{Digest as _, Sha256};

/// A hash tree.
#[derive(Debug)]
pub(crate) enum Tree {
    Empty,
    Fork(Box<(Self, Self)>),
    Labeled(Vec<u8>, Box<Self>),
    Leaf(Vec<u8>),
    Pruned([u8; 32]),
}

impl Tree {
    /// The tree in a witness: CBOR with its tag.
    pub(crate) fn read(witness: &[u8]) -> Self {
        let mut rest = witness.strip_prefix(b"\xd9\xd9\xf7").expect("it begins with the tag");
        let tree = Self::take(&mut rest);
        assert!(rest.is_empty(), "bytes after the tree");
        tree
    }

    fn take(rest: &mut &[u8]) -> Self {
        let [array, kind, tail @ ..] = *rest else { panic!("it ends in a tree") };
        *rest = tail;
        match (array, kind) {
            (0x81, 0) => Self::Empty,
            (0x83, 1) => Self::Fork(Box::new((Self::take(rest), Self::take(rest)))),
            (0x83, 2) => Self::Labeled(bytes(rest), Box::new(Self::take(rest))),
            (0x82, 3) => Self::Leaf(bytes(rest)),
            (0x82, 4) => Self::Pruned(bytes(rest).try_into().expect("32 bytes")),
            other => panic!("no tree begins with {other:02x?}"),
        }
    }

    /// What must be certified for this tree to count.
    pub(crate) fn digest(&self) -> [u8; 32] {
        let hash = |domain: &str, parts: &[&[u8]]| -> [u8; 32] {
            let len = u8::try_from(domain.len()).expect("short");
            Sha256::digest([&[len], domain.as_bytes(), &parts.concat()].concat()).into()
        };
        match self {
            Self::Empty => hash("ic-hashtree-empty", &[]),
            Self::Fork(pair) => hash("ic-hashtree-fork", &[&pair.0.digest(), &pair.1.digest()]),
            Self::Labeled(label, inner) => hash("ic-hashtree-labeled", &[label, &inner.digest()]),
            Self::Leaf(value) => hash("ic-hashtree-leaf", &[value]),
            Self::Pruned(digest) => *digest,
        }
    }

    /// The leaf at `path`; none if the tree shows that there is none.
    pub(crate) fn find(&self, path: &[&[u8]]) -> Option<&[u8]> {
        let Some((label, rest)) = path.split_first() else {
            return match self {
                Self::Leaf(value) => Some(value),
                other => panic!("no leaf: {other:?}"),
            };
        };
        let mut labels = Vec::new();
        self.labels(&mut labels);
        let found = labels.iter().position(|entry| matches!(entry, Some((l, _)) if l == label));
        if let Some((_, inner)) = found.and_then(|index| labels[index]) {
            return inner.find(rest);
        }
        // Absent, if what lies between the neighbours was not left out.
        let after = labels.iter().position(|entry| matches!(entry, Some((l, _)) if l > label));
        let between = after.unwrap_or(labels.len());
        let hidden = between.checked_sub(1).is_some_and(|index| labels[index].is_none());
        assert!(!hidden, "the tree does not show whether it is there");
        None
    }

    /// Labels in order, and places where some were left out.
    fn labels<'a>(&'a self, out: &mut Vec<Option<(&'a [u8], &'a Self)>>) {
        match self {
            Self::Empty => {}
            Self::Fork(pair) => {
                pair.0.labels(out);
                pair.1.labels(out);
            }
            Self::Labeled(label, inner) => out.push(Some((label, inner))),
            Self::Pruned(_) => out.push(None),
            Self::Leaf(_) => panic!("a leaf among labels"),
        }
    }
}

/// A byte string of less than 256 bytes.
fn bytes(rest: &mut &[u8]) -> Vec<u8> {
    let (len, tail) = match *rest {
        [head @ 0x40..=0x57, tail @ ..] => (usize::from(head - 0x40), tail),
        [0x58, len, tail @ ..] => (usize::from(*len), tail),
        other => panic!("no byte string: {other:02x?}"),
    };
    let (bytes, tail) = tail.split_at(len);
    *rest = tail;
    bytes.to_vec()
}
