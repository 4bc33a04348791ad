#!/usr/bin/env node
// Writes Aragon's own bytecode to out/aragon/*.json, where tests deploy it from.
// Its package holds it as text of a program for ethers; only the text is read, so package.json puts
// a small package in the place of ethers.
'use strict';

const fs = require('fs');
const path = require('path');

const root = path.join(__dirname, '..');
const text = fs.readFileSync(require.resolve('@aragon/osx-ethers/dist/bundle-cjs.js'), 'utf8');
const folder = path.join(root, 'out/aragon');

// `Name__factory.bytecode = _bytecode$x;` names the constant that holds the code.
function bytecode(contract) {
  const [, constant] = text.match(new RegExp(`^${contract}__factory\\.bytecode = (\\S+);$`, 'm'));
  const name = constant.replace('$', '\\$');
  const [, object] = text.match(new RegExp(`^const ${name} = "(0x[0-9a-f]+)";$`, 'm'));
  return object;
}

fs.mkdirSync(folder, { recursive: true });
for (const contract of ['DAO', 'Multisig']) {
  const artifact = { abi: [], bytecode: { object: bytecode(contract) } };
  fs.writeFileSync(path.join(folder, `${contract}.json`), JSON.stringify(artifact) + '\n');
}
