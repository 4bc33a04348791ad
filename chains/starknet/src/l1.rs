//! Which block Ethereum has accepted: the core contract's words there, proved by whoever reads
//! Ethereum. Source: StarkWare, `Starknet.sol` and `StarknetState.sol`.
//!
//! The core contract takes a new state only with a proof of all that led to it, so that no endpoint
//! of Starknet need be believed about what is final; who reads Ethereum for this, and how far that
//! is proved, stands behind [`WordsOnL1`].

use core::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use chain::{ChainError, Consensus};
use governance::log::BlockRef;
use types::{AccountId, ChainId, Hash, keccak256};

use crate::{
    block::to_hash,
    felt::{Felt, canonical},
};

/// Names the first of the three words of the core contract's state.
const STATE_TAG: &[u8] = b"STARKNET_1.0_INIT_STARKNET_STATE_STRUCT";

/// The core contracts of Starknet's chains. Source: Starknet, "Important addresses".
const CORE_CONTRACTS: [(&str, &str); 2] = [
    ("starknet:SN_MAIN", "eip155:1:0xc662c410C0ECf747543f5bA90660f6ABeBD9C8c4"),
    ("starknet:SN_SEPOLIA", "eip155:11155111:0xE2Bb56ee936fd6433DC0F6e7e3b8365C906AA057"),
];

/// Reads words of contracts on the chain that Starknet is proved on.
#[async_trait]
pub trait WordsOnL1: fmt::Debug + Send + Sync {
    /// The address of who serves them, for people.
    fn name(&self) -> &str;

    /// The words of `contract` at `slots`, in their order, all of one block that is final there.
    /// `None` if there is no final block yet.
    ///
    /// # Errors
    /// [`ChainError`] if they could not be had, or not proved.
    async fn words(
        &self,
        contract: &AccountId,
        slots: &[Hash],
    ) -> Result<Option<Vec<Hash>>, ChainError>;
}

/// Follows Starknet's core contract.
#[derive(Debug)]
pub struct CoreContract {
    contract: AccountId,
    reader: Arc<dyn WordsOnL1>,
}

/// The newest block that the core contract accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OnL1 {
    /// The state after it.
    pub state_root: Felt,
    /// Its height.
    pub height: u64,
    /// Its hash.
    pub block_hash: Felt,
}

impl OnL1 {
    /// Where the core contract keeps its state's root, its block's number, and its block's hash.
    pub fn slots() -> [Hash; 3] {
        let first = keccak256(STATE_TAG);
        [0, 1, 2].map(|offset| plus(&first, offset))
    }

    /// What the words at [`OnL1::slots`] say. The inner `None` if no block was accepted yet: its
    /// number is −1 then.
    pub fn read(words: &[Hash]) -> Option<Option<Self>> {
        let [state_root, height, block_hash] = words else { return None };
        if *height == Hash::from_bytes([0xff; 32]) {
            return Some(None);
        }
        let (above, height) = height.as_bytes().split_last_chunk()?;
        if above.iter().any(|byte| *byte != 0) {
            return None;
        }
        Some(Some(Self {
            state_root: canonical(state_root.as_bytes())?,
            height: u64::from_be_bytes(*height),
            block_hash: canonical(block_hash.as_bytes())?,
        }))
    }
}

/// The word `offset` places after `slot`.
fn plus(slot: &Hash, offset: u8) -> Hash {
    let mut bytes = *slot.as_bytes();
    let mut carry = u16::from(offset);
    for byte in bytes.iter_mut().rev() {
        carry += u16::from(*byte);
        *byte = carry.to_le_bytes()[0];
        carry >>= 8;
    }
    Hash::from_bytes(bytes)
}

impl CoreContract {
    /// The core contract of `chain`, read through `reader`; `None` if it is none that is known
    /// here.
    pub fn of(chain: &ChainId, reader: Arc<dyn WordsOnL1>) -> Option<Self> {
        let (_, contract) = CORE_CONTRACTS.iter().find(|(name, _)| *name == chain.as_str())?;
        Some(Self::new(contract.parse().ok()?, reader))
    }

    /// The core contract with this account.
    pub const fn new(contract: AccountId, reader: Arc<dyn WordsOnL1>) -> Self {
        Self { contract, reader }
    }

    /// Its account on L1.
    pub const fn contract(&self) -> &AccountId {
        &self.contract
    }
}

#[async_trait]
impl Consensus for CoreContract {
    fn name(&self) -> &str {
        self.reader.name()
    }

    /// Without the block's time, which its header tells.
    async fn finalized(&self) -> Result<Option<BlockRef>, ChainError> {
        let slots = OnL1::slots();
        let Some(words) = self.reader.words(&self.contract, &slots).await? else {
            return Ok(None);
        };
        let strange = || ChainError::BadAnswer {
            endpoint: self.reader.name().to_owned(),
            method: "the core contract's state",
            source: "it is no state of Starknet's".into(),
        };
        let block = OnL1::read(&words).ok_or_else(strange)?;
        Ok(block.map(|block| BlockRef {
            height: block.height,
            hash: to_hash(&block.block_hash),
            time_s: 0,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Told(Option<Vec<Hash>>);

    #[async_trait]
    impl WordsOnL1 for Told {
        fn name(&self) -> &str {
            "told"
        }

        async fn words(
            &self,
            contract: &AccountId,
            slots: &[Hash],
        ) -> Result<Option<Vec<Hash>>, ChainError> {
            assert_eq!(contract.chain().as_str(), "eip155:1");
            assert_eq!(slots, OnL1::slots());
            Ok(self.0.clone())
        }
    }

    fn number(number: u64) -> Hash {
        to_hash(&Felt::from(number))
    }

    async fn finalized(words: Option<Vec<Hash>>) -> Result<Option<BlockRef>, ChainError> {
        let chain = "starknet:SN_MAIN".parse().expect("legal");
        let contract = CoreContract::of(&chain, Arc::new(Told(words))).expect("known");
        contract.finalized().await
    }

    /// The first slot as Herodotus and others read it.
    #[test]
    fn the_state_has_three_words() {
        let [first, second, third] = OnL1::slots();
        assert_eq!(first, keccak256(STATE_TAG));
        assert_eq!((plus(&first, 1), plus(&second, 1)), (second, third));
        let all = Hash::from_bytes([0xff; 32]);
        assert_eq!(plus(&all, 1), Hash::ZERO);
    }

    #[tokio::test]
    async fn the_core_contract_names_the_final_block() {
        let block = finalized(Some(vec![number(5), number(7), number(9)])).await.expect("read");
        assert_eq!(block, Some(BlockRef { height: 7, hash: number(9), time_s: 0 }));
        let none = Hash::from_bytes([0xff; 32]);
        let before = finalized(Some(vec![Hash::ZERO, none, Hash::ZERO])).await;
        assert_eq!(before.expect("read"), None);
        assert_eq!(finalized(None).await.expect("read"), None);
        for words in [
            vec![],
            vec![number(5), number(7)],
            vec![number(5), Hash::from_bytes([1; 32]), number(9)],
            vec![number(5), number(7), none],
            vec![none, number(7), number(9)],
        ] {
            assert!(matches!(finalized(Some(words)).await, Err(ChainError::BadAnswer { .. })));
        }
    }

    #[test]
    fn other_chains_have_no_core_contract_here() {
        let reader = || Arc::new(Told(None));
        for (chain, is_known) in
            [("starknet:SN_SEPOLIA", true), ("starknet:DEVNET", false), ("eip155:1", false)]
        {
            let chain = chain.parse().expect("legal");
            assert_eq!(CoreContract::of(&chain, reader()).is_some(), is_known, "{chain}");
        }
    }
}
