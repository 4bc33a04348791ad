//! A network of our own for tests: keys, state trees, certificates.

use blst::min_sig::SecretKey;

use crate::{
    Principal,
    hash::sha256,
    proof::{BlsKey, RootKey, cbor},
};

/// A state, or part of one.
#[derive(Clone, Debug)]
pub(crate) enum Tree {
    Empty,
    Fork(Box<(Self, Self)>),
    Labeled(Vec<u8>, Box<Self>),
    Leaf(Vec<u8>),
    Pruned([u8; 32]),
}

impl Tree {
    pub(crate) fn leaf(value: impl AsRef<[u8]>) -> Self {
        Self::Leaf(value.as_ref().to_vec())
    }

    pub(crate) fn label(label: impl AsRef<[u8]>, inner: Self) -> Self {
        Self::Labeled(label.as_ref().to_vec(), Box::new(inner))
    }

    pub(crate) fn fork(left: Self, right: Self) -> Self {
        Self::Fork(Box::new((left, right)))
    }

    /// Entries in the order of their labels, balanced.
    pub(crate) fn folder<L: AsRef<[u8]>>(entries: impl IntoIterator<Item = (L, Self)>) -> Self {
        let mut nodes: Vec<Self> =
            entries.into_iter().map(|(label, inner)| Self::label(label, inner)).collect();
        while nodes.len() > 1 {
            let mut pairs = Vec::new();
            let mut rest = nodes.into_iter();
            while let Some(left) = rest.next() {
                pairs.push(match rest.next() {
                    Some(right) => Self::fork(left, right),
                    None => left,
                });
            }
            nodes = pairs;
        }
        nodes.pop().unwrap_or(Self::Empty)
    }

    pub(crate) fn pruned(&self) -> Self {
        Self::Pruned(self.digest())
    }

    /// As the specification has it, apart from the code under test.
    pub(crate) fn digest(&self) -> [u8; 32] {
        let hash = |domain: &str, parts: &[&[u8]]| {
            let len = u8::try_from(domain.len()).expect("short");
            sha256(&[&[len], domain.as_bytes(), &parts.concat()])
        };
        match self {
            Self::Empty => hash("ic-hashtree-empty", &[]),
            Self::Fork(both) => hash("ic-hashtree-fork", &[&both.0.digest(), &both.1.digest()]),
            Self::Labeled(label, inner) => hash("ic-hashtree-labeled", &[label, &inner.digest()]),
            Self::Leaf(value) => hash("ic-hashtree-leaf", &[value]),
            Self::Pruned(digest) => *digest,
        }
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.put(&mut bytes);
        bytes
    }

    fn put(&self, out: &mut Vec<u8>) {
        let (len, tag) = match self {
            Self::Empty => (1, 0),
            Self::Fork(_) => (3, 1),
            Self::Labeled(..) => (3, 2),
            Self::Leaf(_) => (2, 3),
            Self::Pruned(_) => (2, 4),
        };
        cbor::put_array(out, len);
        cbor::put_unsigned(out, tag);
        match self {
            Self::Empty => {}
            Self::Fork(both) => {
                both.0.put(out);
                both.1.put(out);
            }
            Self::Labeled(label, inner) => {
                cbor::put_bytes(out, label);
                inner.put(out);
            }
            Self::Leaf(value) => cbor::put_bytes(out, value),
            Self::Pruned(digest) => cbor::put_bytes(out, digest),
        }
    }
}

/// A root subnet, another subnet, and a canister on that.
#[derive(Debug)]
pub(crate) struct Net {
    pub(crate) root: RootKey,
    pub(crate) root_secret: SecretKey,
    pub(crate) subnet: Principal,
    pub(crate) subnet_key: BlsKey,
    pub(crate) subnet_secret: SecretKey,
    pub(crate) canister: Principal,
}

impl Net {
    pub(crate) fn new() -> Self {
        let (root_secret, root) = bls_key(1);
        let (subnet_secret, subnet_key) = bls_key(2);
        let root = RootKey::from_bytes(&root.to_bytes()).expect("a key");
        let subnet = Principal::self_authenticating(&subnet_key.to_der());
        let canister = canister(5);
        Self { root, root_secret, subnet, subnet_key, subnet_secret, canister }
    }

    /// A state of the subnet, with the delegation of the root subnet.
    pub(crate) fn certify(&self, tree: &Tree) -> Vec<u8> {
        let delegation = sign(&self.root_secret, &self.root_state(), None);
        sign(&self.subnet_secret, tree, Some((self.subnet, &delegation)))
    }

    /// A state by another subnet, which has canisters 7 to 9: so says the root subnet, unless the
    /// subnet itself says that it has them all.
    pub(crate) fn certify_elsewhere(&self, tree: &Tree, by_root: bool) -> Vec<u8> {
        let (secret, key) = bls_key(3);
        let low = if by_root { canister(7) } else { canister(1) };
        let subnet = Principal::self_authenticating(&key.to_der());
        let word = subnet_state(subnet, &key, low, canister(9));
        let by = if by_root { &self.root_secret } else { &secret };
        sign(&secret, tree, Some((subnet, &sign(by, &word, None))))
    }

    /// The root subnet's word on the subnet: its key, and that it has canisters 4 to 6.
    pub(crate) fn root_state(&self) -> Tree {
        subnet_state(self.subnet, &self.subnet_key, canister(4), canister(6))
    }

    /// A certificate of time 1 in which the canister certifies `data`.
    pub(crate) fn certified_data(&self, data: &[u8]) -> Vec<u8> {
        self.certify(&canister_state(self.canister, 1, [("certified_data", Tree::leaf(data))]))
    }

    /// What the canister signs with `seed`: the canister signature of `message`.
    pub(crate) fn canister_signature(&self, seed: &[u8], message: &[u8]) -> Vec<u8> {
        let signed = Tree::folder([(sha256(&[message]), Tree::leaf([]))]);
        let tree = Tree::folder([("sig", Tree::folder([(sha256(&[seed]), signed)]))]);
        signature(&self.certified_data(&tree.digest()), &tree)
    }

    /// The canister's key for `seed`, in DER.
    pub(crate) fn canister_key(&self, seed: &[u8]) -> Vec<u8> {
        let id = self.canister.as_bytes();
        let key = [&[u8::try_from(id.len()).expect("short")], id, seed].concat();
        let len = |len: usize| u8::try_from(len).expect("short");
        let algorithm = b"\x30\x0c\x06\x0a\x2b\x06\x01\x04\x01\x83\xb8\x43\x01\x02";
        let bits = [&[3, len(key.len() + 1), 0], &key[..]].concat();
        [&[0x30, len(algorithm.len() + bits.len())], &algorithm[..], &bits].concat()
    }
}

/// A state of the root subnet that shows a subnet's key and canisters.
fn subnet_state(subnet: Principal, key: &BlsKey, low: Principal, high: Principal) -> Tree {
    let key = Tree::leaf(key.to_der());
    let shards = Tree::folder([(low.as_bytes(), Tree::leaf(ranges(&[(low, high)])))]);
    Tree::folder([
        ("canister_ranges", Tree::folder([(subnet.as_bytes(), shards)])),
        ("subnet", Tree::folder([(subnet.as_bytes(), Tree::folder([("public_key", key)]))])),
        ("time", Tree::leaf([1])),
    ])
}

/// A state at `time_ns` that shows these fields of a canister.
pub(crate) fn canister_state<L: AsRef<[u8]>>(
    canister: Principal,
    time_ns: u64,
    fields: impl IntoIterator<Item = (L, Tree)>,
) -> Tree {
    Tree::folder([
        ("canister", Tree::folder([(canister.as_bytes(), Tree::folder(fields))])),
        ("time", Tree::leaf(leb128(time_ns))),
    ])
}

/// As state trees hold numbers.
pub(crate) fn leb128(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push(u8::try_from(number & 0x7f).expect("7 bits") | 0x80);
        number >>= 7;
    }
    bytes.push(u8::try_from(number).expect("7 bits"));
    bytes
}

/// A canister signature of its parts.
pub(crate) fn signature(certificate: &[u8], tree: &Tree) -> Vec<u8> {
    let mut bytes = cbor::SELF_DESCRIBED.to_vec();
    cbor::put_map(&mut bytes, 2);
    cbor::put_text(&mut bytes, "certificate");
    cbor::put_bytes(&mut bytes, certificate);
    cbor::put_text(&mut bytes, "tree");
    tree.put(&mut bytes);
    bytes
}

/// The canister with number `number`.
pub(crate) fn canister(number: u8) -> Principal {
    Principal::from_bytes(&[0, 0, 0, 0, 0, 0, 0, number, 1, 1]).expect("short enough")
}

/// Ranges of canisters as state trees hold them.
pub(crate) fn ranges(pairs: &[(Principal, Principal)]) -> Vec<u8> {
    let mut bytes = cbor::SELF_DESCRIBED.to_vec();
    cbor::put_array(&mut bytes, pairs.len());
    for (low, high) in pairs {
        cbor::put_array(&mut bytes, 2);
        cbor::put_bytes(&mut bytes, low.as_bytes());
        cbor::put_bytes(&mut bytes, high.as_bytes());
    }
    bytes
}

/// A certificate of `tree` by `secret`.
pub(crate) fn sign(
    secret: &SecretKey,
    tree: &Tree,
    delegation: Option<(Principal, &[u8])>,
) -> Vec<u8> {
    let message = [&b"\x0dic-state-root"[..], &tree.digest()].concat();
    let mut bytes = cbor::SELF_DESCRIBED.to_vec();
    cbor::put_map(&mut bytes, 2 + usize::from(delegation.is_some()));
    cbor::put_text(&mut bytes, "tree");
    tree.put(&mut bytes);
    cbor::put_text(&mut bytes, "signature");
    cbor::put_bytes(&mut bytes, &bls_sign(secret, &message));
    if let Some((subnet, certificate)) = delegation {
        cbor::put_text(&mut bytes, "delegation");
        cbor::put_map(&mut bytes, 2);
        cbor::put_text(&mut bytes, "subnet_id");
        cbor::put_bytes(&mut bytes, subnet.as_bytes());
        cbor::put_text(&mut bytes, "certificate");
        cbor::put_bytes(&mut bytes, certificate);
    }
    bytes
}

pub(crate) fn bls_key(seed: u8) -> (SecretKey, BlsKey) {
    let secret = SecretKey::key_gen(&[seed; 32], &[]).expect("enough bytes");
    let key = BlsKey::from_bytes(&secret.sk_to_pk().compress()).expect("a key");
    (secret, key)
}

pub(crate) fn bls_sign(secret: &SecretKey, message: &[u8]) -> [u8; 48] {
    secret.sign(message, b"BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_", &[]).compress()
}
