//! The whole life of an anchored context: five admins of whom three must agree, until its end.

use anchorhold_e2e::World;
use anyhow::{Context as _, Result, ensure};
use harness::DevnetKind;
use serde_json::Value;

/// The development chain's accounts that Alice's node holds besides her own.
const OTHERS: [usize; 4] = [3, 4, 5, 6];
const GUARDIAN: usize = 8;

/// A board with five admins, all of whose keys Alice's node holds.
struct Council {
    world: World,
    /// Alice's account first.
    admins: Vec<String>,
    guardian: String,
}

#[tokio::test]
async fn a_context_lives_from_its_creation_to_its_end() -> Result<()> {
    live(World::start().await?).await
}

#[tokio::test]
async fn so_it_does_on_near() -> Result<()> {
    live(World::start_devnet(DevnetKind::Near).await?).await
}

#[tokio::test]
async fn so_it_does_on_the_internet_computer() -> Result<()> {
    live(World::start_devnet(DevnetKind::Icp).await?).await
}

#[tokio::test]
async fn so_it_does_on_starknet() -> Result<()> {
    if DevnetKind::Starknet.program()?.is_none() {
        println!("left out: starknet-devnet is not here");
        return Ok(());
    }
    live(World::start_devnet(DevnetKind::Starknet).await?).await
}

async fn live(world: World) -> Result<()> {
    let council = Council::seat(world).await?;
    council.three_of_five_change_the_application().await?;
    council.a_delay_is_waited_for_and_an_expiry_is_final().await?;
    council.approvals_of_who_left_do_not_count().await?;
    council.a_raised_threshold_holds_back_what_was_approved().await?;
    council.the_guardian_holds_back().await?;
    council.one_renounces().await?;
    council.it_ends_for_good().await
}

impl Council {
    async fn seat(mut world: World) -> Result<Self> {
        let guardian = world.site.import(&world.alice, GUARDIAN).await?;
        world.found(&["--delays", "0,0,0,0", "--guardian", &guardian]).await?;
        let mut admins = vec![world.accounts[0].clone()];
        for index in OTHERS {
            admins.push(world.site.import(&world.alice, index).await?);
        }
        let council = Self { world, admins, guardian };
        let mut nominate = vec![];
        for admin in &council.admins[1..] {
            nominate.extend(["--nominate", admin]);
        }
        let receipt = council.propose(0, &nominate).await?;
        ensure!(receipt["rev"].as_u64() == Some(5), "four nominations in one batch: {receipt}");
        let board = council.world.board.as_str();
        let accept = ["context", "accept", board, "--account", &council.guardian];
        council.refused(&accept, "E50").await?;
        for admin in &council.admins[1..] {
            council.cli(&["context", "accept", board, "--account", admin]).await?;
        }
        let again = ["context", "accept", board, "--account", &council.admins[1]];
        let again = council.cli(&again).await?;
        ensure!(again["transaction"].is_null(), "who is seated sends nothing: {again}");
        let receipt = council.propose(0, &["--threshold", "3"]).await?;
        ensure!(receipt["rev"].as_u64() == Some(10), "one approval was enough so far: {receipt}");
        council.until_rev(10).await?;
        Ok(council)
    }

    async fn three_of_five_change_the_application(&self) -> Result<()> {
        let seq = self.open(0, &["--app", &hash('a')]).await?;
        self.refused(&self.act("execute", &seq, 1), "E41").await?;
        self.cli(&self.act("approve", &seq, 1)).await?;
        let again = self.cli(&self.act("approve", &seq, 1)).await?;
        ensure!(again["transaction"].is_null(), "an approval that is there sends nothing: {again}");
        // Who takes an approval back can give it again.
        self.cli(&self.act("unapprove", &seq, 1)).await?;
        self.cli(&self.act("approve", &seq, 1)).await?;
        let receipt = self.cli(&self.act("approve", &seq, 2)).await?;
        ensure!(
            receipt["rev"].as_u64() == Some(11),
            "the third approval carries it out: {receipt}"
        );
        self.until_rev(11).await
    }

    async fn a_delay_is_waited_for_and_an_expiry_is_final(&self) -> Result<()> {
        let seq = self.open(0, &["--delay", "app=6s"]).await?;
        self.approve(&seq, &[1, 2]).await?;
        // The application that its members have: the room can go on with it.
        let seq = self.open(0, &["--app", &self.world.app]).await?;
        self.approve(&seq, &[3, 4]).await?;
        self.refused(&self.act("execute", &seq, 4), "E42").await?;
        // Nobody asks: the node that proposed it carries it out.
        self.until_rev(13).await?;
        let seq = self.open(1, &["--meta", &hash('c'), "--expires", "2s"]).await?;
        self.refused(&self.act("expire", &seq, 2), "E48").await?;
        self.world.until(async || self.cli(&self.act("expire", &seq, 2)).await.map(drop)).await?;
        self.refused(&self.act("approve", &seq, 2), "not open").await.map(drop)
    }

    async fn approvals_of_who_left_do_not_count(&self) -> Result<()> {
        let stale = self.open(0, &["--meta", &hash('d')]).await?;
        self.cli(&self.act("approve", &stale, 4)).await?;
        let removal = self.open(0, &["--remove-admin", &self.admins[4]]).await?;
        self.approve(&removal, &[1, 2]).await?;
        self.refused(&self.act("approve", &stale, 4), "E23").await?;
        let receipt = self.cli(&self.act("approve", &stale, 1)).await?;
        ensure!(receipt["rev"].is_null(), "the removed admin's approval counted: {receipt}");
        // It comes back, and is seated after the proposal was made: still nothing.
        let again = self.open(0, &["--nominate", &self.admins[4]]).await?;
        self.approve(&again, &[1, 2]).await?;
        let board = self.world.board.as_str();
        self.cli(&["context", "accept", board, "--account", &self.admins[4]]).await?;
        self.refused(&self.act("approve", &stale, 4), "E24").await?;
        let receipt = self.cli(&self.act("approve", &stale, 2)).await?;
        ensure!(receipt["rev"].is_u64(), "three that count: {receipt}");
        Ok(())
    }

    async fn a_raised_threshold_holds_back_what_was_approved(&self) -> Result<()> {
        // Queued behind its delay of six seconds, by three of three.
        let seq = self.open(0, &["--app", &hash('e')]).await?;
        self.approve(&seq, &[1, 2]).await?;
        let raise = self.open(3, &["--threshold", "4"]).await?;
        self.approve(&raise, &[1, 2]).await?;
        self.world
            .until(async || self.refused(&self.act("execute", &seq, 3), "E46").await.map(drop))
            .await?;
        self.cli(&self.act("cancel", &seq, 0)).await?;
        // One that was made while four were asked is not revived by asking fewer.
        let revived = self.open(0, &["--meta", &hash('f')]).await?;
        self.approve(&revived, &[1, 2]).await?;
        let lower = self.open(3, &["--threshold", "3"]).await?;
        self.approve(&lower, &[0, 1, 2]).await?;
        self.refused(&self.act("execute", &revived, 3), "E41").await?;
        self.cli(&self.act("cancel", &revived, 0)).await?;
        Ok(())
    }

    async fn the_guardian_holds_back(&self) -> Result<()> {
        let board = self.world.board.as_str();
        let seq = self.open(1, &["--meta", &hash('1')]).await?;
        self.refused(&self.act("veto", &seq, 0), "E31").await?;
        self.cli(&["proposal", "veto", board, &seq, "--account", &self.guardian]).await?;
        let seq = self.open(1, &["--meta", &hash('2')]).await?;
        self.cli(&self.act("approve", &seq, 0)).await?;
        let freeze = ["context", "freeze", board, "5s", "--account", &self.guardian];
        self.cli(&freeze).await?;
        self.refused(&freeze, "E80").await?;
        self.refused(&self.act("approve", &seq, 2), "E44").await?;
        let receipt =
            self.world.until(async || self.cli(&self.act("approve", &seq, 2)).await).await?;
        ensure!(receipt["rev"].is_u64(), "a freeze ends by itself: {receipt}");
        Ok(())
    }

    async fn one_renounces(&self) -> Result<()> {
        let board = self.world.board.as_str();
        let renounce = ["context", "renounce", board, "--account", &self.admins[4]];
        self.cli(&renounce).await?;
        let again = self.cli(&renounce).await?;
        ensure!(again["transaction"].is_null(), "who has left sends nothing: {again}");
        Ok(())
    }

    async fn it_ends_for_good(&self) -> Result<()> {
        let seq = self.open(0, &["--dissolve"]).await?;
        self.approve(&seq, &[1, 2]).await?;
        let new = ["proposal", "new", &self.world.board, "--meta", &hash('3')];
        self.refused(&new, "E10").await?;
        let status = self.world.status(&self.world.alice).await?;
        let record = status["anchor"]["record"].as_str().context("a record")?;
        let chain = self.world.site.ground.chain();
        let shown = self
            .world
            .until(async || {
                let shown = self.cli(&["anchor", "verify", record, "--chain", &chain]).await?;
                ensure!(shown["status"] == "dissolved", "not final yet: {shown}");
                Ok(shown)
            })
            .await?;
        ensure!(shown["admins"].as_array().map(Vec::len) == Some(4), "{shown}");
        ensure!(shown["threshold"] == 3 && shown["app"] == self.world.app, "{shown}");
        // The room itself goes on.
        self.world.call(&self.world.alice, "add", r#"{"title":"after the end"}"#).await.map(drop)
    }

    async fn cli(&self, args: &[&str]) -> Result<Value> {
        self.world.alice.cli(args).await
    }

    async fn refused(&self, args: &[&str], expected: &str) -> Result<String> {
        self.world.alice.refused(args, expected).await
    }

    fn act<'a>(&'a self, act: &'a str, seq: &'a str, admin: usize) -> [&'a str; 6] {
        ["proposal", act, &self.world.board, seq, "--account", &self.admins[admin]]
    }

    async fn propose(&self, admin: usize, change: &[&str]) -> Result<Value> {
        let new = ["proposal", "new", &self.world.board, "--account", &self.admins[admin]];
        self.cli(&[&new[..], change].concat()).await
    }

    /// Proposes what more than one must approve; the proposal's number.
    async fn open(&self, admin: usize, change: &[&str]) -> Result<String> {
        let receipt = self.propose(admin, change).await?;
        ensure!(receipt["rev"].is_null(), "one approval was enough: {receipt}");
        Ok(receipt["seq"].as_u64().context("a proposal")?.to_string())
    }

    async fn approve(&self, seq: &str, admins: &[usize]) -> Result<()> {
        for admin in admins {
            self.cli(&self.act("approve", seq, *admin)).await?;
        }
        Ok(())
    }

    async fn until_rev(&self, rev: u64) -> Result<()> {
        self.world
            .until(async || {
                let status = self.world.status(&self.world.alice).await?;
                ensure!(status["epoch"].as_u64() >= Some(rev), "not at {rev} yet: {status}");
                Ok(())
            })
            .await
    }
}

fn hash(digit: char) -> String {
    digit.to_string().repeat(64)
}
