//! Starknet's tools: a development chain and the Cairo compiler.
//!
//! A program is taken from `PATH`, or from the target folder, where it is compiled to if it is
//! nowhere. The compiler wants Cairo's core library in a folder beside it.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::repo::Repo;
use crate::setup::INSTALL_LIMIT;
use crate::shell;

/// The development chain.
pub(crate) const DEVNET: &str = "starknet-devnet";
/// From Cairo to Sierra.
pub(crate) const COMPILE: &str = "starknet-compile";
/// From Sierra to CASM.
pub(crate) const SIERRA_COMPILE: &str = "starknet-sierra-compile";

/// Programs, with the versions that the contract is written for.
const PROGRAMS: [(&str, &str); 3] =
    [(DEVNET, "0.10.1"), (COMPILE, "2.16.0"), (SIERRA_COMPILE, "2.16.0")];
/// Carries the core library of the compiler's version.
const CORELIB: (&str, &str) = ("cairo-native", "0.9.0-rc.3");

/// Where `name` stands, if it is here.
pub(crate) fn program(repo: &Repo, name: &str) -> Option<PathBuf> {
    let ours = repo.tools().join("bin").join(name);
    if ours.is_file() { Some(ours) } else { shell::on_path(name) }
}

/// The folders that hold them.
pub(crate) fn folders(repo: &Repo) -> Vec<PathBuf> {
    let folder = |(name, _): &(&str, &str)| Some(program(repo, name)?.parent()?.to_owned());
    PROGRAMS.iter().filter_map(folder).collect()
}

/// The core library that the compiler finds: beside the folder of the program.
fn corelib(compiler: &Path) -> Option<PathBuf> {
    let library = compiler.parent()?.parent()?.join("corelib");
    library.join("src/lib.cairo").is_file().then_some(library)
}

/// How the tools are here, if all are.
pub(crate) fn found(repo: &Repo) -> Option<String> {
    let programs: Option<Vec<PathBuf>> =
        PROGRAMS.iter().map(|(name, _)| program(repo, name)).collect();
    programs?;
    corelib(&program(repo, COMPILE)?)?;
    Some(program(repo, DEVNET)?.display().to_string())
}

/// Compiles what is missing, and puts the core library beside the compiler.
pub(crate) fn install(repo: &Repo) -> Result<()> {
    for (name, version) in PROGRAMS {
        if program(repo, name).is_some() {
            continue;
        }
        repo.cargo("install")
            .args(["--locked", name, "--version", version, "--root"])
            .arg(repo.tools())
            .env("CARGO_TARGET_DIR", repo.tools().join("build"))
            .run_quietly(&repo.log(name), INSTALL_LIMIT)?;
    }
    let compiler = program(repo, COMPILE).context("no compiler was installed")?;
    if corelib(&compiler).is_none() {
        install_corelib(repo, &compiler)?;
    }
    Ok(())
}

/// Lets cargo fetch the package that carries the library, and copies it out.
fn install_corelib(repo: &Repo, compiler: &Path) -> Result<()> {
    let (package, version) = CORELIB;
    let fetch = repo.tools().join("corelib-fetch");
    fs::create_dir_all(fetch.join("src")).context("no folder to fetch into")?;
    fs::write(fetch.join("src/lib.rs"), "").context("no place for a library")?;
    let manifest = format!(
        "[package]\nname = \"corelib-fetch\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\
         [dependencies]\n{package} = \"={version}\"\n[workspace]\n"
    );
    let path = fetch.join("Cargo.toml");
    fs::write(&path, manifest).context("no place for a manifest")?;
    let metadata = repo.cargo("metadata").args(["--format-version", "1", "--manifest-path"]);
    let metadata: serde_json::Value = serde_json::from_str(&metadata.arg(&path).read()?)?;
    let packages = metadata.get("packages").and_then(serde_json::Value::as_array);
    let carrier = packages
        .into_iter()
        .flatten()
        .find(|found| found.get("name").and_then(serde_json::Value::as_str) == Some(package));
    let carrier = carrier.and_then(|found| found.get("manifest_path")?.as_str().map(PathBuf::from));
    let from = carrier.and_then(|path| Some(path.parent()?.join("corelib")));
    let from = from.with_context(|| format!("{package} was not fetched"))?;
    let to = compiler.parent().and_then(Path::parent).context("a compiler without a folder")?;
    copy(&from, &to.join("corelib"))
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    let shown = || from.display().to_string();
    fs::create_dir_all(to).with_context(shown)?;
    for entry in fs::read_dir(from).with_context(shown)? {
        let entry = entry.with_context(shown)?;
        let (path, name) = (entry.path(), entry.file_name());
        if path.is_dir() {
            copy(&path, &to.join(name))?;
        } else if path.extension().and_then(OsStr::to_str) == Some("cairo")
            || name == "Scarb.toml"
            || name == "cairo_project.toml"
        {
            fs::copy(&path, to.join(name)).with_context(shown)?;
        }
    }
    if !to.is_dir() {
        bail!("nothing was copied to {}", to.display());
    }
    Ok(())
}
