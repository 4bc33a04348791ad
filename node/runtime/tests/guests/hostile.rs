//! Modules that mean harm, each a core module in text with one evil body.

use std::{
    thread,
    time::{Duration, Instant},
};

use anchorhold_runtime::{Application, CallError, LOGS_MAX, Mode, ModuleError, TIME_MAX};
use serde_json::Value;
use wit_component::StringEncoding;
use wit_parser::Resolve;

use crate::support::{Node, id_of, load, none, shared};

/// A module whose only effect is the body of `call`; `go` is a mutate method, `look` a view.
/// At 160 lies a call's answer, `1`; at 4096 begins free memory.
const FRAME: &str = r#"(module
    IMPORTS
    (memory (export "memory") 2)
    (global $calls (mut i32) (i32.const 0))
    (global $free (mut i32) (i32.const 4096))
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
        (local $at i32)
        (local.set $at (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
        (global.set $free (i32.add (local.get $at) (local.get 3)))
        (drop (memory.grow (i32.add (i32.shr_u (local.get 3) (i32.const 16)) (i32.const 1))))
        (local.get $at))
    (func (export "anchorhold:context/application@0.1.0#describe") (result i32) (i32.const 16))
    (func (export "anchorhold:context/application@0.1.0#init") (param i32 i32) (result i32)
        (i32.const 160))
    (func $call (export "anchorhold:context/application@0.1.0#call")
        (param i32 i32 i32 i32) (result i32)
        BODY)
    ;; init: no arguments; methods: two at 64.
    (data (i32.const 16) "\00\00\00\00\00\00\00\00\40\00\00\00\02\00\00\00")
    ;; go, mutate; look, view.
    (data (i32.const 64) "\80\00\00\00\02\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00")
    (data (i32.const 84) "\82\00\00\00\04\00\00\00\01\00\00\00\00\00\00\00\00\00\00\00")
    (data (i32.const 128) "golook")
    ;; ok, a list of one byte at 172.
    (data (i32.const 160) "\00\00\00\00\ac\00\00\00\01\00\00\00")
    (data (i32.const 172) "1"))"#;

const COUNTER: &str = r#"
    (import "anchorhold:context/storage@0.1.0" "[static]counter.open"
        (func $open (param i32 i32 i32) (result i32)))
    (import "anchorhold:context/storage@0.1.0" "[method]counter.add"
        (func $add (param i32 i64)))
    (import "anchorhold:context/storage@0.1.0" "[method]counter.value"
        (func $value (param i32) (result i64)))"#;

const SPEAK: &str = r#"
    (import "anchorhold:context/environment@0.1.0" "emit" (func $emit (param i32 i32 i32 i32)))
    (import "anchorhold:context/environment@0.1.0" "log" (func $log (param i32 i32)))
    (import "anchorhold:context/environment@0.1.0" "random" (func $random (param i32 i32)))"#;

const REGISTER: &str = r#"
    (import "anchorhold:context/storage@0.1.0" "[static]register.open"
        (func $open (param i32 i32 i32) (result i32)))
    (import "anchorhold:context/storage@0.1.0" "[method]register.set"
        (func $set (param i32 i32 i32)))"#;

/// The module with these imports and this body.
pub(crate) fn module(imports: &str, body: &str) -> Vec<u8> {
    embed(&FRAME.replace("IMPORTS", imports).replace("BODY", body))
}

/// `wat` with the world's type section, as cargo leaves it in a guest.
fn embed(wat: &str) -> Vec<u8> {
    let mut module = wat::parse_str(wat).expect("legal text");
    let mut resolve = Resolve::default();
    let wit = concat!(env!("CARGO_MANIFEST_DIR"), "/../sdk/wit");
    let (package, _) = resolve.push_dir(wit).expect("the world");
    let world = resolve.select_world(&[package], Some("context")).expect("the world");
    wit_component::embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)
        .expect("a type section");
    module
}

fn application(imports: &str, body: &str) -> Application {
    load(&module(imports, body))
}

/// Why a call of `go` fails.
fn failure(imports: &str, body: &str) -> CallError {
    let mut node = Node::new(&application(imports, body), 1);
    let before = node.root();
    let error = node.mutate("go", none()).expect_err("it is stopped");
    assert_eq!((node.root(), node.deltas_written()), (before, 0), "nothing is committed");
    assert!(!error.is_node_fault(), "{error}");
    error
}

#[test]
fn a_modest_module_answers() {
    let mut node = Node::new(&application("", "(i32.const 160)"), 1);
    assert_eq!(node.mutate("go", none()).expect("an answer"), Value::from(1));
    assert_eq!(node.init(none()).expect("set up"), Value::Null);
}

#[test]
fn an_endless_loop_stops() {
    let began = Instant::now();
    assert!(matches!(failure("", "(loop (br 0)) (i32.const 160)"), CallError::OutOfFuel));
    assert!(began.elapsed() < TIME_MAX * 2);
}

#[test]
fn time_spent_in_the_node_counts() {
    // A few instructions and much work for the node in each turn: fuel alone would last minutes.
    let body = "(loop (call $random (i32.const 4096) (i32.const 200))
        (global.set $free (i32.const 4096)) (br 0)) (i32.const 160)";
    let began = Instant::now();
    let error = failure(SPEAK, body);
    assert!(matches!(error, CallError::OutOfTime), "{error}");
    assert!(began.elapsed() < TIME_MAX + Duration::from_secs(5));
}

#[test]
fn a_memory_bomb_fizzles() {
    let body = "(loop (br_if 0 (i32.ge_s (memory.grow (i32.const 16)) (i32.const 0)))) unreachable";
    let error = failure("", body);
    assert_eq!(error.to_string(), "call wanted more than 64 MiB of memory");
}

#[test]
fn a_bottomless_recursion_ends() {
    let body = "(call $call (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))";
    let error = failure("", body);
    assert!(matches!(&error, CallError::Trapped { reason } if reason.contains("stack")), "{error}");
}

#[test]
fn a_trap_after_a_write_commits_nothing() {
    let body = "(call $add (call $open (i32.const 0) (i32.const 128) (i32.const 2)) (i64.const 5))
        unreachable";
    assert!(matches!(failure(COUNTER, body), CallError::Trapped { .. }));
}

#[test]
fn the_last_words_of_a_broken_call_are_told() {
    let body = "(call $log (i32.const 128) (i32.const 6)) unreachable";
    let error = failure(SPEAK, body).to_string();
    assert!(error.starts_with("application broke off: wasm trap"), "{error}");
    assert!(error.ends_with("its last words: golook"), "{error}");
}

#[test]
fn a_view_that_writes_is_stopped() {
    let body = "(call $add (call $open (i32.const 0) (i32.const 128) (i32.const 2)) (i64.const 5))
        (i32.const 160)";
    let mut node = Node::new(&application(COUNTER, body), 1);
    assert!(matches!(node.view("look", none()), Err(CallError::ViewWrites)));
    let private = body.replacen("(i32.const 0)", "(i32.const 1)", 1);
    let node_of_private = Node::new(&application(COUNTER, &private), 1);
    assert!(matches!(node_of_private.view("look", none()), Err(CallError::ViewWrites)));
    let event = "(call $emit (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 1))
        (i32.const 160)";
    let speaking = Node::new(&application(SPEAK, event), 1);
    assert!(matches!(speaking.view("look", none()), Err(CallError::ViewWrites)));
    node.mutate("go", none()).expect("a mutate method may write");
    assert_eq!(node.deltas_written(), 1);
}

#[test]
fn a_flood_of_events_is_stopped() {
    let body = "(loop (call $emit (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 1)) (br 0))
        (i32.const 160)";
    assert_eq!(failure(SPEAK, body).to_string(), "too much: events, at most 100 allowed");
    let large = "(call $emit (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 16384))
        (i32.const 160)";
    let error = failure(SPEAK, large).to_string();
    assert_eq!(error, "too much: bytes of an event, at most 16384 allowed");
}

#[test]
fn a_flood_of_log_lines_is_cut_off_and_counted() {
    let body = "(local $turn i32)
        (loop
            (call $log (i32.const 4096) (i32.const 20000))
            (local.set $turn (i32.add (local.get $turn) (i32.const 1)))
            (br_if 0 (i32.lt_u (local.get $turn) (i32.const 150))))
        (i32.const 160)";
    let mut node = Node::new(&application(SPEAK, body), 1);
    node.mutate("go", none()).expect("logging is no offence");
    let outcome = node.last.expect("an outcome");
    assert_eq!((outcome.logs.len(), outcome.logs_dropped), (LOGS_MAX, 50));
    assert!(outcome.logs.iter().all(|line| line.len() == 16 * 1024));
}

#[test]
fn a_value_that_is_too_large_is_refused() {
    let body = "(drop (memory.grow (i32.const 32)))
        (call $set (call $open (i32.const 0) (i32.const 128) (i32.const 2))
            (i32.const 4096) (i32.const 1048577))
        (i32.const 160)";
    let error = failure(REGISTER, body);
    assert!(matches!(error, CallError::Unstorable(_)), "{error}");
    assert!(error.to_string().contains("at most 1048576 allowed"), "{error}");
}

#[test]
fn writes_beyond_a_delta_are_refused() {
    // One register after another, named by four bytes at 4096, each of half a MiB.
    let body = "(drop (memory.grow (i32.const 32)))
        (loop
            (i32.store (i32.const 4096) (i32.add (i32.load (i32.const 4096)) (i32.const 1)))
            (call $set (call $open (i32.const 0) (i32.const 4096) (i32.const 4))
                (i32.const 4096) (i32.const 524288))
            (br 0))
        (i32.const 160)";
    let error = failure(REGISTER, body);
    assert!(error.to_string().contains("at most 4194304 allowed"), "{error}");
}

#[test]
fn a_flood_of_handles_is_stopped() {
    let body = "(loop (drop (call $open (i32.const 0) (i32.const 128) (i32.const 2))) (br 0))
        (i32.const 160)";
    let error = failure(COUNTER, body);
    let named = matches!(error, CallError::OverLimit { .. } | CallError::Trapped { .. });
    assert!(named, "{error}");
}

#[test]
fn no_call_sees_what_another_left_in_memory() {
    // The answer is the number of calls that this instance has seen.
    let body = "(global.set $calls (i32.add (global.get $calls) (i32.const 1)))
        (i32.store8 (i32.const 172) (i32.add (i32.const 48) (global.get $calls)))
        (i32.const 160)";
    let mut node = Node::new(&application("", body), 1);
    for _ in 0..50 {
        assert_eq!(node.mutate("go", none()).expect("an answer"), Value::from(1));
    }
}

#[test]
fn calls_beyond_the_places_wait_their_turn() {
    let application = application("", "(i32.const 160)");
    thread::scope(|scope| {
        for _ in 0..150 {
            scope.spawn(|| {
                for _ in 0..5 {
                    let mut node = Node::new(&application, 1);
                    assert_eq!(node.mutate("go", none()).expect("an answer"), Value::from(1));
                }
            });
        }
    });
}

#[test]
fn many_applications_share_the_instances_of_a_node() {
    // With all their spares they would want more instances than there are.
    let body = |number: usize| format!("(drop (i32.const {number})) (i32.const 160)");
    let applications: Vec<_> = (0..50).map(|number| application("", &body(number))).collect();
    for _ in 0..3 {
        for application in &applications {
            let mut node = Node::new(application, 1);
            assert_eq!(node.mutate("go", none()).expect("an answer"), Value::from(1));
        }
    }
}

#[test]
fn an_answer_outside_memory_is_a_trap() {
    assert!(matches!(failure("", "(i32.const -4)"), CallError::Trapped { .. }));
    let huge = "(i32.store (i32.const 168) (i32.const 0x7fffffff)) (i32.const 160)";
    assert!(matches!(failure("", huge), CallError::Trapped { .. }));
}

#[test]
fn a_call_is_stopped_before_the_guest_if_its_arguments_are_too_long() {
    let node = Node::new(&application("", "(i32.const 160)"), 1);
    let long = Value::from("x".repeat(anchorhold_runtime::ARGUMENTS_MAX_BYTES));
    let error = node.call(Mode::Mutate, "go", long).expect_err("too long");
    assert!(matches!(error, CallError::OverLimit { .. }), "{error}");
}

#[test]
fn a_module_that_does_not_start_is_no_application() {
    let check = |story: &str, wat: &str| {
        let component = shared().component(&embed(wat)).expect(story);
        let refused = shared().load(id_of(&component), &component).expect_err(story);
        let fits = matches!(refused, ModuleError::NoStart { .. } | ModuleError::BadManifest { .. });
        assert!(fits, "{story}: {refused}");
    };
    let began = Instant::now();
    let frame = |imports: &str, more: &str| {
        let body = FRAME.replace("IMPORTS", imports).replace("BODY", "(i32.const 160)");
        format!("{} {more})", body.strip_suffix(')').expect("a module"))
    };
    check("starts with a loop", &frame("", "(func $s (loop (br 0))) (start $s)"));
    check("starts with a trap", &frame("", "(func $s unreachable) (start $s)"));
    let speaks = "(func $s (call $log (i32.const 0) (i32.const 1))) (start $s)";
    check("speaks before it is called", &frame(SPEAK, speaks));
    let bombs = "(func $s (if (i32.lt_s (memory.grow (i32.const 2000)) (i32.const 0))
        (then unreachable))) (start $s)";
    check("wants all memory", &frame("", bombs));
    let twice = frame("", r#"(data (i32.const 84) "\80\00\00\00\02\00\00\00")"#);
    check("offers one method twice", &twice);
    let many = frame("", r#"(data (i32.const 28) "\ff\ff\ff\7f")"#);
    check("offers methods outside its memory", &many);
    let nameless = frame("", r#"(data (i32.const 128) "g/look")"#);
    check("has a method that is no name", &nameless);
    assert!(began.elapsed() < Duration::from_secs(20));
}
