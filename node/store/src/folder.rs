//! Who may read the files: folders 0700, files 0600, and a refusal where others could.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::Path,
};

use zeroize::Zeroizing;

use crate::StoreError;

/// Any right of the group or of others.
const OTHERS: u32 = 0o077;

/// Makes `path` a folder of ours alone. An existing empty one is closed to others; one with files
/// in it that others may enter is refused, since they may have been read or replaced.
///
/// # Errors
/// [`StoreError::Exposed`] for that; [`StoreError::Denied`] or [`StoreError::Io`] from the system.
pub(crate) fn prepare(path: &Path) -> Result<(), StoreError> {
    let failed = |error| StoreError::io(path, error);
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed)?;
    let mode = fs::metadata(path).map_err(failed)?.permissions().mode() & 0o777;
    if mode & OTHERS == 0 {
        return Ok(());
    }
    if path.read_dir().map_err(failed)?.next().is_some() {
        return Err(StoreError::Exposed { path: path.to_owned(), mode });
    }
    fs::set_permissions(path, fs::Permissions::from_mode(0o700)).map_err(failed)
}

/// The contents of a secret file of at most `bytes_max` bytes; `None` if there is none.
///
/// # Errors
/// [`StoreError::Exposed`] if others may read it, [`StoreError::TooLarge`], or what the system
/// says.
pub(crate) fn read_secret(
    path: &Path,
    bytes_max: usize,
) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
    let failed = |error| StoreError::io(path, error);
    let mut file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(failed)?,
    };
    let metadata = file.metadata().map_err(failed)?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & OTHERS != 0 {
        return Err(StoreError::Exposed { path: path.to_owned(), mode });
    }
    let size = usize::try_from(metadata.len()).unwrap_or(usize::MAX);
    if size > bytes_max {
        return Err(StoreError::TooLarge { what: "file", size, max: bytes_max });
    }
    // One allocation of the full size: a Vec that grows would leave copies of the secret behind.
    let mut bytes = Zeroizing::new(vec![0; size]);
    file.read_exact(&mut bytes).map_err(failed)?;
    Ok(Some(bytes))
}

/// What to do with a file that is there already.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Existing {
    Keep,
    Replace,
}

/// Writes `path` so that a crash leaves the old file or the new one, readable by us alone.
/// `false` if there is a file already and it is to be kept.
///
/// # Errors
/// What the system says.
pub(crate) fn write_secret(
    path: &Path,
    bytes: &[u8],
    existing: Existing,
) -> Result<bool, StoreError> {
    let failed = |error| StoreError::io(path, error);
    let draft = path.with_extension("draft");
    remove_if_there(&draft)?;
    let mut file =
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft).map_err(failed)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(failed)?;
    let placed = match existing {
        Existing::Replace => fs::rename(&draft, path),
        Existing::Keep => fs::hard_link(&draft, path),
    };
    match placed {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            return remove_if_there(&draft).map(|()| false);
        }
        placed => placed.map_err(failed)?,
    }
    remove_if_there(&draft)?;
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let folder = File::open(parent.unwrap_or(Path::new("."))).map_err(failed)?;
    folder.sync_all().map_err(failed)?;
    Ok(true)
}

fn remove_if_there(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed.map_err(|error| StoreError::io(path, error)),
    }
}
