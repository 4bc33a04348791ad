// Writes claims of every kind, with the verdicts of the ecosystem's own libraries.
//
//   npm install && node generate.mjs [--count N] [--seed N] [--out FOLDER]
//
// `own/` holds what the defaults give. A larger count into another folder, named by
// ANCHORHOLD_CLAIMS when the tests run, compares more.

// Before @lodestar/params is loaded: committees of 32 keys keep the files small.
process.env.LODESTAR_PRESET = "minimal";

import { mkdirSync, writeFileSync } from "node:fs";
import { Random } from "./random.mjs";

const { beacon } = await import("./beacon.mjs");
const { identity } = await import("./identity.mjs");
const { state } = await import("./state.mjs");

const options = { count: 6, seed: 1, out: new URL("own", import.meta.url).pathname };
for (let at = 2; at < process.argv.length; at += 2) {
  const name = process.argv[at].replace(/^--/, "");
  if (!(name in options)) throw new Error(`unknown option ${process.argv[at]}`);
  options[name] = name === "out" ? process.argv[at + 1] : Number(process.argv[at + 1]);
}

mkdirSync(options.out, { recursive: true });
for (const [kind, generate] of Object.entries({ ...identity, ...state, ...beacon })) {
  const random = new Random(options.seed);
  const claims = [];
  for (let round = 0; round < options.count; round += 1) {
    for (const claim of await generate(random, round)) {
      const { story, source, input, valid, ...derived } = claim;
      claims.push({
        chain: "ethereum",
        kind,
        name: `${story}, ${round}`,
        source: `generated with ${source}`,
        input,
        expect: { valid, ...derived },
      });
    }
  }
  const names = new Set(claims.map((claim) => claim.name));
  if (names.size !== claims.length) throw new Error(`${kind}: two claims have one name`);
  const lines = claims.map((claim) => JSON.stringify(claim)).join(",\n");
  writeFileSync(`${options.out}/${kind}.json`, `[\n${lines}\n]\n`);
  console.log(`${claims.length} claims of kind ${kind}`);
}
