import { isDeepStrictEqual } from 'node:util';
import { Namespace } from '@lockstep/shared/generated/kubernetes/core/v1/core.ts';
import { isEnvelope, open, seal } from './envelope.ts';
import { fromKubernetesJson, type Json, toKubernetesJson } from './json-form.ts';
import { isKnownKind, KINDS } from './kinds.ts';
import type { StoredObject } from './watch-cache.ts';

/** An API object as clients see it. */
export interface ApiObject {
  apiVersion?: string;
  kind?: string;
  metadata: ObjectMeta;
  [field: string]: unknown;
}

export interface ObjectMeta {
  name?: string;
  generateName?: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  creationTimestamp?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  [field: string]: unknown;
}

const JSON_START = 0x7b;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;

/** The object with its resource version, which is never stored but is the key's own revision. */
export function decodeObject(stored: StoredObject): ApiObject {
  const object = decodeValue(stored.key, stored.value);
  return { ...object, metadata: { ...object.metadata, resourceVersion: stored.modRevision.toString() } };
}

/**
 * Storage bytes, without the resource version: protobuf for built-in kinds, as kube-apiserver stores
 * them, but JSON (its `--storage-media-type=application/json`) where an object has a field that our
 * descriptions do not name, so that nothing a client sent is lost.
 */
export function encodeObject(object: ApiObject): Uint8Array {
  const { resourceVersion: _, ...metadata } = object.metadata;
  const stored = { ...object, metadata };
  return encodeMessage(stored) ?? Buffer.from(`${JSON.stringify(stored)}\n`);
}

function encodeMessage({ apiVersion = '', kind = '', ...fields }: ApiObject): Uint8Array | undefined {
  if (!isKnownKind(kind) || KINDS[kind].apiVersion !== apiVersion) return undefined;
  const { message } = KINDS[kind];
  const decoded = message.fromJSON(fromKubernetesJson(fields as { [name: string]: Json }));
  const again = toKubernetesJson(message.toJSON(decoded as never));
  if (!isDeepStrictEqual(significant(fields as Json), significant(again))) return undefined;
  return seal({ apiVersion, kind, raw: message.encode(decoded as never).finish() });
}

/** Without what is empty, and with times in one form. A `false` or a 0 says something, and our messages drop it. */
function significant(value: Json): Json | undefined {
  if (Array.isArray(value)) {
    const items = value.map((item) => significant(item) ?? null);
    return items.length === 0 ? undefined : items;
  }
  if (typeof value === 'string') return TIME.test(value) ? new Date(value).toISOString() : value || undefined;
  if (typeof value !== 'object') return value;
  if (value === null) return undefined;
  const fields = Object.entries(value).flatMap(([name, field]) => {
    const kept = significant(field);
    return kept === undefined ? [] : [[name, kept] as const];
  });
  return fields.length === 0 ? undefined : Object.fromEntries(fields);
}

function decodeValue(key: string, value: Uint8Array): ApiObject {
  if (value[0] === JSON_START) {
    const object = JSON.parse(Buffer.from(value).toString('utf8')) as ApiObject;
    return { ...object, metadata: object.metadata ?? {} };
  }
  const name = key.slice(key.lastIndexOf('/') + 1);
  if (!isEnvelope(value)) return { metadata: { name }, storedBytes: Buffer.from(value).toString('base64') };
  const { apiVersion, kind, raw } = open(value);
  if (isKnownKind(kind)) {
    const { message } = KINDS[kind];
    const fields = toKubernetesJson(message.toJSON(message.decode(raw) as never));
    return { apiVersion, kind, ...fields, metadata: (fields['metadata'] ?? {}) as ObjectMeta };
  }
  // Metadata is field 1 of every kind: whatever else is in it, a Namespace reads that much.
  const { metadata } = toKubernetesJson(Namespace.toJSON(Namespace.decode(raw)));
  const storedBytes = Buffer.from(raw).toString('base64');
  return { apiVersion, kind, metadata: (metadata ?? { name }) as ObjectMeta, storedBytes };
}
