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

/** Storage bytes, without the resource version. */
export function encodeObject(object: ApiObject): Uint8Array {
  const { resourceVersion: _, ...metadata } = object.metadata;
  return Buffer.from(JSON.stringify({ ...object, metadata }));
}

function decodeValue(key: string, value: Uint8Array): ApiObject {
  if (value[0] === JSON_START) {
    const object = JSON.parse(Buffer.from(value).toString('utf8')) as ApiObject;
    return { ...object, metadata: object.metadata ?? {} };
  }
  return {
    metadata: { name: key.slice(key.lastIndexOf('/') + 1) },
    storedBytes: Buffer.from(value).toString('base64'),
  };
}
