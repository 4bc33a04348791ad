//! Who calls, where and when; events and log lines.

use serde::{Deserialize, Serialize};

use crate::{MemberId, bindings::anchorhold::context::environment};

/// What a caller may do in the context, least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Reads.
    ReadOnly,
    /// Reads and writes.
    Member,
    /// Manages members too.
    Admin,
    /// Orders the context's log.
    Owner,
}

/// Who made the call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Caller {
    /// The member's key.
    pub member: MemberId,
    /// The chain account bound to the member, as CAIP-10 text.
    pub account: Option<String>,
    /// The member's role when the call was made.
    pub role: Role,
}

/// Who made the call.
pub fn caller() -> Caller {
    let caller = environment::caller();
    Caller {
        member: MemberId::from_bytes(bytes(&caller.member)),
        account: caller.account,
        role: match caller.role {
            environment::Role::ReadOnly => Role::ReadOnly,
            environment::Role::Member => Role::Member,
            environment::Role::Admin => Role::Admin,
            environment::Role::Owner => Role::Owner,
        },
    }
}

/// Id of the context.
pub fn context() -> [u8; 32] {
    bytes(&environment::context())
}

/// Time of the call in milliseconds since the Unix epoch; the same throughout the call.
pub fn now_millis() -> u64 {
    environment::now()
}

/// The next `N` random bytes of this call; at most 4,096 at once.
pub fn random<const N: usize>() -> [u8; N] {
    bytes(&environment::random(u32::try_from(N).unwrap_or(u32::MAX)))
}

/// A fresh name for something: 16 lower-case hex digits that no other call will draw.
///
/// 64 random bits: among a million names the chance of one clash is below 10⁻⁷.
pub fn fresh_id() -> String {
    format!("{:016x}", u64::from_be_bytes(random()))
}

/// A line for the operator of this node.
pub fn log(line: &str) {
    environment::log(line);
}

/// Used by [`emit!`](crate::emit): an event's data, a JSON object, as it is written.
#[derive(Debug, Default)]
pub struct EventData(Vec<u8>);

impl EventData {
    /// Adds a field.
    ///
    /// # Panics
    /// If the value's type cannot be JSON: a defect of the application, which ends the call.
    #[must_use]
    pub fn with<T: Serialize + ?Sized>(mut self, name: &str, value: &T) -> Self {
        self.0.push(if self.0.is_empty() { b'{' } else { b',' });
        // A field's name is a Rust name: nothing in it wants escaping.
        self.0.extend([b"\"", name.as_bytes(), b"\":"].concat());
        serde_json::to_writer(&mut self.0, value).expect("an event's value can be written as JSON");
        self
    }

    /// Tells it as an event of that kind.
    pub fn emit(mut self, kind: &str) {
        self.0.extend(if self.0.is_empty() { b"{}".as_slice() } else { b"}" });
        environment::emit(kind, &self.0);
    }
}

fn bytes<const N: usize>(list: &[u8]) -> [u8; N] {
    list.try_into().expect("the node gives as many bytes as the interface says")
}
