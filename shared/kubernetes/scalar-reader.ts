import { Type } from './description.ts';
import { parseJson } from './json-value.ts';
import { durationText, Times } from './scalars.ts';
import { LENGTH_DELIMITED, TWO_32, WireCursor } from './wire-cursor.ts';

/** Reads the messages that stand for one value: times, quantities, texts of JSON. */
export class ScalarReader extends WireCursor {
  readonly #times = new Times();

  /** What upstream reads and prints by code of its own, up to `end`. */
  protected special(type: Type, end: number): unknown {
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
    if (this.at === end) return null;
    let seconds = 0;
    let nanos = 0;
    while (this.at < end) {
      const tag = this.varint();
      if (tag === 0x08) {
        this.long64();
        seconds = (this.high | 0) * TWO_32 + this.low;
      } else if (tag === 0x10) {
        this.long64();
        nanos = this.low | 0;
      } else this.skip(tag & 7, end);
    }
    this.ended(end);
    return type === Type.Time ? this.#times.seconds(seconds) : this.#times.micros(seconds, nanos);
  }

  #duration(end: number): string {
    let nanos = 0n;
    while (this.at < end) {
      const tag = this.varint();
      if (tag === 0x08) {
        this.long64();
        nanos = (BigInt(this.high | 0) << 32n) | BigInt(this.low);
      } else this.skip(tag & 7, end);
    }
    this.ended(end);
    return durationText(nanos);
  }

  #intOrString(end: number): number | string {
    let isText = false;
    let number = 0;
    let text = '';
    while (this.at < end) {
      const tag = this.varint();
      if (tag === 0x08) {
        this.long64();
        isText = this.low !== 0;
      } else if (tag === 0x10) {
        this.long64();
        number = this.low | 0;
      } else if (tag === 0x1a) text = this.text(end);
      else this.skip(tag & 7, end);
    }
    this.ended(end);
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
    while (this.at < end) {
      const tag = this.varint();
      if (tag !== 0x0a) {
        this.skip(tag & 7, end);
        continue;
      }
      list ??= [];
      list.push(this.text(end));
    }
    this.ended(end);
    return list;
  }

  #lastText(number: number, end: number): string {
    let text = '';
    while (this.at < end) {
      const tag = this.varint();
      if (tag === number * 8 + LENGTH_DELIMITED) text = this.text(end);
      else this.skip(tag & 7, end);
    }
    this.ended(end);
    return text;
  }
}
