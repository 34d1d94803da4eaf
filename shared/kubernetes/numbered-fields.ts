import { isUtf8 } from 'node:buffer';
import { type Field, type Message, Shape, Type } from './description.ts';
import type { Json } from './json-object.ts';
import { type WireField, WireMessage } from './wire.ts';

/** Deeper ones stay bytes. */
const MAX_DEPTH = 32;
/**
 * What is not described, by field number, nothing left out. Undefined where the bytes are no
 * message. Text is a string and a message an object, told apart by looks; other bytes are
 * { base64 }, fixed-length numbers { fixed32 } and { fixed64 } in hexadecimal, repeated fields lists.
 */
export function numberedFields(bytes: Uint8Array, without?: (number: number) => boolean): Json | undefined {
  return messageFields(bytes, 0, without);
}

function messageFields(
  bytes: Uint8Array,
  depth: number,
  without: ((number: number) => boolean) | undefined,
): Json | undefined {
  const message = WireMessage.parse(bytes);
  if (message === undefined) return undefined;
  const byNumber = new Map<number, unknown[]>();
  for (const field of message.fields) {
    if (without?.(field.number) === true) continue;
    const values = byNumber.get(field.number);
    const value = valueOf(field, depth);
    if (values === undefined) byNumber.set(field.number, [value]);
    else values.push(value);
  }
  const object: Json = {};
  for (const [number, values] of byNumber) object[number] = values.length === 1 ? values[0] : values;
  return object;
}

function valueOf({ varint, bytes, fixed }: WireField, depth: number): unknown {
  if (varint !== undefined) {
    const number = Number(varint);
    return Number.isSafeInteger(number) ? number : String(varint);
  }
  if (bytes !== undefined) return bytesValue(bytes, depth);
  const hexadecimal = Buffer.from(fixed ?? [])
    .reverse()
    .toString('hex');
  return fixed?.length === 4 ? { fixed32: hexadecimal } : { fixed64: hexadecimal };
}

function bytesValue(bytes: Uint8Array, depth: number): unknown {
  if (bytes.length === 0) return '';
  const isText = isUtf8(bytes);
  const text = isText ? Buffer.from(bytes).toString('utf8') : '';
  if (isText && looksLikeText(text)) return text;
  const message = depth < MAX_DEPTH ? messageFields(bytes, depth + 1, undefined) : undefined;
  if (message !== undefined) return message;
  return isText ? text : { base64: Buffer.from(bytes).toString('base64') };
}

/** Without control characters but those of several lines; a message often begins with one that looks like such. */
function looksLikeText(text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code === 0x7f || (code < 0x20 && (index === 0 || ![0x09, 0x0a, 0x0d].includes(code)))) return false;
  }
  return true;
}

/**
 * The fields of a described message that its description does not know, by the path of the message
 * that has them: { "spec.containers[0]": { "99": "…" } }, "" for the object itself.
 */
export function unknownFields(bytes: Uint8Array, message: Message, path = '', depth = 0): Json {
  const found: Json = {};
  const wire = depth > MAX_DEPTH ? undefined : WireMessage.parse(bytes);
  if (wire === undefined) return found;
  const own = numberedFields(bytes, (number) => message.byNumber[number] !== undefined) ?? {};
  if (Object.keys(own).length > 0) found[path] = own;
  const seen = new Map<Field, number>();
  for (const part of wire.fields) {
    const field = message.byNumber[part.number];
    if (field?.type !== Type.message || field.message === undefined || part.bytes === undefined) continue;
    const index = seen.get(field) ?? 0;
    seen.set(field, index + 1);
    const inner = field.shape === Shape.map ? WireMessage.parse(part.bytes)?.bytes(2) : part.bytes;
    if (inner === undefined) continue;
    const at = pathOf(path, field, field.shape === Shape.map ? keyOf(part.bytes) : index);
    Object.assign(found, unknownFields(inner, field.message, at, depth + 1));
  }
  return found;
}

function keyOf(entry: Uint8Array): string {
  return WireMessage.parse(entry)?.text(1) ?? '';
}

function pathOf(path: string, field: Field, at: number | string): string {
  if (field.shape === Shape.inline) return path;
  const name = path === '' ? field.name : `${path}.${field.name}`;
  if (field.shape === Shape.list) return `${name}[${at}]`;
  return field.shape === Shape.map ? `${name}[${JSON.stringify(at)}]` : name;
}
