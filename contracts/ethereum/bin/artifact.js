#!/usr/bin/env node
// `artifact.js write` puts what the node needs of the build into artifact/Registry.json;
// `artifact.js check` fails if the committed file differs from the build.
'use strict';

const fs = require('fs');
const path = require('path');
const { keccak256 } = require('js-sha3');

const root = path.join(__dirname, '..');
const built = JSON.parse(fs.readFileSync(path.join(root, 'out/Registry.sol/Registry.json'), 'utf8'));
const file = path.join(root, 'artifact/Registry.json');

const hash = (hex) => '0x' + keccak256(Buffer.from(hex.slice(2), 'hex'));
// Where the constructor writes the one immutable (the registry domain) into the runtime code.
const holes = Object.values(built.deployedBytecode.immutableReferences).flat();
const artifact = {
  contract: 'Registry',
  compiler: built.metadata.compiler.version,
  settings: {
    evmVersion: built.metadata.settings.evmVersion,
    optimizerRuns: built.metadata.settings.optimizer.runs,
  },
  creationHash: hash(built.bytecode.object),
  runtimeHash: hash(built.deployedBytecode.object),
  registryDomainAt: holes.map((hole) => hole.start),
  abi: built.abi,
  creation: built.bytecode.object,
  runtime: built.deployedBytecode.object,
};
const text = JSON.stringify(artifact, null, 1) + '\n';

const command = process.argv[2];
if (command === 'write') {
  fs.writeFileSync(file, text);
} else if (command === 'check') {
  if (!fs.existsSync(file) || fs.readFileSync(file, 'utf8') !== text) {
    process.stderr.write('artifact/Registry.json is not what src/ builds: run `npm run build`\n');
    process.exit(1);
  }
} else {
  process.stderr.write('usage: artifact.js write | check\n');
  process.exit(2);
}
