// Writes ../icp-sdk-core.json: what the Internet Computer's own library names, hashes, signs and
// delegates, for our tests to agree with. All but the P-256 keys and their signatures is fixed, so
// that it comes out the same every time.
//
//     npm install @icp-sdk/core@6.1.0 cborg@6.1.5
//     node icp-sdk-core.mjs > ../icp-sdk-core.json

import { requestIdOf } from "@icp-sdk/core/agent";
import {
  DelegationChain,
  DelegationIdentity,
  ECDSAKeyIdentity,
  Ed25519KeyIdentity,
} from "@icp-sdk/core/identity";
import { Secp256k1KeyIdentity } from "@icp-sdk/core/identity/secp256k1";
import { Principal } from "@icp-sdk/core/principal";
import { encode } from "cborg";

const hex = (bytes) => Buffer.from(bytes).toString("hex");
const seed = (byte) => new Uint8Array(32).fill(byte);
const ed25519 = (byte) => Ed25519KeyIdentity.generate(seed(byte));
const secp256k1 = (byte) => Secp256k1KeyIdentity.generate(seed(byte));
const p256 = () => ECDSAKeyIdentity.generate();
const canister = Principal.fromText("ryjl3-tyaaa-aaaaa-aaaba-cai");
const expires = new Date(1_790_000_001_000);
const now_ns = "1790000000000000000";

const roots = {
  ed25519: ed25519(4),
  secp256k1: secp256k1(5),
  p256: await p256(),
};

// --- Statements, in the form that `anchorhold verify` reads.

const statements = {};
function state(kind, name, input, expect) {
  (statements[kind] ??= []).push({ name, input, expect: { valid: true, ...expect } });
}

for (const bytes of [[], [4], [1], Array(29).fill(255), [...Array(12).keys()]]) {
  const principal = Principal.fromUint8Array(Uint8Array.from(bytes));
  const text = principal.toText();
  state("principal", text, { bytes: hex(bytes) }, { text });
  state("principal", `${text} read`, { text }, { principal_hex: hex(bytes) });
}

for (const [alg, identity] of Object.entries(roots)) {
  const principal = identity.getPrincipal().toText();
  state("der-key", alg, { der: hex(identity.getPublicKey().toDer()) }, { alg, principal });
}

// `content` in the form of statements beside the library's own.
const requests = [
  [{ request_type: { text: "call" }, nonce: { blob: "00ff" }, arg: { blob: "" } }],
  [{ ingress_expiry: { nat: "18446744073709551615" }, zero: { nat: "0" }, seven: { nat: "16384" } }],
  [{ paths: { array: [{ array: [{ blob: "74696d65" }, { blob: "" }] }, { array: [] }] } }],
  [{ content: { map: { a: { text: "ä" }, b: { nat: "128" } } } }],
];
const plain = (value) => {
  const [[kind, inner]] = Object.entries(value);
  if (kind === "text") return inner;
  if (kind === "nat") return BigInt(inner);
  if (kind === "blob") return Uint8Array.from(Buffer.from(inner, "hex"));
  if (kind === "array") return inner.map(plain);
  return Object.fromEntries(Object.entries(inner).map(([name, field]) => [name, plain(field)]));
};
for (const [content] of requests) {
  const fields = Object.entries(content).map(([name, value]) => [name, plain(value)]);
  const request_id = hex(requestIdOf(Object.fromEntries(fields)));
  state("request-id", Object.keys(content).join(" "), { content }, { request_id });
}

const chains = [];
for (const [alg, root] of Object.entries(roots)) {
  const hops = [ed25519(7), secp256k1(8), await p256()];
  let previous;
  let from = root;
  for (const to of hops) {
    previous = await DelegationChain.create(from, to.getPublicKey(), expires, { previous });
    from = to;
  }
  chains.push([`${alg}, three hops`, root, from, previous]);
  const targets = [canister, Principal.fromText("rrkah-fqaaa-aaaaa-aaaaq-cai")];
  const options = { targets };
  const targeted = await DelegationChain.create(root, hops[0].getPublicKey(), expires, options);
  chains.push([`${alg}, for canisters`, root, hops[0], targeted]);
}
for (const [name, root, last, chain] of chains) {
  const delegations = chain.delegations.map(({ delegation, signature }) => ({
    delegation: {
      pubkey: hex(delegation.pubkey),
      expiration: delegation.expiration.toString(),
      targets: delegation.targets?.map((target) => target.toText()),
    },
    signature: hex(signature),
  }));
  const input = { chain: { publicKey: hex(chain.publicKey), delegations }, now_ns };
  const principal = root.getPrincipal().toText();
  const session_key = hex(last.getPublicKey().toDer());
  state("delegation-chain", name, input, { principal, session_key });
  const at = { ...input, canister_id: canister.toText() };
  state("delegation-chain", `${name}, at one of them`, at, { principal, session_key });
  const late = { ...input, now_ns: "1790000001000000000" };
  state("delegation-chain", `${name}, expired`, late, { valid: false, principal });
}

// --- Proofs of the binding of wallet/tests.rs, in the form that IcpWallets reads, and what a page
// hands back from which IcpWallets makes them.

const message = (principal) =>
  [
    "anchorhold asks you to bind this principal to a member key. It calls no canister.",
    "",
    `Principal: ${principal}`,
    "Network: icp:737ba355e855bd4b61279056603e0550",
    `Context: ${"01".repeat(32)}`,
    `Invitation: ${"02".repeat(32)}`,
    "Member: ed4928c628d1c2c6eae90338905995612959273a5c63f93636c14614ac8737d1",
  ].join("\n");

const proofs = [];
async function prove(name, identity, chain) {
  const principal = identity.getPrincipal().toText();
  const text = Buffer.from(message(principal));
  const sender_sig = await identity.sign(Uint8Array.from(text));
  const envelope = {
    sender_pubkey: Uint8Array.from(identity.getPublicKey().toDer()),
    sender_delegation: chain?.delegations.map(({ delegation, signature }) => ({
      delegation: {
        pubkey: Uint8Array.from(delegation.pubkey),
        expiration: delegation.expiration,
        ...(delegation.targets && { targets: delegation.targets.map((id) => id.toUint8Array()) }),
      },
      signature: Uint8Array.from(signature),
    })),
    sender_sig: Uint8Array.from(sender_sig),
  };
  if (!chain) delete envelope.sender_delegation;
  const answer = JSON.stringify({
    ...(chain ? chain.toJSON() : { publicKey: hex(envelope.sender_pubkey) }),
    signature: hex(sender_sig),
  });
  const is_targeted = chain?.delegations.some(({ delegation }) => delegation.targets) ?? false;
  const signature = hex(encode(envelope));
  proofs.push({ name, principal, message: hex(text), signature, answer, is_targeted });
}
for (const [alg, root] of Object.entries(roots)) await prove(alg, root);
for (const [name, , last, chain] of chains) {
  await prove(name, DelegationIdentity.fromDelegation(last, chain), chain);
}

const out = { source: "@icp-sdk/core 6.1.0", statements, proofs };
console.log(JSON.stringify(out, undefined, 1));
