//! The chains of the configuration, each behind its adapter.

use std::{collections::BTreeMap, sync::Arc};

use anyhow::{Context as _, bail};
use async_trait::async_trait;
use chain::{AccountKey, Chain, ChainError, Consensus, Signer, WalletSet, Wallets};
use ethereum::{Ethereum, EthereumConfig, EthereumWallets, LightClientConfig};
use icp::{Deployment, Icp, IcpConfig, IcpWallets};
use near::{Near, NearConfig, NearWallets};
use starknet::{CoreContract, Starknet, StarknetConfig, StarknetWallets, WordsOnL1};
use types::{AccountId, ChainId, Hash};
use url::Url;

use crate::{config::ChainConfig, failure};

/// What stands in the configuration of any chain.
macro_rules! reading {
    ($config:expr, $kind:ident) => {{
        let first = $config.endpoints.first().context("the configuration names no endpoint")?;
        $kind {
            endpoints: $config.endpoints.clone(),
            needed: $config.needed,
            ..$kind::new(first.clone())
        }
    }};
}

/// Nobody's address on Ethereum, since the zero address is none: asked for its code to see which
/// chain an endpoint serves.
const NOBODY: &str = "0x0000000000000000000000000000000000000001";
/// What a registry on NEAR is called, below the account of who deploys it.
const NAME: &str = "registry";

/// The chains by name.
pub(crate) type Chains = BTreeMap<ChainId, Arc<dyn Chain>>;

/// Makes the adapters; asks no endpoint.
///
/// # Errors
/// For a chain that no adapter knows, or a registry that is no account there.
pub(crate) fn open(configs: &[ChainConfig]) -> anyhow::Result<Chains> {
    configs.iter().map(|config| Ok((config.id.clone(), adapter(config, configs)?))).collect()
}

/// The wallets of all chains, whether configured or not.
pub(crate) fn wallets() -> WalletSet {
    WalletSet::new([
        ("eip155", Arc::new(EthereumWallets) as Arc<dyn Wallets>),
        ("near", Arc::new(NearWallets)),
        ("icp", Arc::new(IcpWallets::default())),
        ("starknet", Arc::new(StarknetWallets::default())),
    ])
}

/// Makes the adapter of one registry; asks no endpoint. `others` are those that it may need.
///
/// # Errors
/// As [`open`].
pub(crate) fn adapter(
    config: &ChainConfig,
    others: &[ChainConfig],
) -> anyhow::Result<Arc<dyn Chain>> {
    let (registry, chain) = (config.registry.clone(), || format!("chain {}", config.id));
    let made: Arc<dyn Chain> = match config.id.namespace() {
        "eip155" => Arc::new(ethereum(config)?),
        "near" => {
            let reading = reading!(config, NearConfig);
            let reading = NearConfig { trusted_block: config.trusted_block, ..reading };
            Arc::new(Near::new(registry, reading).with_context(chain)?)
        }
        "icp" => Arc::new(Icp::new(registry, reading!(config, IcpConfig)).with_context(chain)?),
        "starknet" => {
            let reading = starknet(config, others)?;
            Arc::new(Starknet::new(registry, reading).with_context(chain)?)
        }
        other => bail!("chain {}: this node has no adapter for {other}", config.id),
    };
    Ok(made)
}

/// The account that pays with `key`: the one that is named, or that the key names.
///
/// # Errors
/// If the key is none of the chain, or another account's.
pub(crate) fn payer(
    chain: &ChainId,
    account: Option<AccountId>,
    key: &AccountKey,
) -> anyhow::Result<AccountId> {
    let set = wallets();
    let wallets =
        set.on(chain).with_context(|| format!("this node knows no wallets of {chain}"))?;
    let Some(account) = account else { return Ok(wallets.account(chain, key)?) };
    if account.chain() != *chain {
        bail!("{account} is not on {chain}");
    }
    wallets.fits(&account, key)?;
    Ok(account)
}

/// What only one kind of chain asks of whoever deploys.
#[derive(Debug, Default)]
pub(crate) struct Deploying {
    /// On the Internet Computer: who may make records, besides who deploys.
    pub(crate) creators: Vec<AccountId>,
    /// On Starknet: the chain is for development.
    pub(crate) development: bool,
}

/// Puts a new registry on a chain, paid by `signer`; its account.
///
/// # Errors
/// For a chain that no adapter knows; what the chain says.
pub(crate) async fn deploy(
    chain: &ChainId,
    endpoint: Url,
    signer: &Signer,
    Deploying { creators, development }: Deploying,
) -> anyhow::Result<AccountId> {
    if development && chain.namespace() != "starknet" {
        bail!("chain {chain}: only Starknet's chains for development differ from the others");
    }
    if !creators.is_empty() && chain.namespace() != "icp" {
        bail!("chain {chain}: everybody makes records there, there is no list of who may");
    }
    let deployed: Box<dyn Chain> = match chain.namespace() {
        "eip155" => {
            let config = EthereumConfig::new(endpoint);
            let nobody = Ethereum::new(AccountId::new(chain, NOBODY)?, config.clone())?;
            match nobody.verify_registry().await {
                Ok(()) | Err(ChainError::NoRegistry { .. } | ChainError::OtherRegistry { .. }) => {}
                Err(error) => return Err(error.into()),
            }
            Box::new(Ethereum::deploy(config, &signer.key).await?)
        }
        "near" => Box::new(Near::deploy(NearConfig::new(endpoint), signer, NAME).await?),
        "icp" => {
            let creators = [vec![signer.account.clone()], creators].concat();
            let deployment =
                Deployment { creators, records_per_creator: u32::MAX, has_controller: false };
            Box::new(Icp::deploy_as(IcpConfig::new(endpoint), signer, &deployment).await?)
        }
        "starknet" => {
            let reading = if development {
                StarknetConfig::development(endpoint, 0)
            } else {
                StarknetConfig::new(endpoint)
            };
            Box::new(Starknet::deploy(reading, signer).await?)
        }
        other => bail!("chain {chain}: this node has no adapter for {other}"),
    };
    Ok(deployed.locator().id().clone())
}

fn ethereum(config: &ChainConfig) -> anyhow::Result<Ethereum> {
    let light_client = config.light_client.as_ref().map(|client| {
        let number = config.id.reference().parse().ok();
        let known = number.and_then(|number| {
            LightClientConfig::new(number, client.beacon.clone(), client.checkpoint)
        });
        known.with_context(|| format!("chain {}: this node knows no beacon chain of it", config.id))
    });
    let reading = reading!(config, EthereumConfig);
    let reading = EthereumConfig { light_client: light_client.transpose()?, ..reading };
    let made = Ethereum::new(config.registry.clone(), reading);
    made.with_context(|| format!("chain {}", config.id))
}

fn starknet(config: &ChainConfig, others: &[ChainConfig]) -> anyhow::Result<StarknetConfig> {
    let reading = reading!(config, StarknetConfig);
    if config.development {
        let StarknetConfig { endpoints, needed, .. } = reading;
        let first = endpoints.first().context("the configuration names no endpoint")?.clone();
        return Ok(StarknetConfig { endpoints, needed, ..StarknetConfig::development(first, 0) });
    }
    let consensus = match &config.l1 {
        None => None,
        Some(l1) => {
            let above = others.iter().find(|other| other.id == *l1);
            let above = above.with_context(|| format!("l1: {l1} is not configured"))?;
            let reader = Arc::new(Above { name: l1.to_string(), chain: ethereum(above)? });
            let core = CoreContract::of(&config.id, reader);
            let core = core.with_context(|| format!("l1: {} is not settled there", config.id))?;
            Some(Arc::new(core) as Arc<dyn Consensus>)
        }
    };
    Ok(StarknetConfig { consensus, ..reading })
}

/// The chain that Starknet is settled on.
#[derive(Debug)]
struct Above {
    name: String,
    chain: Ethereum,
}

#[async_trait]
impl WordsOnL1 for Above {
    fn name(&self) -> &str {
        &self.name
    }

    async fn words(
        &self,
        contract: &AccountId,
        slots: &[Hash],
    ) -> Result<Option<Vec<Hash>>, ChainError> {
        self.chain.words(contract, slots).await
    }
}

/// Looks whether each endpoint serves the registry that it should, and tells the log. The node runs
/// on without: what needs the chain waits.
pub(crate) async fn check(chains: Chains) {
    for (id, chain) in chains {
        match chain.verify_registry().await {
            Ok(()) => tracing::info!(chain = %id, registry = %chain.locator(), "chain is there"),
            Err(error) => {
                let error = failure::line(&error);
                tracing::warn!(chain = %id, error, "chain cannot be used now");
            }
        }
    }
}
