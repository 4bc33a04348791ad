//! A replica of one record, and boundary nodes in front of it that lie at command.

use std::sync::{Arc, Mutex};

use candid::{CandidType, Encode};
use governance::log::Revision;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use url::Url;

use super::super::*;
use crate::{
    endpoint::now,
    forge::{self, Net, Tree, canister_state},
    proof::cbor::{self, Reader},
    wire::Blob,
};

const MINUTE_NS: u64 = 60 * 1_000_000_000;

/// How a boundary node lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lie {
    Nothing,
    /// Its certificates are ten minutes old.
    Stale,
    /// Its certificates are of ten minutes from now.
    Future,
    /// A byte of every subnet signature is another.
    ForgedSignature,
    /// Another subnet of the network certifies for the registry.
    OtherSubnet,
    /// The root subnet's word on that other subnet is by itself.
    ForgedDelegation,
    /// Another network's keys sign everything.
    OtherRoot,
    /// The certificate is of the registry's neighbour.
    OtherCanister,
    /// The witness has another head in it.
    TamperedWitness,
    /// The witness does not show the record.
    PrunedWitness,
    /// The witness says that there is no record.
    DeniedRecord,
    /// No certificate comes with the answer.
    NoCertificate,
    /// Its status says another network's root key.
    OtherStatus,
    /// The first revision is left out.
    OmittedRevision,
    /// A byte of a revision's payload is another.
    AlteredRevision,
    /// A revision is said to have happened a second later.
    MovedRevision,
    Html,
    Silence,
}

/// What the registry is.
#[derive(Clone, Debug)]
pub(super) struct World {
    pub(super) context: OnChainId,
    /// `None` for no record.
    pub(super) record: Option<Record>,
    pub(super) revisions: Vec<Revision>,
    pub(super) module_hash: Option<[u8; 32]>,
}

/// What the registry certifies.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record {
    pub(super) head: [u8; 32],
    pub(super) log_head: Hash,
    pub(super) times: [u8; 32],
}

/// A boundary node; ends when dropped.
pub(super) struct Boundary {
    pub(super) url: Url,
    lie: Arc<Mutex<Lie>>,
    _serving: JoinSet<()>,
}

impl Boundary {
    pub(super) async fn start(world: Arc<Mutex<World>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let lie = Arc::new(Mutex::new(Lie::Nothing));
        let known = Arc::clone(&lie);
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.expect("it listens");
                connections.spawn(serve(stream, Arc::clone(&world), Arc::clone(&known)));
            }
        });
        Self { url: url.parse().expect("an address"), lie, _serving: serving }
    }

    pub(super) fn lie(&self, lie: Lie) {
        *self.lie.lock().expect("not poisoned") = lie;
    }
}

async fn serve(mut stream: TcpStream, world: Arc<Mutex<World>>, lie: Arc<Mutex<Lie>>) {
    while let Some((path, body)) = read(&mut stream).await {
        let lie = *lie.lock().expect("not poisoned");
        let body = match lie {
            Lie::Silence => return std::future::pending().await,
            Lie::Html => b"<html>sign in</html>".to_vec(),
            lie => {
                let world = world.lock().expect("not poisoned").clone();
                answer(&world, lie, &path, &body)
            }
        };
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
        if stream.write_all(&[head.as_bytes(), &body].concat()).await.is_err() {
            return;
        }
    }
}

/// The next request's path and body; `None` once the other side hung up.
async fn read(stream: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
            let lower = head.to_lowercase();
            let length = lower.lines().find_map(|line| line.strip_prefix("content-length: "));
            let length: usize = length.map_or(Some(0), |length| length.trim().parse().ok())?;
            if bytes.len() >= end + 4 + length {
                let path = head.split(' ').nth(1)?.to_owned();
                return Some((path, bytes[end + 4..end + 4 + length].to_vec()));
            }
        }
        let mut some = [0; 4096];
        match stream.read(&mut some).await {
            Ok(count) if count > 0 => bytes.extend_from_slice(&some[..count]),
            _ => return None,
        }
    }
}

fn answer(world: &World, lie: Lie, path: &str, body: &[u8]) -> Vec<u8> {
    let net = Net::new();
    if path.ends_with("/status") {
        let other = matches!(lie, Lie::OtherStatus | Lie::OtherRoot);
        let key = if other { forge::bls_key(9).1 } else { *net.root.key() };
        return map(&[("root_key", &key.to_der())]);
    }
    let content = Request::read(body);
    let name = path.rsplit('/').next().expect("a last part");
    match name {
        "query" => {
            let arg = match content.method {
                "head" => head(world, lie, &net),
                "revisions" => revisions(world, lie, content.arg),
                other => panic!("nobody asks {other} here"),
            };
            let reply = map(&[("arg", &arg)]);
            let mut out = Vec::new();
            cbor::put_map(&mut out, 2);
            cbor::put_text(&mut out, "status");
            cbor::put_text(&mut out, "replied");
            cbor::put_text(&mut out, "reply");
            out.extend(reply);
            out
        }
        "read_state" => {
            let module = world.module_hash.map(|hash| ("module_hash", Tree::leaf(hash)));
            let fields = [("certified_data", Tree::leaf([0; 32]))].into_iter().chain(module);
            let state = canister_state(net.canister, time(lie), fields);
            map(&[("certificate", &certify(&net, lie, &state))])
        }
        other => panic!("there is no {other}"),
    }
}

/// What a request asks.
struct Request<'a> {
    method: &'a str,
    arg: &'a [u8],
}

impl<'a> Request<'a> {
    fn read(body: &'a [u8]) -> Self {
        let names = ["content", "sender_pubkey", "sender_sig", "sender_delegation"];
        let [content, ..] = Reader::described(body).fields(names).expect("an envelope");
        let names = [
            "method_name",
            "arg",
            "request_type",
            "nonce",
            "ingress_expiry",
            "sender",
            "canister_id",
            "paths",
        ];
        let fields = Reader::new(content.expect("one")).fields(names).expect("a request");
        let [method, arg, ..] = fields;
        Self {
            method: method.map_or("", |item| Reader::new(item).text().expect("text")),
            arg: arg.map_or(&[], |item| Reader::new(item).bytes().expect("bytes")),
        }
    }
}

#[derive(CandidType)]
struct Head {
    certificate: Option<Blob>,
    witness: Blob,
}

fn head(world: &World, lie: Lie, net: &Net) -> Vec<u8> {
    let context = *world.context.as_hash().as_bytes();
    let heads = |record: Option<Record>| {
        let folder = |leaf: Option<Vec<u8>>| {
            let others = [[0; 32], [0xff; 32]].map(|name| (name, Tree::leaf([0; 64])));
            let mut entries = others.to_vec();
            entries.splice(1..1, leaf.map(|leaf| (context, Tree::leaf(leaf))));
            Tree::folder(entries)
        };
        let head = record.map(|it| [&it.head[..], it.log_head.as_bytes()].concat());
        let times = record.map(|it| it.times.to_vec());
        Tree::folder([("head", folder(head)), ("times", folder(times))])
    };
    let tree = heads(world.record);
    let canister = match lie {
        Lie::OtherCanister => forge::canister(6),
        _ => net.canister,
    };
    let fields = [("certified_data", Tree::leaf(tree.digest()))];
    let state = canister_state(canister, time(lie), fields);
    let certificate = certify(net, lie, &state);
    let witness = match lie {
        Lie::TamperedWitness => {
            heads(Some(Record { head: [1; 32], log_head: Hash::ZERO, times: [0; 32] }))
        }
        Lie::DeniedRecord => heads(None),
        Lie::PrunedWitness => tree.pruned(),
        _ => tree,
    };
    let certificate = (lie != Lie::NoCertificate).then_some(Blob(certificate));
    Encode!(&Head { certificate, witness: Blob(witness.encode()) }).expect("a form")
}

#[derive(CandidType)]
struct Revisions {
    revisions: Vec<View>,
}

#[derive(CandidType)]
struct View {
    rev: u64,
    kind: u8,
    time_ns: u64,
    payload: Blob,
    log_head: Blob,
}

fn revisions(world: &World, lie: Lie, arg: &[u8]) -> Vec<u8> {
    let (_, after, limit): (Blob, u64, u32) =
        candid::decode_args(arg).expect("the arguments of the interface");
    let later = world.revisions.iter().filter(|revision| revision.rev > after);
    let views = later.take(limit.min(64) as usize).map(|revision| View {
        rev: revision.rev,
        kind: revision.kind,
        time_ns: revision.block.time_s * 1_000_000_000,
        payload: Blob(revision.payload.clone()),
        log_head: Blob(revision.log_head.as_bytes().to_vec()),
    });
    let mut revisions: Vec<View> = views.collect();
    match lie {
        Lie::OmittedRevision => drop(revisions.remove(0)),
        Lie::AlteredRevision => revisions[0].payload.0[0] ^= 1,
        Lie::MovedRevision => revisions[0].time_ns += 1_000_000_000,
        _ => {}
    }
    Encode!(&Revisions { revisions }).expect("a form")
}

fn certify(net: &Net, lie: Lie, state: &Tree) -> Vec<u8> {
    match lie {
        Lie::ForgedSignature => {
            let mut certificate = net.certify(state);
            let place = certificate.windows(9).position(|window| window == b"signature");
            // The signature's last byte: a name, a head of two bytes, 48 bytes.
            certificate[place.expect("it is signed") + 9 + 2 + 47] ^= 1;
            certificate
        }
        Lie::OtherSubnet => net.certify_elsewhere(state, true),
        Lie::ForgedDelegation => net.certify_elsewhere(state, false),
        Lie::OtherRoot => forge::sign(&forge::bls_key(9).0, state, None),
        _ => net.certify(state),
    }
}

fn time(lie: Lie) -> u64 {
    match lie {
        Lie::Stale => now().0 - 10 * MINUTE_NS,
        Lie::Future => now().0 + 10 * MINUTE_NS,
        _ => now().0,
    }
}

/// A map of byte strings.
fn map(fields: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = cbor::SELF_DESCRIBED.to_vec();
    cbor::put_map(&mut out, fields.len());
    for (name, value) in fields {
        cbor::put_text(&mut out, name);
        cbor::put_bytes(&mut out, value);
    }
    out
}
