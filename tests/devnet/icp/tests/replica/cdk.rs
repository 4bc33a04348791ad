//! A canister made with the usual kit. Its module is built apart:
//! `cargo build --release --target wasm32-unknown-unknown` in `testdata/cdk`; `DEVNET_ICP_CDK`
//! names it.

use std::time::Duration;

use anchorhold_devnet_icp::{InstallMode, Principal, RejectCode};
use candid::{
    encode_args,
    utils::{ArgumentDecoder, ArgumentEncoder},
};

use crate::world::World;

/// A replica with so many of these canisters; none where the module is not built.
#[expect(clippy::print_stdout, reason = "says that nothing is tested here")]
fn world<const N: usize>() -> Option<(World, [Principal; N], Vec<u8>)> {
    let Some(path) = std::env::var_os("DEVNET_ICP_CDK") else {
        println!("skipped: DEVNET_ICP_CDK names no module of testdata/cdk");
        return None;
    };
    let wasm = std::fs::read(path).expect("the module is there");
    let mut world = World::new();
    let canisters = std::array::from_fn(|_| {
        let id = world.replica.create_canister(&[world.admin]).expect("there is room");
        let mode = InstallMode::Install;
        world.replica.install(id, mode, &wasm, b"", world.admin).expect("it is installed");
        id
    });
    Some((world, canisters, wasm))
}

fn update<T: for<'a> ArgumentDecoder<'a>>(
    world: &mut World,
    id: Principal,
    method: &str,
    args: impl ArgumentEncoder,
) -> T {
    let arg = encode_args(args).expect("it encodes");
    let answer = world.update(id, method, &arg).unwrap_or_else(|reject| panic!("{reject}"));
    candid::decode_args(&answer.reply).expect("it decodes")
}

fn query<T: for<'a> ArgumentDecoder<'a>>(
    world: &mut World,
    id: Principal,
    method: &str,
    args: impl ArgumentEncoder,
) -> T {
    let call = world.call(id, method, &encode_args(args).expect("it encodes"));
    let answer = world.replica.query(&call).unwrap_or_else(|reject| panic!("{reject}"));
    candid::decode_args(&answer.reply).expect("it decodes")
}

fn find(world: &mut World, id: Principal, name: &str) -> Option<String> {
    query::<(Option<String>,)>(world, id, "find", (name,)).0
}

fn counts(world: &mut World, id: Principal) -> (u64, u64, u64) {
    query(world, id, "counts", ())
}

#[test]
fn notes_outlive_upgrades_and_panics_leave_none() {
    let Some((mut world, [id], wasm)) = world() else { return };
    let (old,): (Option<String>,) = update(&mut world, id, "put", ("a", "1"));
    assert_eq!(old, None);
    let (old,): (Option<String>,) = update(&mut world, id, "put", ("a", "2"));
    assert_eq!(old.as_deref(), Some("1"));
    let arg = encode_args(("b", "3")).expect("it encodes");
    let reject = world.update(id, "put_and_panic", &arg).expect_err("it panics");
    assert_eq!((reject.code, reject.error_code), (RejectCode::CanisterError, "IC0503"));
    assert!(reject.message.contains("not b"), "{reject}");
    assert_eq!(find(&mut world, id, "b"), None);
    let mode = InstallMode::Upgrade;
    world.replica.install(id, mode, &wasm, b"", world.admin).expect("it is upgraded");
    assert_eq!(find(&mut world, id, "a").as_deref(), Some("2"));
    assert_eq!(counts(&mut world, id), (1, 1, 0));
    assert_eq!(world.replica.certified_data(id), Some(&1_u64.to_be_bytes()[..]));
    let (certificate,): (Option<Vec<u8>>,) = query(&mut world, id, "certificate", ());
    assert!(certificate.is_some());
    let who: (Principal, bool, Principal) = query(&mut world, id, "who", ());
    assert_eq!(who, (world.admin, true, id));
    let mut call = world.call(id, "put", &arg);
    call.sender = Principal::anonymous();
    let reject = world.replica.update(&call).expect_err("inspection stops it");
    assert_eq!(reject.error_code, "IC0516");
}

#[test]
fn what_came_before_a_call_stays() {
    let Some((mut world, [here, there], _)) = world() else { return };
    let (sent,): (Result<(), String>,) =
        update(&mut world, here, "put_elsewhere", (there, "a", false));
    assert_eq!(sent, Ok(()));
    assert_eq!(find(&mut world, here, "a").as_deref(), Some("arrived"));
    assert_eq!(find(&mut world, there, "a").as_deref(), Some("from elsewhere"));

    let arg = encode_args((there, "b")).expect("it encodes");
    let reject = world.update(here, "put_elsewhere_and_panic", &arg).expect_err("it panics");
    assert!(reject.message.contains("after the answer: true"), "{reject}");
    assert_eq!(find(&mut world, here, "b").as_deref(), Some("sent"));
    assert_eq!(find(&mut world, there, "b").as_deref(), Some("from elsewhere"));

    let nowhere = Principal::anonymous();
    let (sent,): (Result<(), String>,) =
        update(&mut world, here, "put_elsewhere", (nowhere, "c", false));
    assert!(sent.expect_err("there is nobody").starts_with("3: "));
    assert_eq!(find(&mut world, here, "c").as_deref(), Some("sent"));
}

#[test]
fn a_bounded_wait_ends_without_an_answer() {
    let Some((mut world, [here, there], _)) = world() else { return };
    world.replica.pause(there);
    let arg = encode_args((there, "a", true)).expect("it encodes");
    let waits = world.update(here, "put_elsewhere", &arg).expect_err("no answer yet");
    assert_eq!(waits.code, RejectCode::SysTransient);
    assert_eq!(find(&mut world, here, "a").as_deref(), Some("sent"));
    world.replica.advance(Duration::from_secs(2));
    world.replica.resume(there);
    assert_eq!(find(&mut world, here, "a").as_deref(), Some("sent"));
    assert_eq!(find(&mut world, there, "a"), None, "the call was never begun");
}

#[test]
fn timers_and_random_numbers_work() {
    let Some((mut world, [id], _)) = world() else { return };
    let () = update(&mut world, id, "tick_after", (10_u64,));
    world.replica.advance(Duration::from_secs(9));
    assert_eq!(counts(&mut world, id).2, 0);
    world.replica.advance(Duration::from_secs(2));
    assert_eq!(counts(&mut world, id).2, 1);
    let (drawn,): (Vec<u8>,) = update(&mut world, id, "random", ());
    assert_eq!(drawn.len(), 32);
}
