//! The rule for the README: its dependency table is the truth.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use toml::Table;

use super::Finding;
use super::source::numbered;

/// Compares the table in `readme` with `[workspace.dependencies]` of `manifest`.
///
/// A row counts if its first cell holds nothing but names in backticks: ``| `a`, `b` | why |``.
/// Only rows below a heading that holds the word “dependencies” count.
///
/// # Errors
/// If `manifest` is no TOML or lists no workspace dependencies.
pub(crate) fn check(readme: &str, manifest: &str) -> Result<Vec<Finding>> {
    let used = dependencies(manifest)?;
    let listed = rows(readme);
    let mut findings = Vec::new();
    for name in &used {
        if !listed.iter().any(|(_, row)| row == name) {
            let what = format!("the dependency table does not list `{name}`");
            findings.push(Finding::new("README.md", 0, what));
        }
    }
    for (line, name) in &listed {
        if !used.contains(name) {
            let what = format!("`{name}` is no dependency of the workspace");
            findings.push(Finding::new("README.md", *line, what));
        }
    }
    Ok(findings)
}

/// External dependencies: those without a path.
fn dependencies(manifest: &str) -> Result<BTreeSet<String>> {
    let manifest: Table = manifest.parse().context("Cargo.toml is no TOML")?;
    let table = manifest
        .get("workspace")
        .and_then(|workspace| workspace.get("dependencies"))
        .and_then(|dependencies| dependencies.as_table())
        .context("Cargo.toml has no [workspace.dependencies]")?;
    Ok(table
        .iter()
        .filter(|(_, wanted)| wanted.get("path").is_none())
        .map(|(name, _)| name.clone())
        .collect())
}

fn rows(readme: &str) -> Vec<(usize, String)> {
    let mut names = Vec::new();
    let mut inside = false;
    for (number, line) in numbered(readme) {
        if line.starts_with('#') {
            inside = line.to_lowercase().contains("dependencies");
        }
        let Some(row) = line.strip_prefix('|').filter(|_| inside) else {
            continue;
        };
        let cell = row.split('|').next().unwrap_or_default();
        names.extend(quoted(cell).into_iter().map(|name| (number, name)));
    }
    names
}

/// The names in a cell that holds only names in backticks, else none.
fn quoted(cell: &str) -> Vec<String> {
    let parts: Vec<&str> = cell.trim().split('`').collect();
    let between = parts.iter().step_by(2);
    let only_names = between.clone().all(|text| matches!(text.trim(), "" | ","));
    if !only_names || parts.len() < 3 {
        return Vec::new();
    }
    parts.iter().skip(1).step_by(2).map(ToString::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::check;

    const MANIFEST: &str = "
        [workspace.dependencies]
        types = { package = 'anchorhold-types', path = 'node/types' }
        borsh = '1'
        serde = { version = '1', features = ['derive'] }
    ";

    #[test]
    fn the_table_lists_exactly_what_is_used() {
        finds("| `borsh` | why |\n| `serde` | why |", &[]);
        finds("| `borsh`, `serde` | why |", &[]);
        finds("| `borsh` | `serde` |", &["does not list `serde`"]);
        finds("| `borsh`, `serde`, `ethers` | why |", &["`ethers` is no"]);
        finds("| instead of `ethers` |\n| `borsh`, `serde` |", &[]);
    }

    #[test]
    fn rows_of_other_tables_do_not_count() {
        let readme = "# Commands\n| `borsh` |\n# Dependencies\n| `serde` |\n# More\n| `x` |";
        let found = check(readme, MANIFEST).expect("the manifest is TOML");
        assert_eq!(found.len(), 1, "{found:?}");
    }

    #[test]
    fn a_manifest_without_dependencies_is_an_error() {
        assert!(check("", "[workspace]").is_err());
        assert!(check("", "not toml").is_err());
    }

    #[track_caller]
    fn finds(rows: &str, expected: &[&str]) {
        let readme = format!("## Dependencies\n| crate | why |\n|---|---|\n{rows}\n");
        let found = check(&readme, MANIFEST).expect("the manifest is TOML");
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for (one, text) in found.iter().zip(expected) {
            assert!(one.what.contains(text), "{one:?}");
        }
    }
}
