#!/usr/bin/env node
// Runs the native forge that npm installed, and ends as it ends. The script that its package puts in
// front of it ends with 0 whatever happened.
'use strict';

const { spawnSync } = require('child_process');

const cpu = { x64: 'amd64', arm64: 'arm64' }[process.arch];
const forge = require.resolve(`@foundry-rs/forge-${process.platform}-${cpu}/bin/forge`);
const { status, error } = spawnSync(forge, process.argv.slice(2), { stdio: 'inherit' });
if (error) throw error;
process.exit(status ?? 1);
