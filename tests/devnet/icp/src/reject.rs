//! Why a call was not answered with a reply.

use std::fmt;

use candid::Principal;

/// The class of a rejection, as callers see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u32)]
pub enum RejectCode {
    /// The system failed for good.
    SysFatal = 1,
    /// The system failed for the moment.
    SysTransient = 2,
    /// There is no such canister or method.
    DestinationInvalid = 3,
    /// The canister refused.
    CanisterReject = 4,
    /// The canister trapped, or did not answer.
    CanisterError = 5,
    /// The answer to a bounded wait did not come in time.
    SysUnknown = 6,
}

/// A call that was rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reject {
    /// The class.
    pub code: RejectCode,
    /// What is told to people.
    pub message: String,
    /// The replica's own code, such as `IC0503`.
    pub error_code: &'static str,
}

impl fmt::Display for Reject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({:?}, {})", self.message, self.code, self.error_code)
    }
}

impl std::error::Error for Reject {}

impl Reject {
    pub(crate) fn new(code: RejectCode, error_code: &'static str, message: String) -> Self {
        Self { code, message, error_code }
    }

    pub(crate) fn no_canister(id: Principal) -> Self {
        let message = format!("Canister {id} not found");
        Self::new(RejectCode::DestinationInvalid, "IC0301", message)
    }

    pub(crate) fn no_module(id: Principal) -> Self {
        let message = format!(
            "Error from Canister {id}: Attempted to execute a message, but the canister contains \
             no Wasm module."
        );
        Self::new(RejectCode::CanisterError, "IC0537", message)
    }

    pub(crate) fn no_method(id: Principal, kind: &str, name: &str) -> Self {
        let message = format!("Error from Canister {id}: Canister has no {kind} method '{name}'.");
        Self::new(RejectCode::DestinationInvalid, "IC0536", message)
    }

    pub(crate) fn not_running(id: Principal) -> Self {
        let message = format!("Canister {id} is not running");
        Self::new(RejectCode::CanisterError, "IC0508", message)
    }

    pub(crate) fn no_answer(id: Principal) -> Self {
        let message = format!("Error from Canister {id}: Canister did not reply to the call");
        Self::new(RejectCode::CanisterError, "IC0506", message)
    }

    pub(crate) fn no_cycles(id: Principal) -> Self {
        let message = format!("Canister {id} is out of cycles");
        Self::new(RejectCode::SysTransient, "IC0207", message)
    }

    pub(crate) fn by_canister(message: String) -> Self {
        Self::new(RejectCode::CanisterReject, "IC0406", message)
    }

    pub(crate) fn not_accepted(id: Principal) -> Self {
        let message = format!("Canister {id} rejected the message");
        Self::new(RejectCode::CanisterReject, "IC0516", message)
    }

    pub(crate) fn not_controller(caller: Principal, id: Principal) -> Self {
        let message = format!("Only controllers of canister {id} can call it: {caller} is none");
        Self::new(RejectCode::CanisterError, "IC0512", message)
    }

    pub(crate) fn bad_payload(message: impl Into<String>) -> Self {
        Self::new(RejectCode::CanisterError, "IC0408", message.into())
    }

    pub(crate) fn bad_module(id: Principal, why: &str) -> Self {
        let message =
            format!("Error from Canister {id}: Canister's Wasm module is not valid: {why}");
        Self::new(RejectCode::CanisterError, "IC0505", message)
    }

    pub(crate) fn too_late() -> Self {
        let message = "The call was not answered in time".to_owned();
        Self::new(RejectCode::SysUnknown, "IC0209", message)
    }
}
