import { Namespace } from '@lockstep/shared/generated/kubernetes/core/v1/core.ts';
import { isEnvelope, open } from './envelope.ts';
import { toKubernetesJson } from './json-form.ts';
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
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  creationTimestamp?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  [field: string]: unknown;
}

const JSON_START = 0x7b;

/** The object with its resource version, which is never stored but is the key's own revision. */
export function decodeObject(stored: StoredObject): ApiObject {
  const object = decodeValue(stored.key, stored.value);
  return { ...object, metadata: { ...object.metadata, resourceVersion: stored.modRevision.toString() } };
}

/**
 * Storage bytes, without the resource version. Always JSON, as kube-apiserver writes it with
 * `--storage-media-type=application/json`: what clients send may have fields that our descriptions of
 * the built-in kinds do not name.
 */
export function encodeObject(object: ApiObject): Uint8Array {
  const { resourceVersion: _, ...metadata } = object.metadata;
  return Buffer.from(JSON.stringify({ ...object, metadata }));
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
