//! The chains of the configuration, each behind its adapter.

use std::{collections::BTreeMap, sync::Arc};

use anyhow::{Context as _, bail};
use chain::Chain;
use ethereum::{Ethereum, EthereumConfig, LightClientConfig};
use types::ChainId;

use crate::{config::ChainConfig, failure};

/// The chains by name.
pub(crate) type Chains = BTreeMap<ChainId, Arc<dyn Chain>>;

/// Makes the adapters; asks no endpoint.
///
/// # Errors
/// For a chain that no adapter knows, or a registry that is no account there.
pub(crate) fn open(configs: &[ChainConfig]) -> anyhow::Result<Chains> {
    configs.iter().map(|config| Ok((config.id.clone(), adapter(config)?))).collect()
}

/// Makes the adapter of one registry; asks no endpoint.
///
/// # Errors
/// As [`open`].
pub(crate) fn adapter(config: &ChainConfig) -> anyhow::Result<Arc<dyn Chain>> {
    match config.id.namespace() {
        "eip155" => {
            let made = Ethereum::new(config.registry.clone(), reading(config)?);
            Ok(Arc::new(made.with_context(|| format!("chain {}", config.id))?))
        }
        other => bail!("chain {}: this node has no adapter for {other}", config.id),
    }
}

fn reading(config: &ChainConfig) -> anyhow::Result<EthereumConfig> {
    let first = config.endpoints.first().context("the configuration names no endpoint")?;
    let light_client = config.light_client.as_ref().map(|client| {
        let number = config.id.reference().parse().ok();
        let known = number.and_then(|number| {
            LightClientConfig::new(number, client.beacon.clone(), client.checkpoint)
        });
        known.with_context(|| format!("chain {}: this node knows no beacon chain of it", config.id))
    });
    Ok(EthereumConfig {
        endpoints: config.endpoints.clone(),
        needed: config.needed,
        light_client: light_client.transpose()?,
        ..EthereumConfig::new(first.clone())
    })
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
