//! That `registry.did` is the code's interface. What the methods do is shown on the wasm, in a
//! replica: `tests/traces`.

use crate::gate::METHODS;
use crate::wire::{
    About, AdminView, Allowance, Answer, Bytes32, Certified, CertifiedProposals, CertifiedRecord,
    CertifiedRevisions, Invite, ProposalView, Refusal, Settings, Terms,
};
use candid::Principal;
use serde_bytes::ByteBuf;

candid::export_service!();

/// As it is committed.
const COMMITTED: &str = include_str!("../registry.did");

#[test]
fn the_interface_is_the_codes() {
    let made = __export_service();
    assert_eq!(made.trim_end(), COMMITTED.trim_end(), "registry.did should be:\n{made}\n");
}

#[test]
fn every_method_is_let_in_and_no_other() {
    let (_, service) = COMMITTED.split_once("service : (opt Settings) -> {").expect("a service");
    let lines = service.lines().map(str::trim).filter(|line| !line.starts_with("//"));
    let named = lines.filter_map(|line| line.split_once(" : ("));
    let mut methods: Vec<&str> = named.map(|(name, _)| name.trim_matches('"')).collect();
    methods.sort_unstable();
    assert_eq!(METHODS, methods);
}

#[test]
fn every_update_has_a_twin() {
    let twins = METHODS.iter().filter_map(|name| name.strip_prefix("validate_"));
    let queries = [
        "about",
        "admin",
        "allowance",
        "context_id",
        "domain",
        "head",
        "is_member",
        "proposal",
        "proposals",
        "record",
        "registry_domain",
        "revisions",
    ];
    let updates = METHODS
        .iter()
        .copied()
        .filter(|name| !name.starts_with("validate_") && !queries.contains(name));
    assert_eq!(twins.collect::<Vec<_>>(), updates.collect::<Vec<_>>());
}
