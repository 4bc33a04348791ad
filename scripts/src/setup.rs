//! `cargo x setup`: installs what is missing, says what and why, skips what is there.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::repo::Repo;
use crate::shell::{self, Run};
use crate::{Command, guests, starknet};

pub(crate) const COMMAND: Command = Command {
    name: "setup",
    summary: "install what building and testing need; skip what is there",
    help: "
Usage: cargo x setup [node|tests|all] [--check]

  node     what the node and its applications need to build: a C++ compiler and libclang (for
           RocksDB), a wasm32 standard library (for applications)
  tests    that, and Node.js with anvil, forge, solc and the OpenZeppelin contracts, and
           starknet-devnet with the Cairo compiler, which are compiled here (40 minutes) unless
           they are on PATH (default)
  all      that, and cargo-nextest and cargo-deny, which are compiled here (10 minutes or more).
           Nothing depends on them: `cargo x test` falls back to `cargo test`, and `cargo x ci`
           leaves the licence check out and says so.
  --check  only say what is missing

`cargo x up` and `cargo x test` do this by themselves. System packages come from apt, with sudo
when you are not root; on a system without apt the line says what to install by hand.
",
    run,
};

/// The longest that one installation may take; a large tool on two slow cores needs half an hour.
pub(crate) const INSTALL_LIMIT: Duration = Duration::from_secs(60 * 60);
/// Where rustup's server cannot be reached it may hang instead of refusing.
const RUSTUP_LIMIT: Duration = Duration::from_secs(60);
/// The Node.js that the contract's tools are written for.
const NODE_MAJOR_MIN: u32 = 20;

/// How much is to be there. Each holds the ones before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Scope {
    /// What `cargo x up` needs.
    Node,
    /// What `cargo x test` needs.
    Tests,
    /// What makes work here more pleasant.
    All,
}

/// One thing that must be there.
struct Need {
    name: &'static str,
    why: &'static str,
    scope: Scope,
    /// How it is there, or `None` if it is missing.
    found: fn(&Repo) -> Option<String>,
    install: fn(&Repo) -> Result<()>,
}

const NEEDS: [Need; 9] = [
    Need {
        name: "C++ compiler",
        why: "RocksDB is built from source",
        scope: Scope::Node,
        found: |_| shell::on_path("c++").map(shown),
        install: |repo| apt(repo, &["build-essential"]),
    },
    Need {
        name: "libclang",
        why: "RocksDB's bindings are generated from its C headers",
        scope: Scope::Node,
        found: |_| libclang().map(shown),
        install: |repo| apt(repo, &["libclang-dev"]),
    },
    Need {
        name: "wasm32 standard library",
        why: "applications are WebAssembly",
        scope: Scope::Node,
        found: |repo| guests::Toolchain::find(repo).map(|found| found.to_string()),
        install: install_wasm32,
    },
    Need {
        name: "Node.js",
        why: "npm brings anvil, forge and solc",
        scope: Scope::Tests,
        found: |_| node_js(),
        install: |repo| apt(repo, &["nodejs", "npm"]),
    },
    Need {
        name: "Ethereum tools",
        why: "tests run the contract on a real node: anvil, forge, solc, OpenZeppelin",
        scope: Scope::Tests,
        found: ethereum_tools,
        install: |repo| npm_install(repo, &repo.ethereum(), "npm-ethereum"),
    },
    Need {
        name: "JavaScript clients",
        why: "tests sign and call with the libraries that wallets and applications use",
        scope: Scope::Tests,
        found: |repo| {
            let folders = repo.npm_folders();
            let all = folders.iter().all(|folder| npm_packages(folder).is_some());
            all.then(|| "installed by npm".to_owned())
        },
        install: |repo| {
            let missing = repo.npm_folders().into_iter();
            let mut missing = missing.filter(|folder| npm_packages(folder).is_none());
            missing.try_for_each(|folder| npm_install(repo, &folder, "npm-clients"))
        },
    },
    Need {
        name: "Starknet tools",
        why: "tests run the contract on a real node: starknet-devnet, the Cairo compiler",
        scope: Scope::Tests,
        found: starknet::found,
        install: starknet::install,
    },
    Need {
        name: "cargo-nextest",
        why: "runs each test in its own process",
        scope: Scope::All,
        found: |_| shell::on_path("cargo-nextest").map(shown),
        install: |repo| cargo_install(repo, "cargo-nextest"),
    },
    Need {
        name: "cargo-deny",
        why: "checks licences and sources of dependencies",
        scope: Scope::All,
        found: |_| shell::on_path("cargo-deny").map(shown),
        install: |repo| cargo_install(repo, "cargo-deny"),
    },
];

fn run(args: &[String]) -> Result<()> {
    let mut scope = Scope::Tests;
    let mut only_check = false;
    for arg in args {
        match arg.as_str() {
            "node" => scope = Scope::Node,
            "tests" => scope = Scope::Tests,
            "all" => scope = Scope::All,
            "--check" => only_check = true,
            other => bail!("`cargo x setup` does not know `{other}`; see `cargo x help setup`"),
        }
    }
    let repo = Repo::open()?;
    if only_check {
        return check(&repo, scope);
    }
    ensure(&repo, scope)
}

/// Installs what `scope` needs and is not there.
///
/// # Errors
/// If something cannot be installed; the text names it and what to do by hand.
pub(crate) fn ensure(repo: &Repo, scope: Scope) -> Result<()> {
    shell::step("setup: what is needed, and whether it is here");
    for need in needed(scope) {
        if let Some(how) = (need.found)(repo) {
            println!("  {:<24} {how}", need.name);
            continue;
        }
        println!("  {:<24} missing; {}", need.name, need.why);
        (need.install)(repo).with_context(|| format!("could not install {}", need.name))?;
        match (need.found)(repo) {
            Some(how) => println!("  {:<24} installed: {how}", need.name),
            None => bail!("{} was installed but still cannot be found", need.name),
        }
    }
    Ok(())
}

fn check(repo: &Repo, scope: Scope) -> Result<()> {
    let mut missing = Vec::new();
    for need in needed(scope) {
        match (need.found)(repo) {
            Some(how) => println!("  {:<24} {how}", need.name),
            None => {
                println!("  {:<24} missing; {}", need.name, need.why);
                missing.push(need.name);
            }
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    bail!("missing: {}", missing.join(", "))
}

fn needed(scope: Scope) -> impl Iterator<Item = &'static Need> {
    NEEDS.iter().filter(move |need| need.scope <= scope)
}

/// Installs Debian packages, with sudo if we are not root.
fn apt(repo: &Repo, packages: &[&str]) -> Result<()> {
    let list = packages.join(" ");
    if shell::on_path("apt-get").is_none() {
        bail!(
            "there is no apt-get here: install what your system calls `{list}` by hand, \
             then run this again"
        );
    }
    let root = is_root();
    if !root && shell::on_path("sudo").is_none() {
        bail!("you are not root and there is no sudo: as root run `apt-get install {list}`");
    }
    let apt_get = || {
        let run = if root { Run::new("apt-get") } else { Run::new("sudo").arg("apt-get") };
        run.env("DEBIAN_FRONTEND", "noninteractive")
    };
    if !root {
        // Asks for the password while the terminal is ours; the silent steps below could not.
        Run::new("sudo").arg("-v").run()?;
    }
    apt_get().args(["update", "-q"]).run_quietly(&repo.log("apt-update"), INSTALL_LIMIT)?;
    apt_get()
        .args(["install", "-y", "-q", "--no-install-recommends"])
        .args(packages)
        .run_quietly(&repo.log("apt-install"), INSTALL_LIMIT)
}

fn is_root() -> bool {
    Run::new("id").arg("-u").read().is_ok_and(|user| user == "0")
}

/// `LIBCLANG_PATH`, or the places where Debian and Xcode put the library.
fn libclang() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("LIBCLANG_PATH") {
        return Some(PathBuf::from(named));
    }
    let mut folders = vec![
        PathBuf::from("/usr/lib"),
        PathBuf::from("/usr/lib64"),
        PathBuf::from("/usr/local/lib"),
        PathBuf::from("/usr/lib/x86_64-linux-gnu"),
        PathBuf::from("/usr/lib/aarch64-linux-gnu"),
        PathBuf::from("/Library/Developer/CommandLineTools/usr/lib"),
    ];
    for llvm in names_in(Path::new("/usr/lib"), |name| name.starts_with("llvm-")) {
        folders.push(llvm.join("lib"));
    }
    folders.iter().flat_map(|folder| names_in(folder, is_libclang)).next()
}

/// `libclang.so`, `libclang.so.1`, `libclang-14.so.1`, `libclang.dylib`; not `libclang-cpp.so`.
fn is_libclang(name: &str) -> bool {
    let Some(rest) = name.strip_prefix("libclang") else {
        return false;
    };
    let version = |char: char| char.is_ascii_digit() || matches!(char, '-' | '.');
    let rest = rest.trim_start_matches(version);
    rest.starts_with("so") || rest == "dylib"
}

/// Entries of `folder` whose name `fits`; none if there is no such folder.
fn names_in(folder: &Path, fits: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter(|entry| entry.file_name().to_str().is_some_and(&fits))
        .map(|entry| entry.path())
        .collect()
}

/// rustup's own target first; Debian's second compiler where rustup cannot download.
fn install_wasm32(repo: &Repo) -> Result<()> {
    let by_rustup = Run::new("rustup")
        .args(["target", "add", guests::TARGET])
        .dir(repo.root())
        .run_quietly(&repo.log("rustup-target"), RUSTUP_LIMIT);
    let Err(refusal) = by_rustup else {
        return Ok(());
    };
    println!("  rustup could not add it ({refusal:#});");
    println!("  building the standard library with Debian's compiler instead");
    apt(repo, &guests::DEBIAN_PACKAGES)
}

/// The version of node, if it is recent enough and npm stands beside it.
fn node_js() -> Option<String> {
    shell::on_path("npm")?;
    let version = Run::new("node").arg("--version").read().ok()?;
    let major = version.strip_prefix('v')?.split('.').next()?;
    let major: u32 = major.parse().ok()?;
    (major >= NODE_MAJOR_MIN).then_some(version)
}

fn ethereum_tools(repo: &Repo) -> Option<String> {
    npm_packages(&repo.ethereum()).filter(|_| repo.anvil().is_some())
}

/// Whether npm has put all that `folder` asks for there.
fn npm_packages(folder: &Path) -> Option<String> {
    let read = |file: &str| -> Option<Value> {
        let text = fs::read_to_string(folder.join(file)).ok()?;
        serde_json::from_str(&text).ok()
    };
    let wanted = read("package-lock.json")?;
    // npm's own note of what it installed.
    let present = read("node_modules/.package-lock.json")?;
    holds_all(&present, &wanted).then(|| "installed by npm".to_owned())
}

/// Whether every package of one lock file stands in another, at the same version.
///
/// Optional ones are for other systems, and may be missing.
fn holds_all(present: &Value, wanted: &Value) -> bool {
    let packages = |lock: &Value| lock.get("packages").and_then(Value::as_object).cloned();
    let (Some(present), Some(wanted)) = (packages(present), packages(wanted)) else {
        return false;
    };
    wanted.iter().filter(|(path, _)| !path.is_empty()).all(|(path, package)| {
        let version = |package: &Value| package.get("version").cloned();
        match present.get(path) {
            Some(found) => version(found) == version(package),
            None => package.get("optional") == Some(&Value::Bool(true)),
        }
    })
}

fn npm_install(repo: &Repo, folder: &Path, log: &str) -> Result<()> {
    // The packages carry their programs: no package needs to run a script of its own.
    Run::new("npm")
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
        .dir(folder)
        .run_quietly(&repo.log(log), INSTALL_LIMIT)
}

fn cargo_install(repo: &Repo, package: &str) -> Result<()> {
    repo.cargo("install").args(["--locked", package]).run_quietly(&repo.log(package), INSTALL_LIMIT)
}

fn shown(path: PathBuf) -> String {
    path.display().to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{NEEDS, Scope, holds_all, is_libclang, needed};

    #[test]
    fn npm_is_asked_again_only_if_something_changed() {
        let lock = |anvil: &str| {
            json!({ "packages": {
                "": { "version": "0.1.0" },
                "node_modules/anvil": { "version": anvil },
                "node_modules/anvil-for-others": { "version": anvil, "optional": true },
            } })
        };
        let present = json!({ "packages": { "node_modules/anvil": { "version": "1.7.1" } } });
        assert!(holds_all(&present, &lock("1.7.1")));
        assert!(!holds_all(&present, &lock("1.7.2")));
        assert!(!holds_all(&json!({ "packages": {} }), &lock("1.7.1")));
        assert!(!holds_all(&json!({}), &lock("1.7.1")));
    }

    #[test]
    fn libclang_is_told_from_its_neighbours() {
        for name in ["libclang.so", "libclang.so.1", "libclang-14.so.14.0.6", "libclang.dylib"] {
            assert!(is_libclang(name), "{name}");
        }
        for name in ["libclang-cpp.so.22.1", "libclang.a", "libclangAST.a", "libLLVM.so"] {
            assert!(!is_libclang(name), "{name}");
        }
    }

    #[test]
    fn a_wider_scope_holds_the_narrower_one() {
        let names = |scope| needed(scope).map(|need| need.name).collect::<Vec<_>>();
        let (node, tests, all) = (names(Scope::Node), names(Scope::Tests), names(Scope::All));
        assert!(tests.starts_with(&node));
        assert!(all.starts_with(&tests));
        assert_eq!(all.len(), NEEDS.len());
    }

    #[test]
    fn starting_a_node_needs_no_chain_tools() {
        assert!(needed(Scope::Node).all(|need| !need.name.contains("Ethereum")));
    }
}
