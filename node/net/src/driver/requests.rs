//! Requests, ours and theirs: each counted, each ended by an answer, an error or time.

use futures::FutureExt as _;
use libp2p::{
    PeerId,
    request_response::{Event, Message, ResponseChannel},
};
use tokio::sync::oneshot;

use super::{Driver, finish};
use crate::{
    FRAME_BYTES_MAX, NetError, NetEvent, Peer, Reply,
    behaviour::REQUEST_TIMEOUT,
    frame::{Request, Response},
    handle::Answer,
};

/// Requests under way to all peers, and to one.
const ASKED_MAX: usize = 256;
const ASKED_PER_PEER_MAX: usize = 32;

/// Requests of all peers, and of one, that wait for our answer.
const ANSWERING_MAX: usize = 256;
const ANSWERING_PER_PEER_MAX: usize = 32;

impl Driver {
    pub(super) fn request(&mut self, peer: Peer, bytes: Vec<u8>, done: Answer<Vec<u8>>) {
        let id = peer.id();
        if !self.connections.contains_key(&id) {
            return finish(done, Err(NetError::NotConnected { peer }));
        }
        let with_peer = self.asked.values().filter(|(other, _)| *other == id).count();
        if self.asked.len() >= ASKED_MAX || with_peer >= ASKED_PER_PEER_MAX {
            return finish(done, Err(NetError::Busy { peer }));
        }
        let request = Request { bytes, budget: None };
        let number = self.swarm.behaviour_mut().requests.send_request(&id, request);
        self.asked.insert(number, (id, done));
    }

    pub(super) fn observe_request(&mut self, event: Event<Request, Response>) {
        match event {
            Event::Message { peer, message: Message::Request { request, channel, .. }, .. } => {
                self.requested(peer, request, channel);
            }
            Event::Message { message: Message::Response { request_id, response }, .. } => {
                if let Some((peer, done)) = self.asked.remove(&request_id) {
                    let peer = Peer::new(peer);
                    finish(
                        done,
                        match response {
                            Response::Answer(bytes) => Ok(bytes),
                            Response::Busy => Err(NetError::Busy { peer }),
                            Response::Refused => Err(NetError::Refused { peer }),
                        },
                    );
                }
            }
            Event::OutboundFailure { request_id, error, .. } => {
                if let Some((peer, done)) = self.asked.remove(&request_id) {
                    let (peer, source) = (Peer::new(peer), Box::new(error));
                    finish(done, Err(NetError::NoAnswer { peer, source }));
                }
            }
            Event::InboundFailure { peer, error, .. } => {
                tracing::debug!(%peer, %error, "could not answer");
            }
            Event::ResponseSent { .. } => {}
        }
    }

    fn requested(&mut self, peer: PeerId, request: Request, channel: ResponseChannel<Response>) {
        let Request { bytes, budget: Some(budget) } = request else {
            return tracing::error!("a request arrived without its budget");
        };
        let with_peer = self.answering_count.entry(peer).or_default();
        if self.answering.len() >= ANSWERING_MAX || *with_peer >= ANSWERING_PER_PEER_MAX {
            return self.respond(channel, Response::Busy);
        }
        *with_peer += 1;
        let (answer, answered) = oneshot::channel::<Vec<u8>>();
        self.answering.push(
            async move {
                // After this time the asker has given up.
                let response = match tokio::time::timeout(REQUEST_TIMEOUT, answered).await {
                    Ok(Ok(bytes)) if bytes.len() <= FRAME_BYTES_MAX => Response::Answer(bytes),
                    Ok(_) => Response::Refused,
                    Err(_) => Response::Busy,
                };
                (peer, channel, response)
            }
            .boxed(),
        );
        let reply = Reply::new(answer, budget);
        self.outbox.push_back(NetEvent::Request { peer: Peer::new(peer), bytes, reply });
    }

    pub(super) fn answered(
        &mut self,
        peer: &PeerId,
        channel: ResponseChannel<Response>,
        response: Response,
    ) {
        if let Some(count) = self.answering_count.get_mut(peer) {
            *count -= 1;
            if *count == 0 {
                self.answering_count.remove(peer);
            }
        }
        self.respond(channel, response);
    }

    fn respond(&mut self, channel: ResponseChannel<Response>, response: Response) {
        if self.swarm.behaviour_mut().requests.send_response(channel, response).is_err() {
            tracing::debug!("the asker is gone");
        }
    }
}
