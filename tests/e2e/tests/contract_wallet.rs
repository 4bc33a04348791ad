//! A contract wallet joins: every member's node asks its chain, in the block that the proof names.

use std::process::Command;

use anchorhold_e2e::{Site, World};
use anyhow::{Context as _, Result, bail, ensure};
use harness::{Node, places};
use serde_json::{Value, json};
use types::keccak256;

/// The development chain's account that signs for the wallet at first.
const OWNER: usize = 4;
/// The one that it is handed over to.
const HEIR: usize = 5;
/// What a node logs when a chain answered.
const ASKED: &str = "a wallet was asked";

#[tokio::test]
async fn a_wallet_comes_in_by_what_it_said_in_one_block_and_stays() -> Result<()> {
    let mut world = World::start().await?;
    world.found(&["--delays", "0,0,0,0"]).await?;
    let wallet = Wallet::deploy(&world.site).await?;
    let open = ["invite", &world.board, "--open", "--uses", "1"];
    let link = link(&world.alice.cli(&open).await?)?;
    world.carol.cli(&["join", &link, "--wait", "90"]).await.context("Carol joins")?;

    let link = wallet.invite(&world).await?;
    what_the_wallet_does_not_accept_is_refused(&world, &wallet, &link).await?;
    let signed = wallet.sign(&world.site, &world.bob, &link, OWNER).await?;
    world.bob.cli(&signed.join(&link, &wallet, "90")).await.context("Bob joins")?;
    world.until_role(&world.bob, "member").await?;
    let bob = world.member(&world.bob).await?;
    for node in [&world.alice, &world.bob, &world.carol] {
        until_member(&world, node, &bob, &wallet).await?;
        ensure!(node.log()?.contains(ASKED), "{} took somebody's word", node.name());
    }

    wallet.hand_over(&world.site).await?;
    for node in [&mut world.alice, &mut world.carol] {
        node.stop().await?;
        node.restart().await?;
    }
    for node in [&world.alice, &world.carol] {
        until_member(&world, node, &bob, &wallet).await?;
    }
    world.until_app(&world.bob).await?;
    world.call(&world.bob, "add", r#"{"title":"from the wallet"}"#).await?;
    world.until_equal(&[&world.alice, &world.bob, &world.carol], 2).await?;
    the_heir_comes_in_and_the_old_owner_does_not(&world, &wallet, &bob).await
}

/// Bob's proof names a block in which the wallet said so; it does not any more when Alice's node
/// hears of it.
#[tokio::test]
async fn who_admits_asks_whether_the_wallet_says_so_still() -> Result<()> {
    let mut world = World::start().await?;
    world.found(&["--delays", "0,0,0,0"]).await?;
    let wallet = Wallet::deploy(&world.site).await?;
    let link = wallet.invite(&world).await?;
    let signed = wallet.sign(&world.site, &world.bob, &link, OWNER).await?;
    world.alice.stop().await?;
    let started = world.bob.cli(&signed.join(&link, &wallet, "0")).await?;
    ensure!(started["state"] == "waiting", "nobody is there to admit: {started}");
    wallet.hand_over(&world.site).await?;
    world.alice.restart().await?;
    let route = format!("/v1/join/{}", world.board);
    let end = world
        .until(async || {
            let state = world.bob.get(&route).await?;
            ensure!(state["state"] != "waiting", "{state}");
            Ok(state)
        })
        .await?;
    ensure!(end["state"] == "refused" && end.to_string().contains("any more"), "{end}");
    ensure!(world.status(&world.alice).await?["members"] == 1, "somebody came in");
    Ok(())
}

async fn what_the_wallet_does_not_accept_is_refused(
    world: &World,
    wallet: &Wallet,
    link: &str,
) -> Result<()> {
    let bob = &world.bob;
    let members = world.status(&world.alice).await?["members"].clone();
    let wrong = wallet.sign(&world.site, bob, link, HEIR).await?;
    let said = "does not confirm that";
    bob.refused(&wrong.join(link, wallet, "60"), said).await?;
    let other = Signed { signature: "0x12".to_owned(), ..wrong };
    bob.refused(&other.join(link, wallet, "60"), said).await?;
    let right = wallet.sign(&world.site, bob, link, OWNER).await?;
    let as_plain = right.join(link, wallet, "60");
    let as_plain: Vec<&str> = as_plain.into_iter().filter(|word| *word != "--contract").collect();
    bob.refused(&as_plain, "signed by").await?;
    ensure!(world.status(&world.alice).await?["members"] == members, "somebody came in");
    Ok(())
}

/// Who reads the log later believes what the wallet said then; who claims later needs what it says
/// now.
async fn the_heir_comes_in_and_the_old_owner_does_not(
    world: &World,
    wallet: &Wallet,
    bob: &str,
) -> Result<()> {
    let dave = world.site.node("dave").await?;
    let link = wallet.invite(world).await?;
    let old = wallet.sign(&world.site, &dave, &link, OWNER).await?;
    let said = "does not confirm that";
    dave.refused(&old.join(&link, wallet, "60"), said).await?;
    let new = wallet.sign(&world.site, &dave, &link, HEIR).await?;
    dave.cli(&new.join(&link, wallet, "90")).await.context("the heir joins")?;
    world.until_role(&dave, "member").await?;
    until_member(world, &dave, bob, wallet).await
}

/// A deployed wallet.
struct Wallet {
    /// Its CAIP-10 name.
    account: String,
    address: String,
}

/// A planned message with the signature that was given for it.
struct Signed {
    signature: String,
    file: String,
}

impl Wallet {
    async fn deploy(site: &Site) -> Result<Self> {
        let owner = site.anvil().account(OWNER)?.address;
        let code = format!("{}{}", bytecode()?, word(&owner));
        let receipt = send(site, json!({ "from": owner, "data": code })).await?;
        let address = receipt["contractAddress"].as_str().context("a contract")?.to_owned();
        Ok(Self { account: site.name(&address), address })
    }

    async fn hand_over(&self, site: &Site) -> Result<()> {
        let (owner, heir) = (site.anvil().account(OWNER)?, site.anvil().account(HEIR)?);
        let selector = keccak256(b"handOver(address)").to_string();
        let data = format!("0x{}{}", &selector[..8], word(&heir.address));
        let call = json!({ "from": owner.address, "to": self.address, "data": data });
        send(site, call).await.map(drop)
    }

    async fn invite(&self, world: &World) -> Result<String> {
        let invite = ["invite", &world.board, "--account", &self.account];
        link(&world.alice.cli(&invite).await?)
    }

    /// Has account `index` sign what `node` plans.
    async fn sign(&self, site: &Site, node: &Node, link: &str, index: usize) -> Result<Signed> {
        let plan = node.cli(&["join", link, "--account", &self.account, "--plan"]).await?;
        let message = plan["message"].as_str().context("a message")?;
        let hex: String = message.bytes().map(|byte| format!("{byte:02x}")).collect();
        let signer = site.anvil().account(index)?.address;
        let signed = site.anvil().rpc("personal_sign", json!([format!("0x{hex}"), signer])).await?;
        let signature = signed.as_str().context("a signature")?.to_owned();
        let file = site.secret_file(&format!("{}-{index}", node.name()), message)?;
        Ok(Signed { signature, file })
    }
}

impl Signed {
    fn join<'a>(&'a self, link: &'a str, wallet: &'a Wallet, wait: &'a str) -> Vec<&'a str> {
        let Self { signature, file } = self;
        let join = ["join", link, "--account", &wallet.account, "--contract", "--wait", wait];
        [&join[..], &["--signature", signature, "--message-file", file]].concat()
    }
}

/// Waits until `node` has `member` among the members, with the wallet as its account.
async fn until_member(world: &World, node: &Node, member: &str, wallet: &Wallet) -> Result<()> {
    world
        .until(async || {
            let members = node.cli(&["members", &world.board]).await?;
            let is_it = |row: &Value| {
                row["member"] == member
                    && row["role"] == "member"
                    && row["account"].as_str() == Some(&wallet.account)
            };
            let all = members.as_array().context("a list")?;
            ensure!(all.iter().any(is_it), "{} has no such member: {members}", node.name());
            Ok(())
        })
        .await
}

/// Sends a transaction of an account whose key the chain holds, and makes it final; the receipt.
async fn send(site: &Site, transaction: Value) -> Result<Value> {
    let hash = site.anvil().rpc("eth_sendTransaction", json!([transaction])).await?;
    site.anvil().mine(3).await?;
    let receipt = site.anvil().rpc("eth_getTransactionReceipt", json!([hash])).await?;
    ensure!(receipt["status"] == "0x1", "it failed: {receipt}");
    Ok(receipt)
}

/// The creation code of the wallet beside the contract's tests, compiled as those are.
fn bytecode() -> Result<String> {
    let contracts = places::repository()?.join("contracts/ethereum");
    let made = tempfile::tempdir()?;
    let mut forge = Command::new("node");
    forge.args(["bin/forge.js", "build", "test/OwnedWallet.sol", "--out"]).arg(made.path());
    forge.arg("--cache-path").arg(made.path().join("cache")).current_dir(&contracts);
    let built = forge.output().context("could not start node")?;
    if !built.status.success() {
        bail!("forge: {}", String::from_utf8_lossy(&built.stderr));
    }
    let artifact = std::fs::read(made.path().join("OwnedWallet.sol/OwnedWallet.json"))?;
    let artifact: Value = serde_json::from_slice(&artifact)?;
    let code = artifact["bytecode"]["object"].as_str().context("no bytecode")?;
    Ok(code.to_owned())
}

/// An address as an argument of a call: 32 bytes.
fn word(address: &str) -> String {
    format!("{:0>64}", address.trim_start_matches("0x"))
}

fn link(invited: &Value) -> Result<String> {
    Ok(invited["link"].as_str().context("a link")?.to_owned())
}
