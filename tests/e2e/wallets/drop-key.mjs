// Takes an account of NEAR its own key: nobody can sign for it any more.
//
//   node drop-key.mjs URL ACCOUNT SECRET

import { Account, JsonRpcProvider, KeyPairEd25519, KeyPairSigner, baseEncode } from "near-api-js";
import { ed25519 } from "@noble/curves/ed25519.js";

const [url, account, secret] = process.argv.slice(2);
const seed = Uint8Array.from(Buffer.from(secret.replace(/^0x/, ""), "hex"));
const pair = new KeyPairEd25519(baseEncode(Buffer.concat([seed, ed25519.getPublicKey(seed)])));
const owner = new Account(account, new JsonRpcProvider({ url }), new KeyPairSigner(pair));
await owner.deleteKey(pair.getPublicKey().toString());
console.log("gone");
