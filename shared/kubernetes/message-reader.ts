import { type Field, type Message, Shape, Type } from './description.ts';
import { parseJson } from './json-value.ts';
import { durationText, Times } from './scalars.ts';

/** No described message nests deeper of its own, but the schema of a definition; that one to a point. */
const MAX_DEPTH = 200;
const TWO_32 = 2 ** 32;
const LENGTH_DELIMITED = 2;

/** The bytes are no such message: kube-apiserver would refuse them too. */
export class Malformed extends Error {}

export type Json = Record<string, unknown>;

/**
 * Reads one described message after another: one pass over the bytes, values kept in slots until
 * the message ends, then printed in the order of the Go struct and without what Go's encoding/json
 * leaves out. Reused, not shared: it has one value under its eyes.
 */
export class MessageReader {
  readonly #times = new Times();
  #bytes: Buffer = Buffer.alloc(0);
  #at = 0;
  /** The varint read last, as two unsigned halves. */
  #low = 0;
  #high = 0;
  readonly #slots: unknown[] = [];
  #top = 0;
  #resourceVersion = '';
  #metUnknown = false;

  /** Whether the message read last had fields that are not described. */
  get metUnknownFields(): boolean {
    return this.#metUnknown;
  }

  /**
   * A kind's own metadata get the `resourceVersion`, which is not stored. What is read goes into
   * `into`, behind what that has already. Throws Malformed.
   */
  read(bytes: Buffer, message: Message, resourceVersion: string, into: Json = {}): Json {
    this.#bytes = bytes;
    this.#resourceVersion = resourceVersion;
    this.#at = 0;
    this.#metUnknown = false;
    // A message that broke off has left its values.
    if (this.#top !== 0) this.#slots.fill(undefined);
    this.#top = 0;
    return this.#message(message, bytes.length, 0, into);
  }

  #message(message: Message, end: number, depth: number, into: Json): Json {
    if (depth > MAX_DEPTH) throw new Malformed(`nested deeper than ${MAX_DEPTH}`);
    const base = this.#top;
    this.#top = base + message.printed.length;
    while (this.#slots.length < this.#top) this.#slots.push(undefined);
    this.#fields(message, end, base, depth);
    const { versionSlot } = message;
    if (versionSlot !== undefined && depth <= 1) this.#slots[base + versionSlot] = this.#resourceVersion;
    this.#print(message, base, depth, into);
    this.#top = base;
    return into;
  }

  #fields(message: Message, end: number, base: number, depth: number): void {
    const { byNumber } = message;
    const start = this.#at;
    let merged: Set<Field> | undefined;
    while (this.#at < end) {
      const tag = this.#varint();
      const number = tag < TWO_32 ? tag >>> 3 : 0;
      const wire = tag & 7;
      const field = byNumber[number];
      if (field === undefined) {
        if (number === 0) throw new Malformed('a field has no number');
        this.#metUnknown = true;
        this.#skip(wire, end);
        continue;
      }
      const slot = base + field.slot;
      switch (field.shape) {
        case Shape.single:
          if (field.type === Type.message && this.#slots[slot] !== undefined) {
            merged ??= new Set();
            this.#slots[slot] = this.#merged(field, { slot, start, end, depth }, merged);
          } else {
            this.#slots[slot] = this.#single(field, wire, end, depth);
          }
          break;
        case Shape.list:
          this.#list(field, wire, end, slot, depth);
          break;
        case Shape.map:
          this.#entry(field, wire, end, slot, depth);
          break;
        case Shape.inline:
          this.#fields(field.message as Message, this.#length(wire, end), slot, depth + 1);
          break;
      }
    }
    if (this.#at !== end) throw new Malformed('a field ends beyond its message');
  }

  /** A message that comes in pieces is the one that they make together; all are read at the second. */
  #merged(
    field: Field,
    at: { readonly slot: number; readonly start: number; readonly end: number; readonly depth: number },
    done: Set<Field>,
  ): unknown {
    const after = this.#length(LENGTH_DELIMITED, at.end);
    if (done.has(field)) {
      this.#at = after;
      return this.#slots[at.slot];
    }
    done.add(field);
    const bytes = this.#bytes;
    const pieces: Buffer[] = [];
    this.#at = at.start;
    while (this.#at < at.end) {
      const tag = this.#varint();
      const from = this.#at;
      this.#skip(tag & 7, at.end);
      if (tag >>> 3 !== field.number) continue;
      const past = this.#at;
      this.#at = from;
      this.#length(tag & 7, at.end);
      pieces.push(bytes.subarray(this.#at, past));
      this.#at = past;
    }
    this.#bytes = Buffer.concat(pieces);
    this.#at = 0;
    const value = this.#nested(field, this.#bytes.length, at.depth);
    this.#bytes = bytes;
    this.#at = after;
    return value;
  }

  /** Undefined where it is left out. */
  #single(field: Field, wire: number, end: number, depth: number): unknown {
    const value = this.#value(field, wire, end, depth);
    if (!field.omitted || field.nilable) return value;
    return value === '' || value === 0 || value === false || value === null ? undefined : value;
  }

  #list(field: Field, wire: number, end: number, slot: number, depth: number): void {
    let list = this.#slots[slot] as unknown[] | undefined;
    if (list === undefined) {
      list = [];
      this.#slots[slot] = list;
    }
    if (wire !== LENGTH_DELIMITED || field.type < Type.bool || field.type > Type.float64) {
      list.push(this.#value(field, wire, end, depth));
      return;
    }
    // Numbers, packed.
    const inner = this.#length(wire, end);
    const each = field.type === Type.float64 ? 1 : 0;
    while (this.#at < inner) list.push(this.#value(field, each, inner, depth));
  }

  /** Into a list of key, value, key, value. */
  #entry(field: Field, wire: number, end: number, slot: number, depth: number): void {
    const inner = this.#length(wire, end);
    let key = '';
    let value: unknown;
    while (this.#at < inner) {
      const tag = this.#varint();
      if (tag === 0x0a) key = this.#text(inner);
      else if (tag >>> 3 === 2) value = this.#value(field, tag & 7, inner, depth);
      else this.#skip(tag & 7, inner);
    }
    if (this.#at !== inner) throw new Malformed('an entry ends beyond its map');
    if (value === undefined) value = field.type === Type.bytes ? '' : this.#absent(field, depth);
    const entries = this.#slots[slot] as unknown[] | undefined;
    if (entries === undefined) this.#slots[slot] = [key, value];
    else entries.push(key, value);
  }

  #value(field: Field, wire: number, end: number, depth: number): unknown {
    switch (field.type) {
      case Type.string:
        if (wire !== LENGTH_DELIMITED) throw new Malformed(`${field.name} is no text`);
        return this.#text(end);
      case Type.message:
        return this.#nested(field, this.#length(wire, end), depth);
      case Type.int32:
        this.#long(field, wire);
        return this.#low | 0;
      case Type.bool:
        this.#long(field, wire);
        return this.#low !== 0 || this.#high !== 0;
      case Type.int64:
        this.#long(field, wire);
        return exact(this.#high | 0, this.#low);
      case Type.uint32:
        this.#long(field, wire);
        return this.#low;
      case Type.uint64:
        this.#long(field, wire);
        return exact(this.#high, this.#low);
      case Type.float64:
        if (wire !== 1) throw new Malformed(`${field.name} is no double`);
        return this.#bytes.readDoubleLE(this.#take(8, end));
      case Type.bytes: {
        const inner = this.#length(wire, end);
        return this.#bytes.toString('base64', this.#take(inner - this.#at, inner), inner);
      }
      default:
        return this.#special(field.type, this.#length(wire, end));
    }
  }

  #nested(field: Field, end: number, depth: number): unknown {
    const message = field.message as Message;
    const object = this.#message(message, end, depth + 1, {});
    return message.alternatives === undefined ? object : message.alternatives(object);
  }

  /** What upstream reads and prints by code of its own, up to `end`. */
  #special(type: Type, end: number): unknown {
    switch (type) {
      case Type.Time:
      case Type.MicroTime:
        return this.#time(type, end);
      case Type.Quantity:
        return this.#lastText(1, end) || '0';
      case Type.Duration:
        return this.#duration(end);
      case Type.IntOrString:
        return this.#intOrString(end);
      case Type.raw:
        return this.#raw(end);
      default:
        return this.#items(end);
    }
  }

  #time(type: Type, end: number): string | null {
    if (this.#at === end) return null;
    let seconds = 0;
    let nanos = 0;
    while (this.#at < end) {
      const tag = this.#varint();
      if (tag === 0x08) {
        this.#long64();
        seconds = (this.#high | 0) * TWO_32 + this.#low;
      } else if (tag === 0x10) {
        this.#long64();
        nanos = this.#low | 0;
      } else this.#skip(tag & 7, end);
    }
    this.#ended(end);
    return type === Type.Time ? this.#times.seconds(seconds) : this.#times.micros(seconds, nanos);
  }

  #duration(end: number): string {
    let nanos = 0n;
    while (this.#at < end) {
      const tag = this.#varint();
      if (tag === 0x08) {
        this.#long64();
        nanos = (BigInt(this.#high | 0) << 32n) | BigInt(this.#low);
      } else this.#skip(tag & 7, end);
    }
    this.#ended(end);
    return durationText(nanos);
  }

  #intOrString(end: number): number | string {
    let isText = false;
    let number = 0;
    let text = '';
    while (this.#at < end) {
      const tag = this.#varint();
      if (tag === 0x08) {
        this.#long64();
        isText = this.#low !== 0;
      } else if (tag === 0x10) {
        this.#long64();
        number = this.#low | 0;
      } else if (tag === 0x1a) text = this.#text(end);
      else this.#skip(tag & 7, end);
    }
    this.#ended(end);
    return isText ? text : number;
  }

  #raw(end: number): unknown {
    const text = this.#lastText(1, end);
    if (text === '') return null;
    const value = parseJson(text);
    // It is no JSON, and no API server could print it: shown as it is.
    return value === undefined ? text : value;
  }

  #items(end: number): unknown[] | null {
    let list: unknown[] | null = null;
    while (this.#at < end) {
      const tag = this.#varint();
      if (tag !== 0x0a) {
        this.#skip(tag & 7, end);
        continue;
      }
      list ??= [];
      list.push(this.#text(end));
    }
    this.#ended(end);
    return list;
  }

  #lastText(number: number, end: number): string {
    let text = '';
    while (this.#at < end) {
      const tag = this.#varint();
      if (tag === number * 8 + LENGTH_DELIMITED) text = this.#text(end);
      else this.#skip(tag & 7, end);
    }
    this.#ended(end);
    return text;
  }

  #print(message: Message, base: number, depth: number, object: Json): void {
    const slots = this.#slots;
    const { printed } = message;
    for (let index = 0; index < printed.length; index++) {
      const field = printed[index] as Field;
      let value = slots[base + index];
      if (value === undefined) {
        if (field.omitted) continue;
        value = this.#absent(field, depth);
      } else {
        slots[base + index] = undefined;
        if (field.shape === Shape.map) value = sorted(value as unknown[]);
      }
      object[field.name] = value;
    }
  }

  #absent(field: Field, depth: number): unknown {
    if (field.nilable || field.shape !== Shape.single) return null;
    switch (field.type) {
      case Type.string:
        return '';
      case Type.bool:
        return false;
      case Type.message: {
        const at = this.#at;
        return this.#nested(field, at, depth);
      }
      case Type.Quantity:
        return '0';
      case Type.Duration:
        return '0s';
      case Type.bytes:
      case Type.Time:
      case Type.MicroTime:
      case Type.raw:
      case Type.items:
        return null;
      default:
        return 0;
    }
  }

  #text(end: number): string {
    const inner = this.#length(LENGTH_DELIMITED, end);
    const from = this.#at;
    this.#at = inner;
    return from === inner ? '' : this.#bytes.toString('utf8', from, inner);
  }

  /** Reads a length, and says where what it is the length of ends. */
  #length(wire: number, end: number): number {
    if (wire !== LENGTH_DELIMITED) throw new Malformed('a field has no length');
    const length = this.#varint();
    const inner = this.#at + length;
    if (inner > end) throw new Malformed('a field ends beyond its message');
    return inner;
  }

  #take(length: number, end: number): number {
    const at = this.#at;
    if (at + length > end) throw new Malformed('a field ends beyond its message');
    this.#at = at + length;
    return at;
  }

  #ended(end: number): void {
    if (this.#at !== end) throw new Malformed('a field ends beyond its message');
  }

  #skip(wire: number, end: number): void {
    switch (wire) {
      case 0:
        this.#long64();
        break;
      case 1:
        this.#take(8, end);
        break;
      case LENGTH_DELIMITED:
        this.#at = this.#length(wire, end);
        break;
      case 5:
        this.#take(4, end);
        break;
      default:
        throw new Malformed('a group');
    }
  }

  /** Lengths and tags; beyond 2^53 inexact, and refused as too long by whoever asked. */
  #varint(): number {
    const first = this.#bytes[this.#at];
    if (first !== undefined && first < 0x80) {
      this.#at += 1;
      return first;
    }
    this.#long64();
    return this.#high * TWO_32 + this.#low;
  }

  #long(field: Field, wire: number): void {
    if (wire !== 0) throw new Malformed(`${field.name} is no number`);
    this.#long64();
  }

  #long64(): void {
    const bytes = this.#bytes;
    let at = this.#at;
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
        this.#at = at;
        this.#low = low >>> 0;
        this.#high = high >>> 0;
        return;
      }
    }
    throw new Malformed('a number has no end');
  }
}

/** A number, or, where none holds it exactly, the text of its digits. */
function exact(high: number, low: number): number | string {
  const number = high * TWO_32 + low;
  return Number.isSafeInteger(number) ? number : String((BigInt(high) << 32n) | BigInt(low));
}

/** Key, value, key, value, … as an object in the order of keys, as Go prints maps. */
function sorted(entries: unknown[]): Json {
  const object: Json = {};
  let last = '';
  for (let index = 0; index < entries.length; index += 2) {
    const key = entries[index] as string;
    if (key < last) return sorted(sortedEntries(entries));
    last = key;
    put(object, key, entries[index + 1]);
  }
  return object;
}

function sortedEntries(entries: unknown[]): unknown[] {
  const byKey = new Map<unknown, unknown>();
  for (let index = 0; index < entries.length; index += 2) byKey.set(entries[index], entries[index + 1]);
  const keys = [...byKey.keys()] as string[];
  return keys.sort((a, b) => (a < b ? -1 : 1)).flatMap((key) => [key, byKey.get(key)]);
}

/** As a key of its own, also where it is called "__proto__". */
export function put(object: Json, key: string, value: unknown): void {
  if (key === '__proto__') {
    Object.defineProperty(object, key, { value, enumerable: true, writable: true, configurable: true });
  } else object[key] = value;
}
