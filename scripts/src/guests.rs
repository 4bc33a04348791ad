//! `cargo x guests`: builds the applications to WebAssembly, by whichever compiler is here.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::repo::Repo;
use crate::shell::{self, Run};
use crate::{Command, setup};

pub(crate) const COMMAND: Command = Command {
    name: "guests",
    summary: "build the applications to WebAssembly",
    help: "
Usage: cargo x guests

Builds every package under node/sdk/apps for wasm32-unknown-unknown and prints where the modules
lie, e.g. anchorhold_task_board.wasm: the file that `anchorhold app install` takes.

With rustup's wasm32 target this is a plain `cargo build --target wasm32-unknown-unknown`. Where
rustup cannot download that target, Debian's rustc-web builds the standard library first (about a
minute, once). ANCHORHOLD_GUEST_RUSTC=rustup|debian chooses one of the two.
",
    run,
};

/// What applications are compiled for.
pub(crate) const TARGET: &str = "wasm32-unknown-unknown";
/// The cargo profile of applications: small, since every member of a context stores them.
pub(crate) const PROFILE: &str = "guest";
/// Debian's second rustc, and the source of its standard library.
pub(crate) const DEBIAN_PACKAGES: [&str; 2] = ["rustc-web", "rust-web-src"];
/// Where Debian puts that compiler.
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
/// Overrides the choice of compiler: `rustup` or `debian`.
const CHOICE: &str = "ANCHORHOLD_GUEST_RUSTC";

/// A compiler that can make WebAssembly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Toolchain {
    /// Our own compiler with the target that rustup installed.
    Rustup,
    /// Debian's compiler, which builds the standard library itself.
    Debian { linker: PathBuf },
}

impl fmt::Display for Toolchain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rustup => write!(f, "rustup target {TARGET}"),
            Self::Debian { .. } => write!(f, "Debian's {}", DEBIAN_PACKAGES.join(", ")),
        }
    }
}

impl Toolchain {
    /// What is here; rustup's before Debian's, unless the operator chose.
    pub(crate) fn find(repo: &Repo) -> Option<Self> {
        match std::env::var(CHOICE).as_deref() {
            Ok("rustup") => Self::rustup(repo),
            Ok("debian") => Self::debian(repo),
            _ => Self::rustup(repo).or_else(|| Self::debian(repo)),
        }
    }

    fn rustup(repo: &Repo) -> Option<Self> {
        let std = sysroot(repo)?.join("lib/rustlib").join(TARGET).join("lib");
        std.is_dir().then_some(Self::Rustup)
    }

    fn debian(repo: &Repo) -> Option<Self> {
        let library = Path::new("/usr/lib/rustlib/src/rust/library/std/Cargo.toml");
        if !Path::new(DEBIAN_RUSTC).is_file() || !library.exists() {
            return None;
        }
        let linker = linker(repo)?;
        Some(Self::Debian { linker })
    }
}

/// Where the compiler that builds the node keeps its libraries.
fn sysroot(repo: &Repo) -> Option<PathBuf> {
    let run = Run::new("rustc").args(["--print", "sysroot"]);
    run.dir(repo.root()).read().ok().map(PathBuf::from)
}

/// `rust-lld` of our own compiler; Debian's package has none.
fn linker(repo: &Repo) -> Option<PathBuf> {
    let rustlib = sysroot(repo)?.join("lib/rustlib");
    let entries = fs::read_dir(rustlib).ok()?;
    entries.flatten().map(|entry| entry.path().join("bin/rust-lld")).find(|file| file.is_file())
}

fn run(args: &[String]) -> Result<()> {
    crate::expect_no_arguments(&COMMAND, args)?;
    let repo = Repo::open()?;
    setup::ensure(&repo, setup::Scope::Node)?;
    build(&repo).map(drop)
}

/// Builds all applications; returns the modules.
///
/// # Errors
/// If there is no compiler for [`TARGET`], or an application does not compile.
pub(crate) fn build(repo: &Repo) -> Result<Vec<PathBuf>> {
    shell::step("guests: the applications, as WebAssembly");
    let Some(toolchain) = Toolchain::find(repo) else {
        bail!("no compiler here makes {TARGET}; `cargo x setup node` installs one");
    };
    let applications = applications(repo)?;
    compile(repo, &toolchain, &applications)?;
    let mut modules = Vec::new();
    for application in &applications {
        let module = repo.guests().join(application.module());
        if !module.is_file() {
            bail!("cargo made no {}", module.display());
        }
        println!("  {}", module.display());
        modules.push(module);
    }
    Ok(modules)
}

fn compile(repo: &Repo, toolchain: &Toolchain, applications: &[Application]) -> Result<()> {
    let mut run = repo
        .cargo("build")
        .args(["--profile", PROFILE, "--target", TARGET])
        .env("CARGO_TARGET_DIR", repo.guests_target());
    for application in applications {
        run = run.args(["--package", &application.package]);
    }
    // Meant for the node's own processor.
    for flags in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS"] {
        run = run.without_env(flags);
    }
    if let Toolchain::Debian { linker } = toolchain {
        run = run
            .arg("-Zbuild-std=std,panic_abort")
            .env("RUSTC", DEBIAN_RUSTC)
            // The package is a release build: without this it refuses `-Z`.
            .env("RUSTC_BOOTSTRAP", "1")
            .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker)
            // `cargo run` points this at our own compiler's libraries.
            .without_env("LD_LIBRARY_PATH");
    }
    run.run()
}

/// A package under `node/sdk/apps`.
#[derive(Debug)]
struct Application {
    package: String,
    library: String,
}

impl Application {
    /// The file that cargo writes.
    fn module(&self) -> String {
        format!("{}.wasm", self.library)
    }
}

fn applications(repo: &Repo) -> Result<Vec<Application>> {
    let folder = repo.root().join("node").join("sdk").join("apps");
    let packages = repo.metadata().get("packages").and_then(Value::as_array);
    let packages = packages.context("cargo metadata lists no packages")?;
    let found: Vec<Application> =
        packages.iter().filter_map(|package| application(package, &folder)).collect();
    if found.is_empty() {
        bail!("no application found under {}", folder.display());
    }
    Ok(found)
}

/// `None` if the package lies elsewhere or makes no WebAssembly.
fn application(package: &Value, folder: &Path) -> Option<Application> {
    let manifest = package.get("manifest_path")?.as_str()?;
    if !Path::new(manifest).starts_with(folder) {
        return None;
    }
    let targets = package.get("targets")?.as_array()?;
    let library = targets.iter().find(|target| {
        let kinds = target.get("crate_types").and_then(Value::as_array);
        kinds.is_some_and(|kinds| kinds.iter().any(|kind| kind == "cdylib"))
    })?;
    Some(Application {
        package: package.get("name")?.as_str()?.to_owned(),
        library: library.get("name")?.as_str()?.replace('-', "_"),
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::json;

    use super::application;

    #[test]
    fn an_application_is_a_cdylib_under_the_folder() {
        let package = |path: &str, kind: &str| {
            json!({
                "name": "anchorhold-task-board",
                "manifest_path": path,
                "targets": [{ "name": "anchorhold_task_board", "crate_types": [kind, "rlib"] }],
            })
        };
        let folder = Path::new("/r/node/sdk/apps");
        let inside = "/r/node/sdk/apps/task-board/Cargo.toml";
        let found = application(&package(inside, "cdylib"), folder).expect("it is one");
        assert_eq!(found.module(), "anchorhold_task_board.wasm");
        assert!(application(&package(inside, "lib"), folder).is_none());
        assert!(application(&package("/r/node/sdk/Cargo.toml", "cdylib"), folder).is_none());
    }
}
