//! Compiled modules on disk.

use std::fs;

use anchorhold_runtime::Runtime;
use tempfile::TempDir;

use crate::support::{board_module, id_of, open, shared};

/// The one file in the cache.
fn file(folder: &TempDir) -> std::path::PathBuf {
    let mut files = fs::read_dir(folder.path()).expect("the cache");
    files.next().expect("a file").expect("readable").path()
}

fn load(runtime: &Runtime, component: &[u8]) {
    let application = runtime.load(id_of(component), component).expect("an application");
    assert!(application.manifest().method("add").is_some());
}

#[test]
fn a_compiled_module_is_loaded_without_its_source() {
    let folder = TempDir::new().expect("a folder");
    let component = shared().component(&board_module()).expect("a component");
    load(&open(folder.path(), 1), &component);
    let other = open(folder.path(), 1).load(id_of(&component), b"").expect("from the cache");
    assert!(other.manifest().method("add").is_some());
}

#[test]
fn a_file_that_is_not_ours_is_compiled_again() {
    let folder = TempDir::new().expect("a folder");
    let component = shared().component(&board_module()).expect("a component");
    load(&open(folder.path(), 1), &component);
    let authentic = fs::read(file(&folder)).expect("readable");
    let check = |story: &str, bytes: &[u8], key: u8| {
        fs::write(file(&folder), bytes).expect("writable");
        let runtime = open(folder.path(), key);
        let refused = runtime.load(id_of(&component), b"").expect_err(story);
        assert!(refused.to_string().starts_with("module has id"), "{story}: {refused}");
        load(&runtime, &component);
        assert!(open(folder.path(), key).load(id_of(&component), b"").is_ok(), "{story}");
    };
    let middle = authentic.len() / 2;
    let changed: Vec<_> =
        authentic.iter().enumerate().map(|(at, byte)| byte ^ u8::from(at == middle)).collect();
    check("one bit changed", &changed, 1);
    check("cut off", &authentic[..middle], 1);
    check("nothing", &[], 1);
    check("no code", &authentic[..32], 1);
    check("another node's key", &authentic, 2);
}

#[test]
fn what_another_version_compiled_is_swept_away() {
    let folder = TempDir::new().expect("a folder");
    for name in ["ab-0123456789abcdef.cwasm", "ab.7.new", "notes.txt"] {
        fs::write(folder.path().join(name), "old").expect("writable");
    }
    open(folder.path(), 1);
    let left = file(&folder);
    assert_eq!(left.file_name().expect("a name"), "notes.txt");
}

#[test]
fn another_application_s_file_is_not_taken() {
    let folder = TempDir::new().expect("a folder");
    let component = shared().component(&board_module()).expect("a component");
    let runtime = open(folder.path(), 1);
    load(&runtime, &component);
    let other = id_of(b"another");
    let name = file(&folder).file_name().expect("a name").to_string_lossy().into_owned();
    let renamed = name.replace(&id_of(&component).to_string(), &other.to_string());
    fs::copy(file(&folder), folder.path().join(renamed)).expect("writable");
    runtime.load(other, b"another").expect_err("no component");
}
