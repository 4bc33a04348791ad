//! NEAR's own client for Rust, unmodified.

use std::time::Duration;

use anchorhold_devnet_near::{
    Balance, Call, ChainConfig, Devnet, InvalidTxError, Mining, Time, sign,
};
use near_crypto::{InMemorySigner, KeyType, SecretKey, Signer};
use near_jsonrpc_client::{
    errors::{JsonRpcError, JsonRpcServerError},
    methods::{self, query::RpcQueryError, tx::RpcTransactionError},
};
use near_jsonrpc_primitives::types::{
    chunks::ChunkReference, query::QueryResponseKind, transactions::TransactionInfo,
};
use near_primitives::{
    action::{Action, TransferAction},
    hash::CryptoHash,
    transaction::{SignedTransaction, Transaction, TransactionV0},
    types::{BlockId, BlockReference, EpochReference, Finality},
    views::{FinalExecutionStatus, QueryRequest, TxExecutionStatus},
};

use crate::{
    contract::{code, id},
    served::{block, client, query, serve, serve_with},
};

fn latest() -> BlockReference {
    BlockReference::Finality(Finality::Final)
}

fn alice() -> Signer {
    let key = SecretKey::from_seed(KeyType::ED25519, "alice.near");
    InMemorySigner::from_secret_key(id("alice.near"), key)
}

async fn nonce(devnet: &Devnet) -> u64 {
    let request = QueryRequest::ViewAccessKey {
        account_id: id("alice.near"),
        public_key: alice().public_key(),
    };
    let answer = query(devnet, latest(), request).await.expect("it answers");
    let QueryResponseKind::AccessKey(key) = answer.kind else { panic!("an access key") };
    key.nonce
}

/// A transaction of `alice.near`, as a client makes it: nonce and block from the chain.
async fn signed(devnet: &Devnet, receiver: &str, action: impl Into<Action>) -> SignedTransaction {
    let transaction = TransactionV0 {
        signer_id: id("alice.near"),
        public_key: alice().public_key(),
        nonce: nonce(devnet).await + 1,
        receiver_id: id(receiver),
        block_hash: block(devnet, Finality::Final).await.header.hash,
        actions: vec![action.into()],
    };
    sign(&alice(), Transaction::V0(transaction))
}

fn set(value: &str) -> Call {
    Call::new(&id("a.near"), "set", value)
}

async fn send(
    devnet: &Devnet,
    signed_transaction: SignedTransaction,
    wait_until: TxExecutionStatus,
) -> Result<methods::tx::RpcTransactionResponse, JsonRpcError<RpcTransactionError>> {
    let request = methods::send_tx::RpcSendTransactionRequest { signed_transaction, wait_until };
    client(devnet).call(request).await
}

#[track_caller]
fn refusal(error: JsonRpcError<RpcTransactionError>) -> InvalidTxError {
    let JsonRpcError::ServerError(JsonRpcServerError::HandlerError(error)) = error else {
        panic!("the node should refuse: {error:?}")
    };
    let RpcTransactionError::InvalidTransaction { context } = error else {
        panic!("the transaction should be refused: {error:?}")
    };
    context
}

#[tokio::test]
async fn a_transaction_is_sent_and_followed() {
    let devnet = serve().await;
    let transaction = signed(&devnet, "a.near", set("by the client")).await;
    let hash = transaction.get_hash();
    let answer = send(&devnet, transaction.clone(), TxExecutionStatus::Final).await;
    let answer = answer.expect("it is executed");
    assert_eq!(answer.final_execution_status, TxExecutionStatus::Final);
    let outcome = answer.final_execution_outcome.expect("it is there").into_outcome();
    assert_eq!(outcome.status, FinalExecutionStatus::SuccessValue(Vec::new()));
    assert_eq!(outcome.receipts_outcome[0].outcome.logs, ["value set"]);
    // Once more is the same.
    let again = send(&devnet, transaction, TxExecutionStatus::Final).await;
    assert!(again.is_ok());

    let call = QueryRequest::CallFunction {
        account_id: id("a.near"),
        method_name: "get".to_owned(),
        args: Vec::new().into(),
    };
    let answer = query(&devnet, latest(), call).await.expect("it answers");
    let QueryResponseKind::CallResult(result) = answer.kind else { panic!("a result") };
    assert_eq!(result.result, b"by the client");

    let transaction_info =
        TransactionInfo::TransactionId { tx_hash: hash, sender_account_id: id("alice.near") };
    let request = methods::tx::RpcTransactionStatusRequest {
        transaction_info: transaction_info.clone(),
        wait_until: TxExecutionStatus::Executed,
    };
    let answer = client(&devnet).call(request).await.expect("it is known");
    let outcome = answer.final_execution_outcome.expect("it is there").into_outcome();
    assert_eq!(outcome.transaction.hash, hash);
    let request = methods::tx_status::RpcTransactionStatusRequest {
        transaction_info,
        wait_until: TxExecutionStatus::Executed,
    };
    assert!(client(&devnet).call(request).await.is_ok());
}

#[tokio::test]
async fn old_ways_of_sending_work_too() {
    let devnet = serve().await;
    let signed_transaction = signed(&devnet, "a.near", set("commit")).await;
    let request = methods::broadcast_tx_commit::RpcBroadcastTxCommitRequest { signed_transaction };
    assert!(client(&devnet).call(request).await.is_ok());
    let signed_transaction = signed(&devnet, "a.near", set("async")).await;
    let hash = signed_transaction.get_hash();
    let request = methods::broadcast_tx_async::RpcBroadcastTxAsyncRequest { signed_transaction };
    assert_eq!(client(&devnet).call(request).await.expect("it is taken"), hash);
}

#[tokio::test]
async fn a_failed_call_says_why() {
    let devnet = serve().await;
    let fail = Call::new(&id("a.near"), "fail", "x");
    let transaction = signed(&devnet, "a.near", fail).await;
    let answer = send(&devnet, transaction, TxExecutionStatus::Final).await;
    let answer = answer.expect("it is included");
    let outcome = answer.final_execution_outcome.expect("it is there").into_outcome();
    let FinalExecutionStatus::Failure(error) = outcome.status else { panic!("it fails") };
    assert!(error.to_string().contains("E12 not today"), "{error}");
}

#[tokio::test]
async fn refused_transactions_are_told_as_the_client_knows_them() {
    let chain = ChainConfig { validity_blocks: 10, ..ChainConfig::default() };
    let devnet = serve_with(chain, Mining { at_once: true, every: None }, Time::System).await;
    let old = signed(&devnet, "a.near", set("old")).await;
    devnet.produce(15);
    let answer = send(&devnet, old, TxExecutionStatus::Final).await;
    assert_eq!(refusal(answer.expect_err("it is too old")), InvalidTxError::Expired);

    // Two with the same nonce: one wins.
    let first = signed(&devnet, "a.near", set("first")).await;
    let second = signed(&devnet, "a.near", set("second")).await;
    assert!(send(&devnet, first, TxExecutionStatus::Final).await.is_ok());
    let answer = send(&devnet, second, TxExecutionStatus::Final).await;
    let refused = refusal(answer.expect_err("the nonce was used"));
    assert!(matches!(refused, InvalidTxError::InvalidNonce { .. }), "{refused}");

    let much = Action::Transfer(TransferAction { deposit: Balance::from_near(10_000) });
    let transaction = signed(&devnet, "bob.near", much).await;
    let answer = send(&devnet, transaction, TxExecutionStatus::Final).await;
    let refused = refusal(answer.expect_err("she has not got it"));
    assert!(matches!(refused, InvalidTxError::NotEnoughBalance { .. }), "{refused}");
}

#[tokio::test]
async fn queries_answer_and_fail_as_the_client_knows_it() {
    let devnet = serve().await;
    let account = |name: &str| QueryRequest::ViewAccount { account_id: id(name) };
    let answer = query(&devnet, latest(), account("alice.near")).await.expect("it answers");
    let QueryResponseKind::ViewAccount(found) = answer.kind else { panic!("an account") };
    assert_eq!(found.amount, Balance::from_near(1000));
    assert_eq!(found.storage_usage, 182);

    let list = QueryRequest::ViewAccessKeyList {
        account_id: id("alice.near"),
        after_key: None,
        limit: None,
    };
    let answer = query(&devnet, latest(), list).await.expect("it answers");
    let QueryResponseKind::AccessKeyList(list) = answer.kind else { panic!("keys") };
    assert_eq!(list.keys.len(), 1);
    let view_code = QueryRequest::ViewCode { account_id: id("a.near") };
    let answer = query(&devnet, latest(), view_code).await.expect("it answers");
    let QueryResponseKind::ViewCode(found) = answer.kind else { panic!("code") };
    assert_eq!(found.code, code());

    let check = async |request: QueryRequest, reference: BlockReference, expected: &str| {
        let error = query(&devnet, reference, request).await.expect_err("it fails");
        let JsonRpcError::ServerError(JsonRpcServerError::HandlerError(error)) = error else {
            panic!("the node should refuse: {error:?}")
        };
        let name = match error {
            RpcQueryError::UnknownAccount { .. } => "account",
            RpcQueryError::UnknownAccessKey { .. } => "key",
            RpcQueryError::UnknownBlock { .. } => "block",
            RpcQueryError::NoContractCode { .. } => "code",
            RpcQueryError::ContractExecutionError { .. } => "execution",
            other => panic!("{other:?}"),
        };
        assert_eq!(name, expected);
    };
    check(account("nobody.near"), latest(), "account").await;
    let other = SecretKey::from_seed(KeyType::ED25519, "other").public_key();
    let key =
        QueryRequest::ViewAccessKey { account_id: id("alice.near"), public_key: other.clone() };
    check(key, latest(), "key").await;
    let far = BlockReference::BlockId(BlockId::Height(1_000_000));
    check(account("alice.near"), far, "block").await;
    let unknown = BlockReference::BlockId(BlockId::Hash(CryptoHash([7; 32])));
    check(account("alice.near"), unknown, "block").await;
    let none = QueryRequest::ViewCode { account_id: id("bob.near") };
    check(none, latest(), "code").await;
    let call = QueryRequest::CallFunction {
        account_id: id("a.near"),
        method_name: "none".to_owned(),
        args: Vec::new().into(),
    };
    check(call, latest(), "execution").await;
}

#[tokio::test]
async fn past_states_are_kept() {
    let devnet = serve().await;
    let before = block(&devnet, Finality::Final).await.header.hash;
    let transaction = signed(&devnet, "a.near", set("later")).await;
    send(&devnet, transaction, TxExecutionStatus::Final).await.expect("it is executed");
    let get = || QueryRequest::CallFunction {
        account_id: id("a.near"),
        method_name: "get".to_owned(),
        args: Vec::new().into(),
    };
    let then = BlockReference::BlockId(BlockId::Hash(before));
    for (reference, expected) in [(then, ""), (latest(), "later")] {
        let answer = query(&devnet, reference, get()).await.expect("it answers");
        let QueryResponseKind::CallResult(result) = answer.kind else { panic!("a result") };
        assert_eq!(String::from_utf8(result.result).expect("text"), expected);
    }
}

#[tokio::test]
async fn finality_lags_two_blocks() {
    let devnet = serve().await;
    devnet.produce(5);
    let optimistic = block(&devnet, Finality::None).await.header;
    let near_final = block(&devnet, Finality::DoomSlug).await.header;
    let last = block(&devnet, Finality::Final).await.header;
    assert_eq!(near_final.height + 1, optimistic.height);
    assert_eq!(last.height + 2, optimistic.height);
    assert_eq!(optimistic.last_final_block, last.hash);
    assert_eq!(optimistic.last_ds_final_block, near_final.hash);
    assert_eq!(optimistic.prev_hash, near_final.hash);
}

#[tokio::test]
async fn the_rest_answers_in_the_forms_that_the_client_reads() {
    let devnet = serve().await;
    let client = client(&devnet);
    let head = block(&devnet, Finality::None).await;
    let status = client.call(methods::status::RpcStatusRequest).await.expect("it answers");
    assert_eq!(status.chain_id, "localnet");
    assert_eq!(status.sync_info.latest_block_hash, head.header.hash);
    assert!(client.call(methods::health::RpcHealthRequest).await.is_ok());
    assert!(client.call(methods::network_info::RpcNetworkInfoRequest).await.is_ok());
    let request =
        methods::validators::RpcValidatorRequest { epoch_reference: EpochReference::Latest };
    let validators = client.call(request).await.expect("it answers");
    assert_eq!(validators.current_validators.len(), 1);
    let request = methods::gas_price::RpcGasPriceRequest { block_id: None };
    let price = client.call(request).await.expect("it answers").gas_price;
    assert_eq!(price.as_yoctonear(), 100_000_000);
    let request = methods::EXPERIMENTAL_protocol_config::RpcProtocolConfigRequest {
        block_reference: latest(),
    };
    let config = client.call(request).await.expect("it answers");
    assert_eq!(config.runtime_config.storage_amount_per_byte.as_yoctonear(), 10_u128.pow(19));
    let chunk_id = head.chunks[0].chunk_hash;
    let request =
        methods::chunk::RpcChunkRequest { chunk_reference: ChunkReference::ChunkHash { chunk_id } };
    assert_eq!(client.call(request).await.expect("it answers").header.chunk_hash, chunk_id);
}

#[tokio::test]
async fn blocks_come_by_themselves_and_time_passes() {
    let mining = Mining { at_once: false, every: Some(Duration::from_millis(20)) };
    let devnet = serve_with(ChainConfig::default(), mining, Time::System).await;
    let transaction = signed(&devnet, "a.near", set("by and by")).await;
    let answer = send(&devnet, transaction, TxExecutionStatus::Final).await;
    assert_eq!(answer.expect("it is executed").final_execution_status, TxExecutionStatus::Final);
    let before = block(&devnet, Finality::None).await.header.timestamp_nanosec;
    devnet.advance(Duration::from_secs(86_400));
    let after = block(&devnet, Finality::None).await.header.timestamp_nanosec;
    assert!(after >= before + 86_400_000_000_000);
    devnet.produce(1);
    assert!(block(&devnet, Finality::None).await.header.timestamp_nanosec > after);
}
