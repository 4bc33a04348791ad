// What a light client is told: @lodestar/types encodes and hashes, @noble/curves signs.

import { ssz } from "@lodestar/types";
import { bls12_381 } from "@noble/curves/bls12-381";
import { createHash } from "node:crypto";
import { hex } from "./random.mjs";

const SOURCE = "@lodestar/types@1.50.0 and @noble/curves@1.9.7";
const { longSignatures } = bls12_381;
const DST = { DST: "BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_" };
const MEMBERS = 32;
const PERIOD_SLOTS = 64;

// Where things stand in a beacon state, by fork: the index of a node, 1 being the root.
const PLACES = {
  altair: { current: 54, next: 55, finality: 105 },
  electra: { current: 86, next: 87, finality: 169 },
};
const FORKS = ["altair", "bellatrix", "capella", "deneb", "electra", "fulu"];
const places = (fork) => (FORKS.indexOf(fork) < 4 ? PLACES.altair : PLACES.electra);

const sha256 = (...parts) => createHash("sha256").update(Buffer.concat(parts)).digest();

// A tree with these leaves; whatever else is in it is made up.
class Tree {
  constructor(leaves) {
    this.leaves = new Map(leaves);
  }

  node(at) {
    if (this.leaves.has(at)) return Buffer.from(this.leaves.get(at));
    const below = [...this.leaves.keys()].some((leaf) => {
      while (leaf > at) leaf >>= 1;
      return leaf === at;
    });
    return below
      ? sha256(this.node(2 * at), this.node(2 * at + 1))
      : sha256(Buffer.from(`node ${at}`));
  }

  branch(at) {
    const siblings = [];
    for (; at > 1; at >>= 1) siblings.push(this.node(at ^ 1));
    return siblings;
  }
}

class Chain {
  constructor(random, fork) {
    this.fork = fork;
    this.types = ssz[fork];
    this.genesis = random.bytes(32);
    this.version = random.bytes(4);
    this.keys = [0, 1, 2].map(() => Array.from({ length: MEMBERS }, () => this.key(random)));
  }

  key(random) {
    // Below the order of the group.
    return hex(random.bytes(31)).slice(2).padStart(64, "0");
  }

  committee(period) {
    const points = this.keys[period].map((key) => longSignatures.getPublicKey(key));
    return {
      pubkeys: points.map((point) => point.toBytes(true)),
      aggregatePubkey: longSignatures.aggregatePublicKeys(points).toBytes(true),
    };
  }

  committeeRoot(period) {
    return ssz.altair.SyncCommittee.hashTreeRoot(this.committee(period));
  }

  header(slot, finalized) {
    const period = Math.floor(slot / PERIOD_SLOTS);
    const at = places(this.fork);
    const state = new Tree([
      [at.current, this.committeeRoot(period)],
      [at.next, this.committeeRoot(period + 1)],
      [at.finality, finalized ?? sha256(Buffer.from("finality"))],
    ]);
    const header = this.types.LightClientHeader.defaultValue();
    Object.assign(header.beacon, {
      slot,
      proposerIndex: slot % 7,
      parentRoot: sha256(Buffer.from(`parent of ${slot}`)),
      stateRoot: state.node(1),
      bodyRoot: sha256(Buffer.from(`body of ${slot}`)),
    });
    if (header.execution) {
      header.execution.blockHash = sha256(Buffer.from(`hash of ${slot}`));
      header.execution.blockNumber = slot;
      header.execution.timestamp = 12 * slot;
      header.execution.extraData = Buffer.from(`extra ${slot}`);
      const root = this.types.ExecutionPayloadHeader.hashTreeRoot(header.execution);
      const body = new Tree([[25, root]]);
      header.executionBranch = body.branch(25);
      header.beacon.bodyRoot = body.node(1);
    }
    return { header, state };
  }

  root(header) {
    return ssz.phase0.BeaconBlockHeader.hashTreeRoot(header.beacon);
  }

  sign(header, slot, signers) {
    const fork = sha256(Buffer.concat([this.version, Buffer.alloc(28)]), this.genesis);
    const domain = Buffer.concat([Buffer.from([7, 0, 0, 0]), fork.subarray(0, 28)]);
    const message = longSignatures.hash(sha256(this.root(header), domain), DST.DST);
    const members = this.keys[Math.floor(slot / PERIOD_SLOTS)].slice(0, signers);
    const signatures = members.map((key) => longSignatures.sign(message, key));
    const bits = ssz.altair.SyncAggregate.fields.syncCommitteeBits.defaultValue();
    members.forEach((_, member) => bits.set(member, true));
    const sum = longSignatures.aggregateSignatures(signatures);
    return { syncCommitteeBits: bits, syncCommitteeSignature: sum.toBytes(true) };
  }

  claim(input) {
    return {
      preset: "minimal",
      fork: this.fork,
      fork_version: hex(this.version),
      genesis_validators_root: hex(this.genesis),
      ...input,
    };
  }
}

function executionHash(header) {
  return hex(header.execution?.blockHash ?? Buffer.alloc(32));
}

function bootstrap(random, round) {
  const chain = new Chain(random, FORKS[round % FORKS.length]);
  const slot = 8 * (1 + random.below(7));
  const { header, state } = chain.header(slot);
  const value = {
    header,
    currentSyncCommittee: chain.committee(0),
    currentSyncCommitteeBranch: state.branch(places(chain.fork).current),
  };
  const type = chain.types.LightClientBootstrap;
  const claim = (story, valid, change, derived = {}) => {
    const changed = type.clone(value);
    const trusted = change(changed) ?? chain.root(header);
    return {
      story: `${story} (${chain.fork})`,
      source: SOURCE,
      input: chain.claim({
        trusted_block_root: hex(trusted),
        bootstrap_ssz: hex(type.serialize(changed)),
      }),
      valid,
      ...derived,
    };
  };
  const claims = [
    claim("as it is", true, () => {}, {
      slot,
      sync_committee_root: hex(chain.committeeRoot(0)),
      execution_block_hash: executionHash(header),
    }),
    claim("of another block", false, () => random.bytes(32)),
    claim("another slot", false, (value) => void (value.header.beacon.slot += 1)),
    claim(
      "another committee",
      false,
      (value) => void (value.currentSyncCommittee = chain.committee(1)),
    ),
    claim(
      "another branch",
      false,
      (value) => void (value.currentSyncCommitteeBranch[2] = random.bytes(32)),
    ),
  ];
  if (header.execution) {
    claims.push(
      claim(
        "another execution block",
        false,
        (value) => void (value.header.execution.gasUsed += 1),
      ),
    );
  }
  return sparse(claims, round);
}

// The first of them always, of the others every third: they are long.
function sparse([first, ...others], round) {
  return [first, ...others.filter((_, at) => (at + round) % 3 === 0)];
}

function update(random, round) {
  const chain = new Chain(random, FORKS[round % FORKS.length]);
  const period = random.below(2);
  const slot = PERIOD_SLOTS * period + 8 * (1 + random.below(3));
  const finalized = chain.header(slot).header;
  const { header: attested, state } = chain.header(slot + 16, chain.root(finalized));
  const signers = random.pick([32, 32, 22, 27]);
  const value = {
    attestedHeader: attested,
    nextSyncCommittee: chain.committee(period + 1),
    nextSyncCommitteeBranch: state.branch(places(chain.fork).next),
    finalizedHeader: finalized,
    finalityBranch: state.branch(places(chain.fork).finality),
    syncAggregate: chain.sign(attested, slot + 17, signers),
    signatureSlot: slot + 17,
  };
  const type = chain.types.LightClientUpdate;
  const committee = hex(ssz.altair.SyncCommittee.serialize(chain.committee(period)));
  const claim = (story, valid, change, derived = {}) => {
    const changed = type.clone(value);
    const input = change(changed) ?? {};
    const told = chain.claim({
      sync_committee_ssz: committee,
      update_ssz: hex(type.serialize(changed)),
    });
    return {
      story: `${story} (${chain.fork})`,
      source: SOURCE,
      input: { ...told, ...input },
      valid,
      ...derived,
    };
  };
  const nothing = chain.types.LightClientUpdate.defaultValue();
  const claims = [
    claim("as it is", true, () => {}, {
      participants: signers,
      attested_slot: slot + 16,
      finalized_slot: slot,
      signature_slot: slot + 17,
      finalized_execution_block_hash: executionHash(finalized),
    }),
    claim("without the committee", true, (value) => {
      value.nextSyncCommittee = nothing.nextSyncCommittee;
      value.nextSyncCommitteeBranch = nothing.nextSyncCommitteeBranch;
    }),
    claim("without finality", true, (value) => {
      value.finalizedHeader = nothing.finalizedHeader;
      value.finalityBranch = nothing.finalityBranch;
    }),
    claim(
      "21 signers",
      false,
      (value) => void (value.syncAggregate = chain.sign(attested, slot + 17, 21)),
    ),
    claim("a signer more", false, (value) => {
      value.syncAggregate.syncCommitteeBits.set(0, false);
    }),
    claim(
      "another final block",
      false,
      (value) => void (value.finalizedHeader.beacon.proposerIndex += 1),
    ),
    claim(
      "another committee",
      false,
      (value) => void (value.nextSyncCommittee = chain.committee(period)),
    ),
    claim("signed at once", false, (value) => void (value.signatureSlot = slot + 16)),
    claim("of another fork version", false, () => ({ fork_version: "0x01020304" })),
    claim("of another network", false, () => ({ genesis_validators_root: hex(random.bytes(32)) })),
    claim("held against another committee", false, () => ({
      sync_committee_ssz: hex(ssz.altair.SyncCommittee.serialize(chain.committee(1 - period))),
    })),
  ];
  return sparse(claims, round);
}

export const beacon = { "lc-bootstrap": bootstrap, "lc-update": update };
