//! `anchorhold app`: applications on the node.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use api::wire::App;
use clap::Subcommand;

use crate::{args::Global, client::Client, output};

/// Longest module that a node takes, in bytes.
const MODULE_BYTES_MAX: u64 = 16 << 20;

#[derive(Debug, Subcommand)]
pub(crate) enum AppCommand {
    /// Install a WebAssembly module or component.
    Install {
        /// The file.
        file: PathBuf,
    },
    /// List what is installed.
    List,
}

pub(crate) async fn app(global: &Global, command: AppCommand) -> anyhow::Result<()> {
    match command {
        AppCommand::Install { file } => {
            let shown = file.display();
            let size = std::fs::metadata(&file).with_context(|| format!("cannot read {shown}"))?;
            if size.len() > MODULE_BYTES_MAX {
                bail!("{shown} has {} bytes, at most {MODULE_BYTES_MAX} allowed", size.len());
            }
            let bytes = std::fs::read(&file).with_context(|| format!("cannot read {shown}"))?;
            let client = Client::open(global)?;
            let app: App = client.post_bytes("/v1/apps", bytes).await?;
            global.output.show(&app, |app| format!("installed {}", text(app)))
        }
        AppCommand::List => {
            let apps: Vec<App> = Client::open(global)?.get("/v1/apps").await?;
            global.output.show(&apps, |apps| {
                let rows: Vec<_> = apps.iter().map(|app| vec![text(app)]).collect();
                output::table(&rows)
            })
        }
    }
}

fn text(app: &App) -> String {
    let names = |mutates| {
        let methods = app.methods.iter().filter(move |method| method.mutates == mutates);
        methods.map(|method| method.name.as_str()).collect::<Vec<_>>().join(", ")
    };
    let (calls, views) = (names(true), names(false));
    format!("{}  {} bytes  calls: {calls}  views: {views}", app.app, app.size_bytes)
}
