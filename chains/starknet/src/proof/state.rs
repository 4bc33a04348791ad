//! The state of the chain: contracts, their storage, classes. Source: Starknet, "State commitment".

use super::trie::{BadProof, Node, NodeSet};
use crate::{
    felt::{Felt, word},
    hash::FeltHash,
};

/// Most keys, contracts or classes of one proof. Pathfinder allows 100.
const ASKED_MAX: usize = 1024;

/// The roots of the two tries that a state commitment commits to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Roots {
    /// Of the contracts' trie.
    pub contracts: Felt,
    /// Of the classes' trie; zero if no class was ever declared with a transaction.
    pub classes: Felt,
}

/// What the state has of a contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContractState {
    /// Its class.
    pub class_hash: Felt,
    /// Transactions that it sent.
    pub nonce: Felt,
    /// Root of its storage.
    pub storage_root: Felt,
}

/// A proof as endpoints give it. Only the nodes are taken from it, and the parts that hash to their
/// leaves, never what it says that they prove.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateProof {
    /// The two roots, as claimed.
    pub roots: Roots,
    /// Nodes of the contracts' trie.
    pub contract_nodes: Vec<Node>,
    /// Nodes of the classes' trie.
    pub class_nodes: Vec<Node>,
    /// What the leaves of the contracts that were asked for are made of; `None` for no contract.
    pub contracts: Vec<Option<ContractState>>,
    /// Nodes of storage tries, for each contract whose storage was asked for.
    pub storage_nodes: Vec<Vec<Node>>,
}

/// What a proof is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// Class hashes.
    pub classes: Vec<Felt>,
    /// Addresses of contracts, in the order of [`StateProof::contracts`].
    pub contracts: Vec<Felt>,
    /// An address among the contracts and its storage's keys, in the order of
    /// [`StateProof::storage_nodes`].
    pub storage: Vec<(Felt, Vec<Felt>)>,
}

/// What is proved of all that was asked, in the same order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proved {
    /// The leaves of declared classes; [`class_leaf`] says of which compiled class.
    pub classes: Vec<Option<Felt>>,
    /// The contracts that there are.
    pub contracts: Vec<Option<ContractState>>,
    /// The values that were set; what was never set is `None`, and zero to contracts.
    pub storage: Vec<Vec<Option<Felt>>>,
}

impl Roots {
    /// Whether `commitment` is theirs.
    ///
    /// Before 0.14.0 a state without classes was committed to by the contracts' root alone. Either
    /// form counts: which one a block used does not change what the root holds.
    pub fn are_of(&self, commitment: &Felt) -> bool {
        let tagged =
            FeltHash::Poseidon.list(&[word(b"STARKNET_STATE_V0"), self.contracts, self.classes]);
        tagged == *commitment || self.classes == Felt::ZERO && self.contracts == *commitment
    }
}

impl ContractState {
    /// The leaf in the contracts' trie.
    pub fn leaf(&self) -> Felt {
        let hash = FeltHash::Pedersen;
        let code = hash.pair(&self.class_hash, &self.storage_root);
        // The last zero is the version of the leaf.
        hash.pair(&hash.pair(&code, &self.nonce), &Felt::ZERO)
    }
}

/// The leaf of a class in the classes' trie.
pub fn class_leaf(compiled_class_hash: &Felt) -> Felt {
    FeltHash::Poseidon.pair(&word(b"CONTRACT_CLASS_LEAF_V0"), compiled_class_hash)
}

impl StateProof {
    /// What the proof proves about `asked` under the trusted `commitment`.
    ///
    /// # Errors
    /// [`BadProof`] if any part of it proves nothing.
    pub fn check(&self, commitment: &Felt, asked: &Asked) -> Result<Proved, BadProof> {
        if !self.roots.are_of(commitment) {
            return Err(BadProof::Other("state commitment"));
        }
        let counts = [asked.classes.len(), asked.contracts.len(), asked.storage.len()];
        let keys = asked.storage.iter().map(|(_, keys)| keys.len());
        if counts.into_iter().chain(keys).any(|count| count > ASKED_MAX) {
            return Err(BadProof::TooLarge);
        }
        let classes = NodeSet::new(FeltHash::Poseidon, &self.class_nodes)?;
        let class = |hash| classes.leaf(&self.roots.classes, hash);
        Ok(Proved {
            classes: asked.classes.iter().map(class).collect::<Result<_, _>>()?,
            contracts: self.check_contracts(&asked.contracts)?,
            storage: self.check_storage(asked)?,
        })
    }

    fn check_contracts(&self, addresses: &[Felt]) -> Result<Vec<Option<ContractState>>, BadProof> {
        if addresses.len() != self.contracts.len() {
            return Err(BadProof::Other("number of contracts"));
        }
        let nodes = NodeSet::new(FeltHash::Pedersen, &self.contract_nodes)?;
        for (address, claimed) in addresses.iter().zip(&self.contracts) {
            let found = nodes.leaf(&self.roots.contracts, address)?;
            if found != claimed.as_ref().map(ContractState::leaf) {
                return Err(BadProof::Other("contract"));
            }
        }
        Ok(self.contracts.clone())
    }

    fn check_storage(&self, asked: &Asked) -> Result<Vec<Vec<Option<Felt>>>, BadProof> {
        if asked.storage.len() != self.storage_nodes.len() {
            return Err(BadProof::Other("number of contracts with storage"));
        }
        let contracts = asked.storage.iter().zip(&self.storage_nodes);
        let values = contracts.map(|((address, keys), nodes)| {
            let place = asked.contracts.iter().position(|contract| contract == address);
            let contract = place.and_then(|place| self.contracts.get(place));
            let contract = contract.ok_or(BadProof::Other("contract"))?;
            let root = contract.map_or(Felt::ZERO, |contract| contract.storage_root);
            let nodes = NodeSet::new(FeltHash::Pedersen, nodes)?;
            keys.iter().map(|key| nodes.leaf(&root, key)).collect()
        });
        values.collect()
    }
}

#[cfg(test)]
mod tests;
