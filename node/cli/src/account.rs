//! `anchorhold account`: keys of accounts, for which the node signs and pays.

use std::path::PathBuf;

use api::wire::{Account, Bind, ImportAccount};
use clap::Subcommand;
use types::{AccountId, ChainId, ContextId};
use zeroize::Zeroize as _;

use crate::{args::Global, client::Client, duration::Secs, proposal, secret};

#[derive(Debug, Subcommand)]
pub(crate) enum AccountCommand {
    /// Keep an account's secret key, sealed.
    Import {
        /// The account's chain, such as `eip155:1`.
        #[arg(long)]
        chain: ChainId,
        /// The account, where a key does not tell it: on Starknet, and for named accounts of NEAR.
        #[arg(long)]
        account: Option<AccountId>,
        /// A file with the key, which only you may read: 64 hex digits, or `ed25519:…` as NEAR's
        /// tools write it.
        #[arg(long, value_name = "FILE")]
        key_file: PathBuf,
    },
    /// List the accounts whose keys the node holds.
    List,
    /// Tell a context's chain that an account and the node's member belong together.
    ///
    /// Both sides sign: the account by the transaction, the member inside it. It is evidence for
    /// whoever reads the chain; rights in the context come from its own log alone.
    Bind {
        /// The context.
        context: ContextId,
        /// An account whose key the node holds; it pays.
        #[arg(long)]
        account: AccountId,
        /// For how long it holds.
        #[arg(long, value_name = "TIME", default_value = "365d")]
        expires: Secs,
    },
}

pub(crate) async fn account(global: &Global, command: AccountCommand) -> anyhow::Result<()> {
    match command {
        AccountCommand::Import { chain, account, key_file } => {
            let key = secret::key(&key_file)?;
            let secret = types::Hash::from_bytes(*key).to_string();
            let account = account.map(|account| account.to_string());
            let mut body = ImportAccount { chain: chain.to_string(), account, secret };
            let account = Client::open(global)?.post("/v1/accounts", &body).await;
            body.secret.zeroize();
            global.output.show(&account?, |account: &Account| account.account.clone())
        }
        AccountCommand::List => {
            let accounts: Vec<Account> = Client::open(global)?.get("/v1/accounts").await?;
            global.output.show(&accounts, |accounts| {
                let names: Vec<_> = accounts.iter().map(|one| one.account.as_str()).collect();
                names.join("\n")
            })
        }
        AccountCommand::Bind { context, account, expires: Secs(ttl_secs) } => {
            let body = Bind { account: account.to_string(), ttl_secs: Some(ttl_secs) };
            let path = format!("/v1/contexts/{context}/bind");
            proposal::show_receipt(global, &Client::open(global)?.post(&path, &body).await?)
        }
    }
}
