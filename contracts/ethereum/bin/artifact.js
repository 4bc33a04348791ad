#!/usr/bin/env node
// `artifact.js write` puts what the node needs of the build into artifact/Registry.json, and what a
// block explorer needs to verify it into artifact/standard-input.json;
// `artifact.js check` fails if a committed file differs from the build, or the compiler, given the
// second one alone, makes other code than the first one has.
'use strict';

const fs = require('fs');
const path = require('path');
const { keccak256 } = require('js-sha3');

const root = path.join(__dirname, '..');
const read = (name) => fs.readFileSync(path.join(root, name), 'utf8');
const built = JSON.parse(read('out/Registry.sol/Registry.json'));
const { compiler, settings, sources } = built.metadata;

const hash = (bytes) => '0x' + keccak256(bytes);
const hashOfHex = (hex) => hash(Buffer.from(hex.slice(2), 'hex'));

// What the compiler was given, whole: `{ language, sources, settings }`.
function standardInput() {
  const contents = {};
  for (const [name, source] of Object.entries(sources)) {
    const content = read(name);
    if (hash(content) !== source.keccak256) throw new Error(`${name} is not what was built`);
    contents[name] = { content };
  }
  const { compilationTarget, ...rest } = settings;
  const outputSelection = { '*': { '*': ['abi', 'evm.bytecode', 'evm.deployedBytecode'] } };
  return { language: 'Solidity', sources: contents, settings: { ...rest, outputSelection } };
}

function artifact(input) {
  // Where the constructor writes the one immutable (the registry domain) into the runtime code.
  const holes = Object.values(built.deployedBytecode.immutableReferences).flat();
  return {
    contract: 'Registry',
    compiler: compiler.version,
    settings: {
      evmVersion: settings.evmVersion,
      optimizerRuns: settings.optimizer.runs,
      viaIR: settings.viaIR,
    },
    creationHash: hashOfHex(built.bytecode.object),
    runtimeHash: hashOfHex(built.deployedBytecode.object),
    standardInputHash: hash(input),
    registryDomainAt: holes.map((hole) => hole.start),
    abi: built.abi,
    creation: built.bytecode.object,
    runtime: built.deployedBytecode.object,
  };
}

// Compiles the committed input by itself, as an explorer would.
function recompiled() {
  const output = JSON.parse(require('solc').compile(read('artifact/standard-input.json')));
  return '0x' + output.contracts['src/Registry.sol'].Registry.evm.bytecode.object;
}

function fail(text) {
  process.stderr.write(text + '\n');
  process.exit(1);
}

const input = JSON.stringify(standardInput(), null, 1) + '\n';
const files = {
  'artifact/standard-input.json': input,
  'artifact/Registry.json': JSON.stringify(artifact(input), null, 1) + '\n',
};

const command = process.argv[2];
if (command === 'write') {
  for (const [name, text] of Object.entries(files)) fs.writeFileSync(path.join(root, name), text);
} else if (command === 'check') {
  for (const [name, text] of Object.entries(files)) {
    const same = fs.existsSync(path.join(root, name)) && read(name) === text;
    if (!same) fail(`${name} is not what src/ builds: run \`npm run build\``);
  }
  if (recompiled() !== built.bytecode.object) fail('artifact/standard-input.json makes other code');
} else {
  process.stderr.write('usage: artifact.js write | check\n');
  process.exit(2);
}
