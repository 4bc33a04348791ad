//! What a chain begins with.

use std::sync::Arc;

use near_crypto::{KeyType, PublicKey, SecretKey};
use near_primitives::{
    account::{AccessKey, Account, AccountContract},
    types::{AccountId, Balance},
    validator_signer::{InMemoryValidatorSigner, ValidatorSigner},
};

use crate::{
    runtime::{key_storage, new_account},
    state::{Trie, Update},
};

/// What each producer of blocks has locked, in NEAR.
const STAKE_NEAR: u128 = 50_000;

/// How a chain behaves.
#[derive(Clone, Debug)]
pub struct ChainConfig {
    /// Its name, which contracts and wallets see.
    pub chain_id: String,
    /// The first block's time, in seconds since 1970.
    pub genesis_time_s: u64,
    /// How many take turns in producing blocks, with equal stakes; at least 1.
    pub producers: u16,
    /// Blocks of an epoch; at least 3, since a final block has two above it.
    pub epoch_blocks: u64,
    /// For how many blocks after the one that it names a transaction may be included.
    pub validity_blocks: u64,
    /// The price of gas, in yoctoNEAR.
    pub gas_price: Balance,
    /// Of how many blocks the state is kept; older ones are answered as garbage collected.
    pub states_kept: usize,
    /// Accounts that are there from the beginning.
    pub accounts: Vec<GenesisAccount>,
}

/// An account that is there from the beginning.
#[derive(Clone, Debug)]
pub struct GenesisAccount {
    /// Its id; any valid one.
    pub id: AccountId,
    /// What it has.
    pub balance: Balance,
    /// Its full-access key.
    pub key: SecretKey,
}

impl Default for ChainConfig {
    /// The main network's rules, but short epochs: 500 blocks.
    fn default() -> Self {
        Self {
            chain_id: "localnet".to_owned(),
            genesis_time_s: 1_700_000_000,
            producers: 1,
            epoch_blocks: 500,
            validity_blocks: 86_400,
            gas_price: Balance::from_yoctonear(100_000_000),
            states_kept: 20_000,
            accounts: Vec::new(),
        }
    }
}

impl GenesisAccount {
    /// An account whose key follows from its id, so that everybody knows it.
    pub fn new(id: AccountId, balance: Balance) -> Self {
        let key = SecretKey::from_seed(KeyType::ED25519, id.as_str());
        Self { id, balance, key }
    }
}

/// Those who produce blocks.
#[derive(Clone, Debug)]
pub(crate) struct Producers(Arc<[ValidatorSigner]>);

impl Producers {
    pub(crate) fn new(count: u16) -> Self {
        let producer = |index: u16| {
            let id: AccountId =
                format!("producer-{index}.near").parse().expect("such ids are valid");
            let seed = id.to_string();
            InMemoryValidatorSigner::from_seed(id, KeyType::ED25519, &seed)
        };
        Self((0..count.max(1)).map(producer).collect())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &ValidatorSigner> {
        self.0.iter()
    }

    /// Whose turn it is at `height`.
    pub(crate) fn at(&self, height: u64) -> &ValidatorSigner {
        let turn = height % self.0.len() as u64;
        &self.0[usize::try_from(turn).unwrap_or(0)]
    }

    pub(crate) const fn stake() -> Balance {
        Balance::from_near(STAKE_NEAR)
    }
}

/// The first state.
pub(crate) fn state(config: &ChainConfig, producers: &Producers) -> Trie {
    let mut update = Update::new(Trie::default());
    for GenesisAccount { id, balance, key } in &config.accounts {
        add_account(&mut update, id, *balance, &key.public_key());
    }
    for producer in producers.iter() {
        let usage = new_account(Balance::ZERO, AccountContract::None).storage_usage();
        let account = Account::new(Balance::ZERO, Producers::stake(), AccountContract::None, usage);
        update.set_account(producer.validator_id(), &account);
    }
    update.keep();
    update.finish()
}

/// Makes an account out of nothing, with a full-access key.
pub(crate) fn add_account(update: &mut Update, id: &AccountId, balance: Balance, key: &PublicKey) {
    let access = AccessKey::full_access();
    let mut account = new_account(balance, AccountContract::None);
    account.set_storage_usage(account.storage_usage() + key_storage(key, &access));
    update.set_account(id, &account);
    update.set_access_key(id, key, &access);
}
