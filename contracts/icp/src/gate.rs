//! Who may call at all. The same is looked at twice: before a message is accepted, where it costs
//! nothing but is one replica's word and is not asked about canisters' calls, and in the method.

use ic_cdk::api;

use crate::wire;

/// Longest argument, in bytes: twice the longest batch. Looked at before anything is decoded.
const ARGUMENT_BYTES_MAX: usize = 8 * 1024;

/// Whether the argument is short enough.
///
/// # Errors
/// The text of the refusal.
pub(crate) fn size() -> Result<(), String> {
    let size = ic0::msg_arg_data_size();
    if size > ARGUMENT_BYTES_MAX {
        let limit = ARGUMENT_BYTES_MAX;
        return Err(format!("the argument has {size} bytes, more than {limit}"));
    }
    Ok(())
}

/// As [`size`], and whether the caller is somebody.
///
/// # Errors
/// The text of the refusal.
pub(crate) fn caller() -> Result<(), String> {
    size()?;
    match wire::account(&api::msg_caller()) {
        Some(_) => Ok(()),
        None => Err("the anonymous principal is nobody: sign the call".to_owned()),
    }
}

/// Accepts a message of somebody, of bounded size, for a method that there is. Others are refused
/// before they cost anything.
#[ic_cdk::inspect_message]
fn inspect_message() {
    let method = api::msg_method_name();
    if !METHODS.contains(&method.as_str()) {
        ic_cdk::trap(format!("there is no method {}", method.escape_debug()));
    }
    match caller() {
        Ok(()) => api::accept_message(),
        Err(text) => ic_cdk::trap(text),
    }
}

/// All methods, ascending; a test compares them with the interface.
pub(crate) const METHODS: &[&str] = &[
    "about",
    "accept_admin",
    "act",
    "admin",
    "allowance",
    "approve",
    "approve_and_execute",
    "bind",
    "buy_record",
    "buy_room",
    "cancel",
    "claim_invite",
    "context_id",
    "create",
    "domain",
    "execute",
    "expire",
    "freeze",
    "head",
    "is_member",
    "proposal",
    "proposals",
    "propose",
    "record",
    "registry_domain",
    "renounce",
    "revisions",
    "unapprove",
    "unbind",
    "validate_accept_admin",
    "validate_act",
    "validate_approve",
    "validate_approve_and_execute",
    "validate_bind",
    "validate_buy_record",
    "validate_buy_room",
    "validate_cancel",
    "validate_claim_invite",
    "validate_create",
    "validate_execute",
    "validate_expire",
    "validate_freeze",
    "validate_propose",
    "validate_renounce",
    "validate_unapprove",
    "validate_unbind",
    "validate_veto",
    "veto",
];
