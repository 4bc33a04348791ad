//! A chain with a registry on it, and a folder for the nodes that know it.

use std::path::Path;

use anyhow::{Context as _, Result};
use harness::{Anvil, AnvilConfig, DevAccount, Devnet, DevnetKind, Node, NodeConfig};
use tempfile::TempDir;

use crate::{wallet, world::text};

/// How many accounts of the Internet Computer may make records.
const CREATORS: usize = 4;

/// A development chain of any kind.
#[derive(Debug)]
pub enum Ground {
    /// An Ethereum node.
    Ethereum(Anvil),
    /// One of the others.
    Other(Devnet),
}

/// Where nodes are started that share a chain.
#[derive(Debug)]
pub struct Site {
    /// The chain.
    pub ground: Ground,
    /// The registry's address.
    pub registry: String,
    dir: TempDir,
}

impl Ground {
    /// Its CAIP-2 name.
    pub fn chain(&self) -> String {
        match self {
            Self::Ethereum(anvil) => anvil.chain(),
            Self::Other(devnet) => devnet.chain().to_owned(),
        }
    }

    /// Where it answers.
    pub fn url(&self) -> String {
        match self {
            Self::Ethereum(anvil) => anvil.url(),
            Self::Other(devnet) => devnet.url().to_owned(),
        }
    }

    /// The funded account number `index`.
    ///
    /// # Errors
    /// If there is no such one.
    pub fn account(&self, index: usize) -> Result<DevAccount> {
        match self {
            Self::Ethereum(anvil) => anvil.account(index),
            Self::Other(devnet) => devnet.account(index),
        }
    }

    /// What else `anchor deploy` is told.
    fn deploying(&self) -> Result<Vec<String>> {
        let Self::Other(devnet) = self else { return Ok(Vec::new()) };
        match devnet.kind() {
            DevnetKind::Near => Ok(Vec::new()),
            DevnetKind::Starknet => Ok(vec!["--development".to_owned()]),
            // Not everybody may make records there.
            DevnetKind::Icp => {
                let creators = (1..CREATORS).map(|index| {
                    let account = format!("{}:{}", devnet.chain(), devnet.account(index)?.address);
                    Ok(["--creator".to_owned(), account])
                });
                Ok(creators.collect::<Result<Vec<_>>>()?.concat())
            }
        }
    }

    fn is_starknet(&self) -> bool {
        matches!(self, Self::Other(devnet) if devnet.kind() == DevnetKind::Starknet)
    }

    /// What is said where another key than an account's signed for it.
    pub fn says_of_a_stranger(&self) -> &'static str {
        match self {
            Self::Ethereum(_) => "signed by",
            Self::Other(devnet) if devnet.kind() == DevnetKind::Icp => "signed by",
            // There only the chain knows whose a key is.
            Self::Other(_) => "does not confirm that",
        }
    }

    /// Lets it answer no more.
    ///
    /// # Errors
    /// If it does not end, or is gone.
    pub async fn stop(&mut self) -> Result<()> {
        match self {
            Self::Ethereum(anvil) => anvil.stop().await,
            Self::Other(devnet) => devnet.process().freeze(),
        }
    }

    /// Lets it answer again, with the state that it had.
    ///
    /// # Errors
    /// If it does not start, or is gone.
    pub async fn restart(&mut self) -> Result<()> {
        match self {
            Self::Ethereum(anvil) => anvil.restart().await,
            Self::Other(devnet) => devnet.process().thaw(),
        }
    }
}

impl Site {
    /// Starts the chain and deploys the registry, which account 0 pays.
    ///
    /// # Errors
    /// If it does not start.
    pub async fn start_on(config: AnvilConfig) -> Result<Self> {
        Self::on(Ground::Ethereum(Anvil::start_with(config).await?)).await
    }

    /// As [`Site::start_on`], on a chain of another kind.
    ///
    /// # Errors
    /// As there.
    pub async fn start_devnet(kind: DevnetKind) -> Result<Self> {
        Self::on(Ground::Other(Devnet::start(kind).await?)).await
    }

    async fn on(ground: Ground) -> Result<Self> {
        let dir = TempDir::with_prefix("anchorhold-story-")?;
        let (chain, url, payer) = (ground.chain(), ground.url(), ground.account(0)?);
        let key = secret_file(dir.path(), "deployer", &payer.secret)?;
        let payer = format!("{chain}:{}", payer.address);
        let plain = NodeConfig::named("deployer")?;
        let deployer = Node::prepare(&dir.path().join("deployer"), plain).await?;
        let deploy = ["anchor", "deploy", "--chain", &chain, "--key-file", &key];
        let payer = ["--account", &payer, "--endpoint", &url];
        let more = ground.deploying()?;
        let more: Vec<&str> = more.iter().map(String::as_str).collect();
        let deployed = deployer
            .cli(&[&deploy[..], &payer, &more].concat())
            .await
            .context("deploying the registry")?;
        let registry = text(&deployed, "registry")?;
        let (_, address) = registry.rsplit_once(':').context("an account")?;
        Ok(Self { ground, registry: address.to_owned(), dir })
    }

    /// The Ethereum node.
    ///
    /// # Panics
    /// If the chain is another.
    pub fn anvil(&self) -> &Anvil {
        match &self.ground {
            Ground::Ethereum(anvil) => anvil,
            Ground::Other(devnet) => panic!("the chain is {}", devnet.chain()),
        }
    }

    /// The chain as `init --chain` names it, through these endpoints.
    pub fn flag(&self, endpoints: &[String]) -> String {
        format!("{}={}@{}", self.ground.chain(), endpoints.join(","), self.registry)
    }

    /// Starts a node that knows the chain through its own endpoint.
    ///
    /// # Errors
    /// If it does not start.
    pub async fn node(&self, name: &str) -> Result<Node> {
        let mut node = self.prepare(name, &[self.ground.url()]).await?;
        node.restart().await?;
        Ok(node)
    }

    /// Makes a node that knows the chain through these endpoints; does not start it.
    ///
    /// # Errors
    /// If it cannot be made.
    pub async fn prepare(&self, name: &str, endpoints: &[String]) -> Result<Node> {
        let chain = self.flag(endpoints);
        let config = NodeConfig::named(name)?.init_with(["--no-mdns", "--chain", &chain]);
        let node = Node::prepare(&self.dir.path().join(name), config).await?;
        if self.ground.is_starknet() {
            // The chain's table stands last.
            let path = node.data().join("config.toml");
            let text = std::fs::read_to_string(&path)? + "development = true\n";
            std::fs::write(path, text)?;
        }
        Ok(node)
    }

    /// The CAIP-10 name of an address of the chain.
    pub fn name(&self, address: &str) -> String {
        format!("{}:{address}", self.ground.chain())
    }

    /// The CAIP-10 name of the development chain's account `index`.
    ///
    /// # Errors
    /// If there is none.
    pub fn account(&self, index: usize) -> Result<String> {
        Ok(self.name(&self.ground.account(index)?.address))
    }

    /// Gives `node` the key of the development chain's account `index`; the account's name.
    ///
    /// # Errors
    /// What the command line says.
    pub async fn import(&self, node: &Node, index: usize) -> Result<String> {
        let DevAccount { address, secret } = self.ground.account(index)?;
        let key = self.secret_file(&format!("account-{index}"), &secret)?;
        let (chain, account) = (self.ground.chain(), self.name(&address));
        let import = ["account", "import", "--chain", &chain, "--key-file", &key];
        let import = [&import[..], &["--account", &account]].concat();
        text(&node.cli(&import).await?, "account")
    }

    /// What a wallet with the key of account `index` answers to `message`, for the account at
    /// `address`: the library that wallets use signs.
    ///
    /// # Errors
    /// If it does not.
    pub async fn sign(&self, index: usize, address: &str, message: &str) -> Result<String> {
        let DevAccount { address: own, secret } = self.ground.account(index)?;
        match &self.ground {
            Ground::Ethereum(anvil) => {
                let hex: String = message.bytes().map(|byte| format!("{byte:02x}")).collect();
                let params = serde_json::json!([format!("0x{hex}"), own]);
                let signed = anvil.rpc("personal_sign", params).await?;
                Ok(signed.as_str().context("anvil signs")?.to_owned())
            }
            Ground::Other(devnet) => {
                wallet::answer(devnet.kind().namespace(), address, &secret, message).await
            }
        }
    }

    /// A file with `secret` that only we may read.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn secret_file(&self, name: &str, secret: &str) -> Result<String> {
        secret_file(self.dir.path(), name, secret)
    }
}

fn secret_file(dir: &Path, name: &str, secret: &str) -> Result<String> {
    use std::os::unix::fs::PermissionsExt as _;
    let path = dir.join(format!("{name}.key"));
    std::fs::write(&path, secret.trim_start_matches("0x"))?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
    Ok(path.display().to_string())
}
