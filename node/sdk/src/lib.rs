//! What an application author imports: typed collections, the caller, events, and the attribute
//! that turns a plain struct and its methods into an application.
//!
//! ```
//! # extern crate anchorhold_sdk as sdk;
//! use sdk::{Counter, Map, app, emit, env};
//!
//! /// Its fields are the context's collections, by their names.
//! #[app]
//! pub struct Guestbook {
//!     lines: Map<u64, String>,
//!     visits: Counter,
//! }
//!
//! #[app]
//! impl Guestbook {
//!     /// Arguments come by name from a JSON object; an error is told to the caller, and nothing
//!     /// of the call is kept.
//!     #[mutate]
//!     pub fn sign(&mut self, line: String) -> Result<(), String> {
//!         if line.is_empty() {
//!             return Err("a line needs words".to_owned());
//!         }
//!         self.visits.add(1);
//!         self.lines.put(&env::now_millis(), &line);
//!         emit!("signed", by = env::caller().member, line = line);
//!         Ok(())
//!     }
//!
//!     #[view]
//!     pub fn lines(&self) -> Vec<String> {
//!         self.lines.values().collect()
//!     }
//! }
//! # fn main() {}
//! ```
//!
//! Every call runs in a fresh instance, so only collections outlive it. Import the package under
//! the name `sdk`: the attributes write that path.
//!
//! Reading order: `collection` → `map`, `nested`, `set`, `counter`, `register`, `private` → `env`
//! → `entry`.
//!
//! # Invariants
//! - A view cannot write: it holds `&self`, and writing needs `&mut self`. The node checks it
//!   again.
//! - What another member stored is never trusted to decode: it reads as absent, and is logged.

pub mod bindings;
mod collection;
mod counter;
mod entry;
pub mod env;
mod key;
mod map;
mod member;
mod nested;
mod pages;
mod private;
mod register;
mod set;
mod value;

pub use collection::{Collection, Place, Root};
pub use counter::Counter;
#[doc(hidden)]
pub use entry::{App, Arguments, Exported, Failure, Kind, NoArguments, answer, arguments, value};
pub use key::{AsKey, Key, KeyError};
pub use map::Map;
pub use member::{MemberId, ParseMemberError};
pub use nested::{Entry, EntryMut, Nested};
pub use private::Private;
pub use register::Register;
pub use sdk_macros::{app, record};
pub use set::Set;
#[doc(hidden)]
pub use {serde, serde_json};

/// Tells subscribers of the context about something, once the call has committed.
///
/// `emit!("kind", name = value, …)`: the data is a JSON object with those names; a value is
/// anything that serde can write. At most 100 events of 16 KiB each; one more ends the call.
#[macro_export]
macro_rules! emit {
    ($kind:expr $(, $name:ident = $value:expr)* $(,)?) => {
        $crate::env::EventData::default()$(.with(stringify!($name), &$value))*.emit($kind)
    };
}
