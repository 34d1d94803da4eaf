import { type Field, type Message, Shape, Type } from './description.ts';
import { type Json, sorted } from './json-object.ts';
import { ScalarReader } from './scalar-reader.ts';
import { LENGTH_DELIMITED, Malformed, TWO_32 } from './wire-cursor.ts';

/** No described message nests deeper of its own, but the schema of a definition; that one to a point. */
const MAX_DEPTH = 200;

/**
 * Reads one described message after another: one pass over the bytes, values kept in slots until
 * the message ends, then printed in the order of the Go struct and without what Go's encoding/json
 * leaves out. Reused, not shared: it has one value under its eyes.
 */
export class MessageReader extends ScalarReader {
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
    this.bytes = bytes;
    this.#resourceVersion = resourceVersion;
    this.at = 0;
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
    const start = this.at;
    let merged: Set<Field> | undefined;
    while (this.at < end) {
      const tag = this.varint();
      const number = tag < TWO_32 ? tag >>> 3 : 0;
      const wire = tag & 7;
      const field = byNumber[number];
      if (field === undefined) {
        if (number === 0) throw new Malformed('a field has no number');
        this.#metUnknown = true;
        this.skip(wire, end);
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
          this.#fields(field.message as Message, this.length(wire, end), slot, depth + 1);
          break;
      }
    }
    if (this.at !== end) throw new Malformed('a field ends beyond its message');
  }

  /** A message that comes in pieces is the one that they make together; all are read at the second. */
  #merged(
    field: Field,
    at: { readonly slot: number; readonly start: number; readonly end: number; readonly depth: number },
    done: Set<Field>,
  ): unknown {
    const after = this.length(LENGTH_DELIMITED, at.end);
    if (done.has(field)) {
      this.at = after;
      return this.#slots[at.slot];
    }
    done.add(field);
    const bytes = this.bytes;
    const pieces: Buffer[] = [];
    this.at = at.start;
    while (this.at < at.end) {
      const tag = this.varint();
      const from = this.at;
      this.skip(tag & 7, at.end);
      if (tag >>> 3 !== field.number) continue;
      const past = this.at;
      this.at = from;
      this.length(tag & 7, at.end);
      pieces.push(bytes.subarray(this.at, past));
      this.at = past;
    }
    this.bytes = Buffer.concat(pieces);
    this.at = 0;
    const value = this.#nested(field, this.bytes.length, at.depth);
    this.bytes = bytes;
    this.at = after;
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
    const inner = this.length(wire, end);
    const each = field.type === Type.float64 ? 1 : 0;
    while (this.at < inner) list.push(this.#value(field, each, inner, depth));
  }

  /** Into a list of key, value, key, value. */
  #entry(field: Field, wire: number, end: number, slot: number, depth: number): void {
    const inner = this.length(wire, end);
    let key = '';
    let value: unknown;
    while (this.at < inner) {
      const tag = this.varint();
      if (tag === 0x0a) key = this.text(inner);
      else if (tag >>> 3 === 2) value = this.#value(field, tag & 7, inner, depth);
      else this.skip(tag & 7, inner);
    }
    if (this.at !== inner) throw new Malformed('an entry ends beyond its map');
    if (value === undefined) value = field.type === Type.bytes ? '' : this.#absent(field, depth);
    const entries = this.#slots[slot] as unknown[] | undefined;
    if (entries === undefined) this.#slots[slot] = [key, value];
    else entries.push(key, value);
  }

  #value(field: Field, wire: number, end: number, depth: number): unknown {
    switch (field.type) {
      case Type.string:
        if (wire !== LENGTH_DELIMITED) throw new Malformed(`${field.name} is no text`);
        return this.text(end);
      case Type.message:
        return this.#nested(field, this.length(wire, end), depth);
      case Type.int32:
        this.#long(field, wire);
        return this.low | 0;
      case Type.bool:
        this.#long(field, wire);
        return this.low !== 0 || this.high !== 0;
      case Type.int64:
        this.#long(field, wire);
        return exact(this.high | 0, this.low);
      case Type.uint32:
        this.#long(field, wire);
        return this.low;
      case Type.uint64:
        this.#long(field, wire);
        return exact(this.high, this.low);
      case Type.float64:
        if (wire !== 1) throw new Malformed(`${field.name} is no double`);
        return this.bytes.readDoubleLE(this.take(8, end));
      case Type.bytes: {
        const inner = this.length(wire, end);
        return this.bytes.toString('base64', this.take(inner - this.at, inner), inner);
      }
      default:
        return this.special(field.type, this.length(wire, end));
    }
  }

  #nested(field: Field, end: number, depth: number): unknown {
    const message = field.message as Message;
    const object = this.#message(message, end, depth + 1, {});
    return message.alternatives === undefined ? object : message.alternatives(object);
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
        const at = this.at;
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

  #long(field: Field, wire: number): void {
    if (wire !== 0) throw new Malformed(`${field.name} is no number`);
    this.long64();
  }
}

/** A number, or, where none holds it exactly, the text of its digits. */
function exact(high: number, low: number): number | string {
  const number = high * TWO_32 + low;
  return Number.isSafeInteger(number) ? number : String((BigInt(high) << 32n) | BigInt(low));
}
