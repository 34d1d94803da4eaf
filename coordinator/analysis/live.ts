import type { Evidence, Row } from '@lockstep/shared/evidence/evidence.ts';
import type { DecodeContext, Decoded } from '@lockstep/shared/kubernetes/decoded.ts';
import { KeyTable } from '@lockstep/shared/snapshot/key-table.ts';
import { type ObjectPlace, placeOf, resourceMatcher } from './resource-name.ts';

/** What is asked of a decoder. */
export interface ObjectDecoder {
  decode(value: Uint8Array, context: DecodeContext): Decoded;
}

/** Which keys; without any field all that are an object's. */
export interface Selection {
  /** As a person writes it: "pod", "deploy", "deployments.apps". */
  readonly resource?: string;
  readonly namespace?: string;
  readonly name?: string;
  /** Start of the key, latin1. */
  readonly keyPrefix?: string;
  /** As things stood at this revision, not at the newest. */
  readonly revision?: number;
  /** Also keys that are no object's: a compaction's mark, allocations of somebody else. */
  readonly everyKey?: boolean;
}

export interface LiveObject extends ObjectPlace {
  /** latin1 */
  readonly key: string;
  readonly modRevision: number;
  readonly createRevision: number;
  readonly decoded: Decoded;
}

/**
 * The rows that are the newest of their keys, in order of revision. The fast way: two walks over
 * the file, a bit for each row between them. The row is a view, as in `Evidence.rows`.
 */
export function visitLive(
  evidence: Evidence,
  select: Selection,
  visit: (row: Row, place: ObjectPlace) => void,
): void {
  const live = newestRows(evidence, select);
  const { registryPrefix } = evidence.facts;
  let sequence = 0;
  evidence.rows((row) => {
    if (live.has(sequence++)) visit(row, placeOf(row.key, registryPrefix));
  });
}

/**
 * The current objects, decoded, in order of revision: one at a time, so that a store of gigabytes
 * is never in memory. `visitLive` is faster where a callback serves.
 */
export function* liveObjects(
  evidence: Evidence,
  decoder: ObjectDecoder,
  select: Selection = {},
): Generator<LiveObject> {
  const { registryPrefix } = evidence.facts;
  for (const { key, main, sub, createRevision } of liveRows(evidence, select)) {
    const value = evidence.value(main, sub);
    if (value === undefined) continue;
    yield {
      key,
      ...placeOf(key, registryPrefix),
      modRevision: main,
      createRevision,
      decoded: decoder.decode(value, { key, modRevision: main }),
    };
  }
}

interface LiveRow {
  readonly key: string;
  readonly main: number;
  readonly sub: number;
  readonly createRevision: number;
}

/** Where the newest value of each key lies, in order of revision. */
function* liveRows(evidence: Evidence, select: Selection): Generator<LiveRow> {
  const live = newestRows(evidence, select);
  const keys = Buffer.allocUnsafe(live.keysBytes);
  const ends = new Float64Array(live.size);
  const mains = new Float64Array(live.size);
  const subs = new Float64Array(live.size);
  const creates = new Float64Array(live.size);
  let at = 0;
  let end = 0;
  let sequence = 0;
  evidence.rows((row) => {
    if (!live.has(sequence++)) return;
    end += keys.write(row.key, end, 'latin1');
    ends[at] = end;
    mains[at] = row.main;
    subs[at] = row.sub;
    creates[at] = row.createRevision;
    at++;
  });
  for (let index = 0; index < at; index++) {
    const start = index === 0 ? 0 : ends[index - 1]!;
    yield {
      key: keys.toString('latin1', start, ends[index]),
      main: mains[index]!,
      sub: subs[index]!,
      createRevision: creates[index]!,
    };
  }
}

/** One bit for each row of the store, by its place in order of revision. */
export interface NewestRows {
  readonly size: number;
  readonly keysBytes: number;
  has(sequence: number): boolean;
}

export function newestRows(evidence: Evidence, select: Selection): NewestRows {
  const wanted = keyFilter(evidence.facts.registryPrefix, select);
  const upTo = select.revision ?? Number.POSITIVE_INFINITY;
  const table = new KeyTable();
  const key = new KeyBytes();
  let sequence = 0;
  evidence.rows((row) => {
    const own = sequence++;
    if (row.main > upTo || !wanted(row.key)) return;
    const length = key.take(row.key);
    if (row.deleted) table.delete(key.bytes, 0, length);
    else table.put(key.bytes, 0, length, { main: row.main, sub: row.sub, note: own });
  });
  const bits = new Uint8Array(Math.ceil(sequence / 8));
  let keysBytes = 0;
  for (const [live, { note: own }] of table) {
    bits[own >>> 3]! |= 1 << (own & 7);
    keysBytes += live.length;
  }
  return { size: table.size, keysBytes, has: (own) => (bits[own >>> 3]! & (1 << (own & 7))) !== 0 };
}

/** A key's bytes in one buffer, used again for each. */
export class KeyBytes {
  bytes = Buffer.allocUnsafe(4096);

  /** Returns how many of `bytes` are the key's. */
  take(key: string): number {
    if (key.length > this.bytes.length) this.bytes = Buffer.allocUnsafe(key.length * 2);
    return this.bytes.write(key, 'latin1');
  }
}

/** Judges keys; the same resource of many keys in a row is judged once. */
export function keyFilter(registryPrefix: string, select: Selection): (key: string) => boolean {
  const { resource, namespace, name, keyPrefix = '', everyKey = false } = select;
  const isResource = resource === undefined ? undefined : resourceMatcher(resource);
  const byPlace = isResource !== undefined || namespace !== undefined || name !== undefined;
  const under = `${registryPrefix}/`;
  return (key) => {
    if (!key.startsWith(keyPrefix)) return false;
    if (!byPlace) return everyKey || key.startsWith(under);
    const place = placeOf(key, registryPrefix);
    return (
      place.resource !== '' &&
      (isResource === undefined || isResource(place.resource)) &&
      (namespace === undefined || place.namespace === namespace) &&
      (name === undefined || place.name === name)
    );
  };
}
