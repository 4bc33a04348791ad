#!/usr/bin/env node
// `artifact.js write` compiles the contract and those of the tests, and writes what a node needs
// into artifact/ and test/artifact/; `artifact.js check` fails if a committed file differs.
// Both programs come from PATH: starknet-compile, with Cairo's core library in a folder beside its
// own, and starknet-sierra-compile.
'use strict';

const { execFileSync } = require('child_process');
const fs = require('fs');
const os = require('os');
const path = require('path');
const { hash, json } = require('starknet');

const root = path.join(__dirname, '..');
const COMPILER = '2.16.0';
// A class must stay within what the network takes.
const BYTECODE_FELTS_MAX = 81920;
const CLASS_BYTES_MAX = 4089446;

const run = (program, ...args) =>
  execFileSync(program, args, { encoding: 'utf8', maxBuffer: 1 << 28 });

function compiled(project, contract) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'anchorhold-cairo-'));
  try {
    const sierra = path.join(folder, 'sierra.json');
    const casm = path.join(folder, 'casm.json');
    run('starknet-compile', '--contract-path', contract, project, sierra);
    run('starknet-sierra-compile', sierra, casm);
    const { sierra_program, contract_class_version, entry_points_by_type, abi } = json.parse(
      fs.readFileSync(sierra, 'utf8'),
    );
    // The compiler's debug information is no part of the class, but readers expect some.
    const sierra_program_debug_info = { type_names: [], libfunc_names: [], user_func_names: [] };
    return {
      sierra: {
        sierra_program,
        sierra_program_debug_info,
        contract_class_version,
        entry_points_by_type,
        abi,
      },
      casm: json.parse(fs.readFileSync(casm, 'utf8')),
    };
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}

function files(folder, contract, { sierra, casm }) {
  const text = (value) => json.stringify(value) + '\n';
  const sierraText = text(sierra);
  if (casm.bytecode.length > BYTECODE_FELTS_MAX) fail(`${contract} has too much bytecode`);
  if (sierraText.length > CLASS_BYTES_MAX) fail(`${contract} is too large a class`);
  const about = {
    contract,
    compiler: COMPILER,
    classHash: hash.computeContractClassHash(sierra),
    // BLAKE2s, as declarations name it since Starknet 0.14.1; before, Poseidon.
    compiledClassHash: hash.computeCompiledClassHashBlake(casm),
    compiledClassHashPoseidon: hash.computeCompiledClassHashPoseidon(casm),
    bytecodeFelts: casm.bytecode.length,
    sierraFelts: sierra.sierra_program.length,
  };
  return {
    [`${folder}/artifact.json`]: JSON.stringify(about, null, 1) + '\n',
    [`${folder}/${contract}.sierra.json`]: sierraText,
    [`${folder}/${contract}.casm.json`]: text(casm),
  };
}

function fail(text) {
  process.stderr.write(text + '\n');
  process.exit(1);
}

const command = process.argv[2];
if (command !== 'write' && command !== 'check') {
  process.stderr.write('usage: artifact.js write | check\n');
  process.exit(2);
}
const version = run('starknet-compile', '--version').trim();
if (!version.endsWith(` ${COMPILER}`)) fail(`${version} is not the compiler's version ${COMPILER}`);
const tests = path.join(root, 'test');
const built = {
  ...files('artifact', 'Registry', compiled(root, 'anchorhold::registry::Registry')),
  ...files('test/artifact/multisig', 'Multisig', compiled(tests, 'tests::multisig::Multisig')),
  ...files('test/artifact/root', 'Root', compiled(tests, 'tests::root::Root')),
};
for (const [name, text] of Object.entries(built)) {
  const at = path.join(root, name);
  if (command === 'write') {
    fs.mkdirSync(path.dirname(at), { recursive: true });
    fs.writeFileSync(at, text);
  } else if (!fs.existsSync(at) || fs.readFileSync(at, 'utf8') !== text) {
    fail(`${name} is not what the sources build: run \`npm run build\``);
  }
}
