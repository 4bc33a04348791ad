//! What the contract's host checks, as far as foreseeing a refusal needs it.

use governance::anchor::{self, Account, Approval};
use types::Hash;

use crate::wallet::key::recover_address;

/// Foresees what the contract will say. Signatures of member keys are left to the contract.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Host;

impl anchor::Host for Host {
    /// NEAR's contract has no approvals by signatures.
    fn approved(&self, _: &Account, _: &Approval, _: &[u8]) -> bool {
        false
    }

    fn recover(&self, digest: &Hash, signature: &[u8]) -> Option<[u8; 20]> {
        recover_address(digest, signature)
    }

    fn key_signed(&self, _: u8, _: &[u8], _: &Hash, _: &[u8]) -> Option<bool> {
        None
    }
}
