//! Modules as they come from authors, and components as they are installed.

use std::panic::{self, AssertUnwindSafe};

use types::AppId;
use wasmparser::{Encoding, Parser, Payload};
use wit_component::ComponentEncoder;

/// Bytes of a module or component: the largest delta-free upload a node takes in one piece.
pub const MODULE_MAX_BYTES: usize = 16 * 1024 * 1024;

/// What a component may import.
const IMPORTS: [&str; 2] =
    ["anchorhold:context/storage@0.1.0", "anchorhold:context/environment@0.1.0"];

/// What a core module may import besides, from the component that will be around it.
const INTRINSICS: &str = "[export]anchorhold:context/";

/// Why bytes are no application.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModuleError {
    /// More bytes than [`MODULE_MAX_BYTES`].
    #[error("module of {size} bytes, at most {MODULE_MAX_BYTES} allowed")]
    TooLarge {
        /// What came.
        size: usize,
    },
    /// Neither a WebAssembly module nor a component.
    #[error("not a WebAssembly module: {reason}")]
    Malformed {
        /// What the parser or the compiler says.
        reason: String,
    },
    /// It wants something that no context offers.
    #[error("module imports {name}, which no context offers")]
    UnknownImport {
        /// The import.
        name: String,
    },
    /// It is a module, but no application: its exports or their types differ from the world's.
    #[error("module is no application: {reason}")]
    NoApplication {
        /// What is missing.
        reason: String,
    },
    /// It failed while it was started and asked what it offers.
    #[error("module does not start: {reason}")]
    NoStart {
        /// What happened.
        reason: String,
    },
    /// What it says of its methods is out of bounds.
    #[error("module describes itself badly: {reason}")]
    BadManifest {
        /// What is wrong.
        reason: String,
    },
    /// The bytes are those of another application.
    #[error("module has id {found}, not {expected}")]
    OtherId {
        /// The id it was asked for by.
        expected: AppId,
        /// BLAKE3 of the bytes.
        found: AppId,
    },
}

/// The component in `bytes`, or made of the core module there.
///
/// # Errors
/// [`ModuleError::TooLarge`], [`ModuleError::Malformed`], [`ModuleError::UnknownImport`],
/// [`ModuleError::NoApplication`] for a module without an embedded world.
pub(crate) fn component(bytes: &[u8]) -> Result<Vec<u8>, ModuleError> {
    if bytes.len() > MODULE_MAX_BYTES {
        return Err(ModuleError::TooLarge { size: bytes.len() });
    }
    check_imports(bytes)?;
    if Parser::is_component(bytes) {
        return Ok(bytes.to_vec());
    }
    let component = encode(bytes)?;
    check_imports(&component)?;
    match component.len() {
        size if size > MODULE_MAX_BYTES => Err(ModuleError::TooLarge { size }),
        _ => Ok(component),
    }
}

/// Wraps a core module in the component that its type section describes.
fn encode(module: &[u8]) -> Result<Vec<u8>, ModuleError> {
    // The encoder is made for what compilers write; with other bytes it may break its own
    // assumptions. It holds no state outside this closure.
    let encoded = panic::catch_unwind(AssertUnwindSafe(|| {
        ComponentEncoder::default().validate(true).module(module)?.encode()
    }));
    match encoded {
        Ok(Ok(component)) => Ok(component),
        Ok(Err(error)) => Err(ModuleError::NoApplication { reason: format!("{error:#}") }),
        Err(_) => Err(ModuleError::NoApplication { reason: "its type section is broken".into() }),
    }
}

/// Names the first import that no context offers. Sections inside a component are its own.
pub(crate) fn check_imports(bytes: &[u8]) -> Result<(), ModuleError> {
    let malformed =
        |error: wasmparser::BinaryReaderError| ModuleError::Malformed { reason: error.to_string() };
    let mut depth = 0_usize;
    let mut of_module = false;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(malformed)? {
            Payload::Version { encoding, .. } if depth == 0 => {
                of_module = encoding == Encoding::Module;
            }
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ImportSection(imports) if depth == 0 => {
                for import in imports.into_imports() {
                    let import = import.map_err(malformed)?;
                    let offered =
                        IMPORTS.contains(&import.module) || import.module.starts_with(INTRINSICS);
                    if !(offered && of_module) {
                        let name = format!("{} {}", import.module, import.name);
                        return Err(ModuleError::UnknownImport { name });
                    }
                }
            }
            Payload::ComponentImportSection(imports) if depth == 0 => {
                for import in imports {
                    let name = import.map_err(malformed)?.name.name;
                    if !IMPORTS.contains(&name) {
                        return Err(ModuleError::UnknownImport { name: name.to_owned() });
                    }
                }
            }
            _ => {}
        }
    }
    Ok(())
}
