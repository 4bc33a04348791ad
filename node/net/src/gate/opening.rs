//! The head of each gossip stream: which topic it is about, and in which session.

use std::{convert::Infallible, io, iter};

use futures::{AsyncReadExt as _, AsyncWriteExt as _, FutureExt as _, future::BoxFuture};
use libp2p::{
    Stream, StreamProtocol,
    core::upgrade::{InboundUpgrade, OutboundUpgrade, UpgradeInfo},
    swarm::handler::OutboundUpgradeSend,
};
use types::TopicId;

/// The protocol of gossip streams. It names no topic: that would tell everybody who asks.
const PROTOCOL: StreamProtocol = StreamProtocol::new("/anchorhold/gossip/1");

/// `topic 32 ‖ kind u8 ‖ session u64 BE`.
const SIZE: usize = 41;

/// What stands at the head of a stream, from the side that opened it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Opening {
    pub(crate) topic: TopicId,
    pub(crate) kind: Kind,
}

/// Who speaks, and in which session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The leader's stream of this session; begins it, if the follower was in another one.
    Lead(u64),
    /// The follower's stream of the session that the leader began.
    Follow(u64),
    /// The follower has no session and wants one. Nothing comes after.
    Knock,
}

impl Opening {
    fn encode(&self) -> [u8; SIZE] {
        let (kind, session) = match self.kind {
            Kind::Lead(session) => (1, session),
            Kind::Follow(session) => (2, session),
            Kind::Knock => (3, 0),
        };
        let mut bytes = [0; SIZE];
        let (topic, rest) = bytes.split_at_mut(32);
        let (first, number) = rest.split_at_mut(1);
        topic.copy_from_slice(self.topic.as_bytes());
        first.copy_from_slice(&[kind]);
        number.copy_from_slice(&session.to_be_bytes());
        bytes
    }

    /// `None` for an unknown kind, and for a knock with a number.
    fn decode(bytes: [u8; SIZE]) -> Option<Self> {
        let (topic, rest) = bytes.split_first_chunk::<32>()?;
        let (first, number) = rest.split_first_chunk::<1>()?;
        let kind = match (first, u64::from_be_bytes(number.try_into().ok()?)) {
            ([1], session) => Kind::Lead(session),
            ([2], session) => Kind::Follow(session),
            ([3], 0) => Kind::Knock,
            _ => return None,
        };
        Some(Self { topic: TopicId::from_bytes(*topic), kind })
    }
}

/// Takes a stream from the other side and reads its head, nothing more.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Listen;

impl UpgradeInfo for Listen {
    type Info = StreamProtocol;
    type InfoIter = iter::Once<StreamProtocol>;

    fn protocol_info(&self) -> Self::InfoIter {
        iter::once(PROTOCOL)
    }
}

impl InboundUpgrade<Stream> for Listen {
    type Output = (Opening, Stream);
    type Error = io::Error;
    type Future = BoxFuture<'static, io::Result<Self::Output>>;

    fn upgrade_inbound(self, mut stream: Stream, _: StreamProtocol) -> Self::Future {
        // Only admission keeps a connection alive, not a stream that somebody opened.
        stream.ignore_for_keep_alive();
        async move {
            let mut bytes = [0; SIZE];
            stream.read_exact(&mut bytes).await?;
            let unknown = || io::Error::new(io::ErrorKind::InvalidData, "unknown kind of stream");
            Ok((Opening::decode(bytes).ok_or_else(unknown)?, stream))
        }
        .boxed()
    }
}

/// Opens a stream to the other side, writes its head, and hands it to gossipsub's own upgrade, if
/// there is one.
pub(crate) struct Dial<Inner> {
    pub(crate) opening: Opening,
    pub(crate) inner: Option<Inner>,
}

impl<Inner> UpgradeInfo for Dial<Inner> {
    type Info = StreamProtocol;
    type InfoIter = iter::Once<StreamProtocol>;

    fn protocol_info(&self) -> Self::InfoIter {
        iter::once(PROTOCOL)
    }
}

impl<Inner> OutboundUpgrade<Stream> for Dial<Inner>
where
    Inner: OutboundUpgradeSend<Error = Infallible>,
{
    type Output = Option<Inner::Output>;
    type Error = io::Error;
    type Future = BoxFuture<'static, io::Result<Self::Output>>;

    fn upgrade_outbound(self, mut stream: Stream, _: StreamProtocol) -> Self::Future {
        stream.ignore_for_keep_alive();
        async move {
            stream.write_all(&self.opening.encode()).await?;
            let Some(inner) = self.inner else {
                stream.close().await?;
                return Ok(None);
            };
            stream.flush().await?;
            let info = inner.protocol_info().next();
            let info = info.ok_or_else(|| io::Error::other("gossipsub names no protocol"))?;
            let Ok(output) = inner.upgrade_outbound(stream, info).await;
            Ok(Some(output))
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn kinds() -> impl Strategy<Value = Kind> {
        prop_oneof![
            any::<u64>().prop_map(Kind::Lead),
            any::<u64>().prop_map(Kind::Follow),
            Just(Kind::Knock),
        ]
    }

    proptest! {
        #[test]
        fn a_head_is_read_as_written(topic: [u8; 32], kind in kinds()) {
            let opening = Opening { topic: TopicId::from_bytes(topic), kind };
            prop_assert_eq!(Opening::decode(opening.encode()), Some(opening));
        }

        #[test]
        fn arbitrary_heads_are_read_exactly_or_refused(topic: [u8; 32], kind: u8, number: u64) {
            let mut bytes = [0; SIZE];
            bytes[..32].copy_from_slice(&topic);
            bytes[32] = kind % 6;
            bytes[33..].copy_from_slice(&number.to_be_bytes());
            if let Some(opening) = Opening::decode(bytes) {
                prop_assert_eq!(opening.encode(), bytes);
            }
        }
    }
}
