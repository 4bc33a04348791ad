use anchorhold_devnet_icp::{InstallMode, Principal, RejectCode};

use crate::world::{COUNTER, World};

#[test]
fn stable_memory_outlives_upgrades_alone() {
    let mut world = World::new();
    let counter = world.canister(COUNTER, &7_u64.to_le_bytes());
    world.update(counter, "add", b"").expect("it adds");
    world.install(counter, InstallMode::Upgrade, COUNTER, b"").expect("it is upgraded");
    assert_eq!(world.count(counter), 8, "read from stable memory");
    world.install(counter, InstallMode::Reinstall, COUNTER, b"").expect("it is installed");
    assert_eq!(world.count(counter), 0);
    let both = world.query(counter, "both");
    assert_eq!(both, [0; 16]);
}

#[test]
fn an_upgrade_that_fails_changes_nothing() {
    let mut world = World::new();
    let counter = world.canister(COUNTER, &7_u64.to_le_bytes());
    let traps = r#"(module
        (import "ic0" "stable64_write" (func $write (param i64 i64 i64)))
        (import "ic0" "stable64_grow" (func $grow (param i64) (result i64)))
        (memory 1)
        (func (export "canister_post_upgrade")
            (drop (call $grow (i64.const 5)))
            (call $write (i64.const 8) (i64.const 0) (i64.const 8))
            unreachable))"#;
    let reject = world.install(counter, InstallMode::Upgrade, traps, b"").expect_err("it traps");
    assert_eq!(reject.code, RejectCode::CanisterError);
    assert_eq!(world.count(counter), 7);
    assert_eq!(world.query(counter, "both"), [7_u64.to_le_bytes(), 7_u64.to_le_bytes()].concat());
    assert_eq!(world.replica.memory_bytes(counter), Some((65_536, 65_536)));
}

#[test]
fn what_pre_upgrade_writes_is_there_afterwards() {
    let mut world = World::new();
    let old = r#"(module
        (import "ic0" "stable64_write" (func $write (param i64 i64 i64)))
        (import "ic0" "stable64_grow" (func $grow (param i64) (result i64)))
        (memory 1)
        (data (i32.const 0) "\2a\00\00\00\00\00\00\00")
        (func (export "canister_pre_upgrade")
            (drop (call $grow (i64.const 1)))
            (call $write (i64.const 8) (i64.const 0) (i64.const 8))))"#;
    let canister = world.canister(old, b"");
    world.install(canister, InstallMode::Upgrade, COUNTER, b"").expect("it is upgraded");
    assert_eq!(world.count(canister), 42);
}

#[test]
fn a_start_function_runs_at_installation_only() {
    let mut world = World::new();
    let code = r#"(module
        (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
        (import "ic0" "msg_reply" (func $reply))
        (memory 1)
        (global $starts (mut f64) (f64.const 0))
        (func $start (global.set $starts (f64.add (global.get $starts) (f64.const 1))))
        (start $start)
        (func (export "canister_update starts")
            (f64.store (i32.const 0) (global.get $starts))
            (call $append (i32.const 0) (i32.const 8)) (call $reply)))"#;
    let canister = world.canister(code, b"");
    for _ in 0..3 {
        let answer = world.update(canister, "starts", b"").expect("it answers");
        assert_eq!(answer.reply, 1.0_f64.to_le_bytes());
    }
}

#[test]
fn only_fitting_installations_are_made() {
    let mut world = World::new();
    let counter = world.canister(COUNTER, b"");
    let wasm = wat::parse_str(COUNTER).expect("well-formed");
    let check = |world: &mut World, id, mode, wasm: &[u8], sender, error_code: &str| {
        let reject = world.replica.install(id, mode, wasm, b"", sender).expect_err(error_code);
        assert_eq!(reject.error_code, error_code, "{reject}");
    };
    let (admin, stranger) = (world.admin, Principal::anonymous());
    let empty = world.replica.create_canister(&[admin]).expect("there is room");
    check(&mut world, counter, InstallMode::Install, &wasm, admin, "IC0538");
    check(&mut world, counter, InstallMode::Upgrade, &wasm, stranger, "IC0512");
    check(&mut world, empty, InstallMode::Upgrade, &wasm, admin, "IC0537");
    check(&mut world, stranger, InstallMode::Install, &wasm, admin, "IC0301");
    for bad in [
        &b""[..],
        b"\0asm",
        b"\x1f\x8b\x08 compressed",
        &wat::parse_str(r#"(module (import "env" "f" (func)))"#).expect("well-formed"),
        &wat::parse_str("(module (memory 1) (memory 1))").expect("well-formed"),
        &wat::parse_str("(module (memory i64 1))").expect("well-formed"),
        &wasm[..wasm.len() - 1],
    ] {
        check(&mut world, empty, InstallMode::Install, bad, admin, "IC0505");
    }
}
