//! A chain of three blocks, and an endpoint that tells it: before, with one record, and after.

use anchorhold_starknet::{
    felt::{Felt, parse_hex, starknet_keccak, to_hex},
    hash::FeltHash,
    proof::{ContractState, GasPrice, HashRule, Header, Node, Since0_13_2, root_of_list},
};
use governance::anchor::{Account, Head, OnChainId, Registry, Status, log_head};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use types::{AccountId, Hash};
use url::Url;

pub(crate) const REGISTRY: &str =
    "starknet:SN_MAIN:0x00000000000000000000000000000000000000000000000000000000000a11ce";
const ADDRESS: &str = "0xa11ce";
const KIND: u8 = 0x10;

/// How an endpoint differs from an honest one of JSON-RPC 0.10.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lie {
    Nothing,
    /// A node of the storage's trie is another.
    ForgedNode,
    /// The contract's leaf is made of other parts.
    OtherLeaf,
    /// The tries have other roots.
    OtherRoots,
    /// Headers have another state, and the hash of the true one.
    OtherState,
    /// The revision is told of the next block.
    MovedEvent,
    /// Headers have no commitments; no lie, but older.
    OldVersion,
    /// The newest block on L1 has no name, and is this one; no lie, but older.
    NoTag {
        on_l1: u64,
    },
    /// No block is on L1.
    NoneOnL1,
}

/// What is true.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) context: OnChainId,
    pub(crate) head: Head,
    pub(crate) log_head: Hash,
    blocks: Vec<Value>,
    events: Vec<Value>,
    proof: Value,
    words: [Felt; 4],
}

/// A running endpoint; ends when dropped.
pub(crate) struct Endpoint {
    pub(crate) url: Url,
    _serving: JoinSet<()>,
}

fn felt(number: u64) -> Felt {
    Felt::from(number)
}

fn bytes(felt: &Felt) -> Hash {
    Hash::from_bytes(felt.to_bytes_be())
}

fn halves(bytes: &[u8; 32]) -> [Felt; 2] {
    let half = |range: core::ops::Range<usize>| Felt::from_bytes_be_slice(&bytes[range]);
    [half(0..16), half(16..32)]
}

/// As `contracts/README.md` says where a record lies.
fn base(context: &OnChainId) -> Felt {
    let [high, low] = halves(context.as_hash().as_bytes());
    let path = [high, low, starknet_keccak(b"anchor")];
    let bound = "0x7ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff00";
    let base = path
        .iter()
        .fold(starknet_keccak(b"records"), |at, step| FeltHash::Pedersen.pair(&at, step));
    assert!(base < parse_hex(bound).expect("a felt"), "one in 2^243 is not");
    base
}

/// Contexts whose words are four leaves below one node, which makes their trie short.
fn contexts() -> impl Iterator<Item = OnChainId> {
    let all = (1..=255).map(|byte| OnChainId::new(Hash::from_bytes([byte; 32])));
    all.filter(|context| base(context).to_bytes_be()[31].is_multiple_of(4))
}

impl World {
    pub(crate) fn new() -> Self {
        let context = contexts().next().expect("one in four");
        let id: AccountId = REGISTRY.parse().expect("legal");
        let account = Account::from_id(&id).expect("an account");
        let registry = Registry { chain: id.chain(), account };
        let payload = [7; 32];
        let log_head = log_head(&registry.log_start(&context), 1, KIND, &payload);
        let head = Head {
            rev: 1,
            seats_epoch: 1,
            seq: 0,
            threshold: 1,
            admins: 1,
            status: Status::Active,
            flags: 0,
            active: 1,
        };
        let words: [Felt; 4] = [halves(&head.pack()), halves(log_head.as_bytes())]
            .concat()
            .try_into()
            .expect("four words");
        let (state_root, proof) = proof(&base(&context), &words);
        let own = event(ADDRESS, &keys(&context), &data(&payload, &log_head));
        let foreign = |number| event(&to_hex(&felt(number)), &[felt(1)], &[felt(2)]);
        let in_block = [vec![], vec![foreign(11), own], vec![foreign(12)]];
        let (mut blocks, mut events, mut parent) = (Vec::new(), Vec::new(), Felt::ZERO);
        for (height, told) in in_block.into_iter().enumerate() {
            let height = u64::try_from(height).expect("small");
            let root = if height == 0 { felt(1) } else { state_root };
            let block = block(height, parent, root, &told);
            parent = parse_hex(block["block_hash"].as_str().expect("text")).expect("a felt");
            for mut event in told {
                event["block_hash"] = block["block_hash"].clone();
                event["block_number"] = json!(height);
                events.push(event);
            }
            blocks.push(block);
        }
        Self { context, head, log_head, blocks, events, proof, words }
    }

    /// A context that has no record here.
    pub(crate) fn other_context(&self) -> OnChainId {
        contexts().nth(1).expect("one in four")
    }

    pub(crate) fn hash(&self, height: u64) -> Hash {
        let block = &self.blocks[usize::try_from(height).expect("small")];
        bytes(&parse_hex(block["block_hash"].as_str().expect("text")).expect("a felt"))
    }
}

fn keys(context: &OnChainId) -> [Felt; 4] {
    let [high, low] = halves(context.as_hash().as_bytes());
    [starknet_keccak(b"Rev"), high, low, Felt::ONE]
}

/// Kind, a byte array of a word and a byte, log head.
fn data(payload: &[u8; 32], log_head: &Hash) -> Vec<Felt> {
    let word = Felt::from_bytes_be_slice(&payload[..31]);
    let mut felts = vec![Felt::from(KIND), Felt::ONE, word, Felt::from(payload[31]), Felt::ONE];
    felts.extend(halves(log_head.as_bytes()));
    felts
}

fn event(from: &str, keys: &[Felt], data: &[Felt]) -> Value {
    let hex = |felts: &[Felt]| felts.iter().map(to_hex).collect::<Vec<_>>();
    json!({
        "from_address": from,
        "keys": hex(keys),
        "data": hex(data),
        "transaction_hash": "0x77",
    })
}

/// As blocks commit to it. Source: Starknet, "Block hash".
fn leaf(event: &Value) -> Felt {
    let felt = |value: &Value| parse_hex(value.as_str().expect("text")).expect("a felt");
    let list = |name: &str| event[name].as_array().expect("a list").iter().map(felt).collect();
    let (keys, data): (Vec<Felt>, Vec<Felt>) = (list("keys"), list("data"));
    let mut parts = vec![felt(&event["from_address"]), felt(&event["transaction_hash"])];
    for list in [keys, data] {
        parts.push(Felt::from(list.len()));
        parts.extend(list);
    }
    FeltHash::Poseidon.list(&parts)
}

fn block(height: u64, parent: Felt, state_root: Felt, events: &[Value]) -> Value {
    let leaves: Vec<Felt> = events.iter().map(leaf).collect();
    let event_commitment = root_of_list(FeltHash::Poseidon, 64, &leaves).expect("few");
    let price = GasPrice { wei: 1, fri: 2 };
    let header = Header {
        number: height,
        parent_hash: parent,
        state_root,
        sequencer: felt(0x1000),
        timestamp_s: 1_800_000_000 + height,
        transactions: 1,
        transaction_commitment: felt(5),
        events: u64::try_from(events.len()).expect("few"),
        event_commitment,
        since_0_13_2: Some(Since0_13_2 {
            version: "0.14.1".to_owned(),
            receipt_commitment: felt(6),
            state_diff_commitment: felt(7),
            state_diff_length: 8,
            is_blob: true,
            l1_gas_price: price,
            l1_data_gas_price: price,
            l2_gas_price: Some(price),
        }),
    };
    let price = json!({ "price_in_wei": "0x1", "price_in_fri": "0x2" });
    json!({
        "status": "ACCEPTED_ON_L1",
        "block_hash": to_hex(&header.hash(HashRule::Since0_13_4).expect("whole")),
        "parent_hash": to_hex(&parent),
        "block_number": height,
        "new_root": to_hex(&state_root),
        "timestamp": header.timestamp_s,
        "sequencer_address": "0x1000",
        "l1_gas_price": price,
        "l1_data_gas_price": price,
        "l2_gas_price": price,
        "l1_da_mode": "BLOB",
        "starknet_version": "0.14.1",
        "transaction_commitment": "0x5",
        "event_commitment": to_hex(&event_commitment),
        "receipt_commitment": "0x6",
        "state_diff_commitment": "0x7",
        "state_diff_length": 8,
        "transaction_count": 1,
        "event_count": header.events,
        "transactions": [],
    })
}

fn written(node: &Node) -> Value {
    let hash = to_hex(&node.hash(FeltHash::Pedersen));
    let node = match node {
        Node::Binary { left, right } => json!({ "left": to_hex(left), "right": to_hex(right) }),
        Node::Edge { child, path, length } => {
            json!({ "child": to_hex(child), "path": to_hex(path), "length": length })
        }
    };
    json!({ "node_hash": hash, "node": node })
}

/// The state's root, and what `starknet_getStorageProof` says of the four words.
fn proof(base: &Felt, words: &[Felt; 4]) -> (Felt, Value) {
    let hash = |node: &Node| node.hash(FeltHash::Pedersen);
    let binary = |left, right| Node::Binary { left, right };
    let (low, high) = (binary(words[0], words[1]), binary(words[2], words[3]));
    let above = binary(hash(&low), hash(&high));
    // The upper 249 bits of the key.
    let mut path = base.to_bytes_be();
    for at in (0..32).rev() {
        let carried = if at == 0 { 0 } else { path[at - 1] << 6 };
        path[at] = path[at] >> 2 | carried;
    }
    let path = Felt::from_bytes_be(&path);
    let top = Node::Edge { child: hash(&above), path, length: 249 };
    let class = class_hash();
    let contract = ContractState { class_hash: class, nonce: Felt::ZERO, storage_root: hash(&top) };
    let address = parse_hex(ADDRESS).expect("a felt");
    let contracts = Node::Edge { child: contract.leaf(), path: address, length: 251 };
    let (root, classes) = (hash(&contracts), felt(9));
    let tag = Felt::from_bytes_be_slice(b"STARKNET_STATE_V0");
    let state_root = FeltHash::Poseidon.list(&[tag, root, classes]);
    let storage: Vec<Value> = [&top, &above, &low, &high].into_iter().map(written).collect();
    let proof = json!({
        "classes_proof": [],
        "contracts_proof": {
            "nodes": [written(&contracts)],
            "contract_leaves_data": [{
                "nonce": "0x0",
                "class_hash": to_hex(&class),
                "storage_root": to_hex(&contract.storage_root),
            }],
        },
        "contracts_storage_proofs": [storage],
        "global_roots": {
            "contracts_tree_root": to_hex(&root),
            "classes_tree_root": to_hex(&classes),
            "block_hash": "0x0",
        },
    });
    (state_root, proof)
}

fn class_hash() -> Felt {
    let artifact = include_str!("../../../../contracts/starknet/artifact/artifact.json");
    let artifact: Value = serde_json::from_str(artifact).expect("JSON");
    parse_hex(artifact["classHash"].as_str().expect("text")).expect("a felt")
}

impl Endpoint {
    pub(crate) async fn start(world: &World, lie: Lie) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let world = world.clone();
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.expect("it listens");
                connections.spawn(serve(stream, world.clone(), lie));
            }
        });
        let url = format!("http://{address}").parse().expect("an address");
        Self { url, _serving: serving }
    }
}

async fn serve(mut stream: TcpStream, world: World, lie: Lie) {
    while let Some(request) = read(&mut stream).await {
        let answer = world.answer(&request, lie);
        let body = match answer {
            Ok(result) => json!({ "jsonrpc": "2.0", "id": 1, "result": result }),
            Err(code) => {
                json!({ "jsonrpc": "2.0", "id": 1, "error": { "code": code, "message": "no" } })
            }
        };
        let body = body.to_string();
        let length = body.len();
        let text = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}");
        if stream.write_all(text.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// The next request's body; `None` once the other side hung up.
async fn read(stream: &mut TcpStream) -> Option<Value> {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            let length: usize = length?.trim().parse().ok()?;
            if let Some(body) = bytes.get(end + 4..end + 4 + length) {
                return serde_json::from_slice(body).ok();
            }
        }
        let mut some = [0; 4096];
        match stream.read(&mut some).await {
            Ok(count) if count > 0 => bytes.extend_from_slice(&some[..count]),
            _ => return None,
        }
    }
}

impl World {
    /// The result, or the code of a refusal.
    fn answer(&self, request: &Value, lie: Lie) -> Result<Value, i64> {
        let params = &request["params"];
        match request["method"].as_str().expect("a method") {
            "starknet_chainId" => Ok(json!("0x534e5f4d41494e")),
            "starknet_getBlockWithTxHashes" => self.block(&params["block_id"], lie),
            "starknet_getStorageProof" => Ok(self.proof(params, lie)),
            "starknet_call" => Ok(self.call(params)),
            "starknet_getEvents" => Ok(self.events(&params["filter"], lie)),
            _ => Err(-32601),
        }
    }

    fn block(&self, id: &Value, lie: Lie) -> Result<Value, i64> {
        let is_named = |block: &&Value| match (id.as_str(), lie) {
            (Some("l1_accepted"), _) | (Some("latest"), _) => block["block_number"] == 2,
            _ => {
                id["block_number"] == block["block_number"]
                    || id["block_hash"] == block["block_hash"]
            }
        };
        match (id.as_str(), lie) {
            (Some("l1_accepted"), Lie::NoTag { .. }) => return Err(-32602),
            (Some("l1_accepted"), Lie::NoneOnL1) => return Err(24),
            _ => {}
        }
        let mut block = self.blocks.iter().find(is_named).cloned().ok_or(24)?;
        match lie {
            Lie::OtherState => block["new_root"] = json!("0x1"),
            Lie::OldVersion => {
                let block = block.as_object_mut().expect("an object");
                block.retain(|name, _| !name.ends_with("_commitment"));
            }
            Lie::NoTag { on_l1 } if block["block_number"].as_u64() > Some(on_l1) => {
                block["status"] = json!("ACCEPTED_ON_L2");
            }
            _ => {}
        }
        Ok(block)
    }

    fn proof(&self, params: &Value, lie: Lie) -> Value {
        let mut proof = self.proof.clone();
        if params.get("contracts_storage_keys").is_none() {
            proof["contracts_storage_proofs"] = json!([]);
        }
        match lie {
            Lie::ForgedNode => {
                let nodes = proof["contracts_storage_proofs"][0].as_array_mut();
                let last = nodes.expect("nodes").last_mut().expect("a node");
                *last = written(&Node::Binary { left: felt(1), right: felt(2) });
            }
            Lie::OtherLeaf => {
                proof["contracts_proof"]["contract_leaves_data"][0]["nonce"] = json!("0x1");
            }
            Lie::OtherRoots => proof["global_roots"]["contracts_tree_root"] = json!("0x1"),
            _ => {}
        }
        proof
    }

    /// `head` is all that is asked.
    fn call(&self, params: &Value) -> Value {
        let [high, low] = halves(self.context.as_hash().as_bytes()).map(|half| to_hex(&half));
        if params["request"]["calldata"] == json!([high, low]) {
            return self.words.iter().map(to_hex).collect();
        }
        json!(["0x0", "0x0", "0x0", "0x0"])
    }

    fn events(&self, filter: &Value, lie: Lie) -> Value {
        let mut events = self.events.clone();
        if lie == Lie::MovedEvent {
            let own = events.iter_mut().find(|event| event["from_address"] == ADDRESS);
            let own = own.expect("there is one");
            own["block_hash"] = self.blocks[2]["block_hash"].clone();
            own["block_number"] = json!(2);
        }
        let number = |name: &str| filter[name]["block_number"].as_u64().expect("a number");
        let heights = number("from_block")..=number("to_block");
        events.retain(|event| {
            let height = event["block_number"].as_u64().expect("a number");
            let is_from = filter.get("address").is_none_or(|from| *from == event["from_address"]);
            is_from && heights.contains(&height)
        });
        json!({ "events": events })
    }
}
