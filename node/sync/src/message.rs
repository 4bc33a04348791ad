//! What peers of one context say to each other, and its encoding.

use borsh::{BorshDeserialize, BorshSerialize};
use governance::log::{Entry, Proposal};
use types::{DecodeError, EntryId, Hash, MemberKey, Root, decode, encode};

use crate::{bounded, delta::Delta, fork::ForkProof, frontier::Head};

/// Bytes of one message at most, before sealing: one delta of the largest kind, or a rotation's
/// envelopes for the largest context, with room to spare.
pub const MESSAGE_MAX_BYTES: usize = 8 << 20;

/// Bytes of one message that goes out by gossip at most; the rest of 64 KiB is the seal's.
/// Larger deltas are pulled.
pub const GOSSIP_MAX_BYTES: usize = (64 << 10) - 256;

/// Bytes of deltas or entries after which a page is full. A page holds one in any case.
pub const PAGE_MAX_BYTES: usize = 2 << 20;

/// Deltas of one page at most: bounds the work that one message can cause.
pub const PAGE_MAX_DELTAS: usize = 1_024;

/// Entries of one page at most.
pub const PAGE_MAX_ENTRIES: usize = 256;

/// Ranges of one request at most: bounds the reads that one message can cause.
pub const RANGES_MAX: usize = 256;

/// Authors of one frontier message at most; six times the members that a context may have, since
/// who has left still has a position.
pub const HEADS_MAX: usize = 65_536;

/// Forked authors of one message at most. Forks are rare; the rest follows in later exchanges.
pub const FORKS_MAX: usize = 64;

/// Deltas of one author's chain, by their positions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Range {
    /// Whose chain.
    pub author: MemberKey,
    /// From the one after this.
    pub after_seq: u64,
    /// Up to and with this.
    pub up_to: u64,
}

/// A node's standing in 104 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Heartbeat {
    /// Its last log entry's number.
    pub acl_epoch: u64,
    /// That entry.
    pub acl_head: EntryId,
    /// Hash of its frontier.
    pub frontier: Hash,
    /// Root of its state, after merging exactly that frontier.
    pub root: Root,
}

/// Whether a frontier message wants one back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Reply {
    /// "Here is mine, send yours."
    Wanted,
    /// "Here is mine, as you asked."
    Given,
}

/// A node's frontier, and the forks it knows of.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Positions {
    /// Whether the receiver shall answer with its own.
    pub reply: Reply,
    /// Head of each author's chain.
    #[borsh(deserialize_with = "bounded::list::<(MemberKey, Head), _, HEADS_MAX>")]
    pub heads: Vec<(MemberKey, Head)>,
    /// Authors that forked, and where.
    #[borsh(deserialize_with = "bounded::list::<(MemberKey, u64), _, FORKS_MAX>")]
    pub forks: Vec<(MemberKey, u64)>,
}

/// One message. Order of variants is part of the encoding.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Message {
    /// By gossip, every two seconds and after changes.
    Heartbeat(Heartbeat),
    /// By gossip: a delta just authored.
    Fresh(Box<Delta>),
    /// Where the sender stands.
    Frontier(Positions),
    /// Asks for one page of these, in this order.
    WantDeltas {
        /// Named in the answer.
        request: u32,
        /// What is wanted.
        #[borsh(deserialize_with = "bounded::list::<Range, _, RANGES_MAX>")]
        ranges: Vec<Range>,
    },
    /// A page: the beginning of what was asked for, perhaps empty.
    Deltas {
        /// Of the request.
        request: u32,
        /// Each range ascending.
        #[borsh(deserialize_with = "bounded::list::<Delta, _, PAGE_MAX_DELTAS>")]
        deltas: Vec<Delta>,
    },
    /// Asks for the proofs about these authors.
    WantForks(
        #[borsh(deserialize_with = "bounded::list::<MemberKey, _, FORKS_MAX>")] Vec<MemberKey>,
    ),
    /// Proofs of forks.
    Forks(#[borsh(deserialize_with = "bounded::list::<ForkProof, _, FORKS_MAX>")] Vec<ForkProof>),
    /// Asks for a page of log entries.
    WantEntries {
        /// From the one after this.
        after_epoch: u64,
    },
    /// Log entries, ascending.
    Entries(#[borsh(deserialize_with = "bounded::list::<Entry, _, PAGE_MAX_ENTRIES>")] Vec<Entry>),
    /// By gossip or sent to the owner: a batch that its author wants sequenced.
    Proposal(Box<Proposal>),
}

impl Message {
    /// Version of the encoding, its first byte.
    pub const VERSION: u8 = 1;

    /// Its bytes, to be sealed and sent.
    pub fn encode(&self) -> Vec<u8> {
        encode(&(Self::VERSION, self))
    }

    /// The message in `bytes`.
    ///
    /// # Errors
    /// [`DecodeError`] over [`MESSAGE_MAX_BYTES`], for another version, a list beyond its bound,
    /// or anything malformed.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        match bytes {
            [Self::VERSION, rest @ ..] => decode(rest, MESSAGE_MAX_BYTES),
            _ => Err(DecodeError::Malformed),
        }
    }
}

/// The page of entries that answers a request: as many as fit, in their order.
pub fn entry_page(entries: impl IntoIterator<Item = Entry>) -> Vec<Entry> {
    let mut size_bytes = 0_usize;
    let mut page = Vec::new();
    for entry in entries.into_iter().take(PAGE_MAX_ENTRIES) {
        size_bytes = size_bytes.saturating_add(encode(&entry).len());
        if size_bytes > PAGE_MAX_BYTES && !page.is_empty() {
            break;
        }
        page.push(entry);
    }
    page
}

/// The page that answers a request for `ranges`: reads delta by delta until the page is full.
///
/// `read` yields the merged delta of an author at a position; where it has none, the range ends.
pub fn page(
    ranges: &[Range],
    mut read: impl FnMut(&MemberKey, u64) -> Option<Delta>,
) -> Vec<Delta> {
    let mut deltas = Vec::new();
    let mut size_bytes = 0_usize;
    for range in ranges.iter().take(RANGES_MAX) {
        for seq in range.after_seq.saturating_add(1)..=range.up_to {
            let Some(delta) = read(&range.author, seq) else { break };
            let body = &delta.body;
            // A dependency takes 40 bytes, all other fields together less than 300.
            let deps_bytes = body.deps.len().saturating_mul(40);
            let next = body.payload.len().saturating_add(deps_bytes).saturating_add(300);
            size_bytes = size_bytes.saturating_add(next);
            let full = size_bytes > PAGE_MAX_BYTES || deltas.len() >= PAGE_MAX_DELTAS;
            if full && !deltas.is_empty() {
                return deltas;
            }
            deltas.push(delta);
        }
    }
    deltas
}
