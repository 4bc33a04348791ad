//! A hundred members come in by one batch, which a real contract orders.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use chain::{AccountKey, Call, Chain as _, Finality, Page, Position, Signer, Wallets as _};
use ethereum::{Ethereum, EthereumConfig, EthereumWallets};
use governance::{
    anchor::{Action, OnChainId, Terms},
    log::{
        Acl, Anchor, Caps, Change, Claim, Denied, Entry, Genesis, Intent, Invitation, Invitee,
        MemberRecord, Policy, Proposal, Role, RootChange, Secrets, Sequencer, SignedGenesis,
        SignedInvitation,
    },
};
use harness::{Anvil, eventually};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng as _};
use serde_json::json;
use types::{
    AccountId, ExchangeSecret, Hash, InviteSecret, MemberKey, MemberSecret, Signed, UnixMillis,
    keccak256, seal::EpochSecret,
};

const MEMBERS: u32 = 100;
const SEED: u64 = 100;
/// A final block comes after some seconds.
const LIMIT: Duration = Duration::from_secs(30);

#[tokio::test]
async fn a_hundred_members_come_in_by_one_revision() -> Result<()> {
    let mut room = Room::found().await?;
    let invitation = room.invite();
    let joiners: Vec<MemberSecret> =
        (0..MEMBERS).map(|_| MemberSecret::generate(&mut room.rng)).collect();
    let mut changes = Vec::new();
    for joiner in &joiners {
        changes.push(Change::admit(invitation.clone(), room.claim(&invitation, joiner)?));
    }
    let proposal = room.order(changes).await?;

    let page = room.until_final(2).await?;
    let [revision] = page.revisions.as_slice() else { anyhow::bail!("not one: {page:?}") };
    let entry = Entry::ordered_by_chain(&room.acl, revision.clone(), Some(proposal));
    let applied = room.acl.apply(&entry, &EthereumWallets)?;
    ensure!(applied.added.len() == joiners.len(), "not all came in: {applied:?}");
    ensure!((room.acl.epoch(), room.acl.members().len()) == (2, joiners.len() + 1), "101 members");

    for joiner in [&joiners[0], &joiners[57], &joiners[99], &room.creator.secret] {
        let (leaf, path) = room.acl.prove_member(&joiner.public()).context("it is a member")?;
        ensure!(room.is_member(&leaf, &path).await?, "the contract does not know a member");
    }
    let stranger = room.stranger();
    let (_, path) = room.acl.prove_member(&joiners[57].public()).context("it is a member")?;
    ensure!(!room.is_member(&stranger, &path).await?, "the contract takes a stranger for a member");
    ensure!(
        room.acl.prove_member(&MemberKey::from_bytes([9; 32])).is_none(),
        "no proof for others"
    );

    let late = MemberSecret::generate(&mut room.rng);
    let one_more = Change::admit(invitation.clone(), room.claim(&invitation, &late)?);
    let refused = room.draft(vec![one_more])?;
    let refused = room.acl.check(&refused.batch, &EthereumWallets);
    ensure!(refused == Err(Denied::InvitationUsedUp), "a hundred uses are over: {refused:?}");
    Ok(())
}

/// The creator's keys, and the account that it acts by.
struct Creator {
    secret: MemberSecret,
    exchange: ExchangeSecret,
    key: AccountKey,
    account: AccountId,
}

impl Creator {
    fn signer(&self) -> Signer {
        Signer { account: self.account.clone(), key: self.key.clone() }
    }
}

/// A context on a chain of its own, as its creator's node holds it.
struct Room {
    anvil: Anvil,
    registry: Ethereum,
    record: OnChainId,
    acl: Acl,
    /// How far the record was read.
    at: Position,
    creator: Creator,
    /// The secret of the open invitation.
    ticket: InviteSecret,
    epoch_secret: EpochSecret,
    rng: ChaCha20Rng,
}

impl Room {
    /// With its first revision final and read.
    async fn found() -> Result<Self> {
        let mut rng = ChaCha20Rng::seed_from_u64(SEED);
        let anvil = Anvil::start().await?;
        let config = EthereumConfig::new(anvil.url().parse()?);
        let key: AccountKey = anvil.account(0)?.secret.parse()?;
        let registry = Ethereum::deploy(config, &key).await?;
        let creator = Creator {
            secret: MemberSecret::generate(&mut rng),
            exchange: ExchangeSecret::generate(&mut rng),
            account: EthereumWallets.account(&anvil.chain().parse()?, &key)?,
            key,
        };
        let genesis = genesis(&creator, &registry);
        let acl = Acl::open(&genesis, &EthereumWallets)?;
        let salt = genesis.body.salt;
        let record = registry.locator().context(&creator.account, &salt).context("an account")?;
        let terms = Terms {
            app: Hash::from_bytes(*acl.app().as_bytes()),
            members_root: acl.members_root()?,
            members_count: 1,
            flags: 0,
            delays_s: [0; 4],
            guardian: None,
            context: acl.context(),
        };
        registry.submit(&record, &Call::Create { salt, terms }, &creator.signer()).await?;
        let ticket = InviteSecret::generate(&mut rng);
        let epoch_secret = EpochSecret::generate(&mut rng);
        let at = registry.locator().start(&record, 0);
        let mut room =
            Self { anvil, registry, record, acl, at, creator, ticket, epoch_secret, rng };
        let page = room.until_final(1).await?;
        for revision in page.revisions {
            let entry = Entry::ordered_by_chain(&room.acl, revision, None);
            room.acl.apply(&entry, &EthereumWallets)?;
        }
        Ok(room)
    }

    /// An open invitation for so many.
    fn invite(&self) -> SignedInvitation {
        let invitation = Invitation {
            context: self.acl.context(),
            inviter: self.creator.secret.public(),
            role: Role::Member,
            caps: Caps::NONE,
            invitee: Invitee::Open(self.ticket.address()),
            expires_epoch: None,
            expires_at_s: None,
            max_uses: MEMBERS,
            salt: [1; 16],
        };
        Signed::new(invitation, &self.creator.secret)
    }

    /// The claim of a joiner that comes with an account of its own, whose key nobody else has.
    fn claim(&mut self, invitation: &SignedInvitation, joiner: &MemberSecret) -> Result<Claim> {
        let exchange = ExchangeSecret::generate(&mut self.rng);
        let record = MemberRecord::new(self.acl.context(), joiner, &exchange);
        let key = AccountKey::from_bytes(*keccak256(joiner.public().as_bytes()).as_bytes());
        let account = EthereumWallets.account(&self.anvil.chain().parse()?, &key)?;
        let binding = Claim::binding(&invitation.body, joiner.public(), account.clone(), 0);
        let message = EthereumWallets.message(&binding, UnixMillis(0))?;
        let proof = EthereumWallets.sign(&message, &key)?;
        let account = Some((account, proof));
        Ok(Claim::new(&invitation.body, joiner, record, account, Some(&self.ticket))?)
    }

    fn draft(&mut self, changes: Vec<Change>) -> Result<Proposal> {
        let next = EpochSecret::generate(&mut self.rng);
        let secrets = Secrets { current: self.epoch_secret.clone(), next };
        let (intent, author) = (Intent::new(changes, []), &self.creator.secret);
        Ok(Proposal::draft(&self.acl, intent, author, &secrets, &mut self.rng)?)
    }

    /// Has the contract order these changes, as one.
    async fn order(&mut self, changes: Vec<Change>) -> Result<Proposal> {
        let proposal = self.draft(changes)?;
        let change = self.acl.root_change(&proposal, &EthereumWallets)?;
        let RootChange { prev, new, count, delta_hash } = change;
        ensure!(count == MEMBERS + 1, "it counts {count} members");
        let action = Action::SetMembersRoot { prev, new, count, delta_hash };
        let newest = self.registry.head(&self.record, Finality::Latest).await?;
        let now_s = newest.context("a record")?.block.time_s;
        let call = Call::Act { actions: vec![action], expiry_s: now_s + 3_600 };
        let receipt = self.registry.submit(&self.record, &call, &self.creator.signer()).await?;
        ensure!(receipt.rev == Some(2), "not one revision: {receipt:?}");
        Ok(proposal)
    }

    /// What is final after what the log has, once the record is at `rev`.
    async fn until_final(&mut self, rev: u64) -> Result<Page> {
        self.anvil.mine(3).await?;
        let read = eventually(LIMIT, async || {
            let read = self.registry.revisions(&self.record, &self.at, Finality::Final);
            let page = read.await?;
            ensure!(page.next.rev == rev, "at {} so far", page.next.rev);
            Ok(page)
        });
        let page = read.await?;
        self.at = page.next;
        Ok(page)
    }

    /// Asks the contract.
    async fn is_member(&self, leaf: &Hash, path: &[Hash]) -> Result<bool> {
        let selector = keccak256(b"isMember(bytes32,bytes32,bytes32[])").to_string();
        let (offset, length) = (format!("{:064x}", 0x60), format!("{:064x}", path.len()));
        let path: String = path.iter().map(Hash::to_string).collect();
        let record = self.record.as_hash();
        let data = format!("0x{}{record}{leaf}{offset}{length}{path}", &selector[..8]);
        let to = self.registry.locator().id().address();
        let call = json!([{ "to": to, "data": data }, "latest"]);
        let answer = self.anvil.rpc("eth_call", call).await?;
        let word = answer.as_str().context("a word")?;
        Ok(word.ends_with('1'))
    }

    /// The leaf that a stranger would have.
    fn stranger(&self) -> Hash {
        use governance::members_root::Leaf;
        let key = MemberKey::from_bytes([9; 32]);
        Leaf { key, role: Role::Member.code(), caps: 0, joined_epoch: 2, account: None }.hash()
    }
}

fn genesis(creator: &Creator, registry: &Ethereum) -> SignedGenesis {
    let salt = [7; 32];
    let registry = registry.locator().id().clone();
    let genesis = Genesis {
        version: Genesis::VERSION,
        creator: MemberRecord::new(Genesis::NO_CONTEXT, &creator.secret, &creator.exchange),
        creator_account: Some(creator.account.clone()),
        creator_proof: None,
        app: Hash::of(b"board").into(),
        sequencer: Sequencer::Chain(Anchor { registry, salt }),
        policy: Policy::default(),
        salt,
    };
    Signed::new(genesis, &creator.secret)
}
