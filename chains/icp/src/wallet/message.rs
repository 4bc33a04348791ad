//! The text that an identity signs to be bound to a member key.

use chain::WalletError;
use governance::log::Binding;

use crate::Principal;

/// What the lines are about, as errors name them.
const LINES: [&str; 7] =
    ["purpose", "purpose", "account", "chain", "context", "invitation", "member"];

/// The only text that will do.
pub(super) fn expected(binding: &Binding, principal: &Principal) -> String {
    let Binding { context, invitation, member, account, .. } = binding;
    let invitation = invitation.map_or_else(|| "none".to_owned(), |id| id.to_string());
    let network = account.chain();
    format!(
        "anchorhold asks you to bind this principal to a member key. It calls no canister.\n\
         \n\
         Principal: {principal}\n\
         Network: {network}\n\
         Context: {context}\n\
         Invitation: {invitation}\n\
         Member: {member}"
    )
}

/// The first line that differs.
pub(super) fn compare(message: &[u8], expected: &str) -> Result<(), WalletError> {
    if message == expected.as_bytes() {
        return Ok(());
    }
    let text = str::from_utf8(message).map_err(|_| WalletError::Malformed { what: "UTF-8" })?;
    if text.split('\n').count() != LINES.len() {
        return Err(WalletError::Malformed { what: "lines" });
    }
    let pairs = text.split('\n').zip(expected.split('\n')).zip(LINES);
    let other = pairs.into_iter().find(|((found, expected), _)| found != expected);
    let field = other.map_or("purpose", |(_, field)| field);
    Err(WalletError::OtherField { field })
}
