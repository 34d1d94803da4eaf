import { sniff } from './envelope.ts';
import { WireMessage } from './wire.ts';

/**
 * A stored object, far enough decoded to ask it for a few fields: as protobuf by field number, as
 * JSON by name. Undefined where the value is encrypted or in no form that is known.
 */
export type StoredObject =
  | { readonly form: 'protobuf'; readonly kind: string; readonly message: WireMessage }
  | { readonly form: 'json'; readonly kind: string; readonly json: JsonObject };

export type JsonObject = { readonly [name: string]: unknown };

export function decodeStored(value: Uint8Array): StoredObject | undefined {
  const envelope = sniff(value);
  if (envelope.form === 'protobuf') {
    const message = WireMessage.parse(envelope.raw);
    return message === undefined ? undefined : { form: 'protobuf', kind: envelope.kind, message };
  }
  if (envelope.form !== 'json') return undefined;
  try {
    const json: unknown = JSON.parse(Buffer.from(value).toString('utf8'));
    return isObject(json) ? { form: 'json', kind: textOf(json['kind']), json } : undefined;
  } catch {
    return undefined;
  }
}

/** metadata.uid; empty where there is none. */
export function uidOf(object: StoredObject): string {
  return object.form === 'protobuf'
    ? (object.message.message(1)?.text(5) ?? '')
    : textOf(at(object.json, 'metadata', 'uid'));
}

export function annotationsOf(object: StoredObject): ReadonlyMap<string, string> {
  if (object.form === 'protobuf') return object.message.message(1)?.textMap(12) ?? new Map();
  return textMapOf(at(object.json, 'metadata', 'annotations'));
}

/** What lies at a path of names, or undefined. */
export function at(json: unknown, ...path: readonly string[]): unknown {
  let here = json;
  for (const name of path) {
    if (!isObject(here)) return undefined;
    here = here[name];
  }
  return here;
}

export function textOf(json: unknown): string {
  return typeof json === 'string' ? json : '';
}

export function listOf(json: unknown): readonly unknown[] {
  return Array.isArray(json) ? json : [];
}

export function textMapOf(json: unknown): Map<string, string> {
  return new Map(isObject(json) ? Object.entries(json).map(([name, value]) => [name, textOf(value)]) : []);
}

function isObject(json: unknown): json is JsonObject {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}
