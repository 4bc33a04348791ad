//! What NEAR's signatures and blocks cost to check, beside the bare checks in them.

use std::{hint::black_box, time::Instant};

use anyhow::{Context as _, Result, bail};
use chain::{AccountKey, Wallets as _};
use ed25519_dalek::{Signature as Ed25519, Signer as _, SigningKey, VerifyingKey};
use governance::log::Binding;
use near::{
    CryptoHash, NearWallets,
    proof::{Block, Header, InnerLite, LightClient, Producer, StakeForm, next_bp_hash},
    wallet::{PublicKey, Signature, Signed},
};
use sha2::{Digest as _, Sha256};
use types::{ContextId, InvitationId, MemberSecret, UnixMillis};

use crate::{
    Scale,
    report::{Beside, Row, Unit},
    sample::Sample,
};

/// Checks in one value: a single one is too short for the clock.
const BATCH: usize = 20;
/// Validators of an epoch.
const VALIDATORS: u8 = 100;
const NOW: UnixMillis = UnixMillis(1_790_000_000_000);

pub(crate) fn run(scale: &Scale) -> Result<Vec<Row>> {
    let samples = scale.pick(200, 20);
    Ok(vec![message(samples)?, light_client(samples)?])
}

fn message(samples: usize) -> Result<Row> {
    let binding = Binding {
        context: ContextId::from_bytes([1; 32]),
        invitation: Some(InvitationId::from_bytes([2; 32])),
        member: MemberSecret::from_seed(&[3; 32]).public(),
        account: "near:testnet:alice.testnet".parse()?,
        time_s: 0,
    };
    let message = NearWallets.message(&binding, NOW)?;
    let proof = NearWallets.sign(&message, &AccountKey::from_bytes([4; 32]))?;
    let signed = Signed::decode(&proof.signature)?;
    let preimage = NearWallets.request(&binding, NOW)?.payload(None)?.preimage();
    let (PublicKey::Ed25519(key), Signature::Ed25519(signature)) =
        (signed.public_key, signed.signature)
    else {
        bail!("not an Ed25519 key");
    };
    let (mut ours, mut theirs) = <(Sample, Sample)>::default();
    for _ in 0..samples {
        turns(&mut ours, || {
            drop(NearWallets.condition(&binding, black_box(&proof))?);
            Ok(())
        })?;
        turns(&mut theirs, || {
            let hash = Sha256::digest(black_box(&preimage));
            let key = VerifyingKey::from_bytes(&key)?;
            Ok(key.verify_strict(&hash, &Ed25519::from_bytes(&signature))?)
        })?;
    }
    Ok(Row {
        what: "check of one NEP-413 message".to_owned(),
        how: format!(
            "a binding of {} bytes: statement, every field, payload, hash, signature; {BATCH} \
             checks a turn",
            proof.message.len()
        ),
        unit: Unit::Micros,
        subject: ours,
        beside: Beside::Rival("verify_strict and SHA-256 of the payload", theirs),
        ratio_max: Some(1.1),
    })
}

fn light_client(samples: usize) -> Result<Row> {
    let keys: Vec<SigningKey> =
        (1..=VALIDATORS).map(|byte| SigningKey::from_bytes(&[byte; 32])).collect();
    let producer = |(index, key): (usize, &SigningKey)| -> Result<Producer> {
        Ok(Producer {
            account_id: format!("p{index}.near").parse()?,
            key: key.verifying_key().to_bytes(),
            stake: 1_000,
            form: StakeForm::V1,
        })
    };
    let producers: Vec<Producer> = keys.iter().enumerate().map(producer).collect::<Result<_>>()?;
    let head = header(1, 1, &producers);
    let mut client =
        LightClient::start(head, producers.clone()).context("the head names its producers")?;
    client.advance(block(2, 2, &producers, &keys).0)?;
    let (block, message) = block(3, 3, &producers, &keys);
    let approved: Vec<(VerifyingKey, Ed25519)> =
        keys.iter().map(|key| (key.verifying_key(), key.sign(&message))).collect();
    let (mut ours, mut theirs) = <(Sample, Sample)>::default();
    for _ in 0..samples {
        let (mut client, block) = (client.clone(), block.clone());
        ours.time(|| Ok(client.advance(black_box(block))?))?;
        theirs.time(|| {
            approved.iter().try_for_each(|(key, approval)| {
                Ok(key.verify_strict(black_box(&message), approval)?)
            })
        })?;
    }
    Ok(Row {
        what: "light-client step of NEAR".to_owned(),
        how: format!("one block with {VALIDATORS} approvals and the next epoch's producers"),
        unit: Unit::Micros,
        subject: ours,
        beside: Beside::Rival("verify_strict of the approvals alone", theirs),
        ratio_max: Some(1.1),
    })
}

fn header(height: u64, epoch: u8, producers: &[Producer]) -> Header {
    let name = |byte| CryptoHash::from_bytes([byte; 32]);
    let inner = InnerLite {
        height,
        epoch_id: name(epoch),
        next_epoch_id: name(epoch + 1),
        prev_state_root: CryptoHash::ZERO,
        outcome_root: CryptoHash::ZERO,
        timestamp_ns: height,
        next_bp_hash: next_bp_hash(producers),
        block_merkle_root: CryptoHash::ZERO,
    };
    Header { prev_block_hash: CryptoHash::ZERO, inner_rest_hash: CryptoHash::ZERO, inner }
}

/// A block that all approve, and what they sign.
fn block(height: u64, epoch: u8, producers: &[Producer], keys: &[SigningKey]) -> (Block, Vec<u8>) {
    let header = header(height, epoch, producers);
    let hash = header.hash();
    let next = CryptoHash::concat(&[CryptoHash::ZERO.as_bytes(), hash.as_bytes()]);
    // An endorsement of the block after, for the height two above. Source: nearcore, `Approval`.
    let message = [&[0][..], next.as_bytes(), &(height + 2).to_le_bytes()].concat();
    let block = Block {
        header,
        next_block_inner_hash: CryptoHash::ZERO,
        next_producers: Some(producers.to_vec()),
        approvals: keys.iter().map(|key| Some(key.sign(&message).to_bytes())).collect(),
    };
    (block, message)
}

/// Microseconds of one of [`BATCH`] equal turns.
fn turns(sample: &mut Sample, mut turn: impl FnMut() -> Result<()>) -> Result<()> {
    let began = Instant::now();
    (0..BATCH).try_for_each(|_| turn())?;
    sample.push(began.elapsed().as_secs_f64() * 1e6 / BATCH as f64);
    Ok(())
}
