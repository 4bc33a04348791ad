//! A chain that is served, and the real client that asks it.

use anchorhold_devnet_near::{
    Balance, ChainConfig, Devnet, DevnetConfig, GenesisAccount, Mining, Time,
};
use near_jsonrpc_client::{JsonRpcClient, methods};
use near_primitives::{
    types::{BlockReference, Finality},
    views::{BlockView, QueryRequest},
};

use crate::contract::{code, id};

type QueryFailure = near_jsonrpc_client::errors::JsonRpcError<methods::query::RpcQueryError>;

/// A chain on which `alice.near` and `bob.near` are rich, and `a.near` and `b.near` have the
/// contract.
pub(crate) async fn serve_with(chain: ChainConfig, mining: Mining, time: Time) -> Devnet {
    let rich = |name| GenesisAccount::new(id(name), Balance::from_near(1000));
    let chain = ChainConfig { accounts: vec![rich("alice.near"), rich("bob.near")], ..chain };
    let config = DevnetConfig { chain, mining, time, ..DevnetConfig::default() };
    let devnet = Devnet::start_own(config).await.expect("loopback has a free port");
    devnet.with(|chain| {
        for name in ["a.near", "b.near"] {
            chain.create_account(&id(name), Balance::from_near(10));
            chain.deploy(&id(name), &code()).expect("it is included");
        }
    });
    devnet
}

/// Blocks at once, and none besides.
pub(crate) async fn serve() -> Devnet {
    let mining = Mining { at_once: true, every: None };
    serve_with(ChainConfig::default(), mining, Time::System).await
}

pub(crate) fn client(devnet: &Devnet) -> JsonRpcClient {
    JsonRpcClient::connect(devnet.url())
}

pub(crate) async fn block(devnet: &Devnet, finality: Finality) -> BlockView {
    let block_reference = BlockReference::Finality(finality);
    let request = methods::block::RpcBlockRequest { block_reference };
    client(devnet).call(request).await.expect("it answers")
}

pub(crate) async fn query(
    devnet: &Devnet,
    block_reference: BlockReference,
    request: QueryRequest,
) -> Result<methods::query::RpcQueryResponse, QueryFailure> {
    let request = methods::query::RpcQueryRequest { block_reference, request };
    client(devnet).call(request).await
}
