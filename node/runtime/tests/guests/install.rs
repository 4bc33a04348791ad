//! Bytes that come as modules.

use anchorhold_runtime::{MODULE_MAX_BYTES, ModuleError};
use proptest::prelude::*;

use crate::{
    hostile::module,
    support::{board_module, id_of, shared},
};

fn install(bytes: &[u8]) -> Result<(), ModuleError> {
    let component = shared().component(bytes)?;
    shared().load(id_of(&component), &component).map(drop)
}

fn text(wat: &str) -> Vec<u8> {
    wat::parse_str(wat).expect("legal text")
}

#[test]
fn a_component_installs_as_it_is() {
    let component = shared().component(&board_module()).expect("a component");
    assert_eq!(shared().component(&component).expect("a component"), component);
    assert_eq!(shared().component(&board_module()).expect("the same"), component);
}

#[test]
fn imports_that_no_context_offers_are_named() {
    let check = |wat: &str, name: &str| match install(&text(wat)).expect_err(name) {
        ModuleError::UnknownImport { name: found } => assert_eq!(found, name),
        other => panic!("{name}: {other}"),
    };
    check(r#"(module (import "env" "steal" (func)))"#, "env steal");
    check(
        r#"(module (import "wasi_snapshot_preview1" "fd_write" (func)))"#,
        "wasi_snapshot_preview1 fd_write",
    );
    check(
        r#"(component (import "wasi:cli/environment@0.2.0" (instance)))"#,
        "wasi:cli/environment@0.2.0",
    );
    check(r#"(component (import "steal" (func)))"#, "steal");
    check(
        r#"(component (import "anchorhold:context/storage@0.9.0" (instance)))"#,
        "anchorhold:context/storage@0.9.0",
    );
}

#[test]
fn what_is_no_application_is_refused() {
    let check = |bytes: &[u8], expected: &str| {
        let refused = install(bytes).expect_err(expected).to_string();
        assert!(refused.contains(expected), "{refused}");
    };
    check(b"", "not a WebAssembly module");
    check(b"hello", "not a WebAssembly module");
    check(&text("(module)"), "module is no application");
    check(&text("(component)"), "module is no application");
    check(&vec![0; MODULE_MAX_BYTES + 1], "at most 16777216 allowed");
    let missing = r#"(component
        (import "anchorhold:context/environment@0.1.0" (instance
            (export "steal" (func)))))"#;
    check(&text(missing), "module is no application");
}

#[test]
fn a_component_loads_under_its_own_id_only() {
    let component = text("(component (type (list u8)))");
    let refused = shared().load(id_of(b"x"), &component).expect_err("another id");
    assert!(matches!(refused, ModuleError::OtherId { .. }));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn arbitrary_bytes_are_an_error(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
        prop_assert!(install(&bytes).is_err());
        for magic in [b"\0asm\x01\0\0\0", b"\0asm\x0d\0\x01\0"] {
            prop_assert!(install(&[magic.as_slice(), &bytes].concat()).is_err());
        }
    }

    #[test]
    fn a_damaged_module_never_panics(at in any::<prop::sample::Index>(), with in any::<u8>()) {
        let mut bytes = module("", "(return (i32.const 160))");
        let at = at.index(bytes.len());
        bytes[at] = with;
        // Some damage is harmless, such as in a name: then it installs.
        if let Err(refused) = install(&bytes) {
            prop_assert!(!refused.to_string().is_empty());
        }
        bytes.truncate(at);
        prop_assert!(install(&bytes).is_err());
    }
}
