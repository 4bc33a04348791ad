//! A context with a cast, and the shortest way to a proposal, an entry, a verdict.

use alloc::{format, string::String, vec, vec::Vec};

use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng as _};
use types::{
    AccountId, AppId, ContextId, DeltaId, ExchangeSecret, Hash, InviteSecret, MemberKey,
    MemberSecret, Signed, seal::EpochSecret,
};

use crate::{
    anchor::{self, Account, Happened},
    log::{
        Acl, Anchor, Answer, Applied, Batch, Binding, BlockRef, Caps, Change, Claim, Cut, Denied,
        Entry, Envelopes, Genesis, Intent, Invitation, Invitee, MemberRecord, Policy, Proposal,
        Revision, Role, Secrets, Sequencer, SignedGenesis, SignedInvitation, WalletProof,
        WalletVerifier,
    },
};

/// Second at which every world starts.
pub(super) const START_S: u64 = 1_700_000_000;

/// A person's secrets, derived from the name alone.
pub(super) struct Person {
    pub(super) secret: MemberSecret,
    pub(super) exchange: ExchangeSecret,
}

pub(super) fn person(name: &str) -> Person {
    Person {
        secret: MemberSecret::from_seed(Hash::of(name.as_bytes()).as_bytes()),
        exchange: ExchangeSecret::from_bytes(*Hash::of(format!("{name}'s").as_bytes()).as_bytes()),
    }
}

pub(super) fn key(name: &str) -> MemberKey {
    person(name).secret.public()
}

pub(super) fn delta(text: &str) -> DeltaId {
    Hash::of(text.as_bytes()).into()
}

pub(super) fn app(text: &str) -> AppId {
    Hash::of(text.as_bytes()).into()
}

pub(super) fn account(name: &str) -> AccountId {
    let digest = format!("{}", Hash::of(name.as_bytes()));
    format!("eip155:31337:0x{}", digest.get(..40).expect("long")).parse().expect("legal")
}

pub(super) fn cut(name: &str, seq: u64) -> Cut {
    let id = match seq {
        0 => DeltaId::from_bytes([0; 32]),
        seq => delta(&format!("{name} {seq}")),
    };
    Cut { member: key(name), seq, id }
}

/// Believes a proof whose text says the binding; scheme 9 is beyond it.
pub(super) struct Notary;

impl WalletVerifier for Notary {
    fn verify(&self, binding: &Binding, proof: &WalletProof) -> Answer {
        match proof.scheme {
            1 if proof.message == deed(binding).into_bytes() => Answer::Valid,
            9 => Answer::Unknown,
            _ => Answer::Invalid,
        }
    }
}

/// What is signed says nothing about when it is ordered.
fn deed(binding: &Binding) -> String {
    format!("{:?}", Binding { time_s: 0, ..binding.clone() })
}

pub(super) fn wallet_proof(binding: &Binding) -> WalletProof {
    WalletProof { scheme: 1, message: deed(binding).into_bytes(), signature: vec![1] }
}

#[derive(Clone)]
pub(super) struct World {
    pub(super) acl: Acl,
    pub(super) now_s: u64,
    /// How far everybody's deltas are held.
    pub(super) frontier: Vec<(MemberKey, u64, DeltaId)>,
    rng: ChaCha20Rng,
}

pub(super) fn owner_genesis(salt: u8, policy: Policy) -> SignedGenesis {
    let olga = person("olga");
    let genesis = Genesis {
        version: Genesis::VERSION,
        creator: MemberRecord::new(Genesis::NO_CONTEXT, &olga.secret, &olga.exchange),
        creator_account: None,
        creator_proof: None,
        app: app("board"),
        sequencer: Sequencer::Owner(olga.secret.public()),
        policy,
        salt: [salt; 32],
    };
    Signed::new(genesis, &olga.secret)
}

pub(super) fn chain_genesis() -> SignedGenesis {
    let olga = person("olga");
    let genesis = Genesis {
        version: Genesis::VERSION,
        creator: MemberRecord::new(Genesis::NO_CONTEXT, &olga.secret, &olga.exchange),
        creator_account: Some(account("olga")),
        creator_proof: None,
        app: app("board"),
        sequencer: Sequencer::Chain(Anchor { registry: account("registry"), salt: [5; 32] }),
        policy: Policy::default(),
        salt: [6; 32],
    };
    Signed::new(genesis, &olga.secret)
}

impl World {
    pub(super) fn open(genesis: &SignedGenesis) -> Self {
        Self {
            acl: Acl::open(genesis, &Notary).expect("a good genesis"),
            now_s: START_S,
            frontier: Vec::new(),
            rng: ChaCha20Rng::seed_from_u64(7),
        }
    }

    /// Olga alone owns it.
    pub(super) fn owned() -> Self {
        Self::open(&owner_genesis(1, Policy::default()))
    }

    /// Olga owns; anna and axel are admins, bob and carl members, ivy a member who may invite,
    /// rita reads. Bob and carl have written five deltas each.
    pub(super) fn cast() -> Self {
        let mut world = Self::owned();
        world.assemble();
        for name in ["anna", "axel"] {
            let expires_epoch = world.acl.epoch() + 50;
            world.change("olga", [Change::Nominate { member: key(name), expires_epoch }]);
            let accept = world.accept(name);
            world.change(name, [accept]);
        }
        world
    }

    /// As [`World::cast`] on a chain: olga, anna and axel hold seats.
    pub(super) fn anchored() -> Self {
        let mut world = Self::open(&chain_genesis());
        world.happen(world.created()).expect("created");
        world.assemble();
        for name in ["anna", "axel"] {
            let account = on_chain(name);
            world
                .happen(Happened::Done(anchor::Action::NominateAdmin {
                    account: account.clone(),
                    ttl_s: 1_000,
                }))
                .expect("nominated");
            world.happen(Happened::AdminAccepted(account)).expect("seated");
        }
        world
    }

    fn assemble(&mut self) {
        let roles = [
            ("anna", Role::Member, Caps::NONE),
            ("axel", Role::Member, Caps::NONE),
            ("bob", Role::Member, Caps::NONE),
            ("carl", Role::Member, Caps::NONE),
            ("ivy", Role::Member, Caps::INVITE),
            ("rita", Role::ReadOnly, Caps::NONE),
        ];
        let joins: Vec<Change> = roles
            .map(|(name, role, caps)| {
                let terms = Terms { role, caps, ..Terms::open(name) };
                let invitation = self.invite("olga", &terms);
                self.join(&invitation, name)
            })
            .into();
        self.change("olga", joins);
        self.frontier = ["bob", "carl", "anna", "axel"]
            .map(|name| {
                let Cut { member, seq, id } = cut(name, 5);
                (member, seq, id)
            })
            .into();
    }

    pub(super) fn is_chain(&self) -> bool {
        matches!(self.acl.genesis().sequencer, Sequencer::Chain(_))
    }

    // ------------------------------------------------------------ invitations

    pub(super) fn invite(&self, inviter: &str, terms: &Terms) -> SignedInvitation {
        let body = Invitation {
            context: terms.context.unwrap_or(self.acl.context()),
            inviter: key(inviter),
            role: terms.role,
            caps: terms.caps,
            invitee: terms.invitee.clone(),
            expires_epoch: terms.expires_epoch,
            expires_at_s: terms.expires_at_s,
            max_uses: terms.max_uses,
            salt: [9; 16],
        };
        Signed::new(body, &person(inviter).secret)
    }

    pub(super) fn claim(&self, invitation: &SignedInvitation, name: &str) -> Claim {
        let joiner = person(name);
        let record = MemberRecord::new(self.acl.context(), &joiner.secret, &joiner.exchange);
        let body = &invitation.body;
        let account = (self.is_chain() || matches!(body.invitee, Invitee::Account(_)))
            .then(|| account(name))
            .map(|account| {
                let binding = Claim::binding(body, joiner.secret.public(), account.clone(), 0);
                (account, wallet_proof(&binding))
            });
        let open = matches!(body.invitee, Invitee::Open(_)).then(ticket);
        Claim::new(body, &joiner.secret, record, account, open.as_ref()).expect("signs")
    }

    pub(super) fn join(&self, invitation: &SignedInvitation, name: &str) -> Change {
        Change::admit(invitation.clone(), self.claim(invitation, name))
    }

    pub(super) fn accept(&self, name: &str) -> Change {
        Change::accept(&self.acl, &person(name).secret).expect("nominated")
    }

    // ------------------------------------------------------------ proposals

    pub(super) fn propose(
        &mut self,
        author: &str,
        changes: impl IntoIterator<Item = Change>,
    ) -> Proposal {
        let intent = Intent::new(changes, self.frontier.iter().copied());
        self.draft(author, intent)
    }

    pub(super) fn draft(&mut self, author: &str, intent: Intent) -> Proposal {
        let secrets = Secrets {
            current: EpochSecret::from_bytes([1; 32]),
            next: EpochSecret::from_bytes([2; 32]),
        };
        let author = person(author).secret;
        Proposal::draft(&self.acl, intent, &author, &secrets, &mut self.rng).expect("drafts")
    }

    // ------------------------------------------------------------ entries

    /// Puts the proposal in order: by olga's signature, or by what a contract would commit to.
    pub(super) fn order(&mut self, proposal: Proposal) -> Result<Applied, Denied> {
        if !self.is_chain() {
            let entry = self.entry(proposal);
            return self.acl.apply(&entry, &Notary);
        }
        let change = self.acl.root_change(&proposal, &Notary)?;
        let happened = Happened::Done(anchor::Action::SetMembersRoot {
            prev: change.prev,
            new: change.new,
            count: change.count,
            delta_hash: change.delta_hash,
        });
        let revision = self.revision(happened);
        let entry = Entry::ordered_by_chain(&self.acl, revision, Some(proposal));
        self.acl.apply(&entry, &Notary)
    }

    pub(super) fn entry(&self, proposal: Proposal) -> Entry {
        Entry::ordered_by_owner(&self.acl, proposal, self.now_s, &person("olga").secret)
    }

    /// Drafts, orders and expects it to hold.
    #[track_caller]
    pub(super) fn change(
        &mut self,
        author: &str,
        changes: impl IntoIterator<Item = Change>,
    ) -> Applied {
        let proposal = self.propose(author, changes);
        self.order(proposal).expect("holds")
    }

    /// Drafts and orders.
    pub(super) fn attempt(
        &mut self,
        author: &str,
        changes: impl IntoIterator<Item = Change>,
    ) -> Result<Applied, Denied> {
        let proposal = self.propose(author, changes);
        self.order(proposal)
    }

    // ------------------------------------------------------------ the chain

    pub(super) fn created(&self) -> Happened {
        Happened::Created(anchor::Created {
            creator: on_chain("olga"),
            salt: [5; 32],
            terms: anchor::Terms {
                app: Hash::of(b"board"),
                members_root: self.acl.members_root().expect("small"),
                members_count: 1,
                flags: 0,
                delays_s: [0; 4],
                guardian: None,
                context: self.acl.context(),
            },
        })
    }

    pub(super) fn revision(&self, happened: Happened) -> Revision {
        self.revision_after(&self.log_head(), self.acl.epoch() + 1, &happened)
    }

    pub(super) fn revision_after(&self, prev: &Hash, rev: u64, happened: &Happened) -> Revision {
        let (kind, payload) = (happened.kind(), happened.payload());
        let log_head = anchor::log_head(prev, rev, kind, &payload);
        let block =
            BlockRef { height: rev, hash: Hash::of(&rev.to_be_bytes()), time_s: self.now_s };
        Revision { rev, kind, payload, log_head, block }
    }

    /// The contract's log head as the fold believes it.
    pub(super) fn log_head(&self) -> Hash {
        self.acl.log_head().expect("has a chain")
    }

    /// A revision without a batch becomes the next entry.
    pub(super) fn happen(&mut self, happened: Happened) -> Result<Applied, Denied> {
        let revision = self.revision(happened);
        let entry = Entry::ordered_by_chain(&self.acl, revision, None);
        self.acl.apply(&entry, &Notary)
    }
}

/// An invitation's terms, for tests to vary.
pub(super) struct Terms {
    pub(super) context: Option<ContextId>,
    pub(super) role: Role,
    pub(super) caps: Caps,
    pub(super) invitee: Invitee,
    pub(super) expires_epoch: Option<u64>,
    pub(super) expires_at_s: Option<u64>,
    pub(super) max_uses: u32,
}

impl Terms {
    /// For this member, once.
    pub(super) fn open(name: &str) -> Self {
        Self {
            context: None,
            role: Role::Member,
            caps: Caps::NONE,
            invitee: Invitee::Member(key(name)),
            expires_epoch: None,
            expires_at_s: None,
            max_uses: 1,
        }
    }

    /// For whoever holds the ticket, once.
    pub(super) fn anybody() -> Self {
        Self { invitee: Invitee::Open(ticket().address()), ..Self::open("") }
    }
}

/// The secret of every open invitation here.
pub(super) fn ticket() -> InviteSecret {
    InviteSecret::from_bytes(&[4; 32]).expect("a scalar")
}

pub(super) fn on_chain(name: &str) -> Account {
    Account::from_id(&account(name)).expect("an address")
}

/// The proposal with its batch changed and signed again by `author`; its envelopes stay.
pub(super) fn forge(
    proposal: Proposal,
    author: &str,
    forgery: impl FnOnce(&mut Batch),
) -> Proposal {
    let mut body = proposal.batch.body;
    forgery(&mut body);
    Proposal { batch: Signed::new(body, &person(author).secret), ..proposal }
}

/// The proposal with other envelopes, which its batch commits to.
pub(super) fn rewrap(
    proposal: Proposal,
    author: &str,
    forgery: impl FnOnce(&mut Envelopes),
) -> Proposal {
    use types::Tagged as _;
    let mut envelopes = proposal.envelopes.clone();
    forgery(&mut envelopes);
    let proposal = Proposal { envelopes, ..proposal };
    let hash = proposal.envelopes.digest();
    forge(proposal, author, |batch| batch.envelopes_hash = hash)
}

/// `attempt` must fail on a fresh `world` for exactly this reason, and change nothing.
#[track_caller]
pub(super) fn check(
    story: &str,
    mut world: World,
    attempt: impl FnOnce(&mut World) -> Result<Applied, Denied>,
    why: &Denied,
) {
    let before = format!("{:?}", world.acl);
    let epoch = world.acl.epoch();
    let outcome = attempt(&mut world);
    assert_eq!(outcome.as_ref().err(), Some(why), "{story}");
    if world.acl.epoch() == epoch {
        assert_eq!(format!("{:?}", world.acl), before, "{story}: a denied entry changed the fold");
    }
}
