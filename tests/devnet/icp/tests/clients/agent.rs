use anchorhold_devnet_icp::{Network, Principal, chain_id};
use candid::{CandidType, Nat, encode_one};
use ic_agent::{
    Agent, AgentError, Identity,
    agent::{CallResponse, RejectCode},
    identity::{AnonymousIdentity, DelegatedIdentity, Prime256v1Identity, Secp256k1Identity},
};

use crate::world::{World, admin, delegation, module, number};

#[tokio::test]
async fn updates_and_queries_come_back_proved() {
    let world = World::new().await;
    let agent = world.agent(admin());
    let added = agent.update(&world.counter, "add").call_and_wait().await.expect("it adds");
    assert_eq!(number(&added), 1);
    assert_eq!(world.count(&agent).await, 1);

    let check = async |method: &str, code: RejectCode, text: &str| {
        let error = agent.update(&world.counter, method).call_and_wait().await.expect_err(method);
        let (AgentError::CertifiedReject { reject, .. }
        | AgentError::UncertifiedReject { reject, .. }) = error
        else {
            panic!("{method}: {error}")
        };
        assert_eq!(reject.reject_code, code, "{method}");
        assert!(reject.reject_message.contains(text), "{method}: {}", reject.reject_message);
    };
    check("reject", RejectCode::CanisterReject, "no, thank you").await;
    check("trap", RejectCode::CanisterError, "as you wish").await;
    check("a", RejectCode::CanisterReject, "rejected the message").await;
    check("none", RejectCode::DestinationInvalid, "no update method").await;
    let asked = agent.query(&world.counter, "none").call().await;
    assert!(matches!(asked, Err(AgentError::UncertifiedReject { .. })), "{asked:?}");
}

#[tokio::test]
async fn every_kind_of_identity_is_known() {
    let world = World::new().await;
    let scalar = [3; 32];
    let secp256k1 = k256::SecretKey::from_slice(&scalar).expect("a key");
    let p256 = p256::SecretKey::from_slice(&scalar).expect("a key");
    let session = || Secp256k1Identity::from_private_key(secp256k1.clone());
    let hop = delegation(&admin(), &session(), u64::MAX, Some(vec![world.counter]));
    let key = admin().public_key().expect("a key");
    let delegated = DelegatedIdentity::new(key, Box::new(session()), vec![hop]).expect("a chain");
    let identities: [Box<dyn Identity>; 5] = [
        Box::new(AnonymousIdentity),
        Box::new(admin()),
        Box::new(session()),
        Box::new(Prime256v1Identity::from_private_key(p256)),
        Box::new(delegated),
    ];
    for (added, identity) in (1..).zip(identities) {
        let sender = identity.sender().expect("a principal");
        let agent = world.agent(identity);
        let caller = agent.query(&world.counter, "caller").call().await.expect("it answers");
        assert_eq!(caller, sender.as_slice());
        let told = agent.update(&world.counter, "add").call_and_wait().await.expect("it adds");
        assert_eq!(number(&told), added, "{sender}");
    }
}

#[tokio::test]
async fn state_is_read_with_its_proof() {
    let world = World::new().await;
    let agent = world.agent(admin());
    let hash = agent.read_state_canister_module_hash(world.counter).await.expect("it is read");
    let told = world.devnet.with(|replica| replica.module_hash(world.counter));
    assert_eq!(Some(hash), told.map(|hash| hash.to_vec()));
    let controllers = agent.read_state_canister_controllers(world.counter).await;
    assert_eq!(controllers.expect("they are read"), [admin().sender().expect("a principal")]);
    let missing = agent.read_state_canister_metadata(world.counter, "candid:service").await;
    assert!(matches!(missing, Err(AgentError::LookupPathAbsent(_))), "{missing:?}");
    let subnet = agent.get_subnet_by_canister(&world.counter).await.expect("it has one");
    assert!(subnet.contains_canister(&world.counter));
    assert_eq!(subnet.iter_nodes().count(), 1);
    assert_eq!(subnet.id(), world.devnet.with(|replica| replica.subnet()));
    let by_id = agent.fetch_subnet_by_id(&subnet.id()).await.expect("it is known");
    assert_eq!(by_id.iter_node_keys().count(), 1);
    let metrics = agent.read_state_subnet_metrics(subnet.id()).await.expect("it has some");
    assert_eq!(metrics.num_canisters, 1);
    let nodes = agent.fetch_api_boundary_nodes_by_canister_id(world.counter).await;
    assert!(nodes.expect("they are read").is_empty());
}

#[tokio::test]
async fn the_root_key_is_told_and_names_the_chain() {
    let world = World::new().await;
    let agent = world.agent(admin());
    let status = agent.status().await.expect("it answers");
    assert_eq!(status.replica_health_status.as_deref(), Some("healthy"));
    let key = status.root_key.expect("it has one");
    assert_eq!((key.len(), &key), (133, &world.devnet.root_key()));
    let chain = chain_id(&key);
    assert!(chain.starts_with("icp:") && chain.len() == 36, "{chain}");

    // Another network's key proves nothing here.
    let stranger = world.agent(admin());
    stranger.set_root_key([&key[..132], &[key[132] ^ 1]].concat());
    let asked = stranger.query(&world.counter, "count").call().await;
    assert!(asked.is_err(), "{asked:?}");
    let called = stranger.update(&world.counter, "add").call_and_wait().await;
    assert!(called.is_err(), "{called:?}");
}

#[derive(CandidType)]
struct Provision {
    amount: Option<Nat>,
}

#[derive(CandidType, serde::Deserialize)]
struct Named {
    canister_id: Principal,
}

#[derive(CandidType)]
struct Install {
    mode: Mode,
    canister_id: Principal,
    wasm_module: Vec<u8>,
    arg: Vec<u8>,
}

#[derive(CandidType, serde::Deserialize)]
enum Mode {
    #[serde(rename = "install")]
    Install,
}

/// On PocketIC, too, where it is at hand: nothing but the HTTP interface is used.
#[tokio::test]
async fn a_client_makes_a_canister_of_its_own() {
    let network = Network::start().await.expect("it starts");
    let agent = Agent::builder().with_url(network.url()).with_identity(admin()).build();
    let agent = agent.expect("the address is one");
    agent.set_root_key(network.root_key().await.expect("it is told"));
    let management = Principal::management_canister();
    let manage = async |method: &str, at: Principal, arg: Vec<u8>| {
        let call = agent.update(&management, method).with_effective_canister_id(at);
        call.with_arg(arg).call_and_wait().await
    };
    let arg = encode_one(Provision { amount: None }).expect("it encodes");
    let make = "provisional_create_canister_with_cycles";
    let made = manage(make, network.address(), arg.clone()).await.expect("it is made");
    let made = candid::decode_one::<Named>(&made).expect("an id");
    let other = manage(make, network.address(), arg).await.expect("it is made");
    let other = candid::decode_one::<Named>(&other).expect("an id").canister_id;
    let id = made.canister_id;
    let install =
        Install { mode: Mode::Install, canister_id: id, wasm_module: module(), arg: vec![] };
    let arg = encode_one(install).expect("it encodes");
    manage("install_code", id, arg.clone()).await.expect("it is installed");
    let again = manage("install_code", id, arg.clone()).await;
    assert!(matches!(again, Err(AgentError::CertifiedReject { .. })), "{again:?}");
    let elsewhere = manage("install_code", other, arg).await;
    assert!(matches!(elsewhere, Err(AgentError::HttpError(_))), "{elsewhere:?}");
    let told = agent.update(&id, "add").call_and_wait().await.expect("it adds");
    assert_eq!(number(&told), 1);
    let asked = agent.query(&id, "count").call().await.expect("it answers");
    assert_eq!(number(&asked), 1);
    let stop = encode_one(made).expect("it encodes");
    manage("stop_canister", id, stop.clone()).await.expect("it stops");
    let stopped = agent.update(&id, "add").call_and_wait().await;
    assert!(matches!(stopped, Err(AgentError::UncertifiedReject { .. })), "{stopped:?}");
    manage("start_canister", id, stop.clone()).await.expect("it starts");
    let status = manage("canister_status", id, stop).await.expect("it is told");
    assert!(!status.is_empty());
}

#[tokio::test]
async fn a_call_that_takes_long_is_polled() {
    let world = World::new().await;
    let agent = world.agent(admin());
    world.devnet.with(|replica| replica.pause(world.counter));
    let sent = agent.update(&world.counter, "add").call().await.expect("it is taken");
    let CallResponse::Poll(id) = sent else { panic!("nobody answered: {sent:?}") };
    world.devnet.with(|replica| replica.resume(world.counter));
    let (reply, _) = agent.wait(&id, world.counter).await.expect("it is answered");
    assert_eq!(number(&reply), 1);
    let stranger = world.agent(AnonymousIdentity);
    let read = stranger.request_status_raw(&id, world.counter).await;
    assert!(matches!(read, Err(AgentError::HttpError(_))), "it is the sender's alone: {read:?}");
}
