//! Compiled components on disk, so that a restart does not compile again.
//!
//! A compiled component is machine code, and whoever can place a file here would run it. So each
//! file carries a MAC under a key that lies elsewhere; a file without a right one is as good as
//! absent. A file of another wasmtime, configuration or processor has another name.

use std::{
    fs,
    hash::{Hash as _, Hasher},
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use types::AppId;
use wasmtime::{Engine, component::Component};

const MAC_BYTES: usize = 32;

/// How the names of compiled modules end, and of files that are being written.
const COMPILED: &str = "cwasm";
const ASIDE: &str = "new";

/// The folder, and the key that tells our files from others.
pub(crate) struct Cache {
    folder: PathBuf,
    key: [u8; 32],
    /// Of everything that a compiled component depends on besides its bytes.
    compatibility: String,
    /// Numbers the files being written, so that two threads write two.
    asides: AtomicU64,
}

impl Cache {
    /// Uses `folder`, made if it is not there.
    pub(crate) fn open(folder: &Path, key: &[u8; 32], engine: &Engine) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let mut hasher = Blake(blake3::Hasher::new());
        engine.precompile_compatibility_hash().hash(&mut hasher);
        let cache = Self {
            folder: folder.to_owned(),
            key: blake3::derive_key("anchorhold/compiled-module/1", key),
            compatibility: format!("{:016x}", hasher.finish()),
            asides: AtomicU64::new(0),
        };
        cache.sweep()?;
        Ok(cache)
    }

    /// Removes what only another version could load, and half files.
    fn sweep(&self) -> io::Result<()> {
        let ours = format!("-{}.{COMPILED}", self.compatibility);
        for file in fs::read_dir(&self.folder)? {
            let file = file?;
            let name = file.file_name();
            let name = name.to_string_lossy();
            let extension = name.rsplit_once('.').map(|(_, extension)| extension);
            let made_here = matches!(extension, Some(COMPILED | ASIDE));
            if made_here && !name.ends_with(&ours) {
                tracing::info!(%name, "removes what an earlier version compiled");
                fs::remove_file(file.path())?;
            }
        }
        Ok(())
    }

    /// The compiled component, if an authentic file of it is there.
    pub(crate) fn load(&self, id: &AppId, engine: &Engine) -> Option<Component> {
        let path = self.path(id);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => {
                tracing::warn!(%error, path = %path.display(), "cannot read a compiled module");
                return None;
            }
        };
        let Some(code) = self.authentic(id, &bytes) else {
            tracing::warn!(path = %path.display(), "compiled module is not ours: compiling again");
            return None;
        };
        match deserialize(engine, code) {
            Ok(component) => Some(component),
            Err(error) => {
                tracing::warn!(%error, path = %path.display(), "compiled module does not fit");
                None
            }
        }
    }

    /// Keeps `component` for the next start. Failing costs that start some time, and is logged.
    pub(crate) fn store(&self, id: &AppId, component: &Component) {
        let path = self.path(id);
        let written = component.serialize().map_err(io::Error::other).and_then(|code| {
            // Written aside and renamed, so that a crash leaves no half file.
            let number = self.asides.fetch_add(1, Ordering::Relaxed);
            let aside = path.with_extension(format!("{number}.{ASIDE}"));
            let mut file = fs::File::create(&aside)?;
            file.write_all(self.mac(id, &code).as_bytes())?;
            file.write_all(&code)?;
            fs::rename(&aside, &path)
        });
        if let Err(error) = written {
            tracing::warn!(%error, path = %path.display(), "cannot keep a compiled module");
        }
    }

    fn path(&self, id: &AppId) -> PathBuf {
        self.folder.join(format!("{id}-{}.{COMPILED}", self.compatibility))
    }

    fn authentic<'a>(&self, id: &AppId, bytes: &'a [u8]) -> Option<&'a [u8]> {
        let (mac, code) = bytes.split_first_chunk::<MAC_BYTES>()?;
        // `blake3::Hash` compares in constant time.
        (self.mac(id, code) == blake3::Hash::from_bytes(*mac)).then_some(code)
    }

    fn mac(&self, id: &AppId, code: &[u8]) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(id.as_bytes()).update(self.compatibility.as_bytes()).update(code);
        hasher.finalize()
    }
}

#[expect(unsafe_code, reason = "wasmtime cannot check machine code; the MAC has")]
fn deserialize(engine: &Engine, code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: `code` must come from `Component::serialize` unchanged. Only `Cache::authentic`
    // lets bytes through to here, and only `Cache::store` makes a MAC that it accepts. The bytes
    // are in memory, so no file can change between check and use.
    unsafe { Component::deserialize(engine, code) }
}

/// Feeds what is hashed by std's rules to BLAKE3, which is the same in every process.
struct Blake(blake3::Hasher);

impl Hasher for Blake {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = *self.0.finalize().as_bytes();
        u64::from_le_bytes([a, b, c, d, e, f, g, h])
    }
}
