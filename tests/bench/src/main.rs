//! Measures the node against rivals and limits of the same run, and prints ratios.
//!
//! Never asserts a time: a missed target is printed as MISSED and the exit code stays 0. Subject
//! and rival take turns in small batches, so that a busy machine slows both alike.
//!
//! Reading order: `sample` → `report` → `scene`, `board`, `world` (what is measured on) → one file
//! per measurement.

mod apply;
mod board;
mod disk;
mod guest_call;
mod http_write;
mod icp;
mod memory;
mod near;
mod report;
mod restart;
mod sample;
mod scene;
mod starknet;
mod verification;
mod visible;
mod world;

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context as _, Result, bail};

use report::{Finding, Row};

/// One measurement.
struct Bench {
    name: &'static str,
    run: fn(&Scale) -> Result<Vec<Row>>,
}

const BENCHES: [Bench; 11] = [
    Bench { name: "guest-call", run: guest_call::run },
    Bench { name: "restart", run: restart::run },
    Bench { name: "apply", run: apply::run },
    Bench { name: "disk", run: disk::run },
    Bench { name: "verification", run: verification::run },
    Bench { name: "near", run: near::run },
    Bench { name: "icp", run: icp::run },
    Bench { name: "starknet", run: starknet::run },
    Bench { name: "http-write", run: http_write::run },
    Bench { name: "visible", run: visible::run },
    Bench { name: "memory", run: memory::run },
];

/// How much is measured.
#[derive(Clone, Copy, Debug)]
struct Scale {
    is_quick: bool,
}

impl Scale {
    /// `full`, or `quick` when asked for.
    const fn pick(self, full: usize, quick: usize) -> usize {
        if self.is_quick { quick } else { full }
    }
}

const HELP: &str = "\
Measures the node; prints ratios against a rival or a limit of the same run.

  --quick       fewer keys, contexts and samples; the table says how many
  --json FILE   writes the findings as JSON, too
  --only NAME   only this measurement; may be given several times";

/// What was asked for.
#[derive(Debug, Default)]
struct Args {
    is_help: bool,
    is_quick: bool,
    json: Option<PathBuf>,
    only: Vec<String>,
}

impl Args {
    fn parse(mut words: impl Iterator<Item = String>) -> Result<Self> {
        let mut args = Self::default();
        while let Some(word) = words.next() {
            let mut value = || words.next().with_context(|| format!("{word} needs a value"));
            match word.as_str() {
                "--help" | "-h" => args.is_help = true,
                "--quick" => args.is_quick = true,
                "--json" => args.json = Some(value()?.into()),
                "--only" => args.only.push(value()?),
                _ => bail!("unknown argument {word}; see --help"),
            }
        }
        let is_known = |name: &&String| BENCHES.iter().any(|bench| bench.name == **name);
        if let Some(name) = args.only.iter().find(|name| !is_known(name)) {
            let names = BENCHES.map(|bench| bench.name).join(", ");
            bail!("no measurement {name}; there are {names}");
        }
        Ok(args)
    }

    fn wants(&self, bench: &Bench) -> bool {
        self.only.is_empty() || self.only.iter().any(|name| name == bench.name)
    }
}

fn main() -> Result<ExitCode> {
    let args = Args::parse(std::env::args().skip(1))?;
    if args.is_help {
        eprintln!("{HELP}\n\nMeasurements: {}", BENCHES.map(|bench| bench.name).join(", "));
        return Ok(ExitCode::SUCCESS);
    }
    let scale = Scale { is_quick: args.is_quick };
    let mut findings = Vec::new();
    let mut code = ExitCode::SUCCESS;
    for bench in BENCHES.iter().filter(|bench| args.wants(bench)) {
        eprintln!("measuring {} …", bench.name);
        match (bench.run)(&scale).and_then(found) {
            Ok(found) => findings.extend(found),
            Err(error) => {
                eprintln!("{} could not be measured: {error:#}", bench.name);
                code = ExitCode::FAILURE;
            }
        }
    }
    report::print(&findings)?;
    if let Some(file) = args.json {
        let text = report::json(&findings, args.is_quick).to_string();
        std::fs::write(&file, text)
            .with_context(|| format!("could not write {}", file.display()))?;
    }
    Ok(code)
}

fn found(rows: Vec<Row>) -> Result<Vec<Finding>> {
    rows.into_iter().map(Row::find).collect()
}
