//! Whether a call that a contract refuses has its effect already, so that repeating it is safe.

use governance::anchor::{Action, Call, Code};
use types::{ContextId, Hash};

/// What a record says beside its head, as far as a repetition needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beside {
    /// The context whose genesis names the record.
    pub context: ContextId,
    /// Root over its members.
    pub members_root: Hash,
}

/// Whether `call`, refused with `code` by a record that stands as `record` says, would only repeat
/// what is there.
pub fn repeats(call: &Call, code: Code, record: &Beside) -> bool {
    match (call, code) {
        (Call::Create { terms, .. }, Code::E01) => record.context == terms.context,
        (Call::AcceptAdmin, Code::E51) | (Call::Renounce, Code::E12) => true,
        (Call::Approve { .. } | Call::ApproveAndExecute { .. }, Code::E25) => true,
        (Call::Act { actions, .. }, Code::E57)
        | (Call::ApproveAndExecute { actions, .. }, Code::E20)
        | (Call::Execute { actions, .. }, Code::E41) => match actions.as_slice() {
            [Action::SetMembersRoot { new, .. }] => record.members_root == *new,
            _ => false,
        },
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use governance::anchor::Terms;

    use super::*;

    #[test]
    fn only_what_is_there_counts_as_repeated() {
        let hash = |byte| Hash::from_bytes([byte; 32]);
        let record = Beside { context: ContextId::from_bytes([3; 32]), members_root: hash(4) };
        let create = |byte| Call::Create {
            salt: [7; 32],
            terms: Terms {
                app: hash(1),
                members_root: hash(2),
                members_count: 1,
                flags: 0,
                delays_s: [0; 4],
                guardian: None,
                context: ContextId::from_bytes([byte; 32]),
            },
        };
        let root = |new| {
            vec![Action::SetMembersRoot { prev: hash(2), new, count: 2, delta_hash: hash(9) }]
        };
        let act = |actions| Call::Act { actions, expiry_s: 1 };
        let execute = |actions| Call::Execute { seq: 1, actions };
        for (story, call, code, expected) in [
            ("the same context", create(3), Code::E01, true),
            ("another context", create(4), Code::E01, false),
            ("a seat that is taken", Call::AcceptAdmin, Code::E51, true),
            ("a seat that nobody offered", Call::AcceptAdmin, Code::E50, false),
            ("a seat that is given up", Call::Renounce, Code::E12, true),
            ("the last seat", Call::Renounce, Code::E53, false),
            ("the same members", act(root(hash(4))), Code::E57, true),
            ("other members", act(root(hash(5))), Code::E57, false),
            ("the same members, executed", execute(root(hash(4))), Code::E41, true),
            ("another action, not queued", execute(vec![Action::Dissolve]), Code::E41, false),
            (
                "an approval that is there",
                Call::Approve { seq: 1, actions_hash: hash(1) },
                Code::E25,
                true,
            ),
            ("a proposal that is closed", Call::Cancel { seq: 1 }, Code::E20, false),
        ] {
            assert_eq!(repeats(&call, code, &record), expected, "{story}");
        }
    }
}
