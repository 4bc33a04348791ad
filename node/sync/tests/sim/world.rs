//! Many replicas, a bad network, and a disk for each: everything around the real [`Replica`].

use std::collections::{BTreeMap, BTreeSet};

use anchorhold_sync::{
    Authentic, Delta, DeltaBody, DraftError, ForkProof, Frontier, Head, Input, Message, Output,
    PeerId, Replica, entry_page, page,
};
use governance::log::{
    Acl, Admission, Answer, Binding, Caps, Change, Claim, Cut, Entry, Genesis, Intent, Invitation,
    Invitee, MemberRecord, Policy, Proposal, Role, Secrets, Sequencer, SignedGenesis, WalletProof,
    WalletVerifier,
};
use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore as _, SeedableRng as _};
use types::{
    AppId, ContextId, DeltaId, ExchangeSecret, Hash, Hlc, MemberKey, MemberSecret, Root, Signed,
    Tagged as _, UnixMillis, encode, seal::EpochSecret,
};

/// No member of the simulation has an account.
#[derive(Debug)]
pub(crate) struct NoWallets;

impl WalletVerifier for NoWallets {
    fn verify(&self, _: &Binding, _: &WalletProof) -> Answer {
        Answer::Unknown
    }
}

/// What survives a restart.
#[derive(Default)]
struct Disk {
    entries: Vec<Entry>,
    deltas: BTreeMap<(MemberKey, u64), Delta>,
    heads: Frontier,
    forks: Vec<ForkProof>,
    hlc: Hlc,
}

pub(crate) struct Node {
    pub(crate) secret: MemberSecret,
    pub(crate) replica: Replica,
    disk: Disk,
    wake: Option<u64>,
    is_up: bool,
    /// Peers it has heard of as members and not expelled.
    links: BTreeSet<usize>,
    /// When it crashes.
    crash: Option<Crash>,
    /// Faults that it found with others: none, unless somebody misbehaves.
    pub(crate) faults: Vec<String>,
}

struct Letter {
    to: usize,
    from: usize,
    bytes: Vec<u8>,
}

/// Amid which outputs a node crashes.
#[derive(Clone, Copy)]
pub(crate) enum Crash {
    /// After so many of the next ones that store anything.
    After(usize),
    /// When it would next set a head back.
    BeforeVoid,
}

pub(crate) struct World {
    pub(crate) rng: ChaCha8Rng,
    pub(crate) now: u64,
    pub(crate) genesis: SignedGenesis,
    pub(crate) nodes: Vec<Node>,
    letters: BTreeMap<(u64, u64), Letter>,
    posted: u64,
    /// Letters lost, in percent.
    pub(crate) loss: u64,
    /// Nodes in different groups do not reach each other.
    groups: Vec<u64>,
}

/// The one who owns and orders.
pub(crate) const OWNER: usize = 0;

impl World {
    /// `members` nodes that all know each other; the first is the owner.
    pub(crate) fn new(seed: u64, members: usize) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let (secret, exchange) = keys(&mut rng);
        let genesis = Genesis {
            version: Genesis::VERSION,
            creator: MemberRecord::new(Genesis::NO_CONTEXT, &secret, &exchange),
            creator_account: None,
            creator_proof: None,
            app: AppId::from_bytes([7; 32]),
            sequencer: Sequencer::Owner(secret.public()),
            policy: Policy::default(),
            salt: [1; 32],
        };
        let genesis = Signed::new(genesis, &secret);
        let mut world = Self {
            rng,
            now: 1_000_000,
            genesis,
            nodes: Vec::new(),
            letters: BTreeMap::new(),
            posted: 0,
            loss: 0,
            groups: Vec::new(),
        };
        world.add_node(secret);
        for _ in 1..members {
            world.invite(Role::Member);
        }
        world.run(5_000);
        world
    }

    pub(crate) fn context(&self) -> ContextId {
        self.genesis.body.context()
    }

    pub(crate) fn key(&self, node: usize) -> MemberKey {
        self.nodes[node].secret.public()
    }

    pub(crate) fn roll(&mut self, sides: u64) -> u64 {
        self.rng.next_u64() % sides
    }

    // Members.

    /// A new node whose fresh key the owner admits; its index.
    pub(crate) fn invite(&mut self, role: Role) -> usize {
        let (secret, exchange) = keys(&mut self.rng);
        let invitation = Invitation {
            context: self.context(),
            inviter: self.key(OWNER),
            role,
            caps: Caps::NONE,
            invitee: Invitee::Member(secret.public()),
            expires_epoch: None,
            expires_at_s: None,
            max_uses: 1,
            salt: [self.nodes.len() as u8; 16],
        };
        let record = MemberRecord::new(self.context(), &secret, &exchange);
        let claim = Claim::new(&invitation, &secret, record, None, None).expect("no open key");
        let invitation = Signed::new(invitation, &self.nodes[OWNER].secret);
        let change = Change::admit(invitation, claim);
        assert!(matches!(change, Change::Add { admission: Admission::Invited { .. }, .. }));
        self.propose(OWNER, vec![change], Vec::new());
        self.add_node(secret)
    }

    /// `by` signs a batch of `changes`, cutting at its own frontier, and hands it to its replica.
    pub(crate) fn propose(&mut self, by: usize, changes: Vec<Change>, data_final: Vec<Cut>) {
        let proposal = self.draft(by, changes, data_final);
        self.input(by, Input::Proposed(Box::new(proposal)));
    }

    pub(crate) fn draft(
        &mut self,
        by: usize,
        changes: Vec<Change>,
        data_final: Vec<Cut>,
    ) -> Proposal {
        let secrets = Secrets {
            current: EpochSecret::generate(&mut self.rng),
            next: EpochSecret::generate(&mut self.rng),
        };
        let node = &self.nodes[by];
        let frontier = node.replica.frontier().iter();
        let frontier = frontier.map(|(author, head)| (*author, head.seq, head.id));
        let intent = Intent { data_final, ..Intent::new(changes, frontier) };
        Proposal::draft(node.replica.acl(), intent, &node.secret, &secrets, &mut self.rng)
            .expect("keys are sound")
    }

    fn add_node(&mut self, secret: MemberSecret) -> usize {
        let node = self.nodes.len();
        let replica = open(&self.genesis, &secret, &Disk::default());
        self.nodes.push(Node {
            secret,
            replica,
            disk: Disk::default(),
            wake: None,
            is_up: true,
            links: BTreeSet::new(),
            crash: None,
            faults: Vec::new(),
        });
        self.groups.push(0);
        let root = self.root(node);
        self.input(node, Input::Root(root));
        node
    }

    pub(crate) fn is_member(&self, node: usize) -> bool {
        let owner = self.nodes[OWNER].replica.acl();
        owner.member(&self.key(node)).is_some()
    }

    /// Introduces nodes that are members by the owner's log, as the engine's handshake would.
    fn introduce(&mut self) {
        for a in 0..self.nodes.len() {
            for b in 0..self.nodes.len() {
                let is_due = a != b
                    && self.is_up(a)
                    && self.is_up(b)
                    && !self.nodes[a].links.contains(&b)
                    && self.is_member(a)
                    && self.is_member(b);
                if is_due {
                    self.nodes[a].links.insert(b);
                    let member = self.key(b);
                    self.input(a, Input::PeerJoined { peer: peer(b), member });
                }
            }
        }
    }

    // Deltas.

    /// `node` writes `payload`.
    pub(crate) fn write(&mut self, node: usize) -> Result<DeltaId, DraftError> {
        let payload = self.rng.next_u64().to_le_bytes().to_vec();
        let body = self.nodes[node].replica.draft(UnixMillis(self.now), payload)?;
        let delta = Authentic::sign(body, &self.nodes[node].secret).expect("drafted");
        let id = delta.id();
        self.input(node, Input::Authored(Box::new(delta)));
        Ok(id)
    }

    /// A delta of `node` at a place of its choice, signed past its replica.
    pub(crate) fn forge(&mut self, node: usize, seq: u64, prev: DeltaId, epoch: u64) -> Delta {
        let replica = &self.nodes[node].replica;
        let body = DeltaBody {
            context: self.context(),
            author: self.key(node),
            seq,
            prev,
            deps: Vec::new(),
            acl_epoch: epoch,
            acl_hash: replica.acl().entry_id_at(epoch).expect("known"),
            hlc: Hlc { millis: self.now, count: 0 },
            key_epoch: 0,
            payload: self.rng.next_u64().to_le_bytes().to_vec(),
        };
        Authentic::sign(body, &self.nodes[node].secret).expect("well-formed").into_delta()
    }

    /// A chain of `len` forged deltas after (`seq`, `prev`).
    pub(crate) fn forge_chain(
        &mut self,
        node: usize,
        after: Head,
        len: u64,
        epoch: u64,
    ) -> Vec<Delta> {
        let mut prev = after.id;
        (after.seq + 1..=after.seq + len)
            .map(|seq| {
                let delta = self.forge(node, seq, prev, epoch);
                prev = delta.digest().into();
                delta
            })
            .collect()
    }

    /// `to` hears `delta` from `from`, whatever the network's state.
    pub(crate) fn slip(&mut self, from: usize, to: usize, delta: Delta) {
        let message = Message::Fresh(Box::new(delta));
        self.input(to, Input::Received { from: peer(from), message });
    }

    // The network, and the nodes' lives.

    /// Splits the nodes: those in `apart` from all others.
    pub(crate) fn split(&mut self, apart: &[usize]) {
        for (node, group) in self.groups.iter_mut().enumerate() {
            *group = u64::from(apart.contains(&node));
        }
    }

    pub(crate) fn heal(&mut self) {
        self.groups.iter_mut().for_each(|group| *group = 0);
        self.loss = 0;
    }

    pub(crate) fn is_up(&self, node: usize) -> bool {
        self.nodes[node].is_up
    }

    pub(crate) fn stop(&mut self, node: usize) {
        self.nodes[node].is_up = false;
        self.nodes[node].links.clear();
        for other in 0..self.nodes.len() {
            if self.nodes[other].links.remove(&node) {
                self.input(other, Input::PeerLeft(peer(node)));
            }
        }
    }

    /// Lets `node` crash soon.
    pub(crate) fn crash(&mut self, node: usize, when: Crash) {
        self.nodes[node].crash = Some(when);
    }

    /// Starts `node` from what its disk holds.
    pub(crate) fn start(&mut self, node: usize) {
        let Node { secret, disk, .. } = &self.nodes[node];
        let replica = open(&self.genesis, secret, disk);
        self.nodes[node].replica = replica;
        self.nodes[node].wake = None;
        self.nodes[node].is_up = true;
        let root = self.root(node);
        self.input(node, Input::Root(root));
    }

    /// Lets `millis` pass.
    pub(crate) fn run(&mut self, millis: u64) {
        let end = self.now + millis;
        loop {
            self.introduce();
            let letter = self.letters.keys().next().map(|(at, _)| *at);
            let wakes = self.nodes.iter().filter(|node| node.is_up).filter_map(|node| node.wake);
            let Some(next) = wakes.chain(letter).min().filter(|at| *at <= end) else { break };
            self.now = self.now.max(next);
            self.deliver();
            for node in 0..self.nodes.len() {
                let due = self.nodes[node].wake.is_some_and(|at| at <= self.now);
                if due && self.is_up(node) {
                    self.nodes[node].wake = None;
                    self.input(node, Input::Tick);
                }
            }
        }
        self.now = end;
    }

    fn deliver(&mut self) {
        while let Some(letter) = self.letters.first_entry().filter(|it| it.key().0 <= self.now) {
            let Letter { to, from, bytes } = letter.remove();
            let is_linked = self.nodes[to].links.contains(&from);
            let reaches = self.groups[to] == self.groups[from] && self.is_up(to);
            if is_linked && reaches && self.roll(100) >= self.loss {
                let message = Message::decode(&bytes).expect("replicas speak well");
                self.input(to, Input::Received { from: peer(from), message });
            }
        }
    }

    fn post(&mut self, from: usize, to: usize, message: &Message) {
        let at = self.now + 1 + self.roll(80);
        self.posted += 1;
        self.letters.insert((at, self.posted), Letter { to, from, bytes: message.encode() });
    }

    // The engine's part.

    pub(crate) fn input(&mut self, node: usize, input: Input) {
        let mut inputs = std::collections::VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            let now = UnixMillis(self.now);
            let outputs = self.nodes[node].replica.handle(now, input, &NoWallets);
            let mut is_changed = false;
            let crash = self.crash_point(node, &outputs);
            for output in outputs.into_iter().take(crash.unwrap_or(usize::MAX)) {
                is_changed |= matches!(output, Output::AppendDelta(_) | Output::Void { .. });
                inputs.extend(self.carry_out(node, output));
            }
            if crash.is_some() {
                return self.stop(node);
            }
            if is_changed {
                inputs.push_front(Input::Root(self.root(node)));
            }
        }
    }

    /// How many of `outputs` are carried out, if the node crashes then.
    fn crash_point(&mut self, node: usize, outputs: &[Output]) -> Option<usize> {
        let is_stored = |output: &Output| {
            matches!(
                output,
                Output::AppendDelta(_)
                    | Output::AppendEntry(..)
                    | Output::Void { .. }
                    | Output::KeepFork(_)
            )
        };
        let point = match self.nodes[node].crash? {
            Crash::After(count) => outputs.iter().any(is_stored).then_some(count)?,
            Crash::BeforeVoid => {
                outputs.iter().position(|output| matches!(output, Output::Void { .. }))?
            }
        };
        self.nodes[node].crash = None;
        Some(point)
    }

    fn carry_out(&mut self, node: usize, output: Output) -> Option<Input> {
        match output {
            Output::AppendDelta(delta) => self.store_delta(node, delta.id(), delta.into_delta()),
            Output::AppendEntry(entry, _) => self.nodes[node].disk.entries.push(*entry),
            Output::Void { author, head } => {
                let disk = &mut self.nodes[node].disk;
                disk.deltas.retain(|(whose, seq), _| *whose != author || *seq <= head.seq);
                if head.seq == 0 {
                    disk.heads.remove(&author);
                } else {
                    disk.heads.insert(author, head);
                }
            }
            Output::KeepFork(proof) => self.nodes[node].disk.forks.push(*proof),
            Output::LookUp { author, seq } => {
                let held = self.nodes[node].disk.deltas.get(&(author, seq)).cloned();
                return held.map(|delta| Input::Held(Box::new(delta)));
            }
            Output::Publish(message) => {
                for to in 0..self.nodes.len() {
                    if self.nodes[node].links.contains(&to) {
                        self.post(node, to, &message);
                    }
                }
            }
            Output::Send { to, message } => self.post(node, index(&to), &message),
            Output::SendDeltas { to, request, ranges } => {
                let deltas = &self.nodes[node].disk.deltas;
                let read = |author: &MemberKey, seq| deltas.get(&(*author, seq)).cloned();
                let deltas = page(&ranges, read);
                self.post(node, index(&to), &Message::Deltas { request, deltas });
            }
            Output::SendEntries { to, after_epoch } => {
                let entries = self.nodes[node].disk.entries.iter();
                let entries = entry_page(entries.skip(after_epoch as usize).take(5).cloned());
                self.post(node, index(&to), &Message::Entries(entries));
            }
            Output::Propose(proposal) if node == OWNER => {
                let Node { replica, secret, .. } = &self.nodes[OWNER];
                if replica.acl().check(&proposal.batch, &NoWallets).is_ok() {
                    let now_s = self.now / 1_000;
                    let entry = Entry::ordered_by_owner(replica.acl(), *proposal, now_s, secret);
                    return Some(Input::Sequenced(Box::new(entry)));
                }
            }
            Output::Expel(peer) => {
                self.nodes[node].links.remove(&index(&peer));
            }
            Output::Reject { from, why } if why.is_fault() => {
                let fault = format!("{from:?}: {why}");
                self.nodes[node].faults.push(fault);
            }
            Output::WakeAt(at) => self.nodes[node].wake = Some(at.0),
            Output::Diverged(peer) => panic!("{node} diverged from {peer:?}"),
            Output::Propose(_) | Output::Reject { .. } | Output::Bodies(_) | Output::InSync(_) => {}
        }
        None
    }

    fn store_delta(&mut self, node: usize, id: DeltaId, delta: Delta) {
        let disk = &mut self.nodes[node].disk;
        let (author, seq) = (delta.body.author, delta.body.seq);
        disk.heads.insert(author, Head { seq, id });
        disk.hlc = disk.hlc.observe(delta.body.hlc);
        let replaced = disk.deltas.insert((author, seq), delta);
        assert!(replaced.is_none(), "{node} stored delta {seq} of {author} twice");
    }

    /// A stand-in for the merged state's root: any function of the set of deltas will do.
    fn root(&self, node: usize) -> Root {
        let deltas = self.nodes[node].disk.deltas.values();
        let ids: Vec<u8> = deltas.flat_map(|delta| *delta.digest().as_bytes()).collect();
        Hash::of(&ids).into()
    }

    // Looking.

    /// Ids of what `node` has merged of `author`, in order.
    pub(crate) fn merged(&self, node: usize, author: MemberKey) -> Vec<DeltaId> {
        let deltas = self.nodes[node].disk.deltas.range((author, 0)..=(author, u64::MAX));
        deltas.map(|(_, delta)| delta.digest().into()).collect()
    }

    /// What `node` has stored at a place.
    pub(crate) fn stored(&self, node: usize, author: MemberKey, seq: u64) -> Delta {
        self.nodes[node].disk.deltas[&(author, seq)].clone()
    }

    pub(crate) fn members(&self) -> Vec<usize> {
        (0..self.nodes.len()).filter(|node| self.is_member(*node)).collect()
    }

    /// Heals everything, waits, and checks that all members agree and that what they agree on
    /// is what the log allows.
    pub(crate) fn settle(&mut self) {
        self.heal();
        for node in 0..self.nodes.len() {
            self.nodes[node].crash = None;
            if !self.is_up(node) {
                self.start(node);
            }
        }
        self.run(90_000);
        let owner = &self.nodes[OWNER];
        for node in self.members() {
            let other = &self.nodes[node];
            assert_eq!(other.replica.acl().head(), owner.replica.acl().head(), "log of {node}");
            let (mine, theirs) = (owner.replica.frontier(), other.replica.frontier());
            assert_eq!(mine, theirs, "frontier of {node}");
            assert_eq!(other.disk.heads, *theirs, "stored frontier of {node}");
            assert_eq!(self.root(node), self.root(OWNER), "state of {node}");
            assert!(self.members().len() == 1 || other.replica.is_in_sync(), "{node} in sync");
            self.check_merged(node);
        }
    }

    /// Everything merged by `node` is a gapless chain of deltas that count.
    fn check_merged(&self, node: usize) {
        let Node { replica, disk, .. } = &self.nodes[node];
        let mut last: BTreeMap<MemberKey, Head> = BTreeMap::new();
        for ((author, seq), delta) in &disk.deltas {
            let body = &delta.body;
            let before = last.get(author).copied().unwrap_or(Head::NONE);
            assert_eq!((before.seq + 1, before.id), (*seq, body.prev), "link of {author} {seq}");
            let cut = replica.acl().cut_after(author, body.acl_epoch);
            assert!(cut.is_none_or(|cut| *seq <= cut.seq), "{author} {seq} past its cut");
            last.insert(*author, Head { seq: *seq, id: body.digest().into() });
        }
        assert_eq!(last, disk.heads, "heads of {node}");
    }

    pub(crate) fn check_no_faults(&self) {
        for (index, node) in self.nodes.iter().enumerate() {
            assert!(node.faults.is_empty(), "{index} found faults: {:?}", node.faults);
        }
    }
}

fn open(genesis: &SignedGenesis, secret: &MemberSecret, disk: &Disk) -> Replica {
    let mut acl = Acl::open(genesis, &NoWallets).expect("sound genesis");
    for entry in &disk.entries {
        acl.apply(entry, &NoWallets).expect("applied before");
    }
    Replica::open(Some(secret.public()), acl, disk.heads.clone(), disk.hlc)
        .with_forks(disk.forks.iter().cloned())
}

fn keys(rng: &mut ChaCha8Rng) -> (MemberSecret, ExchangeSecret) {
    (MemberSecret::generate(rng), ExchangeSecret::generate(rng))
}

pub(crate) fn peer(node: usize) -> PeerId {
    PeerId::from_bytes(&encode(&(node as u64)))
}

fn index(peer: &PeerId) -> usize {
    let bytes: [u8; 8] = peer.as_bytes().try_into().expect("made by `peer`");
    u64::from_le_bytes(bytes) as usize
}
