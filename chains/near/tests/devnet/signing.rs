//! Whether an account signed, by whatever NEAR knows: keys, wallet contracts, other contracts.

use anchorhold_near::{
    NearWallets,
    wallet::{Evidence, Payload},
};
use chain::{AccountKey, BlockId, Chain as _, ChainError, Finality, Question, Shown, Wallets as _};
use devnet_near::{Action, ChainConfig};
use ed25519_dalek::{Signer as _, SigningKey};
use governance::log::{Answer, Binding, WalletProof};
use near_primitives::{
    account::{AccessKey, AccessKeyPermission, FunctionCallPermission},
    transaction::{AddKeyAction, DeleteKeyAction},
};
use serde_json::json;
use types::{AccountId, ContextId, Hash, InvitationId, MemberSecret, UnixMillis};

use crate::{World, hash, id, key, named};

/// A signature of the key `index` over `digest`.
pub(crate) fn evidence(index: usize, digest: &Hash) -> Vec<u8> {
    let key = SigningKey::from_bytes(key(index).as_bytes());
    let signature = key.sign(digest.as_bytes()).to_bytes();
    [&[2, 0][..], key.verifying_key().as_bytes(), &[0], &signature].concat()
}

fn binding(account: AccountId) -> Binding {
    Binding {
        context: ContextId::from_bytes([1; 32]),
        invitation: Some(InvitationId::from_bytes([2; 32])),
        member: MemberSecret::from_seed(&[3; 32]).public(),
        account,
        time_s: 0,
    }
}

impl World {
    /// The newest final block.
    async fn final_block(&self) -> BlockId {
        let head = self.registry.head(&self.context, Finality::Final).await.expect("answers");
        let block = head.expect("the record is final").block;
        BlockId { height: block.height, hash: block.hash }
    }

    /// What is asked about a proof of `account` by `secret`, once it names the newest final block.
    async fn question(&self, account: &AccountId, secret: &AccountKey) -> Question {
        let binding = binding(account.clone());
        let message = NearWallets.message(&binding, UnixMillis(0)).expect("a message");
        let proof = NearWallets.sign(&message, secret).expect("signed");
        self.asked(&binding, proof).await
    }

    async fn asked(&self, binding: &Binding, proof: WalletProof) -> Question {
        let block = self.final_block().await;
        let proof = NearWallets.in_block(proof, block).expect("a proof of NEAR");
        NearWallets.question(binding, &proof).expect("all else holds")
    }

    async fn answer(&self, question: &Question, at: Option<BlockId>) -> Answer {
        let Question { account, digest, signature, .. } = question;
        let signed = self.registry.account_signed(account, digest, signature, at).await;
        signed.expect("answers").answer
    }

    fn change_keys(&self, account: &str, actions: Vec<Action>) {
        let account = account.parse().expect("legal");
        self.devnet.with(|chain| {
            let report = chain.act(&account, &account, actions).expect("included");
            assert_eq!(report.failure(), None);
        });
    }
}

#[tokio::test]
async fn a_full_access_key_signs_and_no_other_does() {
    let world = World::new().await;
    let good = world.question(&id(2), &key(2)).await;
    assert_eq!(world.answer(&good, Some(good.block)).await, Answer::Valid);
    assert_eq!(world.answer(&good, None).await, Answer::Valid);
    let other = world.question(&id(2), &key(1)).await;
    assert_eq!(world.answer(&other, Some(other.block)).await, Answer::Invalid);
    let nobody = world.question(&named("nobody.near"), &key(2)).await;
    assert_eq!(world.answer(&nobody, Some(nobody.block)).await, Answer::Invalid);
    let forged = Question { digest: hash(1), ..good.clone() };
    assert_eq!(world.answer(&forged, None).await, Answer::Invalid);
    let garbage = Question { signature: vec![9; 40], ..good.clone() };
    assert_eq!(world.answer(&garbage, None).await, Answer::Invalid);
    let elsewhere = world
        .registry
        .account_signed(&"near:mainnet:a.near".parse().expect("legal"), &hash(1), &[], None)
        .await;
    assert!(matches!(elsewhere, Err(ChainError::BadAccount { .. })), "{elsewhere:?}");
    let Question { account, digest, signature, block } = &good;
    let told = world.registry.account_signed(account, digest, signature, Some(*block)).await;
    assert_eq!(told.expect("answers").trust.answer, Shown::Told { agreeing: 1, of: 1 });
}

#[tokio::test]
async fn blocks_that_are_not_final_or_not_of_the_chain_are_told_apart() {
    let world = World::new().await;
    let good = world.question(&id(1), &key(1)).await;
    let ahead = BlockId { height: good.block.height + 1_000, hash: hash(1) };
    assert_eq!(world.answer(&good, Some(ahead)).await, Answer::Unknown);
    let elsewhere = BlockId { height: good.block.height, hash: hash(1) };
    assert_eq!(world.answer(&good, Some(elsewhere)).await, Answer::Invalid);
}

#[tokio::test]
async fn a_key_that_only_calls_functions_does_not_sign() {
    let world = World::new().await;
    let limited = near_crypto::SecretKey::from_seed(near_crypto::KeyType::ED25519, "limited");
    let permission = AccessKeyPermission::FunctionCall(FunctionCallPermission {
        allowance: None,
        receiver_id: "a.near".to_owned(),
        method_names: Vec::new(),
    });
    let access_key = AccessKey { nonce: 0, permission };
    let public_key = limited.public_key();
    let add = Action::AddKey(Box::new(AddKeyAction { public_key, access_key }));
    world.change_keys("bob.near", vec![add]);
    let near_crypto::SecretKey::ED25519(pair) = limited else { panic!("ed25519") };
    let secret = AccountKey::from_bytes(pair.0[..32].try_into().expect("half"));
    let question = world.question(&id(1), &secret).await;
    assert_eq!(world.answer(&question, Some(question.block)).await, Answer::Invalid);
}

#[tokio::test]
async fn a_key_that_is_removed_later_signed_then_and_does_no_longer() {
    let world = World::new().await;
    let question = world.question(&id(3), &key(3)).await;
    assert_eq!(world.answer(&question, None).await, Answer::Valid);
    let public = SigningKey::from_bytes(key(3).as_bytes()).verifying_key();
    let public_key = format!("ed25519:{}", bs58::encode(public.as_bytes()).into_string());
    let public_key = public_key.parse().expect("a key");
    world.change_keys(
        "dave.near",
        vec![Action::DeleteKey(Box::new(DeleteKeyAction { public_key }))],
    );
    world.devnet.produce(3);
    assert_eq!(world.answer(&question, None).await, Answer::Invalid);
    assert_eq!(world.answer(&question, Some(question.block)).await, Answer::Valid);
    // A proof that names a block in which the key is gone.
    let late = world.question(&id(3), &key(3)).await;
    assert_eq!(world.answer(&late, Some(late.block)).await, Answer::Invalid);
}

#[tokio::test]
async fn an_implicit_account_signs_with_its_key_once_it_is_there() {
    let secret = key(9);
    let chain = "near:localnet".parse().expect("legal");
    let implicit = NearWallets.account(&chain, &secret).expect("a key");
    let world = World::new().await;
    let question = world.question(&implicit, &secret).await;
    assert_eq!(world.answer(&question, None).await, Answer::Invalid);
    world.devnet.with(|chain| {
        let (alice, to) = ("alice.near".parse().expect("legal"), implicit.address());
        let deposit = near_primitives::types::Balance::from_near(1);
        let transfer = near_primitives::transaction::TransferAction { deposit };
        let to = to.parse().expect("legal");
        chain.act(&alice, &to, vec![Action::Transfer(transfer)]).expect("included");
    });
    world.devnet.produce(3);
    assert_eq!(world.answer(&question, None).await, Answer::Valid);
}

#[tokio::test]
async fn an_eth_implicit_account_signs_with_the_key_in_its_name() {
    // The account of the Ethereum key 1.
    let account = named("0x7e5f4552091a69125d5dfcb7b8c2659029395bdf");
    let mut secret = [0; 32];
    secret[31] = 1;
    let secret = AccountKey::from_bytes(secret);
    let taken = crate::genesis(account.address(), 9);
    let world = World::new().await;
    let question = world.question(&account, &secret).await;
    assert_eq!(world.answer(&question, Some(question.block)).await, Answer::Valid);
    // Whoever pays it brings its wallet contract about.
    world.devnet.with(|chain| {
        let (alice, to) = ("alice.near".parse().expect("legal"), account.address());
        let deposit = near_primitives::types::Balance::from_near(1);
        let transfer = near_primitives::transaction::TransferAction { deposit };
        let to = to.parse().expect("legal");
        chain.act(&alice, &to, vec![Action::Transfer(transfer)]).expect("included");
    });
    world.devnet.produce(3);
    assert!(world.registry.balance(&account).await.expect("answers") > 0);
    assert_eq!(world.answer(&question, None).await, Answer::Valid);
    // Somebody else's signature, and somebody else's account.
    let other = Question { digest: hash(1), ..question.clone() };
    assert_eq!(world.answer(&other, None).await, Answer::Invalid);
    let named = Question { account: id(1), ..question.clone() };
    assert_eq!(world.answer(&named, None).await, Answer::Invalid);
    // An account of that name that has no wallet contract.
    let chain = ChainConfig { accounts: vec![taken], ..ChainConfig::default() };
    let world = World::on(chain).await;
    assert_eq!(world.answer(&question, None).await, Answer::Invalid);
}

/// A contract whose `w_resolve_auth` returns `answer`, whatever it is asked.
fn resolver(answer: &str) -> Vec<u8> {
    fn leb(mut number: usize, out: &mut Vec<u8>) {
        while number >= 0x80 {
            out.push(u8::try_from(number & 0x7f).expect("seven bits") | 0x80);
            number >>= 7;
        }
        out.push(u8::try_from(number).expect("seven bits"));
    }
    fn section(id: u8, body: &[u8], out: &mut Vec<u8>) {
        out.push(id);
        leb(body.len(), out);
        out.extend_from_slice(body);
    }
    fn name(text: &str) -> Vec<u8> {
        let len = u8::try_from(text.len()).expect("short");
        [&[len], text.as_bytes()].concat()
    }
    let mut wasm = b"\0asm\x01\0\0\0".to_vec();
    // (i64, i64) → (), () → ()
    section(1, &[2, 0x60, 2, 0x7e, 0x7e, 0, 0x60, 0, 0], &mut wasm);
    let import = [name("env"), name("value_return"), vec![0, 0]].concat();
    section(2, &[vec![1], import].concat(), &mut wasm);
    section(3, &[1, 1], &mut wasm);
    section(5, &[1, 0, 1], &mut wasm);
    section(7, &[vec![1], name("w_resolve_auth"), vec![0, 1]].concat(), &mut wasm);
    // value_return(len, 0): lengths below 2^13 take two bytes, the second without its sign bit.
    let mut code = vec![0, 0x42];
    let len = answer.len();
    assert!((64..0x2000).contains(&len));
    leb(len, &mut code);
    code.extend_from_slice(&[0x42, 0, 0x10, 0, 0x0b]);
    let mut body = vec![1];
    leb(code.len(), &mut body);
    body.extend_from_slice(&code);
    section(10, &body, &mut wasm);
    let mut data = vec![1, 0, 0x41, 0, 0x0b];
    leb(len, &mut data);
    data.extend_from_slice(answer.as_bytes());
    section(11, &data, &mut wasm);
    wasm
}

#[tokio::test]
async fn a_contract_account_signs_by_what_its_contract_authorizes() {
    let world = World::new().await;
    let account = named("dave.near");
    let binding = binding(account.clone());
    let message = NearWallets.message(&binding, UnixMillis(0)).expect("a message");
    let request = NearWallets.request(&binding, UnixMillis(0)).expect("a request");
    let proof = NearWallets.answered(&message, "{\"authorization\":\"blob\"}").expect("a proof");
    let says = async |resolution: serde_json::Value| {
        world.devnet.with(|chain| {
            let report = chain
                .deploy(&"dave.near".parse().expect("legal"), &resolver(&resolution.to_string()));
            assert_eq!(report.expect("included").failure(), None);
        });
        world.devnet.produce(3);
        let question = world.asked(&binding, proof.clone()).await;
        world.answer(&question, Some(question.block)).await
    };
    let payload = request.message.as_str();
    let leaf = json!({ "payload": payload });
    assert_eq!(says(leaf).await, Answer::Valid);
    assert_eq!(
        says(json!({ "payload": payload.replace("Binds", "Bound") })).await,
        Answer::Invalid
    );
    // It leaves the decision to bob, whose full-access key says so for dave's sake.
    let consent = |signer_id: &str, path: &[&str]| by_key("consent", signer_id, path, 1);
    let pending = |blob: &str, expect: &str| {
        let bob = json!({ "account_id": "bob.near", "authorization": blob, "expect": expect });
        json!({ "payload": payload, "pending": [bob] })
    };
    let good = consent("bob.near", &["dave.near"]);
    assert_eq!(says(pending(&good, "consent")).await, Answer::Valid);
    assert_eq!(says(pending(&good, "dissent")).await, Answer::Invalid);
    let elsewhere = consent("bob.near", &[]);
    assert_eq!(says(pending(&elsewhere, "consent")).await, Answer::Invalid);
    let other_key = by_key("consent", "bob.near", &["dave.near"], 2);
    assert_eq!(says(pending(&other_key, "consent")).await, Answer::Invalid);
    // Round and round.
    let again = json!({ "account_id": "dave.near", "authorization": "x", "expect": payload });
    let endless = json!({ "payload": payload, "pending": [again] });
    assert_eq!(says(endless).await, Answer::Invalid);
}

/// What the key `index` authorizes for `signer_id`, as wallets of plain accounts write it.
fn by_key(payload: &str, signer_id: &str, path: &[&str], index: usize) -> String {
    use sha3::{Digest as _, Sha3_256};
    let text = |text: &str| {
        let len = u32::try_from(text.len()).expect("short").to_le_bytes();
        [&len, text.as_bytes()].concat()
    };
    let count = u32::try_from(path.len()).expect("few").to_le_bytes().to_vec();
    let ids: Vec<u8> = path.iter().flat_map(|id| text(id)).collect();
    let time_ns = 1_600_000_000_000_000_000_u64.to_le_bytes().to_vec();
    let message = [text("localnet"), text(signer_id), count, ids, time_ns, text(payload)].concat();
    let nonce = Sha3_256::new_with_prefix(b"NEAR_NEP641_OFFCHAIN_MESSAGE/V1").chain_update(message);
    let nonce = nonce.finalize();
    let arrows: String = path.iter().map(|id| format!(" -> {id}")).collect();
    let recipient = format!("localnet: {signer_id}{arrows} @ 2020-09-13T12:26:40Z");
    let nonce = nonce.into();
    let signed = Payload::new(payload, &nonce, &recipient, None).expect("short").hash();
    let key = SigningKey::from_bytes(key(index).as_bytes());
    let base58 = |bytes: &[u8]| format!("ed25519:{}", bs58::encode(bytes).into_string());
    let message = json!({
        "chain_id": "localnet", "signer_id": signer_id, "path": path,
        "timestamp": "2020-09-13T12:26:40Z", "payload": payload,
    });
    json!({
        "msg": message,
        "via": { "schema": "nep413", "extra": {} },
        "access_key": base58(key.verifying_key().as_bytes()),
        "signature": base58(&key.sign(signed.as_bytes()).to_bytes()),
    })
    .to_string()
}

#[tokio::test]
async fn a_contract_that_authorizes_nothing_does_not_sign() {
    let world = World::new().await;
    // The registry is a contract, and knows nothing of authorizations.
    let account = world.registry.locator().id().clone();
    let binding = binding(account.clone());
    let message = NearWallets.message(&binding, UnixMillis(0)).expect("a message");
    let proof = NearWallets.answered(&message, "{\"authorization\":\"blob\"}").expect("a proof");
    let question = world.asked(&binding, proof).await;
    assert_eq!(question.signature, Evidence::Authorization("blob".to_owned()).encode());
    assert_eq!(world.answer(&question, Some(question.block)).await, Answer::Invalid);
}
