//! Requests and answers.

use std::ops::ControlFlow::{Break, Continue};

use anchorhold_net::{FRAME_BYTES_MAX, NetError, NetEvent, Reply};
use futures::future::join_all;

use crate::nodes::Node;

async fn pair(first: u8, second: u8) -> (Node, Node) {
    let mut alice = Node::start(first).await;
    let mut bob = Node::start(second).await;
    alice.meet(&mut bob).await;
    (alice, bob)
}

async fn request(node: &mut Node) -> (Vec<u8>, Reply) {
    node.until("request", |event| match event {
        NetEvent::Request { bytes, reply, .. } => Break((bytes, reply)),
        other => Continue(other),
    })
    .await
}

#[tokio::test]
async fn the_largest_request_has_the_largest_answer() {
    let (alice, mut bob) = pair(30, 31).await;
    let bytes = vec![1; FRAME_BYTES_MAX];
    let answering = async {
        let (bytes, reply) = request(&mut bob).await;
        assert!(bytes == vec![1; FRAME_BYTES_MAX]);
        reply.answer(vec![2; FRAME_BYTES_MAX]);
        bob.peer()
    };
    let peer = alice.net.peers().await.expect("running")[0].peer;
    let (answer, _) = tokio::join!(alice.net.request(peer, bytes), answering);
    assert!(answer.expect("an answer") == vec![2; FRAME_BYTES_MAX]);
}

#[tokio::test]
async fn quic_carries_requests_too() {
    let mut alice = Node::start(32).await;
    let mut bob = Node::start(33).await;
    alice.net.dial(bob.quic()).await.expect("dialling");
    alice.connected(bob.peer()).await;
    bob.connected(alice.peer()).await;
    alice.asks(&mut bob).await;
    bob.asks(&mut alice).await;
}

#[tokio::test]
async fn a_dropped_reply_refuses() {
    let (alice, mut bob) = pair(34, 35).await;
    let peer = bob.peer();
    let refusing = async { drop(request(&mut bob).await) };
    let (answer, ()) = tokio::join!(alice.net.request(peer, vec![1]), refusing);
    assert!(matches!(answer, Err(NetError::Refused { .. })), "{answer:?}");
}

#[tokio::test]
async fn too_long_an_answer_refuses() {
    let (alice, mut bob) = pair(36, 37).await;
    let peer = bob.peer();
    let answering = async { request(&mut bob).await.1.answer(vec![0; FRAME_BYTES_MAX + 1]) };
    let (answer, ()) = tokio::join!(alice.net.request(peer, vec![1]), answering);
    assert!(matches!(answer, Err(NetError::Refused { .. })), "{answer:?}");
}

#[tokio::test]
async fn what_cannot_be_asked_is_an_error_at_once() {
    let (alice, bob) = pair(38, 39).await;
    let long = alice.net.request(bob.peer(), vec![0; FRAME_BYTES_MAX + 1]).await;
    assert!(matches!(long, Err(NetError::TooLong { .. })), "{long:?}");
    let unknown = anchorhold_net::Peer::of_seed(&[99; 32]);
    let nobody = alice.net.request(unknown, vec![]).await;
    assert!(matches!(nobody, Err(NetError::NotConnected { .. })), "{nobody:?}");
}

#[tokio::test]
async fn a_lost_connection_ends_what_was_asked() {
    let (alice, mut bob) = pair(40, 41).await;
    let peer = bob.peer();
    let leaving = async {
        let (_, reply) = request(&mut bob).await;
        bob.net.stop().await;
        drop(reply);
    };
    let (answer, ()) = tokio::join!(alice.net.request(peer, vec![1]), leaving);
    assert!(matches!(answer, Err(NetError::NoAnswer { .. })), "{answer:?}");
}

#[tokio::test]
async fn more_requests_than_may_be_under_way_are_busy() {
    let (alice, mut bob) = pair(42, 43).await;
    let peer = bob.peer();
    let asking = (0..100_u8).map(|n| {
        let net = alice.net.clone();
        async move { net.request(peer, vec![n]).await }
    });
    let (stop, mut stopped) = tokio::sync::oneshot::channel();
    let asking = async {
        let answers = join_all(asking).await;
        stop.send(()).expect("bob still answers");
        answers
    };
    let answering = async {
        loop {
            tokio::select! {
                (bytes, reply) = request(&mut bob) => reply.answer(bytes),
                _ = &mut stopped => break,
            }
        }
    };
    let (answers, ()) = tokio::join!(asking, answering);
    let busy = answers.iter().filter(|answer| matches!(answer, Err(NetError::Busy { .. })));
    let busy = busy.count();
    assert!((50..100).contains(&busy), "{busy} of 100 were busy");
    for (n, answer) in answers.iter().enumerate() {
        match answer {
            Ok(bytes) => assert_eq!(usize::from(bytes[0]), n),
            Err(error) => assert!(matches!(error, NetError::Busy { .. }), "{error}"),
        }
    }
}
