// Writes claims about keys, signed messages and delegated actions, with the verdicts of NEAR's own
// library.
//
//   npm install && node generate.mjs [--count N] [--seed N] [--out FOLDER]
//
// `own/` holds what the defaults give. A larger count into another folder, named by
// ANCHORHOLD_CLAIMS when the tests run, compares more.

import { mkdirSync, writeFileSync } from "node:fs";
import { blake3 } from "@noble/hashes/blake3.js";
import { sha256 } from "@noble/hashes/sha2.js";
import {
  actions,
  baseEncode,
  buildDelegateAction,
  encodeDelegateAction,
  encodeSignedDelegate,
  KeyPair,
  KeyPairSigner,
  keyToImplicitAddress,
  PublicKey,
} from "near-api-js";

const SOURCE = "near-api-js@7.2.0";

// The same draws for the same seed, so that a run can be repeated.
class Random {
  constructor(seed) {
    this.state = seed >>> 0;
  }

  // 32 bits. Source: mulberry32, in the public domain.
  next() {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let mixed = this.state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }

  below(bound) {
    return this.next() % bound;
  }

  pick(list) {
    return list[this.below(list.length)];
  }

  bytes(length) {
    return Uint8Array.from({ length }, () => this.below(256));
  }

  text(alphabet, length) {
    return Array.from({ length }, () => this.pick([...alphabet])).join("");
  }

  bigint(bits) {
    return BigInt(`0x${hex(this.bytes(bits / 8))}`);
  }

  account() {
    const name = this.text("abcxyz019", 1 + this.below(20));
    return name + this.pick([".testnet", "_0.near", "-b"]);
  }
}

const hex = (bytes) => Buffer.from(bytes).toString("hex");

function key(random, curve, secret = random.bytes(32)) {
  // ed25519 keys are read as seed and public key, others as secret and public key; only the first
  // half is used.
  const bytes = new Uint8Array(curve === "ed25519" ? 64 : 96);
  bytes.set(secret);
  return KeyPair.fromString(`${curve}:${baseEncode(bytes)}`);
}

// The bytes of a key without its curve.
const raw = (keyPair) => {
  const { ed25519Key, secp256k1Key } = keyPair.getPublicKey();
  return (ed25519Key ?? secp256k1Key).data;
};

// What a wallet answers, as a claim.
async function signed(story, account, keyPair, payload) {
  const answer = await new KeyPairSigner(keyPair).signNep413Message(account, payload);
  return {
    story,
    input: {
      account_id: answer.accountId,
      public_key: answer.publicKey.toString(),
      payload: { ...payload, nonce: hex(payload.nonce) },
      signature: hex(answer.signature),
    },
    valid: true,
  };
}

// The same with one part changed; the library must refuse it too.
function changed(story, claim, change) {
  const input = structuredClone(claim.input);
  change(input);
  return { story, input, valid: false };
}

function payload(random) {
  const alphabet = "aä世🚀 \n\u0000\"";
  const drawn = {
    message: random.text(alphabet, random.below(80)),
    recipient: random.text("abc.:/", random.below(30)),
    nonce: random.bytes(32),
  };
  if (random.below(2)) drawn.callbackUrl = random.text(alphabet, random.below(40));
  return drawn;
}

async function nep413(random, round) {
  const curve = round % 2 ? "secp256k1" : "ed25519";
  const keyPair = key(random, curve);
  const good = await signed(`signed by ${curve}`, random.account(), keyPair, payload(random));
  const other = key(random, curve).getPublicKey().toString();
  const claims = [
    good,
    changed("another message", good, ({ payload }) => (payload.message += "x")),
    changed("another recipient", good, ({ payload }) => (payload.recipient += "x")),
    changed("another callback", good, ({ payload }) => {
      payload.callbackUrl = payload.callbackUrl === undefined ? "" : `${payload.callbackUrl}/`;
    }),
    changed("another key", good, (input) => (input.public_key = other)),
    changed("a byte of the signature", good, (input) => {
      const bytes = Buffer.from(input.signature, "hex");
      bytes[random.below(64)] ^= 1 + random.below(255);
      input.signature = hex(bytes);
    }),
  ];
  for (const claim of claims) {
    const { public_key, payload, signature } = claim.input;
    claim.hash = hex(sha256(preimage(payload)));
    const bytes = Buffer.from(signature, "hex");
    let holds = false;
    try {
      holds = PublicKey.from(public_key).verify(Buffer.from(claim.hash, "hex"), bytes);
    } catch {
      // The library refuses some malformed signatures by an exception.
    }
    if (holds !== claim.valid) throw new Error(`${claim.story}: the library says ${holds}`);
  }
  return claims;
}

// Written down apart from the library, whose serialization is not exported.
function preimage({ message, nonce, recipient, callbackUrl }) {
  const u32 = (number) => Buffer.from(Uint32Array.of(number).buffer);
  const text = (value) => Buffer.concat([u32(Buffer.byteLength(value)), Buffer.from(value)]);
  const callback = callbackUrl === undefined ? [Buffer.of(0)] : [Buffer.of(1), text(callbackUrl)];
  const fields = [text(message), Buffer.from(nonce, "hex"), text(recipient), ...callback];
  return Buffer.concat([u32(2 ** 31 + 413), ...fields]);
}

async function nep413Hash(random) {
  const { nonce, ...rest } = payload(random);
  const input = { payload: { ...rest, nonce: hex(nonce) } };
  const bytes = preimage(input.payload);
  const told = { hash: hex(sha256(bytes)), preimage: hex(bytes) };
  return [{ story: "a payload", input, valid: true, ...told }];
}

function action(random) {
  const publicKey = key(random, random.pick(["ed25519", "secp256k1"])).getPublicKey();
  const code = random.bytes(random.below(40));
  const method = () => random.text("abc_", 1 + random.below(10));
  return random.pick([
    () => actions.createAccount(),
    () => actions.deployContract(code),
    () => actions.functionCall(method(), code, random.bigint(64), random.bigint(128)),
    () => actions.transfer(random.bigint(128)),
    () => actions.stake(random.bigint(128), publicKey),
    () => actions.addFullAccessKey(publicKey),
    () => actions.addFunctionCallAccessKey(publicKey, random.account(), [method(), method()], 7n),
    () => actions.addFunctionCallAccessKey(publicKey, random.account(), []),
    () => actions.deleteKey(publicKey),
    () => actions.deleteAccount(random.account()),
    () => actions.deployGlobalContract(code, random.pick(["codeHash", "accountId"])),
    () => actions.useGlobalContract({ codeHash: random.bytes(32) }),
    () => actions.useGlobalContract({ accountId: random.account() }),
  ])();
}

function delegated(random, round) {
  const keyPair = key(random, "ed25519");
  const delegateAction = buildDelegateAction({
    // The protocol allows 100.
    actions: Array.from({ length: (round * 3) % 101 }, () => action(random)),
    maxBlockHeight: random.bigint(64),
    nonce: random.bigint(64),
    publicKey: keyPair.getPublicKey(),
    receiverId: random.account(),
    senderId: random.account(),
  });
  const bytes = encodeDelegateAction(delegateAction);
  const { signature } = keyPair.sign(sha256(bytes));
  return { keyPair, delegateAction, bytes, signature };
}

const fields = ({ senderId, receiverId, nonce, maxBlockHeight, actions }) => ({
  sender_id: senderId,
  receiver_id: receiverId,
  nonce: nonce.toString(),
  max_block_height: maxBlockHeight.toString(),
  action_count: actions.length,
});

async function nep366Delegate(random, round) {
  const { keyPair, delegateAction, bytes, signature } = delegated(random, round);
  const input = {
    preimage: hex(bytes),
    signer_public_key: keyPair.getPublicKey().toString(),
    signature: hex(signature),
  };
  const good = { story: "signed", input, valid: true };
  const told = { hash: hex(sha256(bytes)), ...fields(delegateAction) };
  return [
    { ...good, ...told },
    changed("without the tag", good, (input) => (input.preimage = input.preimage.slice(8))),
    changed("a byte more", good, (input) => (input.preimage += "00")),
    changed("a byte less", good, (input) => (input.preimage = input.preimage.slice(0, -2))),
    changed("another key", good, (input) => {
      input.signer_public_key = key(random, "ed25519").getPublicKey().toString();
    }),
  ];
}

async function nep366Decode(random, round) {
  const { delegateAction, signature } = delegated(random, round);
  const whole = { delegateAction, signature: { ed25519Signature: { data: signature } } };
  // As an action of a transaction: its number stands before it.
  const input = { action_borsh: `08${hex(encodeSignedDelegate(whole))}` };
  const good = { story: "an action", input, valid: true };
  return [
    { ...good, ...fields(delegateAction) },
    changed("a byte more", good, (input) => (input.action_borsh += "00")),
    changed("a byte less", good, (input) => (input.action_borsh = input.action_borsh.slice(0, -2))),
    changed("another number", good, (input) => {
      input.action_borsh = `07${input.action_borsh.slice(2)}`;
    }),
  ];
}

async function publicKey(random, round) {
  const curve = round % 2 ? "secp256k1" : "ed25519";
  const keyPair = key(random, curve);
  const input = { public_key: keyPair.getPublicKey().toString() };
  const good = { story: curve, input, valid: true, curve, bytes: hex(raw(keyPair)) };
  const written = (bytes) => `${curve}:${baseEncode(Uint8Array.from(bytes))}`;
  return [
    good,
    changed("a byte more", good, (input) => (input.public_key = written([...raw(keyPair), 1]))),
    changed("a byte less", good, (input) => (input.public_key = written(raw(keyPair).slice(1)))),
  ];
}

async function implicitAccount(random) {
  const public_key = key(random, "ed25519").getPublicKey().toString();
  const account_id = keyToImplicitAddress(public_key);
  return [{ story: "ed25519", input: { public_key }, valid: true, account_id }];
}

// The binding that src/wallet/tests.rs expects, signed as a browser's wallet would.
async function binding(random, round) {
  const repeated = (byte) => byte.toString(16).padStart(2, "0").repeat(32);
  const member = "ed4928c628d1c2c6eae90338905995612959273a5c63f93636c14614ac8737d1";
  const tag = "anchorhold/near-nonce/1";
  const nonce = blake3(
    Buffer.concat([
      Buffer.from([tag.length, 0, 0, 0]),
      Buffer.from(tag),
      Buffer.from(repeated(1), "hex"),
      Buffer.from([1]),
      Buffer.from(repeated(2), "hex"),
      Buffer.from(member, "hex"),
    ]),
  );
  const message = [
    "Binds a NEAR account to a member of an Anchorhold context. " +
      "It costs nothing and sends no transaction.",
    "",
    "Network: near:testnet",
    "Account: alice_1.testnet",
    `Context: ${repeated(1)}`,
    `Invitation: ${repeated(2)}`,
    `Member: ${member}`,
    "Issued At: 2026-09-21T14:13:20Z",
  ].join("\n");
  const payload = { message, recipient: `anchorhold:context:${repeated(1)}`, nonce };
  if (round % 2) payload.callbackUrl = "https://node.example/callback?state=ä";
  const curve = round < 2 ? "ed25519" : "secp256k1";
  const keyPair = key(random, curve, new Uint8Array(32).fill(4));
  const claim = await signed(`binding by ${curve}`, "alice_1.testnet", keyPair, payload);
  return [{ ...claim, hash: hex(sha256(preimage(claim.input.payload))) }];
}

const KINDS = {
  nep413,
  "nep413-hash": nep413Hash,
  "nep366-delegate": nep366Delegate,
  "nep366-decode": nep366Decode,
  "public-key": publicKey,
  "implicit-account": implicitAccount,
  binding,
};

const options = { count: 4, seed: 1, out: new URL("own", import.meta.url).pathname };
for (let at = 2; at < process.argv.length; at += 2) {
  const name = process.argv[at].replace(/^--/, "");
  if (!(name in options)) throw new Error(`unknown option ${process.argv[at]}`);
  options[name] = name === "out" ? process.argv[at + 1] : Number(process.argv[at + 1]);
}

mkdirSync(options.out, { recursive: true });
for (const [kind, generate] of Object.entries(KINDS)) {
  const random = new Random(options.seed);
  const claims = [];
  for (let round = 0; round < options.count; round += 1) {
    for (const { story, input, valid, ...told } of await generate(random, round)) {
      claims.push({
        chain: "near",
        // A binding is a signed message like others.
        kind: kind === "binding" ? "nep413" : kind,
        name: `${story}, ${round}`,
        source: `generated with ${SOURCE}`,
        input,
        expect: { valid, ...told },
      });
    }
  }
  const names = new Set(claims.map((claim) => claim.name));
  if (names.size !== claims.length) throw new Error(`${kind}: two claims have one name`);
  const lines = claims.map((claim) => JSON.stringify(claim)).join(",\n");
  writeFileSync(`${options.out}/${kind}.json`, `[\n${lines}\n]\n`);
  console.log(`${claims.length} claims of kind ${kind}`);
}
