//! The registry's code, as it is built and committed in `contracts/icp`.

/// The module as it is installed.
pub(crate) const MODULE: &[u8] = include_bytes!("../../../contracts/icp/artifact/registry.wasm");
