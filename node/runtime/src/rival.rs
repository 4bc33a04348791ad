//! What the runtime is measured against: wasmtime as it comes, one instance for each call.

use crdt::Transaction;
use wasmtime::{Engine, Store, component::Component};

use crate::{
    application,
    call::{Call, CallError, Outcome},
    host::{self, ContextPre, Guest},
    module::ModuleError,
};

/// A component in wasmtime's default configuration: allocation on demand, no fuel, no deadline, no
/// limits. For benches alone: nothing stops its guests.
pub struct Rival(ContextPre<Guest>);

impl Rival {
    /// Compiles `component`.
    ///
    /// # Errors
    /// [`ModuleError`] if it is none, or wants other imports.
    pub fn compile(component: &[u8]) -> Result<Self, ModuleError> {
        let malformed =
            |error: wasmtime::Error| ModuleError::Malformed { reason: format!("{error:#}") };
        let engine = Engine::default();
        let compiled = Component::from_binary(&engine, component).map_err(malformed)?;
        let linker = host::linker(&engine).map_err(malformed)?;
        let plan = linker.instantiate_pre(&compiled).map_err(malformed)?;
        ContextPre::new(plan).map(Self).map_err(malformed)
    }

    /// Runs `call` in an instance made and unmade for it.
    ///
    /// # Errors
    /// [`CallError`] as [`crate::Application::call`].
    pub fn call(
        &self,
        call: Call,
        shared: Transaction,
        private: Transaction,
    ) -> Result<Outcome, CallError> {
        let mut store = Store::new(self.0.engine(), Guest::new());
        let guest = self.0.instantiate(&mut store).map_err(application::no_instance)?;
        application::answer(&mut store, &guest, call, shared, private)
    }
}

impl std::fmt::Debug for Rival {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Rival")
    }
}
