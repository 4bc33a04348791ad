//! Who calls, where, when; events and log lines.

use super::{
    Guest,
    bindings::anchorhold::context::environment::{Host, Identity, Role as Told},
};
use crate::call::{CallError, Role};

/// Random bytes at once: keys and ids, not data.
const RANDOM_MAX_BYTES: usize = 4096;

impl Host for Guest {
    fn context(&mut self) -> wasmtime::Result<Vec<u8>> {
        Ok(self.running()?.call.context.as_bytes().to_vec())
    }

    fn caller(&mut self) -> wasmtime::Result<Identity> {
        let caller = &self.running()?.call.caller;
        Ok(Identity {
            member: caller.member.as_bytes().to_vec(),
            account: caller.account.as_ref().map(ToString::to_string),
            role: match caller.role {
                Role::ReadOnly => Told::ReadOnly,
                Role::Member => Told::Member,
                Role::Admin => Told::Admin,
                Role::Owner => Told::Owner,
            },
        })
    }

    fn now(&mut self) -> wasmtime::Result<u64> {
        Ok(self.running()?.call.now.0)
    }

    fn random(&mut self, count: u32) -> wasmtime::Result<Vec<u8>> {
        match usize::try_from(count) {
            Ok(count) if count <= RANDOM_MAX_BYTES => Ok(self.running()?.random.take(count)),
            _ => Err(wasmtime::Error::new(CallError::OverLimit {
                what: "random bytes at once",
                max: RANDOM_MAX_BYTES,
            })),
        }
    }

    fn emit(&mut self, kind: String, data: Vec<u8>) -> wasmtime::Result<()> {
        self.writing()?.emit(kind, data).map_err(wasmtime::Error::new)
    }

    fn log(&mut self, line: String) -> wasmtime::Result<()> {
        self.running()?.log(line);
        Ok(())
    }
}
