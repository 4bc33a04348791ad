//! Joining: from a link to a member, with a state that people can read at every step.
//!
//! The joiner makes its keys, claims the invitation at the nodes that the link names, and asks
//! again until the claim is sequenced. Everything needed to go on after a restart is stored.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use borsh::{BorshDeserialize, BorshSerialize};
use chain::{BlockId, Question, WalletError};
use governance::log::{
    Acl, Answer, Binding, BlockRef, Claim, Entry, Invitation, Invitee, MemberRecord, SignedGenesis,
    SignedInvitation, WalletProof,
};
use rand_core::OsRng;
use store::{Batch, Durability, keystore::MemberSecrets};
use tokio::sync::oneshot;
use types::{
    AccountId, ContextId, ExchangeSecret, Hash, InviteSecret, MemberKey, MemberSecret, encode,
};

use crate::{
    context::{Command, Me, now},
    create,
    error::EngineError,
    link::Link,
    node::Node,
    port::NetOutput,
    request::{JoinPlan, JoinSignature, JoinState},
    router, row,
    wire::{Ask, JoinAnswer, JoinQuestion, Peer, Tell},
};

/// How often a joiner asks how its claim stands.
const ASK_INTERVAL: Duration = Duration::from_secs(1);
/// How long it waits after nobody could be asked.
const RETRY_INTERVAL: Duration = Duration::from_secs(3);
/// Name of the store's row that keeps a join in progress.
pub(crate) const JOIN_ROW: &str = "join";

/// What a join in progress needs after a restart.
#[derive(BorshSerialize, BorshDeserialize)]
struct Pending {
    invitation: SignedInvitation,
    bootstrap: Vec<String>,
    /// Absent until the claim was signed.
    claim: Option<Claim>,
}

/// Checks a link and makes the keys for it; the same keys each time.
pub(crate) fn plan(
    node: &Arc<Node>,
    link: &Link,
    account: Option<AccountId>,
) -> Result<JoinPlan, EngineError> {
    let invitation = &link.invitation.body;
    check_link(link)?;
    if node.context(&invitation.context).is_some() {
        return Err(EngineError::Invalid("this node is in that context already".to_owned()));
    }
    let me = keys(node, link)?;
    let account = wanted_account(invitation, account)?;
    let message = match &account {
        Some(account) => {
            let binding = binding(link, me.secret.public(), account);
            Some(node.wallets.of(account)?.message(&binding, now())?)
        }
        None => None,
    };
    Ok(JoinPlan { context: invitation.context, member: me.secret.public(), account, message })
}

fn check_link(link: &Link) -> Result<(), EngineError> {
    let invitation = &link.invitation.body;
    let invalid = |why: &str| Err(EngineError::Invalid(why.to_owned()));
    if link.invitation.verify(&invitation.inviter).is_err() {
        return invalid("the invitation was changed: its inviter did not sign it so");
    }
    match (&invitation.invitee, &link.secret) {
        (Invitee::Open(address), Some(secret)) if secret.address() == *address => Ok(()),
        (Invitee::Open(_), _) => invalid("the link lacks the secret of its open invitation"),
        (Invitee::Account(_) | Invitee::Member(_), _) => Ok(()),
    }
}

fn wanted_account(
    invitation: &Invitation,
    given: Option<AccountId>,
) -> Result<Option<AccountId>, EngineError> {
    match (&invitation.invitee, given) {
        (Invitee::Account(invited), Some(given)) if *invited != given => {
            Err(EngineError::Invalid(format!("the invitation is for {invited}, not for {given}")))
        }
        (Invitee::Account(invited), _) => Ok(Some(invited.clone())),
        (Invitee::Member(_) | Invitee::Open(_), given) => Ok(given),
    }
}

/// The keys for this join, made at its first planning.
fn keys(node: &Node, link: &Link) -> Result<Me, EngineError> {
    let context = link.invitation.body.context;
    if let Some(keys) = node.keystore.member(&node.store, &context)? {
        return Ok(Me { secret: keys.member, exchange: keys.exchange });
    }
    let me = Me {
        secret: MemberSecret::generate(&mut OsRng),
        exchange: ExchangeSecret::generate(&mut OsRng),
    };
    let member = MemberSecrets { member: me.secret.clone(), exchange: me.exchange.clone() };
    let mut batch = Batch::new();
    node.keystore.put_member(&mut batch, &context, &member, &mut OsRng);
    node.store.write(batch, Durability::Synced)?;
    Ok(me)
}

/// Signs the claim, stores it, and asks for it in the background.
pub(crate) async fn start(
    node: &Arc<Node>,
    link: Link,
    signature: JoinSignature,
) -> Result<ContextId, EngineError> {
    let account = match &signature {
        JoinSignature::None => None,
        JoinSignature::Held(account) | JoinSignature::Given { account, .. } => {
            Some(account.clone())
        }
    };
    let plan = plan(node, &link, account)?;
    let account = prove(node, &link, &plan, signature).await?;
    let claim = claim(node, &link, account)?;
    let context = plan.context;
    if !node.begin_join(context) {
        let why = "a join of that context is under way on this node";
        return Err(EngineError::Invalid(why.to_owned()));
    }
    let pending =
        Pending { invitation: link.invitation, bootstrap: link.bootstrap, claim: Some(claim) };
    let mut batch = Batch::new();
    batch.put_local(&context, JOIN_ROW, encode(&pending));
    if let Err(error) = node.store.write(batch, Durability::Synced) {
        node.set_join(context, JoinState::Failed(error.to_string()));
        return Err(error.into());
    }
    tokio::spawn(run(Arc::clone(node), context, pending));
    Ok(context)
}

/// The account that joins, and its proof; none where the invitation needs none.
async fn prove(
    node: &Node,
    link: &Link,
    plan: &JoinPlan,
    signature: JoinSignature,
) -> Result<Option<(AccountId, WalletProof)>, EngineError> {
    let Some(account) = &plan.account else { return Ok(None) };
    let wallets = node.wallets.of(account)?;
    let binding = binding(link, plan.member, account);
    let (proof, is_contract) = match signature {
        JoinSignature::None | JoinSignature::Held(_) => {
            let key = node.account_key(account)?;
            (wallets.sign(&wallets.message(&binding, now())?, &key)?, false)
        }
        JoinSignature::Given { message, answer, is_contract, .. } => {
            (wallets.answered(&message, &answer)?, is_contract)
        }
    };
    if is_contract || wallets.needs_block(&proof) {
        let proof = ask_chain(node, &binding, proof).await?;
        return Ok(Some((account.clone(), proof)));
    }
    wallets.check(&binding, &proof)?;
    Ok(Some((account.clone(), proof)))
}

/// The same proof as of the newest final block, in which the chain says that the account signed.
async fn ask_chain(
    node: &Node,
    binding: &Binding,
    proof: WalletProof,
) -> Result<WalletProof, EngineError> {
    let account = &binding.account;
    let wallets = node.wallets.of(account)?;
    let chain = node.chain(&account.chain())?;
    let in_block = |block: BlockId| {
        let unsupported = || WalletError::Unsupported { account: account.clone() };
        wallets.in_block(proof.clone(), block).ok_or_else(unsupported)
    };
    // What is asked does not depend on the block.
    let nowhere = in_block(BlockId { height: 0, hash: Hash::ZERO })?;
    let Question { digest, signature, .. } = wallets.question(binding, &nowhere)?;
    let said = chain.account_signed(account, &digest, &signature, None).await?;
    if said.answer != Answer::Valid {
        let chain = account.chain();
        let why = format!("{chain} does not confirm that {account} signed this");
        return Err(EngineError::Invalid(why));
    }
    let BlockRef { height, hash, .. } = said.block;
    Ok(in_block(BlockId { height, hash })?)
}

/// What the wallet of `account` must sign for `member` to claim the invitation, as of now.
fn binding(link: &Link, member: MemberKey, account: &AccountId) -> Binding {
    Claim::binding(&link.invitation.body, member, account.clone(), now().0 / 1_000)
}

fn claim(
    node: &Node,
    link: &Link,
    account: Option<(AccountId, WalletProof)>,
) -> Result<Claim, EngineError> {
    let invitation = &link.invitation.body;
    let me = keys(node, link)?;
    let record = MemberRecord::new(invitation.context, &me.secret, &me.exchange);
    let open: Option<&InviteSecret> = match invitation.invitee {
        Invitee::Open(_) => link.secret.as_ref(),
        Invitee::Account(_) | Invitee::Member(_) => None,
    };
    Claim::new(invitation, &me.secret, record, account, open)
        .map_err(|error| EngineError::Invalid(error.to_string()))
}

/// Takes up the joins that a restart interrupted.
pub(crate) fn resume_all(node: &Arc<Node>) -> Result<(), EngineError> {
    for context in node.store.contexts_with_local(JOIN_ROW)? {
        let Some(bytes) = node.store.local(&context, JOIN_ROW)? else { continue };
        let pending: Pending = row::parse(&bytes, "a pending join")?;
        node.set_join(context, JoinState::Waiting("looking for the inviter's node".to_owned()));
        tokio::spawn(run(Arc::clone(node), context, pending));
    }
    Ok(())
}

/// How far the join of `context` has come.
pub(crate) async fn state(node: &Arc<Node>, context: ContextId) -> Result<JoinState, EngineError> {
    let Some(handle) = node.context(&context) else {
        return node.join(&context).ok_or(EngineError::UnknownContext(context));
    };
    let status = handle.ask(|reply| Command::Status { reply }).await?;
    if status.role.is_some() {
        return Ok(JoinState::Joined);
    }
    let waiting = status.waiting.join("; ");
    let waiting = if waiting.is_empty() { "reading the log".to_owned() } else { waiting };
    Ok(JoinState::Waiting(waiting))
}

async fn run(node: Arc<Node>, context: ContextId, pending: Pending) {
    let end = match pursue(&node, context, &pending).await {
        Ok(end) => end,
        // Nobody refused: row and keys stay, and the next start of the node takes it up.
        Err(error) => return node.set_join(context, JoinState::Failed(error.to_string())),
    };
    if let JoinState::Refused(why) = &end
        && node.context(&context).is_none()
    {
        tracing::warn!(%context, why, "a join ended");
        let mut batch = Batch::new();
        batch.forget_context(&context);
        if let Err(error) = node.store.write(batch, Durability::Synced) {
            tracing::error!(%context, %error, "a refused join could not be cleared");
        }
    }
    node.set_join(context, end);
}

/// Asks until there is an answer that ends it.
async fn pursue(
    node: &Arc<Node>,
    context: ContextId,
    pending: &Pending,
) -> Result<JoinState, EngineError> {
    let Some(claim) = &pending.claim else {
        return Err(EngineError::Corrupt("a pending join"));
    };
    let me = node.keystore.member(&node.store, &context)?;
    let me = me.ok_or(EngineError::Corrupt("a pending join"))?;
    let mut claimed: BTreeSet<Peer> = BTreeSet::new();
    loop {
        if node.is_closed() {
            return Err(EngineError::Closed);
        }
        let mut pause = RETRY_INTERVAL;
        for address in &pending.bootstrap {
            let Some(peer) = dial(node, address).await else { continue };
            let is_question = claimed.contains(&peer);
            let ask = if is_question {
                let peers = (node.peer(), peer.as_slice());
                Ask::JoinStatus(JoinQuestion::new(context, claim.invitation, peers, &me.member))
            } else {
                let invitation = Box::new(pending.invitation.clone());
                Ask::Join { invitation, claim: Box::new(claim.clone()) }
            };
            let Some(Tell::Join(answer)) = router::ask(node, &peer, &ask).await else {
                claimed.remove(&peer);
                continue;
            };
            claimed.insert(peer.clone());
            match answer {
                // It may have restarted and forgotten: only a refused claim is refused.
                JoinAnswer::Refused(_) if is_question => {
                    claimed.remove(&peer);
                    pause = ASK_INTERVAL;
                }
                JoinAnswer::Waiting(text) => {
                    node.set_join(context, JoinState::Waiting(text));
                    pause = ASK_INTERVAL;
                }
                JoinAnswer::Refused(why) => return Ok(JoinState::Refused(why)),
                JoinAnswer::Admitted { genesis, .. } if genesis.body.context() != context => {
                    let why = "the inviter's node sent another context";
                    return Err(EngineError::Invalid(why.to_owned()));
                }
                JoinAnswer::Admitted { genesis, entries } => {
                    return admitted(node, &pending.bootstrap, *genesis, entries).await;
                }
            }
        }
        if claimed.is_empty() {
            let text = "no node that the invitation names can be reached; trying on".to_owned();
            node.set_join(context, JoinState::Waiting(text));
        }
        tokio::time::sleep(pause).await;
    }
}

async fn dial(node: &Arc<Node>, address: &str) -> Option<Peer> {
    let (reply, connected) = oneshot::channel();
    node.net(NetOutput::Dial { address: address.to_owned(), reply }).await;
    match connected.await.ok()? {
        Ok(peer) => Some(peer),
        Err(error) => {
            tracing::debug!(address, error, "cannot reach an inviter's node");
            None
        }
    }
}

/// Opens the context, hands it the log that came along, and lets it catch up.
async fn admitted(
    node: &Arc<Node>,
    bootstrap: &[String],
    genesis: SignedGenesis,
    entries: Vec<Entry>,
) -> Result<JoinState, EngineError> {
    let context = genesis.body.context();
    Acl::open(&genesis, node.wallets())?;
    if let Some(anchor) = create::anchor_of(&genesis) {
        create::record_of(&*node.chain(&anchor.chain())?, &genesis)?;
    }
    let mut batch = Batch::new();
    batch.put_genesis(&context, encode(&genesis));
    batch.put_local(&context, row::BOOTSTRAP, encode(&bootstrap));
    batch.delete_local(&context, JOIN_ROW);
    node.store.write(batch, Durability::Synced)?;
    let handle = create::open(node, context)?;
    handle.send(Command::Entries(entries)).await;
    node.greet_all();
    Ok(JoinState::Joined)
}

// --- the other side

/// A peer claims an invitation to one of our contexts.
pub(crate) async fn claimed(node: &Arc<Node>, invitation: SignedInvitation, claim: Claim) -> Tell {
    let Some(context) = node.context(&invitation.body.context) else { return Tell::Refused };
    let invitation = Box::new(invitation);
    let command = |reply| Command::Claimed { invitation, claim: Box::new(claim), reply };
    context.ask(command).await.map_or(Tell::Refused, Tell::Join)
}

/// A peer asks how its claim stands.
pub(crate) async fn asked(node: &Arc<Node>, from: &Peer, question: JoinQuestion) -> Tell {
    let Some(context) = node.context(&question.context) else { return Tell::Refused };
    if !question.holds(from, node.peer()) {
        return Tell::Refused;
    }
    context.ask(|reply| Command::Asked { question, reply }).await.map_or(Tell::Refused, Tell::Join)
}
