//! The request protocol: one length-prefixed frame each way on a stream of its own.
//!
//! Request: `length u32 BE ‖ bytes`. Response: `outcome u8 ‖ length u32 BE ‖ bytes`, where a busy
//! or refused outcome has no bytes. Bytes are opaque here.

use std::{io, sync::Arc};

use futures::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use libp2p::{StreamProtocol, request_response::Codec};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Most bytes in one request or answer: a delta's payload (4 MiB) with its seal, twice over.
pub const FRAME_BYTES_MAX: usize = 8 << 20;

/// The one request protocol that nodes speak.
pub(crate) const PROTOCOL: StreamProtocol = StreamProtocol::new("/anchorhold/1");

/// Bytes of requests from all peers that may be in memory at once: eight of the largest.
const INBOUND_BYTES_MAX: usize = 8 * FRAME_BYTES_MAX;

/// Bytes of answers that may be in memory at once while they are read; apart from the requests,
/// so that those who ask cannot starve what we asked for.
const ANSWERED_BYTES_MAX: usize = 8 * FRAME_BYTES_MAX;

/// The budgets are counted in KiB, because permits are `u32`.
const BUDGET_UNIT_BYTES: usize = 1024;

/// A request as it goes over the wire, with its share of the inbound budget on arrival.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) bytes: Vec<u8>,
    pub(crate) budget: Option<OwnedSemaphorePermit>,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Response {
    Answer(Vec<u8>),
    /// Too much in flight; the same request may succeed later.
    Busy,
    /// Nobody wanted to answer.
    Refused,
}

/// Reads and writes the frames. Clones share the two budgets.
#[derive(Clone, Debug)]
pub(crate) struct Frames {
    inbound: Arc<Semaphore>,
    answered: Arc<Semaphore>,
}

impl Default for Frames {
    fn default() -> Self {
        Self {
            inbound: Arc::new(Semaphore::new(INBOUND_BYTES_MAX / BUDGET_UNIT_BYTES)),
            answered: Arc::new(Semaphore::new(ANSWERED_BYTES_MAX / BUDGET_UNIT_BYTES)),
        }
    }
}

impl Codec for Frames {
    type Protocol = StreamProtocol;
    type Request = Request;
    type Response = Response;

    async fn read_request<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Request>
    where
        T: AsyncRead + Unpin + Send,
    {
        let (bytes, budget) = read(io, &self.inbound).await?;
        Ok(Request { bytes, budget: Some(budget) })
    }

    async fn read_response<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Response>
    where
        T: AsyncRead + Unpin + Send,
    {
        let mut outcome = [0];
        io.read_exact(&mut outcome).await?;
        match outcome {
            [0] => read(io, &self.answered).await.map(|(bytes, _)| Response::Answer(bytes)),
            [1] => Ok(Response::Busy),
            [2] => Ok(Response::Refused),
            [other] => Err(invalid(format!("unknown outcome {other}"))),
        }
    }

    async fn write_request<T>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        request: Request,
    ) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        write(io, &request.bytes).await
    }

    async fn write_response<T>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        response: Response,
    ) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        match response {
            Response::Answer(bytes) => {
                io.write_all(&[0]).await?;
                write(io, &bytes).await
            }
            Response::Busy => io.write_all(&[1]).await,
            Response::Refused => io.write_all(&[2]).await,
        }
    }
}

/// Reads one frame; holds back until its whole size fits into `budget`, so that frames that are
/// being read never wait for each other. The stream's timeout ends a peer that claims and stalls.
async fn read<T>(io: &mut T, budget: &Arc<Semaphore>) -> io::Result<(Vec<u8>, OwnedSemaphorePermit)>
where
    T: AsyncRead + Unpin + Send,
{
    let mut length = [0; 4];
    io.read_exact(&mut length).await?;
    let length = usize::try_from(u32::from_be_bytes(length)).map_err(invalid)?;
    if length > FRAME_BYTES_MAX {
        return Err(invalid(format!("a frame of {length} bytes, at most {FRAME_BYTES_MAX}")));
    }
    let units = u32::try_from(length.div_ceil(BUDGET_UNIT_BYTES)).map_err(invalid)?;
    let share = Arc::clone(budget).acquire_many_owned(units).await.map_err(io::Error::other)?;
    let mut bytes = Vec::new();
    // Grows with what really arrives, not with what was claimed.
    let read = io.take(u64::try_from(length).map_err(invalid)?).read_to_end(&mut bytes).await?;
    if read == length {
        Ok((bytes, share))
    } else {
        Err(io::Error::new(io::ErrorKind::UnexpectedEof, format!("{read} of {length} bytes")))
    }
}

async fn write<T>(io: &mut T, bytes: &[u8]) -> io::Result<()>
where
    T: AsyncWrite + Unpin + Send,
{
    if bytes.len() > FRAME_BYTES_MAX {
        return Err(invalid(format!("{} bytes, at most {FRAME_BYTES_MAX}", bytes.len())));
    }
    let length = u32::try_from(bytes.len()).map_err(invalid)?;
    io.write_all(&length.to_be_bytes()).await?;
    io.write_all(bytes).await
}

fn invalid(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, cause)
}

#[cfg(test)]
mod tests {
    use futures::{executor::block_on, io::Cursor};
    use proptest::prelude::*;

    use super::*;

    fn read_request(bytes: &[u8]) -> io::Result<Vec<u8>> {
        let frame = Frames::default().read_request(&PROTOCOL, &mut Cursor::new(bytes)).now();
        frame.map(|request| request.bytes)
    }

    fn read_response(bytes: &[u8]) -> io::Result<Response> {
        Frames::default().read_response(&PROTOCOL, &mut Cursor::new(bytes)).now()
    }

    fn written(response: Response) -> io::Result<Vec<u8>> {
        let mut out = Cursor::new(Vec::new());
        Frames::default().write_response(&PROTOCOL, &mut out, response).now()?;
        Ok(out.into_inner())
    }

    trait Now: Future + Sized {
        fn now(self) -> Self::Output {
            block_on(self)
        }
    }
    impl<F: Future> Now for F {}

    #[test]
    fn too_long_a_frame_is_an_error_before_its_bytes() {
        let claim = u32::try_from(FRAME_BYTES_MAX + 1).expect("fits").to_be_bytes();
        let error = read_request(&claim).expect_err("one byte too many");
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        let error = written(Response::Answer(vec![0; FRAME_BYTES_MAX + 1])).expect_err("too many");
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn the_longest_frame_arrives_whole() {
        let longest = Response::Answer(vec![7; FRAME_BYTES_MAX]);
        let bytes = written(longest.clone()).expect("written");
        assert_eq!(read_response(&bytes).expect("read"), longest);
    }

    #[test]
    fn a_truncated_frame_is_an_error() {
        for bytes in [&[][..], &[0, 0], &[0, 0, 0, 2, 9]] {
            let error = read_request(bytes).expect_err("cut off");
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "{bytes:?}");
        }
    }

    #[test]
    fn a_frame_gives_its_budget_back() {
        let frames = Frames::default();
        let all = frames.inbound.available_permits();
        let mut bytes = 3000_u32.to_be_bytes().to_vec();
        bytes.resize(3004, 1);
        let request = frames.clone().read_request(&PROTOCOL, &mut Cursor::new(&bytes)).now();
        assert_eq!(frames.inbound.available_permits(), all - 3);
        drop(request);
        assert_eq!(frames.inbound.available_permits(), all);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(bytes in prop::collection::vec(any::<u8>(), 0..5000)) {
            let mut out = Cursor::new(Vec::new());
            let request = Request { bytes: bytes.clone(), budget: None };
            Frames::default().write_request(&PROTOCOL, &mut out, request).now().expect("written");
            prop_assert_eq!(read_request(out.get_ref()).expect("read"), bytes.clone());
            for response in [Response::Answer(bytes), Response::Busy, Response::Refused] {
                let wire = written(response.clone()).expect("written");
                prop_assert_eq!(read_response(&wire).expect("read"), response);
            }
        }

        #[test]
        fn arbitrary_bytes_are_a_frame_or_an_error(
            bytes in prop::collection::vec(any::<u8>(), 0..300),
        ) {
            if let Ok(frame) = read_request(&bytes) {
                prop_assert_eq!(&frame[..], &bytes[4..4 + frame.len()]);
            }
            if let Ok(response) = read_response(&bytes) {
                let wire = written(response).expect("what was read can be written");
                prop_assert_eq!(&wire[..], &bytes[..wire.len()]);
            }
        }
    }
}
