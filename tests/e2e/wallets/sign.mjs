// Answers a planned message as a user's wallet does, with the library that wallets use.
//
//   node sign.mjs <near|icp|icp-delegated|starknet> ACCOUNT SECRET < MESSAGE
//
// ACCOUNT is the address on its chain, SECRET 64 hex digits. Prints what the wallet answers.

import { readFileSync } from "node:fs";

const bytes = (hex) => Uint8Array.from(Buffer.from(hex.replace(/^0x/, ""), "hex"));
const hex = (bytes) => Buffer.from(bytes).toString("hex");

// NEP-413: the wallet is given message, recipient and nonce.
async function near(account, secret, text) {
  const { KeyPairEd25519, KeyPairSigner, baseEncode } = await import("near-api-js");
  const { ed25519 } = await import("@noble/curves/ed25519.js");
  const both = Buffer.concat([bytes(secret), ed25519.getPublicKey(bytes(secret))]);
  const signer = new KeyPairSigner(new KeyPairEd25519(baseEncode(both)));
  const { message, recipient, nonce } = JSON.parse(text);
  const given = { message, recipient, nonce: Uint8Array.from(Buffer.from(nonce, "base64")) };
  const signed = await signer.signNep413Message(account, given);
  const { signature } = signed;
  return {
    accountId: signed.accountId,
    publicKey: signed.publicKey.toString(),
    signature: typeof signature === "string" ? signature : Buffer.from(signature).toString("base64"),
  };
}

// An identity signs the bytes of the text.
async function icp(_account, secret, text) {
  const { Ed25519KeyIdentity } = await import("@icp-sdk/core/identity");
  const identity = Ed25519KeyIdentity.fromSecretKey(bytes(secret));
  const signature = await identity.sign(new TextEncoder().encode(text));
  return { publicKey: hex(identity.getPublicKey().toDer()), signature: hex(signature) };
}

// A session key signs, to which the account's key delegated for an hour.
async function icpDelegated(_account, secret, text) {
  const { DelegationChain, DelegationIdentity, Ed25519KeyIdentity } = await import(
    "@icp-sdk/core/identity"
  );
  const owner = Ed25519KeyIdentity.fromSecretKey(bytes(secret));
  const session = Ed25519KeyIdentity.generate();
  const until = new Date(Date.now() + 3_600_000);
  const chain = await DelegationChain.create(owner, session.getPublicKey(), until);
  const identity = DelegationIdentity.fromDelegation(session, chain);
  const signature = await identity.sign(new TextEncoder().encode(text));
  return { ...chain.toJSON(), signature: hex(signature) };
}

// SNIP-12: the wallet is given typed data.
async function starknet(account, secret, text) {
  const { Signer } = await import("starknet");
  const signature = await new Signer(`0x${secret.replace(/^0x/, "")}`).signMessage(
    JSON.parse(text),
    account,
  );
  return [signature.r, signature.s].map((felt) => `0x${felt.toString(16)}`);
}

const wallets = { near, icp, "icp-delegated": icpDelegated, starknet };
const [kind, account, secret] = process.argv.slice(2);
const wallet = wallets[kind];
if (wallet === undefined || secret === undefined) {
  console.error("usage: node sign.mjs <near|icp|icp-delegated|starknet> ACCOUNT SECRET < MESSAGE");
  process.exit(2);
}
const answer = await wallet(account, secret, readFileSync(0, "utf8"));
console.log(JSON.stringify(answer));
