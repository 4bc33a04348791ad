// NEAR's client for JavaScript, unmodified, against the chain at the URL that is given. The chain
// has alice.near, whose key is given too, bob.near, and the contract of probe.wat on a.near.
import assert from 'node:assert/strict';
import { Account, JsonRpcProvider, KeyPair, actions, nearToYocto, teraToGas } from 'near-api-js';

const [url, secret] = process.argv.slice(2);
const provider = new JsonRpcProvider({ url });
const alice = new Account('alice.near', provider, secret);
const text = (value) => new TextEncoder().encode(value);

// The node.
assert.equal((await provider.viewNodeStatus()).chain_id, 'localnet');
const block = await provider.viewBlock({ finality: 'final' });
assert.equal((await provider.viewBlock({ blockId: block.header.height })).header.hash, block.header.hash);
assert.equal((await provider.viewGasPrice()).gas_price, '100000000');
assert.equal((await provider.viewValidators()).current_validators.length, 1);
const config = await provider.experimental_protocolConfig({ finality: 'final' });
assert.equal(config.runtime_config.storage_amount_per_byte, '10000000000000000000');

// An account.
const state = await alice.getState();
assert.ok(state.balance.total > BigInt(nearToYocto('900')));
assert.equal((await alice.getAccessKeyList()).keys.length, 1);
await assert.rejects(new Account('nobody.near', provider).getState());

// Transfers and calls.
const before = (await new Account('bob.near', provider).getState()).balance.total;
await alice.transfer({ receiverId: 'bob.near', amount: nearToYocto('2') });
const after = (await new Account('bob.near', provider).getState()).balance.total;
assert.equal(after - before, BigInt(nearToYocto('2')));
await alice.callFunctionRaw({
    contractId: 'a.near', methodName: 'set', args: text('from JavaScript'), gas: teraToGas('30'),
});
const kept = await provider.query({
    request_type: 'call_function', finality: 'final', account_id: 'a.near', method_name: 'get', args_base64: '',
});
assert.equal(Buffer.from(kept.result).toString(), 'from JavaScript');
await assert.rejects(
    alice.callFunctionRaw({ contractId: 'a.near', methodName: 'fail', args: text('x') }), /E12 not today/,
);
const items = await provider.viewContractState({ contractId: 'a.near' });
assert.equal(Buffer.from(items.values[0].key, 'base64').toString(), 'k');

// Keys and accounts.
const pair = KeyPair.fromRandom('ed25519');
await alice.addFunctionCallAccessKey({
    publicKey: pair.getPublicKey(), contractId: 'a.near', methodNames: ['set'], allowance: nearToYocto('0.25'),
});
const limited = new Account('alice.near', provider, pair.toString());
await limited.callFunctionRaw({
    contractId: 'a.near', methodName: 'set', args: text('by a limited key'), gas: teraToGas('30'),
});
await assert.rejects(limited.transfer({ receiverId: 'bob.near', amount: 1n }));
await alice.deleteKey(pair.getPublicKey());
const child = KeyPair.fromRandom('ed25519');
await alice.createSubAccount({
    accountOrPrefix: 'child', publicKey: child.getPublicKey(), nearToTransfer: nearToYocto('3'),
});

// A meta transaction: the child signs, alice pays.
const signer = new Account('child.alice.near', provider, child.toString());
const { signedDelegate } = await signer.createSignedMetaTransaction({
    receiverId: 'a.near', actions: [actions.functionCall('set', text('delegated'), teraToGas('30'), 0n)],
});
const relayed = await alice.signAndSendTransaction({
    receiverId: 'child.alice.near', actions: [actions.signedDelegate(signedDelegate)], waitUntil: 'FINAL',
});
assert.ok('SuccessValue' in relayed.status);
const told = await provider.viewTransactionStatus({
    txHash: relayed.transaction.hash, accountId: 'alice.near', waitUntil: 'FINAL',
});
assert.equal(told.final_execution_status, 'FINAL');

// A light client.
const next = await provider.nextLightClientBlock({ last_block_hash: block.header.prev_hash });
assert.ok(next.inner_lite.height > block.header.height);
const proof = await provider.lightClientProof({
    type: 'transaction', sender_id: 'alice.near', transaction_hash: relayed.transaction.hash,
    light_client_head: (await provider.viewBlock({ finality: 'final' })).header.hash,
}).catch((error) => ({ error }));
assert.ok(proof.outcome_proof || /confirmed/i.test(String(proof.error)), String(proof.error));
console.log('near-api-js is content');
