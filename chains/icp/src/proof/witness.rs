//! Certified data: a canister certifies 32 bytes, and with them any tree that has them as its root.
//! Source: IC interface specification, "Certified data".

use super::{
    certificate::{BadCertificate, Certified},
    hash_tree::{BadTree, HashTree},
};

/// Why a witness proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadWitness {
    /// The certificate does not say what the canister certifies.
    #[error(transparent)]
    Certificate(#[from] BadCertificate),
    /// The tree is none.
    #[error(transparent)]
    Tree(#[from] BadTree),
    /// The tree is another one than the canister certifies.
    #[error("the tree is not the one that the canister certifies")]
    OtherTree,
}

/// Reads the canister's tree, of which `certified` has the root hash.
///
/// # Errors
/// [`BadWitness`].
pub fn witness<'a>(certified: &Certified<'_>, bytes: &'a [u8]) -> Result<HashTree<'a>, BadWitness> {
    let tree = HashTree::parse(bytes)?;
    if tree.digest() == *certified.certified_data()? {
        Ok(tree)
    } else {
        Err(BadWitness::OtherTree)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Principal,
        forge::{Net, Tree},
        proof::{Lookup, Scope, certificate},
    };

    #[test]
    fn a_canisters_tree_is_the_one_that_it_certifies() {
        let net = Net::new();
        let tree = Tree::folder([("a", Tree::leaf("1")), ("c", Tree::leaf("3"))]);
        let bytes = net.certified_data(&tree.digest());
        let scope = Scope::Canister(net.canister);
        let certified = certificate(&bytes, &net.root, scope).expect("it holds");
        let whole = tree.encode();
        let tree = witness(&certified, &whole).expect("it is the one");
        assert_eq!(tree.lookup(&["a"]), Lookup::Found(b"1"));
        assert_eq!(tree.lookup(&["b"]), Lookup::Absent);
        let other = Tree::folder([("a", Tree::leaf("2")), ("c", Tree::leaf("3"))]).encode();
        assert_eq!(witness(&certified, &other).err(), Some(BadWitness::OtherTree));
        assert!(matches!(witness(&certified, &whole[1..]), Err(BadWitness::Tree(_))));
    }

    #[test]
    fn what_is_not_said_of_the_canister_certifies_nothing() {
        let net = Net::new();
        let tree = Tree::leaf("1");
        let short = net.certified_data(&tree.digest()[..31]);
        let scope = Scope::Canister(net.canister);
        let certified = certificate(&short, &net.root, scope).expect("it holds");
        let malformed = BadCertificate::Malformed { what: "certified data" };
        let found = witness(&certified, &tree.encode()).err();
        assert_eq!(found, Some(BadWitness::Certificate(malformed)));

        let bytes = net.certified_data(&tree.digest());
        let certified = certificate(&bytes, &net.root, Scope::Subnet).expect("it holds");
        let found = witness(&certified, &tree.encode()).err();
        assert_eq!(found, Some(BadWitness::Certificate(BadCertificate::NoCanister)));

        let neighbour = Principal::from_bytes(&[0, 0, 0, 0, 0, 0, 0, 6, 1, 1]).expect("short");
        let scope = Scope::Canister(neighbour);
        let certified = certificate(&bytes, &net.root, scope).expect("it is on this subnet");
        let absent = BadCertificate::NoValue { what: "certified data", why: "absent" };
        let found = witness(&certified, &tree.encode()).err();
        assert_eq!(found, Some(BadWitness::Certificate(absent)));
    }
}
