//! Writes the golden traces, or compares them with what the model makes.
#![expect(clippy::print_stdout, reason = "a command-line tool speaks on standard output")]

use std::{fs, path::Path};

use anyhow::{Context as _, Result, bail};

/// From the root of the repository, where `cargo x traces` starts this.
const FOLDER: &str = "contracts/vectors";

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let write = match args.as_slice() {
        [] => false,
        [word] if word == "--write" => true,
        _ => bail!("only `--write` is known"),
    };
    let scripts = anchorhold_traces::scripts()?;
    let folder = Path::new(FOLDER);
    let mut traces = 0;
    let mut steps = 0;
    for script in &scripts {
        let path = folder.join(format!("{}.json", script.group));
        let text = anchorhold_traces::text(script)?;
        let at = || path.display().to_string();
        if write {
            fs::create_dir_all(folder).with_context(at)?;
            fs::write(&path, &text).with_context(at)?;
        } else if fs::read_to_string(&path).with_context(at)? != text {
            bail!("{} is not what the model makes: cargo x traces --write", at());
        }
        traces += script.traces.len();
        steps += script.traces.iter().map(|trace| trace.steps.len()).sum::<usize>();
    }
    println!("  {traces} traces, {steps} steps, {} files", scripts.len());
    Ok(())
}
