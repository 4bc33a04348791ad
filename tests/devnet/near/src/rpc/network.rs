//! The node, its network and who produces blocks.

use near_jsonrpc_primitives::types::{
    config::{RpcProtocolConfigError, RpcProtocolConfigRequest},
    network_info::RpcNetworkInfoResponse,
};
use near_parameters::RuntimeConfigView;
use near_primitives::{
    shard_layout::ShardLayout,
    types::ShardId,
    version::{PROTOCOL_VERSION, Version},
    views::{
        CurrentEpochValidatorInfo, EpochValidatorInfo, NextEpochValidatorInfo, StatusResponse,
        StatusSyncInfo, ValidatorInfo, validator_stake_view::ValidatorStakeView,
    },
};
use serde_json::{Value, json};

use super::{Answer, params, shown};
use crate::{
    Chain,
    block::{self, GAS_LIMIT},
    devnet::Node,
    genesis::Producers,
    runtime::CONFIG,
};

pub(crate) fn status(node: &Node) -> Answer {
    let chain = node.chain();
    let producer = chain.producers().at(0);
    let ids = chain.producers().iter().map(|producer| producer.validator_id().clone());
    shown(StatusResponse {
        version: Version {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            build: "anchorhold-devnet-near".to_owned(),
            ..Version::default()
        },
        chain_id: chain.config().chain_id.clone(),
        protocol_version: PROTOCOL_VERSION,
        latest_protocol_version: PROTOCOL_VERSION,
        rpc_addr: Some(node.addr().to_string()),
        validators: ids.map(|account_id| ValidatorInfo { account_id }).collect(),
        sync_info: sync_info(&chain),
        validator_account_id: None,
        validator_public_key: None,
        node_public_key: producer.public_key(),
        node_key: None,
        uptime_sec: i64::try_from(node.uptime().as_secs()).unwrap_or(i64::MAX),
        genesis_hash: *chain.blocks()[0].hash(),
        detailed_debug_status: None,
    })
}

fn sync_info(chain: &Chain) -> StatusSyncInfo {
    let (head, first) = (chain.head(), &chain.blocks()[0]);
    StatusSyncInfo {
        latest_block_hash: *head.hash(),
        latest_block_height: head.height(),
        latest_state_root: *head.header.prev_state_root(),
        latest_block_time: head.header.timestamp(),
        syncing: false,
        earliest_block_hash: Some(*first.hash()),
        earliest_block_height: Some(0),
        earliest_block_time: Some(first.header.timestamp()),
        epoch_id: Some(*head.header.epoch_id()),
        epoch_start_height: Some(head.epoch_start),
    }
}

pub(super) fn info() -> Answer {
    shown(RpcNetworkInfoResponse {
        active_peers: Vec::new(),
        num_active_peers: 0,
        peer_max_count: 0,
        sent_bytes_per_sec: 0,
        received_bytes_per_sec: 0,
        known_producers: Vec::new(),
    })
}

/// The same in all epochs, whichever is asked for.
pub(super) fn validators(node: &Node, _request: Value) -> Answer {
    let chain = node.chain();
    let head = chain.head();
    let blocks = (head.height() + 1).saturating_sub(head.epoch_start);
    let producers = chain.producers();
    let shards = || vec![ShardId::new(0)];
    let current = producers.iter().map(|producer| {
        let turns = (head.epoch_start..=head.height())
            .filter(|height| producers.at(*height).validator_id() == producer.validator_id());
        let turns = turns.count() as u64;
        CurrentEpochValidatorInfo {
            account_id: producer.validator_id().clone(),
            public_key: producer.public_key(),
            is_slashed: false,
            stake: Producers::stake(),
            shards_produced: shards(),
            num_produced_blocks: turns,
            num_expected_blocks: turns,
            num_produced_chunks: turns,
            num_expected_chunks: turns,
            num_produced_chunks_per_shard: vec![turns],
            num_expected_chunks_per_shard: vec![turns],
            num_produced_endorsements: blocks,
            num_expected_endorsements: blocks,
            num_produced_endorsements_per_shard: vec![blocks],
            num_expected_endorsements_per_shard: vec![blocks],
            shards_endorsed: shards(),
        }
    });
    let next = producers.iter().map(|producer| NextEpochValidatorInfo {
        account_id: producer.validator_id().clone(),
        public_key: producer.public_key(),
        stake: Producers::stake(),
        shards: shards(),
    });
    shown(EpochValidatorInfo {
        current_validators: current.collect(),
        next_validators: next.collect(),
        current_fishermen: Vec::new(),
        next_fishermen: Vec::new(),
        current_proposals: Vec::new(),
        prev_epoch_kickout: Vec::new(),
        epoch_start_height: head.epoch_start,
        epoch_height: head.epoch_height,
        validator_reward_paid_prev_epoch: Default::default(),
    })
}

pub(super) fn validators_ordered(node: &Node) -> Answer {
    let chain = node.chain();
    let stakes = block::stakes(chain.producers()).into_iter();
    shown(stakes.map(ValidatorStakeView::from).collect::<Vec<_>>())
}

pub(super) fn protocol_config(node: &Node, request: Value) -> Answer {
    let RpcProtocolConfigRequest { block_reference } = params::parsed(request)?;
    let chain = node.chain();
    let error_message = format!("{block_reference:?}");
    params::block(&chain, &block_reference)
        .ok_or(RpcProtocolConfigError::UnknownBlock { error_message })?;
    config(&chain)
}

/// The main network's settings where this chain has none of its own.
fn config(chain: &Chain) -> Answer {
    let times = shown(sync_info(chain))?;
    let own = chain.config();
    let seats = chain.producers().iter().count();
    let ratio = |numerator: u32, denominator: u32| json!([numerator, denominator]);
    Ok(json!({
        "protocol_version": PROTOCOL_VERSION,
        "genesis_time": times["earliest_block_time"],
        "chain_id": own.chain_id,
        "genesis_height": 0,
        "num_block_producer_seats": seats,
        "dynamic_resharding": false,
        "protocol_upgrade_stake_threshold": ratio(4, 5),
        "epoch_length": own.epoch_blocks,
        "gas_limit": GAS_LIMIT,
        "min_gas_price": own.gas_price,
        "max_gas_price": own.gas_price,
        "block_producer_kickout_threshold": 80,
        "chunk_producer_kickout_threshold": 80,
        "chunk_validator_only_kickout_threshold": 70,
        "target_validator_mandates_per_shard": 105,
        "online_min_threshold": ratio(9, 10),
        "online_max_threshold": ratio(99, 100),
        "gas_price_adjustment_rate": ratio(0, 1),
        "runtime_config": RuntimeConfigView::from((**CONFIG).clone()),
        "transaction_validity_period": own.validity_blocks,
        "protocol_reward_rate": ratio(0, 1),
        "max_inflation_rate": ratio(0, 1),
        "num_blocks_per_year": 31_536_000,
        "protocol_treasury_account": "near",
        "fishermen_threshold": "340282366920938463463374607431768211455",
        "minimum_stake_divisor": 10,
        "max_kickout_stake_perc": 30,
        "minimum_stake_ratio": ratio(1, 6250),
        "shuffle_shard_assignment_for_chunk_producers": false,
        "minimum_validators_per_shard": 1,
        "shard_layout": ShardLayout::single_shard(),
    }))
}
