//! Files with secrets: read only if nobody else can.

use std::{fs::File, io::Read as _, os::unix::fs::PermissionsExt as _, path::Path};

use anyhow::{Context as _, bail};
use zeroize::Zeroizing;

/// Longest secret file, in bytes.
const SECRET_BYTES_MAX: u64 = 4 << 10;

/// The text in `path` without the line's end.
///
/// # Errors
/// If others may read the file, it is too long or no text, or what the system says.
pub(crate) fn text(path: &Path) -> anyhow::Result<Zeroizing<String>> {
    let shown = path.display();
    let mut file = File::open(path).with_context(|| format!("cannot read {shown}"))?;
    let metadata = file.metadata().with_context(|| format!("cannot read {shown}"))?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        bail!("{shown} has mode {mode:o}, open to other users; run chmod go-rwx on it");
    }
    if metadata.len() > SECRET_BYTES_MAX {
        bail!("{shown} has {} bytes; a secret has at most {SECRET_BYTES_MAX}", metadata.len());
    }
    // One allocation of the full size: a String that grows would leave copies behind.
    let size = usize::try_from(SECRET_BYTES_MAX)? + 1;
    let mut text = Zeroizing::new(String::with_capacity(size));
    let mut bounded = (&mut file).take(SECRET_BYTES_MAX);
    bounded.read_to_string(&mut text).with_context(|| format!("{shown} is no text"))?;
    let end = text.trim_end_matches(['\r', '\n']).len();
    text.truncate(end);
    Ok(text)
}

/// The 32 bytes in `path`, written as 64 hex digits or as NEAR writes Ed25519 keys.
///
/// # Errors
/// Those of [`text`], and if it is no such number.
pub(crate) fn key(path: &Path) -> anyhow::Result<Zeroizing<[u8; 32]>> {
    let text = text(path)?;
    parse_key(&text).with_context(|| {
        format!("{} holds no key: expected 64 hex digits, or ed25519:…", path.display())
    })
}

fn parse_key(text: &str) -> Option<Zeroizing<[u8; 32]>> {
    let digits = text.trim();
    if digits.starts_with("ed25519:") {
        return near::secret_key(digits);
    }
    let digits = digits.strip_prefix("0x").unwrap_or(digits);
    if digits.len() != 64 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut key = Zeroizing::new([0; 32]);
    for (at, byte) in key.iter_mut().enumerate() {
        *byte = u8::from_str_radix(digits.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(key)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_a_file_of_ours_alone_is_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("secret");
        fs::write(&path, "word\n").expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("set");
        let refused = text(&path).expect_err("others may read it").to_string();
        assert!(refused.contains("mode 644"), "{refused}");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("set");
        assert_eq!(text(&path).expect("ours").as_str(), "word");
        assert!(text(&folder.path().join("absent")).is_err());
    }

    #[test]
    fn key_has_64_hex_digits() {
        let digits = "0a".repeat(32);
        assert_eq!(parse_key(&digits).as_deref(), Some(&[10; 32]));
        assert_eq!(parse_key(&format!("0x{digits}\n")).as_deref(), Some(&[10; 32]));
        assert!(parse_key(&digits[2..]).is_none());
    }

    proptest! {
        #[test]
        fn any_text_is_a_key_or_none(text in ".{0,70}") {
            if parse_key(&text).is_some() {
                prop_assert!(text.trim().len() >= 64);
            }
        }
    }
}
