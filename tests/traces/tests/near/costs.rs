//! What each call costs: gas of the whole transaction with its receipts, bytes of state that are
//! added, and what of that comes back.

use std::{collections::BTreeMap, env, fs, path::PathBuf};

use devnet_near::{AccountId, Balance};
use governance::anchor::{
    Account, Action, Call, Invite, OnChainId, actions_hash, binding_digest, claim_digest,
};
use k256::ecdsa::SigningKey;
use serde::{Deserialize, Serialize};
use types::{Hash, MemberSecret, keccak256, keccak256_concat};

use crate::world::{DAY_S, World, account, id, members, terms};

/// No act costs more, but for the longest batches in the most crowded record.
const GAS_MAX_TGAS: f64 = 8.0;
const CROWDED_MAX_TGAS: f64 = 10.0;
/// Most that a proposal of the usual change locks.
const LOCKED_MAX: Balance = Balance::from_millinear(5);
/// The chain's own part may come to cost a little more or less.
const TOLERANCE: f64 = 0.03;
/// Set, the file is written instead of compared.
const WRITE: &str = "ANCHORHOLD_WRITE_COSTS";

/// What a call costs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Cost {
    /// Of all receipts.
    tgas: f64,
    /// More (or less) than before.
    bytes: i64,
}

/// Costs by the name of what is done.
type Costs = BTreeMap<String, Cost>;

fn file() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../contracts/near/snapshots/costs.json")
}

#[test]
fn what_calls_cost_is_what_is_written() {
    let mut costs = Costs::new();
    usual(&mut costs);
    told(&mut costs);
    crowded(&mut costs);
    for (name, cost) in &costs {
        println!("{name}: {:.3} TGas, {} bytes", cost.tgas, cost.bytes);
        let is_worst = name.starts_with("crowded") && name.ends_with("16 actions");
        let max_tgas = if is_worst { CROWDED_MAX_TGAS } else { GAS_MAX_TGAS };
        assert!(cost.tgas <= max_tgas, "{name}: {} TGas", cost.tgas);
    }
    let locked = costs["propose a change"].bytes;
    assert!(u128::try_from(locked).is_ok_and(|bytes| yocto(bytes) <= LOCKED_MAX.as_yoctonear()));
    assert_eq!(costs["cancel a proposal"].bytes, -locked, "all of it comes back");
    if env::var_os(WRITE).is_some() {
        let text = serde_json::to_string_pretty(&costs).expect("JSON") + "\n";
        fs::create_dir_all(file().parent().expect("a folder")).expect("a folder");
        fs::write(file(), text).expect("it is written");
    }
    let text = fs::read_to_string(file()).expect("the costs were written");
    let written: Costs = serde_json::from_str(&text).expect("costs");
    let names = |costs: &Costs| costs.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&written), names(&costs), "set {WRITE} to write them");
    for (name, cost) in &costs {
        let old = &written[name];
        let is_near = (cost.tgas - old.tgas).abs() <= old.tgas * TOLERANCE;
        assert!(
            is_near && cost.bytes == old.bytes,
            "{name}: {cost:?}, not {old:?}; {WRITE} writes"
        );
    }
}

const fn yocto(bytes: u128) -> u128 {
    bytes * crate::world::BYTE_YOCTO
}

fn usage(world: &World) -> i64 {
    let account = world.chain.account(&world.registry).expect("it is there");
    i64::try_from(account.storage_usage()).expect("far fewer")
}

fn measure(
    world: &mut World,
    costs: &mut Costs,
    name: &str,
    (by, context, call): (&AccountId, &OnChainId, &Call),
) {
    let before = usage(world);
    let report = world.ask(by, context, call).unwrap_or_else(|code| panic!("{name}: {code}"));
    // Giving unused gas back is free: it burns gas that nobody pays.
    let paid = report.outcomes.iter().map(|ran| &ran.outcome.outcome);
    let paid = paid.filter(|outcome| outcome.tokens_burnt > Balance::ZERO);
    let gas: u64 = paid.map(|outcome| outcome.gas_burnt.as_gas()).sum();
    // Three digits, as people read them.
    let tgas = (gas / 1_000_000_000) as f64 / 1_000.0;
    costs.insert(name.to_owned(), Cost { tgas, bytes: usage(world) - before });
}

fn five() -> [AccountId; 5] {
    ["alice", "bob", "carol", "dave", "erin"].map(|name| id(&format!("{name}.near")))
}

/// A 3-of-5, and what it decides.
fn usual(costs: &mut Costs) {
    let admins = five();
    let names: Vec<&str> = admins.iter().map(|id| id.as_str()).collect();
    let mut world = World::new(names.into_iter().chain(["grace.near"]));
    let [alice, bob, carol, dave, _] = &admins;
    let context = world.place().context(&account(alice), &[7; 32]);
    let create = Call::Create { salt: [7; 32], terms: terms() };
    measure(&mut world, costs, "create a record", (alice, &context, &create));
    let expiry_s = world.now_s() + 7 * DAY_S;
    let act = |actions| Call::Act { actions, expiry_s };
    let root = act(vec![members(0x10, 0x11)]);
    measure(
        &mut world,
        costs,
        "a change by one admin of a threshold of 1",
        (alice, &context, &root),
    );
    let nominate = |id| Action::NominateAdmin { account: account(id), ttl_s: 3_600 };
    let nominate = act(admins[1..].iter().map(nominate).collect());
    measure(&mut world, costs, "nominate four admins", (alice, &context, &nominate));
    for admin in &admins[1..] {
        measure(&mut world, costs, "accept a seat", (admin, &context, &Call::AcceptAdmin));
    }
    let threshold = act(vec![Action::SetThreshold { threshold: 3 }]);
    measure(&mut world, costs, "set the threshold", (alice, &context, &threshold));

    let batch = vec![members(0x11, 0x12)];
    let propose = Call::Propose { actions: batch.clone(), expiry_s };
    measure(&mut world, costs, "propose a change", (alice, &context, &propose));
    let seq = world.head(&context).seq;
    let approve = Call::Approve { seq, actions_hash: actions_hash(&batch).expect("a batch") };
    measure(&mut world, costs, "approve it", (bob, &context, &approve));
    let mut other = world.clone();
    measure(&mut other, costs, "cancel a proposal", (alice, &context, &Call::Cancel { seq }));
    let mut other = world.clone();
    let grace = id("grace.near");
    measure(&mut other, costs, "veto a proposal", (&grace, &context, &Call::Veto { seq }));
    let mut other = world.clone();
    other.wait(8 * DAY_S);
    measure(&mut other, costs, "free what ran out", (dave, &context, &Call::Expire { seq }));
    let mut other = world.clone();
    measure(&mut other, costs, "take an approval back", (bob, &context, &Call::Unapprove { seq }));
    let mut other = world.clone();
    measure(&mut other, costs, "approve it last", (carol, &context, &approve));
    let execute = Call::Execute { seq, actions: batch.clone() };
    measure(&mut other, costs, "execute it", (dave, &context, &execute));
    let at_once = Call::ApproveAndExecute { seq, actions: batch };
    measure(&mut world, costs, "approve last and execute at once", (carol, &context, &at_once));
    measure(&mut world, costs, "freeze", (&grace, &context, &Call::Freeze { secs: 60 }));
    measure(&mut world, costs, "renounce", (dave, &context, &Call::Renounce));
}

/// What accounts say about keys.
fn told(costs: &mut Costs) {
    let alice = id("alice.near");
    let mut world = World::new(["alice.near", "grace.near"]);
    let context = world.create(&alice);
    let domain = world.place().log_start(&context);
    let expiry_s = world.now_s() + DAY_S;
    for (name, scheme) in [("an Ed25519", 1), ("a secp256k1", 2), ("a P-256", 3)] {
        let call = bind(&domain, &account(&alice), scheme, expiry_s);
        measure(&mut world, costs, &format!("bind {name} key"), (&alice, &context, &call));
    }
    let unbind = Call::Unbind { key: vec![4; 32] };
    measure(&mut world, costs, "unbind a key", (&alice, &context, &unbind));

    let link = SigningKey::from_slice(&[9; 32]).expect("a secret");
    let point = link.verifying_key().to_encoded_point(false);
    let hash = keccak256(&point.as_bytes()[1..]);
    let key = *hash.as_bytes().last_chunk().expect("32 bytes");
    let invite = Invite { key, expiry_s, role: 1, uses: 1 };
    let siblings: Vec<Hash> = (0..10).map(|n| Hash::from_bytes([n * 7 + 3; 32])).collect();
    let new = siblings.iter().fold(invite.leaf(), |node, sibling| {
        let (low, high) = if node <= *sibling { (node, *sibling) } else { (*sibling, node) };
        keccak256_concat(&[low.as_bytes(), high.as_bytes()])
    });
    world
        .act(&alice, &context, vec![Action::SetInviteRoot { prev: Hash::ZERO, new }])
        .expect("set");
    let digest = claim_digest(&domain, &account(&alice), &[4; 32]);
    let claim = Call::ClaimInvite {
        key: vec![4; 32],
        invite,
        use_number: 0,
        proof: siblings,
        signature: recoverable(&link, &digest),
    };
    measure(&mut world, costs, "claim one of 1024 invitations", (&alice, &context, &claim));
}

fn bind(domain: &Hash, by: &Account, scheme: u8, expiry_s: u64) -> Call {
    let secret = [8; 32];
    let digest = |key: &[u8]| binding_digest(domain, by, scheme, key, expiry_s);
    let (key, signature) = match scheme {
        1 => {
            let secret = MemberSecret::from_seed(&secret);
            let key = secret.public().as_bytes().to_vec();
            let signature = secret.sign_bytes(digest(&key).as_bytes()).as_bytes().to_vec();
            (key, signature)
        }
        2 => {
            let secret = SigningKey::from_slice(&secret).expect("a secret");
            let key = secret.verifying_key().to_encoded_point(false).as_bytes()[1..].to_vec();
            let signature = recoverable(&secret, &digest(&key));
            (key, signature)
        }
        _ => {
            let secret = p256::ecdsa::SigningKey::from_slice(&secret).expect("a secret");
            let key = secret.verifying_key().to_encoded_point(false).as_bytes()[1..].to_vec();
            let signed = secret.sign_prehash_recoverable(digest(&key).as_bytes());
            (key, signed.expect("a digest").0.to_bytes().to_vec())
        }
    };
    Call::Bind { scheme, key, signature, expiry_s }
}

fn recoverable(secret: &SigningKey, digest: &Hash) -> Vec<u8> {
    let signed = secret.sign_prehash_recoverable(digest.as_bytes()).expect("a digest");
    [&signed.0.to_bytes()[..], &[27 + signed.1.to_byte()]].concat()
}

/// 32 seats, 64 open proposals, the longest names, the longest batches.
fn crowded(costs: &mut Costs) {
    let admins: Vec<AccountId> = (1..=32).map(|n| id(&format!("{n:0>59}.near"))).collect();
    let mut world = World::new(admins.iter().map(|id| id.as_str()));
    let context = world.council(&admins);
    let batch: Vec<Action> = (0..16).map(|n| members(0x10 + n, 0x11 + n)).collect();
    let first = &admins[0];
    let mut other = world.clone();
    let expiry_s = world.now_s() + 7 * DAY_S;
    let act = Call::Act { actions: batch.clone(), expiry_s };
    measure(&mut other, costs, "crowded: act, 16 actions", (first, &context, &act));
    world.act(first, &context, vec![Action::SetThreshold { threshold: 2 }]).expect("set");
    let propose = Call::Propose { actions: batch.clone(), expiry_s };
    for n in 0..64 {
        let by = &admins[n / 8];
        measure(&mut world, costs, "crowded: propose, 16 actions", (by, &context, &propose));
    }
    let refused = world.propose(&admins[9], &context, batch.clone()).map(drop);
    assert_eq!(refused, Err(governance::anchor::Code::E14));
    let actions_hash = actions_hash(&batch).expect("a batch");
    let mut other = world.clone();
    let last = world.head(&context).seq;
    let approve = Call::Approve { seq: last, actions_hash };
    let by = &admins[31];
    measure(&mut other, costs, "crowded: approve", (by, &context, &approve));
    let execute = Call::Execute { seq: last, actions: batch.clone() };
    measure(&mut other, costs, "crowded: execute, 16 actions", (by, &context, &execute));
    let at_once = Call::ApproveAndExecute { seq: last, actions: batch };
    let name = "crowded: approve and execute, 16 actions";
    measure(&mut world, costs, name, (by, &context, &at_once));
}
