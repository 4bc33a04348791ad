// The same draws for the same seed, so that a run can be repeated.

export class Random {
  constructor(seed) {
    this.state = seed >>> 0;
  }

  // 32 bits. Source: mulberry32, in the public domain.
  next() {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let mixed = this.state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }

  below(bound) {
    return this.next() % bound;
  }

  pick(list) {
    return list[this.below(list.length)];
  }

  chance(percent) {
    return this.below(100) < percent;
  }

  bytes(length) {
    return Uint8Array.from({ length }, () => this.below(256));
  }

  hex(length) {
    return hex(this.bytes(length));
  }

  text(alphabet, length) {
    return Array.from({ length }, () => this.pick([...alphabet])).join("");
  }

  bigint(bits) {
    return BigInt(this.hex(32)) >> BigInt(256 - bits);
  }
}

export function hex(bytes) {
  return "0x" + Buffer.from(bytes).toString("hex");
}
