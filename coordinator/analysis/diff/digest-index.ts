import { hash } from 'node:crypto';
import type { Evidence } from '@lockstep/shared/evidence/evidence.ts';
import { KeyTable } from '@lockstep/shared/snapshot/key-table.ts';
import { KeyBytes, newestRows, type Selection } from '../live.ts';

/** Of SHA-256, this much tells two values apart. */
const DIGEST_BYTES = 16;

/** The current keys with a digest of each value, as columns: cheap to hand from a worker to its caller. */
export interface DigestIndex {
  /** All keys end to end, latin1. */
  readonly keys: Uint8Array;
  /** Where each key ends in `keys`. */
  readonly keyEnds: Float64Array;
  readonly mains: Float64Array;
  readonly subs: Float64Array;
  /** `DIGEST_BYTES` for each key. */
  readonly digests: Uint8Array;
  readonly revision: number;
  readonly notes: readonly string[];
}

/** Reads the whole store, synchronously. Throws as `Evidence.rows` does. */
export function digestIndex(evidence: Evidence, select: Selection): DigestIndex {
  const live = newestRows(evidence, select);
  const keys = Buffer.allocUnsafeSlow(live.keysBytes);
  const index = {
    keys,
    keyEnds: new Float64Array(live.size),
    mains: new Float64Array(live.size),
    subs: new Float64Array(live.size),
    digests: new Uint8Array(live.size * DIGEST_BYTES),
    revision: evidence.facts.revision,
    notes: evidence.notes,
  };
  let at = 0;
  let end = 0;
  let sequence = 0;
  evidence.rows((row) => {
    if (!live.has(sequence++)) return;
    end += keys.write(row.key, end, 'latin1');
    index.keyEnds[at] = end;
    index.mains[at] = row.main;
    index.subs[at] = row.sub;
    index.digests.set(hash('sha256', row.value, 'buffer').subarray(0, DIGEST_BYTES), at * DIGEST_BYTES);
    at++;
  });
  return index;
}

/** Where the newest value of a key lies. */
export interface Place {
  readonly main: number;
  readonly sub: number;
}

/** A key whose value is in one store alone, or another in each. */
export interface Differing {
  /** latin1 */
  readonly key: string;
  readonly before?: Place;
  readonly after?: Place;
}

/** The keys that differ, sorted. Which revision they were written at makes no difference. */
export function differing(before: DigestIndex, after: DigestIndex): Differing[] {
  const table = new KeyTable();
  const key = new KeyBytes();
  for (const [index, text] of keysOf(before)) {
    const length = key.take(text);
    table.put(key.bytes, 0, length, { main: 0, sub: 0, note: index });
  }
  const found: Differing[] = [];
  for (const [index, text] of keysOf(after)) {
    const was = table.get(text)?.note;
    const now = placeIn(after, index);
    if (was === undefined) found.push({ key: text, after: now });
    else {
      if (!sameDigest(before, was, after, index)) {
        found.push({ key: text, before: placeIn(before, was), after: now });
      }
      const length = key.take(text);
      table.delete(key.bytes, 0, length);
    }
  }
  for (const [text, { note }] of table) found.push({ key: text, before: placeIn(before, note) });
  return found.sort((a, b) => (a.key < b.key ? -1 : 1));
}

function* keysOf({ keys, keyEnds }: DigestIndex): Generator<[number, string]> {
  // Across a worker's boundary a Buffer arrives as a plain Uint8Array.
  const bytes = Buffer.from(keys.buffer, keys.byteOffset, keys.byteLength);
  let start = 0;
  for (const [index, end] of keyEnds.entries()) {
    yield [index, bytes.toString('latin1', start, end)];
    start = end;
  }
}

function placeIn({ mains, subs }: DigestIndex, index: number): Place {
  return { main: mains[index]!, sub: subs[index]! };
}

function sameDigest(a: DigestIndex, ofA: number, b: DigestIndex, ofB: number): boolean {
  for (let at = 0; at < DIGEST_BYTES; at++) {
    if (a.digests[ofA * DIGEST_BYTES + at] !== b.digests[ofB * DIGEST_BYTES + at]) return false;
  }
  return true;
}
