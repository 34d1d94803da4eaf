import { type Json, put } from './json-object.ts';
import { MAX_JSON_DEPTH } from './json-value.ts';
import { Malformed } from './wire-cursor.ts';

/*
 * CBOR as kube-apiserver writes it (RFC 8949): text as byte strings, bytes under the tag "expected
 * later encoding", maps ordered by their encoded keys. Read into what its JSON would hold.
 */

const INDEFINITE = 31;
const BREAK = 0xff;
/** Tags that say how a byte string is to be shown as text. */
const LATER_ENCODINGS: Readonly<Record<number, BufferEncoding>> = {
  21: 'base64url',
  22: 'base64',
  23: 'hex',
};

/** Throws Malformed: cut off, too deep, a key twice, or a value that JSON cannot have. */
export function parseCbor(bytes: Buffer): unknown {
  const reader = new CborReader(bytes);
  const value = reader.item(0, 'utf8');
  if (!reader.atEnd) throw new Malformed('more than one item');
  return value;
}

class CborReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  item(depth: number, encoding: BufferEncoding): unknown {
    if (depth > MAX_JSON_DEPTH) throw new Malformed(`nested deeper than ${MAX_JSON_DEPTH}`);
    const head = this.#byte();
    const major = head >> 5;
    const info = head & 31;
    switch (major) {
      case 0:
        return exactly(this.#argument(info));
      case 1:
        return exactly(-1n - this.#argument(info));
      case 2:
        return this.#text(info, major, encoding);
      case 3:
        return this.#text(info, major, 'utf8');
      case 4:
        return this.#list(info, depth);
      case 5:
        return this.#map(info, depth);
      case 6:
        return this.item(depth + 1, LATER_ENCODINGS[Number(this.#argument(info))] ?? encoding);
      default:
        return this.#simple(info);
    }
  }

  #text(info: number, major: number, encoding: BufferEncoding): string {
    if (info !== INDEFINITE) return this.#chunk(info).toString(encoding);
    const chunks: Buffer[] = [];
    while (!this.#broken()) {
      const head = this.#byte();
      if (head >> 5 !== major || (head & 31) === INDEFINITE)
        throw new Malformed('a text in pieces of another kind');
      chunks.push(this.#chunk(head & 31));
    }
    return Buffer.concat(chunks).toString(encoding);
  }

  #chunk(info: number): Buffer {
    const length = Number(this.#argument(info));
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new Malformed('a text breaks off');
    const chunk = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return chunk;
  }

  #list(info: number, depth: number): unknown[] {
    const list: unknown[] = [];
    for (let left = this.#count(info); left > 0 && !(left === Infinity && this.#broken()); left -= 1) {
      list.push(this.item(depth + 1, 'utf8'));
    }
    return list;
  }

  /** Keys in the order of JSON from a Go map. */
  #map(info: number, depth: number): Json {
    const entries = new Map<string, unknown>();
    for (let left = this.#count(info); left > 0 && !(left === Infinity && this.#broken()); left -= 1) {
      const key = this.item(depth + 1, 'utf8');
      if (typeof key !== 'string') throw new Malformed('a key that is no text');
      if (entries.has(key)) throw new Malformed('a key twice');
      entries.set(key, this.item(depth + 1, 'utf8'));
    }
    const object: Json = {};
    for (const key of [...entries.keys()].sort()) put(object, key, entries.get(key));
    return object;
  }

  /** Items to come; each takes a byte at least. */
  #count(info: number): number {
    if (info === INDEFINITE) return Infinity;
    const count = Number(this.#argument(info));
    if (count > this.#bytes.length - this.#at) throw new Malformed('more items than bytes');
    return count;
  }

  #simple(info: number): unknown {
    switch (info) {
      case 20:
      case 21:
        return info === 21;
      case 22:
        return null;
      case 25:
        return finite(halfFloat(this.#unsigned(2)));
      case 26:
        return finite(this.#bytes.readFloatBE(this.#take(4)));
      case 27:
        return finite(this.#bytes.readDoubleBE(this.#take(8)));
      default:
        throw new Malformed('a value that JSON has not');
    }
  }

  #argument(info: number): bigint {
    if (info < 24) return BigInt(info);
    if (info > 27) throw new Malformed('a length that is none');
    const bytes = 1 << (info - 24);
    return bytes === 8 ? this.#bytes.readBigUInt64BE(this.#take(8)) : BigInt(this.#unsigned(bytes));
  }

  #unsigned(bytes: number): number {
    return this.#bytes.readUIntBE(this.#take(bytes), bytes);
  }

  #broken(): boolean {
    if (this.#bytes[this.#at] !== BREAK) return false;
    this.#at += 1;
    return true;
  }

  #byte(): number {
    return this.#bytes[this.#take(1)] ?? 0;
  }

  #take(length: number): number {
    const at = this.#at;
    if (at + length > this.#bytes.length) throw new Malformed('the value breaks off');
    this.#at = at + length;
    return at;
  }
}

function exactly(value: bigint): number | string {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : String(value);
}

function finite(value: number): number {
  if (!Number.isFinite(value)) throw new Malformed('a number that JSON has not');
  return value;
}

function halfFloat(bits: number): number {
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  const sign = bits & 0x8000 ? -1 : 1;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : Number.NaN;
  return exponent === 0
    ? sign * 2 ** -14 * (fraction / 1024)
    : sign * 2 ** (exponent - 15) * (1 + fraction / 1024);
}
