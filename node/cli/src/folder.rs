//! Which files the data folder has beside the store's own.

use std::{
    fs,
    io::{self, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};

use crate::args::Global;

/// The data folder of one node.
#[derive(Clone, Debug)]
pub(crate) struct DataFolder(PathBuf);

impl DataFolder {
    /// The folder that the command line names.
    ///
    /// # Errors
    /// If it names none and there is no home folder.
    pub(crate) fn of(global: &Global) -> anyhow::Result<Self> {
        if let Some(data) = &global.data {
            return Ok(Self(data.clone()));
        }
        let home = std::env::var_os("HOME").filter(|home| !home.is_empty());
        let home = home.context("there is no home folder: name the data folder with --data")?;
        Ok(Self(PathBuf::from(home).join(".anchorhold")))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// What the operator decides.
    pub(crate) fn config(&self) -> PathBuf {
        self.0.join("config.toml")
    }

    /// The key file that `init` makes unless told otherwise.
    pub(crate) fn key(&self) -> PathBuf {
        self.0.join("key")
    }

    /// The token of the API.
    pub(crate) fn token(&self) -> PathBuf {
        self.0.join("api-token")
    }

    /// Where the API of the running node answers.
    pub(crate) fn api_addr(&self) -> PathBuf {
        self.0.join("api-addr")
    }

    /// Where compiled applications are kept.
    pub(crate) fn cache(&self) -> PathBuf {
        self.0.join("cache")
    }

    /// Makes the folder, readable by this user alone. One that others can only read, and in which
    /// no node was made yet, is closed to them.
    ///
    /// # Errors
    /// If others may write in it, or what the system says.
    pub(crate) fn make(&self) -> anyhow::Result<()> {
        let shown = self.0.display();
        let mut builder = fs::DirBuilder::new();
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.recursive(true).create(&self.0).with_context(|| format!("cannot make {shown}"))?;
        let metadata = fs::metadata(&self.0).with_context(|| format!("cannot use {shown}"))?;
        let mode = metadata.permissions().mode() & 0o777;
        if mode & 0o022 != 0 {
            bail!("{shown} has mode {mode:o}, so others may write in it; run chmod go-rwx on it");
        }
        if mode & 0o077 != 0 {
            let closed = fs::set_permissions(&self.0, fs::Permissions::from_mode(0o700));
            closed.with_context(|| format!("cannot close {shown} to others"))?;
        }
        Ok(())
    }
}

/// Writes `path` whole or not at all, with this mode.
///
/// # Errors
/// What the system says.
pub(crate) fn write(path: &Path, text: &str, mode: u32) -> anyhow::Result<()> {
    let draft = path.with_extension("new");
    let write = || {
        remove(&draft)?;
        let mut options = fs::OpenOptions::new();
        let mut file = options.write(true).create_new(true).mode(mode).open(&draft)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&draft, path)
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

/// Removes `path` if it is there.
///
/// # Errors
/// What the system says.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}
