//! Runs guests: calls that write, one after the other; views beside them.

use std::sync::Arc;

use crdt::{Origin, Payload, Transaction};
use governance::log::{Action, Role, Verdict};
use rand_core::RngCore as _;
use runtime::{Application, Call, Caller, Outcome};
use store::Batch;
use sync::{Authentic, DraftError, Input};
use types::AppId;

use super::{Command, Context, Reply, now, outputs::Extra};
use crate::{
    error::EngineError,
    handle::blocking,
    request::Answer,
    router,
    wire::{Ask, BLOB_PAGE_BYTES, Peer, Tell},
};

/// Largest application that is fetched from peers, in bytes.
const APP_MAX_BYTES: u64 = 16 << 20;

/// What a call may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// The application's first call, once.
    Init,
    /// Read and write.
    Mutate,
    /// Read.
    View,
}

impl Mode {
    const fn needs(self) -> Action {
        match self {
            Self::Init | Self::Mutate => Action::Write,
            Self::View => Action::Read,
        }
    }
}

impl Context {
    pub(super) async fn call(
        &mut self,
        method: String,
        args: Vec<u8>,
        mode: Mode,
        reply: Reply<Answer>,
    ) {
        let prepared = self.prepare(method, args, mode).await;
        let (app, call) = match prepared {
            Ok(prepared) => prepared,
            Err(error) => return drop(reply.send(Err(error))),
        };
        let (shared, private) = self.transactions(mode);
        let run = blocking(move || Ok(app.call(call, shared, private)?));
        if mode == Mode::View {
            self.work.spawn(async move {
                let answer = run.await.map(|outcome| answer(outcome, None));
                drop(reply.send(answer));
            });
            return;
        }
        match run.await {
            Ok(outcome) => self.commit(outcome, reply).await,
            Err(error) => drop(reply.send(Err(error))),
        }
    }

    async fn prepare(
        &self,
        method: String,
        args: Vec<u8>,
        mode: Mode,
    ) -> Result<(Application, Call), EngineError> {
        self.check_whole()?;
        let me = self.me.secret.public();
        let acl = self.replica.acl();
        match acl.may_now(&me, mode.needs()) {
            Verdict::Allow => {}
            Verdict::Deny(denied) => return Err(denied.into()),
            Verdict::Unknown(missing) => {
                return Err(EngineError::NotReady(format!("waiting for {missing:?}")));
            }
        }
        let caller = Caller {
            member: me,
            account: acl.member(&me).and_then(|member| member.account.clone()),
            role: guest_role(acl.role(&me).unwrap_or(Role::ReadOnly)),
        };
        let app = acl.app();
        let node = Arc::clone(&self.node);
        let loaded = match node.loaded_app(&app) {
            Some(loaded) => loaded,
            None => match blocking(move || node.app(app)).await {
                Err(EngineError::UnknownApp(_)) => {
                    let wait = "the application has not arrived from a member yet".to_owned();
                    return Err(EngineError::NotReady(wait));
                }
                loaded => loaded?,
            },
        };
        let mut seed = [0; 32];
        self.rng().fill_bytes(&mut seed);
        let mode = match mode {
            Mode::Init => runtime::Mode::Init,
            Mode::Mutate => runtime::Mode::Mutate,
            Mode::View => runtime::Mode::View,
        };
        let call = Call { context: self.id, method, args, caller, mode, now: now(), seed };
        Ok((loaded, call))
    }

    fn transactions(&self, mode: Mode) -> (Transaction, Transaction) {
        let store = &self.node.store;
        match mode {
            // A view runs beside later writes, so it reads one moment.
            Mode::View => {
                let moment = store.snapshot();
                let (shared, private) = (moment.state(&self.id), moment.private(&self.id));
                (
                    Transaction::read_only(Arc::new(shared)),
                    Transaction::read_only(Arc::new(private)),
                )
            }
            Mode::Init | Mode::Mutate => {
                let (shared, private) = (store.state(&self.id), store.private(&self.id));
                (Transaction::new(Arc::new(shared)), Transaction::new(Arc::new(private)))
            }
        }
    }

    /// Makes the outcome of a call count: one delta, with the call's private writes and events in
    /// the same store batch. Answers once that is on disk.
    async fn commit(&mut self, outcome: Outcome, reply: Reply<Answer>) {
        let extra = match self.extra(&outcome) {
            Ok(extra) => extra,
            Err(error) => return drop(reply.send(Err(error))),
        };
        if outcome.shared.is_empty() {
            let written = self.write_extra(extra);
            let answered = written.map(|()| answer(outcome, None));
            return self.answer_durably(answered, reply);
        }
        match self.author(&outcome.shared) {
            Ok(delta) => {
                let id = delta.id();
                self.feed_authored(Input::Authored(Box::new(delta)), extra, move |result| {
                    drop(reply.send(result.map(|()| answer(outcome, Some(id)))));
                })
                .await;
            }
            Err(error) => drop(reply.send(Err(error))),
        }
    }

    fn author(&self, payload: &Payload) -> Result<Authentic, EngineError> {
        let body = self.replica.draft(now(), payload.encode()).map_err(|error| match error {
            DraftError::Denied(denied) => EngineError::Denied(denied),
            error => EngineError::Invalid(error.to_string()),
        })?;
        Authentic::sign(body, &self.me.secret)
            .map_err(|error| EngineError::Invalid(error.to_string()))
    }

    /// What a call leaves besides its delta.
    fn extra(&self, outcome: &Outcome) -> Result<Extra, EngineError> {
        let mut batch = Batch::new();
        if !outcome.private.is_empty() {
            let view = self.node.store.private(&self.id);
            let author = self.me.secret.public();
            let seq = crdt::last_seq(&view, &author)
                .map_err(|error| EngineError::State(error.to_string()))?;
            // One writer: the sequence number alone orders, whatever the clock does.
            let hlc = types::Hlc::default();
            let origin = Origin { author, seq: seq.saturating_add(1), hlc };
            let merged = crdt::merge(&view, &outcome.private, &origin)
                .map_err(|error| EngineError::State(error.to_string()))?;
            batch.write_private(&self.id, merged.writes);
        }
        let events = outcome.events.iter().map(|event| (event.kind.clone(), event.data.clone()));
        Ok(Extra { batch, events: events.collect() })
    }

    fn answer_durably(&self, answered: Result<Answer, EngineError>, reply: Reply<Answer>) {
        let Ok(answer) = answered else { return drop(reply.send(answered)) };
        self.node.store.on_durable(move |result| {
            drop(reply.send(result.map(|()| answer).map_err(EngineError::from)));
        });
    }

    // --- the application itself

    /// A page of the application for a proven peer.
    pub(super) fn blob(&self, from: &Peer, app: AppId, offset: u64) -> Tell {
        let serves = self.sessions.contains(from) && app == self.replica.acl().app();
        let Ok(Some(bytes)) = (if serves { self.node.app_bytes(&app) } else { Ok(None) }) else {
            return Tell::Refused;
        };
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
        let end = start.saturating_add(BLOB_PAGE_BYTES).min(bytes.len());
        let page = bytes.get(start..end).unwrap_or_default().to_vec();
        Tell::Blob { total_bytes: bytes.len() as u64, bytes: page }
    }

    /// Fetches the application from a proven peer if this node lacks it.
    pub(super) fn fetch_app(&mut self) {
        let app = self.replica.acl().app();
        if self.fetching || self.node.has_app(&app) || self.sessions.len() == 0 {
            return;
        }
        let (node, commands, context) = (Arc::clone(&self.node), self.commands(), self.id);
        let peers: Vec<Peer> = self.sessions.peers().cloned().collect();
        self.fetching = true;
        self.work.spawn(async move {
            let mut result = Err(EngineError::Network("no member has the application".to_owned()));
            for peer in peers {
                let room = types::seal::rendezvous_tag(&context, node.peer(), &peer);
                let Some(bytes) = fetch(&node, &peer, room, app).await else { continue };
                let installing = Arc::clone(&node);
                result = blocking(move || installing.install_as(app, &bytes)).await;
                if result.is_ok() {
                    break;
                }
            }
            if let Some(commands) = commands {
                drop(commands.send(Command::Fetched { app, result }).await);
            }
        });
    }

    pub(super) fn fetched(&mut self, app: AppId, result: Result<(), EngineError>) {
        self.fetching = false;
        match result {
            Ok(()) => tracing::info!(context = ?self.id, %app, "the application has arrived"),
            Err(error) => tracing::warn!(context = ?self.id, %app, %error, "fetching failed"),
        }
    }
}

async fn fetch(
    node: &Arc<crate::node::Node>,
    peer: &Peer,
    room: types::Hash,
    app: AppId,
) -> Option<Vec<u8>> {
    let mut bytes: Vec<u8> = Vec::new();
    loop {
        let ask = Ask::Blob { room, app, offset: bytes.len() as u64 };
        let Some(Tell::Blob { total_bytes, bytes: page }) = router::ask(node, peer, &ask).await
        else {
            return None;
        };
        if total_bytes > APP_MAX_BYTES || page.is_empty() {
            return None;
        }
        bytes.extend(page);
        // Terminates: every page is longer than nothing and the total is bounded.
        if bytes.len() as u64 >= total_bytes {
            return Some(bytes);
        }
    }
}

fn answer(outcome: Outcome, delta: Option<types::DeltaId>) -> Answer {
    Answer { value: outcome.value, delta, logs: outcome.logs }
}

const fn guest_role(role: Role) -> runtime::Role {
    match role {
        Role::ReadOnly => runtime::Role::ReadOnly,
        Role::Member => runtime::Role::Member,
        Role::Admin => runtime::Role::Admin,
        Role::Owner => runtime::Role::Owner,
    }
}

/// The role's name as people read it.
pub const fn role_name(role: Role) -> &'static str {
    match role {
        Role::ReadOnly => "read-only",
        Role::Member => "member",
        Role::Admin => "admin",
        Role::Owner => "owner",
    }
}
