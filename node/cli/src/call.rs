//! `anchorhold call` and `anchorhold view`: the methods of a context's application.

use api::wire::{Answer, Call};
use types::ContextId;

use crate::{args::Global, client::Client, context};

#[derive(Debug, clap::Args)]
pub(crate) struct CallArgs {
    /// The context.
    context: ContextId,
    /// The method.
    method: String,
    /// Its arguments by name, as JSON.
    args: Option<String>,
}

pub(crate) async fn call(global: &Global, args: CallArgs) -> anyhow::Result<()> {
    ask(global, args, "call").await
}

pub(crate) async fn view(global: &Global, args: CallArgs) -> anyhow::Result<()> {
    ask(global, args, "view").await
}

async fn ask(global: &Global, args: CallArgs, route: &str) -> anyhow::Result<()> {
    let CallArgs { context, method, args } = args;
    let args = args.map(|args| context::json(args, "the arguments")).transpose()?;
    let path = format!("/v1/contexts/{context}/{route}");
    let answer: Answer = Client::open(global)?.post(&path, &Call { method, args }).await?;
    for line in &answer.logs {
        global.output.progress(&format!("log: {line}"));
    }
    global.output.show(&answer, |answer| answer.value.get().to_owned())
}
