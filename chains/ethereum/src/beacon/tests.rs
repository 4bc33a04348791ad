//! A beacon endpoint of a made-up chain, whose committees really sign; and endpoints that do not
//! answer like one.

mod chain;
mod server;

use core::time::Duration;

use ::chain::{ChainError, Consensus as _};
use serde_json::{Value, json};
use types::Hash;

use self::{chain::MadeUp, server::Server};
use super::*;
use crate::light_client::Fork;

/// A period of the minimal preset has so many slots.
const PERIOD: u64 = 64;

fn beacon(made_up: &MadeUp, server: &Server, checkpoint: u64) -> Beacon {
    let root = made_up.root(checkpoint);
    let config = LightClientConfig {
        beacon: format!("{}/v3/my-api-key", server.url).parse().expect("legal"),
        checkpoint: Hash::from_bytes(root.0),
        network: made_up.network(),
    };
    Beacon::new(config, Duration::from_millis(500)).expect("a client")
}

/// Serves a chain that stands in period 1, from a checkpoint in period 0.
fn serve(made_up: &MadeUp, server: &Server) {
    let root = made_up.root(16);
    server.answer(&format!("bootstrap/{root}"), made_up.bootstrap(16));
    let updates = json!([made_up.update(24, 32), made_up.update(PERIOD + 8, 32)]);
    server.answer("updates?start_period=0&count=32", updates);
    server.answer("updates?start_period=1&count=32", json!([made_up.update(PERIOD + 8, 32)]));
    server.answer("finality_update", made_up.finality(PERIOD + 16, 32));
}

#[tokio::test]
async fn what_committees_signed_is_followed_from_a_checkpoint_on() {
    for fork in [Fork::Capella, Fork::Deneb, Fork::Electra] {
        let made_up = MadeUp::new(fork, PERIOD + 40);
        let server = Server::start();
        serve(&made_up, &server);
        let beacon = beacon(&made_up, &server, 16);
        let block = beacon.finalized().await.expect("followed").expect("a block is final");
        assert_eq!(block, made_up.block(PERIOD + 16), "{fork:?}");
        // Within a slot nothing is asked again.
        let asked = server.asked();
        assert_eq!(beacon.finalized().await.expect("known"), Some(block));
        assert_eq!(server.asked(), asked);
    }
}

#[tokio::test]
async fn before_there_were_execution_blocks_nothing_is_final() {
    let made_up = MadeUp::new(Fork::Altair, PERIOD + 40);
    let server = Server::start();
    serve(&made_up, &server);
    let found = beacon(&made_up, &server, 16).finalized().await;
    assert_eq!(found.expect("followed"), None);
}

#[track_caller]
fn lied(found: Result<Option<governance::log::BlockRef>, ChainError>, said: &str) {
    let error = found.expect_err("it lies");
    assert!(matches!(error, ChainError::Lied { .. }), "{error:?}");
    let text = error.to_string();
    assert!(text.contains(said) && !text.contains("my-api-key"), "{text}");
}

#[tokio::test]
async fn what_they_did_not_sign_is_not_believed() {
    let made_up = MadeUp::new(Fork::Electra, PERIOD + 40);
    let server = Server::start();
    let follow = || async { beacon(&made_up, &server, 16).finalized().await };
    serve(&made_up, &server);
    server.answer("finality_update", made_up.finality(PERIOD + 16, 21));
    lied(follow().await, "only 21 of 32 signed");
    let mut forged = made_up.finality(PERIOD + 16, 32);
    forged["data"]["finalized_header"]["execution"]["block_hash"] = json!(B256::ZERO);
    server.answer("finality_update", forged);
    lied(follow().await, "execution block");
    let mut other = made_up.finality(PERIOD + 16, 32);
    other["data"]["attested_header"]["beacon"]["proposer_index"] = json!("7");
    server.answer("finality_update", other);
    lied(follow().await, "did not sign");
    serve(&made_up, &server);
    server.answer(&format!("bootstrap/{}", made_up.root(16)), made_up.bootstrap(24));
    lied(follow().await, "not of the trusted block");
}

#[tokio::test]
async fn an_old_checkpoint_is_refused() {
    let made_up = MadeUp::new(Fork::Electra, 300 * PERIOD);
    let server = Server::start();
    serve(&made_up, &server);
    let error = beacon(&made_up, &server, 16).finalized().await.expect_err("it is old");
    assert!(matches!(error, ChainError::OldCheckpoint { .. }), "{error:?}");
    assert!(!error.is_transient());
}

#[tokio::test]
async fn strange_answers_are_named_in_one_line() {
    let made_up = MadeUp::new(Fork::Electra, PERIOD + 40);
    let server = Server::start();
    let route = format!("bootstrap/{}", made_up.root(16));
    let good = made_up.bootstrap(16);
    let with = |change: &dyn Fn(&mut Value)| {
        let mut value = good.clone();
        change(&mut value);
        value
    };
    for strange in [
        json!(null),
        json!([]),
        json!({ "version": "electra" }),
        with(&|value| value["version"] = json!("amsterdam")),
        with(&|value| value["data"]["header"] = json!({})),
        with(&|value| value["data"]["header"]["beacon"]["slot"] = json!(16)),
        with(&|value| value["data"]["header"]["beacon"]["slot"] = json!("-1")),
        with(&|value| value["data"]["header"]["beacon"]["state_root"] = json!("0xab")),
        with(&|value| value["data"]["header"]["beacon"]["state_root"] = json!("0xzz")),
        with(&|value| value["data"]["current_sync_committee"]["pubkeys"] = json!([])),
    ] {
        server.answer(&route, strange.clone());
        let error = beacon(&made_up, &server, 16).finalized().await.expect_err("strange");
        assert!(matches!(error, ChainError::BadAnswer { .. }), "{strange}: {error:?}");
        assert!(!format!("{error:?}").contains("my-api-key"), "{error:?}");
    }
    for (body, is_transient) in [
        ("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n<html>", false),
        ("HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\n\r\n{}", false),
        ("HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n", true),
        ("", true),
    ] {
        server.answer_raw(&route, body);
        let error = beacon(&made_up, &server, 16).finalized().await.expect_err("strange");
        assert_eq!(error.is_transient(), is_transient, "{body}: {error:?}");
    }
}
