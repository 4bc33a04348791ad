//! A call, with its batch as the bytes that came.

use governance::anchor::{Account, Action, Call, Code, OnChainId, decode_actions};

use crate::row::PRINCIPAL_BYTES_MAX;

/// What is asked of a record that is there.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    /// Which record.
    pub(crate) context: OnChainId,
    /// The call. Where the bytes are no batch, its batch is empty: then it is neither what was
    /// proposed nor anything that can be.
    pub(crate) call: Call,
    /// The bytes of the batch, of calls that have one.
    pub(crate) bytes: Vec<u8>,
    /// What is wrong with them.
    pub(crate) fault: Option<Code>,
}

impl Ask {
    /// A call without a batch.
    pub(crate) const fn plain(context: OnChainId, call: Call) -> Self {
        Self { context, call, bytes: Vec::new(), fault: None }
    }

    /// A call with the batch in `bytes`.
    pub(crate) fn with_batch(
        context: OnChainId,
        bytes: Vec<u8>,
        call: impl FnOnce(Vec<Action>) -> Call,
    ) -> Self {
        match batch(&bytes) {
            Ok(actions) => Self { context, call: call(actions), bytes, fault: None },
            Err(code) => Self { context, call: call(Vec::new()), bytes, fault: Some(code) },
        }
    }
}

/// The batch in `bytes`, if all its accounts are principals: what is none is malformed here.
///
/// # Errors
/// [`Code::E16`] or [`Code::E17`], by the first action that is either.
fn batch(bytes: &[u8]) -> Result<Vec<Action>, Code> {
    match decode_actions(bytes) {
        Ok(actions) if actions.iter().all(names_principals) => Ok(actions),
        Ok(_) => Err(Code::E16),
        Err(Code::E17) if !is_reserved_first(bytes) => Err(Code::E16),
        Err(code) => Err(code),
    }
}

/// Whether a reserved action stands before any whose account is no principal.
fn is_reserved_first(mut bytes: &[u8]) -> bool {
    while let Some((&[kind, high, low], rest)) = bytes.split_first_chunk() {
        let len = usize::from(u16::from_be_bytes([high, low]));
        let Some((payload, rest)) = rest.split_at_checked(len) else { return false };
        match Action::decode(kind, payload) {
            Ok(action) if names_principals(&action) => bytes = rest,
            Ok(_) => return false,
            Err(code) => return code == Code::E17,
        }
    }
    false
}

fn names_principals(action: &Action) -> bool {
    match action {
        Action::NominateAdmin { account, .. }
        | Action::RemoveAdmin { account }
        | Action::SetGuardian { guardian: Some(account) } => is_principal(account),
        _ => true,
    }
}

/// At most 29 bytes, and not the anonymous principal.
fn is_principal(account: &Account) -> bool {
    let bytes = account.as_bytes();
    bytes.len() <= PRINCIPAL_BYTES_MAX && bytes != [4]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remove(account: &[u8]) -> Vec<u8> {
        let len = u8::try_from(account.len()).expect("short");
        [&[2, 0, len + 1, len][..], account].concat()
    }

    #[test]
    fn an_account_that_is_no_principal_is_malformed() {
        let reserved: &[u8] = &[6, 0, 0];
        for (story, bytes, verdict) in [
            ("29 bytes", remove(&[1; 29]), Ok(())),
            ("one byte", remove(&[1]), Ok(())),
            ("30 bytes", remove(&[1; 30]), Err(Code::E16)),
            ("anonymous", remove(&[4]), Err(Code::E16)),
            ("anonymous guardian", vec![0x0b, 0, 2, 1, 4], Err(Code::E16)),
            ("no guardian", vec![0x0b, 0, 1, 0], Ok(())),
            ("before a reserved one", [&remove(&[1; 30])[..], reserved].concat(), Err(Code::E16)),
            ("after a reserved one", [reserved, &remove(&[1; 30])].concat(), Err(Code::E17)),
            ("a good one, then reserved", [&remove(&[1])[..], reserved].concat(), Err(Code::E17)),
            ("reserved, then cut", [reserved, &[2]].concat(), Err(Code::E17)),
        ] {
            assert_eq!(batch(&bytes).map(drop), verdict, "{story}");
        }
    }
}
