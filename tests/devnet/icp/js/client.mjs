// Does with the Internet Computer's own library what an application does: makes a canister,
// installs the module, calls it, and checks every certificate and every signature.
//
//     node client.mjs URL MODULE
//
// Ends with status 0 if all of it worked.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { argv } from "node:process";

import { Actor, CanisterStatus, HttpAgent, polling } from "@icp-sdk/core/agent";
import { IDL } from "@icp-sdk/core/candid";
import { DelegationChain, DelegationIdentity, ECDSAKeyIdentity, Ed25519KeyIdentity } from "@icp-sdk/core/identity";
import { Secp256k1KeyIdentity } from "@icp-sdk/core/identity/secp256k1";
import { Principal } from "@icp-sdk/core/principal";

const [, , host, module] = argv;
const wasm = new Uint8Array(readFileSync(module));
const management = Principal.fromText("aaaaa-aa");
const connect = (identity) => HttpAgent.create({ host, identity, shouldFetchRootKey: true, retryTimes: 0 });
const count = (bytes) => Buffer.from(bytes).readBigUInt64LE();
const call = (agent, canisterId, methodName, arg = new Uint8Array(), effectiveCanisterId = canisterId) =>
  agent.update(canisterId, { methodName, arg, effectiveCanisterId });
const query = async (agent, canisterId, methodName) => {
  const answer = await agent.query(canisterId, { methodName, arg: new Uint8Array() });
  assert.equal(answer.status, "replied", `${methodName}: ${answer.reject_message}`);
  return answer.reply.arg;
};

const admin = Ed25519KeyIdentity.generate(new Uint8Array(32).fill(9));
const agent = await connect(admin);

const Named = IDL.Record({ canister_id: IDL.Principal });
const made = await call(
  agent,
  management,
  "provisional_create_canister_with_cycles",
  IDL.encode([IDL.Record({ amount: IDL.Opt(IDL.Nat) })], [{ amount: [] }]),
);
const [{ canister_id: canister }] = IDL.decode([Named], made.reply);
const Install = IDL.Record({
  mode: IDL.Variant({ install: IDL.Null }),
  canister_id: IDL.Principal,
  wasm_module: IDL.Vec(IDL.Nat8),
  arg: IDL.Vec(IDL.Nat8),
});
const install = { mode: { install: null }, canister_id: canister, wasm_module: wasm, arg: [] };
await call(agent, management, "install_code", IDL.encode([Install], [install]), canister);

// The certificate of an update is checked by the library.
assert.equal(count((await call(agent, canister, "add")).reply), 1n);
assert.equal(count(await query(agent, canister, "count")), 1n);
assert.deepEqual(await query(agent, canister, "caller"), admin.getPrincipal().toUint8Array());
await assert.rejects(call(agent, canister, "reject"), /no, thank you/);
await assert.rejects(call(agent, canister, "trap"), /as you wish/);
await assert.rejects(call(agent, canister, "a"), /rejected the message/);
const refused = await agent.query(canister, { methodName: "none", arg: new Uint8Array() });
assert.equal(refused.status, "rejected");

// Every kind of key, and a delegation to a session's key.
const session = Ed25519KeyIdentity.generate();
const tomorrow = new Date(Date.now() + 86_400_000);
const identities = [
  Secp256k1KeyIdentity.generate(),
  await ECDSAKeyIdentity.generate(),
  DelegationIdentity.fromDelegation(
    session,
    await DelegationChain.create(admin, session.getPublicKey(), tomorrow, { targets: [canister] }),
  ),
];
for (const identity of identities) {
  const other = await connect(identity);
  assert.deepEqual(await query(other, canister, "caller"), identity.getPrincipal().toUint8Array());
  await call(other, canister, "add");
}
assert.equal(count(await query(agent, canister, "count")), 5n);

const elsewhere = DelegationIdentity.fromDelegation(
  session,
  await DelegationChain.create(admin, session.getPublicKey(), tomorrow, { targets: [management] }),
);
await assert.rejects(query(await connect(elsewhere), canister, "caller"), /delegation/);

// The state of the canister and of the subnet, each proved by a certificate.
const status = await CanisterStatus.request({
  agent,
  canisterId: canister,
  paths: ["time", "controllers", "module_hash", "subnet"],
});
const digest = Buffer.from(await crypto.subtle.digest("SHA-256", wasm)).toString("hex");
assert.equal(status.get("module_hash"), digest);
assert.deepEqual(status.get("controllers").map(String), [admin.getPrincipal().toText()]);
assert.equal(status.get("subnet").nodeKeys.size, 1);

// The asynchronous way, polled.
const { requestId } = await agent.call(canister, {
  methodName: "add",
  arg: new Uint8Array(),
  callSync: false,
});
const { reply } = await polling.pollForResponse(agent, canister, requestId);
assert.equal(count(reply), 6n);

// An actor, as applications use it.
const actor = Actor.createActor(
  ({ IDL }) => IDL.Service({ caller: IDL.Func([], [], ["query"]) }),
  { agent, canisterId: canister },
);
await assert.rejects(actor.caller(), "the reply is no Candid");
console.log("ok");
