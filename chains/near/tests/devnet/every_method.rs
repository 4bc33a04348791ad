//! Every method of the contract, called with what the adapter makes of a call.

use std::time::Duration;

use chain::{Call, Chain as _, ChainError, Finality};
use governance::anchor::{
    Account, Action, Approval, Code, Host, Invite, Terms, actions_hash, binding_digest,
    claim_digest,
};
use k256::ecdsa::SigningKey;
use types::{Hash, keccak256};

use crate::{World, account, hash, nominate, signer};

/// A host that takes the one invite key's word, and every member key's.
struct Trusting;

impl Host for Trusting {
    fn approved(&self, _: &Account, _: &Approval, _: &[u8]) -> bool {
        false
    }

    fn recover(&self, _: &Hash, _: &[u8]) -> Option<[u8; 20]> {
        Some(invite_key())
    }

    fn key_signed(&self, _: u8, _: &[u8], _: &Hash, _: &[u8]) -> Option<bool> {
        None
    }
}

fn link() -> SigningKey {
    SigningKey::from_slice(&[5; 32]).expect("a key")
}

/// The Ethereum address of the key that a link carries.
fn invite_key() -> [u8; 20] {
    let point = link().verifying_key().to_encoded_point(false);
    let hashed = keccak256(&point.as_bytes()[1..]);
    *hashed.as_bytes().last_chunk().expect("20 of 32 bytes")
}

fn by_link(digest: &Hash) -> Vec<u8> {
    let (signature, id) = link().sign_prehash_recoverable(digest.as_bytes()).expect("signed");
    [&signature.to_bytes()[..], &[27 + id.to_byte()]].concat()
}

impl World {
    /// As [`World::call`], with a model that takes keys' word.
    async fn trusted(&mut self, by: usize, call: Call) -> chain::Receipt {
        let receipt = self.registry.submit(&self.context, &call, &signer(by)).await;
        let receipt = receipt.unwrap_or_else(|error| panic!("{call:?}: {error:?}"));
        let block = receipt.block.expect("in a block");
        let after = self.model.after(&account(by), &call, block.time_s, &Trusting);
        self.model = after.unwrap_or_else(|code| panic!("{call:?}: {code}")).0;
        self.agrees(&format!("{call:?}")).await;
        receipt
    }

    async fn proposed(&mut self, action: Action) -> (u64, Vec<Action>) {
        let call = self.propose(action.clone()).await;
        let seq = self.trusted(0, call).await.seq.expect("a proposal");
        (seq, vec![action])
    }
}

#[tokio::test]
async fn proposals_end_in_every_way() {
    let mut world = World::new().await;
    let guardian = Action::SetGuardian { guardian: Some(account(3)) };
    let set = world.act(guardian).await;
    world.trusted(0, set).await;
    let nominated = world.act(nominate(1)).await;
    world.trusted(0, nominated).await;
    world.trusted(1, Call::AcceptAdmin).await;
    let two = world.act(Action::SetThreshold { threshold: 2 }).await;
    world.trusted(0, two).await;
    let meta = |byte| Action::SetMeta { meta: hash(byte) };

    let (seq, actions) = world.proposed(meta(5)).await;
    let approve = Call::Approve { seq, actions_hash: actions_hash(&actions).expect("a batch") };
    world.trusted(1, approve.clone()).await;
    world.trusted(1, Call::Unapprove { seq }).await;
    let open = world.registry.proposals(&world.context).await.expect("answers");
    assert_eq!(open[0].approvals, [account(0)]);
    world.trusted(1, approve).await;
    let open = world.registry.proposals(&world.context).await.expect("answers");
    assert!(open[0].eta_s.is_some());
    world.trusted(2, Call::Execute { seq, actions }).await;

    let (seq, _) = world.proposed(meta(6)).await;
    world.trusted(0, Call::Cancel { seq }).await;
    let (seq, _) = world.proposed(meta(7)).await;
    world.trusted(3, Call::Veto { seq }).await;
    let (seq, _) = world.proposed(meta(8)).await;
    world.devnet.advance(Duration::from_secs(3602));
    world.trusted(2, Call::Expire { seq }).await;
    assert_eq!(world.registry.proposals(&world.context).await.expect("answers"), []);
    world.trusted(3, Call::Freeze { secs: 60 }).await;
    let (actions_hash, approvals) = (hash(1), Vec::new());
    let by_sigs = Call::ApproveBySigs { seq, actions_hash, deadline_s: 1, approvals };
    let none = world.registry.submit(&world.context, &by_sigs, &signer(0)).await;
    assert!(matches!(none, Err(ChainError::BadCall { .. })));
}

#[tokio::test]
async fn accounts_say_what_belongs_to_them() {
    let mut world = World::with(Terms { flags: 1, ..crate::terms() }).await;
    let expiry_s = world.now_s().await + 3600;
    let member = ed25519_dalek::SigningKey::from_bytes(&[6; 32]);
    let key = member.verifying_key().to_bytes().to_vec();
    let digest = binding_digest(&world.model.domain, &account(1), 1, &key, expiry_s);
    let signature = ed25519_dalek::Signer::sign(&member, digest.as_bytes()).to_bytes().to_vec();
    let bind = Call::Bind { scheme: 1, key: key.clone(), signature, expiry_s };
    world.trusted(1, bind.clone()).await;
    world.trusted(1, Call::Unbind { key: key.clone() }).await;
    // Signed for another account: only the contract knows.
    world.refused(2, &bind, Code::E60).await;

    let invite = Invite { key: invite_key(), expiry_s, role: 1, uses: 2 };
    let root = Action::SetInviteRoot { prev: Hash::ZERO, new: invite.leaf() };
    let set = world.act(root).await;
    world.trusted(0, set).await;
    let digest = claim_digest(&world.model.domain, &account(2), &key);
    let signature = by_link(&digest);
    let claim = Call::ClaimInvite { key, invite, use_number: 1, proof: Vec::new(), signature };
    world.trusted(2, claim.clone()).await;
    world.refused(2, &claim, Code::E74).await;
    let page = world.revisions(&world.start(), Finality::Latest).await;
    assert!(page.is_last());
}
