//! Where programs and applications lie that tests start.
//!
//! Each place can be named in the environment; `cargo x test` does so. Without it they are looked
//! for where a build by hand puts them.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// The node: `ANCHORHOLD_BIN`, or `anchorhold` beside the running test.
///
/// # Errors
/// If there is no such file.
pub fn anchorhold() -> Result<PathBuf> {
    if let Some(named) = std::env::var_os("ANCHORHOLD_BIN") {
        return existing(PathBuf::from(named), "ANCHORHOLD_BIN");
    }
    existing(profile_folder()?.join("anchorhold"), "cargo build --workspace --bins")
}

/// An application: the module `file` in `ANCHORHOLD_GUESTS`, or where `cargo x guests` puts it.
///
/// # Errors
/// If there is no such file.
pub fn guest(file: &str) -> Result<PathBuf> {
    if let Some(named) = std::env::var_os("ANCHORHOLD_GUESTS") {
        return existing(PathBuf::from(named).join(file), "ANCHORHOLD_GUESTS");
    }
    let target = profile_folder()?;
    let target = target.parent().context("the target folder has no parent")?;
    let built = target.join("guests/wasm32-unknown-unknown/guest");
    existing(built.join(file), "cargo x guests")
}

/// anvil: `ANVIL`, or as npm installed it beside the contract, or on `PATH`.
///
/// The native program, not npm's script around it: ending that would leave the child behind.
///
/// # Errors
/// If it is nowhere.
pub fn anvil() -> Result<PathBuf> {
    if let Some(named) = std::env::var_os("ANVIL") {
        return existing(PathBuf::from(named), "ANVIL");
    }
    let os = if cfg!(target_os = "macos") { "darwin" } else { "linux" };
    let cpu = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
    let native = format!("node_modules/@foundry-rs/anvil-{os}-{cpu}/bin/anvil");
    let installed = repository()?.join("contracts/ethereum").join(native);
    if installed.is_file() {
        return Ok(installed);
    }
    let path = std::env::var_os("PATH").context("there is no PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join("anvil"))
        .find(|file| file.is_file())
        .context("there is no anvil: `cargo x setup` installs it")
}

/// A program of this workspace: the variable `named`, or `file` beside the running test.
///
/// # Errors
/// If there is no such file.
pub fn built(named: &'static str, file: &str) -> Result<PathBuf> {
    match std::env::var_os(named) {
        Some(path) => existing(PathBuf::from(path), named),
        None => existing(profile_folder()?.join(file), "cargo build --workspace --bins"),
    }
}

/// starknet-devnet: `STARKNET_DEVNET`, or on `PATH`; `None` if it is nowhere.
///
/// # Errors
/// If the variable names no file.
pub fn starknet_devnet() -> Result<Option<PathBuf>> {
    if let Some(named) = std::env::var_os("STARKNET_DEVNET") {
        return existing(PathBuf::from(named), "STARKNET_DEVNET").map(Some);
    }
    let path = std::env::var_os("PATH").context("there is no PATH")?;
    let files = std::env::split_paths(&path).map(|folder| folder.join("starknet-devnet"));
    let mut files = files.filter(|file| file.is_file());
    Ok(files.next())
}

/// The root of the sources, above the package whose test or program runs, or above where we stand.
///
/// # Errors
/// If no folder above holds the workspace.
pub fn repository() -> Result<PathBuf> {
    let start = match std::env::var_os("CARGO_MANIFEST_DIR") {
        Some(package) => PathBuf::from(package),
        None => std::env::current_dir().context("the current folder is gone")?,
    };
    let is_root = |folder: &&Path| folder.join("Cargo.lock").is_file();
    let root = start.ancestors().find(is_root);
    root.map(Path::to_path_buf)
        .with_context(|| format!("no workspace at or above {}", start.display()))
}

/// A port that nobody listens on now, on the loopback address.
///
/// Somebody else may take it before it is used; the system hands out others first, so that a
/// collision within a test run is rare, and then a clear error of the program that wanted it.
///
/// # Errors
/// If the system gives none.
pub fn free_addr() -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port")?;
    listener.local_addr().context("a port without a number")
}

/// `<target>/debug`, where the running program or, one folder deeper, the running test lies.
fn profile_folder() -> Result<PathBuf> {
    let own = std::env::current_exe().context("could not find our own program")?;
    let folder = own.parent().context("a program without a folder")?;
    if folder.ends_with("deps") {
        let above = folder.parent().context("deps without a folder above")?;
        return Ok(above.to_path_buf());
    }
    Ok(folder.to_path_buf())
}

fn existing(file: PathBuf, source: &str) -> Result<PathBuf> {
    if !file.is_file() {
        bail!("there is no {} (see {source})", file.display());
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::{free_addr, profile_folder, repository};

    #[test]
    fn ports_are_on_the_loopback_address() {
        let addr = free_addr().expect("there is a free port");
        assert!(addr.ip().is_loopback());
        assert_ne!(addr.port(), 0);
    }

    #[test]
    fn the_sources_and_the_built_programs_are_found() {
        let root = repository().expect("tests run inside the workspace");
        assert!(root.join("tests/harness/Cargo.toml").is_file());
        let folder = profile_folder().expect("a test lies in the target folder");
        assert!(folder.join("deps").is_dir(), "{}", folder.display());
    }
}
