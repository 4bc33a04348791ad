//! Sending calls: repeated, stuck, racing, without funds; and proposals on their way.

use std::time::Duration;

use anchorhold_starknet::{Starknet, StarknetConfig};
use chain::{AccountKey, Call, Chain as _, ChainError, Signer};
use governance::anchor::{Action, Class, Code, Terms};
use serde_json::json;
use types::ContextId;

use crate::{
    World, account, batch_hash, config, config_for, hash, members, nominate,
    proxy::{Lie, Proxy},
    terms,
};

#[tokio::test]
async fn what_is_sent_is_done_once() {
    let Some(mut world) = World::new().await else { return };
    world.renew().await;
    repeating_what_is_done_sends_nothing(&mut world).await;
    world.renew().await;
    who_cannot_pay_or_sign_is_told_so(&mut world).await;
    world.renew().await;
    two_processes_of_one_account_do_not_hinder_each_other(&mut world).await;
    world.renew().await;
    calls_go_through_whichever_endpoint_takes_them(&mut world).await;
    world.renew().await;
    open_proposals_are_told_with_those_whose_approval_counts(&mut world).await;
    world.renew().await;
    a_hidden_or_forged_proposal_is_found_out(&mut world).await;
}

async fn repeating_what_is_done_sends_nothing(world: &mut World) {
    let create = Call::Create { salt: world.salt, terms: terms() };
    let change = world.act(members(2, 4)).await;
    world.call(0, change.clone()).await;
    world.call(0, world.act(nominate(&world.devnet, 1)).await).await;
    world.call(1, Call::AcceptAdmin).await;
    for (by, call) in [(0, &create), (0, &change), (1, &Call::AcceptAdmin)] {
        let signer = world.devnet.signer(by);
        let receipt = world.registry.submit(&world.context, call, &signer).await;
        assert_eq!(receipt.expect("done already").transaction, None, "{call:?}");
    }
    let other = Terms { context: ContextId::from_bytes([4; 32]), ..terms() };
    world.refused(0, &Call::Create { salt: world.salt, terms: other }, Code::E01).await;
    let stranger = world.devnet.signer(1);
    let stolen = world.registry.submit(&world.context, &create, &stranger).await;
    assert!(matches!(stolen, Err(ChainError::BadCall { .. })));
}

async fn who_cannot_pay_or_sign_is_told_so(world: &mut World) {
    assert!(world.registry.balance(&world.devnet.id(0)).await.expect("answers") > 0);
    let call = world.act(members(2, 4)).await;
    let submit = async |signer: &Signer| {
        world.registry.submit(&world.context, &call, signer).await.expect_err("it cannot")
    };
    let owner = world.devnet.signer(0);
    let stranger = Signer { key: world.devnet.signer(1).key, ..owner.clone() };
    let error = submit(&stranger).await;
    assert!(matches!(error, ChainError::BadKey), "{error:?}");
    let none = Signer { key: AccountKey::from_bytes([0; 32]), ..owner.clone() };
    let error = submit(&none).await;
    assert!(matches!(error, ChainError::BadKey), "{error:?}");
    let nobody = format!("starknet:SN_SEPOLIA:{:#066x}", 0xa11ce).parse().expect("legal");
    assert_eq!(world.registry.balance(&nobody).await.expect("answers"), 0);
    let error = submit(&Signer { account: nobody, ..owner.clone() }).await;
    assert!(matches!(error, ChainError::BadAccount { .. }), "{error:?}");
    let elsewhere = "near:mainnet:a.near".parse().expect("legal");
    let error = submit(&Signer { account: elsewhere, ..owner }).await;
    assert!(matches!(error, ChainError::BadAccount { .. }), "{error:?}");
}

#[tokio::test]
async fn an_account_without_funds_is_named() {
    let Some(devnet) = crate::Devnet::start(&["--initial-balance", "1000"]).await else { return };
    let answer = Starknet::deploy(config(&devnet.url), &devnet.signer(0)).await;
    let error = answer.expect_err("a thousand fri pay for nothing");
    assert!(matches!(error, ChainError::NoFunds { .. }), "{error:?}");
}

#[tokio::test]
async fn a_transaction_that_no_block_takes_in_is_named_and_never_doubled() {
    // A block comes some seconds after the last one, however many transactions wait.
    let extra = ["--block-generation-on", "4"];
    let Some(devnet) = crate::Devnet::start(&extra).await else { return };
    let signer = devnet.signer(0);
    let registry = Starknet::deploy(config(&devnet.url), &signer).await.expect("deployed");
    let patience = Duration::from_millis(300);
    let hasty = StarknetConfig { patience, ..config(&devnet.url) };
    let hasty = Starknet::new(registry.locator().id().clone(), hasty).expect("a registry");
    let salt = [7; 32];
    let (context, _) = crate::made(&registry, &devnet, salt);
    let create = Call::Create { salt, terms: terms() };
    let nonce = async || {
        let account = signer.account.address();
        let params = json!({ "block_id": "pre_confirmed", "contract_address": account });
        devnet.ask("starknet_getNonce", params).await
    };
    let stuck = hasty.submit(&context, &create, &signer).await;
    let Err(error @ ChainError::NotIncluded { transaction }) = &stuck else { panic!("{stuck:?}") };
    assert!(error.is_transient());
    let before = nonce().await;
    // Repeating goes on with it.
    let again = hasty.submit(&context, &create, &signer).await;
    let same =
        matches!(&again, Err(ChainError::NotIncluded { transaction: same }) if same == transaction);
    assert!(same, "{again:?}");
    assert_eq!(nonce().await, before, "nothing more was sent");
    devnet.mine(1).await;
    let receipt = hasty.submit(&context, &create, &signer).await.expect("in a block");
    assert_eq!((receipt.transaction, receipt.rev), (Some(*transaction), Some(1)));
    let again = hasty.submit(&context, &create, &signer).await.expect("done already");
    assert_eq!(again.transaction, None);
}

async fn two_processes_of_one_account_do_not_hinder_each_other(world: &mut World) {
    // Neither knows what the other sends.
    let (one, other) =
        (world.through(config(&world.devnet.url)), world.through(config(&world.devnet.url)));
    let signer = world.devnet.signer(0);
    for round in 0..3_u8 {
        let first = world.act(Action::SetMeta { meta: hash(10 + round) }).await;
        let second = world.act(Action::SetMeta { meta: hash(100 + round) }).await;
        let (first, second) = tokio::join!(
            one.submit(&world.context, &first, &signer),
            other.submit(&world.context, &second, &signer),
        );
        let revs = [first, second].map(|receipt| receipt.expect("in a block").rev);
        assert_ne!(revs[0], revs[1], "{revs:?}");
    }
}

async fn calls_go_through_whichever_endpoint_takes_them(world: &mut World) {
    let proxy = Proxy::start(&world.devnet.url).await;
    let mut config = config_for(&[proxy.url.clone(), world.devnet.url.clone()], 1);
    config.timeout = Duration::from_secs(5);
    for (lie, from, to) in [(Lie::Html, 2, 4), (Lie::Silence, 4, 5), (Lie::Reverts, 5, 6)] {
        world.registry = world.through(config.clone());
        proxy.lie(lie);
        world.call(0, world.act(members(from, to)).await).await;
    }
}

async fn open_proposals_are_told_with_those_whose_approval_counts(world: &mut World) {
    for index in [1, 2] {
        world.call(0, world.act(nominate(&world.devnet, index)).await).await;
        world.call(index, Call::AcceptAdmin).await;
    }
    world.call(0, world.act(Action::SetThreshold { threshold: 2 }).await).await;
    assert_eq!(world.registry.proposals(&world.context).await.expect("answers"), []);
    world.call(1, world.propose(members(2, 4)).await).await;
    let first = world.model.head.seq;
    world.call(2, world.propose(Action::SetMeta { meta: hash(5) }).await).await;
    let second = world.model.head.seq;
    let actions_hash = batch_hash(&[members(2, 4)]);
    world.call(2, Call::Approve { seq: first, actions_hash }).await;
    let open = world.registry.proposals(&world.context).await.expect("told");
    let [one, two] = open.as_slice() else { panic!("two are open: {open:?}") };
    let by = |index| account(&world.devnet, index);
    assert_eq!((one.seq, two.seq), (first, second));
    assert_eq!(one.actions, [members(2, 4)]);
    assert_eq!((&one.proposer, one.class, one.needed), (&by(1), Class::Routine, 2));
    assert_eq!(one.approvals, [by(1), by(2)]);
    assert!(one.eta_s.is_some() && two.eta_s.is_none());
    // Who leaves does not count, though nobody took the approval back, nor who comes after.
    world.call(1, Call::Renounce).await;
    world.call(0, world.propose(nominate(&world.devnet, 3)).await).await;
    let third = world.model.head.seq;
    let change = vec![nominate(&world.devnet, 3)];
    world.call(2, Call::ApproveAndExecute { seq: third, actions: change }).await;
    world.call(3, Call::AcceptAdmin).await;
    let open = world.registry.proposals(&world.context).await.expect("told");
    assert_eq!(open[0].approvals, [account(&world.devnet, 2)]);
    world.refused(0, &Call::Execute { seq: first, actions: vec![members(2, 4)] }, Code::E46).await;
    world.call(0, Call::Approve { seq: first, actions_hash }).await;
    world.call(0, Call::Execute { seq: first, actions: vec![members(2, 4)] }).await;
    let open = world.registry.proposals(&world.context).await.expect("told");
    assert_eq!(open.iter().map(|open| open.seq).collect::<Vec<_>>(), [second]);
}

async fn a_hidden_or_forged_proposal_is_found_out(world: &mut World) {
    world.call(0, world.act(nominate(&world.devnet, 1)).await).await;
    world.call(1, Call::AcceptAdmin).await;
    world.call(0, world.act(Action::SetThreshold { threshold: 2 }).await).await;
    world.call(1, world.propose(members(2, 4)).await).await;
    let proxy = Proxy::start(&world.devnet.url).await;
    let url = world.devnet.url.clone();
    let urls = [proxy.url.clone(), url.clone(), url];
    // Two batches that were carried out at once were proposed before it.
    for lie in [Lie::OmittedEvent(2), Lie::AlteredEvent(2), Lie::WrongValue] {
        let registry = world.through(config_for(&urls, 2));
        proxy.lie(lie);
        let open = registry.proposals(&world.context).await.expect("the others are honest");
        assert_eq!((open.len(), &open[0].actions), (1, &vec![members(2, 4)]), "{lie:?}");
        assert!(registry.faults().iter().any(|fault| fault.misdeed.is_a_lie()), "{lie:?}");
    }
}
