//! Where things lie: the sources, the one target folder, the programs that were built there.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::shell::{self, Run};
use crate::{guests, starknet};

/// Folders with a `package.json` of their own.
const NPM_FOLDERS: [&str; 5] = [
    "contracts/starknet",
    "chains/starknet/tests/js",
    "tests/devnet/icp/js",
    "tests/devnet/near/js",
    "tests/e2e/wallets",
];

/// The repository as cargo sees it.
#[derive(Debug)]
pub(crate) struct Repo {
    root: PathBuf,
    target: PathBuf,
    metadata: Value,
}

impl Repo {
    /// Asks cargo, so that `CARGO_TARGET_DIR` and cargo's own configuration count.
    ///
    /// # Errors
    /// If a manifest of the workspace cannot be read.
    pub(crate) fn open() -> Result<Self> {
        let text = Run::new(cargo_program())
            .args(["metadata", "--format-version", "1", "--no-deps"])
            .read()?;
        let metadata: Value =
            serde_json::from_str(&text).context("cargo metadata printed no JSON")?;
        let path = |key: &str| -> Result<PathBuf> {
            let text = metadata.get(key).and_then(Value::as_str);
            let text = text.with_context(|| format!("cargo metadata names no {key}"))?;
            Ok(PathBuf::from(text))
        };
        Ok(Self { root: path("workspace_root")?, target: path("target_directory")?, metadata })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// `cargo metadata --no-deps`: the members and what they ask for.
    pub(crate) fn metadata(&self) -> &Value {
        &self.metadata
    }

    /// Where a program of ours stands once built.
    pub(crate) fn binary(&self, name: &str) -> PathBuf {
        self.target.join("debug").join(name)
    }

    /// Where cargo builds the applications; the standard library is built there once for all.
    pub(crate) fn guests_target(&self) -> PathBuf {
        self.target.join("guests")
    }

    /// Where the applications stand once built for wasm32.
    pub(crate) fn guests(&self) -> PathBuf {
        let built = self.guests_target().join(guests::TARGET);
        built.join(guests::PROFILE)
    }

    /// Where the output of silent steps goes.
    pub(crate) fn log(&self, name: &str) -> PathBuf {
        self.target.join("x-logs").join(format!("{name}.log"))
    }

    /// The Ethereum contract, with the tools that npm keeps beside it.
    pub(crate) fn ethereum(&self) -> PathBuf {
        self.root.join("contracts").join("ethereum")
    }

    /// Folders in which npm keeps what tests need, beside the Ethereum contract's.
    pub(crate) fn npm_folders(&self) -> Vec<PathBuf> {
        NPM_FOLDERS.iter().map(|folder| self.root.join(folder)).collect()
    }

    /// Where cargo builds the contracts that are compiled from Rust.
    pub(crate) fn contracts_target(&self) -> PathBuf {
        self.target.join("contracts")
    }

    /// A contract's folder.
    pub(crate) fn contract(&self, chain: &str) -> PathBuf {
        self.root.join("contracts").join(chain)
    }

    /// Where programs stand that were installed for this repository alone.
    pub(crate) fn tools(&self) -> PathBuf {
        self.target.join("tools")
    }

    /// anvil as `ANVIL` names it, as npm installed it, or as `PATH` finds it.
    ///
    /// The native program, not npm's script around it: ending that would leave the child behind.
    pub(crate) fn anvil(&self) -> Option<PathBuf> {
        if let Some(named) = std::env::var_os("ANVIL") {
            return Some(PathBuf::from(named));
        }
        let os = if cfg!(target_os = "macos") { "darwin" } else { "linux" };
        let cpu = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
        let native = format!("node_modules/@foundry-rs/anvil-{os}-{cpu}/bin/anvil");
        let installed = self.ethereum().join(native);
        if installed.is_file() {
            return Some(installed);
        }
        shell::on_path("anvil")
    }

    /// cargo, at the root, with this target folder.
    pub(crate) fn cargo(&self, command: &str) -> Run {
        Run::new(cargo_program()).arg(command).dir(&self.root).env("CARGO_TARGET_DIR", &self.target)
    }

    /// Builds every program of the workspace in the one profile.
    ///
    /// Always the whole workspace: cargo chooses features per selection, and another selection
    /// would compile the heavy dependencies again.
    ///
    /// # Errors
    /// If something does not compile.
    pub(crate) fn build(&self) -> Result<()> {
        self.cargo("build").args(["--workspace", "--bins"]).run()
    }

    /// What tests, demo and bench are told about where things lie.
    pub(crate) fn environment(&self) -> Vec<(&'static str, OsString)> {
        let mut vars = vec![
            ("ANCHORHOLD_BIN", self.binary("anchorhold").into_os_string()),
            ("ANCHORHOLD_GUESTS", self.guests().into_os_string()),
        ];
        if let Some(anvil) = self.anvil() {
            vars.push(("ANVIL", anvil.into_os_string()));
        }
        if let Some(devnet) = starknet::program(self, starknet::DEVNET) {
            vars.push(("STARKNET_DEVNET", devnet.into_os_string()));
        }
        vars.push(("DEVNET_NEAR", self.binary("anchorhold-devnet-near").into_os_string()));
        vars.push(("DEVNET_ICP", self.binary("anchorhold-devnet-icp").into_os_string()));
        vars
    }
}

/// The cargo that runs us, or the one on `PATH`.
fn cargo_program() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}
