#!/usr/bin/env node
// Prints what the snapshots say as a table: the same act here, in a Safe, in an Aragon multisig.
'use strict';

const fs = require('fs');
const path = require('path');

const read = (name) =>
  JSON.parse(fs.readFileSync(path.join(__dirname, '../snapshots', `${name}.json`), 'utf8'));
const [ours, safe, aragon] = ['Registry', 'Safe', 'Aragon'].map(read);
const spaced = (value) => Number(value).toLocaleString('en').replace(/,/g, ' ');
const cell = (value) => (value === undefined ? '–' : spaced(value));

const rows = [
  ['create a record', ours.create],
  ['make a 3-of-5', ours['3 of 5: made, 7 transactions'],
    safe['3 of 5: made, 1 transaction'], aragon['3 of 5: made, 1 transaction']],
  ['propose a change', ours['3 of 5: proposed'], undefined, aragon['3 of 5: proposed']],
  ['approve it', ...[ours, safe, aragon].map((gas) => gas['3 of 5: approved by one'])],
  ['approve it last', ours['3 of 5: approved by the last'], undefined,
    aragon['3 of 5: approved by the last']],
  ['execute it', ours['3 of 5: executed'], undefined, aragon['3 of 5: executed']],
  ['approve last and execute at once', ...[ours, safe, aragon]
    .map((gas) => gas['3 of 5: approved by the last and executed'])],
  ['the whole change, 3 transactions', ...[ours, safe, aragon]
    .map((gas) => gas['3 of 5: changed, 3 transactions'])],
  ['the whole change, approved by signatures',
    ours['3 of 5: changed by signatures, 3 transactions'],
    safe['3 of 5: changed by signatures, 1 transaction']],
  ['a change by one admin of a threshold of 1', ours['members, one admin, one transaction']],
];

process.stdout.write('| gas of a transaction | Registry | Safe 1.5.0 | Aragon OSx 1.3.0 |\n');
process.stdout.write('|---|---:|---:|---:|\n');
for (const [act, ...gas] of rows) {
  const cells = [0, 1, 2].map((index) => cell(gas[index]));
  process.stdout.write(`| ${act} | ${cells.join(' | ')} |\n`);
}
