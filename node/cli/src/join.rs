//! `anchorhold join`: from a link to a member.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, bail};
use api::wire::{Context, Join, JoinPlan, JoinState, PlanJoin, Proof};
use serde::Serialize;
use tokio::time::Instant;
use types::AccountId;

use crate::{args::Global, client::Client, duration::Secs};

/// How often the node is asked how far it is.
const ASK_INTERVAL: Duration = Duration::from_millis(500);
/// Longest message that a wallet signs, in bytes.
const MESSAGE_BYTES_MAX: u64 = 16 << 10;

#[derive(Debug, clap::Args)]
pub(crate) struct JoinArgs {
    /// The link of the invitation.
    link: String,
    /// The account to come with. The node signs for it if it holds its key.
    #[arg(long)]
    account: Option<AccountId>,
    /// What a wallet elsewhere answered to the planned message, or `@FILE` with it: the signature
    /// in hex; on NEAR, the Internet Computer and Starknet the JSON that wallets give.
    #[arg(long, value_name = "ANSWER", requires_all = ["account", "message_file"])]
    signature: Option<String>,
    /// The planned message as it was signed: each plan has its own.
    #[arg(long, value_name = "FILE", requires = "signature")]
    message_file: Option<PathBuf>,
    /// The account is a contract: it is asked, in a final block, whether it signed.
    #[arg(long, requires = "signature")]
    contract: bool,
    /// How long to wait until joined; 0 does not wait.
    #[arg(long, value_name = "SECS", default_value = "60")]
    wait: Secs,
    /// Only say what must be signed.
    #[arg(long, conflicts_with_all = ["signature", "wait"])]
    plan: bool,
}

#[derive(Debug, Serialize)]
struct Joined {
    context: String,
    #[serde(flatten)]
    state: JoinState,
}

pub(crate) async fn join(global: &Global, args: JoinArgs) -> anyhow::Result<()> {
    let client = Client::open(global)?;
    if args.plan {
        return plan(global, &client, args).await;
    }
    let proof = match (args.signature, &args.message_file) {
        (Some(signature), Some(file)) => {
            let message = read(file)?;
            let signature = match signature.strip_prefix('@') {
                Some(file) => read(Path::new(file))?,
                None => signature,
            };
            Some(Proof { message, signature, contract: args.contract })
        }
        _ => None,
    };
    let account = args.account.map(|account| account.to_string());
    let body = Join { link: args.link, account, proof };
    let Context { context } = client.post("/v1/join", &body).await?;
    let state = follow(global, &client, &context, args.wait).await?;
    match (state.state.as_str(), &state.why) {
        ("failed", why) => bail!("stopped: {}", why.as_deref().unwrap_or("no reason was given")),
        ("refused", why) => bail!("refused: {}", why.as_deref().unwrap_or("no reason was given")),
        ("joined", _) => {}
        (_, why) if args.wait != Secs(0) => {
            let why = why.as_deref().unwrap_or("the node does not say for what");
            bail!("not joined after {} s, but the node tries on; waiting: {why}", args.wait.0);
        }
        _ => {}
    }
    let joined = Joined { context, state };
    global.output.show(&joined, |joined| match joined.state.state.as_str() {
        "joined" => format!("joined {}", joined.context),
        _ => format!("joining {}; see `anchorhold status`", joined.context),
    })
}

/// What a wallet signs or answers, without the line end that is not part of it.
fn read(file: &Path) -> anyhow::Result<String> {
    let shown = file.display();
    let size = std::fs::metadata(file).with_context(|| format!("cannot read {shown}"))?;
    if size.len() > MESSAGE_BYTES_MAX {
        bail!("{shown} is too long for what a wallet signs or answers");
    }
    let text = std::fs::read_to_string(file);
    let mut text = text.with_context(|| format!("cannot read {shown}"))?;
    if text.ends_with('\n') {
        text.pop();
    }
    Ok(text)
}

/// Asks until the join has an end or the time is up.
async fn follow(
    global: &Global,
    client: &Client,
    context: &str,
    wait: Secs,
) -> anyhow::Result<JoinState> {
    let end = Instant::now() + Duration::from_secs(wait.0);
    let mut shown: Option<JoinState> = None;
    loop {
        let state: JoinState = client.get(&format!("/v1/join/{context}")).await?;
        if state.state != "waiting" || Instant::now() >= end {
            return Ok(state);
        }
        if shown.as_ref() != Some(&state) {
            let why = state.why.as_deref().unwrap_or_default();
            global.output.progress(&format!("waiting: {why}"));
            shown = Some(state);
        }
        tokio::time::sleep(ASK_INTERVAL).await;
    }
}

async fn plan(global: &Global, client: &Client, args: JoinArgs) -> anyhow::Result<()> {
    let account = args.account.map(|account| account.to_string());
    let body = PlanJoin { link: args.link, account };
    let plan: JoinPlan = client.post("/v1/join/plan", &body).await?;
    global.output.show(&plan, |plan| {
        let told = format!("context {}\nmember  {}", plan.context, plan.member);
        match (&plan.account, &plan.message) {
            (Some(account), Some(message)) => {
                global.output.progress(&format!("{told}\n{account} must sign:"));
                message.clone()
            }
            _ => format!("{told}\nnothing must be signed"),
        }
    })
}
