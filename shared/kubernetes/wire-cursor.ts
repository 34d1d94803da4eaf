export const TWO_32 = 2 ** 32;
export const LENGTH_DELIMITED = 2;

/** The bytes are no such message: kube-apiserver would refuse them too. */
export class Malformed extends Error {}

/**
 * A place in protobuf's bytes, and what is read from there on. `end` is where the message ends that is
 * being read: nothing is taken from beyond it. Everything throws Malformed.
 */
export class WireCursor {
  protected bytes: Buffer = Buffer.alloc(0);
  protected at = 0;
  /** The varint read last, as two unsigned halves. */
  protected low = 0;
  protected high = 0;

  protected text(end: number): string {
    const inner = this.length(LENGTH_DELIMITED, end);
    const from = this.at;
    this.at = inner;
    return from === inner ? '' : this.bytes.toString('utf8', from, inner);
  }

  /** Reads a length, and says where what it is the length of ends. */
  protected length(wire: number, end: number): number {
    if (wire !== LENGTH_DELIMITED) throw new Malformed('a field has no length');
    const length = this.varint();
    const inner = this.at + length;
    if (inner > end) throw new Malformed('a field ends beyond its message');
    return inner;
  }

  protected take(length: number, end: number): number {
    const at = this.at;
    if (at + length > end) throw new Malformed('a field ends beyond its message');
    this.at = at + length;
    return at;
  }

  protected ended(end: number): void {
    if (this.at !== end) throw new Malformed('a field ends beyond its message');
  }

  protected skip(wire: number, end: number): void {
    switch (wire) {
      case 0:
        this.long64();
        break;
      case 1:
        this.take(8, end);
        break;
      case LENGTH_DELIMITED:
        this.at = this.length(wire, end);
        break;
      case 5:
        this.take(4, end);
        break;
      default:
        throw new Malformed('a group');
    }
  }

  /** Lengths and tags; beyond 2^53 inexact, and refused as too long by whoever asked. */
  protected varint(): number {
    const first = this.bytes[this.at];
    if (first !== undefined && first < 0x80) {
      this.at += 1;
      return first;
    }
    this.long64();
    return this.high * TWO_32 + this.low;
  }

  protected long64(): void {
    const bytes = this.bytes;
    let at = this.at;
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = bytes[at];
      if (byte === undefined) throw new Malformed('a number breaks off');
      at += 1;
      const bits = byte & 0x7f;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        high = bits >>> 4;
      } else high |= bits << (shift - 32);
      if (byte < 0x80) {
        this.at = at;
        this.low = low >>> 0;
        this.high = high >>> 0;
        return;
      }
    }
    throw new Malformed('a number has no end');
  }
}
