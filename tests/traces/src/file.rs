//! Files of traces: one step a line.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};
use serde::Serialize;

use crate::script::{FORMAT, Script, Trace};

/// Larger, and it is not one of ours.
const BYTES_MAX: u64 = 16 * 1024 * 1024;

/// The text of a file: JSON with one account, key and step a line.
///
/// # Errors
/// None: a script has a JSON form.
pub fn text(script: &Script) -> Result<String> {
    let Script { format, group, profile, accounts, keys, traces } = script;
    let mut out = format!("{{\n\"format\": {format},\n\"group\": {},\n", json(group)?);
    out.push_str(&format!("\"profile\": {},\n", json(profile)?));
    for (title, lines) in [
        ("accounts", lines(accounts.iter().map(|(name, entry)| (name, json(entry))))?),
        ("keys", lines(keys.iter().map(|(name, entry)| (name, json(entry))))?),
    ] {
        out.push_str(&format!("\"{title}\": {{{lines}}},\n"));
    }
    let traces: Vec<String> = traces.iter().map(trace_text).collect::<Result<_>>()?;
    out.push_str(&format!("\"traces\": [\n{}\n]\n}}\n", traces.join(",\n")));
    Ok(out)
}

fn trace_text(trace: &Trace) -> Result<String> {
    let Trace { name, summary, creator, salt, context, steps, log_head } = trace;
    let steps: Vec<String> = steps.iter().map(json).collect::<Result<_>>()?;
    let steps: Vec<String> = steps.into_iter().map(|step| format!("    {step}")).collect();
    Ok([
        format!("  {{\"name\": {},", json(name)?),
        format!("   \"summary\": {},", json(summary)?),
        format!("   \"creator\": {}, \"salt\": {},", json(creator)?, json(salt)?),
        format!("   \"context\": {},", json(context)?),
        format!("   \"steps\": [\n{}\n   ],", steps.join(",\n")),
        format!("   \"log_head\": {}}}", json(log_head)?),
    ]
    .join("\n"))
}

fn lines<'a>(entries: impl Iterator<Item = (&'a String, Result<String>)>) -> Result<String> {
    let lines: Vec<String> = entries
        .map(|(name, entry)| Ok(format!("  {}: {}", json(name)?, entry?)))
        .collect::<Result<_>>()?;
    Ok(if lines.is_empty() { String::new() } else { format!("\n{}\n", lines.join(",\n")) })
}

fn json(value: &impl Serialize) -> Result<String> {
    Ok(serde_json::to_string(value)?)
}

/// The script in the file at `path`.
///
/// # Errors
/// If it cannot be read, is too large, has another shape, or another format than [`FORMAT`].
pub fn read(path: &Path) -> Result<Script> {
    let at = || path.display().to_string();
    let size = fs::metadata(path).with_context(at)?.len();
    ensure!(size <= BYTES_MAX, "{} has {size} bytes, more than {BYTES_MAX}", at());
    let text = fs::read_to_string(path).with_context(at)?;
    let script: Script = serde_json::from_str(&text).with_context(at)?;
    ensure!(script.format == FORMAT, "{} has format {}", at(), script.format);
    Ok(script)
}

/// `contracts/vectors` of the sources that this was built from.
pub fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../contracts/vectors")
}

/// All scripts in [`folder`], by the names of their files.
///
/// # Errors
/// As [`read`].
pub fn committed() -> Result<Vec<Script>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder()).context("contracts/vectors")? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            paths.push(path);
        }
    }
    paths.sort();
    paths.iter().map(|path| read(path)).collect()
}
