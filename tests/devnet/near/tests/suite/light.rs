//! What a light client is told, against our own light client and verifier.

use anchorhold_devnet_near::{ChainConfig, Devnet, Mining, Time};
use near::{
    CryptoHash,
    proof::{Header, InnerLite, LightClient, Producer, StakeForm, shard_root},
};
use near_jsonrpc_client::methods;
use near_primitives::{
    hash::CryptoHash as NearHash,
    types::{BlockId, BlockReference, Finality, TransactionOrReceiptId},
    views::{LightClientBlockView, QueryRequest},
};
use serde_json::{Value, json};

use crate::{
    contract::{call, id},
    served::{block, client, query, serve_with},
};

fn ours(hash: NearHash) -> CryptoHash {
    CryptoHash::from_bytes(hash.0)
}

/// By hand, so that tests know which block is which.
async fn serve(epoch_blocks: u64, producers: u16) -> Devnet {
    let chain = ChainConfig { epoch_blocks, producers, ..ChainConfig::default() };
    serve_with(chain, Mining { at_once: false, every: None }, Time::ByHand).await
}

fn json_of<T: serde::Serialize>(value: T) -> Value {
    serde_json::to_value(value).expect("it can be shown")
}

/// Checks a claim with our verifier.
#[track_caller]
fn holds(kind: &str, claim: &Value) {
    let verdict = near::verify(kind, claim).expect("the kind is known");
    assert!(verdict.valid, "{kind}: {:?}", verdict.reason);
}

async fn next_block(devnet: &Devnet, last_block_hash: NearHash) -> Option<LightClientBlockView> {
    let request =
        methods::next_light_client_block::RpcLightClientNextBlockRequest { last_block_hash };
    client(devnet).call(request).await.ok().flatten()
}

/// The header in the form in which light clients keep it.
async fn header(devnet: &Devnet, hash: NearHash) -> (Header, Value) {
    let request = methods::EXPERIMENTAL_light_client_block_proof::RpcLightClientBlockProofRequest {
        block_hash: hash,
        light_client_head: block(devnet, Finality::None).await.header.hash,
    };
    let lite = client(devnet).call(request).await.expect("it answers").block_header_lite;
    let inner = &lite.inner_lite;
    let header = Header {
        prev_block_hash: ours(lite.prev_block_hash),
        inner_rest_hash: ours(lite.inner_rest_hash),
        inner: InnerLite {
            height: inner.height,
            epoch_id: ours(inner.epoch_id),
            next_epoch_id: ours(inner.next_epoch_id),
            prev_state_root: ours(inner.prev_state_root),
            outcome_root: ours(inner.outcome_root),
            timestamp_ns: inner.timestamp_nanosec,
            next_bp_hash: ours(inner.next_bp_hash),
            block_merkle_root: ours(inner.block_merkle_root),
        },
    };
    (header, json_of(lite))
}

async fn producers(devnet: &Devnet) -> (Vec<Producer>, Value) {
    let request =
        methods::EXPERIMENTAL_validators_ordered::RpcValidatorsOrderedRequest { block_id: None };
    let stakes = client(devnet).call(request).await.expect("it answers");
    let shown = json_of(&stakes);
    let producer = |stake: near_primitives::views::validator_stake_view::ValidatorStakeView| {
        let stake = stake.into_validator_stake();
        let (account_id, key, stake) = stake.destructure();
        Producer {
            account_id: account_id.as_str().parse().expect("a valid account id"),
            key: key.unwrap_as_ed25519().0,
            stake: stake.as_yoctonear(),
            form: StakeForm::V1,
        }
    };
    (stakes.into_iter().map(producer).collect(), shown)
}

#[tokio::test]
async fn our_light_client_follows_through_epochs() {
    let devnet = serve(5, 3).await;
    devnet.produce(2);
    let start = devnet.with(|chain| *chain.by_height(1).expect("it is there").hash());
    let (first, _) = header(&devnet, start).await;
    assert_eq!(first.hash(), ours(start), "the hash follows from the parts");
    let (list, shown) = producers(&devnet).await;
    let mut light = LightClient::start(first, list).expect("the header names the producers");
    let (mut last, mut steps) = (start, 0);
    devnet.produce(23);
    while let Some(view) = next_block(&devnet, last).await {
        let claim = json!({
            "block": view,
            "head": header(&devnet, last).await.1,
            "block_producers": shown,
        });
        holds("lc-block", &claim);
        last = devnet.with(|chain| {
            let found = chain.by_height(view.inner_lite.height).expect("it is there");
            *found.hash()
        });
        // The first epoch's producers are named by no header.
        if let Some(block) = parsed(&claim) {
            match light.advance(block) {
                Ok(stake) => assert_eq!(stake.approved, stake.total),
                Err(refused) => assert_eq!(steps, 0, "{refused}"),
            }
        }
        steps += 1;
        assert!(steps < 20, "it comes to an end");
    }
    assert!(steps >= 4, "one step for each epoch: {steps}");
    let head = devnet.with(|chain| chain.head().height());
    let known = devnet.with(|chain| chain.by_hash(&last).expect("it is there").height());
    assert!(known + 4 >= head, "{known} of {head}");
    assert_eq!(*light.hash(), ours(last));
}

/// The block in our own form, from the claim's JSON.
fn parsed(claim: &Value) -> Option<near::proof::Block> {
    let view: LightClientBlockView = serde_json::from_value(claim["block"].clone()).ok()?;
    let inner = &view.inner_lite;
    let producer = |stake: near_primitives::views::validator_stake_view::ValidatorStakeView| {
        let (account_id, key, stake) = stake.into_validator_stake().destructure();
        Producer {
            account_id: account_id.as_str().parse().expect("a valid account id"),
            key: key.unwrap_as_ed25519().0,
            stake: stake.as_yoctonear(),
            form: StakeForm::V1,
        }
    };
    let approval = |signature: &Option<Box<near_crypto::Signature>>| match signature.as_deref() {
        Some(near_crypto::Signature::ED25519(signature)) => Some(signature.to_bytes()),
        _ => None,
    };
    Some(near::proof::Block {
        header: Header {
            prev_block_hash: ours(view.prev_block_hash),
            inner_rest_hash: ours(view.inner_rest_hash),
            inner: InnerLite {
                height: inner.height,
                epoch_id: ours(inner.epoch_id),
                next_epoch_id: ours(inner.next_epoch_id),
                prev_state_root: ours(inner.prev_state_root),
                outcome_root: ours(inner.outcome_root),
                timestamp_ns: inner.timestamp_nanosec,
                next_bp_hash: ours(inner.next_bp_hash),
                block_merkle_root: ours(inner.block_merkle_root),
            },
        },
        next_block_inner_hash: ours(view.next_block_inner_hash),
        next_producers: view.next_bps.map(|list| list.into_iter().map(producer).collect()),
        approvals: view.approvals_after_next.iter().map(approval).collect(),
    })
}

#[tokio::test]
async fn outcomes_are_proved_against_a_later_head() {
    let devnet = serve(500, 1).await;
    let (transaction, receipts) = devnet.with(|chain| {
        let report = call(chain, "a.near", "set", "proved");
        let ids: Vec<_> = report.receipts.iter().map(|receipt| *receipt.receipt_id()).collect();
        chain.settle();
        (report.transaction.get_hash(), ids)
    });
    let head = block(&devnet, Finality::Final).await.header;
    let ids = receipts.into_iter().map(|receipt_id| TransactionOrReceiptId::Receipt {
        receipt_id,
        receiver_id: id("a.near"),
    });
    let sender_id = id("alice.near");
    let own = TransactionOrReceiptId::Transaction { transaction_hash: transaction, sender_id };
    for id in ids.chain([own]) {
        let request = methods::light_client_proof::RpcLightClientExecutionProofRequest {
            id: id.clone(),
            light_client_head: head.hash,
        };
        match client(&devnet).call(request).await {
            Ok(proof) => {
                let root = head.block_merkle_root.to_string();
                holds(
                    "lc-outcome-proof",
                    &json!({ "proof": proof, "head_block_merkle_root": root }),
                );
            }
            // The refund may have run in a block that is too new.
            Err(error) => assert!(error.to_string().contains("confirmed"), "{error}"),
        }
    }
}

#[tokio::test]
async fn values_are_proved_under_the_root_of_the_next_header() {
    let devnet = serve(500, 1).await;
    devnet.with(|chain| {
        call(chain, "a.near", "set", "proved");
        chain.settle();
    });
    let at = block(&devnet, Finality::Final).await;
    let next = BlockReference::BlockId(BlockId::Height(at.header.height + 1));
    let request = methods::block::RpcBlockRequest { block_reference: next };
    let next = client(&devnet).call(request).await.expect("it answers");
    let roots: Vec<_> = next.chunks.iter().map(|chunk| ours(chunk.prev_state_root)).collect();
    assert_eq!(shard_root(&roots), Some(ours(next.header.prev_state_root)));
    for (key, value) in [(&b"k"[..], json!(hex::encode("proved"))), (b"nothing", Value::Null)] {
        let reference = BlockReference::BlockId(BlockId::Hash(at.header.hash));
        let request = QueryRequest::ViewState {
            account_id: id("a.near"),
            prefix: key.to_vec().into(),
            after_key: None,
            limit: None,
            include_proof: true,
        };
        let answer = query(&devnet, reference, request).await.expect("it answers");
        let proof = json_of(&answer)["proof"].clone();
        let account = "a.near".parse().expect("a valid account id");
        let trie_key = near::proof::state::contract_key(&account, key);
        let claim = json!({
            "state_root": next.chunks[0].prev_state_root.to_string(),
            "trie_key": hex::encode(trie_key),
            "account_id": "a.near",
            "proof": proof,
            "value": value,
        });
        holds("state-proof", &claim);
    }
}
