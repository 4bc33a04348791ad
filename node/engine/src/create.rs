//! Makes contexts, and opens those that are in the store.

use std::{collections::BTreeMap, sync::Arc};

use chain::Chain;
use governance::{
    anchor::{Account, Call, OnChainId, Terms},
    log::{Acl, Anchor, Entry, Genesis, MemberRecord, Policy, Sequencer, SignedGenesis},
};
use rand_core::{OsRng, RngCore as _};
use store::{Batch, Durability, keystore::MemberSecrets};
use sync::{Delta, ForkProof, Frontier, Head, Replica};
use tokio::sync::oneshot;
use types::{
    ContextId, ExchangeSecret, Hash, Hlc, MemberSecret, Root, Signed, encode, seal::EpochSecret,
};

use crate::{
    context::{Command, Context, ContextHandle, Me, Mode, Opening},
    error::EngineError,
    handle::blocking,
    node::Node,
    port::NetOutput,
    request::{AnchorChoice, CreateContext},
    row,
};

/// Entries read at a time when a log is replayed.
const REPLAY_PAGE: usize = 1_024;
/// Bytes at a time, likewise.
const REPLAY_PAGE_BYTES: usize = 8 << 20;

/// Makes a context with this node's fresh member as its creator.
pub(crate) async fn create(
    node: &Arc<Node>,
    request: CreateContext,
) -> Result<ContextId, EngineError> {
    let (installing, app) = (Arc::clone(node), request.app);
    blocking(move || installing.app(app).map(drop)).await?;
    let me = Me {
        secret: MemberSecret::generate(&mut OsRng),
        exchange: ExchangeSecret::generate(&mut OsRng),
    };
    let genesis = genesis(node, &request, &me)?;
    let acl = Acl::open(&genesis, node.wallets())?;
    let context = acl.context();
    if let Some(choice) = &request.anchor {
        anchor(node, choice, &genesis, &acl).await?;
    }
    let secret = EpochSecret::generate(&mut OsRng);
    store_new(node, &genesis, &me, Some((acl.key_epoch(), &secret)))?;
    let handle = open(node, context)?;
    let (method, args) = (String::new(), request.init_args);
    let init = |reply| Command::Call { method, args, mode: Mode::Init, reply };
    if let Err(error) = handle.ask_fallible(init).await {
        forget(node, &handle).await?;
        return Err(error);
    }
    Ok(context)
}

fn genesis(node: &Node, request: &CreateContext, me: &Me) -> Result<SignedGenesis, EngineError> {
    let mut salt = [0; 32];
    OsRng.fill_bytes(&mut salt);
    let creator = MemberRecord::new(Genesis::NO_CONTEXT, &me.secret, &me.exchange);
    let sequencer = match &request.anchor {
        None => Sequencer::Owner(me.secret.public()),
        Some(choice) => {
            let registry = node.chain(&choice.chain)?.locator().id().clone();
            Sequencer::Chain(Anchor { registry, salt })
        }
    };
    let genesis = Genesis {
        version: Genesis::VERSION,
        creator,
        creator_account: request.anchor.as_ref().map(|choice| choice.account.clone()),
        creator_proof: None,
        app: request.app,
        sequencer,
        policy: Policy::default(),
        salt,
    };
    Ok(Signed::new(genesis, &me.secret))
}

/// Makes the record on chain that names the context; the context names the record already.
async fn anchor(
    node: &Arc<Node>,
    choice: &AnchorChoice,
    genesis: &SignedGenesis,
    acl: &Acl,
) -> Result<(), EngineError> {
    let chain = node.chain(&choice.chain)?;
    let record = record_of(&*chain, genesis)?;
    let guardian = choice.guardian.as_ref().map(|guardian| {
        let same_chain = guardian.chain() == *chain.locator().chain();
        Account::from_id(guardian).filter(|_| same_chain).ok_or_else(|| {
            EngineError::Invalid(format!("guardian {guardian} is no account of the chain"))
        })
    });
    let terms = Terms {
        app: Hash::from_bytes(*genesis.body.app.as_bytes()),
        members_root: acl.members_root()?,
        members_count: 1,
        flags: 0,
        delays_s: choice.delays_secs,
        guardian: guardian.transpose()?,
        context: acl.context(),
    };
    let call = Call::Create { salt: genesis.body.salt, terms };
    // Another contract, or none, would take the payment all the same.
    chain.verify_registry().await?;
    let receipt = node.submit(&*chain, &record, &call, &choice.account).await?;
    tracing::info!(context = %acl.context(), ?receipt, "anchored");
    Ok(())
}

/// The record on `chain` that anchors the context of `genesis`.
pub(crate) fn record_of(
    chain: &dyn Chain,
    genesis: &SignedGenesis,
) -> Result<OnChainId, EngineError> {
    let creator = genesis.body.creator_account.as_ref();
    let anchor = anchor_of(genesis).filter(|anchor| anchor.registry == *chain.locator().id());
    let record = creator
        .zip(anchor)
        .and_then(|(creator, anchor)| chain.locator().context(creator, &anchor.salt));
    record.ok_or_else(|| {
        let registry = chain.locator();
        EngineError::Invalid(format!("the context is anchored elsewhere than at {registry}"))
    })
}

/// The anchor that `genesis` names, if a chain orders its log.
pub(crate) fn anchor_of(genesis: &SignedGenesis) -> Option<&Anchor> {
    match &genesis.body.sequencer {
        Sequencer::Chain(anchor) => Some(anchor),
        Sequencer::Owner(_) => None,
    }
}

/// Puts a new context into the store, with this node's keys for it, all at once and on disk.
pub(crate) fn store_new(
    node: &Node,
    genesis: &SignedGenesis,
    me: &Me,
    secret: Option<(u32, &EpochSecret)>,
) -> Result<(), EngineError> {
    let context = genesis.body.context();
    let mut batch = Batch::new();
    batch.put_genesis(&context, encode(genesis));
    let member = MemberSecrets { member: me.secret.clone(), exchange: me.exchange.clone() };
    node.keystore.put_member(&mut batch, &context, &member, &mut OsRng);
    if let Some((key_epoch, secret)) = secret {
        node.keystore.put_epoch_secret(&mut batch, &context, key_epoch, secret, &mut OsRng);
    }
    node.store.write(batch, Durability::Synced)?;
    Ok(())
}

/// Stops a context and deletes all of it, keys included.
pub(crate) async fn forget(node: &Arc<Node>, handle: &ContextHandle) -> Result<(), EngineError> {
    node.remove_context(&handle.id());
    handle.stop().await;
    let mut batch = Batch::new();
    batch.forget_context(&handle.id());
    node.store.write(batch, Durability::Synced)?;
    Ok(())
}

/// Opens every context in the store.
pub(crate) fn open_all(node: &Arc<Node>) -> Result<(), EngineError> {
    for context in node.store.contexts()? {
        open(node, context)?;
    }
    Ok(())
}

/// Replays the log of a context in the store and starts its task.
pub(crate) fn open(node: &Arc<Node>, context: ContextId) -> Result<ContextHandle, EngineError> {
    let genesis = node.store.genesis(&context)?.ok_or(EngineError::UnknownContext(context))?;
    let genesis: SignedGenesis = row::parse(&genesis, "a genesis")?;
    let mut acl = Acl::open(&genesis, node.wallets())?;
    replay(node, &mut acl)?;
    let keys = node.keystore.member(&node.store, &context)?;
    let keys = keys.ok_or(EngineError::Corrupt("the keystore: a member key is missing and"))?;
    let me = Me { secret: keys.member, exchange: keys.exchange };
    let secrets: BTreeMap<u32, EpochSecret> = node.keystore.epoch_secrets(&node.store, &context)?;
    let rows = node.store.frontier(&context)?.into_iter();
    let frontier: Frontier =
        rows.map(|(author, row)| (author, Head { seq: row.seq, id: row.id })).collect();
    let view = node.store.state(&context);
    let root: Root = crdt::root(&view).map_err(|_| EngineError::Corrupt("the state tree"))?;
    let hlc = clock(node, &context, &frontier)?;
    let forks = forks(node, &context, &frontier)?;
    let replica = Replica::open(Some(me.secret.public()), acl, frontier, hlc).with_forks(forks);
    let event_seq = node.store.last_event(&context)?;
    let handle = Context::spawn(node, Opening { replica, me, secrets, root, event_seq });
    node.insert_context(handle.clone());
    dial_known(node, &context)?;
    Ok(handle)
}

/// Keeps in touch with the nodes that the invitation named.
fn dial_known(node: &Node, context: &ContextId) -> Result<(), EngineError> {
    let Some(bytes) = node.store.local(context, row::BOOTSTRAP)? else { return Ok(()) };
    let addresses: Vec<String> = row::parse(&bytes, "known addresses")?;
    for address in addresses {
        // The network keeps trying; how it goes shows in the sessions.
        let (reply, _) = oneshot::channel();
        if !node.try_net(NetOutput::Dial { address, reply }) {
            tracing::warn!(%context, "too much to dial at once");
        }
    }
    Ok(())
}

/// The clock as of the authors' last deltas: theirs is above all that they had merged.
fn clock(node: &Node, context: &ContextId, frontier: &Frontier) -> Result<Hlc, EngineError> {
    let mut hlc = Hlc::default();
    for (author, head) in frontier {
        if let Some(bytes) = node.store.delta(context, author, head.seq)? {
            let delta: Delta = row::parse(&bytes, "a delta")?;
            hlc = hlc.observe(delta.body.hlc);
        }
    }
    Ok(hlc)
}

fn forks(
    node: &Node,
    context: &ContextId,
    frontier: &Frontier,
) -> Result<Vec<ForkProof>, EngineError> {
    let mut proofs = Vec::new();
    for author in frontier.keys() {
        if let Some(bytes) = node.store.local(context, &row::fork(author))? {
            proofs.push(row::parse(&bytes, "a proof of a fork")?);
        }
    }
    Ok(proofs)
}

fn replay(node: &Node, acl: &mut Acl) -> Result<(), EngineError> {
    let context = acl.context();
    loop {
        let after = Some(acl.epoch());
        let page = node.store.entries_after(&context, after, REPLAY_PAGE, REPLAY_PAGE_BYTES)?;
        if page.is_empty() {
            return Ok(());
        }
        for stored in page {
            let entry: Entry = row::parse(&stored.bytes, "a log entry")?;
            acl.apply(&entry, node.wallets())?;
        }
    }
}
