//! Whether accounts signed: by what their code says, in a block that is named.

use std::{
    io::Write as _,
    path::PathBuf,
    process::{Command, Stdio},
};

use anchorhold_starknet::StarknetWallets;
use chain::{BlockId, Chain as _, ChainError, Shown, Wallets as _};
use governance::log::{Answer, Binding, WalletProof};
use serde_json::json;
use types::{AccountId, ContextId, Hash, InvitationId, MemberSecret, UnixMillis};

use crate::World;

const TOLD: Shown = Shown::Told { agreeing: 1, of: 1 };

fn binding(account: AccountId) -> Binding {
    Binding {
        context: ContextId::from_bytes([1; 32]),
        invitation: Some(InvitationId::from_bytes([2; 32])),
        member: MemberSecret::from_seed(&[3; 32]).public(),
        account,
        time_s: 0,
    }
}

/// What the chain says about `proof` in the newest block.
async fn said(world: &World, binding: &Binding, proof: WalletProof) -> (Answer, Shown) {
    let block = world.devnet.height().await;
    let hash = block_hash(world, block).await;
    said_in(world, binding, proof, BlockId { height: block, hash }).await
}

async fn said_in(
    world: &World,
    binding: &Binding,
    proof: WalletProof,
    block: BlockId,
) -> (Answer, Shown) {
    let wallets = StarknetWallets::default();
    let proof = wallets.in_block(proof, block).expect("it names no block yet");
    let question = wallets.question(binding, &proof).expect("well-formed");
    let chain::Question { account, digest, signature, block } = question;
    let signed = world.registry.account_signed(&account, &digest, &signature, Some(block)).await;
    let signed = signed.expect("the chain answers");
    (signed.answer, signed.trust.answer)
}

async fn block_hash(world: &World, height: u64) -> Hash {
    let params = json!({ "block_id": { "block_number": height } });
    let block = world.devnet.ask("starknet_getBlockWithTxHashes", params).await;
    let digits = block["block_hash"].as_str().expect("a hash").trim_start_matches("0x");
    format!("{digits:0>64}").parse().expect("32 bytes")
}

#[tokio::test]
async fn accounts_say_what_they_signed() {
    let Some(world) = World::new().await else { return };
    an_account_says_what_it_signed(&world).await;
    what_is_no_account_signed_nothing(&world).await;
    the_wallets_of_starknet_js_are_understood(&world).await;
}

async fn an_account_says_what_it_signed(world: &World) {
    let wallets = StarknetWallets::default();
    let owner = world.devnet.signer(1);
    let binding = binding(owner.account.clone());
    let message = wallets.message(&binding, UnixMillis(1_800_000_000_000)).expect("a message");
    let own = wallets.sign(&message, &owner.key).expect("signed");
    let other = wallets.sign(&message, &world.devnet.signer(2).key).expect("signed");
    assert_eq!(said(world, &binding, own.clone()).await, (Answer::Valid, TOLD));
    assert_eq!(said(world, &binding, other).await, (Answer::Invalid, TOLD));
    let mut short = own.clone();
    short.signature.truncate(32);
    assert_eq!(said(world, &binding, short).await, (Answer::Invalid, TOLD));
    // A block that is not there yet says nothing; one that is not the chain's says no.
    let height = world.devnet.height().await;
    let ahead = BlockId { height: height + 1, hash: Hash::ZERO };
    assert_eq!(said_in(world, &binding, own.clone(), ahead).await.0, Answer::Unknown);
    let elsewhere = BlockId { height: height - 1, hash: Hash::ZERO };
    assert_eq!(said_in(world, &binding, own.clone(), elsewhere).await.0, Answer::Invalid);
    // What an account said in a block stays so.
    let hash = block_hash(world, height - 1).await;
    let before = BlockId { height: height - 1, hash };
    world.devnet.mine(3).await;
    assert_eq!(said_in(world, &binding, own, before).await, (Answer::Valid, TOLD));
}

async fn what_is_no_account_signed_nothing(world: &World) {
    let digest = Hash::from_bytes([1; 32]);
    let ask = async |account: &AccountId, digest: &Hash, signature: &[u8]| {
        world.registry.account_signed(account, digest, signature, None).await
    };
    let nobody = format!("starknet:SN_SEPOLIA:{:#066x}", 0xa11ce).parse().expect("legal");
    // The registry is a contract that knows no such question.
    for account in [&nobody, world.registry.locator().id()] {
        let signed = ask(account, &digest, &[0; 64]).await.expect("the chain answers");
        assert_eq!((signed.answer, signed.trust.answer), (Answer::Invalid, TOLD), "{account}");
    }
    let own = world.devnet.id(1);
    for (digest, signature) in [
        (digest, vec![]),
        (digest, vec![0; 63]),
        (digest, vec![0xff; 64]),
        (Hash::from_bytes([0xff; 32]), vec![0; 64]),
    ] {
        let signed = ask(&own, &digest, &signature).await.expect("nothing is asked");
        assert_eq!((signed.answer, signed.trust.answer), (Answer::Invalid, Shown::Proved));
    }
    let elsewhere = "starknet:SN_MAIN:0x1".parse().expect("legal");
    let answer = ask(&elsewhere, &digest, &[0; 64]).await;
    assert!(matches!(answer, Err(ChainError::BadAccount { .. })), "{answer:?}");
}

/// What starknet.js answers, as a wallet does, to what it is given: a signature, and the hash under
/// it. `None`, and a line that says so, where it is not installed.
fn wallet(world: &World, index: usize, message: &str) -> Option<(String, String)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/js");
    if !folder.join("node_modules/starknet").exists() {
        eprintln!("skipped: run `npm ci --ignore-scripts` in chains/starknet/tests/js");
        return None;
    }
    let signer = world.devnet.signer(index);
    let secret: String = signer.key.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    let request = json!({
        "url": world.devnet.url.as_str(),
        "account": signer.account.address(),
        "secret": format!("0x{secret}"),
        "message": message,
    });
    let mut child = Command::new("node")
        .arg(folder.join("sign.mjs"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("node is installed");
    let stdin = child.stdin.take().expect("piped");
    { stdin }.write_all(request.to_string().as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "starknet.js signs");
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let hash = answer["hash"].as_str().expect("a hash").to_owned();
    Some((answer["signature"].to_string(), hash))
}

async fn the_wallets_of_starknet_js_are_understood(world: &World) {
    let wallets = StarknetWallets::default();
    let binding = binding(world.devnet.id(1));
    let message = wallets.message(&binding, UnixMillis(1_800_000_000_000)).expect("a message");
    let Some((answer, hash)) = wallet(world, 1, &message) else { return };
    let proof = wallets.answered(&message, &answer).expect("a signature");
    let statement = wallets.statement(&binding, &proof).expect("well-formed");
    assert_eq!(format!("{:#x}", statement.message_hash), hash);
    assert_eq!(said(world, &binding, proof).await, (Answer::Valid, TOLD));
    let Some((answer, _)) = wallet(world, 2, &message) else { return };
    let stranger = wallets.answered(&message, &answer).expect("a signature");
    assert_eq!(said(world, &binding, stranger).await, (Answer::Invalid, TOLD));
}
