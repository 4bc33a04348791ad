use std::{
    borrow::Cow,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anchorhold_devnet_icp::Principal;
use ic_agent::{
    Identity,
    agent::{Envelope, EnvelopeContent},
    identity::{BasicIdentity, SignedDelegation},
};

use crate::world::{World, admin, delegation};

const MINUTE_NS: u64 = 60_000_000_000;

fn now_ns() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    u64::try_from(now.as_nanos()).expect("before 2554")
}

fn session() -> BasicIdentity {
    BasicIdentity::from_raw_key(&[2; 32])
}

/// A call of `add` by `sender`, which expires in so many nanoseconds.
fn call(world: &World, sender: Principal, expires_ns: u64) -> EnvelopeContent {
    EnvelopeContent::Call {
        nonce: Some(vec![7]),
        ingress_expiry: now_ns() + expires_ns,
        sender,
        canister_id: world.counter,
        method_name: "add".to_owned(),
        arg: Vec::new(),
        sender_info: None,
    }
}

/// Signed by `by` for whoever has `key`.
fn envelope<'a>(
    content: &'a EnvelopeContent,
    by: &BasicIdentity,
    key: &BasicIdentity,
    chain: Vec<SignedDelegation>,
) -> Envelope<'a> {
    Envelope {
        content: Cow::Borrowed(content),
        sender_pubkey: key.public_key(),
        sender_sig: by.sign(content).expect("it signs").signature,
        sender_delegation: (!chain.is_empty()).then_some(chain),
    }
}

async fn post(world: &World, way: &str, body: Vec<u8>) -> (u16, String) {
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let url = format!("{}/api/{way}", world.devnet.url());
    let answer = client.post(url).body(body).send().await.expect("it answers");
    let status = answer.status().as_u16();
    (status, String::from_utf8_lossy(&answer.bytes().await.expect("a body")).into_owned())
}

#[track_caller]
fn check(told: &(u16, String), status: u16, text: &str) {
    assert_eq!(told.0, status, "{}", told.1);
    assert!(told.1.contains(text), "{text}: {}", told.1);
}

#[tokio::test]
async fn what_the_sender_did_not_sign_is_not_done() {
    let world = World::new().await;
    let me = admin().sender().expect("a principal");
    let way = format!("v3/canister/{}/call", world.counter);
    let content = call(&world, me, 2 * MINUTE_NS);
    let good = envelope(&content, &admin(), &admin(), vec![]);

    let by_other = envelope(&content, &session(), &admin(), vec![]).encode_bytes();
    check(&post(&world, &way, by_other).await, 403, "Invalid signature");
    let other_key = envelope(&content, &session(), &session(), vec![]).encode_bytes();
    check(&post(&world, &way, other_key).await, 403, "not the sender's");
    let unsigned = Envelope { sender_pubkey: None, sender_sig: None, ..good.clone() };
    check(&post(&world, &way, unsigned.encode_bytes()).await, 403, "no public key");
    let changed = Envelope { content: Cow::Owned(call(&world, me, 3 * MINUTE_NS)), ..good.clone() };
    check(&post(&world, &way, changed.encode_bytes()).await, 403, "Invalid signature");
    let nobody = call(&world, Principal::anonymous(), MINUTE_NS);
    let signed = envelope(&nobody, &admin(), &admin(), vec![]).encode_bytes();
    check(&post(&world, &way, signed).await, 403, "anonymous");

    let old = EnvelopeContent::Call {
        ingress_expiry: now_ns() - 1,
        nonce: None,
        sender: me,
        canister_id: world.counter,
        method_name: "add".to_owned(),
        arg: vec![],
        sender_info: None,
    };
    let late = envelope(&old, &admin(), &admin(), vec![]).encode_bytes();
    check(&post(&world, &way, late).await, 400, "expired");
    let far = call(&world, me, 7 * MINUTE_NS);
    let far = envelope(&far, &admin(), &admin(), vec![]).encode_bytes();
    check(&post(&world, &way, far).await, 400, "too far ahead");

    let elsewhere = format!("v3/canister/{}/call", Principal::management_canister());
    check(&post(&world, &elsewhere, good.encode_bytes()).await, 400, "another canister");
    let as_query = format!("v3/canister/{}/query", world.counter);
    check(&post(&world, &as_query, good.encode_bytes()).await, 400, "another type");
    check(&post(&world, &way, b"no request".to_vec()).await, 400, "CBOR");
    check(&post(&world, "v9/canister/aaaaa-aa/call", vec![]).await, 404, "");
    check(&post(&world, "v3/canister/aaaaa/call", vec![]).await, 400, "malformed");
    assert_eq!(world.count(&world.agent(admin())).await, 0);
}

#[tokio::test]
async fn a_delegation_speaks_only_as_far_as_it_says() {
    let world = World::new().await;
    let me = admin().sender().expect("a principal");
    let way = format!("v3/canister/{}/call", world.counter);
    let content = call(&world, me, MINUTE_NS);
    let send = async |chain: Vec<SignedDelegation>| {
        let body = envelope(&content, &session(), &admin(), chain).encode_bytes();
        post(&world, &way, body).await
    };
    let hop = |expiration, targets| delegation(&admin(), &session(), expiration, targets);
    let other = vec![Principal::management_canister()];
    let own = vec![world.counter];
    check(&send(vec![hop(now_ns() - 1, None)]).await, 403, "expired");
    check(&send(vec![hop(u64::MAX, Some(other.clone()))]).await, 403, "not for the canister");
    let back = delegation(&session(), &admin(), u64::MAX, None);
    check(&send(vec![hop(u64::MAX, None), back]).await, 403, "twice");
    let third = BasicIdentity::from_raw_key(&[3; 32]);
    let wide = delegation(&admin(), &third, u64::MAX, Some(own.clone()));
    let narrow = delegation(&third, &session(), u64::MAX, Some(other));
    check(&send(vec![wide.clone(), narrow]).await, 403, "not for the canister");
    let forged = delegation(&session(), &session(), u64::MAX, None);
    check(&send(vec![forged]).await, 403, "Invalid signature");
    let queries = ic_agent::identity::Delegation {
        permissions: Some(ic_agent::identity::DelegationPermissions::Queries),
        ..hop(u64::MAX, None).delegation
    };
    let signature = admin().sign_delegation(&queries).expect("it signs").signature;
    let signature = signature.expect("a signature");
    let queries = SignedDelegation { delegation: queries, signature };
    check(&send(vec![queries]).await, 403, "queries only");
    assert_eq!(world.count(&world.agent(admin())).await, 0);
    let last = delegation(&third, &session(), u64::MAX, None);
    assert_eq!(send(vec![wide, last]).await.0, 200);
    assert_eq!(world.count(&world.agent(admin())).await, 1);
}

#[tokio::test]
async fn a_request_is_done_once() {
    let world = World::new().await;
    let me = admin().sender().expect("a principal");
    let content = call(&world, me, MINUTE_NS);
    let body = envelope(&content, &admin(), &admin(), vec![]).encode_bytes();
    for (version, status) in [("v2", 202), ("v3", 200), ("v4", 200), ("v2", 202)] {
        let way = format!("{version}/canister/{}/call", world.counter);
        assert_eq!(post(&world, &way, body.clone()).await.0, status);
    }
    assert_eq!(world.count(&world.agent(admin())).await, 1);
    // Once it has expired it is too late to do it again.
    world.devnet.advance(Duration::from_secs(61));
    let way = format!("v3/canister/{}/call", world.counter);
    check(&post(&world, &way, body).await, 400, "expired");
}

#[tokio::test]
async fn the_state_is_shown_only_as_far_as_it_may_be() {
    let world = World::new().await;
    let me = admin().sender().expect("a principal");
    let canister = format!("v3/canister/{}/read_state", world.counter);
    let own = world.counter.as_slice();
    let subnet = world.devnet.with(|replica| replica.subnet());
    let read = async |way: &str, path: &[&[u8]]| {
        let content = EnvelopeContent::ReadState {
            ingress_expiry: now_ns() + MINUTE_NS,
            sender: me,
            paths: vec![path.iter().map(|label| label.to_vec().into()).collect()],
        };
        post(&world, way, envelope(&content, &admin(), &admin(), vec![]).encode_bytes()).await.0
    };
    for (path, status) in [
        (&[&b"time"[..]][..], 200),
        (&[b"subnet"], 200),
        (&[b"subnet", subnet.as_slice(), b"node"], 200),
        (&[b"subnet", subnet.as_slice(), b"canister_ranges"], 403),
        (&[b"subnet", subnet.as_slice(), b"metrics"], 403),
        (&[b"canister_ranges", subnet.as_slice()], 403),
        (&[b"canister", own, b"module_hash"], 200),
        (&[b"canister", own, b"metadata", b"candid:service"], 200),
        (&[b"canister", own, b"metadata", b"\xff"], 403),
        (&[b"canister", own, b"certified_data"], 403),
        (&[b"canister", &[1, 2, 3], b"module_hash"], 403),
        (&[b"canister", own], 403),
        (&[b"request_status", &[0; 32]], 200),
        (&[b"request_status", &[0; 31]], 403),
        (&[b"request_status"], 403),
        (&[b"secrets"], 403),
        (&[], 403),
    ] {
        assert_eq!(read(&canister, path).await, status, "{path:?}");
    }
    let old = format!("v2/canister/{}/read_state", world.counter);
    assert_eq!(read(&old, &[b"subnet", subnet.as_slice(), b"canister_ranges"]).await, 200);
    let whole = format!("v3/subnet/{subnet}/read_state");
    assert_eq!(read(&whole, &[b"subnet", subnet.as_slice(), b"metrics"]).await, 200);
    assert_eq!(read(&whole, &[b"canister_ranges", subnet.as_slice()]).await, 200);
    assert_eq!(read(&whole, &[b"canister", own, b"module_hash"]).await, 403);
}
