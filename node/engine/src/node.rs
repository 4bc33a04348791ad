//! What the contexts of one node share: the store, the runtime, the chains, the way out to peers.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use chain::{AccountKey, Call, Chain, Receipt, Signer, WalletSet};
use governance::{anchor::OnChainId, log::WalletVerifier};
use runtime::{Application, MethodKind, Runtime};
use store::{Batch, Durability, Keystore, Store, SyncPolicy};
use tokio::sync::{mpsc, watch};
use types::{AccountId, AppId, ChainId, ContextId, Hash, TopicId, seal};

use crate::{
    context::ContextHandle,
    error::EngineError,
    port::NetOutput,
    request::{AppInfo, JoinState},
    verifier::Verifier,
    wire::{Peer, Tag},
};

/// What the engine is built from; `cli` makes the parts.
#[derive(Debug)]
pub struct EngineParts {
    /// Where everything is kept.
    pub store: Store,
    /// Where secrets are kept.
    pub keystore: Arc<Keystore>,
    /// Runs guests.
    pub runtime: Runtime,
    /// The chains of the node's configuration.
    pub chains: BTreeMap<ChainId, Arc<dyn Chain>>,
    /// What wallets' proofs are checked and made with.
    pub wallets: WalletSet,
    /// This node's network id, as bytes and as text.
    pub peer: (Peer, String),
}

/// Shared by all tasks of the engine. The locks guard maps of handles for single look-ups, and are
/// never held over an await.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) store: Store,
    pub(crate) keystore: Arc<Keystore>,
    pub(crate) runtime: Runtime,
    pub(crate) chains: BTreeMap<ChainId, Arc<dyn Chain>>,
    pub(crate) wallets: WalletSet,
    verifier: Verifier,
    peer: (Peer, String),
    net: mpsc::Sender<NetOutput>,
    greet: watch::Sender<u64>,
    apps: Mutex<HashMap<AppId, Application>>,
    contexts: Mutex<BTreeMap<ContextId, ContextHandle>>,
    topics: Mutex<HashMap<TopicId, ContextId>>,
    /// Connected peers, and what their tags mean.
    rooms: Mutex<HashMap<Peer, HashMap<Tag, ContextId>>>,
    listen: Mutex<Vec<String>>,
    joins: Mutex<BTreeMap<ContextId, JoinState>>,
    /// Held while a transaction of the account is under way: two at once would take one nonce.
    senders: Mutex<BTreeMap<AccountId, Arc<tokio::sync::Mutex<()>>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic while a map was held leaves the map itself whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Node {
    pub(crate) fn new(parts: EngineParts, net: mpsc::Sender<NetOutput>) -> Self {
        let verifier = Verifier::new(parts.wallets.clone(), parts.store.clone());
        Self {
            store: parts.store,
            keystore: parts.keystore,
            runtime: parts.runtime,
            chains: parts.chains,
            wallets: parts.wallets,
            verifier,
            peer: parts.peer,
            net,
            greet: watch::channel(0).0,
            apps: Mutex::default(),
            contexts: Mutex::default(),
            topics: Mutex::default(),
            rooms: Mutex::default(),
            listen: Mutex::default(),
            joins: Mutex::default(),
            senders: Mutex::default(),
        }
    }

    /// This node's network id, as bytes.
    pub(crate) fn peer(&self) -> &[u8] {
        &self.peer.0
    }

    /// This node's network id, as text.
    pub(crate) fn peer_text(&self) -> &str {
        &self.peer.1
    }

    /// Tells the network, waiting for room in its queue. A closed network is a shutdown.
    pub(crate) async fn net(&self, output: NetOutput) {
        if self.net.send(output).await.is_err() {
            tracing::debug!("the network is gone");
        }
    }

    /// Tells the network if it has room; for hints that anti-entropy makes good.
    pub(crate) fn try_net(&self, output: NetOutput) -> bool {
        self.net.try_send(output).is_ok()
    }

    /// The chain with this name.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] if the configuration has none.
    pub(crate) fn chain(&self, id: &ChainId) -> Result<Arc<dyn Chain>, EngineError> {
        self.chains.get(id).cloned().ok_or_else(|| {
            EngineError::Invalid(format!("chain {id} is not in this node's configuration"))
        })
    }

    /// Sends `call` for `account`, whose key this node holds, and waits until a block has it.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] if this node does not hold the key; what the chain says.
    pub(crate) async fn submit(
        &self,
        chain: &dyn Chain,
        record: &OnChainId,
        call: &Call,
        account: &AccountId,
    ) -> Result<Receipt, EngineError> {
        let key = self.account_key(account)?;
        let sender = Arc::clone(lock(&self.senders).entry(account.clone()).or_default());
        let _turn = sender.lock().await;
        let signer = Signer { account: account.clone(), key };
        Ok(chain.submit(record, call, &signer).await?)
    }

    /// The key with which this node acts for `account`.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] if it does not hold it.
    pub(crate) fn account_key(&self, account: &AccountId) -> Result<AccountKey, EngineError> {
        let secret = self.keystore.wallet(&self.store, account)?.ok_or_else(|| {
            EngineError::Invalid(format!("this node holds no key for {account}: import it first"))
        })?;
        Ok(AccountKey::from_bytes(*secret))
    }

    /// What checks wallets' proofs.
    pub(crate) fn wallets(&self) -> &dyn WalletVerifier {
        &self.verifier
    }

    /// The same, with what it leaves to chains.
    pub(crate) const fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    // --- applications

    /// The application if it is in memory.
    pub(crate) fn loaded_app(&self, app: &AppId) -> Option<Application> {
        lock(&self.apps).get(app).cloned()
    }

    /// Whether the application is installed here.
    pub(crate) fn has_app(&self, app: &AppId) -> bool {
        self.loaded_app(app).is_some() || matches!(self.app_bytes(app), Ok(Some(_)))
    }

    /// The application's component.
    ///
    /// # Errors
    /// [`EngineError::Store`].
    pub(crate) fn app_bytes(&self, app: &AppId) -> Result<Option<Vec<u8>>, EngineError> {
        Ok(self.store.blob(&Hash::from_bytes(*app.as_bytes()))?)
    }

    /// Installs a module or component and compiles it. Blocks for that long.
    ///
    /// # Errors
    /// [`EngineError::Module`] if it is none; nothing is stored then.
    pub(crate) fn install(&self, module: &[u8]) -> Result<AppInfo, EngineError> {
        let component = self.runtime.component(module)?;
        let app = AppId::from(Hash::of(&component));
        let loaded = self.runtime.load(app, &component)?;
        let info = app_info(app, component.len(), &loaded);
        let mut batch = Batch::new();
        batch.put_blob(component)?;
        self.store.write(batch, Durability::Synced)?;
        lock(&self.apps).insert(app, loaded);
        Ok(info)
    }

    /// Installs `component` if it is the application `app`.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] if it is another; those of [`Node::install`].
    pub(crate) fn install_as(&self, app: AppId, component: &[u8]) -> Result<(), EngineError> {
        if AppId::from(Hash::of(component)) != app {
            return Err(EngineError::Invalid("the bytes are not that application".to_owned()));
        }
        self.install(component).map(drop)
    }

    /// What is installed here. Blocks while applications load.
    ///
    /// # Errors
    /// [`EngineError::Store`]; [`EngineError::Module`].
    pub(crate) fn applications(&self) -> Result<Vec<AppInfo>, EngineError> {
        let all = self.store.blobs()?;
        all.into_iter()
            .map(|(hash, size_bytes)| {
                let app = AppId::from(hash);
                Ok(app_info(app, size_bytes, &self.app(app)?))
            })
            .collect()
    }

    /// The application, compiled or loaded at its first use. Blocks for that long.
    ///
    /// # Errors
    /// [`EngineError::UnknownApp`] if it is not installed; [`EngineError::Module`] if it is no
    /// longer an application.
    pub(crate) fn app(&self, app: AppId) -> Result<Application, EngineError> {
        if let Some(found) = lock(&self.apps).get(&app) {
            return Ok(found.clone());
        }
        let bytes = self.app_bytes(&app)?.ok_or(EngineError::UnknownApp(app))?;
        let loaded = self.runtime.load(app, &bytes)?;
        lock(&self.apps).insert(app, loaded.clone());
        Ok(loaded)
    }

    // --- contexts

    pub(crate) fn insert_context(&self, context: ContextHandle) {
        let id = context.id();
        lock(&self.contexts).insert(id, context);
        for (peer, tags) in lock(&self.rooms).iter_mut() {
            tags.insert(seal::rendezvous_tag(&id, self.peer(), peer), id);
        }
        self.greet_all();
    }

    pub(crate) fn context(&self, id: &ContextId) -> Option<ContextHandle> {
        lock(&self.contexts).get(id).cloned()
    }

    pub(crate) fn contexts(&self) -> Vec<ContextHandle> {
        lock(&self.contexts).values().cloned().collect()
    }

    pub(crate) fn remove_context(&self, id: &ContextId) {
        lock(&self.contexts).remove(id);
        lock(&self.rooms).values_mut().for_each(|tags| tags.retain(|_, context| context != id));
    }

    pub(crate) fn clear_contexts(&self) -> Vec<ContextHandle> {
        std::mem::take(&mut *lock(&self.contexts)).into_values().collect()
    }

    pub(crate) fn set_topic(&self, context: ContextId, topic: TopicId) {
        lock(&self.topics).insert(topic, context);
    }

    pub(crate) fn drop_topic(&self, topic: &TopicId) {
        lock(&self.topics).remove(topic);
    }

    pub(crate) fn context_of_topic(&self, topic: &TopicId) -> Option<ContextHandle> {
        let id = *lock(&self.topics).get(topic)?;
        self.context(&id)
    }

    pub(crate) fn context_of_tag(&self, peer: &Peer, tag: &Tag) -> Option<ContextHandle> {
        let id = *lock(&self.rooms).get(peer)?.get(tag)?;
        self.context(&id)
    }

    // --- joins

    /// Marks a join as under way, unless it is already: whether it was not.
    pub(crate) fn begin_join(&self, context: ContextId) -> bool {
        let mut joins = lock(&self.joins);
        let is_free = !matches!(joins.get(&context), Some(JoinState::Waiting(_)));
        if is_free {
            let looking = "looking for the inviter's node".to_owned();
            joins.insert(context, JoinState::Waiting(looking));
        }
        is_free
    }

    pub(crate) fn set_join(&self, context: ContextId, state: JoinState) {
        lock(&self.joins).insert(context, state);
    }

    pub(crate) fn join(&self, context: &ContextId) -> Option<JoinState> {
        lock(&self.joins).get(context).cloned()
    }

    /// Whether the network is gone: the node is shutting down.
    pub(crate) fn is_closed(&self) -> bool {
        self.net.is_closed()
    }

    // --- peers

    pub(crate) fn meet(&self, peer: &Peer) {
        let ids: Vec<ContextId> = lock(&self.contexts).keys().copied().collect();
        let tags = ids.iter().map(|id| (seal::rendezvous_tag(id, self.peer(), peer), *id));
        lock(&self.rooms).insert(peer.clone(), tags.collect());
    }

    pub(crate) fn part(&self, peer: &Peer) {
        lock(&self.rooms).remove(peer);
    }

    pub(crate) fn peers(&self) -> Vec<Peer> {
        lock(&self.rooms).keys().cloned().collect()
    }

    /// Asks the router to introduce this node's members to all peers anew.
    pub(crate) fn greet_all(&self) {
        self.greet.send_modify(|count| *count = count.wrapping_add(1));
    }

    pub(crate) fn greet_requests(&self) -> watch::Receiver<u64> {
        self.greet.subscribe()
    }

    pub(crate) fn set_listen(&self, addresses: Vec<String>) {
        *lock(&self.listen) = addresses;
    }

    /// Whether acknowledged means on disk.
    pub(crate) fn is_durable(&self) -> bool {
        self.store.sync_policy() == SyncPolicy::Always
    }

    /// Where this node listens, as multiaddresses with its peer id.
    pub(crate) fn listen(&self) -> Vec<String> {
        lock(&self.listen).clone()
    }
}

fn app_info(app: AppId, size_bytes: usize, loaded: &Application) -> AppInfo {
    let methods = loaded.manifest().methods.iter();
    let methods = methods.map(|method| (method.name.clone(), method.kind == MethodKind::Mutate));
    AppInfo { app, size_bytes: size_bytes as u64, methods: methods.collect() }
}
