//! What each operation costs, beside a multisig account's own decision.
//!
//! The figures stand in `contracts/starknet/snapshots/costs.json`; `ANCHORHOLD_WRITE_COSTS=1`
//! writes them.

use std::{collections::BTreeMap, env, fs};

use anyhow::{Context as _, Result, ensure};
use governance::anchor::{Action, Invite, binding_digest, claim_digest};
use serde::{Deserialize, Serialize};
use starknet_crypto::poseidon_hash;
use starknet_rs::{
    core::{
        types::{Call, Felt, InvokeTransactionReceipt},
        utils::{cairo_short_string_to_felt, get_selector_from_name},
    },
    signers::SigningKey,
};
use types::Hash;

use crate::{
    council::{Council, MEMBERS, answer, members, nominate},
    curves,
    devnet::{Artifact, contract_folder},
    wire,
};

/// A transaction may come to so much more than the snapshot, in percent.
const SLACK: u64 = 1;
/// Argent's multisig account 0.2.0, which devnet declares when asked.
const ARGENT: Felt =
    Felt::from_hex_unchecked("0x7aeca3456816e3b833506d7cc5c1313d371fbdb0ae95ee70af72a4ddbf42594");
/// Of an account that pays for itself.
const FUNDS: u64 = 10_000_000_000_000_000_000;

/// What a transaction took, its account's part included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Cost {
    l2_gas: u64,
    l1_data_gas: u64,
}

type Costs = BTreeMap<String, Cost>;

impl Cost {
    fn of(receipt: &InvokeTransactionReceipt) -> Self {
        let resources = &receipt.execution_resources;
        Self { l2_gas: resources.l2_gas, l1_data_gas: resources.l1_data_gas }
    }

    const fn plus(self, other: Self) -> Self {
        Self {
            l2_gas: self.l2_gas + other.l2_gas,
            l1_data_gas: self.l1_data_gas + other.l1_data_gas,
        }
    }

    const fn within(self, known: Self) -> bool {
        self.l2_gas * 100 <= known.l2_gas * (100 + SLACK)
            && self.l1_data_gas * 100 <= known.l1_data_gas * (100 + SLACK)
    }
}

#[tokio::test]
async fn operations_cost_what_the_snapshot_says() {
    let council = Council::new(&MEMBERS, &["--predeclare-argent"]).await.expect("devnet runs");
    let Some(mut council) = council else { return };
    let mut costs = Costs::new();
    alone(&mut council, &mut costs).await.expect("one admin acts");
    together(&mut council, &mut costs).await.expect("three of five act");
    evidence(&mut council, &mut costs).await.expect("keys are bound");
    argent(&mut council, &mut costs).await.expect("Argent's account acts");
    compare(&costs).expect("the snapshot holds");
}

fn compare(costs: &Costs) -> Result<()> {
    let path = contract_folder().join("snapshots/costs.json");
    if env::var_os("ANCHORHOLD_WRITE_COSTS").is_some() {
        let text = serde_json::to_string_pretty(costs)? + "\n";
        return Ok(fs::write(path, text)?);
    }
    let known: Costs = serde_json::from_slice(&fs::read(path)?)?;
    let (names, known_names): (Vec<_>, Vec<_>) = (costs.keys().collect(), known.keys().collect());
    ensure!(names == known_names, "other operations: {names:?}");
    for (name, cost) in costs {
        let known = known.get(name).copied().context("the same names")?;
        ensure!(cost.within(known), "{name}: {cost:?}, more than {known:?}");
    }
    Ok(())
}

async fn alone(council: &mut Council, costs: &mut Costs) -> Result<()> {
    let created = council.create_anew([9; 32]).await?;
    costs.insert("create a record".to_owned(), Cost::of(&created));
    let batch = council.batch(&members(0x10, 0x11))?;
    let acted = council.done(1, "act", batch).await?;
    costs.insert("a change by one admin of a threshold of 1".to_owned(), Cost::of(&acted));

    let newcomers: Vec<Action> =
        (2..=5).map(|by| nominate(council.address(by)?)).collect::<Result<_>>()?;
    let batch = council.batch(&newcomers)?;
    let nominated = council.done(1, "act", batch).await?;
    let mut whole = Cost::of(&created).plus(Cost::of(&nominated));
    for by in 2..=5 {
        let accepted = council.done(by, "accept_admin", council.about([])).await?;
        whole = whole.plus(Cost::of(&accepted));
        costs.insert("take a seat".to_owned(), Cost::of(&accepted));
    }
    let batch = council.batch(&[Action::SetThreshold { threshold: 3 }])?;
    let set = council.done(1, "act", batch).await?;
    costs.insert("make a 3-of-5".to_owned(), whole.plus(Cost::of(&set)));
    Ok(())
}

async fn together(council: &mut Council, costs: &mut Costs) -> Result<()> {
    let seq = council.last_seq().await?;
    let (first, second) = (members(0x11, 0x12), members(0x12, 0x13));
    let proposed = council.done(1, "propose", council.batch(&first)?).await?;
    let approved = council.done(2, "approve", council.approval(seq + 1, &first)?).await?;
    let last = council.done(3, "approve", council.approval(seq + 1, &first)?).await?;
    let executed = council.done(4, "execute", council.numbered(seq + 1, &first)?).await?;
    for (name, receipt) in [
        ("propose a change", &proposed),
        ("approve it", &approved),
        ("approve it last", &last),
        ("execute it", &executed),
    ] {
        costs.insert(name.to_owned(), Cost::of(receipt));
    }
    let proposed = council.done(1, "propose", council.batch(&second)?).await?;
    let approved = council.done(2, "approve", council.approval(seq + 2, &second)?).await?;
    let numbered = council.numbered(seq + 2, &second)?;
    let last = council.done(3, "approve_and_execute", numbered).await?;
    costs.insert("approve last and execute at once".to_owned(), Cost::of(&last));
    let whole = Cost::of(&proposed).plus(Cost::of(&approved)).plus(Cost::of(&last));
    costs.insert("the whole change, 3 transactions".to_owned(), whole);
    let left = council.done(5, "renounce", council.about([])).await?;
    costs.insert("give a seat up".to_owned(), Cost::of(&left));
    Ok(())
}

async fn evidence(council: &mut Council, costs: &mut Costs) -> Result<()> {
    let caller = wire::account(council.address(1)?).context("an address")?;
    let expiry_s = council.expiry_s;
    for scheme in 1..=3 {
        let key = curves::key(scheme)?;
        let digest = binding_digest(&council.domain, &caller, scheme, &key, expiry_s);
        let mut calldata = council.about([Felt::from(scheme)]);
        calldata.extend(wire::byte_array(&key));
        calldata.extend(wire::byte_array(&curves::sign(scheme, &digest)?));
        calldata.push(expiry_s.into());
        let bound = council.done(1, "bind", calldata).await?;
        let name = ["Ed25519", "secp256k1", "P-256"][usize::from(scheme) - 1];
        costs.insert(format!("bind a key of {name}"), Cost::of(&bound));
    }
    let invite = Invite { key: curves::address()?, expiry_s, role: 1, uses: 1 };
    let leaves = (0..1024_u32).map(|use_number| match use_number {
        0 => invite.leaf(),
        _ => Invite { uses: use_number + 1, ..invite }.leaf(),
    });
    let leaves: Vec<Hash> = leaves.collect();
    let proof = governance::members_root::prove(leaves.iter().copied(), &invite.leaf());
    let proof = proof.context("it is a leaf")?;
    let root = governance::members_root::root(leaves);
    let actions = [Action::SetInviteRoot { prev: Hash::ZERO, new: root }];
    let seq = council.last_seq().await? + 1;
    council.done(1, "propose", council.batch(&actions)?).await?;
    council.done(2, "approve", council.approval(seq, &actions)?).await?;
    council.done(3, "approve_and_execute", council.numbered(seq, &actions)?).await?;
    let key = [5; 32];
    let digest = claim_digest(&council.domain, &caller, &key);
    let mut calldata = council.about(wire::byte_array(&key));
    calldata.extend(wire::invitation(&invite));
    calldata.extend([Felt::ZERO, Felt::from(proof.len())]);
    calldata.extend(proof.iter().flat_map(wire::hash));
    calldata.extend(wire::byte_array(&curves::sign(2, &digest)?));
    let claimed = council.done(1, "claim_invite", calldata).await?;
    costs.insert(format!("claim an invitation, proof of {}", proof.len()), Cost::of(&claimed));
    Ok(())
}

/// A 3-of-5 of Argent's that compares and sets a root of its own.
async fn argent(council: &mut Council, costs: &mut Costs) -> Result<()> {
    let artifact = Artifact::read("test/artifact/root", "Root")?;
    council.devnet.declare(&artifact).await?;
    let root = council.devnet.deploy(artifact.class_hash, Felt::THREE, &[]).await?;
    let mut keys: Vec<SigningKey> =
        (21..26_u64).map(|secret| SigningKey::from_secret_scalar(secret.into())).collect();
    let kind = cairo_short_string_to_felt("Starknet Signer")?;
    // Signatures stand in the order of their signers' ids.
    keys.sort_by_key(|key| poseidon_hash(kind, key.verifying_key().scalar()).to_bytes_be());
    let mut arguments = vec![Felt::THREE, Felt::from(keys.len())];
    arguments.extend(keys.iter().flat_map(|key| [Felt::ZERO, key.verifying_key().scalar()]));
    let salt = Felt::THREE;
    let (account, deployed) = council.devnet.deployed(ARGENT, salt, &arguments).await?;
    costs.insert("Argent: make a 3-of-5".to_owned(), Cost::of(&deployed));
    council.devnet.fund(account, FUNDS).await?;
    let selector = get_selector_from_name("set")?;
    for (nonce, pair) in [[0_u8, 0x11], [0x11, 0x12], [0x12, 0x13]].into_iter().enumerate() {
        let calldata = pair.iter().flat_map(|byte| {
            let [high, low] = wire::word(&[*byte; 32]);
            [low, high]
        });
        let calldata = calldata.collect();
        let call = Call { to: root, selector, calldata };
        let sign = |hash: &Felt| {
            let mut felts = vec![Felt::THREE];
            for key in keys.iter().take(3) {
                let signature = key.sign(hash)?;
                let public = key.verifying_key().scalar();
                felts.extend([Felt::ZERO, public, signature.r, signature.s]);
            }
            Ok(felts)
        };
        let sent =
            council.devnet.invoke_as(account, u64::try_from(nonce)?, vec![call], sign).await?;
        let sent = answer(sent).map_err(anyhow::Error::msg)?;
        costs.insert("Argent: the whole change, 1 transaction".to_owned(), Cost::of(&sent));
    }
    Ok(())
}
