// What a chain's state has: @ethereumjs/mpt builds the tries and checks each proof before it is
// written; viem hashes headers.

import { createMPT, createMerkleProof, verifyMerkleProof } from "@ethereumjs/mpt";
import { RLP } from "@ethereumjs/rlp";
import { getAddress, keccak256, numberToHex, toRlp } from "viem";
import { hex } from "./random.mjs";

const MPT = "@ethereumjs/mpt@10.1.3";
const VIEM = "viem@2.57.20";
const EMPTY_ROOT = keccak256("0x80");
const EMPTY_CODE = keccak256("0x");
const ZERO = `0x${"00".repeat(32)}`;

const bytes = (text) => Buffer.from(text.slice(2), "hex");
const word = (number) => numberToHex(number, { size: 32 });
const integer = (number) => (number === 0n ? "0x" : evenHex(number));
const evenHex = (number) => {
  const digits = number.toString(16);
  return `0x${digits.length % 2 ? "0" : ""}${digits}`;
};

async function trie(entries) {
  const tree = await createMPT({ useKeyHashing: true });
  for (const [key, value] of entries) await tree.put(bytes(key), value);
  return tree;
}

async function proof(tree, key) {
  const nodes = await createMerkleProof(tree, bytes(key));
  if (nodes.length > 0) {
    const found = await verifyMerkleProof(bytes(key), nodes, { useKeyHashing: true });
    const known = await tree.get(bytes(key));
    if (hex(found ?? []) !== hex(known ?? [])) throw new Error("a proof of another value");
  }
  return nodes.map(hex);
}

async function world(random) {
  const slots = new Map();
  for (let count = random.pick([0, 1, 2, 20, 60]); count > 0; count -= 1) {
    slots.set(word(BigInt(random.below(100))), 1n + random.bigint(random.pick([3, 8, 200])));
  }
  const encoded = [...slots].map(([slot, value]) => [slot, RLP.encode(bytes(evenHex(value)))]);
  const storage = await trie(encoded);
  const accounts = new Map();
  const ours = getAddress(random.hex(20));
  const account = {
    nonce: BigInt(random.below(1000)),
    balance: random.bigint(90),
    storage_hash: hex(storage.root()),
    code_hash: random.pick([EMPTY_CODE, random.hex(32)]),
  };
  accounts.set(ours.toLowerCase(), account);
  for (let count = random.pick([0, 1, 30, 200]); count > 0; count -= 1) {
    accounts.set(random.hex(20), {
      nonce: BigInt(random.below(3)),
      balance: random.bigint(60),
      storage_hash: EMPTY_ROOT,
      code_hash: EMPTY_CODE,
    });
  }
  const leaf = ({ nonce, balance, storage_hash, code_hash }) =>
    RLP.encode([integer(nonce), integer(balance), storage_hash, code_hash].map(bytes));
  const state = await trie([...accounts].map(([address, found]) => [address, leaf(found)]));
  return { slots, storage, account, ours, accounts, state, leaf };
}

async function eip1186(random, round) {
  const { slots, storage, account, ours, accounts, state } = await world(random);
  const told = ({ nonce, balance, ...hashes }) => ({
    nonce: numberToHex(nonce),
    balance: numberToHex(balance),
    ...hashes,
  });
  const keys = [...slots.keys()].slice(0, 3).concat(word(1000n), word(BigInt(random.below(200))));
  const proofs = await Promise.all(
    [...new Set(keys)].map(async (key) => ({
      key,
      value: numberToHex(slots.get(key) ?? 0n),
      proof: await proof(storage, key),
    })),
  );
  const good = {
    state_root: hex(state.root()),
    address: ours,
    account_proof: await proof(state, ours),
    account: told(account),
    storage: proofs,
  };
  const claim = (story, valid, change = () => {}) => {
    const input = structuredClone(good);
    change(input);
    return { story, source: MPT, input, valid };
  };
  const nobody = random.hex(20);
  const nothing = { nonce: "0x0", balance: "0x0", storage_hash: EMPTY_ROOT, code_hash: EMPTY_CODE };
  const absence = await proof(state, nobody);
  const absent = (input) =>
    Object.assign(input, {
      address: nobody,
      account_proof: absence,
      account: nothing,
      storage: [{ key: word(1n), value: "0x0", proof: [] }],
    });
  const claims = [
    { ...claim("there", true), exists: true },
    { ...claim("not there", true, absent), exists: false },
    claim("not there, hashes zero", true, (input) => {
      absent(input).account = { ...nothing, storage_hash: ZERO, code_hash: ZERO };
    }),
    claim(
      "not there, but with a balance",
      false,
      (input) => (absent(input).account = told(account)),
    ),
    claim("there, but called nothing", false, (input) => {
      Object.assign(input, { account: nothing, storage: [] });
    }),
    claim("another account's proof", false, (input) => (input.address = nobody)),
    claim("another nonce", false, (input) => (input.account.nonce = "0x2710")),
    claim("a value one higher", false, (input) => {
      const [first] = input.storage;
      first.value = numberToHex(BigInt(first.value) + 1n);
    }),
    claim("a proof for nothing", false, (input) =>
      input.account_proof.push(input.account_proof.at(-1)),
    ),
    claim("a node dropped", false, (input) => input.account_proof.pop()),
    claim("a flipped bit", false, (input) => {
      const node = bytes(input.account_proof[0]);
      node[random.below(node.length)] ^= 1 << random.below(8);
      input.account_proof[0] = hex(node);
    }),
    claim("another root", false, (input) => (input.state_root = random.hex(32))),
  ];
  if (good.account_proof.length > 1) {
    claims.push(claim("nodes reversed", false, (input) => input.account_proof.reverse()));
  }
  if (accounts.size > 100 && round > 1) return claims.slice(0, 3);
  return claims;
}

const FORKS = ["pre-london", "london", "paris", "shanghai", "cancun", "prague"];

// Names, values as JSON has them, and since which fork.
function header(random, fork) {
  const since = FORKS.indexOf(fork);
  const quantity = (bits) => numberToHex(random.chance(20) ? 0n : random.bigint(bits));
  const fields = [
    ["parentHash", random.hex(32), 0],
    ["sha3Uncles", random.hex(32), 0],
    ["miner", random.hex(20), 0],
    ["stateRoot", random.hex(32), 0],
    ["transactionsRoot", random.hex(32), 0],
    ["receiptsRoot", random.hex(32), 0],
    ["logsBloom", random.hex(256), 0],
    ["difficulty", since >= 2 ? "0x0" : numberToHex(1n + random.bigint(70)), 0],
    ["number", quantity(25), 0],
    ["gasLimit", quantity(30), 0],
    ["gasUsed", quantity(30), 0],
    ["timestamp", quantity(31), 0],
    ["extraData", random.hex(random.below(33)), 0],
    ["mixHash", random.hex(32), 0],
    ["nonce", random.hex(8), 0],
    ["baseFeePerGas", quantity(40), 1],
    ["withdrawalsRoot", random.hex(32), 3],
    ["blobGasUsed", quantity(20), 4],
    ["excessBlobGas", quantity(24), 4],
    ["parentBeaconBlockRoot", random.hex(32), 4],
    ["requestsHash", random.hex(32), 5],
  ];
  return fields.filter(([, , first]) => since >= first).map(([name, value]) => [name, value]);
}

const QUANTITIES = new Set([
  "difficulty",
  "number",
  "gasLimit",
  "gasUsed",
  "timestamp",
  "baseFeePerGas",
  "blobGasUsed",
  "excessBlobGas",
]);

function encoded(fields) {
  return toRlp(
    fields.map(([name, value]) => (QUANTITIES.has(name) ? integer(BigInt(value)) : value)),
  );
}

function blockHeader(random, round) {
  const fork = FORKS[round % FORKS.length];
  const fields = header(random, fork);
  const hash = keccak256(encoded(fields));
  const claim = (story, valid, fields, derived = {}) => ({
    story: `${story} (${fork})`,
    source: VIEM,
    input: { header: Object.fromEntries(fields), block_hash: hash },
    valid,
    ...derived,
  });
  const without = (name) => fields.filter(([other]) => other !== name);
  const [changed] = random.pick(fields);
  const flipped = fields.map(([name, value]) => [
    name,
    name === changed
      ? QUANTITIES.has(name)
        ? numberToHex(BigInt(value) + 1n)
        : `${value}00`
      : value,
  ]);
  return [
    claim("as it is", true, fields, { hash, fork }),
    claim(
      "with what endpoints add",
      true,
      [...fields, ["hash", hash], ["size", "0x1"], ["uncles", []]],
      { hash },
    ),
    claim("a changed field", false, flipped),
    claim("a field missing", false, without(random.pick(fields)[0])),
    claim("a field of the future", false, [...fields, ["slotNumber", "0x1"]]),
  ];
}

function blockHeaderRlp(random, round) {
  const fork = FORKS[round % FORKS.length];
  const fields = header(random, fork);
  const header_rlp = encoded(fields);
  const value = (name) => fields.find(([other]) => other === name)[1];
  const claim = (story, valid, header_rlp, derived = {}) => ({
    story: `${story} (${fork})`,
    source: VIEM,
    input: { header_rlp },
    valid,
    ...derived,
  });
  const texts = fields.map(([name, value]) =>
    QUANTITIES.has(name) ? integer(BigInt(value)) : value,
  );
  return [
    claim("as it is", true, header_rlp, {
      hash: keccak256(header_rlp),
      number: Number(value("number")),
      state_root: value("stateRoot"),
      fork,
    }),
    claim("a byte after it", false, `${header_rlp}00`),
    claim("cut off", false, header_rlp.slice(0, -2)),
    claim(
      "one field more than any fork",
      false,
      toRlp([...texts, ...Array(22 - texts.length).fill("0x")]),
    ),
    claim("a field fewer than any fork", false, toRlp(texts.slice(0, 14))),
    claim("a number with a leading zero", false, toRlp(texts.with(9, "0x0001"))),
    claim("a root of 31 bytes", false, toRlp(texts.with(3, random.hex(31)))),
    claim("no header at all", false, random.hex(random.below(40))),
  ];
}

async function storageUnderHeader(random, round) {
  const { slots, storage, account, ours, state, leaf } = await world(random);
  const fields = header(random, FORKS[round % FORKS.length]);
  const at = fields.findIndex(([name]) => name === "stateRoot");
  const header_rlp = encoded(fields.with(at, ["stateRoot", hex(state.root())]));
  const prove = async (key) => ({
    header_rlp,
    address: ours,
    account_proof: await proof(state, ours),
    expected_account_rlp: hex(leaf(account)),
    storage_key_hash: keccak256(key),
    storage_proof: await proof(storage, key),
    expected_storage_value: slots.has(key) ? hex(RLP.encode(bytes(evenHex(slots.get(key))))) : "0x",
  });
  const derived = { block_hash: keccak256(header_rlp) };
  const absent = await prove(word(1000n));
  const claims = [
    { story: "a slot with nothing", source: MPT, input: absent, valid: true, ...derived },
  ];
  for (const key of [...slots.keys()].slice(0, 2)) {
    const present = await prove(key);
    const claim = (story, valid, change) => ({
      story: `${story} ${BigInt(key)}`,
      source: MPT,
      input: { ...present, ...change },
      valid,
      ...derived,
    });
    claims.push(claim("slot", true, {}));
    claims.push(claim("another value in slot", false, { expected_storage_value: "0x820102" }));
    claims.push(claim("nothing in slot", false, { expected_storage_value: "0x" }));
    claims.push(claim("another account for slot", false, { expected_account_rlp: "0xc0" }));
    claims.push(claim("no proof for slot", false, { storage_proof: [] }));
  }
  return claims;
}

export const state = {
  "block-header": blockHeader,
  "block-header-rlp": blockHeaderRlp,
  eip1186,
  "header-storage-proof": storageUnderHeader,
};
