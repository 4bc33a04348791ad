//! Who plays: accounts and keys by their names, with secrets that follow from the names.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail, ensure};
use governance::anchor::{Account, Registry};
use types::{Hash, MemberSecret, keccak256};

use crate::{
    eip155,
    script::{Flaw, Hex, Key, PerChain, Place, Player, Script},
};

/// CAIP-2 of the chain: the one that development nodes make.
const CHAIN: &str = "eip155:31337";
/// Where such a node's first account puts its first contract.
const REGISTRY: [u8; 20] = [
    0x5f, 0xbd, 0xb2, 0x31, 0x56, 0x78, 0xaf, 0xec, 0xb3, 0x67, 0xf0, 0x32, 0xd9, 0x3f, 0x64, 0x2f,
    0x64, 0x18, 0x0a, 0xa3,
];
/// Unix time before the first step of every trace.
pub(crate) const START_S: u64 = 1_800_000_000;

/// Where it plays, and who may be named.
#[derive(Clone, Debug)]
pub struct Cast {
    place: Place,
    registry: Registry,
    accounts: BTreeMap<String, Player>,
    /// What they are where it plays.
    addresses: BTreeMap<String, Account>,
    keys: BTreeMap<String, Key>,
}

impl Cast {
    /// Nobody yet, at the place of all traces.
    ///
    /// # Errors
    /// None for the constants of this file.
    pub fn new() -> Result<Self> {
        let registry = Hex::of(REGISTRY);
        let place = Place { chain: CHAIN.to_owned(), registry, start_s: START_S };
        let (accounts, addresses) = (BTreeMap::new(), BTreeMap::new());
        let registry = registry_of(&place)?;
        Ok(Self { registry, place, accounts, addresses, keys: BTreeMap::new() })
    }

    /// Who stands in a script.
    ///
    /// # Errors
    /// If an address or public key is not its secret's.
    pub fn of_script(script: &Script) -> Result<Self> {
        let place = script.profile.eip155.clone();
        let mut addresses = BTreeMap::new();
        for (name, player) in &script.accounts {
            let address = eip155::address(player.secret.bytes())?;
            ensure!(player.eip155.bytes() == address, "{name} has another address");
            addresses.insert(name.clone(), account_of(player)?);
        }
        for (name, key) in &script.keys {
            let made = key_of(key.scheme, key.secret.clone())?;
            ensure!(*key == made, "{name} is another key");
        }
        let (accounts, keys) = (script.accounts.clone(), script.keys.clone());
        Ok(Self { registry: registry_of(&place)?, place, accounts, addresses, keys })
    }

    /// The same names and keys in another registry, where `account` says what each name is.
    ///
    /// # Errors
    /// If it does not know a name.
    pub(crate) fn elsewhere(
        mut self,
        registry: Registry,
        account: impl Fn(&str) -> Option<Account>,
    ) -> Result<Self> {
        for (name, address) in &mut self.addresses {
            *address = account(name).with_context(|| format!("what is {name} there?"))?;
        }
        self.registry = registry;
        Ok(self)
    }

    /// Takes an account in, if it is not there.
    ///
    /// # Errors
    /// None, but for one name in 2^128.
    pub(crate) fn hire(&mut self, name: &str) -> Result<()> {
        let secret = Hex::of(secret("account", name).as_bytes());
        let eip155 = Hex::of(eip155::address(secret.bytes())?);
        let player = Player { eip155, secret };
        self.addresses.insert(name.to_owned(), account_of(&player)?);
        self.accounts.entry(name.to_owned()).or_insert(player);
        Ok(())
    }

    /// Takes a key in, if it is not there.
    ///
    /// # Errors
    /// If there is no such scheme.
    pub(crate) fn forge(&mut self, name: &str, scheme: u8) -> Result<&Key> {
        let key = key_of(scheme, Hex::of(secret("key", name).as_bytes()))?;
        Ok(self.keys.entry(name.to_owned()).or_insert(key))
    }

    /// Takes in who is in `other`.
    ///
    /// # Errors
    /// If a name stands for two keys.
    pub(crate) fn join(&mut self, other: Self) -> Result<()> {
        self.accounts.extend(other.accounts);
        self.addresses.extend(other.addresses);
        for (name, key) in other.keys {
            let known = self.keys.entry(name.clone()).or_insert_with(|| key.clone());
            ensure!(*known == key, "{name} is two keys");
        }
        Ok(())
    }

    /// An empty script in which they may play.
    pub(crate) fn script(self, group: &str) -> Script {
        Script {
            format: crate::script::FORMAT,
            group: group.to_owned(),
            profile: PerChain { eip155: self.place },
            accounts: self.accounts,
            keys: self.keys,
            traces: Vec::new(),
        }
    }

    /// Where it plays.
    pub const fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The account of this name.
    ///
    /// # Errors
    /// If nobody has the name.
    pub fn account(&self, name: &str) -> Result<Account> {
        self.addresses.get(name).cloned().with_context(|| format!("who is {name}?"))
    }

    /// The key of this name.
    ///
    /// # Errors
    /// If none has the name.
    pub(crate) fn key(&self, name: &str) -> Result<&Key> {
        self.keys.get(name).with_context(|| format!("which key is {name}?"))
    }

    /// What the account or key called `name` signs `digest` with.
    ///
    /// # Errors
    /// If nobody has the name, or `flaw` cannot be had with its scheme.
    pub(crate) fn sign(&self, name: &str, digest: &Hash, flaw: Option<Flaw>) -> Result<Vec<u8>> {
        if let Some(player) = self.accounts.get(name) {
            return eip155::sign(player.secret.bytes(), digest, flaw);
        }
        let key = self.key(name)?;
        let secret = key.secret.bytes();
        if key.scheme == eip155::SECP256K1 {
            return eip155::sign(secret, digest, flaw);
        }
        ensure!(flaw.is_none(), "only secp256k1 signatures have that flaw");
        if key.scheme == eip155::ED25519 {
            let seed = key.secret.array().context("no 32 bytes")?;
            let signature = MemberSecret::from_seed(&seed).sign_bytes(digest.as_bytes());
            return Ok(signature.as_bytes().to_vec());
        }
        let key = p256::ecdsa::SigningKey::from_slice(secret)?;
        let (signature, _) = key.sign_prehash_recoverable(digest.as_bytes())?;
        let signature = signature.normalize_s().unwrap_or(signature);
        Ok(signature.to_bytes().to_vec())
    }
}

fn registry_of(place: &Place) -> Result<Registry> {
    let chain = place.chain.parse().context("no chain")?;
    let account = Account::new(place.registry.bytes()).context("no registry")?;
    Ok(Registry { chain, account })
}

fn account_of(player: &Player) -> Result<Account> {
    Account::new(player.eip155.bytes()).context("no account")
}

fn secret(what: &str, name: &str) -> Hash {
    keccak256(format!("anchorhold traces: {what} {name}").as_bytes())
}

fn key_of(scheme: u8, secret: Hex) -> Result<Key> {
    let (public, address) = match scheme {
        eip155::ED25519 => {
            let seed = secret.array().context("no 32 bytes")?;
            (MemberSecret::from_seed(&seed).public().as_bytes().to_vec(), None)
        }
        eip155::SECP256K1 => {
            let address = eip155::address(secret.bytes())?;
            (eip155::point(secret.bytes())?, Some(Hex::of(address)))
        }
        eip155::P256 => {
            let key = p256::ecdsa::SigningKey::from_slice(secret.bytes())?;
            let point = key.verifying_key().to_encoded_point(false);
            (point.as_bytes()[1..].to_vec(), None)
        }
        _ => bail!("no scheme {scheme}"),
    };
    Ok(Key { scheme, secret, public: Hex::of(public), address })
}
