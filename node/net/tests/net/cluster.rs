//! Small clusters, with restarts.

use std::error::Error as _;

use anchorhold_net::{Discovery, NetConfig, NetError, Verdict};

use crate::nodes::{Node, config, topic};

#[tokio::test]
async fn a_taken_port_is_one_clear_error() {
    let alice = Node::start(50).await;
    for taken in [alice.tcp(), alice.quic()] {
        let place = taken.to_string();
        let (place, _) = place.split_once("/p2p/").expect("named");
        let listen = vec![place.parse().expect("an address")];
        let error = Node::with(NetConfig { listen, ..config(51) }).await.err().expect("taken");
        assert_eq!(error.to_string(), format!("cannot listen on {place}"));
        let cause = error.source().expect("the system says why").to_string();
        assert!(cause.contains("in use"), "{cause}");
    }
}

#[tokio::test]
async fn an_address_of_another_kind_is_one_clear_error() {
    let listen = vec!["/dns4/localhost/tcp/0/ws".parse().expect("an address")];
    let error = Node::with(NetConfig { listen, ..config(52) }).await.err().expect("unsupported");
    assert!(matches!(error, NetError::Listen { .. }), "{error}");
}

#[tokio::test]
async fn a_stopped_node_frees_its_port_and_answers_no_more() {
    let alice = Node::start(53).await;
    let place = alice.tcp().to_string();
    let (place, _) = place.split_once("/p2p/").expect("named");
    alice.net.stop().await;
    alice.net.stop().await;
    assert!(matches!(alice.net.peers().await, Err(NetError::Stopped)));
    let listen = vec![place.parse().expect("an address")];
    Node::with(NetConfig { listen, ..config(53) }).await.expect("the port is free");
}

#[tokio::test]
async fn gossip_flows_over_quic_alone() {
    let listen = vec!["/ip4/127.0.0.1/udp/0/quic-v1".parse().expect("an address")];
    let mut alice = Node::with(NetConfig { listen, ..config(68) }).await.expect("started");
    let bootstrap = vec![alice.quic()];
    let mut bob =
        Node::with(NetConfig { bootstrap, listen: vec![], ..config(69) }).await.expect("started");
    let room = topic(1);
    for node in [&alice, &bob] {
        node.net.subscribe(room).await.expect("room");
    }
    alice.connected(bob.peer()).await;
    bob.connected(alice.peer()).await;
    alice.admit_each_other(&mut bob, room).await;
    alice.reaches(&mut bob, room, b"alice").await;
    bob.reaches(&mut alice, room, b"bob").await;
}

#[tokio::test]
async fn simultaneous_dials_end_in_gossip_both_ways() {
    let mut alice = Node::start(54).await;
    let mut bob = Node::start(55).await;
    let room = topic(1);
    for node in [&alice, &bob] {
        node.net.subscribe(room).await.expect("room");
    }
    alice.net.admit(room, bob.peer()).await.expect("admitted");
    bob.net.admit(room, alice.peer()).await.expect("admitted");
    let (to_bob, to_alice) = (alice.net.dial(bob.tcp()), bob.net.dial(alice.tcp()));
    let (first, second) = tokio::join!(to_bob, to_alice);
    first.and(second).expect("dialling");
    alice.connected(bob.peer()).await;
    bob.connected(alice.peer()).await;
    alice.reaches(&mut bob, room, b"alice").await;
    bob.reaches(&mut alice, room, b"bob").await;
}

#[tokio::test]
async fn a_broken_connection_is_dialled_again_and_gossip_goes_on() {
    let mut alice = Node::start(56).await;
    let mut bob = Node::start(57).await;
    let room = topic(1);
    for node in [&alice, &bob] {
        node.net.subscribe(room).await.expect("room");
    }
    alice.meet(&mut bob).await;
    alice.admit_each_other(&mut bob, room).await;
    for round in 0..3_u8 {
        bob.net.disconnect(alice.peer()).await.expect("running");
        alice.disconnected(bob.peer()).await;
        bob.disconnected(alice.peer()).await;
        alice.connected(bob.peer()).await;
        bob.connected(alice.peer()).await;
        alice.reaches(&mut bob, room, &[1, round]).await;
        bob.reaches(&mut alice, room, &[2, round]).await;
    }
}

#[tokio::test]
async fn a_node_that_restarts_on_another_port_is_back_both_ways() {
    let mut alice = Node::start(58).await;
    let mut bob = Node::start(59).await;
    let room = topic(1);
    for node in [&alice, &bob] {
        node.net.subscribe(room).await.expect("room");
    }
    alice.meet(&mut bob).await;
    alice.admit_each_other(&mut bob, room).await;
    bob.net.stop().await;
    alice.disconnected(bob.peer()).await;
    let mut bob = Node::start_knowing(59, &[&alice]).await;
    bob.net.subscribe(room).await.expect("room");
    // Alice never heard of the restart, and still admits bob; bob asks first, as after any start.
    alice.connected(bob.peer()).await;
    bob.connected(alice.peer()).await;
    bob.asks(&mut alice).await;
    bob.net.admit(room, alice.peer()).await.expect("admitted");
    alice.reaches(&mut bob, room, b"alice").await;
    bob.reaches(&mut alice, room, b"bob").await;
}

#[tokio::test]
async fn a_peer_that_comes_up_later_is_found() {
    let alice = Node::start(60).await;
    let place = alice.tcp();
    let peer = alice.peer();
    alice.net.stop().await;
    let mut bob = Node::with(NetConfig { bootstrap: vec![place.clone()], ..config(61) })
        .await
        .expect("started");
    let place = place.to_string();
    let (place, _) = place.split_once("/p2p/").expect("named");
    let listen = vec![place.parse().expect("an address")];
    let mut alice = Node::with(NetConfig { listen, ..config(60) }).await.expect("started");
    bob.connected(peer).await;
    alice.connected(bob.peer()).await;
}

#[tokio::test]
async fn a_nameless_bootstrap_address_is_dialled() {
    let mut alice = Node::start(62).await;
    let place = alice.tcp().to_string();
    let (place, _) = place.split_once("/p2p/").expect("named");
    let bootstrap = vec![place.parse().expect("an address")];
    let mut bob = Node::with(NetConfig { bootstrap, ..config(63) }).await.expect("started");
    bob.connected(alice.peer()).await;
    alice.connected(bob.peer()).await;
}

#[tokio::test]
async fn a_host_name_is_looked_up_and_dialled() {
    let mut alice = Node::start(65).await;
    let place = alice.tcp().to_string().replace("/ip4/127.0.0.1/", "/dns4/localhost/");
    let (nameless, _) = place.split_once("/p2p/").expect("named");
    for (n, place) in [(66, place.as_str()), (67, nameless)] {
        let bootstrap = vec![place.parse().expect("an address")];
        let mut bob = Node::with(NetConfig { bootstrap, ..config(n) }).await.expect("started");
        bob.connected(alice.peer()).await;
        alice.connected(bob.peer()).await;
    }
}

#[tokio::test]
async fn a_node_that_bootstraps_from_itself_just_runs() {
    let place = "/ip4/127.0.0.1/tcp/0".parse().expect("an address");
    let me = anchorhold_net::Peer::of_seed(&[64; 32]);
    let itself: anchorhold_net::Address = place;
    let bootstrap = vec![itself.with_peer(me)];
    let alice = Node::with(NetConfig { bootstrap, ..config(64) }).await.expect("started");
    assert!(alice.net.peers().await.expect("running").is_empty());
}

/// Whatever happens between two nodes, once they are connected and admit each other they hear
/// each other. The steps are those of a fixed seed each.
#[tokio::test]
async fn any_history_ends_in_gossip_both_ways() {
    for seed in 0..5_u8 {
        let mut alice = Node::start(80).await;
        let mut bob = Node::start(81).await;
        let room = topic(1);
        for node in [&alice, &bob] {
            node.net.subscribe(room).await.expect("room");
        }
        let (to_bob, to_alice) = (alice.net.dial(bob.tcp()), bob.net.dial(alice.tcp()));
        let (first, second) = tokio::join!(to_bob, to_alice);
        first.and(second).expect("dialling");
        alice.connected(bob.peer()).await;
        bob.connected(alice.peer()).await;
        let mut disconnections = 0;
        for step in 0..60_u8 {
            let random = types::Hash::of(&[seed, step]);
            let (one, other) =
                if random.as_bytes()[0] < 128 { (&mut alice, &bob) } else { (&mut bob, &alice) };
            match random.as_bytes()[1] % 16 {
                0..5 => one.net.admit(room, other.peer()).await.expect("admitted"),
                5..9 => one.net.expel(room, other.peer()).await.expect("running"),
                9 if disconnections < 2 => {
                    disconnections += 1;
                    one.net.disconnect(other.peer()).await.expect("running");
                }
                9..12 => {
                    one.net.unsubscribe(room).await.expect("running");
                    one.net.subscribe(room).await.expect("room");
                }
                // Gives the streams time to cross in all manners.
                12 | 13 => drop(one.net.peers().await.and(other.net.peers().await)),
                _ => drop(one.net.publish(room, vec![seed, step]).await),
            }
        }
        alice.net.admit(room, bob.peer()).await.expect("admitted");
        bob.net.admit(room, alice.peer()).await.expect("admitted");
        alice.reaches(&mut bob, room, b"alice").await;
        bob.reaches(&mut alice, room, b"bob").await;
    }
}

#[tokio::test]
async fn a_node_whose_events_nobody_reads_still_obeys() {
    let mut alice = Node::start(82).await;
    let mut bob = Node::start(83).await;
    let room = topic(1);
    for node in [&alice, &bob] {
        node.net.subscribe(room).await.expect("room");
    }
    alice.meet(&mut bob).await;
    alice.admit_each_other(&mut bob, room).await;
    let mut sent = 0_u32;
    // More than all queues hold, until alice's own is full because bob does not take them.
    while sent < 20_000 {
        match alice.net.publish(room, [&sent.to_be_bytes()[..], &[0; 4096]].concat()).await {
            Ok(_) => sent += 1,
            Err(NetError::Full { .. }) => break,
            Err(error) => panic!("{error}"),
        }
    }
    assert!(sent < 20_000, "alice's queue has no bound");
    assert_eq!(bob.net.peers().await.expect("running").len(), 1);
    bob.net.expel(room, alice.peer()).await.expect("running");
    // Once they are read, all goes on.
    bob.gossip(room).await;
    bob.asks(&mut alice).await;
}

#[tokio::test]
async fn discovery_is_never_a_reason_not_to_start() {
    let discovery = Discovery::LocalNetwork;
    let alice = Node::with(NetConfig { discovery, ..config(84) }).await.expect("started");
    assert!(alice.net.listen_addresses().await.expect("running").len() >= 2);
}

/// A star of eight whose centre restarts, with everybody admitted by everybody.
#[tokio::test]
async fn eight_nodes_around_one_that_restarts_hear_each_other() {
    let room = topic(1);
    let mut centre = Node::start(70).await;
    centre.net.subscribe(room).await.expect("room");
    let mut others = vec![];
    for n in 71..78 {
        let mut node = Node::start_knowing(n, &[&centre]).await;
        node.net.subscribe(room).await.expect("room");
        node.net.admit(room, centre.peer()).await.expect("admitted");
        centre.net.admit(room, node.peer()).await.expect("admitted");
        node.joined(room, centre.peer()).await;
        centre.joined(room, node.peer()).await;
        others.push(node);
    }
    all_hear(&mut centre, &mut others, b"one").await;
    let place = centre.tcp().to_string();
    let (place, _) = place.split_once("/p2p/").expect("named");
    let listen = vec![place.parse().expect("an address")];
    centre.net.stop().await;
    let mut centre = Node::with(NetConfig { listen, ..config(70) }).await.expect("started");
    centre.net.subscribe(room).await.expect("room");
    for node in &mut others {
        centre.net.admit(room, node.peer()).await.expect("admitted");
    }
    for node in &mut others {
        node.joined(room, centre.peer()).await;
        centre.joined(room, node.peer()).await;
    }
    all_hear(&mut centre, &mut others, b"two").await;
}

/// What one of `others` says reaches all the others through `centre`, which accepts it.
async fn all_hear(centre: &mut Node, others: &mut [Node], said: &[u8]) {
    let room = topic(1);
    let (speaker, listeners) = others.split_first_mut().expect("others");
    speaker.reaches(centre, room, said).await;
    // One more, for sure on a settled session with the centre.
    let settled = [said, b" settled"].concat();
    speaker.net.publish(room, settled.clone()).await.expect("the centre listens");
    loop {
        let (bytes, id) = centre.gossip(room).await;
        centre.net.judge(room, id, Verdict::Accept).await.expect("running");
        if bytes == settled {
            break;
        }
    }
    for node in listeners {
        while node.gossip(room).await.0 != settled {}
    }
}
