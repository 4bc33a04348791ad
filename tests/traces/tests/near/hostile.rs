//! What others may try.

use devnet_near::{Call as NearCall, Gas};
use governance::anchor::{Action, Call, Code};
use serde_json::{Value, json};

use crate::world::{DAY_S, DEPOSIT, World, account, hex, id, members, terms, tgas};

fn world() -> World {
    World::new(["alice.near", "bob.near", "grace.near", "mallory.near"])
}

fn sixteen() -> Vec<Action> {
    (0..16).map(|n| members(0x10 + n, 0x11 + n)).collect()
}

#[test]
fn too_little_gas_at_any_point_changes_nothing() {
    let mut world = world();
    let alice = id("alice.near");
    let context = world.create(&alice);
    let expiry_s = world.now_s() + DAY_S;
    let call = Call::Act { actions: sixteen(), expiry_s };
    let (state, surplus) = (world.state(), world.surplus());
    let (mut short, mut done) = (0, 0);
    for tenths in 1..100 {
        let mut world = world.clone();
        let sent = world.call(&context, &call, None).with_gas(Gas::from_gigagas(tenths * 100));
        let report = world.chain.call(&alice, sent).expect("included");
        match report.failure() {
            Some(text) => {
                assert!(text.contains("gas"), "{tenths}: {text}");
                assert!(world.state() == state && world.surplus() == surplus, "{tenths}");
                short += 1;
            }
            None => {
                assert_eq!(world.head(&context).rev, 17, "{tenths}");
                done += 1;
            }
        }
    }
    assert!(short > 10 && done > 10, "{short} short, {done} done");
}

#[test]
fn arguments_that_are_none_are_refused() {
    let mut world = world();
    let alice = id("alice.near");
    let context = world.create(&alice);
    let context = hex(context.as_hash().as_bytes());
    let state = world.state();
    let batch = "0x100020".to_owned() + &"01".repeat(32);
    let good = json!({"context": context, "actions": batch, "expiry_s": "1800086400"});
    let with = |field: &str, value: Value| {
        let mut args = good.clone();
        args[field] = value;
        args.to_string()
    };
    let cases: Vec<(&str, String)> = vec![
        ("nothing", String::new()),
        ("no object", "7".to_owned()),
        ("a missing field", json!({"context": context, "actions": batch}).to_string()),
        ("another field", with("owner", "mallory.near".into())),
        ("a number for text", with("expiry_s", 1_800_086_400.into())),
        ("a negative number", with("expiry_s", "-1".into())),
        ("more than 64 bits", with("expiry_s", "18446744073709551616".into())),
        ("upper case", with("context", context.to_uppercase().into())),
        ("31 bytes", with("context", context[..64].into())),
        ("33 bytes", with("context", (context.clone() + "00").into())),
        ("bytes as a list", with("actions", json!([1, 2]))),
        ("half a byte", with("actions", "0x1".into())),
        ("twice the same field", good.to_string().replacen('{', "{\"expiry_s\":\"1\",", 1)),
        ("something behind", good.to_string() + "{}"),
        ("a deep list", "[".repeat(100_000)),
        ("a long number", with("expiry_s", "9".repeat(1_000_000).into())),
        ("a long batch", with("actions", ("0x".to_owned() + &"00".repeat(500_000)).into())),
        ("a long unknown field", with("note", "x".repeat(1_000_000).into())),
    ];
    for (story, args) in cases {
        let call = NearCall::new(&world.registry, "act", args).with_deposit(DEPOSIT);
        let report = world.chain.call(&alice, call).expect("included");
        assert!(report.failure().is_some(), "{story}");
        assert!(world.state() == state, "{story}");
    }
    let call = NearCall::new(&world.registry, "act", good.to_string()).with_deposit(DEPOSIT);
    assert_eq!(world.chain.call(&alice, call).expect("included").failure(), None);
}

#[test]
fn terms_that_are_none_are_refused() {
    let mut world = world();
    let alice = id("alice.near");
    let create = Call::Create { salt: [7; 32], terms: terms() };
    let context = world.place().context(&account(&alice), &[7; 32]);
    let (_, good) = crate::world::arguments(&context, &create, None);
    let with = |field: &str, value: Value| {
        let mut args = good.clone();
        args["terms"][field] = value;
        args
    };
    for (story, args) in [
        ("another field", with("owner", "mallory.near".into())),
        ("a guardian that no account can be", with("guardian", "Not An Account".into())),
        ("three delays", with("delays_s", json!([0, 0, 0]))),
        ("more than 8 bits", with("flags", 256.into())),
        ("no application", with("app", Value::Null)),
        ("31 bytes", with("context", hex([1; 31]).into())),
    ] {
        let call = NearCall::new(&world.registry, "create", args.to_string());
        let report = world.chain.call(&alice, call.with_deposit(DEPOSIT)).expect("included");
        assert!(report.failure().is_some(), "{story}");
        assert!(world.state().is_empty(), "{story}");
    }
    assert_eq!(world.create(&alice), context);
}

#[test]
fn a_batch_of_4096_bytes_is_read_and_refused_cheaply() {
    let mut world = world();
    let alice = id("alice.near");
    let context = world.create(&alice);
    let state = world.state();
    let expiry_s = world.now_s() + DAY_S;
    let padded = |len: u16| [&[6][..], &len.to_be_bytes(), &[0].repeat(len.into())].concat();
    for (bytes, code) in [
        (padded(4093), Code::E17),
        (padded(4094), Code::E16),
        ([0x0f, 0, 0].repeat(1365), Code::E16),
    ] {
        let call = Call::Propose { actions: Vec::new(), expiry_s };
        let sent = world.call(&context, &call, Some(&bytes)).with_gas(tgas(8));
        assert_eq!(world.send(&alice, sent).map(drop), Err(code), "{} bytes", bytes.len());
        assert!(world.state() == state);
    }
}

#[test]
fn a_name_that_no_account_can_have_is_malformed() {
    let mut world = world();
    let alice = id("alice.near");
    let context = world.create(&alice);
    let state = world.state();
    for name in [&b"a"[..], b"Bob.near", b"bob..near", b"bob near", &[0xff; 20], &[b'a'; 65]] {
        let account = [&[u8::try_from(name.len()).expect("short")], name].concat();
        let payload = [&account[..], &[0, 0, 0, 9]].concat();
        let len = u16::try_from(payload.len()).expect("short");
        let bytes = [&[1][..], &len.to_be_bytes(), &payload].concat();
        let call = Call::Act { actions: Vec::new(), expiry_s: world.now_s() + DAY_S };
        let sent = world.call(&context, &call, Some(&bytes));
        assert_eq!(world.send(&alice, sent).map(drop), Err(Code::E16), "{name:?}");
        assert!(world.state() == state);
    }
}

#[test]
fn nobody_makes_a_record_in_anothers_name() {
    let mut world = world();
    let [alice, mallory] = ["alice.near", "mallory.near"].map(id);
    let create = Call::Create { salt: [7; 32], terms: terms() };
    let context = world.place().context(&account(&alice), &[7; 32]);
    world.ask(&mallory, &context, &create).expect("her own");
    assert_eq!(world.heads(&context).0, [0; 32]);
    assert_eq!(world.create(&alice), context);
    let ours = json!({"creator": "alice.near", "salt": hex([7; 32])});
    assert_eq!(world.view("context_id", &ours), Value::from(hex(context.as_hash().as_bytes())));
}

#[test]
fn without_a_key_the_code_stays() {
    let mut world = world();
    let registry = world.registry.clone();
    let key = world.chain.key(&registry).expect("it had one").public_key();
    let delete = near_primitives::action::DeleteKeyAction { public_key: key };
    let delete = devnet_near::Action::DeleteKey(Box::new(delete));
    let report = world.chain.act(&registry, &registry, vec![delete]).expect("included");
    assert_eq!(report.failure(), None);
    assert!(world.chain.deploy(&registry, b"\0asm\x01\0\0\0").is_err());
    let alice = id("alice.near");
    world.create(&alice);
    // Nobody else can put code there.
    let deploy = near_primitives::action::DeployContractAction { code: vec![1] };
    let deploy = devnet_near::Action::DeployContract(deploy);
    let report = world.chain.act(&alice, &registry, vec![deploy]).expect("included");
    assert!(report.failure().is_some());
}

#[test]
fn what_the_contract_says_of_itself_is_there() {
    let world = world();
    let source = world.view("contract_source_metadata", &json!({}));
    let standards: Vec<&str> = source["standards"]
        .as_array()
        .expect("standards")
        .iter()
        .map(|standard| standard["standard"].as_str().expect("a name"))
        .collect();
    assert_eq!(standards, ["cam", "nep330"]);
    assert_eq!(source["version"], "1.0.0");
    let domain = hex(world.place().domain().as_bytes());
    assert_eq!(world.view("registry_domain", &json!({})), Value::from(domain));
}
