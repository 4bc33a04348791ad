// Who signed what: viem and ethers must agree before a claim is written.

import { secp256k1 } from "@noble/curves/secp256k1";
import { Signature, TypedDataEncoder, getAddress, verifyMessage } from "ethers";
import { SiweMessage } from "siwe";
import {
  encodeFunctionData,
  hashMessage,
  hashTypedData,
  keccak256,
  numberToHex,
  parseAbi,
  serializeErc6492Signature,
  toHex,
} from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { hashAuthorization, recoverAuthorizationAddress } from "viem/utils";
import { hex } from "./random.mjs";

const VIEM = "viem@2.57.20";
const BOTH = "viem@2.57.20 and ethers@6.17.0";
const ORDER = secp256k1.CURVE.n;

function account(random) {
  return privateKeyToAccount(random.hex(32));
}

function same(one, other) {
  if (one !== other) throw new Error(`the libraries differ: ${one} and ${other}`);
  return one;
}

function bytesOf(text) {
  return Buffer.from(text.slice(2), "hex");
}

function attempt(work) {
  try {
    return work();
  } catch {
    return null;
  }
}

// What is asked of a signature besides being of the right account.
function strict(signature, recover) {
  const bytes = Buffer.from(signature.slice(2), "hex");
  if (bytes.length !== 65 || ![0, 1, 27, 28].includes(bytes[64])) return null;
  const twice = BigInt(hex(bytes.subarray(32, 64))) * 2n;
  return twice > ORDER ? null : attempt(recover);
}

// The signature, and others that are near it.
function spoiled(random, signature) {
  const [r, s] = [signature.slice(2, 66), signature.slice(66, 130)];
  const v = Number(`0x${signature.slice(130)}`);
  const word = (number) => numberToHex(number, { size: 32 }).slice(2);
  const end = (number) => numberToHex(number, { size: 1 }).slice(2);
  const flipped = Buffer.from(signature.slice(2), "hex");
  flipped[random.below(64)] ^= 1 << random.below(8);
  return {
    "as signed": signature,
    "v counted from 0": `0x${r}${s}${end(v - 27)}`,
    "the other v": `0x${r}${s}${end(55 - v)}`,
    "v of a transaction": `0x${r}${s}${end(v + 8)}`,
    "v 29 or 30": `0x${r}${s}${end(v + 2)}`,
    "high s": `0x${r}${word(ORDER - BigInt(`0x${s}`))}${end(55 - v)}`,
    "no s": `0x${r}${word(0n)}${end(v)}`,
    "no r": `0x${word(0n)}${s}${end(v)}`,
    "r of the order": `0x${word(ORDER)}${s}${end(v)}`,
    "64 bytes": signature.slice(0, 130),
    compact: Signature.from(signature).compactSerialized,
    "66 bytes": `${signature}00`,
    nothing: "0x",
    "a flipped bit": hex(flipped),
  };
}

async function eip191(random, round) {
  const signer = account(random);
  const length = random.pick([0, 1, 9, 10, 32, 99, 100, 255, 999, 1000, random.below(300)]);
  const message = random.hex(length);
  const digest = hashMessage({ raw: message });
  const signature = await signer.signMessage({ message: { raw: message } });
  const claim = (story, address, signature) => {
    const found = strict(signature, () =>
      verifyMessage(Buffer.from(message.slice(2), "hex"), signature),
    );
    const valid = found !== null && found === attempt(() => getAddress(address));
    return { story, source: BOTH, input: { address, message, signature }, valid, digest };
  };
  const claims = Object.entries(spoiled(random, signature)).map(([story, signature]) =>
    claim(story, signer.address, signature),
  );
  claims.push(claim("another account", account(random).address, signature));
  claims.push(claim("the zero address", `0x${"00".repeat(20)}`, signature));
  claims.push(claim("a lower-case address", signer.address.toLowerCase(), signature));
  return round % 4 === 0 ? claims : claims.slice(0, 4);
}

function ecrecover(random) {
  const key = random.bytes(32);
  const digest = random.bytes(32);
  const signed = secp256k1.sign(digest, key);
  const claim = (story, v, r, s) => {
    const parity = v === 27n || v === 28n ? Number(v - 27n) : null;
    const point = attempt(() =>
      new secp256k1.Signature(r, s).addRecoveryBit(parity).recoverPublicKey(hex(digest).slice(2)),
    );
    const found =
      parity === null || point === null ? null : keccak256(point.toRawBytes(false).slice(1));
    const word = (number) => numberToHex(number, { size: 32 });
    return {
      story,
      source: "@noble/curves@1.9.7",
      input: { hash: hex(digest), v: numberToHex(v), r: word(r), s: word(s) },
      valid: found !== null,
      address: found === null ? null : `0x${found.slice(26)}`,
    };
  };
  const v = 27n + BigInt(signed.recovery);
  return [
    claim("as signed", v, signed.r, signed.s),
    claim("high s", 55n - v, signed.r, ORDER - signed.s),
    claim("the other v", 55n - v, signed.r, signed.s),
    claim("v counted from 0", v - 27n, signed.r, signed.s),
    claim("v with a high bit", v + (1n << 64n), signed.r, signed.s),
    claim("another r", v, random.bigint(256), signed.s),
    claim("r of the order", v, ORDER, signed.s),
    claim("no s", v, signed.r, 0n),
  ];
}

const DOMAIN_FIELDS = [
  ["name", "string", (random) => random.text("abc é🚀", random.below(12))],
  ["version", "string", (random) => String(random.below(10))],
  ["chainId", "uint256", (random) => random.below(100_000)],
  ["verifyingContract", "address", (random) => random.hex(20)],
  ["salt", "bytes32", (random) => random.hex(32)],
];

// A type, and a maker of its values as JSON has them.
function anyType(random, structs, depth) {
  const draw = random.below(depth > 2 ? 7 : 10);
  const size = 8 * (1 + random.below(32));
  const width = 1 + random.below(32);
  switch (draw) {
    case 0:
      return ["string", () => random.text("xyz ~é✓", random.below(20))];
    case 1:
      return ["bool", () => random.chance(50)];
    case 2:
      return ["address", () => (random.chance(50) ? random.hex(20) : getAddress(random.hex(20)))];
    case 3:
      return ["bytes", () => random.hex(random.below(70))];
    case 4:
      return [`bytes${width}`, () => random.hex(width)];
    case 5:
      return [`uint${size}`, () => written(random, random.bigint(size))];
    case 6:
      return [`int${size}`, () => written(random, random.bigint(size) - (1n << BigInt(size - 1)))];
    case 7:
      return [structs.add(depth), null];
    default: {
      const [item, make] = anyType(random, structs, depth + 1);
      const length = random.below(4);
      const fixed = random.chance(50);
      const value = make ?? (() => structs.value(item));
      const count = () => (fixed ? length : random.below(4));
      return [`${item}[${fixed ? length : ""}]`, () => Array.from({ length: count() }, value)];
    }
  }
}

// As a JSON number where that loses nothing, as decimal digits, or as hexadecimal ones.
function written(random, number) {
  if (random.chance(30) && number >= 0n) return numberToHex(number);
  const small = number <= 2n ** 53n - 1n && number >= -(2n ** 53n) + 1n;
  return random.chance(50) && small ? Number(number) : String(number);
}

class Structs {
  constructor(random) {
    this.random = random;
    this.types = {};
    this.makers = {};
  }

  add(depth) {
    const name = `S${Object.keys(this.types).length}${this.random.text("abc_$", 2)}`;
    this.types[name] = [];
    const makers = [];
    for (let field = this.random.below(5); field >= 0; field -= 1) {
      const [type, make] = anyType(this.random, this, depth + 1);
      this.types[name].push({ name: `f${field}`, type });
      makers.push([`f${field}`, make ?? (() => this.value(type))]);
    }
    this.makers[name] = makers;
    return name;
  }

  value(name) {
    return Object.fromEntries(this.makers[name].map(([field, make]) => [field, make()]));
  }
}

// Both libraries' digest. Neither minds what is not signed, so that claims with more are by hand.
function typedDigest({ types, primaryType, domain, message }) {
  const { EIP712Domain: _, ...structs } = types;
  const one = hashTypedData({ types, primaryType, domain, message });
  if (primaryType === "EIP712Domain") return one;
  const used = Object.fromEntries(
    reachable(structs, primaryType).map((name) => [name, structs[name]]),
  );
  return same(one, TypedDataEncoder.hash(domain, used, message));
}

// ethers wants no struct that nobody refers to.
function reachable(structs, from) {
  const found = new Set([from]);
  for (const name of found) {
    for (const { type } of structs[name]) {
      const base = type.split("[")[0];
      if (base in structs) found.add(base);
    }
  }
  return [...found];
}

async function eip712(random) {
  const signer = account(random);
  const structs = new Structs(random);
  const primaryType = structs.add(0);
  const fields = DOMAIN_FIELDS.filter(() => random.chance(60));
  const domain = Object.fromEntries(fields.map(([name, , make]) => [name, make(random)]));
  const types = {
    EIP712Domain: fields.map(([name, type]) => ({ name, type })),
    ...structs.types,
  };
  const document = { types, primaryType, domain, message: structs.value(primaryType) };
  const digest = typedDigest(document);
  const signature = await signer.sign({ hash: digest });
  const claim = (story, typed_data, valid, digest) => ({
    story,
    source: BOTH,
    input: { typed_data, address: signer.address, signature },
    valid,
    ...(digest && { digest }),
  });
  const clone = () => structuredClone(document);
  const changed = (change) => {
    const copy = clone();
    change(copy);
    return copy;
  };
  const claims = [claim("as signed", document, true, digest)];
  claims.push({ ...claim("unsigned", document, true, digest), input: { typed_data: document } });
  claims.push(
    claim(
      "more than is signed",
      changed((d) => (d.message.other = 1)),
      false,
    ),
  );
  const gone = changed((d) => delete d.message[Object.keys(d.message)[0]]);
  if (attempt(() => typedDigest(gone)) === null)
    claims.push(claim("a field is missing", gone, false));
  const other = changed((d) => (d.types[primaryType][0].name = "renamed"));
  other.message.renamed = other.message[types[primaryType][0].name];
  delete other.message[types[primaryType][0].name];
  claims.push(claim("a renamed field", other, false, typedDigest(other)));
  const unknown = changed((d) => (d.types[primaryType][0].type = "Nothing"));
  if (attempt(() => typedDigest(unknown)) !== null) throw new Error("an unknown type has a digest");
  claims.push(claim("an unknown type", unknown, false));
  const moved = changed((d) => (d.domain.name = "elsewhere"));
  moved.types.EIP712Domain = DOMAIN_FIELDS.filter(([name]) => name in moved.domain).map(
    ([name, type]) => ({ name, type }),
  );
  claims.push(claim("another domain", moved, false, typedDigest(moved)));
  const domainOnly = changed((d) => (d.primaryType = "EIP712Domain"));
  const domainDigest = typedDigest(domainOnly);
  claims.push({
    ...claim("the domain alone", domainOnly, true, domainDigest),
    input: {
      typed_data: domainOnly,
      address: signer.address,
      signature: await signer.sign({ hash: domainDigest }),
    },
  });
  return claims;
}

const UNRESERVED = "abcXYZ019-._~";
const SUB_DELIMS = "!$&'()*+,;=";

// Two slashes at its beginning would make it an authority.
function anyPath(random) {
  const path = random.text(UNRESERVED + SUB_DELIMS + ":@/", random.below(20));
  return path.replace(/^\/\//, "/x");
}

function anyUri(random) {
  return random.pick([
    "https://example.com/login",
    "https://me:x@example.com:8443/a%20b/c;d?e=f&g#h",
    "http://[2001:db8::7]/",
    "http://[::ffff:10.0.0.1]:1/?#",
    "http://[v1a.x:y]/",
    "ipfs://Qme7ss3ARVgxv6rXqVPiikMJ8u2NLgmgszg13pYrDKEoiu",
    "did:key:z6MkvRXNYcE7MMduynWTgeKbDaT1iijDSC8pZqXZc8rHPrf2",
    "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
    "mailto:a@b.c",
    "a:",
    `x${random.text("abc+-.0", 3)}:${anyPath(random)}`,
  ]);
}

function anyTime(random) {
  const time = new Date(1.5e12 + random.below(2 ** 31) * 100).toISOString();
  return random.pick([
    time,
    time.slice(0, 19) + "Z",
    time.slice(0, 19) + "+05:30",
    time.slice(0, 19) + ".123456789012-00:00",
  ]);
}

function anyMessage(random, address) {
  const lines = [
    `${random.pick(["", "", "https://", "a+b-c.1://"])}${random.pick([
      "service.org",
      "localhost:3000",
      "127.0.0.1",
      "me@service.org",
      "u:p@[::cafe]:80",
      "a%20b.c",
      "x_y.z~",
    ])} wants you to sign in with your Ethereum account:`,
    address,
    "",
  ];
  if (random.chance(60))
    lines.push(random.text(`${UNRESERVED}${SUB_DELIMS}:/?#[]@ `, 1 + random.below(60)));
  lines.push("");
  lines.push(`URI: ${anyUri(random)}`, "Version: 1", `Chain ID: ${1 + random.below(100_000)}`);
  lines.push(
    `Nonce: ${random.text("abcXYZ0189", 8 + random.below(20))}`,
    `Issued At: ${anyTime(random)}`,
  );
  if (random.chance(40)) lines.push(`Expiration Time: ${anyTime(random)}`);
  if (random.chance(40)) lines.push(`Not Before: ${anyTime(random)}`);
  if (random.chance(40))
    lines.push(`Request ID: ${random.text(UNRESERVED + SUB_DELIMS + ":@", random.below(12))}`);
  if (random.chance(40)) {
    lines.push("Resources:");
    for (let count = random.below(4); count > 0; count -= 1) lines.push(`- ${anyUri(random)}`);
  }
  return lines.join("\n");
}

const FIELDS = [
  "scheme",
  "domain",
  "address",
  "statement",
  "uri",
  "version",
  "chainId",
  "nonce",
  "issuedAt",
  "expirationTime",
  "notBefore",
  "requestId",
  "resources",
];

// The library takes an empty line for a statement; a statement of the standard has a character.
function parsed(message) {
  const found = attempt(() => new SiweMessage(message));
  return found?.statement === "" ? null : found;
}

function fieldsOf(message) {
  const told = FIELDS.filter((name) => message[name] !== undefined && message[name] !== null);
  return Object.fromEntries(told.map((name) => [name, message[name]]));
}

function siweParse(random) {
  const message = anyMessage(random, account(random).address);
  const claim = (story, message) => {
    const found = parsed(message);
    const fields = found && fieldsOf(found);
    return {
      story,
      source: "siwe@3.0.0",
      input: { message },
      valid: found !== null,
      ...(fields && { fields }),
    };
  };
  const at = random.below(message.length);
  const mark = random.text("\n\r\t :/?#[]@%é0aZ-", 1);
  const lines = message.split("\n");
  const line = random.below(lines.length);
  return [
    claim("as written", message),
    claim("a mark more", message.slice(0, at) + mark + message.slice(at)),
    claim("a mark fewer", message.slice(0, at) + message.slice(at + 1)),
    claim("a line fewer", lines.toSpliced(line, 1).join("\n")),
    claim("a line twice", lines.toSpliced(line, 0, lines[line]).join("\n")),
    claim(
      "two lines swapped",
      lines.toSpliced(line, 2, ...lines.slice(line, line + 2).reverse()).join("\n"),
    ),
    claim("a line feed at the end", `${message}\n`),
  ];
}

async function siweVerify(random) {
  const signer = account(random);
  const issued = 1.7e12 + random.below(2 ** 30) * 1000;
  const time = (offset) => new Date(issued + offset * 1000).toISOString();
  const expected = { domain: "service.org", nonce: random.text("abcXYZ0189", 12), scheme: "https" };
  const message = new SiweMessage({
    ...expected,
    address: signer.address,
    statement: "I accept.",
    uri: "https://service.org/login",
    version: "1",
    chainId: 1 + random.below(1000),
    issuedAt: time(0),
    notBefore: time(10),
    expirationTime: time(100),
  });
  const text = message.prepareMessage();
  const signature = await signer.signMessage({ message: text });
  const claim = async (story, change = {}, signed = signature) => {
    const { now = time(50), ...rest } = change;
    const told = { ...expected, ...rest };
    const found = strict(signed, () => verifyMessage(text, signed));
    const result =
      found &&
      (await new SiweMessage(text).verify(
        { signature: signed, time: now, ...told },
        { suppressExceptions: true },
      ));
    return {
      story,
      source: "siwe@3.0.0",
      input: {
        message: text,
        signature: signed,
        now,
        expected_domain: told.domain,
        expected_nonce: told.nonce,
        expected_scheme: told.scheme,
      },
      valid: found === signer.address && result.success,
      signature_recovers_address: found === signer.address,
    };
  };
  return Promise.all([
    claim("as signed"),
    claim("at its beginning", { now: time(10) }),
    claim("before its beginning", { now: time(9.999) }),
    claim("just before its end", { now: time(99.999) }),
    claim("at its end", { now: time(100) }),
    claim("for another domain", { domain: "evil.org" }),
    claim("with another nonce", { nonce: "000000000000" }),
    claim("of another scheme", { scheme: "http" }),
    claim("by another account", {}, await account(random).signMessage({ message: text })),
    claim("with high s", {}, spoiled(random, signature)["high s"]),
  ]);
}

const ABI = parseAbi([
  "function isValidSignature(bytes32 hash, bytes signature) view returns (bytes4)",
]);

function erc1271Call(random) {
  const [digest, signature] = [random.hex(32), random.hex(random.below(200))];
  const calldata = encodeFunctionData({ abi: ABI, args: [digest, signature] });
  return [
    {
      story: "any signature",
      source: VIEM,
      input: { hash: digest, signature },
      valid: true,
      calldata,
    },
  ];
}

function erc6492(random) {
  const [address, data, signature] = [
    random.hex(20),
    random.hex(random.below(100)),
    random.hex(random.below(100)),
  ];
  const wrapped = serializeErc6492Signature({ address, data, signature });
  const parts = {
    wrapped: true,
    factory: getAddress(address),
    factory_calldata: data,
    inner_signature: signature,
  };
  const body = (wrapped.length - 66) / 2;
  const broken = (at, byte) => {
    const changed = bytesOf(wrapped);
    changed[at] = byte;
    return hex(changed);
  };
  return [
    { story: "wrapped", source: VIEM, input: { signature: wrapped }, valid: true, ...parts },
    {
      story: "the inner one alone",
      source: VIEM,
      input: { signature },
      valid: true,
      wrapped: false,
      inner_signature: signature,
    },
    {
      story: "a byte after it",
      source: VIEM,
      input: { signature: `${wrapped}00` },
      valid: true,
      wrapped: false,
    },
    {
      story: "an offset outside",
      source: VIEM,
      input: { signature: broken(60, 1) },
      valid: false,
      wrapped: true,
    },
    {
      story: "a length outside",
      source: VIEM,
      input: { signature: broken(96 + 28, 1) },
      valid: false,
      wrapped: true,
    },
    {
      story: "a factory of 21 bytes",
      source: VIEM,
      input: { signature: broken(11, 1) },
      valid: false,
      wrapped: true,
    },
    {
      story: "without its head",
      source: VIEM,
      input: { signature: `0x${wrapped.slice(2 + 2 * (body - 32 * random.below(3)))}` },
      valid: false,
      wrapped: true,
    },
  ];
}

function delegation(random) {
  const address = random.hex(20);
  const claim = (story, code, delegate) => ({
    story,
    source: VIEM,
    input: { code },
    valid: delegate !== null,
    delegate,
    code_hash: keccak256(code),
  });
  return [
    claim("delegated", `0xef0100${address.slice(2)}`, address),
    claim("a byte fewer", `0xef0100${address.slice(4)}`, null),
    claim("a byte more", `0xef0100${address.slice(2)}00`, null),
    claim("another version", `0xef0101${address.slice(2)}`, null),
    claim("any code", random.hex(23), null),
  ];
}

async function authorization(random) {
  const signer = account(random);
  const chainId = random.pick([0, 1, 10, 2 ** 32]);
  const nonce = random.pick([0, 1, 2 ** 40]);
  const address = getAddress(random.hex(20));
  const signed = await signer.signAuthorization({ chainId, nonce, address });
  const digest = hashAuthorization({ chainId, nonce, address });
  same(await recoverAuthorizationAddress({ authorization: signed }), signer.address);
  const input = {
    chain_id: chainId,
    address,
    nonce,
    y_parity: signed.yParity,
    r: signed.r,
    s: signed.s,
  };
  const claim = (story, change, valid, derived = {}) => ({
    story,
    source: VIEM,
    input: { ...input, ...change },
    valid,
    ...derived,
  });
  const high = toHex(ORDER - BigInt(signed.s), { size: 32 });
  return [
    claim("as signed", {}, true, { digest, authority: signer.address }),
    claim("on its chain", { expected_chain_id: chainId, expected_authority: signer.address }, true),
    claim("on another chain", { expected_chain_id: 5 }, chainId === 0),
    claim("of another account", { expected_authority: account(random).address }, false),
    claim("high s", { s: high, y_parity: 1 - signed.yParity }, false, { digest }),
    claim("a parity of 27", { y_parity: 27 }, false, { digest }),
    claim("the largest nonce", { nonce: "18446744073709551615" }, false),
  ];
}

export const identity = {
  eip191,
  ecrecover,
  eip712,
  "siwe-parse": siweParse,
  "siwe-verify": siweVerify,
  "erc1271-call": erc1271Call,
  erc6492,
  "eip7702-code": delegation,
  "eip7702-auth": authorization,
};
