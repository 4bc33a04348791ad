//! Calls that nobody means well by. Each is refused, and says why.

use anyhow::{Context as _, Result, ensure};
use governance::{
    anchor::{Code, binding_digest},
    members_root,
};
use starknet_rs::core::types::Felt;
use types::{Hash, keccak256_concat};

use crate::{
    council::{Council, members, nominate},
    curves, wire,
};

/// The chain's decoder of arguments, before the contract sees them.
const NO_ARGUMENTS: &str = "Failed to deserialize param";
/// P = 2^251 + 17·2^192 + 1.
const PRIME: [u8; 32] = {
    let mut bytes = [0; 32];
    bytes[0] = 0x08;
    bytes[7] = 0x11;
    bytes[31] = 0x01;
    bytes
};

#[tokio::test]
async fn attacks_are_refused() {
    let leaf = Hash::from_bytes([0x33; 32]);
    let council = Council::new(&path_root(&leaf, 32), &[]).await.expect("devnet runs");
    let Some(mut council) = council else { return };
    nobody_calls(&council).await.expect("zero caller");
    numbers_do_not_wrap(&mut council).await.expect("numbers");
    lengths_do_not_lie(&mut council).await.expect("lengths");
    bytes_are_addresses(&mut council).await.expect("addresses");
    proofs_have_32_steps(&council, &leaf).await.expect("proofs");
    points_are_on_the_curve(&mut council).await.expect("points");
    seats_are_taken_once(&mut council).await.expect("seats");
}

async fn nobody_calls(council: &Council) -> Result<()> {
    let batch = council.batch(&members(0x10, 0x11))?;
    for (name, calldata) in [
        ("act", batch.clone()),
        ("propose", batch),
        ("accept_admin", council.about([])),
        ("expire", council.about([Felt::ONE])),
        ("unbind", council.about(wire::byte_array(&[1]))),
    ] {
        let answer = council.devnet.call(council.registry, name, calldata).await;
        let error = answer.err().with_context(|| format!("{name} by nobody"))?;
        // 'zero caller'
        let text = format!("{error:?}");
        ensure!(text.contains("0x7a65726f2063616c6c6572"), "{name}: {text}");
    }
    Ok(())
}

/// What is beyond a type is refused before the contract: nothing wraps.
async fn numbers_do_not_wrap(council: &mut Council) -> Result<()> {
    let (u8_end, u32_end) = (Felt::from(1_u64 << 8), Felt::from(1_u64 << 32));
    let (u64_end, u128_end) = (Felt::from(1_u128 << 64), Felt::TWO.pow(128_u128));
    let [high, low] = wire::context(&council.id);
    let batch = wire::byte_array(&[0x0f, 0, 0]);
    let bind = |scheme: Felt, expiry: Felt| {
        let [key, signature] = [[1; 32].as_slice(), [2; 64].as_slice()].map(wire::byte_array);
        council.about([scheme].into_iter().chain(key).chain(signature).chain([expiry]))
    };
    let rows = [
        ("propose", council.about(batch.iter().copied().chain([u64_end]))),
        ("propose", council.about(batch.iter().copied().chain([Felt::MAX]))),
        ("act", [vec![high + u128_end, low], batch.clone(), vec![Felt::ONE]].concat()),
        ("act", [vec![high, low + u128_end], batch, vec![Felt::ONE]].concat()),
        ("cancel", council.about([u64_end])),
        ("freeze", council.about([u32_end])),
        ("bind", bind(u8_end, Felt::ONE)),
        ("bind", bind(Felt::ONE, u64_end)),
    ];
    for (name, calldata) in rows {
        refused_unread(council, name, calldata).await?;
    }
    Ok(())
}

/// Byte arrays and lists that say another length than they have.
async fn lengths_do_not_lie(council: &mut Council) -> Result<()> {
    let expiry = Felt::from(council.expiry_s);
    let rows: [&[Felt]; 8] = [
        // More words than there are, and more than a count may say.
        &[Felt::from(2_u64), Felt::ONE, Felt::ZERO, Felt::ZERO],
        &[Felt::from(1_u64 << 32), Felt::ONE, Felt::ZERO, Felt::ZERO],
        &[Felt::MAX, Felt::ZERO, Felt::ZERO],
        // A word of 32 bytes; a rest of 31; a rest that is longer than it says; no length.
        &[Felt::ONE, Felt::TWO.pow(248_u128), Felt::ZERO, Felt::ZERO],
        &[Felt::ZERO, Felt::ONE, Felt::from(31_u64)],
        &[Felt::ZERO, Felt::from(0x0f_0000_u64), Felt::TWO],
        &[Felt::ZERO, Felt::ONE, Felt::ZERO],
        &[Felt::ZERO, Felt::ONE],
    ];
    for row in rows {
        let calldata = council.about(row.iter().copied().chain([expiry]));
        refused_unread(council, "propose", calldata).await?;
    }
    let mut longer = council.raw(&[0x0f, 0, 0]);
    longer.push(Felt::ONE);
    let reason = council.ask(1, "propose", longer).await?.err().context("trailing arguments")?;
    ensure!(reason.contains("Input too long"), "{reason}");
    // One byte more than a batch may have, and one that says more than it has.
    council.refused(1, "propose", council.raw(&[0x10; 4097]), Code::E16).await?;
    council.refused(1, "propose", council.raw(&[0x10, 0, 33, 1]), Code::E16).await?;
    let proof = council.about([Felt::ONE, Felt::ONE, Felt::from(2_u64), Felt::ONE, Felt::ONE]);
    let answer = council.devnet.call(council.registry, "is_member", proof).await;
    ensure!(answer.is_err(), "a proof of two steps has one");
    Ok(())
}

/// 32 bytes that are no address of this chain are no account, and none wraps to another's.
async fn bytes_are_addresses(council: &mut Council) -> Result<()> {
    let mallory = council.address(5)?.to_bytes_be();
    let beyond = Felt::TWO.pow(251_u128).to_bytes_be();
    let rows = [[0; 32], [0xff; 32], PRIME, sum(&PRIME, &Felt::ONE.to_bytes_be()), beyond];
    for account in rows.into_iter().chain([sum(&PRIME, &mallory)]) {
        let nominate = [&[1, 0, 37, 32][..], &account, &3600_u32.to_be_bytes()].concat();
        council.refused(1, "propose", council.raw(&nominate), Code::E16).await?;
        let guardian = [&[0x0b, 0, 33, 32][..], &account].concat();
        council.refused(1, "propose", council.raw(&guardian), Code::E16).await?;
    }
    // An account of another chain's length.
    let short = [&[1, 0, 25, 20][..], &[7; 20], &3600_u32.to_be_bytes()].concat();
    council.refused(1, "propose", council.raw(&short), Code::E16).await
}

async fn proofs_have_32_steps(council: &Council, leaf: &Hash) -> Result<()> {
    for (steps, expected) in [(32, true), (31, false), (33, false), (0, false)] {
        let proof = path(steps);
        let mut calldata = council.about(wire::hash(leaf));
        calldata.push(Felt::from(proof.len()));
        calldata.extend(proof.iter().flat_map(wire::hash));
        let answer = council.devnet.call(council.registry, "is_member", calldata).await?;
        ensure!(answer == [Felt::from(u8::from(expected))], "{steps} steps: {answer:?}");
    }
    Ok(())
}

/// Infinity and points beside the curve sign nothing.
async fn points_are_on_the_curve(council: &mut Council) -> Result<()> {
    let caller = wire::account(council.address(1)?).context("an address")?;
    let expiry_s = council.expiry_s;
    let zero = [0; 64];
    let digest =
        |scheme: u8, key: &[u8]| binding_digest(&council.domain, &caller, scheme, key, expiry_s);
    let beside = [[0x11; 32], [0x22; 32]].concat();
    let beyond = [0xff; 64];
    let rows = [
        (2, zero.to_vec(), curves::infinity_k256(&digest(2, &zero))?),
        (3, zero.to_vec(), curves::infinity_p256(&digest(3, &zero))?),
        (3, beside.clone(), curves::infinity_p256(&digest(3, &beside))?),
        (3, beyond.to_vec(), curves::infinity_p256(&digest(3, &beyond))?),
        (2, beyond.to_vec(), [[0xff; 64].as_slice(), &[27]].concat()),
        (2, beyond.to_vec(), [[0; 64].as_slice(), &[28]].concat()),
        (3, beyond.to_vec(), vec![0; 64]),
    ];
    for (scheme, key, signature) in rows {
        let mut calldata = council.about([Felt::from(scheme)]);
        calldata.extend(wire::byte_array(&key));
        calldata.extend(wire::byte_array(&signature));
        calldata.push(expiry_s.into());
        let refused = council.refused(1, "bind", calldata, Code::E60).await;
        refused.with_context(|| format!("scheme {scheme}, key {key:x?}"))?;
    }
    Ok(())
}

async fn seats_are_taken_once(council: &mut Council) -> Result<()> {
    let newcomer = nominate(council.address(2)?)?;
    let twice = council.batch(&[newcomer.clone(), newcomer.clone()])?;
    council.done(1, "act", twice).await?;
    council.done(2, "accept_admin", council.about([])).await?;
    council.refused(2, "accept_admin", council.about([]), Code::E51).await?;
    let again = council.batch(std::slice::from_ref(&newcomer))?;
    council.refused(1, "act", again, Code::E58).await?;
    council.done(2, "renounce", council.about([])).await?;
    // The second nomination went with the seat that it was taken for.
    council.refused(2, "accept_admin", council.about([]), Code::E50).await
}

async fn refused_unread(council: &mut Council, name: &str, calldata: Vec<Felt>) -> Result<()> {
    let shown = format!("{name} {calldata:x?}");
    let reason = council.ask(1, name, calldata).await?.err().with_context(|| shown.clone())?;
    ensure!(reason.contains(NO_ARGUMENTS), "{shown}: {reason}");
    Ok(())
}

/// So many siblings.
fn path(steps: u8) -> Vec<Hash> {
    (0..steps).map(|step| Hash::from_bytes([step ^ 0x5a; 32])).collect()
}

/// The root that [`path`] leads to.
fn path_root(leaf: &Hash, steps: u8) -> Hash {
    let root = path(steps).iter().fold(*leaf, |node, sibling| {
        let (first, second) = if node < *sibling { (&node, sibling) } else { (sibling, &node) };
        keccak256_concat(&[first.as_bytes(), second.as_bytes()])
    });
    assert!(members_root::verify(&root, leaf, &path(steps)), "the model takes it");
    root
}

/// Of big-endian numbers whose sum has no more than 256 bits.
fn sum(first: &[u8; 32], second: &[u8; 32]) -> [u8; 32] {
    let mut bytes = [0; 32];
    let mut carry = 0;
    for index in (0..32).rev() {
        let digit = u16::from(first[index]) + u16::from(second[index]) + carry;
        bytes[index] = digit.to_be_bytes()[1];
        carry = digit >> 8;
    }
    bytes
}
