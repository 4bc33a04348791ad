//! Records in registries: made by hand, shown, checked from their first revision on.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use chain::{AccountKey, AnchorHead, Call, Chain, Finality, Signer};
use clap::Args;
use governance::anchor::{Account, FLAG_CLAIMS, OnChainId, Outline, Status, Terms};
use rand_core::{OsRng, RngCore as _};
use serde::Serialize;
use types::{AccountId, ContextId, Hash};

use super::Place;
use crate::{
    args::Global,
    chains,
    context::{Delays, delays},
    proposal, secret,
};

/// Most pages of revisions that are read of one record: 256 revisions each.
const PAGES_MAX: usize = 4_096;

#[derive(Debug, Args)]
pub(crate) struct CreateArgs {
    #[command(flatten)]
    place: Place,
    /// A file with the key of the account that pays and becomes the only admin, which only you may
    /// read: 64 hex digits, or `ed25519:…` as NEAR's tools write it.
    #[arg(long, value_name = "FILE")]
    key_file: PathBuf,
    /// The account that the key is of, where a key does not tell: on Starknet, and for named
    /// accounts of NEAR.
    #[arg(long)]
    account: Option<AccountId>,
    /// The id of the context whose genesis names the record.
    #[arg(long, value_name = "ID")]
    context: ContextId,
    /// The application's id.
    #[arg(long, value_name = "ID")]
    app: Hash,
    /// The root over the first members.
    #[arg(long, value_name = "HASH", requires = "members")]
    members_root: Option<Hash>,
    /// How many they are.
    #[arg(long, value_name = "COUNT", requires = "members_root")]
    members: Option<u32>,
    /// How long changes wait: routine, of the application, of admins, of the rules.
    #[arg(long, value_name = "A,B,C,D", value_parser = delays, default_value = "0,1h,1d,2d")]
    delays: Delays,
    /// Who may veto and freeze, but change nothing.
    #[arg(long, value_name = "ACCOUNT")]
    guardian: Option<AccountId>,
    /// Let invitations be claimed on chain.
    #[arg(long)]
    claims: bool,
    /// With the account it makes the record's id; random by default.
    #[arg(long, value_name = "HASH")]
    salt: Option<Hash>,
}

#[derive(Debug, Args)]
pub(crate) struct RecordArgs {
    #[command(flatten)]
    place: Place,
    /// The record's id in the registry, as `status` of its context shows it.
    #[arg(value_name = "RECORD", value_parser = record)]
    record: OnChainId,
}

#[derive(Debug, Serialize)]
struct Made {
    record: String,
    salt: String,
    #[serde(flatten)]
    receipt: api::wire::Receipt,
}

/// A record as far as it is final.
#[derive(Debug, Serialize)]
struct Shown {
    record: String,
    registry: String,
    status: &'static str,
    rev: u64,
    threshold: u8,
    admins: Vec<String>,
    app: String,
    members_root: String,
    members: u32,
    delays_secs: [u32; 4],
    guardian: Option<String>,
    context: String,
    log_head: String,
    /// How it was checked.
    trust: String,
    block: api::wire::Block,
    /// Endpoints that do not answer as they should.
    faults: Vec<String>,
}

pub(crate) async fn create(global: &Global, args: CreateArgs) -> anyhow::Result<()> {
    let chain = args.place.open(global)?;
    let id = chain.locator().chain().clone();
    let key = AccountKey::from_bytes(*secret::key(&args.key_file)?);
    let payer = chains::payer(&id, args.account, &key)?;
    let guardian = args.guardian.as_ref().map(|guardian| {
        let account = Account::from_id(guardian).filter(|_| guardian.chain() == id);
        account.with_context(|| format!("{guardian} is no account of {id}"))
    });
    let Delays(delays_s) = args.delays;
    proposal::warn_of_short_delays(delays_s);
    let terms = Terms {
        app: args.app,
        members_root: args.members_root.unwrap_or(Hash::ZERO),
        members_count: args.members.unwrap_or(0),
        flags: if args.claims { FLAG_CLAIMS } else { 0 },
        delays_s,
        guardian: guardian.transpose()?,
        context: args.context,
    };
    let salt = args.salt.map_or_else(random, |salt| *salt.as_bytes());
    let record = chain.locator().context(&payer, &salt).context("the payer is of another chain")?;
    chain.verify_registry().await?;
    global.output.progress(&format!("{payer} makes the record {record}"));
    let signer = Signer { account: payer, key };
    let receipt = chain.submit(&record, &Call::Create { salt, terms }, &signer).await?;
    let salt = Hash::from_bytes(salt).to_string();
    let made = Made { record: record.to_string(), salt, receipt: receipt.into() };
    global.output.show(&made, |made| made.record.clone())
}

fn random() -> [u8; 32] {
    let mut salt = [0; 32];
    OsRng.fill_bytes(&mut salt);
    salt
}

pub(crate) async fn show(global: &Global, args: RecordArgs) -> anyhow::Result<()> {
    let chain = args.place.open(global)?;
    let shown = read(&*chain, &args.record, global).await?;
    global.output.show(&shown, text)
}

pub(crate) async fn verify(global: &Global, args: RecordArgs) -> anyhow::Result<()> {
    let chain = args.place.open(global)?;
    chain.verify_registry().await?;
    global.output.progress("the code at the registry's address is the one that this node knows");
    let shown = read(&*chain, &args.record, global).await?;
    let said = format!("revisions 1 to {} lead to the record's log head", shown.rev);
    global.output.progress(&said);
    global.output.show(&shown, text)
}

/// All final revisions, folded; their hash chain was checked against the head by the adapter.
async fn read(chain: &dyn Chain, record: &OnChainId, global: &Global) -> anyhow::Result<Shown> {
    let mut at = chain.locator().start(record, 0);
    let mut outline: Option<Outline> = None;
    for _ in 0..PAGES_MAX {
        let page = chain.revisions(record, &at, Finality::Final).await?;
        let Some(head) = page.head else {
            bail!("there is no final record {record} at {}", chain.locator());
        };
        for revision in &page.revisions {
            let happened = revision.happened().map_err(|denied| anyhow::anyhow!("{denied}"))?;
            match &mut outline {
                Some(outline) => outline.follow(&happened),
                None => outline = Outline::begin(&happened),
            }
        }
        if page.is_last() {
            let outline =
                outline.context("the record begins with another revision than the first")?;
            return shown(chain, record, &head, &outline);
        }
        at = page.next;
        global.output.progress(&format!("read up to revision {}", at.rev));
    }
    bail!("the record has more revisions than are read")
}

fn shown(
    chain: &dyn Chain,
    record: &OnChainId,
    head: &AnchorHead,
    outline: &Outline,
) -> anyhow::Result<Shown> {
    let seats = (usize::from(head.head.admins), head.head.threshold);
    if (outline.seats.len(), outline.threshold) != seats {
        bail!("the revisions lead to other seats than the record's head says");
    }
    let name = |account: &Account| {
        let id = account.to_id(chain.locator().chain());
        id.map_or_else(|| account.to_string(), |id| id.to_string())
    };
    let terms = &outline.terms;
    Ok(Shown {
        record: record.to_string(),
        registry: chain.locator().to_string(),
        status: match head.head.status {
            Status::Active => "active",
            Status::Dissolved => "dissolved",
            Status::Migrated => "migrated",
        },
        rev: head.head.rev,
        threshold: head.head.threshold,
        admins: outline.seats.values().map(name).collect(),
        app: terms.app.to_string(),
        members_root: terms.members_root.to_string(),
        members: terms.members_count,
        delays_secs: terms.delays_s,
        guardian: terms.guardian.as_ref().map(name),
        context: terms.context.to_string(),
        log_head: head.log_head.to_string(),
        trust: head.trust.to_string(),
        block: head.block.into(),
        faults: chain.faults().iter().map(ToString::to_string).collect(),
    })
}

fn text(shown: &Shown) -> String {
    let api::wire::Block { height, hash, .. } = &shown.block;
    let [routine, app, admin, root] = shown.delays_secs;
    let mut rows = vec![
        ("record", shown.record.clone()),
        ("registry", shown.registry.clone()),
        ("status", format!("{}, revision {}", shown.status, shown.rev)),
        ("context", shown.context.clone()),
        ("application", shown.app.clone()),
        ("members", format!("{}, root {}", shown.members, shown.members_root)),
        ("approvals", format!("{} of {} admins", shown.threshold, shown.admins.len())),
    ];
    rows.extend(shown.admins.iter().map(|admin| ("admin", admin.clone())));
    rows.extend(shown.guardian.iter().map(|guardian| ("guardian", guardian.clone())));
    rows.extend([
        ("delays", format!("{routine}, {app}, {admin}, {root} s")),
        ("log head", shown.log_head.clone()),
        ("trust", shown.trust.clone()),
        ("as of", format!("block {height}, {hash}")),
    ]);
    rows.extend(shown.faults.iter().map(|fault| ("endpoint", fault.clone())));
    let lines = rows.iter().map(|(name, value)| format!("{name:<13}{value}"));
    lines.collect::<Vec<_>>().join("\n")
}

fn record(text: &str) -> Result<OnChainId, String> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    digits.parse().map(OnChainId::new).map_err(|error| format!("{error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_named_with_or_without_0x() {
        let digits = "0b".repeat(32);
        let id = OnChainId::new(Hash::from_bytes([0x0b; 32]));
        assert_eq!(record(&digits), Ok(id));
        assert_eq!(record(&id.to_string()), Ok(id));
        assert!(record("0x0b").is_err());
    }
}
