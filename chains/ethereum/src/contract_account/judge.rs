//! Whether an account signed, from its code and from what the chain answers.

use alloy::primitives::{Address, B256, Bytes};
use types::Hash;

use super::{BadWrapping, Wrapped, delegate, erc1271_accepts, erc1271_call, unwrap};
use crate::wallet::eoa;

/// What the chain must be asked, at the block of which the code is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// What the account answers to this call.
    Account(Bytes),
    /// What it answers to `call` right after `factory` was called with `factory_calldata`, in one
    /// simulation that changes nothing. It does not matter whether the factory's own call succeeds.
    Deployed {
        /// Who deploys the account.
        factory: Address,
        /// With what.
        factory_calldata: Bytes,
        /// What the account is then asked.
        call: Bytes,
    },
}

/// What the account gave back when it was called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Whether the call went through, rather than being reverted.
    pub is_success: bool,
    /// What it returned.
    pub data: Bytes,
}

/// What the chain answered so far; `None` was not asked yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    /// To [`Question::Account`].
    pub account: Option<Answer>,
    /// To [`Question::Deployed`].
    pub deployed: Option<Answer>,
}

/// Through what an account signed, and so how long that holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Means {
    /// With its own key: no chain is needed to see it, and it holds for ever.
    Key,
    /// Its contract says so, at the block that was asked.
    Contract,
    /// The contract that its factory would deploy says so, at the block that was asked.
    Factory,
}

/// What code and answers come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgment {
    /// It signed.
    Signed(Means),
    /// It did not.
    Refused(&'static str),
    /// That depends on the answer to this.
    Ask(Question),
}

/// Whether `account`, whose code is `code`, signed `digest`.
///
/// - A wrapped signature is the contract's, never the key's: it is asked as it is deployed, and
///   where that is no or there is no code, as the factory would deploy it.
/// - Without code, the key alone signs.
/// - A delegated account still has its key: that first, then the code that it borrows.
/// - Any other code: the contract alone. A key with the same address must not speak for it.
///
/// Terminates: a question is asked once, and there are two.
///
/// Source: ERC-6492, "Signer side" and "Verifier side"; EIP-7702.
pub fn judge(
    account: &Address,
    code: &[u8],
    digest: &B256,
    signature: &[u8],
    answers: &Answers,
) -> Judgment {
    if account.is_zero() {
        return Judgment::Refused("the zero address is nobody's");
    }
    match unwrap(signature) {
        Err(BadWrapping(why)) => Judgment::Refused(why),
        Ok(Some(wrapped)) => counterfactual(code, digest, wrapped, answers),
        Ok(None) => plain(account, code, digest, signature, answers),
    }
}

fn plain(
    account: &Address,
    code: &[u8],
    digest: &B256,
    signature: &[u8],
    answers: &Answers,
) -> Judgment {
    let has_key = code.is_empty() || delegate(code).is_some();
    if has_key {
        let signer = eoa::recover_digest(&Hash::from_bytes(digest.0), signature);
        if signer.is_ok_and(|signer| signer == *account) {
            return Judgment::Signed(Means::Key);
        }
    }
    if code.is_empty() {
        return Judgment::Refused("the account's key did not sign this");
    }
    match &answers.account {
        None => Judgment::Ask(Question::Account(erc1271_call(digest, signature))),
        Some(answer) if answer.is_yes() => Judgment::Signed(Means::Contract),
        Some(_) => Judgment::Refused("the account does not say that it signed"),
    }
}

fn counterfactual(code: &[u8], digest: &B256, wrapped: Wrapped, answers: &Answers) -> Judgment {
    let Wrapped { factory, factory_calldata, signature } = wrapped;
    let call = erc1271_call(digest, &signature);
    if !code.is_empty() {
        match &answers.account {
            None => return Judgment::Ask(Question::Account(call)),
            Some(answer) if answer.is_yes() => return Judgment::Signed(Means::Contract),
            // The factory may still make the account ready: its call was left out so far.
            Some(_) => {}
        }
    }
    match &answers.deployed {
        None => Judgment::Ask(Question::Deployed { factory, factory_calldata, call }),
        Some(answer) if answer.is_yes() => Judgment::Signed(Means::Factory),
        Some(_) => Judgment::Refused("the account does not say that it signed, deployed or not"),
    }
}

impl Answer {
    fn is_yes(&self) -> bool {
        erc1271_accepts(self.is_success, &self.data)
    }
}
