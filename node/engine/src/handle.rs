//! The engine's public face: one cloneable handle, one method per thing that can be asked.

use std::sync::Arc;

use chain::AccountKey;
use governance::log::Role;
use rand_core::OsRng;
use store::{Batch, Durability};
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
};
use types::{AccountId, ChainId, ContextId, InvitationId, MemberKey};

use crate::{
    context::{Command, ContextHandle, Mode},
    create,
    error::EngineError,
    event, join,
    link::Link,
    node::{EngineParts, Node},
    port::{NetInput, NetOutput},
    request::{
        Answer, AppInfo, ContextStatus, CreateContext, Deed, EventsPage, GovernanceState,
        InviteRequest, Invited, JoinPlan, JoinSignature, JoinState, MemberInfo, NodeStatus,
        ProposalInfo, Receipt,
    },
    router::Router,
};

/// Asks the engine. Cloning is cheap; the engine runs until [`Engine::shutdown`].
#[derive(Clone, Debug)]
pub struct Engine {
    node: Arc<Node>,
}

impl Engine {
    /// Opens every context in the store and starts to follow peers and chains.
    ///
    /// `inbox` brings what the network says, `net` takes what it is told; see [`crate::port`].
    ///
    /// # Errors
    /// [`EngineError::Store`] if the store cannot be read; a single broken context is an error too,
    /// since to go on without it would look like its loss.
    pub fn start(
        parts: EngineParts,
        net: mpsc::Sender<NetOutput>,
        inbox: mpsc::Receiver<NetInput>,
    ) -> Result<(Self, JoinHandle<()>), EngineError> {
        let node = Arc::new(Node::new(parts, net));
        create::open_all(&node)?;
        join::resume_all(&node)?;
        let router = tokio::spawn(Router::new(Arc::clone(&node), inbox).run());
        Ok((Self { node }, router))
    }

    /// Stops every context after its last answer, and syncs the store.
    ///
    /// # Errors
    /// [`EngineError::Store`] if the last sync fails.
    pub async fn shutdown(&self) -> Result<(), EngineError> {
        for context in self.node.clear_contexts() {
            context.stop().await;
        }
        let store = self.node.store.clone();
        blocking(move || Ok(store.sync_wal()?)).await
    }

    /// How the node stands.
    pub fn node_status(&self) -> NodeStatus {
        NodeStatus {
            peer: self.node.peer_text().to_owned(),
            listen: self.node.listen(),
            peers: self.node.peers().len(),
            contexts: self.node.contexts().len(),
            durable: self.node.is_durable(),
        }
    }

    // --- applications

    /// Installs an application, a component or a core module with its type section, ≤ 16 MiB.
    ///
    /// # Errors
    /// [`EngineError::Module`] for anything else.
    pub async fn install(&self, module: Vec<u8>) -> Result<AppInfo, EngineError> {
        let node = Arc::clone(&self.node);
        blocking(move || node.install(&module)).await
    }

    /// The installed applications.
    ///
    /// # Errors
    /// [`EngineError::Store`].
    pub async fn applications(&self) -> Result<Vec<AppInfo>, EngineError> {
        let node = Arc::clone(&self.node);
        blocking(move || node.applications()).await
    }

    // --- accounts

    /// Keeps an account's secret key, sealed, so that this node can sign and send for it: of
    /// `account`, or of the one that the key names.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] if the key is none for that chain, or another account's.
    pub fn import_account(
        &self,
        chain: &ChainId,
        account: Option<AccountId>,
        secret: &[u8; 32],
    ) -> Result<AccountId, EngineError> {
        let key = AccountKey::from_bytes(*secret);
        let unknown = || EngineError::Invalid(format!("this node knows no wallets of {chain}"));
        let wallets = self.node.wallets.on(chain).ok_or_else(unknown)?;
        let account = match account {
            None => wallets.account(chain, &key)?,
            Some(account) if account.chain() != *chain => {
                return Err(EngineError::Invalid(format!("{account} is not on {chain}")));
            }
            Some(account) => {
                wallets.fits(&account, &key)?;
                account
            }
        };
        let mut batch = Batch::new();
        self.node.keystore.put_wallet(&mut batch, &account, secret, &mut OsRng);
        self.node.store.write(batch, Durability::Synced)?;
        Ok(account)
    }

    /// The accounts whose keys this node holds.
    ///
    /// # Errors
    /// [`EngineError::Store`].
    pub fn accounts(&self) -> Result<Vec<AccountId>, EngineError> {
        Ok(self.node.keystore.wallets(&self.node.store)?)
    }

    // --- contexts

    /// Makes a context, anchors it if asked to, and runs its application's `init`.
    ///
    /// # Errors
    /// What the chain, the application or the store says; nothing stays behind on this node.
    pub async fn create(&self, request: CreateContext) -> Result<ContextId, EngineError> {
        create::create(&self.node, request).await
    }

    /// Every context on this node.
    ///
    /// # Errors
    /// [`EngineError::Closed`].
    pub async fn contexts(&self) -> Result<Vec<ContextStatus>, EngineError> {
        let mut all = Vec::new();
        for context in self.node.contexts() {
            all.push(context.ask(|reply| Command::Status { reply }).await?);
        }
        Ok(all)
    }

    /// How a context stands.
    ///
    /// # Errors
    /// [`EngineError::UnknownContext`].
    pub async fn status(&self, context: ContextId) -> Result<ContextStatus, EngineError> {
        self.context(context)?.ask(|reply| Command::Status { reply }).await
    }

    /// Its members.
    ///
    /// # Errors
    /// [`EngineError::UnknownContext`].
    pub async fn members(&self, context: ContextId) -> Result<Vec<MemberInfo>, EngineError> {
        self.context(context)?.ask(|reply| Command::Members { reply }).await
    }

    /// Calls a method that may write. Returns once the write is on disk (see
    /// [`NodeStatus::durable`]).
    ///
    /// # Errors
    /// [`EngineError::Denied`] if this node's member may not write; [`EngineError::Call`] if the
    /// guest refuses or fails, with nothing committed.
    pub async fn call(
        &self,
        context: ContextId,
        method: String,
        args: Vec<u8>,
    ) -> Result<Answer, EngineError> {
        self.run(context, method, args, Mode::Mutate).await
    }

    /// Calls a method that only reads; a write in it is an error.
    ///
    /// # Errors
    /// As [`Engine::call`], with the right to read.
    pub async fn view(
        &self,
        context: ContextId,
        method: String,
        args: Vec<u8>,
    ) -> Result<Answer, EngineError> {
        self.run(context, method, args, Mode::View).await
    }

    async fn run(
        &self,
        context: ContextId,
        method: String,
        args: Vec<u8>,
        mode: Mode,
    ) -> Result<Answer, EngineError> {
        let context = self.context(context)?;
        context.ask_fallible(|reply| Command::Call { method, args, mode, reply }).await
    }

    /// Events after `after_seq`, oldest first, at most [`event::PAGE_MAX`].
    ///
    /// # Errors
    /// [`EngineError::UnknownContext`], [`EngineError::Store`].
    pub fn events(&self, context: ContextId, after_seq: u64) -> Result<EventsPage, EngineError> {
        self.context(context)?;
        event::read(&self.node.store, &context, after_seq)
    }

    /// The sequence number of the newest event, to wait on.
    ///
    /// # Errors
    /// [`EngineError::UnknownContext`].
    pub fn watch_events(&self, context: ContextId) -> Result<watch::Receiver<u64>, EngineError> {
        Ok(self.context(context)?.events())
    }

    // --- membership

    /// Signs an invitation.
    ///
    /// # Errors
    /// [`EngineError::Denied`] if this node's member may not invite.
    pub async fn invite(
        &self,
        context: ContextId,
        request: InviteRequest,
    ) -> Result<Invited, EngineError> {
        self.context(context)?.ask_fallible(|reply| Command::Invite { request, reply }).await
    }

    /// Makes the keys for a join and says what must be signed.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] if the link is malformed, forged or not for this node.
    pub fn plan_join(
        &self,
        link: &Link,
        account: Option<AccountId>,
    ) -> Result<JoinPlan, EngineError> {
        join::plan(&self.node, link, account)
    }

    /// Claims an invitation; goes on in the background until [`Engine::join_state`] has an end.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] as for [`Engine::plan_join`], and for a signature that does not
    /// hold.
    pub async fn join(
        &self,
        link: Link,
        signature: JoinSignature,
    ) -> Result<ContextId, EngineError> {
        join::start(&self.node, link, signature).await
    }

    /// How far a join has come.
    ///
    /// # Errors
    /// [`EngineError::UnknownContext`] if none was started.
    pub async fn join_state(&self, context: ContextId) -> Result<JoinState, EngineError> {
        join::state(&self.node, context).await
    }

    /// Removes a member: at once on this node, everywhere once sequenced.
    ///
    /// # Errors
    /// [`EngineError::Denied`].
    pub async fn remove(
        &self,
        context: ContextId,
        member: MemberKey,
    ) -> Result<GovernanceState, EngineError> {
        self.govern(context, |reply| Command::Remove { member, reply }).await
    }

    /// Makes a member a reader or a writer.
    ///
    /// # Errors
    /// [`EngineError::Denied`].
    pub async fn set_role(
        &self,
        context: ContextId,
        member: MemberKey,
        role: Role,
    ) -> Result<GovernanceState, EngineError> {
        self.govern(context, |reply| Command::SetRole { member, role, reply }).await
    }

    /// Nominates a member for admin.
    ///
    /// # Errors
    /// [`EngineError::Denied`].
    pub async fn nominate(
        &self,
        context: ContextId,
        member: MemberKey,
    ) -> Result<GovernanceState, EngineError> {
        self.govern(context, |reply| Command::Nominate { member, reply }).await
    }

    /// Accepts this node's member's nomination.
    ///
    /// # Errors
    /// [`EngineError::Denied`].
    pub async fn accept(&self, context: ContextId) -> Result<GovernanceState, EngineError> {
        self.govern(context, |reply| Command::Accept { reply }).await
    }

    /// Gives up this node's member's admin role.
    ///
    /// # Errors
    /// [`EngineError::Denied`], for the last admin too.
    pub async fn renounce(&self, context: ContextId) -> Result<GovernanceState, EngineError> {
        self.govern(context, |reply| Command::Renounce { reply }).await
    }

    /// Ends an invitation.
    ///
    /// # Errors
    /// [`EngineError::Denied`].
    pub async fn revoke(
        &self,
        context: ContextId,
        invitation: InvitationId,
    ) -> Result<GovernanceState, EngineError> {
        self.govern(context, |reply| Command::Revoke { invitation, reply }).await
    }

    // --- on the context's chain

    /// The chain that a context is anchored on.
    ///
    /// # Errors
    /// [`EngineError::UnknownContext`]; [`EngineError::Invalid`] if it is anchored on none.
    pub async fn chain_of(&self, context: ContextId) -> Result<ChainId, EngineError> {
        self.context(context)?.ask_fallible(|reply| Command::ChainOf { reply }).await
    }

    /// The open proposals of its admins, as the newest block has them.
    ///
    /// # Errors
    /// As [`Engine::chain_of`]; [`EngineError::Chain`].
    pub async fn proposals(&self, context: ContextId) -> Result<Vec<ProposalInfo>, EngineError> {
        self.context(context)?.ask_fallible(|reply| Command::Proposals { reply }).await
    }

    /// Does `deed` as `account`, or as the account of this node's member, and waits until a block
    /// has it. What it changes counts once it is final.
    ///
    /// # Errors
    /// As [`Engine::chain_of`]; [`EngineError::Invalid`] if this node does not hold the account's
    /// key, or objects to a proposal that it should approve; [`EngineError::Chain`].
    pub async fn act(
        &self,
        context: ContextId,
        deed: Deed,
        account: Option<AccountId>,
    ) -> Result<Receipt, EngineError> {
        self.context(context)?.ask_fallible(|reply| Command::Act { deed, account, reply }).await
    }

    async fn govern(
        &self,
        context: ContextId,
        command: impl FnOnce(oneshot::Sender<Result<GovernanceState, EngineError>>) -> Command,
    ) -> Result<GovernanceState, EngineError> {
        self.context(context)?.ask_fallible(command).await
    }

    fn context(&self, id: ContextId) -> Result<ContextHandle, EngineError> {
        self.node.context(&id).ok_or(EngineError::UnknownContext(id))
    }
}

/// Runs `work` where it may block.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, EngineError> + Send + 'static,
) -> Result<T, EngineError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| EngineError::Closed)?
}
