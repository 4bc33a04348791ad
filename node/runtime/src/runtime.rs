//! What a node has one of: the engine, its clock, the workshop, the cache.

use std::{fmt, path::PathBuf, sync::Arc};

use types::{AppId, Hash};
use wasmtime::{
    Engine,
    component::{Component, Linker},
};

use crate::{
    application::Application,
    cache::Cache,
    engine::{self, Ticker},
    host::{self, ContextPre, Guest},
    module::{self, ModuleError},
    spare::{INSTANCES_MAX, Workshop},
};

/// What a runtime is opened with.
#[derive(Clone)]
pub struct RuntimeConfig {
    /// Where compiled modules are kept; made if it is not there.
    pub cache_dir: PathBuf,
    /// Tells the node's own compiled modules from files that somebody else placed there. Secret,
    /// the same at every start; with another key everything is compiled again.
    pub cache_key: [u8; 32],
}

/// Why a runtime does not open.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RuntimeError {
    /// This machine cannot run guests.
    #[error("cannot run guests on this machine: {reason}")]
    Unsupported {
        /// What wasmtime says.
        reason: String,
    },
    /// The cache folder cannot be used, or a thread not be started.
    #[error("cannot open {}", .path.display())]
    Io {
        /// The cache folder.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
}

/// Turns modules into applications. Clones share everything.
#[derive(Clone, Debug)]
pub struct Runtime(Arc<Machine>);

/// What applications share; it lives as long as one of them.
pub(crate) struct Machine {
    engine: Engine,
    linker: Linker<Guest>,
    cache: Cache,
    pub(crate) workshop: Workshop,
    #[expect(dead_code, reason = "held for its drop, which stops the clock")]
    ticker: Ticker,
}

impl Runtime {
    /// Opens a runtime with two threads of its own: a clock, and a maker of instances.
    ///
    /// # Errors
    /// [`RuntimeError`] if the machine, the folder or the system does not allow it.
    pub fn open(config: &RuntimeConfig) -> Result<Self, RuntimeError> {
        let unsupported =
            |error: wasmtime::Error| RuntimeError::Unsupported { reason: format!("{error:#}") };
        let io = |source| RuntimeError::Io { path: config.cache_dir.clone(), source };
        let engine = engine::engine(INSTANCES_MAX).map_err(unsupported)?;
        let workshop = Workshop::open().map_err(io)?;
        Ok(Self(Arc::new(Machine {
            linker: host::linker(&engine).map_err(unsupported)?,
            cache: Cache::open(&config.cache_dir, &config.cache_key, &engine).map_err(io)?,
            ticker: Ticker::start(&engine, workshop.pile()).map_err(io)?,
            workshop,
            engine,
        })))
    }

    /// The component to install for `module`: itself, or made of a core module with an embedded
    /// type section. Its id is the BLAKE3 of the bytes returned.
    ///
    /// # Errors
    /// [`ModuleError`] for what cannot be an application by its bytes; whether it starts is found
    /// out by [`Runtime::load`].
    pub fn component(&self, module: &[u8]) -> Result<Vec<u8>, ModuleError> {
        module::component(module)
    }

    /// The application in `component`, compiled unless this node has done so before.
    ///
    /// # Errors
    /// [`ModuleError`]: another id, no component, an import that no context offers, an export that
    /// is missing, an application that does not start or describes itself badly.
    pub fn load(&self, id: AppId, component: &[u8]) -> Result<Application, ModuleError> {
        let compiled = match self.0.cache.load(&id, &self.0.engine) {
            Some(compiled) => compiled,
            None => self.0.compile(id, component)?,
        };
        let fits =
            |error: wasmtime::Error| ModuleError::NoApplication { reason: format!("{error:#}") };
        let instance_plan = self.0.linker.instantiate_pre(&compiled).map_err(fits)?;
        let shelf = self.0.workshop.shelf(ContextPre::new(instance_plan).map_err(fits)?);
        Application::start(id, shelf, Arc::clone(&self.0))
    }
}

impl Machine {
    fn compile(&self, id: AppId, component: &[u8]) -> Result<Component, ModuleError> {
        let found = AppId::from(Hash::of(component));
        if found != id {
            return Err(ModuleError::OtherId { expected: id, found });
        }
        if component.len() > module::MODULE_MAX_BYTES {
            return Err(ModuleError::TooLarge { size: component.len() });
        }
        module::check_imports(component)?;
        let compiled = Component::from_binary(&self.engine, component)
            .map_err(|error| ModuleError::Malformed { reason: format!("{error:#}") })?;
        self.cache.store(&id, &compiled);
        Ok(compiled)
    }
}

impl fmt::Debug for RuntimeConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RuntimeConfig").field("cache_dir", &self.cache_dir).finish_non_exhaustive()
    }
}

impl fmt::Debug for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Machine").field("workshop", &self.workshop).finish_non_exhaustive()
    }
}
