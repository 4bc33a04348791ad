//! A context with an author and a reader in this process: the reader's store is on disk and
//! changes in the batches that the engine would write.

use std::{
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, Result, anyhow, ensure};
use crdt::{CollectionId, Kind, Op, Origin, Payload};
use governance::log::{Acl, Genesis, MemberRecord, NoWallets, Policy, Sequencer, SignedGenesis};
use store::{Batch, Durability, FrontierRow, Store, StoreConfig};
use sync::{Authentic, Delta, Frontier, Input, Message, Output, PeerId, Replica, Verified};
use types::{
    AppId, ContextId, ExchangeSecret, Hlc, MemberSecret, Root, Signed, UnixMillis, encode,
};

use crate::sample::Sample;

/// Writes deltas, as a member's node does, without keeping them.
#[derive(Debug)]
pub(crate) struct Author {
    secret: MemberSecret,
    replica: Replica,
    keys: u64,
}

/// Merges what the author wrote, as another member's node does.
#[derive(Debug)]
pub(crate) struct Reader {
    context: ContextId,
    author: PeerId,
    replica: Replica,
    store: Store,
    root: Root,
    parts: Parts,
}

/// Where the time of applying goes, besides parsing and checking.
#[derive(Clone, Debug, Default)]
pub(crate) struct Parts {
    pub(crate) merge: Sample,
    pub(crate) write: Sample,
}

/// Both sides of a new context, the reader's store in `folder`.
pub(crate) fn open(folder: &Path) -> Result<(Author, Reader)> {
    let secret = MemberSecret::from_seed(&[1; 32]);
    let acl = Acl::open(&genesis(&secret), &NoWallets).context("the genesis holds")?;
    let me = secret.public();
    let store = Store::open(folder, StoreConfig::default())?;
    let author = PeerId::from_bytes(b"author");
    let heads = Frontier::new();
    let mut reader = Reader {
        context: acl.context(),
        author: author.clone(),
        replica: Replica::open(None, acl.clone(), heads.clone(), Hlc::default()),
        store,
        root: Root::from_bytes([0; 32]),
        parts: Parts::default(),
    };
    reader.root = crdt::root(&reader.store.state(&reader.context))?;
    reader.tell(Input::Root(reader.root));
    reader.tell(Input::PeerJoined { peer: author, member: me });
    let replica = Replica::open(Some(me), acl, heads, Hlc::default());
    Ok((Author { secret, replica, keys: 0 }, reader))
}

fn genesis(secret: &MemberSecret) -> SignedGenesis {
    let exchange = ExchangeSecret::from_bytes([2; 32]);
    let body = Genesis {
        version: Genesis::VERSION,
        creator: MemberRecord::new(Genesis::NO_CONTEXT, secret, &exchange),
        creator_account: None,
        creator_proof: None,
        app: AppId::from_bytes([3; 32]),
        sequencer: Sequencer::Owner(secret.public()),
        policy: Policy::default(),
        salt: [4; 32],
    };
    Signed::new(body, secret)
}

impl Author {
    /// The next delta: puts 32 bytes under a key of 32 bytes that no delta before has used.
    pub(crate) fn next(&mut self) -> Result<Delta> {
        self.keys += 1;
        let put = Op::Put {
            id: CollectionId::root(Kind::Map, "bench"),
            key: format!("{:032}", self.keys).into_bytes(),
            value: vec![b'v'; 32],
            observed: Vec::new(),
        };
        let payload = Payload::new(vec![put]).context("one put fits")?;
        let body = self.replica.draft(now()?, payload.encode()).context("the owner may write")?;
        let delta = Authentic::sign(body, &self.secret).context("its own body")?;
        let told = delta.delta().clone();
        self.replica.handle(now()?, Input::Authored(Box::new(delta)), &NoWallets);
        // Nobody compares the author's root: it has no session.
        self.replica.handle(now()?, Input::Root(Root::from_bytes([0; 32])), &NoWallets);
        Ok(told)
    }
}

impl Reader {
    /// All that a node does with a delta that gossip brought and unsealed: parse, check the
    /// signature and the rules, merge, write.
    pub(crate) fn apply(&mut self, message: &[u8]) -> Result<()> {
        let message = Message::decode(message).context("a message")?;
        let from = self.author.clone();
        let outputs = self.tell_at(now()?, Input::Received { from, message });
        let mut is_applied = false;
        for output in outputs {
            if let Output::AppendDelta(delta) = output {
                self.append(delta)?;
                is_applied = true;
            }
        }
        ensure!(is_applied, "the delta was not applied");
        self.tell_at(now()?, Input::Root(self.root));
        Ok(())
    }

    /// Times of all that was applied so far.
    pub(crate) const fn parts(&self) -> &Parts {
        &self.parts
    }

    /// The same batch as the engine's: delta, head, state, event.
    fn append(&mut self, delta: Verified) -> Result<()> {
        let id = delta.id();
        let delta = delta.into_delta();
        let body = &delta.body;
        let origin = Origin { author: body.author, seq: body.seq, hlc: body.hlc };
        let payload = Payload::decode(&body.payload).context("a payload")?;
        let view = self.store.state(&self.context);
        let merge = || crdt::merge(&view, &payload, &origin).context("a merge");
        let merged = self.parts.merge.time(merge)?;
        let mut batch = Batch::new();
        batch.write_state(&self.context, merged.writes);
        batch.append_delta(&self.context, &body.author, body.seq, encode(&delta));
        batch.put_frontier(&self.context, &body.author, FrontierRow { seq: body.seq, id });
        let news = format!(
            r#"{{"author":"{}","seq":{},"delta":"{id}","root":"{}"}}"#,
            body.author, body.seq, merged.root
        );
        batch.append_event(&self.context, encode(&("delta", news.as_bytes())));
        let write = || self.store.write(batch, Durability::Relaxed).context("a write");
        self.parts.write.time(write)?;
        self.root = merged.root;
        Ok(())
    }

    fn tell(&mut self, input: Input) {
        drop(self.replica.handle(UnixMillis(0), input, &NoWallets));
    }

    fn tell_at(&mut self, now: UnixMillis, input: Input) -> Vec<Output> {
        self.replica.handle(now, input, &NoWallets)
    }
}

/// The wall clock.
fn now() -> Result<UnixMillis> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock is before 1970")?;
    let millis = u64::try_from(since.as_millis()).map_err(|_| anyhow!("the clock is far off"))?;
    Ok(UnixMillis(millis))
}
