//! A chain with a registry on it, and a folder for the nodes that know it.

use std::path::Path;

use anyhow::{Context as _, Result};
use harness::{Anvil, AnvilConfig, Node, NodeConfig};
use tempfile::TempDir;

use crate::world::text;

/// Where nodes are started that share a chain.
#[derive(Debug)]
pub struct Site {
    /// The chain.
    pub anvil: Anvil,
    /// The registry's address.
    pub registry: String,
    dir: TempDir,
}

impl Site {
    /// Starts the chain and deploys the registry, which account 0 pays.
    ///
    /// # Errors
    /// If it does not start.
    pub async fn start_on(config: AnvilConfig) -> Result<Self> {
        let dir = TempDir::with_prefix("anchorhold-story-")?;
        let anvil = Anvil::start_with(config).await?;
        let (chain, url) = (anvil.chain(), anvil.url());
        let key = secret_file(dir.path(), "deployer", &anvil.account(0)?.secret)?;
        let plain = NodeConfig::named("deployer")?;
        let deployer = Node::prepare(&dir.path().join("deployer"), plain).await?;
        let deploy =
            ["anchor", "deploy", "--chain", &chain, "--key-file", &key, "--endpoint", &url];
        let deployed = deployer.cli(&deploy).await.context("deploying the registry")?;
        let registry = text(&deployed, "registry")?;
        let (_, address) = registry.rsplit_once(':').context("an account")?;
        Ok(Self { anvil, registry: address.to_owned(), dir })
    }

    /// The chain as `init --chain` names it, through these endpoints.
    pub fn flag(&self, endpoints: &[String]) -> String {
        format!("{}={}@{}", self.anvil.chain(), endpoints.join(","), self.registry)
    }

    /// Starts a node that knows the chain through its own endpoint.
    ///
    /// # Errors
    /// If it does not start.
    pub async fn node(&self, name: &str) -> Result<Node> {
        let mut node = self.prepare(name, &[self.anvil.url()]).await?;
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
        Node::prepare(&self.dir.path().join(name), config).await
    }

    /// The CAIP-10 name of an address of the chain.
    pub fn name(&self, address: &str) -> String {
        format!("{}:{address}", self.anvil.chain())
    }

    /// The CAIP-10 name of the development chain's account `index`.
    ///
    /// # Errors
    /// If there is none.
    pub fn account(&self, index: usize) -> Result<String> {
        Ok(self.name(&self.anvil.account(index)?.address))
    }

    /// Gives `node` the key of the development chain's account `index`; the account's name.
    ///
    /// # Errors
    /// What the command line says.
    pub async fn import(&self, node: &Node, index: usize) -> Result<String> {
        let secret = self.anvil.account(index)?.secret;
        let key = self.secret_file(&format!("account-{index}"), &secret)?;
        let import = ["account", "import", "--chain", &self.anvil.chain(), "--key-file", &key];
        text(&node.cli(&import).await?, "account")
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
