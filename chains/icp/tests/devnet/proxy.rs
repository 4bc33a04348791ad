//! A boundary node that passes requests on to a replica, and lies at command about the answers.

use std::sync::{Arc, Mutex};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use url::Url;

/// How it lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Lie {
    Nothing,
    /// A byte of every subnet's signature is another.
    Forged,
    /// These bytes are not what they were, wherever they come.
    Altered(Vec<u8>),
    /// It takes requests, and passes none on.
    Silence,
}

/// A running boundary node; ends when dropped.
pub(crate) struct Proxy {
    pub(crate) url: Url,
    lie: Arc<Mutex<Lie>>,
    _serving: JoinSet<()>,
}

impl Proxy {
    pub(crate) async fn start(to: &Url) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let lie = Arc::new(Mutex::new(Lie::Nothing));
        let (known, port) = (Arc::clone(&lie), to.port().expect("a port"));
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.expect("it listens");
                connections.spawn(serve(stream, port, Arc::clone(&known)));
            }
        });
        Self { url: url.parse().expect("an address"), lie, _serving: serving }
    }

    pub(crate) fn lie(&self, lie: Lie) {
        *self.lie.lock().expect("not poisoned") = lie;
    }
}

async fn serve(mut client: TcpStream, port: u16, lie: Arc<Mutex<Lie>>) {
    while let Some(request) = message(&mut client).await {
        let lie = lie.lock().expect("not poisoned").clone();
        if lie == Lie::Silence {
            return std::future::pending().await;
        }
        let mut replica = TcpStream::connect(("127.0.0.1", port)).await.expect("it listens");
        replica.write_all(&request).await.expect("it reads");
        let Some(mut answer) = message(&mut replica).await else { return };
        match lie {
            Lie::Nothing | Lie::Silence => {}
            // A name, a head of two bytes, 48 bytes of which the last is changed.
            Lie::Forged => flip(&mut answer, b"signature\x58\x30", 9 + 2 + 47),
            Lie::Altered(bytes) => flip(&mut answer, &bytes, 0),
        }
        if client.write_all(&answer).await.is_err() {
            return;
        }
    }
}

/// Changes the byte at `offset` after every beginning of `pattern`.
fn flip(bytes: &mut [u8], pattern: &[u8], offset: usize) {
    let places = bytes.windows(pattern.len()).enumerate();
    let places = places.filter(|(_, window)| *window == pattern).map(|(place, _)| place + offset);
    for place in places.collect::<Vec<_>>() {
        bytes[place] ^= 1;
    }
}

/// The next request or answer, head and body; `None` once the other side hung up.
async fn message(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            let length: usize = length.map_or(Some(0), |length| length.trim().parse().ok())?;
            if bytes.len() >= end + 4 + length {
                bytes.truncate(end + 4 + length);
                return Some(bytes);
            }
        }
        let mut some = [0; 65536];
        match stream.read(&mut some).await {
            Ok(count) if count > 0 => bytes.extend_from_slice(&some[..count]),
            _ => return None,
        }
    }
}
