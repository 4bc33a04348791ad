//! Users' wallets: the libraries that they are made of, run by Node.js.

use std::process::Stdio;

use anyhow::{Context as _, Result, ensure};
use harness::places;
use tokio::{io::AsyncWriteExt as _, process::Command};

/// What a wallet of `kind` (see `wallets/sign.mjs`) with the key `secret` answers to `message`, for
/// the account at `address` of its chain.
///
/// # Errors
/// If Node.js or the libraries are not there, or do not sign.
pub async fn answer(kind: &str, address: &str, secret: &str, message: &str) -> Result<String> {
    run("sign.mjs", &[kind, address, secret], message).await
}

/// What a script of `wallets/` prints, given `input`.
///
/// # Errors
/// As for [`answer`].
pub async fn run(script: &str, args: &[&str], input: &str) -> Result<String> {
    let folder = places::repository()?.join("tests/e2e/wallets");
    ensure!(folder.join("node_modules").is_dir(), "no wallets are here: cargo x setup");
    let mut wallet = Command::new("node")
        .arg(script)
        .args(args)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("there is no Node.js")?;
    let mut asking = wallet.stdin.take().context("no way to ask the wallet")?;
    asking.write_all(input.as_bytes()).await.context("the wallet does not listen")?;
    drop(asking);
    let said = wallet.wait_with_output().await.context("the wallet gave no end")?;
    let error = String::from_utf8_lossy(&said.stderr);
    ensure!(said.status.success(), "the wallet refused: {error}");
    Ok(String::from_utf8(said.stdout).context("not a text")?.trim_end().to_owned())
}
