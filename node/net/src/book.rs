//! Who to stay in touch with, where they are, and when to dial next. Pure: time is an argument.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Duration,
};

use libp2p::{Multiaddr, PeerId, swarm::ConnectionId};
use tokio::time::Instant;
use types::Hash;

use crate::Address;

/// Peers in the book. Beyond it, those nobody asked for give way; then new ones are refused.
const PEERS_MAX: usize = 1024;

/// Addresses kept per peer and source: a few networks times two transports, IPv4 and IPv6.
const ADDRESSES_MAX: usize = 16;

/// Addresses to dial without knowing who is there.
const NAMELESS_MAX: usize = 64;

/// First wait after a failure; doubled by each further one.
const BACKOFF_MIN: Duration = Duration::from_secs(1);

/// Longest wait: how late a peer may notice that another one came back.
const BACKOFF_MAX: Duration = Duration::from_secs(300);

/// A connection that lasted this long was good: the wait starts small again.
const STABLE_AFTER: Duration = Duration::from_secs(10);

/// Dials to a peer that discovery named, before it is left alone until it is named again.
const DISCOVERED_TRIES_MAX: u32 = 4;

/// Why a peer or address was not written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no room for more peers to stay in touch with")]
pub(crate) struct BookFull;

/// Why we want to be connected to a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// The operator or a user named it: for good.
    Asked,
    /// It is admitted somewhere: while it is.
    Member,
    /// The local network named it: a few tries.
    Discovered,
}

/// One dial that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    Peer(PeerId, Vec<Multiaddr>),
    Nameless(Multiaddr),
}

/// The peers and addresses to stay in touch with.
#[derive(Debug, Default)]
pub(crate) struct Book {
    peers: BTreeMap<PeerId, Entry>,
    nameless: BTreeMap<Multiaddr, Pace>,
    dialling: HashMap<ConnectionId, Multiaddr>,
}

#[derive(Debug, Default)]
struct Entry {
    /// Where somebody told us to look: kept, because only they may be reachable from here.
    named: BTreeSet<Multiaddr>,
    /// Where the peer itself says it is.
    said: BTreeSet<Multiaddr>,
    asked: bool,
    member: bool,
    discovered_tries: u32,
    connected_since: Option<Instant>,
    pace: Pace,
}

/// When the next try may be, after how many failures.
#[derive(Debug, Default)]
struct Pace {
    failures: u32,
    /// Never, if not set: connected, or being dialled.
    next: Option<Instant>,
}

impl Entry {
    fn is_wanted(&self) -> bool {
        self.asked || self.member || self.discovered_tries > 0
    }

    fn is_dialable(&self) -> bool {
        let has_address = !self.named.is_empty() || !self.said.is_empty();
        self.is_wanted() && self.connected_since.is_none() && has_address
    }

    fn addresses(&self) -> Vec<Multiaddr> {
        self.named.union(&self.said).cloned().collect()
    }
}

impl Pace {
    /// Waits longer after each failure; `salt` spreads the peers, so that two that lost each other
    /// do not dial at the same instant.
    fn fail(&mut self, now: Instant, salt: &[u8]) {
        let doubled = BACKOFF_MIN.saturating_mul(1 << self.failures.min(10));
        let wait = doubled.min(BACKOFF_MAX);
        self.failures = self.failures.saturating_add(1);
        let [spread, ..] = *Hash::of(&[salt, &self.failures.to_be_bytes()].concat()).as_bytes();
        self.next = Some(now + wait / 2 + (wait / 2 * u32::from(spread)) / 256);
    }
}

impl Book {
    /// Wants `address` for good, whoever is there.
    pub(crate) fn ask(&mut self, now: Instant, address: Address) -> Result<(), BookFull> {
        if let Some(peer) = address.peer() {
            self.want(now, peer.id(), Reason::Asked)?;
            if let Some(entry) = self.peers.get_mut(&peer.id()) {
                add(&mut entry.named, address.place());
            }
            return Ok(());
        }
        if self.nameless.len() >= NAMELESS_MAX && !self.nameless.contains_key(address.inner()) {
            return Err(BookFull);
        }
        let pace = self.nameless.entry(address.place()).or_default();
        *pace = Pace { failures: 0, next: Some(now) };
        Ok(())
    }

    /// Wants to be connected to `peer`, as soon as it has an address.
    pub(crate) fn want(
        &mut self,
        now: Instant,
        peer: PeerId,
        reason: Reason,
    ) -> Result<(), BookFull> {
        let entry = self.entry(peer).ok_or(BookFull)?;
        match reason {
            Reason::Asked => {
                entry.asked = true;
                entry.pace = Pace { failures: 0, next: Some(now) };
            }
            Reason::Member => entry.member = true,
            Reason::Discovered => entry.discovered_tries = DISCOVERED_TRIES_MAX,
        }
        // Whoever waits after a failure goes on waiting.
        if entry.connected_since.is_none() {
            entry.pace.next.get_or_insert(now);
        }
        Ok(())
    }

    /// `peer` is admitted nowhere any more.
    pub(crate) fn not_member(&mut self, peer: &PeerId) {
        if let Some(entry) = self.peers.get_mut(peer) {
            entry.member = false;
        }
        self.tidy(peer);
    }

    /// Adds an address that a peer, not connected, says it has; worth a try at once.
    pub(crate) fn learn(&mut self, now: Instant, peer: PeerId, address: Multiaddr) {
        if let Some(entry) = self.peers.get_mut(&peer)
            && add(&mut entry.said, address)
            && entry.pace.next.is_some()
        {
            entry.pace.next = Some(now);
        }
    }

    /// Takes what a connected peer says of itself as all its addresses.
    pub(crate) fn replace(&mut self, peer: PeerId, addresses: Vec<Multiaddr>) {
        if addresses.is_empty() {
            return;
        }
        if let Some(entry) = self.entry(peer) {
            entry.said = addresses.into_iter().take(ADDRESSES_MAX).collect();
        }
    }

    /// A dial of [`Due::Nameless`] goes out.
    pub(crate) fn dialling(&mut self, connection: ConnectionId, address: Multiaddr) {
        self.dialling.insert(connection, address);
    }

    /// A connection was established.
    pub(crate) fn connected(&mut self, now: Instant, peer: PeerId, connection: ConnectionId) {
        let address = self.dialling.remove(&connection);
        let named = address.is_some();
        let Some(entry) = self.entry(peer) else { return };
        entry.asked |= named;
        if let Some(address) = &address {
            add(&mut entry.named, address.clone());
        }
        entry.connected_since.get_or_insert(now);
        entry.pace.next = None;
        entry.discovered_tries = 0;
        if let Some(address) = address {
            self.nameless.remove(&address);
        }
    }

    /// The last connection to `peer` closed.
    pub(crate) fn disconnected(&mut self, now: Instant, peer: PeerId) {
        let Some(entry) = self.peers.get_mut(&peer) else { return };
        let since = entry.connected_since.take();
        if since.is_some_and(|since| now.duration_since(since) >= STABLE_AFTER) {
            entry.pace.failures = 0;
        }
        entry.pace.fail(now, &peer.to_bytes());
        self.tidy(&peer);
    }

    /// A dial failed; `connection` is the one it would have become.
    pub(crate) fn failed(&mut self, now: Instant, peer: Option<PeerId>, connection: ConnectionId) {
        if let Some(address) = self.dialling.remove(&connection) {
            self.unreachable(now, &Due::Nameless(address));
        }
        if let Some(peer) = peer {
            self.unreachable(now, &Due::Peer(peer, vec![]));
        }
    }

    /// What was due cannot be reached now.
    pub(crate) fn unreachable(&mut self, now: Instant, due: &Due) {
        match due {
            Due::Nameless(address) => {
                if let Some(pace) = self.nameless.get_mut(address) {
                    pace.fail(now, &address.to_vec());
                }
            }
            Due::Peer(peer, _) => {
                let Some(entry) = self.peers.get_mut(peer) else { return };
                // Unless another dial, or the peer's own, made it.
                if entry.connected_since.is_none() {
                    entry.discovered_tries = entry.discovered_tries.saturating_sub(1);
                    entry.pace.fail(now, &peer.to_bytes());
                    self.tidy(peer);
                }
            }
        }
    }

    /// Nobody is to be dialled there: the address is our own.
    pub(crate) fn forget(&mut self, connection: ConnectionId) {
        if let Some(address) = self.dialling.remove(&connection) {
            self.nameless.remove(&address);
        }
    }

    /// What to dial now; each of them counts as being dialled until it fails or connects.
    pub(crate) fn due(&mut self, now: Instant) -> Vec<Due> {
        let is_due = |pace: &Pace| pace.next.is_some_and(|next| next <= now);
        let mut due = Vec::new();
        for (peer, entry) in &mut self.peers {
            if entry.is_dialable() && is_due(&entry.pace) {
                entry.pace.next = None;
                due.push(Due::Peer(*peer, entry.addresses()));
            }
        }
        for (address, pace) in &mut self.nameless {
            if is_due(pace) {
                pace.next = None;
                due.push(Due::Nameless(address.clone()));
            }
        }
        due
    }

    /// When [`Book::due`] has something.
    pub(crate) fn next(&self) -> Option<Instant> {
        let peers = self.peers.values().filter(|entry| entry.is_dialable());
        let nameless = self.nameless.values();
        peers.filter_map(|entry| entry.pace.next).chain(nameless.filter_map(|pace| pace.next)).min()
    }

    /// Where `peer` said, or others said, that it is.
    pub(crate) fn addresses(&self, peer: &PeerId) -> Vec<Multiaddr> {
        self.peers.get(peer).map(Entry::addresses).unwrap_or_default()
    }

    /// The peer's entry, new or not; `None` if the book is full of peers that are wanted.
    fn entry(&mut self, peer: PeerId) -> Option<&mut Entry> {
        if !self.peers.contains_key(&peer) && self.peers.len() >= PEERS_MAX {
            let idle = |entry: &Entry| !entry.is_wanted() && entry.connected_since.is_none();
            let idle = self.peers.iter().find(|(_, entry)| idle(entry)).map(|(peer, _)| *peer)?;
            self.peers.remove(&idle);
        }
        Some(self.peers.entry(peer).or_default())
    }

    /// Drops a peer that is neither wanted nor connected.
    fn tidy(&mut self, peer: &PeerId) {
        let idle = |entry: &Entry| !entry.is_wanted() && entry.connected_since.is_none();
        if self.peers.get(peer).is_some_and(idle) {
            self.peers.remove(peer);
        }
    }
}

/// Adds an address; one of the others gives way if there are too many. Whether it is new.
fn add(addresses: &mut BTreeSet<Multiaddr>, address: Multiaddr) -> bool {
    let is_new = !addresses.contains(&address);
    if is_new && addresses.len() >= ADDRESSES_MAX {
        addresses.pop_first();
    }
    addresses.insert(address) && is_new
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Peer;

    fn peer(n: u8) -> PeerId {
        Peer::of_seed(&[n; 32]).id()
    }

    fn address(port: u16) -> Multiaddr {
        format!("/ip4/127.0.0.1/tcp/{port}").parse().expect("an address")
    }

    fn connection(n: usize) -> ConnectionId {
        ConnectionId::new_unchecked(n)
    }

    /// Dials until the book has nothing due within `span`; how often that was.
    fn failures_within(book: &mut Book, start: Instant, span: Duration) -> usize {
        let mut count = 0;
        while let Some(next) = book.next().filter(|next| *next <= start + span) {
            for due in book.due(next) {
                count += 1;
                match due {
                    Due::Peer(peer, _) => book.failed(next, Some(peer), connection(1)),
                    Due::Nameless(address) => {
                        book.dialling(connection(1), address);
                        book.failed(next, None, connection(1));
                    }
                }
            }
        }
        count
    }

    #[test]
    fn an_unreachable_peer_is_dialled_ever_more_slowly() {
        let now = Instant::now();
        for named in [true, false] {
            let mut book = Book::default();
            let mut place = Address::new(address(4001));
            if named {
                place = place.with_peer(Peer::new(peer(1)));
            }
            book.ask(now, place).expect("room");
            let hour = failures_within(&mut book, now, Duration::from_secs(3600));
            assert!((15..40).contains(&hour), "{hour} dials in an hour");
        }
    }

    #[test]
    fn a_flapping_peer_is_not_redialled_at_full_speed() {
        let mut now = Instant::now();
        let start = now;
        let mut book = Book::default();
        book.ask(now, Address::new(address(1)).with_peer(Peer::new(peer(1)))).expect("room");
        for _ in 0..8 {
            now = book.next().expect("wanted");
            assert_eq!(book.due(now).len(), 1);
            book.connected(now, peer(1), connection(1));
            book.disconnected(now, peer(1));
        }
        assert!(now - start > Duration::from_secs(30));
        now = book.next().expect("wanted");
        book.due(now);
        book.connected(now, peer(1), connection(2));
        now += STABLE_AFTER;
        book.disconnected(now, peer(1));
        assert!(book.next().expect("wanted") <= now + BACKOFF_MIN);
    }

    #[test]
    fn a_nameless_address_becomes_the_peer_found_there() {
        let now = Instant::now();
        let mut book = Book::default();
        book.ask(now, Address::new(address(7))).expect("room");
        assert_eq!(book.due(now), [Due::Nameless(address(7))]);
        book.dialling(connection(3), address(7));
        book.connected(now, peer(2), connection(3));
        assert_eq!(book.next(), None);
        book.disconnected(now, peer(2));
        let later = book.next().expect("wanted for good");
        assert_eq!(book.due(later), [Due::Peer(peer(2), vec![address(7)])]);
    }

    #[test]
    fn a_member_is_wanted_while_it_is_one() {
        let now = Instant::now();
        let mut book = Book::default();
        book.connected(now, peer(1), connection(1));
        book.replace(peer(1), vec![address(1)]);
        book.want(now, peer(1), Reason::Member).expect("room");
        book.disconnected(now, peer(1));
        assert!(book.next().is_some());
        book.not_member(&peer(1));
        assert_eq!(book.next(), None);
        assert!(book.addresses(&peer(1)).is_empty());
    }

    #[test]
    fn what_a_peer_says_replaces_what_it_said_and_not_what_was_asked_for() {
        let now = Instant::now();
        let mut book = Book::default();
        book.ask(now, Address::new(address(1)).with_peer(Peer::new(peer(1)))).expect("room");
        book.connected(now, peer(1), connection(1));
        book.replace(peer(1), vec![address(2)]);
        book.replace(peer(1), vec![address(3)]);
        assert_eq!(book.addresses(&peer(1)), [address(1), address(3)]);
    }

    #[test]
    fn a_peer_has_a_bounded_number_of_addresses() {
        let now = Instant::now();
        let mut book = Book::default();
        for port in 1..=100 {
            book.ask(now, Address::new(address(port)).with_peer(Peer::new(peer(1)))).expect("room");
        }
        book.replace(peer(1), (101..200).map(address).collect());
        let addresses = book.addresses(&peer(1));
        assert_eq!(addresses.len(), 2 * ADDRESSES_MAX);
        assert!(addresses.contains(&address(100)));
    }

    #[test]
    fn a_discovered_peer_is_left_alone_after_a_few_tries() {
        let now = Instant::now();
        let mut book = Book::default();
        book.want(now, peer(1), Reason::Discovered).expect("room");
        book.learn(now, peer(1), address(1));
        assert_eq!(failures_within(&mut book, now, Duration::from_secs(3600)), 4);
        assert!(book.peers.is_empty());
    }

    #[test]
    fn strangers_never_push_out_who_is_wanted() {
        let now = Instant::now();
        let mut book = Book::default();
        book.want(now, peer(1), Reason::Asked).expect("room");
        for _ in 0..PEERS_MAX * 2 {
            book.replace(PeerId::random(), vec![address(1)]);
        }
        assert_eq!(book.peers.len(), PEERS_MAX);
        assert!(book.peers.contains_key(&peer(1)));
    }
}
