//! Rules for all text: nothing that only holds on one machine or names where packages come from.

use super::Finding;
use super::source::numbered;

/// Written by tools, which put addresses into them.
const LOCK_FILES: [&str; 2] = ["Cargo.lock", "package-lock.json"];
/// The only places that may know of files beside the repository; tests of a crate as well.
const MAY_LOOK_BESIDE: [&str; 2] = [".ci/", "tests/"];

/// What breaks a rule in the file at `path`.
pub(crate) fn check(path: &str, content: &str) -> Vec<Finding> {
    let name = path.rsplit('/').next().unwrap_or(path);
    if LOCK_FILES.contains(&name) {
        return Vec::new();
    }
    let beside = MAY_LOOK_BESIDE.iter().any(|folder| path.starts_with(folder));
    let beside = beside || path.contains("/tests/");
    let (hosts, machine, outside) = (hosts(), machine_paths(), outside_paths());
    let mut findings = Vec::new();
    for (number, line) in numbered(content) {
        for host in hosts.iter().filter(|host| line.contains(host.as_str())) {
            findings.push(Finding::new(path, number, format!("names a registry: {host}")));
        }
        for part in machine.iter().filter(|part| line.contains(part.as_str())) {
            findings.push(Finding::new(path, number, format!("a path of one machine: {part}")));
        }
        let notes = outside.iter().filter(|part| line.contains(part.as_str()));
        for part in notes.filter(|_| !beside) {
            findings.push(Finding::new(path, number, format!("outside this repository: {part}")));
        }
    }
    findings
}

// The lists are put together from parts, so that this file does not find itself.

fn hosts() -> Vec<String> {
    [
        ["crates", "io"],
        ["npmjs", "org"],
        ["npmjs", "com"],
        ["pypi", "org"],
        ["pythonhosted", "org"],
        ["deb.debian", "org"],
        ["proxy.golang", "org"],
    ]
    .map(|parts| parts.join("."))
    .to_vec()
}

fn machine_paths() -> Vec<String> {
    let folder = |name: &str| format!("/{name}/");
    let mut paths = vec![folder("work"), folder("root")];
    paths.extend(["design", "target-types"].map(|name| format!("/{}/{name}", "tmp")));
    paths
}

fn outside_paths() -> Vec<String> {
    ["docs", "bin", "vectors", "sealed", "hooks"]
        .map(|name| format!("{}/{name}", "shared"))
        .to_vec()
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn registries_are_not_named() {
        let line = format!("see https://{}.io/x", "crates");
        assert_eq!(check("README.md", &line).len(), 1);
        assert_eq!(check("Cargo.lock", &line).len(), 0);
        assert_eq!(check("contracts/ethereum/package-lock.json", &line).len(), 0);
        assert_eq!(check("README.md", "crates in our workspace").len(), 0);
    }

    #[test]
    fn paths_of_one_machine_are_not_named() {
        let line = format!("cd /{}/main", "work");
        assert_eq!(check("a.sh", &line).len(), 1);
        assert_eq!(check("a.sh", "cd work/main").len(), 0);
    }

    #[test]
    fn only_tests_and_ci_look_beside_the_repository() {
        let line = format!("../{}/vectors/x.json", "shared");
        assert_eq!(check("node/types/src/key.rs", &line).len(), 1);
        assert_eq!(check("tests/e2e/src/lib.rs", &line).len(), 0);
        assert_eq!(check(".ci/run", &line).len(), 0);
        assert_eq!(check("a.rs", "shared/private storage").len(), 0);
    }
}
