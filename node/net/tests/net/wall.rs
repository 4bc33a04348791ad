//! The wall: who is not admitted on a topic gets nothing of it.

use std::{cell::Cell, time::Duration};

use anchorhold_net::Verdict;
use futures::StreamExt as _;
use libp2p::{
    Multiaddr, SwarmBuilder, gossipsub, noise,
    swarm::{Swarm, SwarmEvent},
    tcp, yamux,
};

use crate::{
    nodes::{Node, topic},
    raw::{self, Kind, Raw, Told},
};

/// Messages of one test: more than could be missed by chance.
const MESSAGES: u8 = 50;

/// Nodes with these key seeds that take part in `topic(1)` and `topic(2)` and know nobody.
async fn nodes<const N: usize>(seeds: [u8; N]) -> [Node; N] {
    let starting = seeds.map(|seed| async move {
        let node = Node::start(seed).await;
        node.net.subscribe(topic(1)).await.expect("room");
        node.net.subscribe(topic(2)).await.expect("room");
        node
    });
    let nodes: Vec<_> = futures::future::join_all(starting).await;
    nodes.try_into().unwrap_or_else(|_| unreachable!("as many as seeds"))
}

#[tokio::test]
async fn a_stranger_on_the_same_topic_receives_nothing() {
    let [mut alice, mut bob, mut mallory] = nodes([1, 2, 3]).await;
    let room = topic(1);
    alice.meet(&mut bob).await;
    alice.meet(&mut mallory).await;
    mallory.meet(&mut bob).await;
    alice.admit_each_other(&mut bob, room).await;
    // The hash is all that mallory has: it does its best, with everybody admitted on its side.
    // It leads one of its connections and follows on the other.
    for other in [&alice, &bob] {
        mallory.net.admit(room, other.peer()).await.expect("admitted");
    }
    for n in 0..MESSAGES {
        alice.net.publish(room, vec![n; 100]).await.expect("bob listens");
        let (bytes, id) = bob.gossip(room).await;
        assert_eq!(bytes, vec![n; 100]);
        bob.net.judge(room, id, Verdict::Accept).await.expect("running");
    }
    // Answers from both show that mallory's connections are alive and that what was sent on them
    // before has arrived.
    for other in [&mut alice, &mut bob] {
        mallory.asks(other).await;
        other.never_saw_join(mallory.peer());
    }
    mallory.heard_nothing();
    mallory.saw_nobody_join(room);
}

#[tokio::test]
async fn a_member_of_one_topic_learns_nothing_of_another() {
    let [mut alice, mut bob, mut carol] = nodes([4, 5, 6]).await;
    let (ours, theirs) = (topic(1), topic(2));
    alice.meet(&mut bob).await;
    alice.meet(&mut carol).await;
    alice.admit_each_other(&mut bob, ours).await;
    alice.admit_each_other(&mut carol, theirs).await;
    bob.net.admit(theirs, alice.peer()).await.expect("bob tries the other topic too");
    for n in 0..MESSAGES {
        alice.net.publish(ours, vec![1, n]).await.expect("bob listens");
        alice.net.publish(theirs, vec![2, n]).await.expect("carol listens");
        assert_eq!(bob.gossip(ours).await.0, [1, n]);
        assert_eq!(carol.gossip(theirs).await.0, [2, n]);
    }
    bob.asks(&mut alice).await;
    bob.heard_nothing();
    bob.saw_nobody_join(theirs);
}

#[tokio::test]
async fn an_expelled_peer_receives_nothing_more() {
    let [mut alice, mut bob, mut carol] = nodes([7, 8, 9]).await;
    let room = topic(1);
    alice.meet(&mut bob).await;
    alice.meet(&mut carol).await;
    alice.admit_each_other(&mut bob, room).await;
    alice.admit_each_other(&mut carol, room).await;
    alice.net.publish(room, b"before".to_vec()).await.expect("both listen");
    assert_eq!(bob.gossip(room).await.0, b"before");
    assert_eq!(carol.gossip(room).await.0, b"before");
    alice.net.expel(room, carol.peer()).await.expect("running");
    for n in 0..MESSAGES {
        alice.net.publish(room, vec![n; 10]).await.expect("bob listens");
        assert_eq!(bob.gossip(room).await.0, [n; 10]);
        // What bob says, alice would hand on.
        bob.net.publish(room, vec![n; 20]).await.expect("alice listens");
        let (_, id) = alice.gossip(room).await;
        alice.net.judge(room, id, Verdict::Accept).await.expect("running");
    }
    carol.asks(&mut alice).await;
    carol.heard_nothing();
}

#[tokio::test]
async fn nothing_is_taken_from_an_expelled_peer() {
    let [mut alice, mut bob, mut carol] = nodes([10, 11, 12]).await;
    let room = topic(1);
    alice.meet(&mut bob).await;
    alice.meet(&mut carol).await;
    alice.admit_each_other(&mut bob, room).await;
    alice.admit_each_other(&mut carol, room).await;
    alice.net.expel(room, carol.peer()).await.expect("running");
    let id = carol.net.publish(room, b"let me in".to_vec()).await.expect("alice seems to listen");
    carol.asks(&mut alice).await;
    bob.net.publish(room, b"after".to_vec()).await.expect("alice listens");
    let (bytes, heard) = alice.gossip(room).await;
    assert_eq!(bytes, b"after");
    assert_ne!(heard, id);
    alice.heard_nothing();
}

#[tokio::test]
async fn a_readmitted_peer_takes_part_again_both_ways() {
    let [mut alice, mut bob] = nodes([13, 14]).await;
    let room = topic(1);
    alice.meet(&mut bob).await;
    alice.admit_each_other(&mut bob, room).await;
    for round in 0..12_u8 {
        // By turns one side or both forget the other, on a connection that stays.
        let (by_alice, by_bob) = (round % 3 != 1, round % 3 != 0);
        if by_alice {
            alice.net.expel(room, bob.peer()).await.expect("running");
        }
        if by_bob {
            bob.net.expel(room, alice.peer()).await.expect("running");
            bob.net.admit(room, alice.peer()).await.expect("admitted");
        }
        if by_alice {
            alice.net.admit(room, bob.peer()).await.expect("admitted");
        }
        alice.reaches(&mut bob, room, &[1, round]).await;
        bob.reaches(&mut alice, room, &[2, round]).await;
    }
}

#[tokio::test]
async fn leaving_a_topic_and_coming_back_starts_with_nobody() {
    let [mut alice, mut bob] = nodes([15, 16]).await;
    let room = topic(1);
    alice.meet(&mut bob).await;
    alice.admit_each_other(&mut bob, room).await;
    bob.net.unsubscribe(room).await.expect("running");
    bob.net.subscribe(room).await.expect("room");
    bob.asks(&mut alice).await;
    assert!(bob.net.publish(room, b"anybody?".to_vec()).await.is_err_and(|e| e.is_transient()));
    bob.net.admit(room, alice.peer()).await.expect("admitted");
    alice.reaches(&mut bob, room, b"back").await;
    bob.reaches(&mut alice, room, b"again").await;
}

#[tokio::test]
async fn raw_streams_of_a_stranger_end_without_a_byte() {
    let [mut alice, mut bob] = nodes([24, 25]).await;
    let room = topic(1);
    alice.meet(&mut bob).await;
    alice.admit_each_other(&mut bob, room).await;
    let mut mallory = Raw::meet(&mut alice).await;
    for n in 0..MESSAGES {
        let id = alice.net.publish(room, vec![n; 40]).await.expect("bob listens");
        assert_eq!(bob.gossip(room).await.0, [n; 40]);
        for kind in [Kind::Lead, Kind::Follow, Kind::Knock] {
            // The message is in the cache, and its id known to mallory by magic.
            let rpc = [
                raw::subscribe(room),
                raw::graft(room),
                raw::iwant(&[*id.as_bytes()]),
                raw::publish(room, b"from mallory"),
            ];
            let session = u64::from(n);
            mallory.say([raw::head(room, kind, session), raw::frame(&rpc.concat())].concat());
            assert_eq!(mallory.told().await, Told::Answer(vec![]));
        }
    }
    alice.heard_nothing();
    alice.never_saw_join(mallory.peer());
    bob.heard_nothing();
}

#[tokio::test]
async fn raw_streams_of_a_member_reach_no_other_topic() {
    let [mut alice, mut bob] = nodes([26, 27]).await;
    let (open, closed) = (topic(1), topic(2));
    alice.meet(&mut bob).await;
    alice.admit_each_other(&mut bob, closed).await;
    alice.admit_each_other(&mut bob, open).await;
    let old = alice.net.publish(open, b"for members".to_vec()).await.expect("bob listens");
    assert_eq!(bob.gossip(open).await.0, b"for members");
    let mut mallory = Raw::meet(&mut alice).await;
    alice.net.admit(open, mallory.peer()).await.expect("admitted");
    // Alice was dialled, so she knocks.
    assert_eq!(mallory.told().await, Told::Stream(raw::head(open, Kind::Knock, 0)));
    let id = alice.net.publish(closed, b"secret".to_vec()).await.expect("bob listens");
    assert_eq!(bob.gossip(closed).await.0, b"secret");
    let rpc = [
        raw::subscribe(open),
        raw::subscribe(closed),
        raw::graft(open),
        raw::graft(closed),
        raw::iwant(&[*id.as_bytes(), *old.as_bytes()]),
        raw::publish(closed, b"smuggled"),
    ];
    mallory.say([raw::head(open, Kind::Lead, 7), raw::frame(&rpc.concat())].concat());
    let peer = mallory.peer();
    let talking = async {
        alice.joined(open, peer).await;
        alice.net.publish(closed, b"secret too".to_vec()).await.expect("bob listens");
        alice.net.publish(open, raw::MARK.to_vec()).await.expect("mallory listens");
        assert_eq!(bob.gossip(closed).await.0, b"secret too");
        assert_eq!(bob.gossip(open).await.0, raw::MARK);
    };
    let (told, ()) = tokio::join!(mallory.told(), talking);
    let Told::Stream(bytes) = told else { panic!("not alice's stream: {told:?}") };
    let contains = |part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
    assert!(bytes.starts_with(&raw::head(open, Kind::Follow, 7)));
    // What mallory may have it gets, by the same means.
    assert!(contains(raw::MARK) && contains(b"for members"));
    assert!(contains(open.to_string().as_bytes()));
    for secret in [closed.to_string().as_bytes(), closed.as_bytes(), b"secret"] {
        assert!(!contains(secret), "mallory was told of the other topic");
    }
    alice.heard_nothing();
    bob.heard_nothing();
    alice.saw_nobody_join(closed);
}

#[tokio::test]
async fn a_plain_gossipsub_node_is_not_even_spoken_to() {
    let [mut alice, mut bob] = nodes([17, 18]).await;
    let room = topic(1);
    alice.meet(&mut bob).await;
    alice.admit_each_other(&mut bob, room).await;
    let mut mallory = plain_gossipsub();
    let copied = gossipsub::IdentTopic::new(room.to_string());
    mallory.behaviour_mut().subscribe(&copied).expect("subscribed");
    mallory.dial(alice.tcp().to_string().parse::<Multiaddr>().expect("an address")).expect("dials");
    let refused = Cell::new(false);
    let watching = async {
        loop {
            match mallory.select_next_some().await {
                SwarmEvent::Behaviour(gossipsub::Event::GossipsubNotSupported { .. }) => {
                    refused.set(true);
                }
                SwarmEvent::Behaviour(event) => panic!("mallory was told {event:?}"),
                _ => {}
            }
        }
    };
    let talking = async {
        for n in 0_u32.. {
            alice.net.publish(room, n.to_be_bytes().to_vec()).await.expect("bob listens");
            assert_eq!(bob.gossip(room).await.0, n.to_be_bytes());
            if refused.get() && n > u32::from(MESSAGES) {
                return;
            }
        }
    };
    let both = async {
        tokio::select! {
            () = talking => {}
            () = watching => {}
        }
    };
    tokio::time::timeout(Duration::from_secs(60), both).await.expect("mallory notices");
}

fn plain_gossipsub() -> Swarm<gossipsub::Behaviour> {
    let config = gossipsub::ConfigBuilder::default()
        .validation_mode(gossipsub::ValidationMode::Anonymous)
        .build()
        .expect("a config");
    let anonymous = gossipsub::MessageAuthenticity::Anonymous;
    let behaviour = gossipsub::Behaviour::new(anonymous, config).expect("a behaviour");
    SwarmBuilder::with_new_identity()
        .with_tokio()
        .with_tcp(tcp::Config::default(), noise::Config::new, yamux::Config::default)
        .expect("tcp")
        .with_behaviour(|_| behaviour)
        .expect("a behaviour")
        .with_swarm_config(|config| config.with_idle_connection_timeout(Duration::from_secs(60)))
        .build()
}

#[tokio::test]
async fn gossip_waits_for_the_verdict_before_it_goes_on() {
    let [mut alice, mut bob, mut carol] = nodes([19, 20, 21]).await;
    let room = topic(1);
    // A chain: alice and carol meet only through bob.
    alice.meet(&mut bob).await;
    bob.meet(&mut carol).await;
    alice.admit_each_other(&mut bob, room).await;
    bob.admit_each_other(&mut carol, room).await;
    let spoken =
        [(Verdict::Reject, &b"bad"[..]), (Verdict::Ignore, b"old"), (Verdict::Accept, b"good")];
    for (verdict, bytes) in spoken {
        alice.net.publish(room, bytes.to_vec()).await.expect("bob listens");
        let (heard, id) = bob.gossip(room).await;
        assert_eq!(heard, bytes);
        bob.net.judge(room, id, verdict).await.expect("running");
    }
    assert_eq!(carol.gossip(room).await.0, b"good");
    carol.asks(&mut bob).await;
    carol.heard_nothing();
}

#[tokio::test]
async fn gossip_has_a_size_limit_and_no_repetition() {
    use anchorhold_net::{GOSSIP_BYTES_MAX, NetError};
    let [mut alice, mut bob] = nodes([22, 23]).await;
    let room = topic(1);
    alice.meet(&mut bob).await;
    let error = alice.net.publish(room, b"to nobody".to_vec()).await.expect_err("nobody");
    assert!(matches!(error, NetError::Nobody { .. }), "{error}");
    alice.admit_each_other(&mut bob, room).await;
    let largest = vec![7; GOSSIP_BYTES_MAX];
    alice.net.publish(room, largest.clone()).await.expect("fits");
    assert_eq!(bob.gossip(room).await.0, largest);
    let error = alice.net.publish(room, largest).await.expect_err("published before");
    assert!(matches!(error, NetError::Duplicate), "{error}");
    let error = alice.net.publish(room, vec![7; GOSSIP_BYTES_MAX + 1]).await.expect_err("too long");
    assert!(matches!(error, NetError::TooLong { .. }), "{error}");
    let error = alice.net.publish(topic(9), vec![]).await.expect_err("not ours");
    assert!(matches!(error, NetError::NotSubscribed { .. }), "{error}");
    let error = alice.net.admit(topic(9), bob.peer()).await.expect_err("not ours");
    assert!(matches!(error, NetError::NotSubscribed { .. }), "{error}");
}
