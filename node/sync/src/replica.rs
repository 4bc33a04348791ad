//! One context on one node: inputs in, outputs out.

mod branch;
mod exchange;
mod intake;
mod ledger;

use std::collections::BTreeMap;

use governance::log::{
    Acl, Action, Applied, Cut, Denied, Entry, Proposal, Verdict, WalletVerifier,
};
use types::{ContextId, Hlc, MemberKey, Root, UnixMillis};

use crate::{
    chains::Chains,
    delta::{
        Authentic, DEPS_MAX, Delta, DeltaBody, Dep, PAYLOAD_MAX_BYTES, SignedHeader, Verified,
    },
    fork::ForkProof,
    frontier::{Frontier, Head},
    law,
    message::{Message, Range},
    pending::Pending,
    rejection::Rejection,
    session::{PeerId, Session},
    status::{PeerStatus, Standing, Status},
};

/// What the world tells a replica, in data-flow order.
#[derive(Clone, Debug)]
pub enum Input {
    /// This node's member wrote a delta, signed on the last [`Replica::draft`].
    Authored(Box<Authentic>),
    /// This node's member wants a batch sequenced. Its restrictions act at once.
    Proposed(Box<Proposal>),
    /// A peer said something. Heard only of announced peers.
    Received {
        /// Which peer handed it over; of gossip, not necessarily who wrote it.
        from: PeerId,
        /// What it said.
        message: Message,
    },
    /// The next log entry, ordered by this node as the owner, or read by it from the chain.
    Sequenced(Box<Entry>),
    /// The answer to [`Output::LookUp`]: the merged delta there.
    Held(Box<Delta>),
    /// A peer proved that it is this member.
    PeerJoined {
        /// Which peer.
        peer: PeerId,
        /// As whom.
        member: MemberKey,
    },
    /// A peer is gone.
    PeerLeft(PeerId),
    /// The state's root, once all outputs so far are carried out. Due after every call that gave
    /// an [`Output::AppendDelta`] or [`Output::Void`], and once after opening.
    Root(Root),
    /// The time of the last [`Output::WakeAt`] has come.
    Tick,
}

/// What the world must do, in order.
#[derive(Clone, Debug)]
pub enum Output {
    /// Store the delta as its author's new head, and merge it, in one write.
    AppendDelta(Verified),
    /// Store the entry, with what it did.
    AppendEntry(Box<Entry>, Box<Applied>),
    /// Set the author's stored head back, move its deltas past it to quarantine, and recompute
    /// the keys that they touched.
    Void {
        /// Whose.
        author: MemberKey,
        /// The last that still counts; [`Head::NONE`] if none does.
        head: Head,
    },
    /// Store the proof, for [`Replica::with_forks`].
    KeepFork(Box<ForkProof>),
    /// Read the author's merged delta at `seq` and answer with [`Input::Held`]. If it is not
    /// there any more, do nothing.
    LookUp {
        /// Whose.
        author: MemberKey,
        /// Which.
        seq: u64,
    },
    /// Tell all members, by gossip.
    Publish(Message),
    /// Tell one peer.
    Send {
        /// Whom.
        to: PeerId,
        /// What.
        message: Message,
    },
    /// Answer with [`Message::Deltas`] of this number, made by [`crate::page`] from the store;
    /// with an empty one if there is nothing.
    SendDeltas {
        /// Whom.
        to: PeerId,
        /// The number.
        request: u32,
        /// What was asked for.
        ranges: Vec<Range>,
    },
    /// Answer with [`Message::Entries`], made by [`crate::entry_page`] from the store; with an
    /// empty one if there is nothing.
    SendEntries {
        /// Whom.
        to: PeerId,
        /// From the one after this.
        after_epoch: u64,
    },
    /// Bodies that the chain's revisions may commit to. Nothing about them is checked yet.
    Bodies(Vec<Proposal>),
    /// An admin wants this sequenced, and it would apply. The owner's node orders it by policy;
    /// others may forget it. May come again, as long as it is not sequenced.
    Propose(Box<Proposal>),
    /// Shut out the peer: its member may not read any more. The peer is forgotten here; if an
    /// unsequenced restriction ends otherwise, announce it again.
    Expel(PeerId),
    /// Something was refused; the network scores the peer if [`Rejection::is_fault`].
    Reject {
        /// Who handed it over; none for this node's own.
        from: Option<PeerId>,
        /// Why.
        why: Rejection,
    },
    /// Log, frontier and root of this peer are equal to ours. Said when it becomes so.
    InSync(PeerId),
    /// Log and frontier are equal, the roots are not: raise alarm. Said when it becomes so.
    Diverged(PeerId),
    /// Give [`Input::Tick`] at this time; replaces the last such wish.
    WakeAt(UnixMillis),
}

/// Why no delta can be drafted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DraftError {
    /// This node has no member here.
    #[error("this node has no member in the context")]
    NoMember,
    /// The log does not let it write.
    #[error("not allowed to write")]
    Denied(#[source] Denied),
    /// Its chain is forked: it wrote from two copies of its data.
    #[error("own chain is forked at {seq}; an admin must decide")]
    Forked {
        /// Where.
        seq: u64,
    },
    /// More than [`PAYLOAD_MAX_BYTES`].
    #[error("payload of {size} bytes, at most {max} allowed")]
    TooLarge {
        /// What came.
        size: usize,
        /// The bound.
        max: usize,
    },
}

/// One context on one node.
#[derive(Debug)]
pub struct Replica {
    context: ContextId,
    me: Option<MemberKey>,
    acl: Acl,
    chains: Chains,
    pending: Pending,
    sessions: BTreeMap<PeerId, Session>,
    /// What a peer's delta says at a place of which our own is being looked up.
    questions: BTreeMap<(MemberKey, u64), Question>,
    hlc: Hlc,
    /// Positions merged since this node's member last wrote.
    news: BTreeMap<MemberKey, u64>,
    /// None while the state does not match the frontier.
    root: Option<Root>,
    /// Our own batch, told again with each heartbeat until an entry takes its place in the log.
    proposed: Option<Proposal>,
    beat: exchange::Beat,
    wake: Option<UnixMillis>,
    out: Vec<Output>,
}

#[derive(Debug)]
enum Question {
    /// Is it another than this? Then the chain is forked.
    Fork(Box<SignedHeader>),
    /// Is it what the log says?
    Settled(Head),
}

impl Replica {
    /// A replica from what is stored: the folded log, the head of each author, the last clock.
    ///
    /// `me` is this node's member, if it has one yet. The first call of [`Replica::handle`] makes
    /// up for outputs that a crash has prevented, as long as they were carried out in order.
    pub fn open(me: Option<MemberKey>, acl: Acl, frontier: Frontier, hlc: Hlc) -> Self {
        let news = frontier.iter().filter(|(author, _)| Some(**author) != me);
        let mut replica = Self {
            context: acl.context(),
            me,
            news: news.map(|(author, head)| (*author, head.seq)).collect(),
            chains: Chains::open(frontier),
            acl,
            pending: Pending::default(),
            sessions: BTreeMap::new(),
            questions: BTreeMap::new(),
            hlc,
            root: None,
            proposed: None,
            beat: exchange::Beat::FIRST,
            wake: None,
            out: Vec::new(),
        };
        replica.conform_all();
        replica
    }

    /// With the proofs that [`Output::KeepFork`] stored.
    #[must_use]
    pub fn with_forks(mut self, proofs: impl IntoIterator<Item = ForkProof>) -> Self {
        for proof in proofs {
            if self.keep_if_lower(&proof) {
                self.retreat_from(&proof);
            }
        }
        self
    }

    /// Takes one input; what to do now, in order. Never panics, whatever a peer sent.
    ///
    /// `now` is the wall clock; it may jump, at the cost of early or late retries.
    pub fn handle(
        &mut self,
        now: UnixMillis,
        input: Input,
        wallets: &dyn WalletVerifier,
    ) -> Vec<Output> {
        match input {
            Input::Authored(delta) => self.author(now, *delta),
            Input::Proposed(proposal) => self.propose(*proposal, wallets),
            Input::Received { from, message } => self.receive(now, &from, message, wallets),
            Input::Sequenced(entry) => self.sequence(now, None, *entry, wallets),
            Input::Held(delta) => self.held(now, &delta),
            Input::PeerJoined { peer, member } => self.join(peer, member),
            Input::PeerLeft(peer) => drop(self.sessions.remove(&peer)),
            Input::Root(root) => self.merged(now, root),
            Input::Tick => self.tick(now),
        }
        self.announce_wake(now);
        std::mem::take(&mut self.out)
    }

    /// The next delta of this node's member with this payload, to be signed and given back as
    /// [`Input::Authored`] before any other input.
    ///
    /// # Errors
    /// [`DraftError`]: a write that would not count is an error here, never a silent success.
    pub fn draft(&self, now: UnixMillis, payload: Vec<u8>) -> Result<DeltaBody, DraftError> {
        let author = self.me.ok_or(DraftError::NoMember)?;
        match self.acl.may_now(&author, Action::Write) {
            Verdict::Allow => {}
            Verdict::Deny(why) => return Err(DraftError::Denied(why)),
            Verdict::Unknown(_) => return Err(DraftError::NoMember),
        }
        if let Some(seq) = self.fork_of(&author) {
            return Err(DraftError::Forked { seq });
        }
        if payload.len() > PAYLOAD_MAX_BYTES {
            let size = payload.len();
            return Err(DraftError::TooLarge { size, max: PAYLOAD_MAX_BYTES });
        }
        let head = self.chains.head(&author);
        let deps = self.news.iter().take(DEPS_MAX);
        Ok(DeltaBody {
            context: self.context,
            author,
            seq: head.seq.saturating_add(1),
            prev: head.id,
            deps: deps.map(|(author, seq)| Dep { author: *author, seq: *seq }).collect(),
            acl_epoch: self.acl.epoch(),
            acl_hash: self.acl.head(),
            hlc: self.hlc.tick(now),
            key_epoch: self.acl.key_epoch(),
            payload,
        })
    }

    /// The log's fold.
    pub const fn acl(&self) -> &Acl {
        &self.acl
    }

    /// How far each author is merged.
    pub const fn frontier(&self) -> &Frontier {
        self.chains.frontier()
    }

    /// This node's member.
    pub const fn me(&self) -> Option<MemberKey> {
        self.me
    }

    /// From here on this node writes as `me`: it has become a member.
    pub fn become_member(&mut self, me: MemberKey) {
        self.me = Some(me);
        self.news.remove(&me);
    }

    /// The clock, to be stored and given to [`Replica::open`].
    pub const fn hlc(&self) -> Hlc {
        self.hlc
    }

    /// The cut to put into a batch that takes the right to write from `member`: the last delta
    /// merged here, and never below what the log has settled.
    pub fn cut(&self, member: &MemberKey) -> Cut {
        let ours = self.chains.head(member);
        let settled = law::settled(&self.acl, member);
        let head = if settled.seq > ours.seq { settled } else { ours };
        Cut { member: *member, seq: head.seq, id: head.id }
    }

    /// Where this replica stands.
    pub fn status(&self) -> Status {
        let head = |author: &MemberKey| self.chains.head(author).seq;
        let unsettled = |author: &MemberKey| law::settled(&self.acl, author).seq > head(author);
        let tracked: Vec<MemberKey> = self.chains.tracks().map(|(author, _)| *author).collect();
        let peer = |(peer, session): (&PeerId, &Session)| PeerStatus {
            peer: peer.clone(),
            member: session.member,
            standing: session.standing,
        };
        Status {
            acl_epoch: self.acl.epoch(),
            acl_head: self.acl.head(),
            authors: self.frontier().len(),
            deltas: self.frontier().values().fold(0, |sum, head| sum.saturating_add(head.seq)),
            waiting: self.pending.len(),
            forked: tracked
                .iter()
                .filter_map(|author| Some((*author, self.fork_of(author)?)))
                .collect(),
            unsettled: tracked.into_iter().filter(unsettled).collect(),
            peers: self.sessions.iter().map(peer).collect(),
        }
    }

    /// Whether at least one peer was found equal, and none otherwise.
    pub fn is_in_sync(&self) -> bool {
        let mut peers = self.sessions.values().peekable();
        peers.peek().is_some() && peers.all(|session| session.standing == Standing::InSync)
    }

    fn reject(&mut self, from: Option<&PeerId>, why: Rejection) {
        self.out.push(Output::Reject { from: from.cloned(), why });
    }

    fn send(&mut self, to: &PeerId, message: Message) {
        self.out.push(Output::Send { to: to.clone(), message });
    }
}
