//! The node's log, on standard error.

use anyhow::Context as _;
use tracing_subscriber::EnvFilter;

/// The variable that says what is logged, such as `debug` or `info,net=trace`.
const FILTER: &str = "ANCHORHOLD_LOG";
/// What is logged unless that says otherwise.
const DEFAULT: &str = "info";

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}

/// Logs from here on.
///
/// # Errors
/// If the variable is no filter.
pub(crate) fn start(format: LogFormat) -> anyhow::Result<()> {
    let wanted = std::env::var(FILTER).unwrap_or_else(|_| DEFAULT.to_owned());
    let filter = EnvFilter::try_new(&wanted).with_context(|| format!("{FILTER}={wanted:?}"))?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match format {
        LogFormat::Text => {
            let color = std::io::IsTerminal::is_terminal(&std::io::stderr());
            lines.with_ansi(color).try_init()
        }
        LogFormat::Json => lines.json().try_init(),
    };
    started.map_err(|error| anyhow::anyhow!("cannot log: {error}"))
}
